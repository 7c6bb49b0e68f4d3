//! The simulated server under the script.

use serde_json::json;

use super::Ground;
use super::script::{Act, NODES, PODS, Who};
use crate::real::cluster::http::{Client, Form, PATIENCE};
use crate::real::cluster::pods::{Pod, node_name};
use crate::simulated::apiserver::{Options, Rights, Server};
use crate::simulated::host::Host;

/// A simulated server with the pods of the script.
pub(crate) struct Simulated {
    server: Server,
    // After the server.
    _host: Host,
}

impl Simulated {
    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let host = Host::start("conformance")?;
        let options = Options { nodes: u32::try_from(NODES)?, ..Options::default() };
        let server = host.wait_for(Server::start(options))?;
        let mut simulated = Self { server, _host: host };
        for number in 0..PODS {
            simulated.put(number, if number % NODES == 0 { "Running" } else { "Pending" })?;
        }
        Ok(simulated)
    }

    fn put(&mut self, number: usize, phase: &str) -> anyhow::Result<()> {
        let pod = Pod { number, node: number % NODES };
        let mut object = pod.object();
        object["metadata"]["namespace"] = pod.namespace().into();
        object["spec"]["nodeName"] = node_name(pod.node).into();
        object["status"] = match phase {
            "Pending" => json!({"phase": "Pending", "qosClass": "Burstable"}),
            _ => pod.running()["status"].take(),
        };
        object["status"]["phase"] = phase.into();
        self.server.store().add_pod(object)?;
        Ok(())
    }
}

impl Ground for Simulated {
    fn client(&self, who: Who) -> anyhow::Result<Client> {
        let token = match who {
            Who::Agent => Some(self.server.token("system:serviceaccount:tare:tare")),
            Who::Bare => Some(self.server.token_with("system:serviceaccount:tare:bare", Rights::Nothing)),
            Who::Admin => Some(self.server.token("admin")),
            Who::Forged => Some("forged".to_owned()),
            Who::Anonymous => None,
        };
        let (address, tls) = (self.server.address(), self.server.authority().trusting(None)?);
        Ok(Client {
            address,
            tls,
            token,
            user_agent: "conformance".to_owned(),
            patience: PATIENCE,
            form: Form::Json,
        })
    }

    fn act(&mut self, act: Act) -> anyhow::Result<()> {
        match act {
            Act::Create(number) => self.put(number, "Pending")?,
            Act::Run(number) => self.put(number, "Running")?,
            Act::Succeed(number) => self.put(number, "Succeeded")?,
            Act::Delete(number) => {
                let pod = Pod { number, node: 0 };
                self.server.store().remove_pod(&pod.namespace(), &pod.name());
            }
        }
        Ok(())
    }
}

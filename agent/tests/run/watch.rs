//! The shared watch in a running agent, against an API server that records what it gets.
//!
//! The declaration is so large that a turn comes every 10 s, the shortest period; a test waits for a few of them. What is
//! slow is done side by side, in threads.

use serde_json::Value;

use crate::process::{Agent, wait_long};
use crate::receiver::Receiver;

mod life;
mod pause;
pub(crate) mod server;
mod trouble;

use server::Server;

/// What is added to a configuration for a node whose size is vouched for: its first turn is a LIST and a WATCH.
pub(crate) const ONE_NODE: &str = "cluster: {size: 1}\nslo: {control_plane: {requests_per_second: 100}}";
/// The same for one that has to ask its DaemonSet first.
const DAEMON_SET: &str = "cluster: {hint: 2}\nslo: {control_plane: {requests_per_second: 100}}";

/// A configuration that asks the API server of the kubeconfig beside it.
fn config(folder: &str, receiver: &Receiver, cluster: &str, kube: &str) -> String {
    format!(
        "host: {{interval: 1s, scrapers: {{memory: {{}}}}}}\n\
         outputs: [{{name: t, otlp: {{endpoint: \"{}\"}}}}]\n\
         control: {{self_telemetry_interval: 1s, shutdown_timeout: 5s}}\n\
         kube: {{kubeconfig: \"{folder}/kubeconfig\", node_name: node-1{kube}}}\n\
         {cluster}\n",
        receiver.endpoint()
    )
}

/// An agent with an API server and a receiver of its own.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) receiver: Receiver,
    pub(crate) agent: Agent,
    /// Where the kubeconfig is.
    folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn start(server: Server, cluster: &str, kube: &str) -> Self {
        Self::start_with(server, cluster, kube, &[])
    }

    fn start_with(server: Server, cluster: &str, kube: &str, more: &[&str]) -> Self {
        let (receiver, folder) = (Receiver::start(), tempfile::tempdir().unwrap());
        server.write_kubeconfig(&folder.path().join("kubeconfig"));
        let agent =
            Agent::start_with(&config(folder.path().to_str().unwrap(), &receiver, cluster, kube), more);
        Self { server, receiver, agent, folder }
    }

    /// The same configuration with another declaration or another `kube` section.
    pub(crate) fn reload(&self, cluster: &str, kube: &str) {
        let folder = self.folder.path().to_str().unwrap();
        self.agent.rewrite(&config(folder, &self.receiver, cluster, kube));
        self.agent.signal("HUP");
    }

    /// The budget's part of the status, once it `fits`.
    pub(crate) fn budget(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.agent.wait_long_for_status(what, |status| fits(&status["budget"]))["budget"].take()
    }

    /// Waits until the server has seen an open watch and the agent knows it.
    fn in_sync(&self) -> Value {
        let open =
            |budget: &Value| budget["watch"]["open_s"].is_u64() && budget["watch"]["confirmed"] == true;
        let budget = self.budget("an open watch", open);
        self.until("a watch at the server", || self.server.watches() == 1);
        budget
    }

    /// Waits for turns.
    pub(crate) fn until(&self, what: &str, done: impl FnMut() -> bool) {
        wait_long(done, || {
            format!("no {what}; the server saw {:#?}; {}", self.server.seen(), self.agent.log())
        });
    }
}

/// Every request that a status tells of: (verb, resource, reason, status) and how many.
pub(crate) fn counts(budget: &Value) -> Vec<(String, u64)> {
    let text = |request: &Value, key: &str| request[key].as_str().unwrap().to_owned();
    let mut counts: Vec<_> = budget["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|request| {
            let key = ["verb", "resource", "reason", "status"].map(|key| text(request, key)).join(" ");
            (key, request["count"].as_u64().unwrap())
        })
        .collect();
    counts.sort();
    counts
}

/// How many requests a status tells of.
fn total(budget: &Value) -> u64 {
    counts(budget).iter().map(|(_, count)| count).sum()
}

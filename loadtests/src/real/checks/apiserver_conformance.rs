//! `apiserver-conformance`: the simulated API server answers as the real one does. One script of requests goes to both, and
//! what a client can see of every answer has to be equal, and as the script expects.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;

use super::facts::Fact;
use crate::real::cluster::http::Client;
use crate::real::cluster::objects::{BARE, PRODUCT};
use crate::real::cluster::pods::Pod;
use crate::real::cluster::populate::{self, Population};
use crate::real::cluster::{self, Cluster};
use crate::real::env::Env;
use crate::real::registry::{Check, Lane, Outcome, Tier};
use crate::simulated::conformance::script::{Act, NODES, PODS, Who};
use crate::simulated::conformance::simulated::Simulated;
use crate::simulated::conformance::{self, Ground};

/// The entry of the registry.
pub(in crate::real) const CHECK: Check = Check {
    name: "apiserver-conformance",
    tier: Tier::Ci,
    about: "the simulated API server answers each request of a script as the real one does",
    needs: cluster::NEEDS,
    limit: Duration::from_mins(8),
    lane: Lane::Servers,
    hidden: false,
    run,
};

/// The pods of the script; those of the first node run.
const POPULATION: Population = Population { nodes: NODES, pods: PODS, running_below: 1 };

/// The real server under the script.
struct Real {
    cluster: Cluster,
    admin: Client,
    tokens: [String; 2],
}

fn run(env: &mut Env) -> anyhow::Result<Outcome> {
    let mut cluster = Cluster::start(env)?;
    let admin = cluster.admin()?;
    populate::prepare(&admin, NODES)?;
    populate::create(&admin, POPULATION, |_| true)?;
    // A server that has seen a cluster from its first write knows all of its history.
    cluster.stop_server()?;
    cluster.start_server()?;
    let tokens = [populate::token(&admin, PRODUCT)?, populate::token(&admin, BARE)?];
    let mut real = Real { cluster, admin, tokens };
    let found = conformance::run(&mut real)?;
    real.cluster.alive()?;
    real.cluster.stop_server()?;
    let simulated = conformance::run(&mut Simulated::start()?)?;

    let mut facts = Vec::new();
    let mut differences = String::new();
    for ((step, real), (_, simulated)) in found.iter().zip(&simulated) {
        facts.push(Fact::equal(&format!("real: {}", step.what), &step.expected.to_owned(), &real.summary));
        let same = real == simulated;
        facts.push(Fact::new(
            &format!("simulated: {}", step.what),
            "the same in every detail",
            if same { "the same in every detail".to_owned() } else { simulated.summary.clone() },
            same,
        ));
        if !same {
            // Writing to a String cannot fail.
            let _ = writeln!(
                differences,
                "{}\n  real: {}\n  simulated: {}",
                step.what, real.detail, simulated.detail
            );
        }
    }
    let mut outcome = super::facts::outcome(CHECK.name, &facts);
    outcome.text.push_str(&differences);
    Ok(outcome)
}

impl Ground for Real {
    fn client(&self, who: Who) -> anyhow::Result<Client> {
        let token = match who {
            Who::Admin => return Ok(self.admin.named("conformance")),
            Who::Agent => Some(self.tokens[0].clone()),
            Who::Bare => Some(self.tokens[1].clone()),
            Who::Forged => Some("forged".to_owned()),
            Who::Anonymous => None,
        };
        let client = self.cluster.client("", "conformance")?;
        Ok(Client { token, ..client })
    }

    fn act(&mut self, act: Act) -> anyhow::Result<()> {
        let mut connection = self.admin.connect()?;
        let pod = |number| Pod { number, node: number % NODES };
        match act {
            Act::Create(number) => populate::create_one(&mut connection, pod(number), false)?,
            Act::Run(number) => {
                connection.merge(&format!("{}/status", pod(number).path()), &pod(number).running())?;
            }
            Act::Succeed(number) => {
                let succeeded = json!({"status": {"phase": "Succeeded"}});
                connection.merge(&format!("{}/status", pod(number).path()), &succeeded)?;
            }
            Act::Delete(number) => {
                connection.delete(&pod(number).path())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulated::conformance::script::LATE;

    #[test]
    fn the_pod_that_comes_and_goes_is_none_of_the_population_and_lies_on_the_scripts_node() {
        let numbers = 0..PODS;
        assert!(!numbers.contains(&LATE) && Pod { number: LATE, node: LATE % NODES }.node == 0);
    }
}

//! The seats of Priority & Fairness that each request of the product takes.

use super::{answers, requests};
use crate::real::checks::charges::seats;
use crate::real::checks::facts::Fact;
use crate::real::cluster::Cluster;
use crate::real::cluster::http::Client;
use crate::real::cluster::objects::PRODUCT;

/// Asks each question once and reads what it took in the server's log.
pub(super) fn facts(cluster: &Cluster, agent: &Client) -> anyhow::Result<Vec<Fact>> {
    let unlimited = requests::list_with("resourceVersion=0");
    seats::logged(cluster, agent, &unlimited, || asked(cluster, agent))
}

fn asked(cluster: &Cluster, agent: &Client) -> anyhow::Result<Vec<Fact>> {
    let list = agent.get(&requests::list())?.json()?;
    let version = answers::version(&list)?;
    // With a limit the estimate follows the pods' size: 7 were charged for pods of 6.7 KB each.
    let cases = [
        ("seats: LIST of a node with limit 110", "seats/limit", requests::list(), 1..=7),
        (
            "seats: LIST of a node without limit",
            "seats/list",
            requests::list_with("resourceVersion=0"),
            10..=10,
        ),
        ("seats: WATCH from a version", "seats/watch", requests::watch(version, 1), 1..=1),
        (
            "seats: WATCH with initial events",
            "seats/initial",
            requests::watch_with_initial_events(1),
            10..=10,
        ),
        ("seats: GET of the DaemonSet", "seats/get", requests::daemon_set(PRODUCT), 1..=1),
    ];
    for (_, name, path, _) in &cases {
        seats::ask(agent, name, path)?;
    }
    let facts = cases.iter().map(|(what, name, _, expected)| {
        let (least, most) = (expected.start(), expected.end());
        let text = if least == most { most.to_string() } else { format!("at most {most}") };
        let found = seats::of(cluster, name)?;
        Ok(Fact::new(what, &text, found.to_string(), expected.contains(&found)))
    });
    facts.collect()
}

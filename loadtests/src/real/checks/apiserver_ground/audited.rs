//! That the audit log, with which the product's own count will be compared, counts what this check sent.

use std::time::Duration;

use super::cost;
use crate::real::checks::charges::ROUNDS;
use crate::real::checks::facts::Fact;
use crate::real::cluster::Cluster;
use crate::real::cluster::audit::{Kind, Reader};

/// The server logs a request at most this long after its answer.
const QUIET: Duration = Duration::from_secs(1);

/// What each round of the cost measurement sent: user agent, verb, resource, how many. The LIST is measured among one
/// node's pods, too.
const SENT: [(&str, &str, &str, u32); 5] = [
    ("cost/list", "list", "pods", 2 * cost::LISTS),
    ("cost/get", "get", "daemonsets", cost::GETS),
    ("cost/watch", "watch", "pods", cost::WATCHES),
    ("cost/initial", "watch", "pods", cost::INITIALS),
    ("cost/everything", "list", "pods", cost::EVERYTHINGS),
];

/// Counts the requests of the batches and those that were refused.
pub(super) fn facts(cluster: &Cluster) -> anyhow::Result<Vec<Fact>> {
    let mut reader = Reader::new(&cluster.audit_log());
    let counts = reader.settle(QUIET, |_| true)?;
    let mut facts: Vec<_> = SENT
        .into_iter()
        .map(|(agent, verb, resource, each)| {
            let sent = each as usize * ROUNDS;
            let found = counts.total(|kind| {
                kind.user_agent == agent && kind.verb == verb && kind.resource == resource && kind.code == 200
            });
            Fact::equal(&format!("audit log: {verb} {resource} of {agent}"), &sent, &found)
        })
        .collect();
    let refused =
        |agent: &'static str, code: u16| move |kind: &Kind| kind.user_agent == agent && kind.code == code;
    facts.push(Fact::equal(
        "audit log: 403 to the bare account",
        &3,
        &counts.total(refused("ground/bare", 403)),
    ));
    facts.push(Fact::equal(
        "audit log: 401 to the garbage token",
        &1,
        &counts.total(refused("ground/garbage", 401)),
    ));
    let batches = |kind: &Kind| kind.user_agent.starts_with("cost/");
    let windows = counts.windows(batches);
    let (sum, most) = (windows.values().sum::<usize>(), windows.values().max().copied().unwrap_or(0));
    let busiest = counts.busiest(batches);
    facts.push(Fact::new(
        "audit log: windows of 10 s hold every request",
        "their sum is all, none above the busiest",
        format!("{} windows, busiest {busiest}", windows.len()),
        sum == counts.total(batches) && most <= busiest,
    ));
    facts.push(Fact::equal("audit log: lines that are no event", &0, &counts.broken()));
    Ok(facts)
}

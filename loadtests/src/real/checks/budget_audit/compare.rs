//! The two sides of the check beside each other: what agents say and what the server says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use shared_informer::counts::Status;
use shared_informer::index::Snapshot;
use shared_informer::informer::report::Report;
use shared_informer::pod::Pod;

use crate::agents::Agent;
use crate::real::cluster::audit::Counts;

/// Requests of one agent, or of all: by verb, resource and status.
pub(in crate::real::checks) type Sums = BTreeMap<(String, String, String), u64>;

/// What an agent says that it asked.
pub(in crate::real::checks) fn reported(report: &Report) -> Sums {
    let mut sums = Sums::new();
    for (key, number) in report.requests.iter() {
        let (verb, resource) = (key.asked.verb.as_str(), key.asked.resource.as_str());
        let key = (verb.to_owned(), resource.to_owned(), key.status.as_str().to_owned());
        *sums.entry(key).or_default() += number;
    }
    sums
}

/// What the server says that this agent asked.
pub(super) fn audited(counts: &Counts, agent: &Agent) -> Sums {
    let name = agent.user_agent();
    let mut sums = Sums::new();
    for (kind, number) in counts.of(|kind| kind.user_agent == name) {
        let status = Status::of_code(kind.code).as_str().to_owned();
        *sums.entry((kind.verb.clone(), kind.resource.clone(), status)).or_default() += number as u64;
    }
    sums
}

/// Whether the books agree: without unanswered requests they are equal; an answer that the agent had was counted by
/// the server; and the server never counts more than answered and unanswered together. Gives what does not hold.
pub(in crate::real::checks) fn disagreement(reported: &Sums, audited: &Sums) -> Option<String> {
    let none = Status::None.as_str();
    let asked: BTreeSet<_> = reported.keys().chain(audited.keys()).map(|key| (&key.0, &key.1)).collect();
    for (verb, resource) in asked {
        let of = |sums: &Sums, wanted: &dyn Fn(&str) -> bool| {
            let mine = sums.iter().filter(|(key, _)| (&key.0, &key.1) == (verb, resource) && wanted(&key.2));
            mine.map(|(_, number)| *number).sum::<u64>()
        };
        let all = |_: &str| true;
        let (own, server) = (of(reported, &all), of(audited, &all));
        if server > own {
            return Some(format!("{verb} {resource}: the server counts {server}, the agent {own} in all"));
        }
        for status in Status::ALL.iter().map(|status| status.as_str()).filter(|status| *status != none) {
            let is = |text: &str| text == status;
            let (own, server) = (of(reported, &is), of(audited, &is));
            let unanswered = of(reported, &|text: &str| text == none);
            if own > server || server > own + unanswered {
                return Some(format!(
                    "{verb} {resource} {status}: the server counts {server}, the agent {own} and {unanswered} unanswered"
                ));
            }
        }
    }
    None
}

/// Adds what one agent has to what all have.
pub(in crate::real::checks) fn add(all: &mut Sums, one: &Sums) {
    for (key, number) in one {
        *all.entry(key.clone()).or_default() += number;
    }
}

/// What an index says of its live pods, one line each, in order.
pub(super) fn indexed(snapshot: &Snapshot) -> BTreeSet<String> {
    snapshot.pods().map(|found| line_of_index(found.pod)).collect()
}

fn line_of_index(pod: &Pod) -> String {
    let mut containers: Vec<_> = pod
        .containers
        .iter()
        .map(|one| format!("{}={}", one.name, one.id.as_ref().map_or("", |id| &id.id)))
        .collect();
    containers.sort_unstable();
    let ip = pod.addresses.first().map(ToString::to_string).unwrap_or_default();
    let deployment = pod.deployment.as_deref().unwrap_or_default();
    let team = pod.labels.get("team").unwrap_or_default();
    let (namespace, name, uid, phase) = (&pod.namespace, &pod.name, &pod.uid, pod.phase);
    format!(
        "{namespace}/{name} {uid} {phase:?} ip={ip} deployment={deployment} team={team} {}",
        containers.join(" ")
    )
}

/// The same of what the server or kubectl gives, by node; ended pods are left out.
pub(super) fn listed(list: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let mut nodes: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for pod in list["items"].as_array().map_or(&[][..], Vec::as_slice) {
        let phase = pod["status"]["phase"].as_str().unwrap_or("Unknown");
        if !matches!(phase, "Succeeded" | "Failed") {
            let node = pod["spec"]["nodeName"].as_str().unwrap_or_default().to_owned();
            nodes.entry(node).or_default().insert(line_of_api(pod, phase));
        }
    }
    nodes
}

fn line_of_api(pod: &Value, phase: &str) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let array = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let statuses = array(&pod["status"]["containerStatuses"]);
    let id = |name: &Value| {
        let status = statuses.iter().find(|status| status["name"] == *name);
        let id = status.map(|status| text(&status["containerID"])).unwrap_or_default();
        id.split_once("://").map(|(_, id)| id.to_owned()).unwrap_or_default()
    };
    let mut containers: Vec<_> = array(&pod["spec"]["containers"])
        .iter()
        .map(|one| format!("{}={}", text(&one["name"]), id(&one["name"])))
        .collect();
    containers.sort_unstable();
    let metadata = &pod["metadata"];
    let hash = format!("-{}", text(&metadata["labels"]["pod-template-hash"]));
    let deployment = text(&metadata["ownerReferences"][0]["name"]);
    let deployment = deployment.strip_suffix(&hash).unwrap_or_default();
    let (namespace, name, uid) =
        (text(&metadata["namespace"]), text(&metadata["name"]), text(&metadata["uid"]));
    let (ip, team) = (text(&pod["status"]["podIP"]), text(&metadata["labels"]["team"]));
    format!(
        "{namespace}/{name} {uid} {phase} ip={ip} deployment={deployment} team={team} {}",
        containers.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(entries: &[(&str, u64)]) -> Sums {
        let key = |status: &str| ("list".to_owned(), "pods".to_owned(), status.to_owned());
        entries.iter().map(|(status, number)| (key(status), *number)).collect()
    }

    #[test]
    fn books_agree_only_if_the_unanswered_cover_what_the_server_counts_beyond_the_answered() {
        let agrees =
            |own: &[(&str, u64)], server: &[(&str, u64)]| disagreement(&sums(own), &sums(server)).is_none();
        assert!(agrees(&[("200", 2)], &[("200", 2)]));
        assert!(agrees(&[("200", 1), ("none", 2)], &[("200", 2), ("503", 1)]));
        assert!(agrees(&[("none", 1)], &[]));
        assert!(!agrees(&[("200", 2)], &[("200", 3)]), "a request that the agent hides");
        assert!(!agrees(&[("200", 2)], &[("200", 1)]), "an answer that the server did not give");
        assert!(!agrees(&[("200", 1), ("503", 1)], &[("200", 2)]), "another status");
        assert!(!agrees(&[("none", 1)], &[("200", 1), ("503", 1)]), "more than both together");
        assert!(!agrees(&[], &[("200", 1)]), "a request that bypassed the books");
    }
}

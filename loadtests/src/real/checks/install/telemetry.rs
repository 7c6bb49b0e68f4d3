//! What arrives at the backend from the installed pod: the node's figures, and those of every pod with its names.

use std::collections::BTreeSet;
use std::time::SystemTime;

use anyhow::Context;

use super::ground::{Ground, PODS};
use crate::real::checks::facts::Fact;
use crate::real::cluster::node;

/// One metric of each source: the node's files, cgroups, and the kubelet.
const HOST: [&str; 8] = [
    "system.cpu.time",
    "system.cpu.load_average.1m",
    "system.memory.usage",
    "system.network.io",
    "system.disk.io",
    "system.paging.operations",
    "system.processes.count",
    "k8s.node.cpu.time",
];
const CGROUPS: &str = "k8s.pod.cpu.time";
const KUBELET: &str = "k8s.pod.filesystem.usage";

/// The attributes that k8sattributes gives by default, on pods of Deployments.
const NAMES: [&str; 6] = [
    "k8s.namespace.name",
    "k8s.pod.name",
    "k8s.pod.uid",
    "k8s.node.name",
    "k8s.deployment.name",
    "k8s.pod.start_time",
];

/// Waits for all of it, and says what came.
pub(super) fn arrives(ground: &mut Ground, since: SystemTime) -> anyhow::Result<Vec<Fact>> {
    let pods = node::on_the_node(&ground.cluster.admin()?)?;
    let expected: BTreeSet<String> =
        pods.iter().filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned)).collect();
    let mut missing = Vec::new();
    let found = ground.wait("figures of the node and of every pod", |ground| {
        let samples = ground.backend.samples(since, |_| true);
        let seen: BTreeSet<_> = samples.iter().map(|sample| sample.metric.as_str()).collect();
        let pods: Vec<_> =
            samples.iter().filter(|sample| sample.metric == CGROUPS).map(|sample| &sample.resource).collect();
        let named: BTreeSet<_> = pods.iter().filter_map(|pod| pod.get("k8s.pod.name").cloned()).collect();
        let deployed = pods.iter().filter(|pod| pod.contains_key("k8s.deployment.name"));
        let given: BTreeSet<_> = deployed.flat_map(|pod| pod.keys().map(String::as_str)).collect();
        missing = HOST
            .iter()
            .chain([&KUBELET])
            .filter(|metric| !seen.contains(*metric))
            .map(|name| (*name).to_owned())
            .collect();
        missing.extend(expected.difference(&named).cloned());
        missing.extend(NAMES.iter().filter(|name| !given.contains(*name)).map(|name| (*name).to_owned()));
        Ok(missing.is_empty().then_some((seen.len(), named.len())))
    });
    let found = found.with_context(|| format!("missing: {missing:?}"))?;
    let points = ground.backend.samples(since, |metric| !metric.starts_with("tare.")).len();
    Ok(vec![
        Fact::equal("pods with their names, the agent's own among them", &(PODS + 1), &found.1),
        Fact::new("metrics, of files, cgroups and the kubelet", "some", found.0.to_string(), found.0 > 0),
        Fact::new("points", "some", points.to_string(), points > 0),
    ])
}

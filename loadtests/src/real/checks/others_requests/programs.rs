//! The real programs: what runs for each model, with an account of its own.

use std::fs;
use std::process::Command;

use anyhow::Context;

use super::clients;
use crate::others::Model;
use crate::real::cache;
use crate::real::cluster::Cluster;
use crate::real::cluster::accounts::{Account, Right};
use crate::real::cluster::node;
use crate::real::cluster::pods::node_name;
use crate::real::env::Env;
use crate::real::program::Program;

/// What the collector's chart asks for, and all that the others need.
const RIGHTS: [Right<'static>; 3] = [
    ("", &["nodes/stats"], &["get"]),
    ("", &["pods", "namespaces"], &["get", "list", "watch"]),
    ("apps", &["replicasets"], &["get", "list", "watch"]),
];

/// Where the collector's chart, rendered with the preset of k8sattributes, lies.
const CHART: &str = "agent/tests/fixtures/migrate/chart-kubernetes-attributes.yaml";

/// An informer of every pod: no filter, and nothing that needs another.
const WIDE: &str = "  k8s_attributes:\n    extract:\n      metadata: [k8s.pod.name]\n";

/// The model of a program with one watch, whose life is drawn.
const EVERY_POD: &str = "a watch of every pod on each node";

/// The first port on which a collector takes telemetry that nobody sends.
const PORT: usize = 14_318;

/// The node whose pods are watched.
pub(super) fn watched() -> String {
    node_name(1)
}

/// A program that runs.
#[derive(Debug)]
pub(super) struct Instance {
    /// The name of its model.
    pub(super) model: &'static str,
    /// Whom the API server takes it for.
    pub(super) user: String,
    /// What it shows the kubelet.
    pub(super) token: String,
    pub(super) program: Program,
}

/// How many of a model's program run where `copies` are asked for. Client-go draws the life of each watch, from 5 to 10 minutes,
/// so that the renewals of few of them lie a tenth off by chance (14 of four, where 15.5 are expected). The chart's collector has
/// three watches of each kind; a program with one is run three times as often: twelve are a tenth off once in thousands of runs.
pub(super) fn copies(model: &Model, copies: usize) -> usize {
    if model.name == EVERY_POD { 3 * copies } else { copies }
}

/// Starts one more program of this model; none where there is no program for it.
pub(super) fn start(
    env: &Env,
    cluster: &Cluster,
    model: &Model,
    copy: usize,
) -> anyhow::Result<Option<Instance>> {
    let (name, role) = match model.name {
        "collector, chart defaults" => ("chart", None),
        EVERY_POD => ("wide", None),
        "kube's watcher with its defaults" => ("watcher", Some(clients::WATCHER)),
        "a LIST of the node's pods every 15 s" => ("lister", Some(clients::LIST_NODE)),
        "a LIST of every pod every 15 s" => ("lister-all", Some(clients::LIST_ALL)),
        _ => return Ok(None),
    };
    let name = format!("{name}-{copy}");
    let account = cluster.account(env, &name, &RIGHTS)?;
    let command = match role {
        Some(role) => client(&account, role)?,
        None => collector(env, &account, &name, copy)?,
    };
    let (user, token) = (account.user(), account.token()?);
    Ok(Some(Instance { model: model.name, user, token, program: env.start(&name, command)? }))
}

fn client(account: &Account, role: &str) -> anyhow::Result<Command> {
    let mut command = account.command(&std::env::current_exe()?);
    command.args([clients::ROLE, role, &watched()]);
    Ok(command)
}

fn collector(env: &Env, account: &Account, name: &str, copy: usize) -> anyhow::Result<Command> {
    let (processor, port) = if name.starts_with("chart") {
        let path = cache::repository().join(CHART);
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        (section(&text, "  k8s_attributes:"), PORT + 2 * copy)
    } else {
        (WIDE.to_owned(), PORT + 2 * copy + 1)
    };
    let pipelines = if name.starts_with("chart") {
        "    logs: {receivers: [otlp], processors: [k8s_attributes], exporters: [debug]}\n    \
         metrics: {receivers: [otlp, kubeletstats], processors: [k8s_attributes], exporters: [debug]}\n    \
         traces: {receivers: [otlp], processors: [k8s_attributes], exporters: [debug]}\n"
    } else {
        "    metrics: {receivers: [otlp], processors: [k8s_attributes], exporters: [debug]}\n"
    };
    let config = format!(
        "receivers:\n  otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:{port}'}}}}}}\n  \
         kubeletstats: {{auth_type: serviceAccount, collection_interval: 20s, endpoint: '{}'}}\n\
         exporters:\n  debug: {{}}\nprocessors:\n{processor}\
         service:\n  telemetry: {{metrics: {{level: none}}}}\n  pipelines:\n{pipelines}",
        node::KUBELET,
    );
    let config = env.file(&format!("{name}.yaml"), &config)?;
    let mut command = account.command(env.program("otelcol")?);
    command.arg("--config").arg(config).env("K8S_NODE_NAME", watched());
    Ok(command)
}

/// The lines of a YAML file from `head` to the next of the same or less depth.
fn section(text: &str, head: &str) -> String {
    let deeper = |line: &&str| line.starts_with("   ");
    let mut lines = text.lines().skip_while(|line| *line != head);
    let head = lines.next().unwrap_or_default();
    let lines: Vec<_> = std::iter::once(head).chain(lines.take_while(deeper)).collect();
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_ends_where_its_neighbour_begins() {
        let text = "a:\n  x:\n    - 1\n    k:\n      - 2\n  y:\n    - 3\nb: 4\n";
        assert_eq!(section(text, "  x:"), "  x:\n    - 1\n    k:\n      - 2\n");
        assert_eq!(section(text, "  y:"), "  y:\n    - 3\n");
    }

    #[test]
    fn the_charts_processor_is_filtered_by_node_and_asks_for_deployments_and_the_cluster()
    -> anyhow::Result<()> {
        let text = fs::read_to_string(cache::repository().join(CHART))?;
        let processor = section(&text, "  k8s_attributes:");
        for part in ["node_from_env_var: K8S_NODE_NAME", "- k8s.deployment.name", "- k8s.cluster.uid"] {
            assert!(processor.contains(part), "{part} in {processor}");
        }
        let after = text.split_once("\n  pipelines:\n").map(|(_, rest)| rest).unwrap_or_default();
        assert_eq!(after.matches("- k8s_attributes").count(), 3, "in three pipelines: {after}");
        Ok(())
    }
}

//! tare, told the same as the collector.

use std::fmt::Write as _;

use serde_json::json;

use super::{ANNOTATIONS, INTERVAL, Job, LABELS, METADATA};
use crate::real::checks::agents::Agent;
use crate::real::cluster::Cluster;
use crate::real::cluster::accounts::{Account, Right};
use crate::real::cluster::node;
use crate::real::env::Env;
use crate::real::recipes::Need;

/// What its chart asks for.
pub(in crate::real::checks) const RIGHTS: [Right<'static>; 2] =
    [("", &["pods"], &["list", "watch"]), ("", &["nodes/stats", "nodes/pods"], &["get"])];

/// What it is allowed to ask for, reviews included: far less than its default for whole clusters.
pub(in crate::real::checks) const REQUESTS_PER_SECOND: u8 = 5;

/// It scrapes the kubelet as often as the collector.
pub(in crate::real::checks) const LIKE_THE_COLLECTOR: &str = "access: token, period: 10s";

/// It scrapes the kubelet as often as it does unless it is told otherwise: every minute.
pub(in crate::real::checks) const AS_SHIPPED: &str = "access: token";

/// Makes its account.
pub(in crate::real::checks) fn account(env: &Env, cluster: &Cluster) -> anyhow::Result<Account> {
    cluster.account(env, "tare", &RIGHTS)
}

/// Starts one of the programs that were built of it, with a token as its way into the kubelet.
pub(in crate::real::checks) fn start(
    env: &Env,
    program: Need,
    account: &Account,
    job: &Job,
) -> anyhow::Result<Agent> {
    start_as(env, program, account, "tare", &|endpoint| config(job, LIKE_THE_COLLECTOR, endpoint))
}

/// Starts it with an account and a configuration.
pub(in crate::real::checks) fn start_as(
    env: &Env,
    program: Need,
    account: &Account,
    name: &str,
    config: &dyn Fn(&str) -> String,
) -> anyhow::Result<Agent> {
    Agent::start(env, name, |endpoint| {
        let config = env.file(&format!("{name}.yaml"), &config(endpoint))?;
        let mut command = account.command(env.program(program.name())?);
        // Its supervisor, which is left out so that the agent's own figures are measured, tells it this.
        command.env(tare::supervisor::ALLOCATOR.0, tare::supervisor::ALLOCATOR.1);
        command.args(["run", "--config"]).arg(config);
        let state = env.path(&format!("{name}-state"));
        command.arg("--state-dir").arg(state).arg("--socket").arg(env.path(&format!("{name}.sock")));
        Ok(command)
    })
}

/// Its configuration; `kubelet` is what that section holds.
pub(in crate::real::checks) fn config(job: &Job, kubelet: &str, endpoint: &str) -> String {
    let scrapers: Vec<_> = job.scrapers.iter().map(|name| format!("{name}: {{}}")).collect();
    // One scraper has to run; its rows are not compared.
    let scrapers = if scrapers.is_empty() { "load: {}".to_owned() } else { scrapers.join(", ") };
    let all = job.all_interfaces;
    let mut text = format!(
        "host:\n  interval: {}s\n  scrapers: {{{scrapers}}}\n\
         containers:\n  metric_groups: [container, pod, node, volume]\n  \
         extra_metadata_labels: [container.id, k8s.volume.type]\n  \
         collect_all_network_interfaces: {{pod: {all}, node: {all}}}\n\
         slo: {{control_plane: {{requests_per_second: {REQUESTS_PER_SECOND}}}}}\n\
         cluster: {{size: 1}}\nkubelet: {{{kubelet}}}\n",
        INTERVAL.as_secs(),
    );
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "enrich:\n  resource_attributes: {{k8s.node.name: {}}}\n  extract:\n    metadata: {}\n    \
         labels:\n{LABELS}    annotations:\n{ANNOTATIONS}",
        node::name(),
        json!(METADATA)
    );
    let changes: Vec<_> = job.changes().map(|name| format!("  {name}: {{enabled: true}}\n")).collect();
    if !changes.is_empty() {
        let _ = write!(text, "metrics:\n{}", changes.concat());
    }
    let _ = writeln!(
        text,
        "outputs:\n  - name: default\n    otlp: {{endpoint: \"{endpoint}\", compression: gzip}}"
    );
    text
}

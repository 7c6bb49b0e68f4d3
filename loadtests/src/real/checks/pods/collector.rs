//! The collector with kubeletstats and k8sattributes, as its documentation sets it up on a node.

use serde_json::{Map, Value, json};

use super::{ANNOTATIONS, INTERVAL, Job, LABELS, METADATA};
use crate::real::checks::agents::Agent;
use crate::real::cluster::Cluster;
use crate::real::cluster::accounts::{Account, Right};
use crate::real::cluster::node;
use crate::real::env::Env;

/// What its documentation asks for.
const RIGHTS: [Right<'static>; 4] = [
    ("", &["nodes/stats", "nodes/proxy", "nodes/pods"], &["get"]),
    (
        "",
        &["pods", "namespaces", "nodes", "persistentvolumes", "persistentvolumeclaims"],
        &["get", "list", "watch"],
    ),
    ("apps", &["replicasets", "deployments", "statefulsets", "daemonsets"], &["get", "list", "watch"]),
    ("batch", &["jobs", "cronjobs"], &["get", "list", "watch"]),
];

/// Makes its account and starts it.
pub(in crate::real::checks) fn start(
    env: &Env,
    cluster: &Cluster,
    name: &str,
    job: &Job,
) -> anyhow::Result<Agent> {
    start_as(env, &account(env, cluster, name)?, name, job)
}

/// Makes an account with these rights.
pub(in crate::real::checks) fn account(env: &Env, cluster: &Cluster, name: &str) -> anyhow::Result<Account> {
    cluster.account(env, name, &RIGHTS)
}

fn start_as(env: &Env, account: &Account, name: &str, job: &Job) -> anyhow::Result<Agent> {
    Agent::start(env, name, |endpoint| {
        let config = env.file(&format!("{name}.yaml"), &config(job, endpoint))?;
        let mut command = account.command(env.program("otelcol")?);
        command.arg("--config").arg(config);
        Ok(command)
    })
}

/// JSON is YAML, but for the rules of labels and annotations, which stand there as they do in tare's configuration.
fn config(job: &Job, endpoint: &str) -> String {
    let metrics: Map<_, _> = job.changes().map(|name| (name.to_owned(), json!({"enabled": true}))).collect();
    let interval = format!("{}s", INTERVAL.as_secs());
    let kubeletstats = json!({
        "collection_interval": interval, "initial_delay": "1s",
        "auth_type": "serviceAccount", "endpoint": format!("https://{}", node::KUBELET),
        "metric_groups": ["container", "pod", "node", "volume"],
        "extra_metadata_labels": ["container.id", "k8s.volume.type"],
        "collect_all_network_interfaces": {"pod": job.all_interfaces, "node": job.all_interfaces},
        "k8s_api_config": {"auth_type": "serviceAccount"}, "node": node::name(),
        "metrics": metrics,
    });
    let scrapers: Map<String, Value> =
        job.scrapers.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
    let mut receivers = json!({"kubeletstats": kubeletstats});
    let mut names = vec!["kubeletstats"];
    if !scrapers.is_empty() {
        receivers["hostmetrics"] =
            json!({"collection_interval": interval, "initial_delay": "1s", "scrapers": scrapers});
        names.push("hostmetrics");
    }
    // A static pod's uid is not that of the pod that the API server shows, so its name has to do.
    let by = |names: &[&str]| {
        let sources: Vec<_> =
            names.iter().map(|name| json!({"from": "resource_attribute", "name": name})).collect();
        json!({"sources": sources})
    };
    let association = [by(&["k8s.pod.uid"]), by(&["k8s.pod.name", "k8s.namespace.name"])];
    let exporters = json!({"otlphttp": {"endpoint": endpoint, "compression": "gzip"}});
    let service = json!({
        "telemetry": {"metrics": {"level": "none"}},
        "pipelines": {"metrics": {"receivers": names, "processors": ["k8sattributes"], "exporters": ["otlphttp"]}},
    });
    // In its files a dollar sign is written twice.
    let rules = |text: &str| text.replace('$', "$$");
    format!(
        "receivers: {receivers}\nexporters: {exporters}\nservice: {service}\nprocessors:\n  k8sattributes:\n    \
         auth_type: serviceAccount\n    wait_for_metadata: true\n    filter: {{node: {}}}\n    \
         pod_association: {}\n    extract:\n      deployment_name_from_replicaset: true\n      metadata: {}\n      \
         labels:\n{}      annotations:\n{}",
        node::name(),
        json!(association),
        json!(METADATA),
        rules(LABELS),
        rules(ANNOTATIONS),
    )
}

//! `kubelet-ground`: what the checks of pods stand on. A real kubelet runs 30 real pods in the check's own namespaces, and says,
//! shows and leaves lying about what the product builds on.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::facts::{self, Fact};
use crate::real::cluster::Cluster;
use crate::real::cluster::http::Client;
use crate::real::cluster::node::{self, Node, workloads};
use crate::real::env::Env;
use crate::real::registry::{Check, Lane, Outcome, Tier};
use crate::real::runs;

/// A node in ordinary use.
const PODS: usize = 30;

/// Containers of each pod; the sandbox is none.
const CONTAINERS: usize = 2;

/// The kubelet looks at its containers every 10 to 15 s, and at volumes once a minute, whenever their pods began.
const LOOKED: Duration = Duration::from_secs(150);

/// The entry of the registry.
pub(in crate::real) const CHECK: Check = Check {
    name: "kubelet-ground",
    tier: Tier::Full,
    about: "a real kubelet runs 30 pods in the check's namespaces, with figures, names and cgroups for each",
    needs: node::NEEDS,
    limit: Duration::from_mins(10),
    lane: Lane::Node,
    hidden: false,
    run,
};

fn run(env: &mut Env) -> anyhow::Result<Outcome> {
    let mut facts = Vec::new();
    let mut cluster = Cluster::start(env)?;
    cluster.start_manager(env)?;
    let mut node = Node::start(env, &mut cluster)?;
    node.fill(&mut cluster, PODS)?;
    let kubelet = cluster.kubelet_admin()?;
    let summary = summary(&kubelet)?;
    figures(&summary, &mut facts);
    owners(&cluster.admin()?, &mut facts)?;
    names(&mut facts)?;
    cgroups(env, &mut facts);
    let read_only = std::net::TcpStream::connect(node::READ_ONLY).is_ok();
    facts.push(Fact::equal("the read-only port answers", &true, &read_only));
    node.alive()?;
    cluster.alive()?;
    Ok(facts::outcome(CHECK.name, &facts))
}

/// The first summary in which every pod has figures, and the claimed volume too.
fn summary(kubelet: &Client) -> anyhow::Result<Value> {
    let until = Instant::now() + LOOKED;
    loop {
        let summary = kubelet.get("/stats/summary")?.json()?;
        let pods = summary["pods"].as_array().map(Vec::as_slice).unwrap_or_default();
        let figures = ["/cpu/usageCoreNanoSeconds", "/memory/workingSetBytes", "/network/rxBytes"];
        let whole =
            |pod: &Value| figures.iter().all(|figure| pod.pointer(figure).is_some_and(|of| !of.is_null()));
        let all = pods.iter().filter(|pod| whole(pod)).count() >= PODS && claimed(pods) > 0;
        if all || Instant::now() > until {
            return Ok(summary);
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// How many volumes with a claim have figures.
fn claimed(pods: &[Value]) -> usize {
    let volumes = pods.iter().filter_map(|pod| pod["volume"].as_array()).flatten();
    volumes.filter(|volume| !volume["pvcRef"].is_null()).count()
}

fn figures(summary: &Value, facts: &mut Vec<Fact>) {
    let pods = summary["pods"].as_array().cloned().unwrap_or_default();
    let with = |part: fn(&Value) -> &Value| pods.iter().filter(|pod| !part(pod).is_null()).count();
    facts.push(Fact::equal("pods in the summary", &PODS, &pods.len()));
    facts.push(Fact::equal("with CPU time", &PODS, &with(|pod| &pod["cpu"]["usageCoreNanoSeconds"])));
    facts.push(Fact::equal("with a working set", &PODS, &with(|pod| &pod["memory"]["workingSetBytes"])));
    // Also the one in the host's network: its figures are the node's.
    facts.push(Fact::equal("with network figures", &PODS, &with(|pod| &pod["network"]["rxBytes"])));
    let containers = pods.iter().filter_map(|pod| pod["containers"].as_array());
    let containers: usize = containers.map(Vec::len).sum();
    facts.push(Fact::equal("containers in the summary", &(PODS * CONTAINERS), &containers));
    facts.push(Fact::equal("volumes with a claim", &1, &claimed(&pods)));
    let network = summary["node"]["network"]["name"].to_string();
    facts.push(Fact::equal("the node's interface", &"\"eth0\"".to_owned(), &network));
}

/// Every kind of owner has pods.
fn owners(admin: &Client, facts: &mut Vec<Fact>) -> anyhow::Result<()> {
    let pods = node::on_the_node(admin)?;
    let mut kinds: Vec<_> = pods
        .iter()
        .map(|pod| pod["metadata"]["ownerReferences"][0]["kind"].as_str().unwrap_or("none").to_owned())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    let expected = ["DaemonSet", "Job", "Node", "ReplicaSet", "StatefulSet", "none"].join(" ");
    facts.push(Fact::equal("kinds of owners", &expected, &kinds.join(" ")));
    let restarts = pods.iter().filter_map(|pod| pod["status"]["containerStatuses"].as_array()).flatten();
    let restarted = restarts.filter(|container| container["restartCount"] != 0).count();
    facts.push(Fact::equal("containers that were restarted", &(PODS / 5), &restarted));
    Ok(())
}

/// The links by which containers are named without asking anybody.
fn names(facts: &mut Vec<Fact>) -> anyhow::Result<()> {
    let links: Vec<_> = fs::read_dir("/var/log/containers")?.flatten().collect();
    let mut targets = 0;
    let mut fixed = 0;
    for link in &links {
        let target = fs::read_link(link.path())?;
        targets += usize::from(target.starts_with("/var/log/pods"));
        fixed += usize::from(link.file_name().to_string_lossy().starts_with(workloads::STATIC));
    }
    let least = PODS * CONTAINERS;
    facts.push(Fact::new(
        "links of logs",
        &format!("{least} or more"),
        links.len().to_string(),
        links.len() >= least,
    ));
    facts.push(Fact::equal("of them to the folder of pods", &links.len(), &targets));
    facts.push(Fact::equal("of them the static pod's", &CONTAINERS, &fixed));
    Ok(())
}

/// Pods' cgroups lie below the check's own cgroup, in every hierarchy that accounts for something.
fn cgroups(env: &Env, facts: &mut Vec<Fact>) {
    let root = env.cgroup_name();
    let root = Path::new(root.trim_start_matches('/'));
    for hierarchy in runs::hierarchies() {
        let controller = hierarchy.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !matches!(controller.as_str(), "memory" | "cpuacct" | "cgroup") {
            continue;
        }
        let pods = hierarchy.join(root).join("kubepods");
        let (mut found, mut below) = (0, 0);
        for class in [pods.clone(), pods.join("burstable"), pods.join("besteffort")] {
            for pod in folders(&class).filter(|pod| pod.0.starts_with("pod")) {
                found += 1;
                below += folders(&pod.1).count();
            }
        }
        facts.push(Fact::equal(&format!("pods' cgroups of {controller}"), &PODS, &found));
        let least = PODS * (CONTAINERS + 1);
        facts.push(Fact::equal(
            &format!("containers' and sandboxes' cgroups of {controller}"),
            &least,
            &below,
        ));
    }
}

fn folders(path: &Path) -> impl Iterator<Item = (String, std::path::PathBuf)> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
}

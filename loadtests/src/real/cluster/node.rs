//! A real node in a check's own namespaces: containerd, the kubelet, and pods that do something.
//!
//! What outlives processes lies where the check's end removes it: file systems in its mount namespace, interfaces in its
//! network namespace, cgroups below the check's own, everything else in the scratch folder. Root is needed, and the
//! machine may have any cgroup version; the kubelet's cgroups are nested (`/tare-real-…/<check>/kubepods`).

pub(in crate::real) mod containerd;
mod kubelet;
mod machine;
mod owners;
pub(in crate::real) mod service;
pub(in crate::real) mod statics;
mod templates;
pub(in crate::real) mod workloads;

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::fs::{FlockOperation, flock};
use serde_json::Value;

use super::http::Client;
use super::pki::Subject;
use super::pods::node_name;
use super::{Cluster, asking_at};
use crate::real::env::Env;
use crate::real::program::Program;
use crate::real::recipes::{self, Need};
use crate::real::{cache, runs};

/// What a check with a node needs built. containerd, runc and the network plugins are the distribution's.
pub(in crate::real) const NEEDS: &[Need] = &[
    recipes::ETCD,
    recipes::KUBE_APISERVER,
    recipes::KUBE_CONTROLLER_MANAGER,
    recipes::KUBELET,
    recipes::IMAGE,
];

/// The node's address, on the interface that the kubelet takes for the node's.
pub(in crate::real) const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));

/// Where the kubelet answers whoever may ask.
pub(in crate::real) const KUBELET: SocketAddr = SocketAddr::new(ADDRESS, 10250);

/// Where it answers anyone.
pub(in crate::real) const READ_ONLY: SocketAddr = SocketAddr::new(ADDRESS, 10255);

/// An idle machine takes 3 s to a ready node, and half a minute to 30 pods.
const PATIENCE: Duration = Duration::from_mins(4);

/// The runner looks for a check's end every 50 ms, and gives up on a cgroup after 10 s in each hierarchy: what is here later stays.
const SETTLED: Duration = Duration::from_secs(30);

/// A running node. Dropping it kills containerd and the kubelet; containers end with the check's pid namespace.
pub(in crate::real) struct Node {
    // Dropped in this order.
    kubelet: Program,
    containerd: Program,
    _alone: Option<File>,
}

impl Node {
    /// Starts containerd and the kubelet of the only node, and waits until the cluster calls it ready.
    ///
    /// # Errors
    /// When something is missing or does not come up, with the end of its log.
    pub(in crate::real) fn start(env: &Env, cluster: &mut Cluster) -> anyhow::Result<Self> {
        Self::start_with(env, cluster, Some(alone()?))
    }

    /// The same for a node that stays without pods: nobody else sees it.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub(in crate::real) fn start_empty(env: &Env, cluster: &mut Cluster) -> anyhow::Result<Self> {
        Self::start_with(env, cluster, None)
    }

    fn start_with(env: &Env, cluster: &mut Cluster, alone: Option<File>) -> anyhow::Result<Self> {
        machine::prepare(env)?;
        let containerd = containerd::start(env)?;
        let user = format!("system:node:{}", name());
        let client = Subject { file: "kubelet", name: &user, group: Some("system:nodes"), addresses: &[] };
        cluster.pki.sign(client)?;
        cluster.pki.sign(Subject { file: "kubelet-server", addresses: &[ADDRESS], ..client })?;
        let settings = kubelet::Settings {
            kubeconfig: cluster.kubeconfig("kubelet")?,
            authority: cluster.authority(),
            certificate: cluster.pki.path("kubelet-server.pem"),
            key: cluster.pki.path("kubelet-server.key"),
            cgroup_root: env.cgroup_name(),
        };
        let kubelet = kubelet::start(env, &settings)?;
        let mut node = Self { kubelet, containerd, _alone: alone };
        node.wait_ready(cluster)?;
        Ok(node)
    }

    /// Fails if a program of the node has ended.
    ///
    /// # Errors
    /// When one has, with the end of its log.
    pub(in crate::real) fn alive(&mut self) -> anyhow::Result<()> {
        self.kubelet.alive()?;
        self.containerd.alive()
    }

    fn wait_ready(&mut self, cluster: &mut Cluster) -> anyhow::Result<()> {
        let admin = cluster.admin()?;
        let path = format!("/api/v1/nodes/{}", name());
        self.wait(cluster, "the node is not ready", || {
            let answer = admin.get(&path)?;
            if answer.status == 404 {
                return Ok(Err("not registered".to_owned()));
            }
            let node = answer.json()?;
            let conditions = node["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let ready = conditions.iter().find(|condition| condition["type"] == "Ready");
            let ready = ready.is_some_and(|condition| condition["status"] == "True");
            Ok(if ready { Ok(()) } else { Err(node["status"]["conditions"].to_string()) })
        })
    }

    /// Waits until `count` pods on the node run with all their containers ready.
    ///
    /// # Errors
    /// When they do not in time, with those that do not.
    pub(in crate::real) fn wait_running(
        &mut self,
        cluster: &mut Cluster,
        count: usize,
    ) -> anyhow::Result<()> {
        let admin = cluster.admin()?;
        self.wait(cluster, "not all pods run", || {
            let pods = on_the_node(&admin)?;
            let running = pods.iter().filter(|pod| runs(pod)).count();
            Ok(if running == count {
                Ok(())
            } else {
                let others: Vec<_> = pods.iter().filter(|pod| !runs(pod)).take(3).map(why).collect();
                Err(format!("{running} of {count}; others: {}", others.join("; ")))
            })
        })
    }

    /// Asks `done` each half second until it says so; its last refusal is part of the error.
    fn wait(
        &mut self,
        cluster: &mut Cluster,
        what: &str,
        mut done: impl FnMut() -> anyhow::Result<Result<(), String>>,
    ) -> anyhow::Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            self.alive()?;
            cluster.alive()?;
            let Err(why) = done()? else { return Ok(()) };
            if Instant::now() > until {
                bail!("{what} after {PATIENCE:?}: {why}\n{}", self.kubelet.log_tail());
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

impl Cluster {
    /// A client of the kubelet that may do everything, by certificate.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(in crate::real) fn kubelet_admin(&self) -> anyhow::Result<Client> {
        Ok(asking_at(KUBELET, self.pki.admin_tls()?, None, "tare-real/admin"))
    }

    /// A client of the kubelet with a bearer token.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(in crate::real) fn kubelet_client(&self, token: &str, user_agent: &str) -> anyhow::Result<Client> {
        Ok(asking_at(KUBELET, self.pki.tls()?, Some(token.to_owned()), user_agent))
    }
}

/// Waits for any other check with pods to end: an agent sees every pod's cgroup on the machine, whoever's it is, and static
/// pods of two nodes have the same uid.
fn alone() -> anyhow::Result<File> {
    let lock = File::create(cache::folder()?.join("node.lock"))?;
    flock(&lock, FlockOperation::LockExclusive).context("waiting for the machine's other nodes")?;
    // The runner removes a check's cgroups once the check has ended, and with it its hold on the lock.
    let until = Instant::now() + SETTLED;
    while let Some(pod) = pod_of_another() {
        if Instant::now() > until {
            bail!("{} is a pod of another node: agents would report it", pod.display());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(lock)
}

/// A pod's cgroup on the machine, below any run's cgroup.
fn pod_of_another() -> Option<PathBuf> {
    let folders = runs::hierarchies().into_iter().flat_map(|hierarchy| below(&hierarchy));
    let of_runs = folders.filter(|folder| named(folder, runs::CGROUP_PREFIX));
    let of_kubelets = of_runs.flat_map(|run| below(&run)).map(|check| check.join("kubepods"));
    // A pod lies here or in its class: burstable, besteffort.
    let groups = of_kubelets.flat_map(|pods| below(&pods)).flat_map(|group| {
        let mut groups = below(&group);
        groups.push(group);
        groups
    });
    groups.into_iter().find(|group| named(group, "pod"))
}

fn named(folder: &Path, begin: &str) -> bool {
    folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begin))
}

/// The folders in a folder; none if it is not there.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

/// The node's name.
pub(in crate::real) fn name() -> String {
    node_name(0)
}

/// The pods on the node, as the API server has them.
///
/// # Errors
/// When there is no answer, or one that is no list.
pub(in crate::real) fn on_the_node(admin: &Client) -> anyhow::Result<Vec<Value>> {
    let path = format!("/api/v1/pods?fieldSelector=spec.nodeName={}", name());
    let list = admin.get(&path)?.json()?;
    list["items"].as_array().cloned().context("a list of pods without items")
}

/// Whether every container of the pod is ready.
fn runs(pod: &Value) -> bool {
    let statuses = pod["status"]["containerStatuses"].as_array().map(Vec::as_slice).unwrap_or_default();
    pod["status"]["phase"] == "Running"
        && pod["metadata"]["deletionTimestamp"].is_null()
        && !statuses.is_empty()
        && statuses.iter().all(|container| container["ready"] == true)
}

fn why(pod: &Value) -> String {
    let states: Vec<_> = ["initContainerStatuses", "containerStatuses"]
        .iter()
        .filter_map(|key| pod["status"][key].as_array())
        .flatten()
        .map(|status| status["state"].to_string())
        .collect();
    format!("{} {} {}", pod["metadata"]["name"], pod["status"]["phase"], states.join(" "))
}

/// Creates a folder with those above it.
fn folder(path: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(path).with_context(|| format!("creating {}", path.display()))
}

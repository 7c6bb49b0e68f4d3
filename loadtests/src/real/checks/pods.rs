//! What the checks of pods share: a node full of pods, and both agents set up to say the same about it.

pub(super) mod collector;
pub(super) mod own;
pub(super) mod tare;

use std::fs;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::agents::Agent;
use crate::parity::contract::{self, Row};
use crate::real::cache;
use crate::real::cluster::node::Node;
use crate::real::cluster::{Cluster, Setup};
use crate::real::env::Env;
use crate::real::recipes::{self, Need};

/// What a check needs that compares both agents on a node; the node's own needs are [`crate::real::cluster::node::NEEDS`].
pub(super) const NEEDS: &[Need] = &[
    recipes::COLLECTOR,
    recipes::TARE,
    recipes::ETCD,
    recipes::KUBE_APISERVER,
    recipes::KUBE_CONTROLLER_MANAGER,
    recipes::KUBELET,
    recipes::IMAGE,
];

/// How often both agents read: what people set.
pub(super) const INTERVAL: Duration = Duration::from_secs(10);

/// The names of every metric of pods, containers, volumes and the node.
pub(super) const PREFIXES: [&str; 2] = ["container.", "k8s."];

/// A cluster with one node full of pods.
pub(super) struct Ground {
    // Dropped in this order.
    pub(super) node: Node,
    pub(super) cluster: Cluster,
}

impl Ground {
    /// Starts everything and waits until `pods` pods run.
    pub(super) fn prepare(env: &Env, pods: usize, setup: Setup) -> anyhow::Result<Self> {
        let mut cluster = Cluster::start_with(env, setup)?;
        cluster.start_manager(env)?;
        let mut node = Node::start(env, &mut cluster)?;
        node.fill(&mut cluster, pods)?;
        Ok(Self { node, cluster })
    }

    /// Starts everything and no pods.
    pub(super) fn empty(env: &Env, setup: Setup) -> anyhow::Result<Self> {
        let mut cluster = Cluster::start_with(env, setup)?;
        let node = Node::start_empty(env, &mut cluster)?;
        Ok(Self { node, cluster })
    }

    /// Fails if anything of it has ended.
    pub(super) fn alive(&mut self) -> anyhow::Result<()> {
        self.node.alive()?;
        self.cluster.alive()
    }

    /// Lets so much time go by; fails as soon as anything of it, or an agent, has ended.
    pub(super) fn wait(&mut self, agents: &mut [&mut Agent; 2], length: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + length;
        while Instant::now() < until {
            std::thread::sleep(Duration::from_millis(500));
            self.alive()?;
            agents.iter_mut().try_for_each(|agent| agent.alive())?;
        }
        Ok(())
    }
}

/// The contract's rows of kubeletstats.
pub(super) fn rows() -> anyhow::Result<Vec<Row>> {
    let path = cache::repository().join("agent/tests/fixtures/parity/metrics.csv");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    Ok(contract::parse(&text)?.into_iter().filter(|row| row.receiver == "kubeletstats").collect())
}

/// What is asked of both.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// The rows to report.
    pub(super) rows: Vec<Row>,
    /// Every interface, or the default one only.
    pub(super) all_interfaces: bool,
    /// The scrapers of the host that run beside, with their defaults.
    pub(super) scrapers: &'static [&'static str],
}

impl Job {
    /// The metrics that have to be switched on.
    fn changes(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().filter(|row| !row.default_on).map(|row| row.metric.as_str())
    }
}

/// The attributes that both are told to add: those of the collector's processor that the product supports.
const METADATA: [&str; 21] = [
    "k8s.namespace.name",
    "k8s.pod.name",
    "k8s.pod.uid",
    "k8s.pod.hostname",
    "k8s.pod.ip",
    "k8s.pod.start_time",
    "k8s.node.name",
    "k8s.deployment.name",
    "k8s.replicaset.name",
    "k8s.replicaset.uid",
    "k8s.daemonset.name",
    "k8s.daemonset.uid",
    "k8s.statefulset.name",
    "k8s.statefulset.uid",
    "k8s.job.name",
    "k8s.job.uid",
    "k8s.cronjob.name",
    "k8s.container.name",
    "container.id",
    "container.image.name",
    "container.image.tag",
];

/// What both take from labels, by key and by expression; the collector's own spelling of `$`.
const LABELS: &str = concat!(
    "      - {key: app.kubernetes.io/name, tag_name: app}\n",
    "      - {key_regex: 'app.kubernetes.io/(v.*)', tag_name: 'label.$1'}\n",
    "      - {key: team, from: pod}\n",
);

/// What both take from annotations.
const ANNOTATIONS: &str = "      - {key: example.com/commit, tag_name: commit}\n";

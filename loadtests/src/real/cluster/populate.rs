//! Fills a cluster: the product's objects, namespaces, and pods on nodes that do not exist.
//!
//! No controller manager, scheduler or kubelet runs, so nothing changes these objects but the check itself.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::json;

use super::http::{Client, Connection};
use super::objects::{self, BARE, PRODUCT};
use super::pods::{self, Pod};

/// How many connections create pods at a time.
const THREADS: usize = 8;

/// Which pods there are: pod `n` is on node `n % nodes`.
#[derive(Debug, Clone, Copy)]
pub(in crate::real) struct Population {
    /// How many nodes have pods.
    pub(in crate::real) nodes: usize,
    /// How many pods there are on all of them.
    pub(in crate::real) pods: usize,
    /// Nodes below this number have pods that run: their statuses are written too.
    pub(in crate::real) running_below: usize,
}

impl Population {
    /// All pods.
    pub(in crate::real) fn pods(self) -> impl Iterator<Item = Pod> {
        (0..self.pods).map(move |number| Pod { number, node: number % self.nodes })
    }
}

/// Creates the namespaces and everything of the product except its pods. `nodes` is the size of the cluster that
/// its DaemonSet tells of.
///
/// # Errors
/// When the server refuses one.
pub(in crate::real) fn prepare(admin: &Client, nodes: usize) -> anyhow::Result<()> {
    let mut admin = admin.connect()?;
    let teams = (0..pods::NAMESPACES).map(pods::namespace_name);
    for name in teams.chain([PRODUCT.to_owned()]) {
        admin.create("/api/v1/namespaces", &objects::namespace(&name))?;
        // The controller that makes it does not run, and without it no pod is admitted.
        admin.create(&accounts(&name), &objects::service_account("default"))?;
    }
    admin.create(&accounts(PRODUCT), &objects::service_account(PRODUCT))?;
    admin.create(&accounts(PRODUCT), &objects::service_account(BARE))?;
    for (path, object) in objects::product_rbac() {
        admin.create(&path, &object)?;
    }
    let daemon_sets = format!("/apis/apps/v1/namespaces/{PRODUCT}/daemonsets");
    admin.create(&daemon_sets, &objects::daemon_set())?;
    admin.merge(&format!("{daemon_sets}/{PRODUCT}/status"), &objects::daemon_set_status(nodes))?;
    Ok(())
}

/// A token of one of the product's service accounts, good for an hour.
///
/// # Errors
/// When the server does not sign one.
pub(in crate::real) fn token(admin: &Client, account: &str) -> anyhow::Result<String> {
    let path = format!("{}/{account}/token", accounts(PRODUCT));
    let request = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600},
    });
    let answer = admin.connect()?.create(&path, &request)?;
    answer["status"]["token"].as_str().map(str::to_owned).context("an answer without a token")
}

fn accounts(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/serviceaccounts")
}

/// Creates the pods that `wanted` selects; gives how long that took.
///
/// # Errors
/// When the server refuses one.
pub(in crate::real) fn create(
    admin: &Client,
    population: Population,
    wanted: impl Fn(Pod) -> bool + Sync,
) -> anyhow::Result<Duration> {
    let begin = Instant::now();
    let wanted = &wanted;
    std::thread::scope(|scope| {
        let create = |first: usize| {
            let mut connection = admin.connect()?;
            let mine = population.pods().skip(first).step_by(THREADS).filter(|pod| wanted(*pod));
            mine.into_iter()
                .try_for_each(|pod| create_one(&mut connection, pod, pod.node < population.running_below))
        };
        let threads: Vec<_> = (0..THREADS).map(|first| scope.spawn(move || create(first))).collect();
        for thread in threads {
            match thread.join() {
                Ok(result) => result?,
                Err(_) => bail!("a thread that creates pods panicked"),
            }
        }
        anyhow::Ok(())
    })?;
    Ok(begin.elapsed())
}

/// Creates the first `count` ReplicaSets that own the population's pods.
///
/// # Errors
/// When the server refuses one.
pub(in crate::real) fn replica_sets(admin: &Client, count: usize) -> anyhow::Result<()> {
    let mut connection = admin.connect()?;
    for number in 0..count {
        let (path, object) = pods::replica_set(number);
        connection.create(&path, &object)?;
    }
    Ok(())
}

/// Creates one pod, and its status if it `runs`.
///
/// # Errors
/// When the server refuses it.
pub(in crate::real) fn create_one(connection: &mut Connection, pod: Pod, runs: bool) -> anyhow::Result<()> {
    connection.create(&pod.collection(), &pod.object())?;
    if runs {
        connection.merge(&format!("{}/status", pod.path()), &pod.running())?;
    }
    Ok(())
}

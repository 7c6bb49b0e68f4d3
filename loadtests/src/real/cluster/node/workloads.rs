//! Fills the node: a number of real pods, of every kind of owner there is.

use std::time::{Duration, Instant};

use anyhow::bail;

use super::owners::{self, NAMESPACE};
use super::{Node, statics, templates};
use crate::real::cluster::Cluster;
use crate::real::cluster::http::Client;
use crate::real::cluster::objects;

/// The static pod that every node here has.
pub(in crate::real) const STATIC: &str = "fixed";

/// A job's pods, and those of one that a CronJob made.
const JOB: usize = 2;
const SCHEDULED: usize = 1;
const DAEMON: usize = 1;
const STATICS: usize = 1;

/// How many pods each kind of owner has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parts {
    bare: usize,
    stateful: usize,
    /// Of the two Deployments.
    deployed: [usize; 2],
}

/// Shares `pods` out: a tenth bare, a fifth stateful, most of them deployed, as in an ordinary cluster.
fn parts(pods: usize) -> Option<Parts> {
    let (bare, stateful) = (pods.div_ceil(10), pods / 5);
    let deployed =
        pods.checked_sub(bare + stateful + JOB + SCHEDULED + DAEMON + STATICS).filter(|rest| *rest >= 2)?;
    Some(Parts { bare, stateful, deployed: [deployed.div_ceil(2), deployed / 2] })
}

impl Node {
    /// Creates `pods` pods of two containers each, and waits until they run. The controller manager has to run.
    ///
    /// # Errors
    /// When there are too few of them for one of each kind, when the server refuses one, or when not all run in time.
    pub(in crate::real) fn fill(&mut self, cluster: &mut Cluster, pods: usize) -> anyhow::Result<()> {
        let Some(parts) = parts(pods) else { bail!("{pods} pods cannot be of every kind") };
        let admin = cluster.admin()?;
        admin.connect()?.create("/api/v1/namespaces", &objects::namespace(NAMESPACE))?;
        wait_for_account(&admin)?;
        create(&admin, parts)?;
        statics::put(STATIC)?;
        self.wait_running(cluster, pods)
    }
}

fn create(admin: &Client, parts: Parts) -> anyhow::Result<()> {
    let mut admin = admin.connect()?;
    for (path, object) in owners::prepared() {
        admin.create(&path, &object)?;
    }
    let [web, api] = parts.deployed;
    let mut posted = vec![
        owners::deployment("web", &templates::web("web"), web),
        owners::deployment("api", &templates::api("api"), api),
        owners::stateful_set("store", parts.stateful),
        owners::daemon_set("agent"),
        owners::job("batch", JOB),
    ];
    posted.extend((0..parts.bare).map(|number| {
        let claim = (number == 0).then_some(owners::CLAIM);
        owners::bare(&format!("bare-{number}"), claim)
    }));
    for (path, object) in posted {
        admin.create(&path, &object)?;
    }
    let (path, object) = owners::cron_job("tick");
    let made = admin.create(&path, &object)?;
    let (path, object) = owners::scheduled_job("tick", &made["metadata"]["uid"]);
    admin.create(&path, &object)?;
    Ok(())
}

/// Without the account that the controller manager makes no pod is admitted, and without the authority none starts.
fn wait_for_account(admin: &Client) -> anyhow::Result<()> {
    let until = Instant::now() + Duration::from_mins(1);
    let wanted = ["serviceaccounts/default", "configmaps/kube-root-ca.crt"];
    loop {
        let mut there = true;
        for path in wanted {
            there &= admin.get(&format!("/api/v1/namespaces/{NAMESPACE}/{path}"))?.status == 200;
        }
        if there {
            return Ok(());
        }
        if Instant::now() > until {
            bail!("the controller manager makes no {wanted:?}");
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_as_many_as_were_asked_for_and_none_is_empty() {
        for pods in [10, 30, 31, 110, 250] {
            let parts = parts(pods).unwrap();
            let [first, second] = parts.deployed;
            let all = parts.bare + parts.stateful + first + second + JOB + SCHEDULED + DAEMON + STATICS;
            assert_eq!(all, pods);
            assert!(parts.bare > 0 && parts.stateful > 0 && second > 0, "{parts:?}");
        }
        assert_eq!(parts(8), None);
    }
}

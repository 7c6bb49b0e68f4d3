//! `pods-cost`: what tare costs on a full node, beside the collector and beside a program that only reads.
//!
//! All three look at the same node: see [`super::beside`]. Everything is on: every row of kubeletstats, every interface,
//! the host's default scrapers, and the names of k8sattributes.

use std::process::Command;
use std::time::Duration;

use super::beside::{self, Judged, Measured, Programs, mib};
use super::pods::{self, Ground, INTERVAL, Job};
use crate::real::cluster::Setup;
use crate::real::env::Env;
use crate::real::recipes::{self, Need};
use crate::real::registry::{Check, Lane, Outcome, Tier};

/// As many as a kubelet runs unless it is told otherwise, with two containers each.
const PODS: usize = 110;

/// Both know everything, and the caches of their allocators are full.
const SETTLE: Duration = Duration::from_mins(1);

/// The stretch that is measured.
const LENGTH: Duration = Duration::from_mins(2);

const SCRAPERS: &[&str] =
    &["cpu", "disk", "filesystem", "load", "memory", "network", "paging", "processes", "system"];

const NEEDS: &[Need] = &[
    recipes::COLLECTOR,
    recipes::TARE_STATIC,
    recipes::FLOOR,
    recipes::ETCD,
    recipes::KUBE_APISERVER,
    recipes::KUBE_CONTROLLER_MANAGER,
    recipes::KUBELET,
    recipes::IMAGE,
];

/// The entry of the registry.
pub(in crate::real) const CHECK: Check = Check {
    name: "pods-cost",
    tier: Tier::Full,
    about: "110 pods with everything on, every 10 s: memory, CPU per point and CPU over the floor within their bounds",
    needs: NEEDS,
    limit: Duration::from_mins(20),
    lane: Lane::Alone,
    hidden: false,
    run,
};

/// The bounds of the project.
mod bound {
    /// Proportional memory, in bytes.
    pub(super) const PSS: u64 = 15 << 20;
    /// CPU per point as a share of the collector's.
    pub(super) const OF_COLLECTOR: f64 = 0.05;
    /// CPU as a multiple of the floor's.
    pub(super) const OF_FLOOR: f64 = 2.0;
}

/// What is judged.
fn judged(measured: &Measured) -> [Judged; 3] {
    [
        ("tare: proportional memory, MiB", mib(measured.tare.memory.pss), mib(bound::PSS)),
        ("tare: CPU per point over the collector's", measured.of_collector, bound::OF_COLLECTOR),
        ("tare: CPU over the floor's", measured.of_floor, bound::OF_FLOOR),
    ]
}

fn run(env: &mut Env) -> anyhow::Result<Outcome> {
    let mut ground = Ground::prepare(env, PODS, Setup::default())?;
    let job = Job { rows: pods::rows()?, all_interfaces: true, scrapers: SCRAPERS };
    let account = pods::tare::account(env, &ground.cluster)?;
    let mut tare = pods::tare::start(env, recipes::TARE_STATIC, &account, &job)?;
    let mut collector = pods::collector::start(env, &ground.cluster, "collector", &job)?;
    let mut floor = Command::new(env.program("floor")?);
    floor.arg(INTERVAL.as_millis().to_string()).arg("--pods").arg(env.cgroup_name("node/kubepods"));
    let mut floor = env.start("floor", floor)?;
    let mut programs = Programs { tare: &mut tare, collector: &mut collector, floor: &mut floor };
    let measured = programs.measure([SETTLE, LENGTH], || ground.alive())?;
    let mut failures = programs.stop();
    let judged = judged(&measured);
    failures.extend(beside::failures(&judged));
    let json = serde_json::json!({"schema": "tare.real.pods-cost/v1", "interval_s": INTERVAL.as_secs(), "pods": PODS, "measured": measured});
    let text = measured.table(&judged);
    Ok(Outcome { failures, text, report: Some(("pods-cost.json".to_owned(), json)) })
}

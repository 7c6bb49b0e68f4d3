//! `pods-cost`: what tare costs on a full node, beside the collector and beside a program that only reads.
//!
//! All three look at the same node: see [`super::beside`]. Everything is on: every row of kubeletstats, every interface,
//! the host's default scrapers, and the names of k8sattributes.
//!
//! There are two stretches. In the first one tare scrapes the kubelet as often as the collector does, every 10 s, which is
//! the harder case; in the second one as it is shipped, every minute. Both are judged.
//!
//! Of CPU per point the project asks for a twentieth of the collector's. Where the floor alone is more than that (on cgroup
//! v1 the kernel adds up the `memory.stat` of each of some hundred groups when it is read), no program that reads these
//! files can keep it; the table says so, and the bound is what the other one allows: twice what reading them costs.

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
    about: "110 pods with everything on, every 10 s: memory, CPU over the floor, and CPU per point (a twentieth of the collector's, or twice the floor's where mere reading is more than that) within their bounds",
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

/// The most of the collector's CPU per point: the bound, or what twice the floor is of it.
fn of_collector(measured: &Measured) -> f64 {
    bound::OF_COLLECTOR.max(bound::OF_FLOOR * measured.floor_of_collector)
}

/// What is judged.
fn judged(measured: &Measured) -> [Judged; 3] {
    [
        ("tare: proportional memory, MiB", mib(measured.tare.memory.pss), mib(bound::PSS)),
        ("tare: CPU per point over the collector's", measured.of_collector, of_collector(measured)),
        ("tare: CPU over the floor's", measured.of_floor, bound::OF_FLOOR),
    ]
}

/// One stretch in words.
fn told(name: &str, measured: &Measured) -> String {
    let floor = measured.floor_of_collector;
    let beyond = if floor > bound::OF_COLLECTOR {
        format!(
            "more than the {:.3} that the project asks of tare: twice the floor is judged",
            bound::OF_COLLECTOR
        )
    } else {
        "which leaves the project's own bound".to_owned()
    };
    let table = measured.table(&judged(measured));
    format!("{name}\n{table}the floor alone: {floor:.3} of the collector's CPU per point, {beyond}\n")
}

/// How tare scrapes the kubelet in a stretch, and how long that takes to settle.
struct Stretch {
    name: &'static str,
    what: &'static str,
    kubelet: &'static str,
    settle: Duration,
}

const STRETCHES: [Stretch; 2] = [
    Stretch {
        name: "tare",
        what: "kubelet every 10 s, as the collector",
        kubelet: pods::tare::LIKE_THE_COLLECTOR,
        settle: SETTLE,
    },
    // The first answer comes within the first minute.
    Stretch {
        name: "tare-shipped",
        what: "kubelet every 60 s, as shipped",
        kubelet: pods::tare::AS_SHIPPED,
        settle: SETTLE.saturating_mul(2),
    },
];

fn run(env: &mut Env) -> anyhow::Result<Outcome> {
    let mut ground = Ground::prepare(env, PODS, Setup::default())?;
    let job = Job { rows: pods::rows()?, all_interfaces: true, scrapers: SCRAPERS };
    let account = pods::tare::account(env, &ground.cluster)?;
    let mut collector = pods::collector::start(env, &ground.cluster, "collector", &job)?;
    let mut floor = Command::new(env.program("floor")?);
    floor.arg(INTERVAL.as_millis().to_string()).arg("--pods").arg(format!("{}/kubepods", env.cgroup_name()));
    let mut floor = env.start("floor", floor)?;
    let (mut failures, mut text, mut report) = (Vec::new(), String::new(), serde_json::Map::new());
    for stretch in STRETCHES {
        let config = |endpoint: &str| pods::tare::config(&job, stretch.kubelet, endpoint);
        let mut tare = pods::tare::start_as(env, recipes::TARE_STATIC, &account, stretch.name, &config)?;
        let mut programs = Programs { tare: &mut tare, collector: &mut collector, floor: &mut floor };
        let measured = programs.measure([stretch.settle, LENGTH], || ground.alive())?;
        failures.extend(tare.stop(stretch.name));
        let of_it = beside::failures(&judged(&measured)).collect::<Vec<_>>();
        failures.extend(of_it.iter().map(|failure| format!("{}: {failure}", stretch.what)));
        text.push_str(&told(stretch.what, &measured));
        report.insert(stretch.name.to_owned(), serde_json::to_value(&measured)?);
    }
    failures.extend(collector.stop("collector"));
    let json = serde_json::json!({"schema": "tare.real.pods-cost/v2", "interval_s": INTERVAL.as_secs(), "pods": PODS, "measured": report});
    Ok(Outcome { failures, text, report: Some(("pods-cost.json".to_owned(), json)) })
}

//! `pods-cost`: what tare costs on a full node, beside the collector and beside a program that only reads.
//!
//! As in [`super::cost`], all three look at the same node at the same pace in the same stretch of time, and only ratios
//! between them and memory are judged. Everything is on: every row of kubeletstats, every interface, the host's default
//! scrapers, and the names of k8sattributes.

use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use super::agents::{self, Agent, Figures};
use super::pods::{self, Ground, INTERVAL, Job};
use crate::real::cluster::Setup;
use crate::real::env::Env;
use crate::real::program::{self, Memory, Program, float};
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

/// What was measured.
#[derive(Debug, Clone, serde::Serialize)]
struct Measured {
    collector: Figures,
    tare: Figures,
    floor_memory: Memory,
    floor_cpu_s: f64,
    /// CPU per point, tare over collector.
    of_collector: f64,
    /// CPU, tare over floor, at the same number of scrapes.
    of_floor: f64,
}

impl Measured {
    /// What is judged: what, how much, the bound.
    fn judged(&self) -> [(&'static str, f64, f64); 3] {
        let mib = |bytes| float(bytes) / 1_048_576.0;
        [
            ("tare: proportional memory, MiB", mib(self.tare.memory.pss), mib(bound::PSS)),
            ("tare: CPU per point over the collector's", self.of_collector, bound::OF_COLLECTOR),
            ("tare: CPU over the floor's", self.of_floor, bound::OF_FLOOR),
        ]
    }

    fn failures(&self) -> Vec<String> {
        let exceeds = |(_, value, bound): &(&str, f64, f64)| value.is_nan() || value > bound;
        let exceeding = self.judged().into_iter().filter(exceeds);
        exceeding.map(|(what, value, bound)| format!("{what}: {value:.3}, at most {bound:.3}")).collect()
    }

    fn table(&self) -> String {
        let mut text = agents::table(&[("collector", &self.collector), ("tare", &self.tare)]);
        for (what, value, bound) in self.judged() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{what:44} {value:>10.3}   bound {bound:.3}");
        }
        let floor = float(self.floor_memory.rss) / 1_048_576.0;
        let _ = writeln!(text, "floor: {:.1} ms of CPU, {floor:.2} MiB RSS", self.floor_cpu_s * 1e3);
        text
    }
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
    let mut wait = |length: Duration, agents: [&mut Agent; 2], floor: &mut Program| -> anyhow::Result<()> {
        let until = Instant::now() + length;
        let [first, second] = agents;
        while Instant::now() < until {
            std::thread::sleep(Duration::from_millis(500));
            ground.alive()?;
            first.alive()?;
            second.alive()?;
            floor.alive()?;
        }
        Ok(())
    };
    wait(SETTLE, [&mut tare, &mut collector], &mut floor)?;
    let begin = (collector.usage()?, tare.usage()?, program::cpu_ns(floor.pid())?);
    wait(LENGTH, [&mut tare, &mut collector], &mut floor)?;
    let (collector_figures, tare_figures) = (collector.figures(begin.0)?, tare.figures(begin.1)?);
    let floor_cpu_s = float(program::cpu_ns(floor.pid())? - begin.2) / 1e9;
    let measured = Measured {
        of_collector: tare_figures.cpu_us_per_point / collector_figures.cpu_us_per_point,
        of_floor: tare_figures.cpu_s / floor_cpu_s,
        floor_memory: Memory::of(floor.pid())?,
        floor_cpu_s,
        collector: collector_figures,
        tare: tare_figures,
    };
    let mut failures: Vec<_> =
        [tare.stop("tare"), collector.stop("collector")].into_iter().flatten().collect();
    failures.extend(measured.failures());
    let json = serde_json::json!({"schema": "tare.real.pods-cost/v1", "interval_s": INTERVAL.as_secs(), "pods": PODS, "measured": measured});
    Ok(Outcome { failures, text: measured.table(), report: Some(("pods-cost.json".to_owned(), json)) })
}

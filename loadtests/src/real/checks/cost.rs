//! `hostmetrics-cost`: what tare costs beside the collector and beside a program that only reads.
//!
//! All three read the same machine at the same pace in the same stretch of time, so that whatever disturbs
//! one disturbs all; only ratios between them and memory are judged. Times are nanoseconds of the scheduler.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::agents::{self, Agent, Figures, Job};
use super::ground::{Ground, NAMED};
use super::parity::host_rows;
use crate::real::env::Env;
use crate::real::program::{self, Memory, Program, float};
use crate::real::recipes;
use crate::real::registry::Outcome;

/// Short, so that a run holds many scrapes; what a scrape costs hardly depends on it.
const INTERVAL: Duration = Duration::from_secs(1);

/// Start-up (first descriptors, first buffers) is not part of the figures.
const SETTLE: Duration = Duration::from_secs(10);

/// The stretch that is measured.
const LENGTH: Duration = Duration::from_mins(1);

/// The bounds of the project.
mod bound {
    /// Resident memory, in bytes.
    pub(super) const RSS: u64 = 12 << 20;
    /// CPU per point as a share of the collector's.
    pub(super) const OF_COLLECTOR: f64 = 0.1;
    /// CPU per scrape as a multiple of the floor's.
    pub(super) const OF_FLOOR: f64 = 2.0;
    /// From start to first export, in seconds.
    pub(super) const FIRST_EXPORT_S: f64 = 1.0;
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
    first_export_s: f64,
    collector_first_export_s: f64,
}

impl Measured {
    /// What exceeds its bound.
    fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        let mut at_most = |what: &str, value: f64, bound: f64| {
            if value.is_nan() || value > bound {
                failures.push(format!("{what}: {value:.3}, at most {bound:.3}"));
            }
        };
        let mib = |bytes| float(bytes) / 1_048_576.0;
        at_most("resident memory in MiB", mib(self.tare.memory.peak_rss), mib(bound::RSS));
        at_most("CPU per point over the collector's", self.of_collector, bound::OF_COLLECTOR);
        at_most("CPU over the floor's", self.of_floor, bound::OF_FLOOR);
        at_most("seconds to the first export", self.first_export_s, bound::FIRST_EXPORT_S);
        failures
    }

    fn table(&self) -> String {
        let mut text = agents::table(&[("collector", &self.collector), ("tare", &self.tare)]);
        let mib = |bytes| float(bytes) / 1_048_576.0;
        let mut line = |what: &str, value: f64, bound: f64| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{what:44} {value:>10.3}   bound {bound:.3}");
        };
        line("tare: highest resident memory, MiB", mib(self.tare.memory.peak_rss), mib(bound::RSS));
        line("tare: CPU per point over the collector's", self.of_collector, bound::OF_COLLECTOR);
        line("tare: CPU over the floor's", self.of_floor, bound::OF_FLOOR);
        line("tare: seconds to the first export", self.first_export_s, bound::FIRST_EXPORT_S);
        let _ = writeln!(
            text,
            "floor: {:.1} ms of CPU, {:.2} MiB RSS; collector: first export after {:.2} s",
            self.floor_cpu_s * 1e3,
            mib(self.floor_memory.rss),
            self.collector_first_export_s
        );
        text
    }
}

/// Runs all three and judges tare.
pub(in crate::real) fn run(env: &mut Env) -> anyhow::Result<Outcome> {
    let rows = host_rows()?.into_iter().filter(|row| row.default_on && row.scraper != "nfs").collect();
    let job = Job { interval: INTERVAL, rows, processes: NAMED.to_vec() };
    let mut ground = Ground::prepare(env)?;
    let mut tare = Agent::tare(env, recipes::TARE_STATIC, &job, Path::new("/"))?;
    let mut collector = Agent::collector(env, "collector", &job)?;
    let mut floor = Command::new(env.program("floor")?);
    floor.arg(INTERVAL.as_millis().to_string()).args(NAMED);
    let mut floor = env.start("floor", floor)?;
    let mut wait = |length: Duration, agents: [&mut Agent; 2], floor: &mut Program| -> anyhow::Result<()> {
        let until = Instant::now() + length;
        let [first, second] = agents;
        while Instant::now() < until {
            std::thread::sleep(Duration::from_millis(200));
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
        first_export_s: tare.first_export().context("tare sent nothing")?.as_secs_f64(),
        collector_first_export_s: collector
            .first_export()
            .context("the collector sent nothing")?
            .as_secs_f64(),
        collector: collector_figures,
        tare: tare_figures,
    };
    let mut failures: Vec<_> =
        [tare.stop("tare"), collector.stop("collector")].into_iter().flatten().collect();
    failures.extend(measured.failures());
    let json = serde_json::json!({"schema": "tare.real.cost/v1", "interval_s": INTERVAL.as_secs(), "measured": measured});
    Ok(Outcome { failures, text: measured.table(), report: Some(("cost.json".to_owned(), json)) })
}

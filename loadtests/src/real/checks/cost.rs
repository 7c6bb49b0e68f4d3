//! `hostmetrics-cost`: what tare costs beside the collector and beside a program that only reads.
//!
//! All three read the same machine: see [`super::beside`].

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use super::agents::{Agent, Job};
use super::beside::{self, Judged, Programs, mib};
use super::ground::{Ground, NAMED};
use super::parity::host_rows;
use crate::real::env::Env;
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
    #[serde(flatten)]
    all: beside::Measured,
    first_export_s: f64,
    collector_first_export_s: f64,
}

impl Measured {
    fn judged(&self) -> [Judged; 4] {
        [
            ("tare: highest resident memory, MiB", mib(self.all.tare.memory.peak_rss), mib(bound::RSS)),
            ("tare: CPU per point over the collector's", self.all.of_collector, bound::OF_COLLECTOR),
            ("tare: CPU over the floor's", self.all.of_floor, bound::OF_FLOOR),
            ("tare: seconds to the first export", self.first_export_s, bound::FIRST_EXPORT_S),
        ]
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
    let mut programs = Programs { tare: &mut tare, collector: &mut collector, floor: &mut floor };
    let all = programs.measure([SETTLE, LENGTH], || ground.alive())?;
    let first_export =
        |agent: &Agent, what| agent.first_export().context(what).map(|after| after.as_secs_f64());
    let measured = Measured {
        all,
        first_export_s: first_export(programs.tare, "tare sent nothing")?,
        collector_first_export_s: first_export(programs.collector, "the collector sent nothing")?,
    };
    let mut failures = programs.stop();
    let judged = measured.judged();
    failures.extend(beside::failures(&judged));
    let mut text = measured.all.table(&judged);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "collector: first export after {:.2} s", measured.collector_first_export_s);
    let json = serde_json::json!({"schema": "tare.real.cost/v1", "interval_s": INTERVAL.as_secs(), "measured": measured});
    Ok(Outcome { failures, text, report: Some(("cost.json".to_owned(), json)) })
}

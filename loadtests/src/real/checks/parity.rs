//! `hostmetrics-parity` and its variants: two agents on one machine, at the same time, have to agree.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::agents::{self, Agent, Job};
use super::fixture;
use super::ground::{Ground, NAMED};
use crate::parity::compare::Settings;
use crate::parity::contract::{self, Row};
use crate::parity::report::{Report, SCHEMA};
use crate::parity::rules::Rules;
use crate::parity::starts::Starts;
use crate::parity::stream::Stream;
use crate::real::cache;
use crate::real::env::Env;
use crate::real::recipes;
use crate::real::registry::Outcome;

/// How often both agents read.
const INTERVAL: Duration = Duration::from_secs(5);

/// How many intervals both run.
const INTERVALS: u32 = 8;

/// An agent stamps a scrape and then reads; with two cores and a fork storm in between it may wait this long.
const SETTLE: Duration = Duration::from_millis(150);

/// The collector rounds boot time to a second.
const START_SLACK: Duration = Duration::from_millis(1500);

/// The rows that are on by default.
pub(in crate::real) fn default_rows(env: &mut Env) -> anyhow::Result<Outcome> {
    let rows = rows()?.into_iter().filter(|row| row.default_on).collect();
    side_by_side(env, "hostmetrics-parity", rows, Subject::Tare)
}

/// Every row.
pub(in crate::real) fn all_rows(env: &mut Env) -> anyhow::Result<Outcome> {
    side_by_side(env, "hostmetrics-parity-all", rows()?, Subject::Tare)
}

/// Two collectors, every row: whatever does not hold here says that a tolerance is too narrow.
pub(in crate::real) fn collector_with_itself(env: &mut Env) -> anyhow::Result<Outcome> {
    side_by_side(env, "hostmetrics-parity-self", rows()?, Subject::Collector)
}

/// What is compared with the collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// tare.
    Tare,
    /// Another collector, to calibrate the comparison.
    Collector,
}

impl Subject {
    /// The program's name in tables and failures.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tare => "tare",
            Self::Collector => "second",
        }
    }
}

/// Rows that the collector accepts in its configuration and supports on Windows only.
pub(super) const NEVER_ON_LINUX: [&str; 1] = ["process.handles"];

/// The contract's rows of every host scraper.
pub(super) fn host_rows() -> anyhow::Result<Vec<Row>> {
    let path = cache::repository().join("agent/tests/fixtures/parity/metrics.csv");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    Ok(contract::parse(&text)?.into_iter().filter(|row| row.receiver == "hostmetrics").collect())
}

/// Without nfs: no ordinary machine has its files, and the collector logs an error each time.
fn rows() -> anyhow::Result<Vec<Row>> {
    Ok(host_rows()?.into_iter().filter(|row| row.scraper != "nfs").collect())
}

/// Tolerances and exceptions.
pub(super) fn rules() -> anyhow::Result<Rules> {
    let folder = cache::repository().join("loadtests/real");
    let read = |name: &str| fs::read_to_string(folder.join(name)).with_context(|| format!("reading {name}"));
    Rules::parse(&read("parity-tolerances.csv")?, &read("parity-exceptions.csv")?)
}

fn side_by_side(env: &Env, name: &str, rows: Vec<Row>, subject: Subject) -> anyhow::Result<Outcome> {
    let mut rules = rules()?;
    if subject == Subject::Collector {
        // What is accepted of tare says nothing about the collector.
        rules.exceptions.clear();
    }
    let job = Job { interval: INTERVAL, rows: rows.clone(), processes: NAMED.to_vec() };
    let mut ground = Ground::prepare(env)?;
    let mut collector = Agent::collector(env, "collector", &job)?;
    // Half an interval apart, so that each read of one lies well between two of the other.
    std::thread::sleep(INTERVAL / 2);
    let mut tare = match subject {
        Subject::Tare => Agent::tare(env, recipes::TARE, &job, Path::new("/"))?,
        Subject::Collector => Agent::collector(env, "second", &job)?,
    };
    let until = Instant::now() + INTERVAL * INTERVALS;
    let begin = (collector.usage()?, tare.usage()?);
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
        ground.alive()?;
        collector.alive()?;
        tare.alive()?;
    }
    let figures = (collector.figures(begin.0)?, tare.figures(begin.1)?);
    let mut failures: Vec<_> =
        [tare.stop(subject.name()), collector.stop("collector")].into_iter().flatten().collect();
    drop(ground);

    let settings = Settings {
        rows,
        interval: INTERVAL,
        settle: SETTLE,
        lag: Duration::ZERO,
        start_slack: START_SLACK,
        starts: Starts::default(),
        began: collector.began(),
        may_be_absent: absent_here()?,
        exact: false,
    };
    let streams = (Stream::of(&collector.requests()), Stream::of(&tare.requests()));
    let report = Report::of(&streams.0, &streams.1, &settings, &rules);
    failures.extend(verdict(&report));
    let text = format!(
        "{}\n{}own telemetry: {:.1} % of tare's bytes before compression\n",
        report.table(),
        agents::table(&[("collector", &figures.0), (subject.name(), &figures.1)]),
        tare.own_share() * 100.0,
    );
    let json = serde_json::json!({
        "schema": SCHEMA,
        "check": name,
        "holds": report.holds(),
        "cost": {"collector": figures.0, "tare": figures.1, "tare_own_share": tare.own_share()},
        "report": report,
    });
    let file = if name == "hostmetrics-parity" { "parity.json".to_owned() } else { format!("{name}.json") };
    Ok(Outcome { failures, text, report: Some((file, json)) })
}

/// One line for what is open, if anything is.
pub(super) fn verdict(report: &Report) -> Option<String> {
    let metrics: BTreeSet<_> = report.open().map(|mismatch| mismatch.metric.as_str()).collect();
    let open = report.open().count();
    (open > 0)
        .then(|| format!("{open} mismatches without a reason, in {}", Vec::from_iter(metrics).join(", ")))
}

/// Rows that the fixture proves, where this machine has nothing to report (no swap, no huge pages), and those
/// that no Linux machine has.
pub(super) fn absent_here() -> anyhow::Result<BTreeSet<String>> {
    let rows = host_rows()?.into_iter().filter(fixture::covers);
    Ok(rows.map(|row| row.metric).chain(NEVER_ON_LINUX.map(str::to_owned)).collect())
}

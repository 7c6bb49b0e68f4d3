//! `hostmetrics-fixture`: what this machine cannot produce, on a tree of files that stand still.
//!
//! The collector reads some files from fixed paths whatever its root path says (`/proc/swaps`,
//! `/proc/net/rpc/nfs`), so it runs with the tree as its whole file system; tare gets it as `host.root`. Both
//! read the same bytes, so every value has to be equal.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use super::agents::{Agent, Job};
use super::parity::{NEVER_ON_LINUX, Subject, host_rows, rules, verdict};
use crate::parity::compare::Settings;
use crate::parity::contract::Row;
use crate::parity::report::{Report, SCHEMA};
use crate::parity::starts::Starts;
use crate::parity::stream::Stream;
use crate::real::cache;
use crate::real::env::Env;
use crate::real::recipes;
use crate::real::registry::Outcome;

/// The scrapers whose files the tree has.
const SCRAPERS: [&str; 7] = ["cpu", "disk", "load", "memory", "network", "nfs", "paging"];

/// An average over time says nothing about files that stand still; the machine itself proves it.
const MOVING: [&str; 1] = ["system.cpu.utilization"];

/// Whether the tree has what a row needs.
pub(super) fn covers(row: &Row) -> bool {
    SCRAPERS.contains(&row.scraper.as_str()) && !MOVING.contains(&row.metric.as_str())
}

/// Files that stand still need no long look.
const INTERVAL: Duration = Duration::from_secs(1);

/// The collector averages the load itself, from 5 s on; the rest is there at once.
const LENGTH: Duration = Duration::from_secs(8);

/// tare and the collector on the tree.
pub(in crate::real) fn run(env: &mut Env) -> anyhow::Result<Outcome> {
    on_the_tree(env, "hostmetrics-fixture", Subject::Tare)
}

/// Two collectors on the tree: the tree has what every row needs.
pub(in crate::real) fn collector_with_itself(env: &mut Env) -> anyhow::Result<Outcome> {
    on_the_tree(env, "hostmetrics-fixture-self", Subject::Collector)
}

fn on_the_tree(env: &Env, name: &str, subject: Subject) -> anyhow::Result<Outcome> {
    let tree = env.path("tree");
    let source = cache::repository().join("loadtests/real/fixture");
    env.execute("cp", ["-r", &source.to_string_lossy(), &tree.to_string_lossy()])?;
    let binary = tree.join("otelcol");
    fs::write(&binary, "")?;
    // A bind mount in this check's own mount namespace: it goes with it.
    env.execute("mount", ["--bind", &env.program("otelcol")?.to_string_lossy(), &binary.to_string_lossy()])?;

    let rows: Vec<_> = host_rows()?.into_iter().filter(covers).collect();
    let job = Job { interval: INTERVAL, rows: rows.clone(), processes: Vec::new() };
    let collector = |name: &str| {
        Agent::start(env, name, |endpoint| {
            fs::write(tree.join(name).with_extension("yaml"), job.collector_config(endpoint))?;
            let mut command = Command::new("chroot");
            command.arg(&tree).args(["/otelcol", "--config", &format!("/{name}.yaml")]);
            Ok(command)
        })
    };
    let mut first = collector("collector")?;
    std::thread::sleep(INTERVAL / 2);
    let mut second = match subject {
        Subject::Tare => Agent::tare(env, recipes::TARE, &job, &tree)?,
        Subject::Collector => collector("second")?,
    };
    let until = Instant::now() + LENGTH;
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
        first.alive()?;
        second.alive()?;
    }
    let mut failures: Vec<_> =
        [second.stop(subject.name()), first.stop("collector")].into_iter().flatten().collect();
    let settings = Settings {
        rows,
        interval: INTERVAL,
        settle: INTERVAL / 20,
        lag: Duration::ZERO,
        start_slack: Duration::from_secs(1),
        starts: Starts::default(),
        began: first.began(),
        may_be_absent: NEVER_ON_LINUX.map(str::to_owned).into(),
        exact: true,
    };
    let streams = (Stream::of(&first.requests()), Stream::of(&second.requests()));
    let report = Report::of(&streams.0, &streams.1, &settings, &rules()?);
    failures.extend(verdict(&report));
    let json = serde_json::json!({
        "schema": SCHEMA, "check": name, "holds": report.holds(), "report": report,
    });
    Ok(Outcome { failures, text: report.table(), report: Some((format!("{name}.json"), json)) })
}

//! 11 December 2024, replayed on a simulated control plane: an agent that asks for the whole cluster on every node, and tare.
//!
//! Pure and in virtual time: a seed and two committed files, [`crate::prices`] and [`Scenario`], make the run. tare is not
//! modelled here: its arrivals are those of the shipped informer in [`crate::fleet`]. Every request that arrives at the
//! simulated server ends exactly once, and a test counts them. Only [`write()`] and [`main`] touch files.
//!
//! `cargo run --profile fast -p loadtests --bin outage -- --out DIR` writes the plots, the figures and the page that explains them.

mod clients;
mod engine;
mod levels;
mod names;
mod plot;
mod report;
mod restart;
mod scenario;
mod sensitivity;
mod server;
#[cfg(test)]
mod tests;
mod timeline;
mod tornado;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;

use crate::command_line;
use crate::fleet;
use crate::prices::{Kind, Prices};
use crate::rows;
use clients::CLUSTER_WIDE;
use engine::{Agents, Engine, Event, Plan};

pub use clients::{ClientType, TODAY};
pub use plot::plot;
pub use restart::Restarted;
pub use scenario::{Knob, Origin, Parameter, Scenario};
pub use sensitivity::{Harm, Sensitivity, Turned};
pub use server::Counts;
pub use timeline::{Command, Marks, Operators, Replay, Second};

/// The schema of the report.
pub const SCHEMA: &str = "tare.outage/v1";

/// Where the random numbers begin unless somebody says otherwise.
pub const SEED: u64 = 20_241_211;

/// Seconds before the rollout and after it in the long replays.
const BEFORE: f64 = 300.0;
const AFTER: f64 = 4_500.0;

/// What arrives from the shipped informers: seconds since the beginning, and what is asked.
type Script = Vec<(f64, Kind)>;

/// What is rolled out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rollout {
    /// An informer on every node that follows all pods.
    Today,
    /// The same on servers whose memory has no end.
    TodayUnbounded,
    /// tare.
    Tare,
}

/// Rolls it out and brings back what happened.
///
/// # Errors
/// When tare's fleet cannot be simulated.
pub fn replay(rollout: Rollout, scenario: &Scenario, prices: &Prices, seed: u64) -> anyhow::Result<Replay> {
    let script = match rollout {
        Rollout::Tare => script("cold-install", scenario.count(Knob::Nodes), seed, AFTER)?,
        Rollout::Today | Rollout::TodayUnbounded => Script::new(),
    };
    let (name, agents) = match rollout {
        Rollout::Today => {
            ("today: cluster-wide LIST and WATCH on every node", Agents::Reflectors(&CLUSTER_WIDE))
        }
        Rollout::TodayUnbounded => ("today, memory without limit", Agents::Reflectors(&CLUSTER_WIDE)),
        Rollout::Tare => ("tare", Agents::Script(&script)),
    };
    let plan = Plan {
        name,
        agents,
        event: Event::Rollout { rollback: rollout != Rollout::Tare },
        before: BEFORE,
        after: AFTER + scenario.of(Knob::OperatorPatienceS),
        bounded_memory: rollout != Rollout::TodayUnbounded,
    };
    Ok(Engine::new(plan, scenario, prices, seed).run())
}

/// What the shipped informers send in a scenario of the virtual fleet, as far as it is needed.
fn script(name: &str, nodes: u32, seed: u64, until: f64) -> anyhow::Result<Script> {
    let arrivals = fleet::arrivals(name, nodes, seed)?;
    #[expect(clippy::cast_precision_loss, reason = "hours in milliseconds")]
    let script = arrivals.into_iter().map(|(at, kind)| (at as f64 / 1e3, kind));
    Ok(script.take_while(|(at, _)| *at < until).collect())
}

/// Everything that is written.
#[derive(Debug, Clone)]
struct Everything {
    today: Replay,
    tare: Replay,
    today_unbounded: Replay,
    restart: Vec<Restarted>,
    sensitivity: Sensitivity,
}

/// What [`write()`] did.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// For people: one figure or a few in each, with their origin first.
    pub lines: Vec<String>,
    /// The report, as it was written.
    pub json: serde_json::Value,
    /// What tare did that it must not; empty: nothing.
    pub breaches: Vec<String>,
}

/// Runs everything and writes `outage.json`, `outage.svg`, `sensitivity.svg` and `README.md` into a folder.
///
/// # Errors
/// When a committed file is broken, a fleet cannot be simulated, or the folder cannot be written.
pub fn write(folder: &Path) -> anyhow::Result<Summary> {
    write_seeded(folder, SEED)
}

fn write_seeded(folder: &Path, seed: u64) -> anyhow::Result<Summary> {
    let (scenario, prices) = (Scenario::committed()?, Prices::committed()?);
    let rollouts = [Rollout::Today, Rollout::Tare, Rollout::TodayUnbounded];
    let replays = sensitivity::every(&rollouts, |rollout| replay(*rollout, &scenario, &prices, seed));
    let mut replays = replays.into_iter();
    let mut next = || replays.next().context("no replay")?;
    let all = Everything {
        today: next()?,
        tare: next()?,
        today_unbounded: next()?,
        restart: restart::run(&scenario, &prices, seed)?,
        sensitivity: sensitivity::run(&scenario, &prices, seed)?,
    };
    let lines = report::lines(&all, &scenario);
    let json = rows::rounded(report::json(&all, &scenario, &prices, seed));
    let title = format!(
        "11 December 2024, replayed: {} nodes, {} pods",
        scenario.count(Knob::Nodes),
        scenario.pods()
    );
    let files = [
        ("outage.json", rows::text(&json)?),
        ("outage.svg", plot(&title, [&all.today, &all.tare])?),
        ("sensitivity.svg", tornado::plot(&scenario, &all.sensitivity)?),
        ("README.md", report::page(&lines, &all)),
    ];
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for (name, text) in files {
        let file = folder.join(name);
        std::fs::write(&file, text).with_context(|| file.display().to_string())?;
    }
    Ok(Summary { breaches: breaches(&all.tare), lines, json })
}

/// What must hold of tare: nothing of its own fails, no server suffers, and the operators feel nothing.
fn breaches(tare: &Replay) -> Vec<String> {
    let mut breaches = Vec::new();
    if tare.agents_failed > 0 || tare.slowest_s > 1.0 {
        let (failed, slowest) = (tare.agents_failed, tare.slowest_s);
        breaches.push(format!(
            "{failed} of tare's requests failed, the slowest took {slowest} s: feedback is missing"
        ));
    }
    if tare.crashes > 0 || tare.marks.saturated.is_some() || tare.marks.locked_out.is_some() {
        breaches.push(format!("under tare the servers suffered: {:?}", tare.marks));
    }
    let (before, after) = (tare.operators(f64::MIN, 0.0), tare.operators(0.0, f64::MAX));
    if after.success < 1.0 || after.p99_s > before.p99_s * 2.0 {
        breaches.push(format!("operators felt tare: {before:?} became {after:?}"));
    }
    breaches
}

/// Replays 11 December 2024 and writes the plots, the figures and the page that explains them.
#[derive(Debug, Parser)]
#[command(name = "outage")]
struct Arguments {
    /// The folder that is written.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The random numbers begin here.
    #[arg(long, default_value_t = SEED)]
    seed: u64,
}

/// The entry point of the binary `outage`. 0: as promised; 1: tare did harm; 64: bad usage; 70: something else failed.
pub fn main() -> ExitCode {
    command_line::main("outage", |arguments: &Arguments| {
        let summary = write_seeded(&arguments.out, arguments.seed)?;
        let breaches = summary.breaches.iter().map(|breach| format!("BREACH: {breach}"));
        let lines: Vec<_> = summary.lines.iter().cloned().chain(breaches).collect();
        // Whoever does not want to see the lines any more still wants the exit code.
        let _ = writeln!(std::io::stdout(), "{}", lines.join("\n"));
        Ok(ExitCode::from(u8::from(!summary.breaches.is_empty())))
    })
}

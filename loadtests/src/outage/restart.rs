//! All agents of a cluster restart at once: what the server gets in the fullest ten seconds, and what operators feel.

use serde::Serialize;

use super::clients::TODAY;
use super::engine::{Agents, Engine, Event, Plan};
use super::scenario::{Knob, Scenario};
use super::sensitivity::every;
use super::timeline::Replay;
use super::{Script, script};
use crate::prices::Prices;

/// Seconds before the restart, and how long after it operators are watched.
const BEFORE: f64 = 20.0;
const WATCHED: f64 = 300.0;

/// One kind of agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Restarted {
    /// Which.
    pub name: String,
    /// What it does.
    pub about: String,
    /// Its requests in the fullest 10 s, refused ones and repeats included.
    pub worst_10s: u32,
    /// The 99th percentile of the operators' latency in the five minutes after, seconds.
    pub p99_s: f64,
    /// The part of their commands that was answered.
    pub success: f64,
    /// How often the servers ran out of memory.
    pub crashes: u32,
    /// The agents that had everything again after five minutes; for tare, those whose turn had come.
    pub synced: u32,
}

/// Nobody, tare, and each of today's models.
///
/// # Errors
/// When tare's fleet cannot be simulated.
pub(super) fn run(scenario: &Scenario, prices: &Prices, seed: u64) -> anyhow::Result<Vec<Restarted>> {
    let script: Script = script("restart-with-memory", scenario.count(Knob::Nodes), seed, WATCHED)?;
    let mut cases = vec![
        ("no agents", "kubelets, controllers and operators alone", Agents::Nobody),
        (
            "tare",
            "the shipped informer: all agents restart, each waits for its turn",
            Agents::Script(&script),
        ),
    ];
    cases.extend(TODAY.iter().map(|kind| (kind.name, kind.about, Agents::Reflectors(kind))));
    Ok(every(&cases, |(name, about, agents)| {
        let after = WATCHED + scenario.of(Knob::OperatorPatienceS) + 1.0;
        let (event, agents) = (Event::Restart, *agents);
        let plan = Plan { name, agents, event, before: BEFORE, after, bounded_memory: true };
        row(&Engine::new(plan, scenario, prices, seed).run(), about)
    }))
}

fn row(replay: &Replay, about: &str) -> Restarted {
    let operators = replay.operators(0.0, WATCHED);
    Restarted {
        name: replay.name.clone(),
        about: about.to_owned(),
        worst_10s: replay.worst_10s,
        p99_s: operators.p99_s,
        success: operators.success,
        crashes: replay.crashes,
        synced: replay
            .timeline
            .iter()
            .rev()
            .find(|second| second.at <= WATCHED)
            .map_or(0, |second| second.synced),
    }
}

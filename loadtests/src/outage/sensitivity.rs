//! What half and one and a half of each parameter change: nobody outside knows them, so the story must not hang on one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use serde::Serialize;

use super::clients::CLUSTER_WIDE;
use super::engine::{Agents, Engine, Event, Plan};
use super::scenario::{Knob, Scenario};
use super::timeline::Replay;
use super::{Script, script};
use crate::prices::Prices;

/// Seconds of a run before and after the rollout begins: the operators have not taken it back by then.
const BEFORE: f64 = 20.0;
/// How long after the rollout the operators' commands are judged, seconds.
pub(super) const JUDGED: f64 = 600.0;
/// What each parameter is multiplied by.
pub(super) const FACTORS: [f64; 2] = [0.5, 1.5];

/// What a run comes to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Harm {
    /// Seconds from the beginning of the rollout until the servers are saturated.
    pub saturated_s: Option<f64>,
    /// The part of the operators' commands in the ten minutes after the rollout began that was answered.
    pub success: f64,
    /// The 99th percentile of their latency, seconds.
    pub p99_s: f64,
}

/// One parameter, turned.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Turned {
    /// Which.
    pub knob: Knob,
    /// Today's agent, at half and one and a half of it.
    pub today: [Harm; 2],
    /// tare, likewise.
    pub tare: [Harm; 2],
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sensitivity {
    /// Today's agent as the scenario has it.
    pub today: Harm,
    /// tare as the scenario has it.
    pub tare: Harm,
    /// Each parameter, those that change the operators' success most first.
    pub turned: Vec<Turned>,
}

impl Harm {
    fn of(replay: &Replay) -> Self {
        let operators = replay.operators(0.0, JUDGED);
        Self { saturated_s: replay.marks.saturated, success: operators.success, p99_s: operators.p99_s }
    }
}

impl Turned {
    /// By how much the operators' success under today's agent moves.
    fn swing(&self, base: f64) -> f64 {
        self.today.iter().map(|harm| (harm.success - base).abs()).fold(0.0, f64::max)
    }
}

/// Runs the scenario with each parameter turned, on all cores.
///
/// # Errors
/// When a fleet of tare's cannot be simulated.
pub(super) fn run(scenario: &Scenario, prices: &Prices, seed: u64) -> anyhow::Result<Sensitivity> {
    let mut cases = vec![(None, scenario.clone())];
    for knob in Knob::ALL {
        cases.extend(FACTORS.map(|factor| (Some(*knob), scenario.with(*knob, factor))));
    }
    let mut scripts: BTreeMap<u32, Script> = BTreeMap::new();
    for (_, case) in &cases {
        let nodes = case.count(Knob::Nodes);
        if let std::collections::btree_map::Entry::Vacant(entry) = scripts.entry(nodes) {
            entry.insert(script("cold-install", nodes, seed, JUDGED)?);
        }
    }
    let harms = every(&cases, |(_, case)| {
        let script = scripts.get(&case.count(Knob::Nodes)).map_or(&[][..], Vec::as_slice);
        [Agents::Reflectors(&CLUSTER_WIDE), Agents::Script(script)].map(|agents| {
            let event = Event::Rollout { rollback: false };
            let after = JUDGED + case.of(Knob::OperatorPatienceS) + 1.0;
            let plan = Plan { name: "", agents, event, before: BEFORE, after, bounded_memory: true };
            Harm::of(&Engine::new(plan, case, prices, seed).run())
        })
    });
    let mut harms = harms.into_iter();
    let [today, tare] = harms.next().ok_or_else(|| anyhow::anyhow!("no run"))?;
    let mut turned: Vec<_> = Knob::ALL
        .iter()
        .filter_map(|knob| {
            let (low, high) = (harms.next()?, harms.next()?);
            Some(Turned { knob: *knob, today: [low[0], high[0]], tare: [low[1], high[1]] })
        })
        .collect();
    turned.sort_by(|a, b| b.swing(today.success).total_cmp(&a.swing(today.success)));
    Ok(Sensitivity { today, tare, turned })
}

/// The work on every case, in their order, on all cores.
pub(super) fn every<C: Sync, R: Send>(cases: &[C], work: impl Fn(&C) -> R + Sync) -> Vec<R> {
    let (next, (sender, results)) = (AtomicUsize::new(0), mpsc::sync_channel(cases.len().max(1)));
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let mut done: Vec<_> = thread::scope(|scope| {
        for _ in 0..workers {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(index) else { return };
                    if sender.send((index, work(case))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        results.iter().collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

//! What a run came to: figures, and everything that broke the promise.

use shared_informer::declaration::Declaration;
use shared_informer::derive;

use super::count::Worst;
use super::engine::Engine;
use super::fresh::Knowledge;
use super::host::Reported;
use super::load::Bill;
use super::scenario::Scenario;
use super::time::{Millis, Span};

/// One row of the table.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// The scenario.
    pub(crate) scenario: String,
    /// How many nodes there were at the beginning.
    pub(crate) nodes: u32,
    /// Virtual time, seconds.
    pub(crate) seconds: f64,
    /// The largest ceiling in any part of the run: requests in 10 s.
    pub(crate) ceiling: u64,
    /// The same for LIST bytes in 60 s.
    pub(crate) byte_ceiling: u64,
    /// The fullest windows of the whole run.
    pub(crate) worst: Worst,
    /// The fullest windows of the parts in which the conditions of the promise hold.
    pub(crate) judged: Worst,
    /// Requests in 10 s on average, hidden ones included.
    pub(crate) mean: f64,
    /// What the server counted.
    pub(crate) counted: Counted,
    /// What the agents say.
    pub(crate) reported: Counted,
    /// Requests that were sent and never reached the server; the agents count them as unanswered.
    pub(crate) lost: u64,
    /// From when all was calm until all agents but one in five hundred had a watch, seconds.
    pub(crate) sync_s: Option<f64>,
    /// The same for half of the agents.
    pub(crate) half_sync_s: Option<f64>,
    /// When every agent's first probe was answered, seconds.
    pub(crate) probed_s: Option<f64>,
    /// Agents with a watch at the end.
    pub(crate) synced: u32,
    /// Nodes at the end.
    pub(crate) nodes_at_end: u32,
    /// Requests per second from the first disturbance (or the start) to the end.
    pub(crate) rates: Rates,
    /// How fresh what the agents know was in that time.
    pub(crate) fresh: Knowledge,
    /// What it cost the server.
    pub(crate) bill: Bill,
    /// What broke the promise; empty: nothing did.
    pub(crate) breaches: Vec<String>,
    /// What is as it has to be and not as a reader expects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
}

/// Requests per second, by who sent them.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rates {
    /// Agents.
    pub(crate) own: f64,
    /// Kubelets that were scraped.
    pub(crate) reviews: f64,
}

/// Requests, by who sent them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counted {
    /// Agents.
    pub(crate) own: u64,
    /// Kubelets that were scraped.
    pub(crate) reviews: u64,
}

/// Runs a scenario and judges it.
pub(super) fn run(name: &str, scenario: Scenario, seed: u64) -> Row {
    let mut engine = Engine::new(scenario, seed);
    engine.run();
    judge(name, &engine)
}

fn judge(name: &str, engine: &Engine) -> Row {
    let scenario = &engine.scenario;
    let (ends, arrivals) = (scenario.ends, &engine.api.arrivals);
    let counted = Counted { own: arrivals.own.len() as u64, reviews: arrivals.reviews.len() as u64 };
    let said = engine.reported();
    let (synced, _) = engine.synced();
    let mut breaches = Vec::new();
    let mut judged = Worst::default();
    let mut ceilings = (per_window(&scenario.declared), per_minute(&scenario.declared));
    for (span, declared) in scenario.judged(engine.all_probed) {
        let (requests, bytes) = (per_window(&declared), per_minute(&declared));
        ceilings = (ceilings.0.max(requests), ceilings.1.max(bytes));
        let worst = arrivals.worst(span);
        judged = judged.or(worst);
        above(&mut breaches, span, "requests in 10 s", worst.requests, requests);
        let turns = whole(declared.requests() * 10.0 * derive::TURNS_PART);
        above(&mut breaches, span, "requests of agents in 10 s", worst.own, turns);
        above(&mut breaches, span, "LIST bytes in 60 s", worst.list_bytes, bytes);
    }
    breaches.extend(books(counted, said, engine.api.lost));
    let mut notes = Vec::new();
    let silent = counted.own + counted.reviews == 0;
    match &engine.refused {
        Some(error) if scenario.unworkable && silent => {
            notes.push(format!("refused, and nothing asked: {error}"));
        }
        error if scenario.unworkable => {
            breaches.push(format!(
                "nothing may be asked under a declaration that cannot work: {} requests, {} refusal",
                counted.own + counted.reviews,
                error.as_deref().unwrap_or("no")
            ));
        }
        Some(error) => breaches.push(error.clone()),
        None if !engine.is_synced() => {
            breaches.push(format!("{synced} of {} agents have a watch at the end", engine.nodes()));
        }
        None => {}
    }
    Row {
        scenario: name.to_owned(),
        nodes: scenario.nodes,
        seconds: seconds(ends),
        ceiling: ceilings.0,
        byte_ceiling: ceilings.1,
        worst: arrivals.worst(Span::new(0, Millis::MAX)),
        judged,
        mean: float(counted.own + counted.reviews) / (seconds(ends) / 10.0),
        counted,
        reported: Counted { own: said.own, reviews: said.reviews },
        lost: engine.api.lost,
        sync_s: engine.synced_at.map(|at| seconds(at - scenario.calm)),
        half_sync_s: engine.half_synced_at.map(|at| seconds(at - scenario.calm)),
        probed_s: engine.all_probed.map(seconds),
        synced,
        nodes_at_end: engine.nodes(),
        rates: rates(engine),
        fresh: fresh(engine),
        bill: engine.api.load.bill(),
        breaches,
        notes,
    }
}

/// Over the stretch that means are about.
fn rates(engine: &Engine) -> Rates {
    let span = engine.scenario.measured();
    let length = seconds(span.to - span.from).max(1e-3);
    let (own, reviews) = engine.api.arrivals.number(span);
    Rates { own: float(own) / length, reviews: float(reviews) / length }
}

fn fresh(engine: &Engine) -> Knowledge {
    let span = engine.scenario.measured();
    let agents = float(engine.agents.total().max(1));
    let fresh = float(engine.fresh()) / agents;
    let length = seconds(span.to - span.from);
    Knowledge {
        seconds: length,
        live: float(engine.live.total()) / agents,
        fresh,
        stale_s: (1.0 - fresh) * length,
    }
}

fn above(breaches: &mut Vec<String>, span: Span, what: &str, worst: u64, ceiling: u64) {
    if worst > ceiling {
        let (from, to) = (seconds(span.from), seconds(span.to));
        breaches.push(format!("{worst} {what} between {from} s and {to} s, declared are {ceiling}"));
    }
}

/// The self-report against the server's count. Every request of an agent is in the books of its life before it is sent, so
/// they agree to the last one, crashes or not; reviews are charged, never too few.
fn books(counted: Counted, said: Reported, lost: u64) -> Vec<String> {
    let mut breaches = Vec::new();
    let sent = counted.own + lost;
    if said.own != sent {
        breaches.push(format!(
            "{sent} requests were sent ({lost} never arrived), the agents report {}",
            said.own
        ));
    }
    if said.answered > counted.own {
        breaches.push(format!("{} answers are reported for {} requests", said.answered, counted.own));
    }
    if said.reviews < counted.reviews {
        breaches.push(format!("{} reviews were counted, {} are reported", counted.reviews, said.reviews));
    }
    breaches
}

/// Requests that a declaration allows in 10 s.
fn per_window(declared: &Declaration) -> u64 {
    whole(declared.requests() * 10.0)
}

/// LIST bytes that a declaration allows in 60 s.
fn per_minute(declared: &Declaration) -> u64 {
    whole(declared.list_bytes() * 60.0)
}

fn whole(number: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a declaration is bounded")]
    let number = (number + 1e-6) as u64;
    number
}

fn float(number: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let number = number as f64;
    number
}

fn seconds(time: Millis) -> f64 {
    float(time) / 1e3
}

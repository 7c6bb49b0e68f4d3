//! The worst windows of a plan, against their ceilings and outside the conditions of the promise.

use std::time::Duration;

use serde::Serialize;

use crate::chernoff::quantile;
use crate::declaration::Declaration;
use crate::derive::{
    BREACH, BYTE_WINDOW, Derived, Fleet, Kubelet, Parts, REQUESTS_PER_TURN, WINDOW, one_list, starts_within,
};
use crate::turns::{LATE, LENGTH};

/// The worst window of 10 s, passed with a probability of at most 1e-9.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WorstRequests {
    /// Every turn with two requests, every scrape without a cache: hidden requests included.
    pub requests: u32,
    /// The most that one agent sends or causes, with certainty.
    pub requests_of_one_agent: u32,
    /// The declaration's.
    pub ceiling: f64,
    /// The turns' part of it.
    pub turns: u32,
    /// The reviews' part of it.
    pub reviews: u32,
    /// If all answers were held back and then came at one moment, so that 6 s of turns in flight fell into the window.
    /// May lie above the ceiling; it is over with that window.
    pub turns_after_a_stall: u32,
    /// If the cluster had ten times as many nodes and no agent had asked since. May lie above the ceiling; it ends with
    /// the first size probes.
    pub requests_if_tenfold: u32,
}

/// The worst window of 60 s.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WorstBytes {
    /// As if every turn were a LIST.
    pub list_bytes: f64,
    /// Of one agent: its LIST in every turn.
    pub list_bytes_of_one_agent: f64,
    /// The declaration's.
    pub ceiling: f64,
}

/// What LISTs bring. Nothing in the steady state: a healthy watch is renewed without a LIST.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bytes {
    /// One LIST.
    pub list: f64,
    /// LISTs in the steady state, bytes per second of all nodes.
    pub steady_per_second: f64,
    /// One LIST of every node, as after a cold start or the loss of all watches; spread over a turn period.
    pub all_nodes_once: f64,
}

/// The time before an agent knows how many nodes there are: its turns carry a size probe and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BeforeSize {
    /// What the agents divide the budget by (twice `cluster.hint`, else `cluster.assume`).
    pub nodes_used: u32,
    /// Their turn period.
    pub turn_period_s: u64,
    /// Size probes in the worst window of 10 s. Above the ceiling only where there are more nodes than `nodes_used`.
    pub worst_10s_requests: u32,
}

/// The most starts in a window, of all nodes together: certain for short periods, by the bound otherwise.
fn starts(nodes: u32, window: Duration, spread: Duration, period: Duration, ln_breach: f64) -> u32 {
    let certain = u32::try_from(starts_within(window + spread, period)).unwrap_or(u32::MAX);
    if certain > 1 {
        return nodes.saturating_mul(certain);
    }
    quantile(nodes, window.as_secs_f64() / period.as_secs_f64(), ln_breach)
}

pub(super) fn worst_requests(
    declaration: &Declaration,
    derived: &Derived,
    kubelet: &Kubelet,
    nodes: u32,
) -> WorstRequests {
    let parts = Parts::of(kubelet);
    let (turns, reviews) = worst_of(derived, kubelet, nodes, parts);
    let stalled = starts(nodes, WINDOW + LATE + LENGTH, LENGTH, derived.turn_period, parts.ln_breach);
    let turns_after_a_stall = REQUESTS_PER_TURN.saturating_mul(stalled);
    let ceiling = declaration.requests() * WINDOW.as_secs_f64();
    let one = worst_of(derived, kubelet, 1, parts);
    let tenfold = worst_of(derived, kubelet, nodes.saturating_mul(10), parts);
    WorstRequests {
        requests: turns.saturating_add(reviews),
        requests_of_one_agent: one.0.saturating_add(one.1),
        ceiling,
        turns,
        reviews,
        turns_after_a_stall,
        requests_if_tenfold: tenfold.0.saturating_add(tenfold.1),
    }
}

/// Requests of turns, and reviews, of so many nodes in the worst window.
fn worst_of(derived: &Derived, kubelet: &Kubelet, nodes: u32, parts: Parts) -> (u32, u32) {
    let of = |period, cost: u32| cost.saturating_mul(starts(nodes, WINDOW, LENGTH, period, parts.ln_breach));
    let reviews = match derived.kubelet_period {
        Some(period) if kubelet.reviews() > 0 => of(period, kubelet.reviews()),
        _ => 0,
    };
    (of(derived.turn_period, REQUESTS_PER_TURN), reviews)
}

pub(super) fn before_size(derived: &Derived, nodes_used: u32, kubelet: &Kubelet, nodes: u32) -> BeforeSize {
    // One request in a turn; the kubelet's reviews are in the bill of the steady state and not repeated here.
    let ln_breach = Parts::of(kubelet).ln_breach;
    BeforeSize {
        nodes_used,
        turn_period_s: derived.turn_period.as_secs(),
        worst_10s_requests: starts(nodes, WINDOW, LENGTH, derived.turn_period, ln_breach),
    }
}

impl Bytes {
    pub(super) fn of(fleet: &Fleet, nodes: u32) -> Self {
        let list = one_list(fleet);
        Self { list, steady_per_second: 0.0, all_nodes_once: list * f64::from(nodes) }
    }
}

pub(super) fn worst_bytes(
    declaration: &Declaration,
    derived: &Derived,
    fleet: &Fleet,
    nodes: u32,
) -> WorstBytes {
    let of = |nodes| {
        let lists = starts(nodes, BYTE_WINDOW, LENGTH, derived.turn_period, BREACH.ln());
        f64::from(lists) * one_list(fleet)
    };
    let ceiling = declaration.list_bytes() * BYTE_WINDOW.as_secs_f64();
    WorstBytes { list_bytes: of(nodes), list_bytes_of_one_agent: of(1), ceiling }
}

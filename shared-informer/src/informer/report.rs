//! What the informer says about itself: the source of `tare.kube_api.*`, of `tare status` and of the log.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Wall;
use crate::counts::{Counts, closed};
use crate::declaration::Declaration;
use crate::derive::Derived;
use crate::distress::State;
use crate::ledger::Refusal;
use crate::size::Source;
use crate::turns::Skip;

closed! {
    /// Why a watch was replaced or closed: the attribute `reason` of `tare.kube_api.watch.restarts`.
    Restart {
        /// Make before break: its successor opened while it was well.
        Renewed = "renewed",
        /// The server closed it in good order.
        Closed = "closed",
        /// The connection broke, or a line was cut.
        Broken = "broken",
        /// A line that is no event, or longer than any honest one.
        Unusable = "unusable",
        /// The server no longer has the version (410).
        Gone = "gone",
        /// Any other ERROR event.
        Error = "error",
        /// Two bookmarks did not come.
        MissedBookmarks = "missed_bookmarks",
        /// It carried more than its bound.
        Carried = "carried",
        /// A person said stop.
        Paused = "paused",
    }
}

closed! {
    /// Why an answer was not taken over although it came: the attribute `reason` of `tare.kube_api.refused_answers`.
    Refused {
        /// The LIST says that there is more: the server did not answer from its watch cache.
        Truncated = "truncated",
        /// The LIST is older than what the index has; the next one is taken.
        OlderThanIndex = "older_than_index",
        /// The body cannot be used.
        Unusable = "unusable",
        /// A pod that is not within its bounds.
        Pod = "pod",
        /// A pod for which the index has no room.
        NoRoom = "no_room",
    }
}

/// The last thing that went wrong, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// When.
    pub at: Wall,
    /// What, in plain words, with what to do where that is known.
    pub what: Box<str>,
}

/// A snapshot of everything that is published. Counts only grow within a life, and those of requests over all lives.
#[derive(Debug, Clone)]
pub struct Report {
    /// The budget's state.
    pub state: State,
    /// Whether it is the fleet's annotation that pauses this agent.
    pub fleet_paused: bool,
    /// Whether nobody is asked, and the counts are what would have been.
    pub dry_run: bool,
    /// The ceiling in force.
    pub in_force: Declaration,
    /// The ceiling that is configured; another one while a raise is on its way.
    pub configured: Declaration,
    /// N used.
    pub nodes_used: u32,
    /// Where that number comes from.
    pub nodes_source: Source,
    /// What the last probe said.
    pub nodes_probed: Option<u32>,
    /// What follows from both.
    pub derived: Derived,
    /// The turn period in force: T, stretched in distress.
    pub turn_period: Duration,
    /// The instant of the next turn.
    pub next_turn: Wall,
    /// When the counts began: in the first life that the state directory remembers.
    pub since: Wall,
    /// Requests, by what was asked and what became of it.
    pub requests: Counts,
    /// Permits refused, by the rule that refused.
    pub throttled: BTreeMap<Refusal, u64>,
    /// Instants that went by without a turn.
    pub skipped: BTreeMap<Skip, u64>,
    /// Bytes of LISTs in this life, on the wire.
    pub list_bytes: u64,
    /// Bytes that watches brought in this life, on the wire.
    pub carried_bytes: u64,
    /// Whether a watch is open, and for how long it has been.
    pub watch_open: Option<Duration>,
    /// How old the newest known version is: how stale the index may be. None before the first LIST.
    pub staleness: Option<Duration>,
    /// Watches replaced or closed.
    pub restarts: BTreeMap<Restart, u64>,
    /// Answers, or parts of them, that were not taken over.
    pub refused: BTreeMap<Refused, u64>,
    /// Live pods in the index.
    pub pods: usize,
    /// Whether the index is confirmed by the API server in this life.
    pub confirmed: bool,
    /// The last trouble.
    pub trouble: Option<Trouble>,
}

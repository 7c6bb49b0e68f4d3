//! The seam for what others find: programs that people run today, and the replayed outage. Plain data; nothing here measures.

use serde::{Deserialize, Serialize};

use super::certificate::Origin;

/// A program that collects the same, in the columns of the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Peer {
    /// What it is.
    pub(super) name: String,
    /// For this many nodes.
    pub(super) nodes: u32,
    /// Where the figures come from.
    pub(super) origin: Origin,
    /// Requests per second when nothing happens, all nodes together.
    pub(super) steady_rps: f64,
    /// Requests in the first 10 s after all of them start at once.
    pub(super) cold_10s_requests: u64,
    /// Seats that Priority & Fairness charges for those.
    pub(super) cold_seats: u64,
    /// CPU of the API server for those, seconds.
    pub(super) cold_cpu_s: f64,
    /// Bytes of pods in them.
    pub(super) bytes: u64,
    /// From how many nodes on a cold start is more than the small control plane does in 10 s; none: never.
    pub(super) exceeds_at: Option<u32>,
}

/// What is joined to the report.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Joined {
    /// What people run today; empty: the section is left out.
    pub(super) peers: Vec<Peer>,
    /// The plot of the replayed outage, relative to the report; none: the section is left out.
    pub(super) outage: Option<String>,
}

//! What people run today, as models: what each way to collect asks the API server, for any number of nodes.
//!
//! A model is data ([`Model`]: streams, polls and scrapes of one node) from which everything follows by arithmetic: the
//! steady state, a cold start, a restart of the API server, and the number of nodes at which a control plane of some
//! size has too little for them. What a request costs comes from [`crate::prices`]. The real tier runs the real programs
//! against a real API server (`others-requests`) and fails where a model is off by more than 10 %; what nobody runs there
//! is [`Origin::Unmeasured`]. Pure: no clock, no I/O.
//!
//! Everything errs on the cheap side: clusters are quiet ([`CHANGES`]), requests take no longer than their CPU.

mod bill;
mod models;
mod over;
mod restart;
mod table;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::prices::Prices;
use bill::{Bill, Tariff};

pub use models::MODELS;
pub use table::table;

/// Nobody has a larger cluster.
pub const MAX_NODES: u32 = 100_000;

/// The window in which the worst is looked for.
pub const WINDOW: Duration = Duration::from_secs(10);

/// How often a pod of a quiet cluster changes: once an hour. Assumed, on the cheap side.
const CHANGES: f64 = 1.0 / 3600.0;

/// Pods of one ReplicaSet, old ReplicaSets included, as in the cluster of the real tier. Assumed, on the cheap side:
/// Deployments keep ten old ones each unless told otherwise.
const PODS_PER_REPLICA_SET: f64 = 25.0;

/// A kubelet remembers a good token for 2 minutes and an allowed access for 5; seconds.
const TOKEN_REMEMBERED: u32 = 120;
const ACCESS_REMEMBERED: u32 = 300;

/// Whether the real program was compared with its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The check `others-requests` keeps it within 10 % of the real program's requests.
    Measured,
    /// Nobody has run it against a real API server.
    Unmeasured,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// The pods of the agent's own node.
    NodePods,
    /// Every pod.
    AllPods,
    /// The metadata of every ReplicaSet.
    ReplicaSets,
    /// One namespace by name.
    Namespace,
}

/// How a stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// A watch that begins with what there is: client-go since 0.35.
    WatchList,
    /// A LIST without a resourceVersion, then a watch from its version: kube.
    ListThenWatch,
}

/// Something that is kept up to date by watches.
#[derive(Debug, Clone, Copy)]
struct Stream {
    what: What,
    start: Start,
    /// Each watch lives between these, uniformly, and is then renewed from its version; seconds.
    lifetime: (u32, u32),
    /// How many of the same one agent has.
    copies: u32,
}

/// Something that is listed again and again, without a resourceVersion.
#[derive(Debug, Clone, Copy)]
struct Poll {
    what: What,
    /// Seconds.
    every: u32,
}

/// Something that is read of the kubelet with a token, which makes the kubelet ask for reviews.
#[derive(Debug, Clone, Copy)]
struct Scrape {
    /// Seconds.
    every: u32,
}

/// A way to collect, as one agent on each node.
#[derive(Debug)]
pub struct Model {
    /// What it is.
    pub name: &'static str,
    /// What it does, which is what the figures follow from.
    pub how: &'static str,
    /// Whether the real program was compared with it.
    pub origin: Origin,
    streams: &'static [Stream],
    poll: Option<Poll>,
    scrape: Option<Scrape>,
}

/// A cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cluster {
    /// Nodes, with one agent each.
    pub nodes: u32,
    /// Pods on each.
    pub pods_per_node: u32,
}

/// Requests of all agents, by verb and resource, per second.
pub type Rates = BTreeMap<(&'static str, &'static str), f64>;

/// What a window of 10 s holds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Worst {
    /// Requests.
    pub requests: f64,
    /// Seats of Priority & Fairness that they are charged, all together.
    pub seats: f64,
    /// Seats times the seconds for which they are taken, if nothing takes longer than its CPU.
    pub seat_seconds: f64,
    /// CPU of the API server, seconds.
    pub cpu_s: f64,
    /// Bytes that the API server sends, uncompressed.
    pub bytes: f64,
}

/// A control plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ControlPlane {
    /// Cores of the API server.
    pub cores: f64,
    /// Seats that its Priority & Fairness has for such agents.
    pub seats: f64,
}

/// One line of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Peer {
    /// What it is.
    pub name: &'static str,
    /// Whether its requests were compared with the real program's.
    pub origin: Origin,
    /// Requests per second of all nodes in the steady state, hidden reviews included.
    pub steady_rps: f64,
    /// Requests in the 10 s after all agents start at once.
    pub cold_10s_requests: f64,
    /// Seats that they are charged.
    pub cold_seats: f64,
    /// CPU of the API server for them, seconds.
    pub cold_cpu_s: f64,
    /// Bytes that they are answered with.
    pub cold_bytes: f64,
    /// The smallest number of nodes, with as many pods each, for which the control plane has too little; none up to
    /// [`MAX_NODES`].
    pub exceeds_at: Option<u32>,
}

impl Cluster {
    /// All pods.
    pub fn pods(self) -> u32 {
        self.nodes.saturating_mul(self.pods_per_node)
    }

    fn replica_sets(self) -> f64 {
        f64::from(self.pods()) / PODS_PER_REPLICA_SET
    }
}

impl Model {
    /// Requests per second of all agents in the steady state.
    pub fn steady(&self, nodes: u32) -> Rates {
        let mut rates = Rates::new();
        let mut add = |verb, what, rate: f64| {
            *rates.entry((verb, what)).or_default() += rate * f64::from(nodes);
        };
        for stream in self.streams {
            add("watch", stream.what.resource(), f64::from(stream.copies) / stream.mean_lifetime());
        }
        if let Some(poll) = self.poll {
            add("list", poll.what.resource(), 1.0 / f64::from(poll.every));
        }
        if let Some(scrape) = self.scrape {
            add("create", "tokenreviews", 1.0 / scrape.between(TOKEN_REMEMBERED));
            add("create", "subjectaccessreviews", 1.0 / scrape.between(ACCESS_REMEMBERED));
        }
        rates
    }

    /// The requests with which one agent begins, by verb and resource; a poll's first and a scrape's among them.
    pub fn start(&self) -> BTreeMap<(&'static str, &'static str), u32> {
        let mut requests = BTreeMap::new();
        let mut add = |verb, what, count| *requests.entry((verb, what)).or_default() += count;
        for stream in self.streams {
            let resource = stream.what.resource();
            if stream.start == Start::ListThenWatch {
                add("list", resource, stream.copies);
            }
            add("watch", resource, stream.copies);
        }
        if let Some(poll) = self.poll {
            add("list", poll.what.resource(), 1);
        }
        if self.scrape.is_some() {
            add("create", "tokenreviews", 1);
            add("create", "subjectaccessreviews", 1);
        }
        requests
    }

    /// The 10 s after all agents start at once. A poll comes once in them: no poll is quicker.
    pub fn cold(&self, nodes: u32, pods_per_node: u32, prices: &Prices) -> Worst {
        let tariff = Tariff { prices, cluster: Cluster { nodes, pods_per_node } };
        let mut bill = Bill::default();
        for stream in self.streams {
            bill.add(f64::from(stream.copies), stream.start_bill(&tariff));
        }
        if let Some(poll) = self.poll {
            bill.add(1.0, tariff.list(poll.what));
        }
        if self.scrape.is_some() {
            bill.add(1.0, tariff.token_review());
            bill.add(1.0, tariff.access_review());
        }
        bill.of(nodes)
    }

    /// The worst 10 s after the API server was away for `outage` and every stream ended with it, in a cluster where
    /// something changed meanwhile: what a restarted server has forgotten is told first, then asked for anew.
    pub fn restart(&self, nodes: u32, pods_per_node: u32, outage: Duration, prices: &Prices) -> Worst {
        let tariff = Tariff { prices, cluster: Cluster { nodes, pods_per_node } };
        let mut bill = Bill::default();
        let back = restart::within(WINDOW, outage);
        for stream in self.streams {
            let copies = f64::from(stream.copies) * back;
            bill.add(copies, tariff.resumed());
            bill.add(copies, stream.start_bill(&tariff));
        }
        if let Some(poll) = self.poll {
            bill.add(WINDOW.as_secs_f64() / f64::from(poll.every), tariff.list(poll.what));
        }
        bill.of(nodes)
    }

    /// CPU of the API server in the steady state, cores: requests, and each change of a pod to each watch that shows it.
    pub fn steady_cpu(&self, nodes: u32, pods_per_node: u32, prices: &Prices) -> f64 {
        let tariff = Tariff { prices, cluster: Cluster { nodes, pods_per_node } };
        let mut bill = Bill::default();
        for stream in self.streams {
            bill.add(f64::from(stream.copies) / stream.mean_lifetime(), tariff.resumed());
            bill.add(f64::from(stream.copies) * CHANGES * tariff.shown(stream.what), tariff.delivery());
        }
        if let Some(poll) = self.poll {
            bill.add(1.0 / f64::from(poll.every), tariff.list(poll.what));
        }
        if let Some(scrape) = self.scrape {
            bill.add(1.0 / scrape.between(TOKEN_REMEMBERED), tariff.token_review());
            bill.add(1.0 / scrape.between(ACCESS_REMEMBERED), tariff.access_review());
        }
        bill.of(nodes).cpu_s
    }

    /// The smallest number of nodes for which the control plane has too little: CPU or seats for the 10 s after a cold
    /// start, or CPU for the steady state.
    pub fn exceeds_at(&self, pods_per_node: u32, prices: &Prices, plane: ControlPlane) -> Option<u32> {
        let window = WINDOW.as_secs_f64();
        let exceeds = |nodes| {
            let cold = self.cold(nodes, pods_per_node, prices);
            cold.cpu_s > plane.cores * window
                || cold.seat_seconds > plane.seats * window
                || self.steady_cpu(nodes, pods_per_node, prices) > plane.cores
        };
        // Each of the three grows with the nodes.
        let (mut holds, mut breaks) = (0, MAX_NODES);
        if !exceeds(breaks) {
            return None;
        }
        while breaks - holds > 1 {
            let middle = holds.midpoint(breaks);
            if exceeds(middle) { breaks = middle } else { holds = middle }
        }
        Some(breaks)
    }
}

/// Every model, for this many nodes of so many pods, before a control plane.
pub fn peers(nodes: u32, pods_per_node: u32, prices: &Prices, plane: ControlPlane) -> Vec<Peer> {
    let peer = |model: &Model| {
        let cold = model.cold(nodes, pods_per_node, prices);
        Peer {
            name: model.name,
            origin: model.origin,
            steady_rps: model.steady(nodes).values().sum(),
            cold_10s_requests: cold.requests,
            cold_seats: cold.seats,
            cold_cpu_s: cold.cpu_s,
            cold_bytes: cold.bytes,
            exceeds_at: model.exceeds_at(pods_per_node, prices, plane),
        }
    };
    MODELS.iter().map(peer).collect()
}

#[cfg(test)]
mod tests;

//! What requests cost together, by the price list of a real server. Pure.

use super::{Cluster, Start, Stream, What, Worst};
use crate::prices::{Kind, Prices};

/// One request.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    requests: f64,
    seats: f64,
    seat_seconds: f64,
    cpu_s: f64,
    bytes: f64,
}

/// What one agent is charged.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bill(Cost);

/// What each request costs in one cluster.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tariff<'a> {
    pub(super) prices: &'a Prices,
    pub(super) cluster: Cluster,
}

/// Bytes of a pod in JSON where the price list has no measurement.
const POD_BYTES: f64 = 4_000.0;

impl Cost {
    fn of(seats: u32, cpu_s: f64, bytes: f64) -> Self {
        let seats = f64::from(seats);
        Self { requests: 1.0, seats, seat_seconds: seats * cpu_s, cpu_s, bytes }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            seats: self.seats + other.seats,
            seat_seconds: self.seat_seconds + other.seat_seconds,
            cpu_s: self.cpu_s + other.cpu_s,
            bytes: self.bytes + other.bytes,
        }
    }

    fn times(self, times: f64) -> Self {
        Self {
            requests: self.requests * times,
            seats: self.seats * times,
            seat_seconds: self.seat_seconds * times,
            cpu_s: self.cpu_s * times,
            bytes: self.bytes * times,
        }
    }
}

impl Bill {
    pub(super) fn add(&mut self, times: f64, cost: Cost) {
        self.0 = self.0.plus(cost.times(times));
    }

    /// The bill of as many agents.
    pub(super) fn of(self, agents: u32) -> Worst {
        let Cost { requests, seats, seat_seconds, cpu_s, bytes } = self.0.times(f64::from(agents));
        Worst { requests, seats, seat_seconds, cpu_s, bytes }
    }
}

impl Tariff<'_> {
    fn cpu(&self, kind: Kind) -> f64 {
        self.prices.cpu(kind, self.cluster.pods()).as_secs_f64()
    }

    fn pod_bytes(&self) -> f64 {
        self.prices.details.map_or(POD_BYTES, |details| details.pod_bytes)
    }

    fn bytes(&self, what: What) -> f64 {
        match what {
            What::NodePods => f64::from(self.cluster.pods_per_node) * self.pod_bytes(),
            What::AllPods => f64::from(self.cluster.pods()) * self.pod_bytes(),
            What::ReplicaSets => {
                self.cluster.replica_sets() * self.prices.details.map_or(0.0, |of| of.replica_set_bytes)
            }
            What::Namespace => 0.0,
        }
    }

    /// A LIST without a resourceVersion. Where the price list has no measurement it is taken for one from the cache.
    pub(super) fn list(&self, what: What) -> Cost {
        let details = self.prices.details;
        let thousands = f64::from(self.cluster.pods()) / 1e3;
        let (kind, cpu_s) = if what == What::AllPods {
            let latest = details.map(|of| of.list_all_latest_ms_per_thousand_pods * thousands / 1e3);
            (Kind::ListAll, latest.unwrap_or_else(|| self.cpu(Kind::ListAll)))
        } else {
            let latest = details.map(|of| of.list_node_latest_ms / 1e3);
            (Kind::ListNode, latest.unwrap_or_else(|| self.cpu(Kind::ListNode)))
        };
        // Without a limit the server charges the most that it charges for any LIST, whatever the selector says.
        let seats = self.prices.of(Kind::ListAll).seats.max(self.prices.of(kind).seats);
        Cost::of(seats, cpu_s, self.bytes(what))
    }

    /// A watch from a version.
    pub(super) fn resumed(&self) -> Cost {
        self.small(Kind::WatchNode)
    }

    /// A watch that begins with what there is.
    fn initial(&self, what: What) -> Cost {
        let (kind, cpu_s) = match what {
            What::NodePods => (Kind::WatchNodeInitial, self.cpu(Kind::WatchNodeInitial)),
            What::AllPods => (Kind::WatchAllInitial, self.cpu(Kind::WatchAllInitial)),
            // By the number that there are and the connection; from 1 MB of them the seats are the most there is.
            What::ReplicaSets => {
                let each = self.prices.details.map_or(0.0, |of| of.watch_metadata_ms_per_thousand / 1e6);
                let cpu = self.cpu(Kind::WatchNode) + each * self.cluster.replica_sets();
                (Kind::WatchNodeInitial, cpu)
            }
            // By name: the server charges what it charges for one object.
            What::Namespace => (Kind::WatchNode, self.cpu(Kind::WatchNode)),
        };
        Cost::of(self.prices.of(kind).seats, cpu_s, self.bytes(what))
    }

    pub(super) fn token_review(&self) -> Cost {
        self.small(Kind::TokenReview)
    }

    pub(super) fn access_review(&self) -> Cost {
        self.small(Kind::AccessReview)
    }

    fn small(&self, kind: Kind) -> Cost {
        Cost::of(self.prices.of(kind).seats, self.cpu(kind), 0.0)
    }

    /// One event to one watch: no request.
    pub(super) fn delivery(&self) -> Cost {
        Cost { cpu_s: self.cpu(Kind::WatchEvent), bytes: self.pod_bytes(), ..Cost::default() }
    }

    /// Pods whose changes a watch shows.
    pub(super) fn shown(&self, what: What) -> f64 {
        match what {
            What::NodePods => f64::from(self.cluster.pods_per_node),
            What::AllPods => f64::from(self.cluster.pods()),
            What::ReplicaSets | What::Namespace => 0.0,
        }
    }
}

impl What {
    /// As the audit log names it.
    pub(super) fn resource(self) -> &'static str {
        match self {
            Self::NodePods | Self::AllPods => "pods",
            Self::ReplicaSets => "replicasets",
            Self::Namespace => "namespaces",
        }
    }
}

impl Stream {
    /// The mean of a watch's life, seconds.
    pub(super) fn mean_lifetime(&self) -> f64 {
        f64::midpoint(f64::from(self.lifetime.0), f64::from(self.lifetime.1))
    }

    /// Everything that it begins with.
    pub(super) fn start_bill(&self, tariff: &Tariff<'_>) -> Cost {
        match self.start {
            Start::WatchList => tariff.initial(self.what),
            Start::ListThenWatch => tariff.list(self.what).plus(tariff.resumed()),
        }
    }
}

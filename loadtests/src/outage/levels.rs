//! The priority levels of kube-apiserver as they come, and how many seats each may use.
//!
//! Shares, lendable parts and queues are those of `k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap`, version 1.36. A
//! level may borrow what others lend and do not use; the real server moves these limits every 10 s, this one at once.

/// A priority level, with the requests of this model that its flow schemas match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Never waits: what the server does for itself. The answer 429 is paid here.
    Exempt,
    /// Renewals of node leases.
    NodeHigh,
    /// Everything else that kubelets ask.
    System,
    /// Controllers and the service accounts of `kube-system`, cluster DNS among them.
    WorkloadHigh,
    /// Service accounts: the agents.
    WorkloadLow,
    /// People.
    GlobalDefault,
    /// What no flow schema matches.
    CatchAll,
}

/// How a level is configured.
#[derive(Debug, Clone, Copy)]
struct Shape {
    shares: f64,
    lendable: f64,
    /// How many requests may wait, on each server.
    queue: usize,
}

impl Level {
    pub(super) const ALL: [Self; 7] = [
        Self::Exempt,
        Self::NodeHigh,
        Self::System,
        Self::WorkloadHigh,
        Self::WorkloadLow,
        Self::GlobalDefault,
        Self::CatchAll,
    ];

    pub(super) const fn index(self) -> usize {
        self as usize
    }

    /// One flow may use a hand of six queues of 50; where every node is a flow of its own, all 64 queues are in use.
    const fn shape(self) -> Shape {
        match self {
            Self::Exempt => Shape { shares: 0.0, lendable: 0.0, queue: 0 },
            Self::NodeHigh => Shape { shares: 40.0, lendable: 0.25, queue: 64 * 50 },
            Self::System => Shape { shares: 30.0, lendable: 0.33, queue: 64 * 50 },
            Self::WorkloadHigh => Shape { shares: 40.0, lendable: 0.5, queue: 6 * 50 },
            Self::WorkloadLow => Shape { shares: 100.0, lendable: 0.9, queue: 6 * 50 },
            Self::GlobalDefault => Shape { shares: 20.0, lendable: 0.5, queue: 6 * 50 },
            Self::CatchAll => Shape { shares: 5.0, lendable: 0.0, queue: 0 },
        }
    }
}

/// The shares of all levels; `leader-election`, of which nothing is asked here, has ten.
const ALL_SHARES: f64 = 245.0;

/// The seats of all levels.
#[derive(Debug, Clone)]
pub(super) struct Seats {
    all: f64,
    /// What a level has even if all others borrow.
    kept: [f64; 7],
    queues: [usize; 7],
    pub(super) used: [f64; 7],
}

impl Seats {
    /// So many seats in so many servers.
    pub(super) fn new(all: f64, servers: usize) -> Self {
        let kept = Level::ALL.map(|level| {
            let shape = level.shape();
            all * shape.shares / ALL_SHARES * (1.0 - shape.lendable)
        });
        Self { all, kept, queues: Level::ALL.map(|level| level.shape().queue * servers), used: [0.0; 7] }
    }

    /// How many seats this level may use now.
    pub(super) fn limit(&self, level: Level) -> f64 {
        if level == Level::Exempt {
            return f64::INFINITY;
        }
        let others = Level::ALL.into_iter().filter(|other| *other != level && *other != Level::Exempt);
        let taken: f64 = others.map(|other| self.kept[other.index()].max(self.used[other.index()])).sum();
        (self.all - taken).max(self.kept[level.index()]).max(1.0)
    }

    /// Whether a request of so many seats may begin. One that is wider than the level alone is made narrower.
    pub(super) fn admits(&self, level: Level, seats: f64) -> bool {
        let (used, limit) = (self.used[level.index()], self.limit(level));
        used + seats <= limit || (used <= 0.0 && seats > limit)
    }

    /// How many requests may wait.
    pub(super) const fn queue(&self, level: Level) -> usize {
        self.queues[level.index()]
    }
}

//! What happens in one run: plain data. The catalogue of them is in [`super::catalogue`].

use shared_informer::declaration::{Cluster, Declaration};

use super::api::Trouble;
use super::load::{Capacity, Tariff};
use super::random::Random;
use super::time::{Clocks, MINUTE, Millis, Span};

/// A bookmark and its frame, on the wire.
pub(super) const BOOKMARK_BYTES: u64 = 180;

/// What the agents know when the run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// The DaemonSet was created at this moment; nobody remembers anything.
    Install,
    /// It was installed long ago, and every state directory knows the size. All agents start at this moment.
    Restart,
}

/// What the nodes are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// The phases of random names.
    Drawn,
    /// The names that a cloud gives: the phases are found by the informers themselves.
    Real,
    /// All the same: outside the promise.
    Same,
}

/// When every agent's process ends and begins anew.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crashes {
    pub(super) span: Span,
    pub(super) every: Millis,
    /// Whether the state directory survives.
    pub(super) memory: bool,
}

/// How a new ceiling reaches the agents, one after the other over the stretch.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewCeiling {
    pub(super) span: Span,
    pub(super) declared: Declaration,
    /// By a new process; otherwise by a reload.
    pub(super) restart: bool,
}

/// How the pods of a node change: evenly, each node at its own moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Churn {
    /// The distance of two events of one node.
    pub(super) every: Millis,
    /// The bytes of one on the wire.
    pub(super) bytes: u64,
}

impl Churn {
    /// The first event of this node after `at`.
    pub(super) const fn next(self, node: u32, at: Millis) -> Millis {
        let phase = Random(node as u64).next() % self.every;
        let after = if at < phase { 0 } else { (at - phase) / self.every + 1 };
        phase + after * self.every
    }
}

/// When windows above the declaration are a breach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Promise {
    /// At any time.
    Always,
    /// Once every agent's first size probe was answered: until then more nodes than assumed divide the budget.
    AfterTheFirstProbe,
    /// Never: what is outside the promise is only printed.
    Outside,
}

/// One run.
#[derive(Debug, Clone)]
pub(super) struct Scenario {
    /// How many nodes there are at the beginning.
    pub(super) nodes: u32,
    pub(super) declared: Declaration,
    pub(super) cluster: Cluster,
    pub(super) start: Start,
    /// The body of every LIST.
    pub(super) list_bytes: u64,
    /// How many subresources of the kubelet are read in a scrape: one or two.
    pub(super) subresources: u32,
    pub(super) names: Names,
    pub(super) clocks: Clocks,
    pub(super) troubles: Vec<Trouble>,
    /// When etcd is restored to an older state; every watch breaks.
    pub(super) restored: Option<Millis>,
    pub(super) crashes: Option<Crashes>,
    /// From when on there are how many nodes; the last ones go first.
    pub(super) population: Vec<(Millis, u32)>,
    pub(super) ceiling: Option<NewCeiling>,
    /// What happens to the pods; none where only bookmarks come.
    pub(super) churn: Option<Churn>,
    /// What a request costs the server.
    pub(super) tariff: Tariff,
    /// How much of a server there is; none where it never ends.
    pub(super) capacity: Option<Capacity>,
    /// Where nothing is disturbed: from when on it is measured.
    pub(super) settled: Option<Millis>,
    /// When one agent sends one request past everything that could stop it.
    pub(super) rogue: Option<Millis>,
    pub(super) promise: Promise,
    /// The declaration cannot work for as many nodes as the agents start with: each has to refuse it and to ask nothing.
    pub(super) unworkable: bool,
    /// When nothing goes wrong any more: from then the time to full sync is measured.
    pub(super) calm: Millis,
    pub(super) ends: Millis,
}

impl Scenario {
    /// The most nodes that there are at any time.
    pub(super) fn most_nodes(&self) -> u32 {
        self.population.iter().map(|(_, nodes)| *nodes).fold(self.nodes, u32::max)
    }

    /// What freshness and means are about: from the first disturbance, or the start where that is the disturbance.
    pub(super) fn measured(&self) -> Span {
        let troubles = self.troubles.iter().map(|trouble| trouble.span.from);
        let suspends = self.clocks.suspends.iter().map(|span| span.from);
        let steps = self.clocks.steps.iter().map(|(at, _)| *at);
        let population = self.population.iter().map(|(at, _)| *at);
        let others = [self.settled, self.restored, self.crashes.map(|crashes| crashes.span.from)];
        let others = others.into_iter().chain([self.ceiling.map(|ceiling| ceiling.span.from)]).flatten();
        let first = troubles.chain(suspends).chain(steps).chain(population).chain(others).min();
        Span::new(first.unwrap_or(0), self.ends)
    }

    /// What an open watch carries, bytes per second.
    pub(super) fn carried_per_second(&self) -> f64 {
        let rate = |bytes: u64, every: Millis| {
            let small = |number: u64| u32::try_from(number).map_or(0.0, f64::from);
            small(bytes) * 1e3 / small(every)
        };
        let changes = self.churn.map_or(0.0, |churn| rate(churn.bytes, churn.every));
        changes + rate(BOOKMARK_BYTES, MINUTE)
    }

    /// The stretches in which a window may not hold more than a ceiling.
    pub(super) fn judged(&self, all_probed: Option<Millis>) -> Vec<(Span, Declaration)> {
        let from = match self.promise {
            Promise::Always => 0,
            Promise::AfterTheFirstProbe => all_probed.unwrap_or(self.ends),
            Promise::Outside => return Vec::new(),
        };
        let whole = Span::new(from, self.ends);
        let Some(NewCeiling { span, declared, .. }) = self.ceiling else {
            return vec![(whole, self.declared)];
        };
        // A lower one holds when the last agent has it, a higher one from the first on.
        let change = if declared.requests() < self.declared.requests() { span.to } else { span.from };
        vec![(Span::new(whole.from, change), self.declared), (Span::new(change, whole.to), declared)]
    }
}

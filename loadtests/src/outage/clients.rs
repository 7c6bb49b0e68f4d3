//! What clients of the API server do: a table of today's agents, and the state machine of one LIST and WATCH.
//!
//! Each stream is a client-go reflector: it lists, watches, and comes back after a back-off. Nothing here sends anything;
//! the engine asks what to send and says what became of it.

use crate::fleet::random::Random;
use crate::prices::Kind;

/// One thing that a client follows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Follow {
    /// How it begins.
    pub(super) initial: Kind,
    /// How many objects there are for each pod of the cluster: the price of a walk over them.
    pub(super) scale: f64,
    /// Whether it then gets the events of every pod.
    pub(super) wide: bool,
    /// How long one watch lasts, seconds: between these.
    pub(super) lifetime: Option<(f64, f64)>,
    /// Instead of a watch: the same LIST again after so many seconds.
    pub(super) poll: Option<f64>,
}

/// What runs on every node.
#[derive(Debug, Clone, Copy)]
pub struct ClientType {
    /// For tables.
    pub name: &'static str,
    /// In a sentence.
    pub about: &'static str,
    pub(super) follows: &'static [Follow],
}

const POD_WATCH: Follow =
    Follow { initial: Kind::ListAll, scale: 1.0, wide: true, lifetime: Some((300.0, 600.0)), poll: None };

/// What is rolled out on 11 December.
pub(super) static CLUSTER_WIDE: ClientType = ClientType {
    name: "cluster-wide LIST and WATCH",
    about: "client-go's informer on every node, on all pods",
    follows: &[POD_WATCH],
};

/// Today's models. How precisely each is like its program is not measured here.
pub static TODAY: &[ClientType] = &[
    CLUSTER_WIDE,
    ClientType {
        name: "cluster-wide WATCH with initial events",
        about: "the same with the newer kind of watch that begins with all objects",
        follows: &[Follow { initial: Kind::WatchAllInitial, ..POD_WATCH }],
    },
    ClientType {
        name: "collector, node-scoped",
        about: "k8sattributes: a watch of the node's pods and one of all ReplicaSets (one for ten pods), both with initial events",
        follows: &[
            Follow { initial: Kind::WatchNodeInitial, wide: false, ..POD_WATCH },
            Follow { initial: Kind::WatchAllInitial, scale: 0.1, wide: false, ..POD_WATCH },
        ],
    },
    ClientType {
        name: "kube watcher, LIST and WATCH",
        about: "kube's watcher on all pods; a watch lasts 295 s",
        follows: &[Follow { lifetime: Some((295.0, 295.0)), ..POD_WATCH }],
    },
    ClientType {
        name: "LIST every 15 s, node-scoped",
        about: "the node's pods from the watch cache, again and again",
        follows: &[Follow {
            initial: Kind::ListNode,
            wide: false,
            lifetime: None,
            poll: Some(15.0),
            ..POD_WATCH
        }],
    },
];

/// A kubelet's own pods.
pub(super) static KUBELET: Follow =
    Follow { initial: Kind::ListNode, scale: 1.0, wide: false, lifetime: None, poll: None };
/// A controller with all pods in its cache.
pub(super) static CONTROLLER: Follow = Follow { lifetime: None, ..POD_WATCH };

/// Whose stream it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    Agent,
    Kubelet,
    Controller,
    Dns,
}

/// Where a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Its client does not run.
    Off,
    /// Waits before it asks again.
    Idle,
    /// Has asked.
    Asking,
    /// Its watch is open.
    Open,
}

/// How a client waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retry {
    pub(super) first: f64,
    pub(super) max: f64,
    /// How often 429 is answered by the same request a second later.
    pub(super) refusals: u32,
}

/// A reflector forgets its failures after this long without one, seconds.
const FORGET: f64 = 120.0;

/// One reflector.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    pub(super) group: Group,
    pub(super) follow: Follow,
    pub(super) state: State,
    /// What was scheduled for another life does not happen.
    pub(super) life: u32,
    /// Whether it has listed and can watch from there.
    pub(super) versioned: bool,
    /// When its watch was lost, seconds.
    pub(super) lost: f64,
    failures: i32,
    refusals: u32,
    failed: f64,
}

impl Stream {
    pub(super) fn new(group: Group, follow: Follow, state: State) -> Self {
        let (versioned, lost) = (state == State::Open, f64::NEG_INFINITY);
        Self {
            group,
            follow,
            state,
            life: 0,
            versioned,
            lost,
            failures: 0,
            refusals: 0,
            failed: f64::NEG_INFINITY,
        }
    }

    /// What it asks next.
    pub(super) const fn asks(&self) -> Kind {
        if self.versioned { Kind::WatchNode } else { self.follow.initial }
    }

    /// An answer came: true if a watch follows at once.
    pub(super) fn answered(&mut self) -> bool {
        let lists = matches!(self.follow.initial, Kind::ListAll | Kind::ListNode);
        self.refusals = 0;
        if self.follow.poll.is_some() {
            self.state = State::Idle;
            return false;
        }
        let follows = !self.versioned && lists;
        self.versioned = true;
        self.state = if follows { State::Asking } else { State::Open };
        follows
    }

    /// 429: seconds until the same request comes again, or until the reflector tries.
    pub(super) fn refused(&mut self, now: f64, retry: Retry, random: &mut Random) -> f64 {
        self.state = State::Idle;
        if self.refusals < retry.refusals {
            self.refusals += 1;
            return 1.0;
        }
        self.backoff(now, retry, random)
    }

    /// Seconds until the reflector tries again.
    pub(super) fn backoff(&mut self, now: f64, retry: Retry, random: &mut Random) -> f64 {
        if now - self.failed > FORGET {
            self.failures = 0;
        }
        let wait = (retry.first * 2f64.powi(self.failures.min(30))).min(retry.max);
        (self.failures, self.failed, self.refusals) = (self.failures + 1, now, 0);
        self.state = State::Idle;
        wait * (1.0 + uniform(random))
    }

    /// A new life begins, or the last one ends.
    pub(super) const fn reset(&mut self, state: State) {
        self.life += 1;
        (self.state, self.versioned, self.failures, self.refusals) = (state, false, 0, 0);
    }
}

/// From 0 to 1, without it.
pub(super) fn uniform(random: &mut Random) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
    let part = random.below(1 << 52) as f64;
    part / 4_503_599_627_370_496.0
}

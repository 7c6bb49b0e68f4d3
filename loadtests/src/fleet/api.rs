//! The simulated API server: it notes when each request arrived, and decides what becomes of it.
//!
//! Its version is the true time in milliseconds, plus a start. It keeps 75 s of history, and none from before a restart.

use std::time::Duration;

use shared_informer::distress::RetryAfter;
use shared_informer::informer::command::Ask;

use super::count::Arrivals;
use super::load::{Admission, Load, RETRY_AFTER};
use super::random::Random;
use super::scenario::Scenario;
use super::time::{HOUR, Millis, SECOND, Span};
use crate::prices::Kind;

/// What a LIST that stalls has written by then.
const STALLED_LIST_BYTES: u64 = 64 << 10;
/// What the watch cache keeps at least.
const HISTORY: Millis = 75 * SECOND;
/// The version at the beginning of a run.
const FIRST_VERSION: u64 = 1_000_000_000;
/// How far an etcd that was restored lies back.
const RESTORED: u64 = HOUR;

/// How the API server is, or the way to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// Well.
    Good,
    /// Nobody listens: nothing arrives. Watches break.
    Refusing,
    /// Every request is answered with 503. Watches break.
    Failing,
    /// Requests arrive and are never answered; open watches are silent.
    Stalled,
    /// LISTs begin and do not end; everything else is well.
    ListsStall,
    /// Every request is answered with 429 and a wish of this many seconds. Watches break.
    Throttling(u32),
    /// Nothing gets through; what was sent in the last 60 s arrives when it is over. `orphans`: even what its
    /// sender has given up, because its kernel goes on trying.
    Partition { orphans: bool },
}

impl Health {
    /// Whether the process ended or cut everybody off.
    pub(super) const fn breaks_watches(self) -> bool {
        matches!(self, Self::Refusing | Self::Failing | Self::Throttling(_))
    }

    /// Whether an open watch still brings its bookmarks.
    pub(super) const fn carries(self) -> bool {
        matches!(self, Self::Good | Self::ListsStall)
    }
}

/// A stretch in which the API server is not well.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trouble {
    pub(super) span: Span,
    pub(super) health: Health,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Answer {
    /// The DaemonSet.
    Size,
    /// Pods at this version.
    List(u64),
    /// The watch is open; `mute` if it will never bring anything.
    Opened { mute: bool },
    /// A status, and a wish in seconds.
    Status(u16, Option<u32>),
    /// The connection was refused.
    Refused,
}

/// The server.
#[derive(Debug)]
pub(super) struct Api {
    troubles: Vec<Trouble>,
    /// The body of a LIST, on the wire.
    pub(super) list_bytes: u64,
    /// When etcd was restored to an older state.
    restored: Option<Millis>,
    pub(super) arrivals: Arrivals,
    /// What it costs.
    pub(super) load: Load,
    /// Watches that are open.
    pub(super) open: u32,
    /// Requests that were sent and never arrived.
    pub(super) lost: u64,
}

impl Api {
    pub(super) fn new(scenario: &Scenario) -> Self {
        Self {
            troubles: scenario.troubles.clone(),
            list_bytes: scenario.list_bytes,
            restored: scenario.restored,
            arrivals: Arrivals::default(),
            load: Load::new(scenario.tariff.clone(), scenario.capacity, scenario.measured()),
            open: 0,
            lost: 0,
        }
    }

    pub(super) fn health(&self, at: Millis) -> Health {
        self.trouble(at).map_or(Health::Good, |trouble| trouble.health)
    }

    /// The trouble at this time, if there is one.
    pub(super) fn trouble(&self, at: Millis) -> Option<Trouble> {
        self.troubles.iter().copied().find(|trouble| trouble.span.contains(at))
    }

    /// The newest version.
    pub(super) fn version(&self, at: Millis) -> u64 {
        let back = if self.restored.is_some_and(|when| at >= when) { RESTORED } else { 0 };
        FIRST_VERSION + at - back
    }

    /// The oldest version from which a watch can go on.
    fn oldest(&self, at: Millis) -> u64 {
        let restarts = self.troubles.iter().filter(|trouble| trouble.health.breaks_watches());
        let restarted = restarts.map(|trouble| trouble.span.to).chain(self.restored);
        let since = restarted.filter(|end| *end <= at).max().unwrap_or(0).max(at.saturating_sub(HISTORY));
        self.version(since)
    }

    /// A request arrives: how long it takes to answer it and how; none if it is never answered.
    pub(super) fn receive(&mut self, at: Millis, ask: &Ask, random: &mut Random) -> Option<(Millis, Answer)> {
        self.arrivals.own.push(at);
        let admission = self.load.book(at, kind(ask), self.open);
        let is_list = matches!(ask, Ask::List { .. });
        match self.health(at) {
            Health::Failing => return Some((20, Answer::Status(503, None))),
            Health::Throttling(wish) => return Some((20, Answer::Status(429, Some(wish)))),
            Health::ListsStall if is_list => {
                self.arrivals.lists.push((at, STALLED_LIST_BYTES));
                return None;
            }
            Health::Stalled => return None,
            Health::Good | Health::ListsStall | Health::Refusing | Health::Partition { .. } => {}
        }
        let Admission::After(waits) = admission else {
            return Some((20, Answer::Status(429, Some(RETRY_AFTER))));
        };
        // Mostly quick, now and then slower than a turn is long.
        let takes = if random.once_in(2_000) { random.below(6_000) } else { random.below(150) };
        let answer = match ask {
            Ask::Size => Answer::Size,
            Ask::List { .. } => {
                self.arrivals.lists.push((at, self.list_bytes));
                Answer::List(self.version(at))
            }
            Ask::Watch { resource_version, .. } => {
                self.arrivals.watches.push(at);
                self.watch(at, resource_version)
            }
        };
        Some((waits + takes, answer))
    }

    /// A kubelet asks: how long it waits, or that it is turned away.
    pub(super) fn review(&mut self, at: Millis, kind: Kind) -> Admission {
        self.arrivals.reviews.push(at);
        self.load.book(at, kind, self.open)
    }

    /// A kubelet will have asked: again, or what something holds back.
    pub(super) fn expect_review(&mut self, at: Millis, kind: Kind) {
        self.arrivals.reviews.push(at);
        self.load.expect(at, kind);
    }

    fn watch(&self, at: Millis, from: &str) -> Answer {
        match from.parse::<u64>() {
            Ok(from) if from < self.oldest(at) => Answer::Status(410, None),
            Ok(from) => Answer::Opened { mute: from > self.version(at) },
            Err(_) => Answer::Status(400, None),
        }
    }
}

/// What the server pays for it.
const fn kind(ask: &Ask) -> Kind {
    match ask {
        Ask::Size => Kind::GetDaemonSet,
        Ask::List { .. } => Kind::ListNode,
        Ask::Watch { .. } => Kind::WatchNode,
    }
}

/// A wish of this many seconds.
pub(super) fn wish(seconds: u32) -> RetryAfter {
    RetryAfter::Delay(Duration::from_secs(seconds.into()))
}

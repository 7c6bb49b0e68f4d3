//! Encoded requests that wait for the backend: bounded in bytes and in age, oldest dropped first.
//!
//! The collector thread pushes without waiting; the output pops on its runtime. All decisions are in
//! `lanes`, which takes time as a parameter; this file adds the lock, the wake-up and the log line.
//! Invariant: every item pushed is in the queue, in flight, or counted (as sent, or under a
//! [`DropReason`]); also when a future that holds one is dropped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::model::Timestamp;
use crate::request::Request;
use crate::stats::{Count, Losses, Stats};

mod drop_log;
mod in_flight;
mod lanes;
#[cfg(test)]
mod tests;

use self::drop_log::DropLog;
pub use self::in_flight::InFlight;
use self::lanes::Lanes;
pub use self::lanes::{ITEM_OVERHEAD, Level, Limits};

/// Whose data an item carries. Each class has a share of the queue that the other cannot take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// What tare collects for its operator.
    Data,
    /// What tare reports about itself.
    SelfTelemetry,
}

/// One request that waits to be sent.
#[derive(Debug, Clone)]
pub struct Item {
    /// One encoded `ExportMetricsServiceRequest`, uncompressed.
    pub body: Bytes,
    /// How many data points `body` holds.
    pub points: u64,
    /// Whose data it is.
    pub class: Class,
    /// When its samples were taken. It is shown to people; the bound on age uses a clock that cannot jump.
    pub created: Timestamp,
}

/// Why data was lost. The name is the value of the metric attribute `reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DropReason {
    /// The queue had no room; the oldest item made place for a newer one.
    QueueFull,
    /// It waited longer than the bound on age.
    TooOld,
    /// The backend refused the request with a status that must not be retried.
    Rejected,
    /// The request is larger than the queue, or than the backend accepts.
    TooLarge,
    /// The backend accepted the request and rejected these points of it. Only points are counted here:
    /// the request itself counts as sent.
    PartialSuccess,
    /// tare stopped before it was delivered.
    Shutdown,
    /// The disk log deleted it for newer requests, or could not read it back.
    Disk,
}

impl DropReason {
    /// Every reason, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::QueueFull,
        Self::TooOld,
        Self::Rejected,
        Self::TooLarge,
        Self::PartialSuccess,
        Self::Shutdown,
        Self::Disk,
    ];

    /// The metric attribute's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::TooOld => "too_old",
            Self::Rejected => "rejected",
            Self::TooLarge => "too_large",
            Self::PartialSuccess => "partial_success",
            Self::Shutdown => "shutdown",
            Self::Disk => "disk",
        }
    }

    /// The position in [`DropReason::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// The queue of one output.
#[derive(Debug)]
pub struct Queue {
    name: Arc<str>,
    inner: Mutex<Inner>,
    pushed: Notify,
    /// Wakes who moves requests to the disk, if anybody does.
    changed: Notify,
    limits: Limits,
    stats: Arc<Stats>,
    origin: Instant,
}

#[derive(Debug)]
struct Inner {
    lanes: Lanes,
    log: DropLog,
}

impl Queue {
    /// An empty queue for the output `name`, which counts in `stats`.
    pub fn new(name: &str, limits: Limits, stats: Arc<Stats>) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            inner: Mutex::new(Inner { lanes: Lanes::new(limits), log: DropLog::default() }),
            pushed: Notify::new(),
            changed: Notify::new(),
            limits,
            stats,
            origin: Instant::now(),
        })
    }

    /// Adds an item without waiting, from any thread. What has to go for it, or the item itself where it
    /// can never fit or the queue is closed, is dropped and counted.
    pub fn push(&self, item: Item) {
        self.stats.produced(Count { requests: 1, points: item.points });
        self.with(|lanes, now| lanes.push(item, now));
        self.pushed.notify_one();
        self.changed.notify_one();
    }

    /// Takes the oldest item of either class, waiting for one. Dropping the future loses nothing.
    pub async fn pop(self: &Arc<Self>) -> InFlight {
        loop {
            if let Some(item) = self.try_pop() {
                return item;
            }
            self.pushed.notified().await;
        }
    }

    /// Takes the oldest item of either class if there is one.
    pub fn try_pop(self: &Arc<Self>) -> Option<InFlight> {
        let waiting = self.with(Lanes::pop)?;
        Some(InFlight::new(Arc::clone(self), waiting))
    }

    /// Ends the queue: what waits, and whatever is pushed from now on, is counted as
    /// [`DropReason::Shutdown`]. Items in flight are not touched.
    pub fn close(&self) {
        self.with(|lanes, _| lanes.close());
        self.flush_log();
    }

    /// What is in the queue now, items in flight included.
    pub fn level(&self) -> Level {
        self.with(|lanes, now| {
            lanes.expire(now);
            lanes.level()
        })
    }

    /// Waits for the next push, or the next [`Queue::wake`]. For one waiter.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Lets [`Queue::changed`] return.
    pub(crate) fn wake(&self) {
        self.changed.notify_one();
    }

    /// Whether one of the classes has used more than half of its bytes, or of its time.
    pub(crate) fn is_pressed(&self) -> bool {
        self.with(|lanes, now| lanes.is_pressed(now))
    }

    /// Counts what was lost elsewhere on the way to the backend.
    pub(crate) fn lost(&self, reason: DropReason, count: Count) {
        self.with(|lanes, _| lanes.lose(reason, count));
    }

    /// The bounds that the queue was made with.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The counters that this queue and its output share.
    pub fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    /// Counts an item in flight as its halves from now on: one request more.
    fn split(&self, sequence: u64, halves: [&Request; 2]) -> [u64; 2] {
        self.stats.produced(Count { requests: 1, points: 0 });
        self.with(|lanes, _| lanes.split(sequence, halves))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // The lanes have no state in which a panic could leave it half-changed in a harmful way.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Runs `act` under the lock, then counts what it dropped; the log line is written outside the lock.
    fn with<T>(&self, act: impl FnOnce(&mut Lanes, Duration) -> T) -> T {
        let (answer, report) = {
            let mut inner = self.lock();
            let now = self.now();
            let answer = act(&mut inner.lanes, now);
            let losses = inner.lanes.take_losses();
            self.stats.dropped(&losses);
            inner.log.add(&losses);
            (answer, inner.log.due(now))
        };
        if let Some(losses) = report {
            self.write_log(&losses);
        }
        answer
    }

    fn flush_log(&self) {
        let report = self.lock().log.flush();
        if let Some(losses) = report {
            self.write_log(&losses);
        }
    }

    fn write_log(&self, losses: &Losses) {
        let total = losses.total();
        let reasons = drop_log::describe(losses);
        tracing::warn!(
            output = &*self.name,
            points = total.points,
            requests = total.requests,
            reasons,
            "telemetry was dropped"
        );
    }
}

//! What happened to every request, as counters that can be read from anywhere.
//!
//! The invariant that all tests hold this crate to: what was produced equals what was sent, plus what was
//! dropped (summed over every [`DropReason`]), plus what still waits in the queue, in requests and in
//! points alike. With a disk log, what it held when it was opened comes on top of what was produced, and
//! what waits in it on top of what waits in the queue. Nothing here knows of OpenTelemetry; the agent publishes the totals by observers.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::queue::DropReason;
use crate::retry::Failure;

#[cfg(test)]
mod tests;

/// A number of requests and of the data points in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Encoded requests.
    pub requests: u64,
    /// Data points.
    pub points: u64,
}

impl Count {
    /// Adds one more `Count`; saturates instead of wrapping.
    pub fn add(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.points = self.points.saturating_add(other.points);
    }
}

/// Losses by reason: one [`Count`] for each [`DropReason`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Losses([Count; DropReason::ALL.len()]);

impl Losses {
    /// Adds a loss.
    pub fn add(&mut self, reason: DropReason, count: Count) {
        self.0[reason.index()].add(count);
    }

    /// What was lost for this reason.
    pub fn of(&self, reason: DropReason) -> Count {
        self.0[reason.index()]
    }

    /// What was lost for any reason.
    pub fn total(&self) -> Count {
        let mut total = Count::default();
        for count in self.0 {
            total.add(count);
        }
        total
    }
}

#[derive(Debug, Default)]
struct AtomicCount {
    requests: AtomicU64,
    points: AtomicU64,
}

impl AtomicCount {
    fn add(&self, count: Count) {
        self.requests.fetch_add(count.requests, Ordering::Relaxed);
        self.points.fetch_add(count.points, Ordering::Relaxed);
    }

    fn load(&self) -> Count {
        Count { requests: self.requests.load(Ordering::Relaxed), points: self.points.load(Ordering::Relaxed) }
    }
}

/// The counters of one output. They only grow.
#[derive(Debug, Default)]
pub struct Stats {
    produced: AtomicCount,
    sent: AtomicCount,
    recovered: AtomicCount,
    stored: AtomicCount,
    dropped: [AtomicCount; DropReason::ALL.len()],
    attempts: AtomicU64,
    retries: AtomicU64,
    wire_bytes: AtomicU64,
    encoded_bytes: AtomicU64,
    failures: [AtomicU64; Failure::ALL.len()],
    unreadable_answers: AtomicU64,
}

/// All counters of one output at one moment. Counters that move together may be one event apart while
/// the output works; at rest they add up exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// What was handed to the queue. A request that was split because the backend found it too large counts
    /// as the two that it became.
    pub produced: Count,
    /// What the backend acknowledged. Points that it rejected in a partial success are not in it.
    pub sent: Count,
    /// What an earlier life left in the disk log.
    pub recovered: Count,
    /// What went to the disk log. It is not a loss: all of it counts later, as sent or as dropped.
    pub stored: Count,
    /// What was lost, by reason.
    pub dropped: Losses,
    /// Exchanges begun with the backend, whatever became of them.
    pub attempts: u64,
    /// Exchanges that repeated an earlier one.
    pub retries: u64,
    /// Bytes of request bodies handed to a connection (after compression), repeated ones included;
    /// headers and TLS are not in it.
    pub wire_bytes: u64,
    /// Bytes of request bodies before compression, each request once.
    pub encoded_bytes: u64,
    /// Exchanges that failed, by class.
    failures: [u64; Failure::ALL.len()],
    /// Requests that were acknowledged with a body that could not be read to its end or understood: a
    /// partial success may hide in it, or something that is no OTLP receiver may have answered.
    pub unreadable_answers: u64,
}

impl Totals {
    /// How many exchanges failed with this class.
    pub fn failures(&self, failure: Failure) -> u64 {
        self.failures[failure.index()]
    }
}

impl Stats {
    /// All counters now.
    pub fn totals(&self) -> Totals {
        let mut dropped = Losses::default();
        for reason in DropReason::ALL {
            dropped.add(reason, self.dropped[reason.index()].load());
        }
        Totals {
            produced: self.produced.load(),
            sent: self.sent.load(),
            recovered: self.recovered.load(),
            stored: self.stored.load(),
            dropped,
            attempts: self.attempts.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            wire_bytes: self.wire_bytes.load(Ordering::Relaxed),
            encoded_bytes: self.encoded_bytes.load(Ordering::Relaxed),
            failures: Failure::ALL.map(|failure| self.failures[failure.index()].load(Ordering::Relaxed)),
            unreadable_answers: self.unreadable_answers.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn produced(&self, count: Count) {
        self.produced.add(count);
    }

    pub(crate) fn sent(&self, count: Count) {
        self.sent.add(count);
    }

    pub(crate) fn recovered(&self, count: Count) {
        self.recovered.add(count);
    }

    pub(crate) fn stored(&self, count: Count) {
        self.stored.add(count);
    }

    pub(crate) fn dropped(&self, losses: &Losses) {
        for reason in DropReason::ALL {
            let count = losses.of(reason);
            if count != Count::default() {
                self.dropped[reason.index()].add(count);
            }
        }
    }

    /// Counts one exchange that begins; `again` if it repeats an earlier one.
    pub(crate) fn attempt(&self, again: bool) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        self.retries.fetch_add(u64::from(again), Ordering::Relaxed);
    }

    /// Counts a body of `bytes` that was handed to a connection.
    pub(crate) fn handed_over(&self, bytes: usize) {
        self.wire_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts the uncompressed size of a request that is about to be sent for the first time.
    pub(crate) fn encoded(&self, bytes: usize) {
        self.encoded_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self, failure: Failure) {
        self.failures[failure.index()].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn unreadable_answer(&self) {
        self.unreadable_answers.fetch_add(1, Ordering::Relaxed);
    }
}

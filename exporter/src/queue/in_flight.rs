//! An item on its way: out of the queue, not yet accounted for.
//!
//! Whoever holds one must say what became of it. If it is dropped without a word (a cancelled future, a
//! runtime that ends), it is counted as [`DropReason::Shutdown`], so no exit is silent.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::lanes::Waiting;
use super::{Class, DropReason, Item, Queue};
use crate::model::Timestamp;
use crate::request::halve::halves;
use crate::stats::Count;

/// One item that was popped and is not settled yet.
#[derive(Debug)]
pub struct InFlight {
    queue: Arc<Queue>,
    item: Item,
    since: Duration,
    sequence: u64,
    settled: bool,
}

impl InFlight {
    pub(super) fn new(queue: Arc<Queue>, waiting: Waiting) -> Self {
        let Waiting { item, since, sequence } = waiting;
        Self { queue, item, since, sequence, settled: false }
    }

    /// The encoded request, uncompressed. It stays until the item is settled, so that a request that the
    /// backend finds too large can be split.
    pub fn body(&self) -> &Bytes {
        &self.item.body
    }

    /// How many data points the request holds.
    pub fn points(&self) -> u64 {
        self.item.points
    }

    /// Whose data it is.
    pub(crate) fn class(&self) -> Class {
        self.item.class
    }

    /// When its samples were taken.
    pub(crate) fn created(&self) -> Timestamp {
        self.item.created
    }

    /// Cuts the item in two, for a backend that finds it too large: from now on the halves are two requests,
    /// each of which must be accounted for. Returns the item itself where it cannot be cut without losing
    /// count of its points.
    ///
    /// # Errors
    /// The item as it was.
    pub fn split(mut self) -> Result<[Self; 2], Self> {
        let Some([first, second]) = halves(&self.item.body) else { return Err(self) };
        if first.points + second.points != self.item.points {
            return Err(self);
        }
        let sequences = self.queue.split(self.sequence, [&first, &second]);
        self.settled = true;
        Ok([(first, sequences[0]), (second, sequences[1])].map(|(half, sequence)| Self {
            queue: Arc::clone(&self.queue),
            item: Item { body: half.body, points: half.points, ..self.item.clone() },
            since: self.since,
            sequence,
            settled: false,
        }))
    }

    /// Whether it has waited longer than the queue's bound on age.
    pub fn is_too_old(&self) -> bool {
        self.queue.with(|lanes, now| lanes.is_too_old(self.since, now))
    }

    /// The backend acknowledged the request and rejected `rejected` of its points (more than there are
    /// count as all).
    pub fn delivered(mut self, rejected: u64) {
        let lost = rejected.min(self.item.points);
        self.queue.stats.sent(Count { requests: 1, points: self.item.points - lost });
        let count = Count { requests: 0, points: lost };
        self.settle((lost > 0).then_some((DropReason::PartialSuccess, count)));
    }

    /// The request waits again, in its old place.
    pub(crate) fn put_back(mut self) {
        self.settled = true;
        let waiting = Waiting { item: self.item.clone(), since: self.since, sequence: self.sequence };
        self.queue.with(|lanes, now| lanes.put_back(waiting, now));
        self.queue.pushed.notify_one();
    }

    /// The request waits on the disk from now on.
    pub(crate) fn stored(mut self) {
        self.queue.stats.stored(Count { requests: 1, points: self.item.points });
        self.settle(None);
    }

    /// The request is given up.
    pub fn dropped(mut self, reason: DropReason) {
        self.give_up(reason);
    }

    fn give_up(&mut self, reason: DropReason) {
        let count = Count { requests: 1, points: self.item.points };
        self.settle(Some((reason, count)));
    }

    fn settle(&mut self, lost: Option<(DropReason, Count)>) {
        self.settled = true;
        self.queue.with(|lanes, _| lanes.settle(self.sequence, lost));
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if !self.settled {
            self.give_up(DropReason::Shutdown);
        }
    }
}

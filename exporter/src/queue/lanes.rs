//! The queue's decisions, without clock, lock or wake-up.
//!
//! Two lanes, one for each class, each with a bound of its own: so neither can push the other out. Items
//! leave in the order in which they came, whichever lane holds them, so neither waits behind more of the
//! other than was there before it. `now` is time since any fixed origin; it never goes back by much, and
//! where it does an item is merely younger.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::{DropReason, Item};
use crate::model::Timestamp;
use crate::request::Request;
use crate::stats::{Count, Losses};

/// What an item weighs beside its body, in bytes: so that the bound also bounds the number of items.
pub const ITEM_OVERHEAD: usize = 128;

/// The bounds of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// All waiting items together, in bytes. One item in flight comes on top.
    pub max_bytes: usize,
    /// The part of `max_bytes` that only self-telemetry may use, and all that it may use.
    pub reserved_bytes: usize,
    /// How long an item may wait, in flight or not, before it is given up.
    pub max_age: Duration,
}

impl Default for Limits {
    /// 8 MiB, a sixteenth of it for self-telemetry, 15 minutes.
    fn default() -> Self {
        Self { max_bytes: 8 << 20, reserved_bytes: 512 << 10, max_age: Duration::from_mins(15) }
    }
}

/// What a queue holds, items in flight included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Level {
    /// Requests and points.
    pub count: Count,
    /// Bytes, as they count against the bound.
    pub bytes: usize,
    /// When the samples of the oldest item were taken.
    pub oldest: Option<Timestamp>,
}

/// An item with its place in the order of arrival.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) item: Item,
    /// When it was pushed.
    pub(super) since: Duration,
    pub(super) sequence: u64,
}

/// What the queue remembers of an item in flight.
#[derive(Debug)]
struct Held {
    bytes: usize,
    points: u64,
    created: Timestamp,
}

#[derive(Debug)]
struct Lane {
    items: VecDeque<Waiting>,
    bytes: usize,
    points: u64,
    limit: usize,
}

#[derive(Debug)]
pub(super) struct Lanes {
    by_class: [Lane; 2],
    in_flight: BTreeMap<u64, Held>,
    max_age: Duration,
    pushed: u64,
    closed: bool,
    losses: Losses,
}

fn weight(item: &Item) -> usize {
    item.body.len().saturating_add(ITEM_OVERHEAD)
}

impl Lane {
    const fn new(limit: usize) -> Self {
        Self { items: VecDeque::new(), bytes: 0, points: 0, limit }
    }

    fn push(&mut self, waiting: Waiting) {
        self.bytes += weight(&waiting.item);
        self.points += waiting.item.points;
        self.items.push_back(waiting);
    }

    fn put_back(&mut self, waiting: Waiting) {
        self.bytes += weight(&waiting.item);
        self.points += waiting.item.points;
        let place = self.items.partition_point(|other| other.sequence < waiting.sequence);
        self.items.insert(place, waiting);
    }

    fn pop(&mut self) -> Option<Waiting> {
        let waiting = self.items.pop_front()?;
        self.bytes -= weight(&waiting.item);
        self.points -= waiting.item.points;
        Some(waiting)
    }
}

impl Lanes {
    pub(super) fn new(limits: Limits) -> Self {
        let reserved = limits.reserved_bytes.min(limits.max_bytes);
        Self {
            by_class: [Lane::new(limits.max_bytes - reserved), Lane::new(reserved)],
            in_flight: BTreeMap::new(),
            max_age: limits.max_age,
            pushed: 0,
            closed: false,
            losses: Losses::default(),
        }
    }

    /// Adds an item and drops the oldest of its class until the lane is within its bound again.
    pub(super) fn push(&mut self, item: Item, now: Duration) {
        self.expire(now);
        let lane = &mut self.by_class[item.class as usize];
        let refused = if self.closed {
            Some(DropReason::Shutdown)
        } else if weight(&item) > lane.limit {
            Some(DropReason::TooLarge)
        } else {
            None
        };
        if let Some(reason) = refused {
            self.losses.add(reason, Count { requests: 1, points: item.points });
            return;
        }
        let sequence = self.pushed;
        self.pushed += 1;
        lane.push(Waiting { item, since: now, sequence });
        while lane.bytes > lane.limit
            && let Some(oldest) = lane.pop()
        {
            self.losses.add(DropReason::QueueFull, Count { requests: 1, points: oldest.item.points });
        }
    }

    /// Puts an item in flight back to its place in the order. What has to go for it are older ones of its
    /// class, or itself.
    pub(super) fn put_back(&mut self, waiting: Waiting, now: Duration) {
        self.in_flight.remove(&waiting.sequence);
        if self.closed {
            self.lose(DropReason::Shutdown, Count { requests: 1, points: waiting.item.points });
            return;
        }
        let lane = &mut self.by_class[waiting.item.class as usize];
        lane.put_back(waiting);
        while lane.bytes > lane.limit
            && let Some(oldest) = lane.pop()
        {
            self.losses.add(DropReason::QueueFull, Count { requests: 1, points: oldest.item.points });
        }
        self.expire(now);
    }

    /// Counts a loss.
    pub(super) fn lose(&mut self, reason: DropReason, count: Count) {
        self.losses.add(reason, count);
    }

    /// Whether a lane is more than half full, or its oldest item has half of its time behind it.
    pub(super) fn is_pressed(&self, now: Duration) -> bool {
        let old = |waiting: &Waiting| now.saturating_sub(waiting.since) > self.max_age / 2;
        self.by_class.iter().any(|lane| lane.bytes > lane.limit / 2 || lane.items.front().is_some_and(old))
    }

    /// Takes the item that came first; it counts as in flight until [`Lanes::settle`].
    pub(super) fn pop(&mut self, now: Duration) -> Option<Waiting> {
        self.expire(now);
        let first = |lane: &Lane| lane.items.front().map_or(u64::MAX, |waiting| waiting.sequence);
        let lane = usize::from(first(&self.by_class[1]) < first(&self.by_class[0]));
        let waiting = self.by_class[lane].pop()?;
        let item = &waiting.item;
        let held = Held { bytes: weight(item), points: item.points, created: item.created };
        self.in_flight.insert(waiting.sequence, held);
        Some(waiting)
    }

    /// Replaces an item in flight by its halves; their sequences.
    pub(super) fn split(&mut self, sequence: u64, halves: [&Request; 2]) -> [u64; 2] {
        let created = self.in_flight.remove(&sequence).map_or(Timestamp(0), |held| held.created);
        halves.map(|half| {
            let sequence = self.pushed;
            self.pushed += 1;
            let bytes = half.body.len().saturating_add(ITEM_OVERHEAD);
            self.in_flight.insert(sequence, Held { bytes, points: half.points, created });
            sequence
        })
    }

    /// Whether an item that came at `since` has waited too long.
    pub(super) fn is_too_old(&self, since: Duration, now: Duration) -> bool {
        now.saturating_sub(since) > self.max_age
    }

    /// Ends the flight of an item; points that did not arrive are counted under `reason`.
    pub(super) fn settle(&mut self, sequence: u64, lost: Option<(DropReason, Count)>) {
        self.in_flight.remove(&sequence);
        if let Some((reason, count)) = lost {
            self.losses.add(reason, count);
        }
    }

    /// Drops what has waited too long.
    pub(super) fn expire(&mut self, now: Duration) {
        for index in 0..self.by_class.len() {
            while let Some(oldest) = self.by_class[index].items.front()
                && self.is_too_old(oldest.since, now)
            {
                self.drop_oldest(index, DropReason::TooOld);
            }
        }
    }

    /// Drops everything that waits and refuses what comes.
    pub(super) fn close(&mut self) {
        self.closed = true;
        for index in 0..self.by_class.len() {
            while !self.by_class[index].items.is_empty() {
                self.drop_oldest(index, DropReason::Shutdown);
            }
        }
    }

    fn drop_oldest(&mut self, lane: usize, reason: DropReason) {
        if let Some(oldest) = self.by_class[lane].pop() {
            self.losses.add(reason, Count { requests: 1, points: oldest.item.points });
        }
    }

    /// What was lost since the last call.
    pub(super) fn take_losses(&mut self) -> Losses {
        std::mem::take(&mut self.losses)
    }

    pub(super) fn level(&self) -> Level {
        let mut level = Level::default();
        let mut oldest = self.in_flight.first_key_value().map(|(sequence, held)| (*sequence, held.created));
        for held in self.in_flight.values() {
            level.count.add(Count { requests: 1, points: held.points });
            level.bytes += held.bytes;
        }
        for lane in &self.by_class {
            level.count.add(Count { requests: lane.items.len() as u64, points: lane.points });
            level.bytes += lane.bytes;
            if let Some(front) = lane.items.front()
                && oldest.is_none_or(|(sequence, _)| front.sequence < sequence)
            {
                oldest = Some((front.sequence, front.item.created));
            }
        }
        level.oldest = oldest.map(|(_, created)| created);
        level
    }

    /// Bytes that wait in the lane of `class`, for the tests of the bound.
    #[cfg(test)]
    pub(super) fn lane_bytes(&self, class: super::Class) -> usize {
        self.by_class[class as usize].bytes
    }
}

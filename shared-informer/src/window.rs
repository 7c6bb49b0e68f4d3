//! What happened within a sliding window, in bounded memory.
//!
//! The window is cut into slots; a slot counts until it has left the window as a whole, so that the sum is never
//! too small (and at most one slot's worth too old).

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Mono;

/// Slots per window.
const SLOTS: u32 = 60;

/// A sum over the last `span`.
#[derive(Debug, Clone)]
pub(crate) struct SlidingSum {
    slot: Duration,
    span: Duration,
    /// The start of each slot that holds something, and what it holds; oldest first.
    slots: VecDeque<(Mono, u64)>,
    /// Of all slots: an open watch is asked for it at each event.
    total: u64,
}

impl SlidingSum {
    pub(crate) fn new(span: Duration) -> Self {
        Self { slot: span / SLOTS, span, slots: VecDeque::new(), total: 0 }
    }

    /// Adds what happened at `now`; a time before the newest slot counts as that slot's.
    pub(crate) fn add(&mut self, now: Mono, amount: u64) {
        match self.slots.back_mut() {
            Some((start, sum)) if now.since(*start) < self.slot => *sum = sum.saturating_add(amount),
            _ => self.slots.push_back((now, amount)),
        }
        self.total = self.total.saturating_add(amount);
        self.expire(now);
    }

    /// What happened within the window that ends at `now`.
    pub(crate) fn sum(&mut self, now: Mono) -> u64 {
        self.expire(now);
        self.total
    }

    pub(crate) fn clear(&mut self) {
        self.slots.clear();
        self.total = 0;
    }

    fn expire(&mut self, now: Mono) {
        while self.slots.front().is_some_and(|(start, _)| now.since(*start) >= self.span + self.slot) {
            let gone = self.slots.pop_front().map_or(0, |(_, amount)| amount);
            self.total = self.total.saturating_sub(gone);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_sum_holds_the_whole_window_and_little_more(
            events in prop::collection::vec((0_u64..20_000, 0_u64..1_000), 1..200),
        ) {
            let mut sum = SlidingSum::new(Duration::from_mins(1));
            let (mut now, mut log) = (0_u64, vec![]);
            for (gap, amount) in events {
                now += gap;
                log.push((now, amount));
                sum.add(Mono::new(Duration::from_millis(now)), amount);
                let held = sum.sum(Mono::new(Duration::from_millis(now)));
                let within = |span: u64| log.iter().filter(|(at, _)| now - at < span).map(|(_, n)| n).sum::<u64>();
                prop_assert!(held >= within(60_000));
                prop_assert!(held <= within(62_000));
                prop_assert!(sum.slots.len() <= 64);
            }
        }
    }
}

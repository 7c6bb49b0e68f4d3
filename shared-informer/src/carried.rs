//! What an open watch brings cannot be refused in advance: it follows the pods' own churn. It is reported, and a node
//! that gets too much of it closes its watch until that is repaid.
//!
//! Repaid means: at the allowed rate the bytes would have taken this long. So the average over a long time never
//! exceeds the bound, and a node whose pods go mad costs the API server one watch in a while.

use std::time::Duration;

use crate::clock::Mono;
use crate::window::SlidingSum;

/// The bound that is used unless configured: 20 MiB.
pub const DEFAULT_BOUND: u64 = 20 << 20;
/// The window of the bound.
pub const WINDOW: Duration = Duration::from_mins(10);

/// What an agent's watch has to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Keep,
    /// Close the watch, and open none before this time.
    CloseUntil(Mono),
}

/// The meter of one node's watch.
#[derive(Debug, Clone)]
pub struct Carried {
    bound: u64,
    recent: SlidingSum,
    total: u64,
    closed_until: Option<Mono>,
}

impl Carried {
    /// A meter that allows `bound` bytes (at least one) in [`WINDOW`].
    pub fn new(bound: u64) -> Self {
        Self { bound: bound.max(1), recent: SlidingSum::new(WINDOW), total: 0, closed_until: None }
    }

    /// Adds what came in.
    pub fn add(&mut self, now: Mono, bytes: u64) -> Verdict {
        self.total = self.total.saturating_add(bytes);
        self.recent.add(now, bytes);
        let sum = self.recent.sum(now);
        if sum > self.bound {
            self.recent.clear();
            let debt = WINDOW.as_secs().saturating_mul(sum).div_ceil(self.bound);
            let until = now.plus(Duration::from_secs(debt));
            self.closed_until = Some(self.closed_until.map_or(until, |before| before.max(until)));
        }
        self.verdict(now)
    }

    /// Whether a watch may be open.
    pub fn verdict(&self, now: Mono) -> Verdict {
        match self.closed_until {
            Some(until) if now < until => Verdict::CloseUntil(until),
            _ => Verdict::Keep,
        }
    }

    /// Everything that was carried in this life, bytes.
    pub const fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono::new(Duration::from_secs(seconds))
    }

    #[test]
    fn a_watch_that_carries_too_much_stays_closed_until_that_is_repaid() {
        let mut carried = Carried::new(1_000);
        assert_eq!(carried.add(at(0), 1_000), Verdict::Keep);
        assert_eq!(carried.add(at(60), 1_000), Verdict::CloseUntil(at(60 + 1_200)));
        assert_eq!(carried.verdict(at(1_259)), Verdict::CloseUntil(at(1_260)));
        assert_eq!(carried.verdict(at(1_260)), Verdict::Keep);
        assert_eq!(carried.total(), 2_000);
    }

    #[test]
    fn what_left_the_window_is_forgotten() {
        let mut carried = Carried::new(1_000);
        assert_eq!(carried.add(at(0), 900), Verdict::Keep);
        assert_eq!(carried.add(at(620), 900), Verdict::Keep);
    }

    proptest! {
        #[test]
        fn the_average_stays_within_the_bound(
            events in prop::collection::vec((0_u64..400, 0_u64..400), 1..300),
        ) {
            let mut carried = Carried::new(1_000);
            let (mut now, mut taken) = (0, 0_u64);
            for (gap, bytes) in events {
                now += gap;
                if carried.verdict(at(now)) == Verdict::Keep {
                    carried.add(at(now), bytes);
                    taken += bytes;
                }
                // One window's worth, the event that passed it, and what the time allows.
                prop_assert!(taken <= 1_000 + 400 + 1_000 + now * 1_000 / 600);
            }
        }
    }
}

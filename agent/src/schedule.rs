//! When each collector is due. Pure: time comes in as a parameter.
//!
//! Every collector has a grid of its own, `k * interval + phase` on the wall clock, where the phase is a share
//! of the interval given by the node's name: a fleet that restarts together does not send together. The wall
//! clock is read once, when the schedule is made; from then on only monotonic time counts, so a clock that jumps
//! moves nothing. Ticks that were missed (a stall, a suspended machine) are skipped and counted, never made up.

use std::time::Duration;

/// The two clocks at one moment, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock; its origin is arbitrary.
    pub monotonic_ns: u64,
    /// Nanoseconds since the Unix epoch.
    pub wall_ns: u64,
}

/// A tick that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Which collector, by its place in the list given to [`Schedule::new`].
    pub index: usize,
    /// How late it is, in nanoseconds.
    pub lag_ns: u64,
    /// How many ticks before this one were missed.
    pub missed: u64,
}

#[derive(Debug)]
struct Entry {
    interval_ns: u64,
    /// A point of the grid, on the monotonic clock.
    anchor_ns: u64,
    next_ns: u64,
    first: bool,
}

/// The ticks of a list of collectors.
#[derive(Debug)]
pub struct Schedule(Vec<Entry>);

impl Schedule {
    /// A schedule in which every collector is due at once and then on its grid. `phase` is the node's place in
    /// every interval, as a share of 2^64. Intervals of zero are taken as one nanosecond.
    pub fn new(now: Now, phase: u64, intervals: &[Duration]) -> Self {
        Self(intervals.iter().map(|interval| Entry::new(now, phase, *interval)).collect())
    }

    /// When the next tick is due, on the monotonic clock; `None` without collectors.
    pub fn next_ns(&self) -> Option<u64> {
        self.0.iter().map(|entry| entry.next_ns).min()
    }

    /// The next tick that is due at `monotonic_ns`, in the list's order, and moves that collector on.
    pub fn take_due(&mut self, monotonic_ns: u64) -> Option<Due> {
        let index = self.0.iter().position(|entry| entry.next_ns <= monotonic_ns)?;
        Some(self.0[index].take(index, monotonic_ns))
    }
}

impl Entry {
    fn new(now: Now, phase: u64, interval: Duration) -> Self {
        let interval_ns = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX).max(1);
        // The high half of the product is phase / 2^64 * interval.
        let offset = u64::try_from((u128::from(phase) * u128::from(interval_ns)) >> 64).unwrap_or(0);
        let into = (now.wall_ns % interval_ns + interval_ns - offset) % interval_ns;
        Self {
            interval_ns,
            anchor_ns: now.monotonic_ns.saturating_add(interval_ns - into),
            next_ns: now.monotonic_ns,
            first: true,
        }
    }

    fn take(&mut self, index: usize, now_ns: u64) -> Due {
        let lag_ns = now_ns - self.next_ns;
        let missed = lag_ns / self.interval_ns;
        // The first scrape happens at once; the grid may come a moment later, and two scrapes that close make
        // useless rates. The second one is at least half an interval away.
        let after = if self.first { now_ns.saturating_add(self.interval_ns / 2) } else { now_ns };
        self.first = false;
        let steps =
            after.saturating_sub(self.anchor_ns) / self.interval_ns + u64::from(after >= self.anchor_ns);
        self.next_ns = self.anchor_ns.saturating_add(steps.saturating_mul(self.interval_ns));
        Due { index, lag_ns: lag_ns - missed * self.interval_ns, missed }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn at(monotonic_s: u64, wall_s: u64) -> Now {
        Now { monotonic_ns: monotonic_s * SECOND, wall_ns: wall_s * SECOND }
    }

    #[test]
    fn the_first_tick_is_at_once_and_the_next_ones_on_the_nodes_grid() {
        // The grid is at wall = 5 (mod 10); the schedule starts at wall 1_003, monotonic 50.
        let mut schedule = Schedule::new(at(50, 1_003), u64::MAX / 2 + 1, &[Duration::from_secs(10)]);
        assert_eq!(schedule.take_due(50 * SECOND), Some(Due { index: 0, lag_ns: 0, missed: 0 }));
        assert_eq!(schedule.take_due(50 * SECOND), None);
        // Wall 1_005 is only two seconds away: the next tick is wall 1_015, monotonic 62.
        assert_eq!(schedule.next_ns(), Some(62 * SECOND));
        schedule.take_due(62 * SECOND);
        assert_eq!(schedule.next_ns(), Some(72 * SECOND));
    }

    #[test]
    fn missed_ticks_are_counted_and_not_made_up() {
        let mut schedule = Schedule::new(at(0, 0), 0, &[Duration::from_secs(10)]);
        schedule.take_due(0);
        let due = schedule.take_due(47 * SECOND).unwrap();
        assert_eq!((due.missed, due.lag_ns), (3, 7 * SECOND));
        assert_eq!(schedule.next_ns(), Some(50 * SECOND));
    }

    proptest! {
        #[test]
        fn a_collector_never_runs_twice_in_one_interval_of_its_grid(
            wall in 0..u64::MAX / 4, phase: u64, interval_s in 1..3_600_u64,
            waits in prop::collection::vec(0..10_000_u64, 1..60),
        ) {
            let interval = Duration::from_secs(interval_s);
            let mut schedule = Schedule::new(Now { monotonic_ns: 7, wall_ns: wall }, phase, &[interval]);
            let mut now = 7;
            let mut slots = Vec::new();
            for wait in waits {
                now += wait * SECOND / 10;
                while schedule.take_due(now).is_some() {
                    let offset = ((u128::from(phase) * u128::from(interval_s * SECOND)) >> 64) as u64;
                    let instant = wall.wrapping_add(now - 7).wrapping_sub(offset);
                    slots.push(instant / (interval_s * SECOND));
                    prop_assert!(schedule.next_ns().unwrap() > now);
                    prop_assert!(schedule.next_ns().unwrap() <= now + 2 * interval_s * SECOND);
                }
            }
            // The first tick is off the grid and may share its interval with nothing but itself.
            for pair in slots.get(1..).unwrap_or_default().windows(2) {
                prop_assert!(pair[0] < pair[1], "{slots:?}");
            }
        }
    }
}

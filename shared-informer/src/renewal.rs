//! When an open watch is replaced, and how long the server is told to keep it.
//!
//! Make before break: the watch is asked to outlast the own turn in which its successor opens, and where its longest life
//! allows the turn after that one too, so that a healthy watch is never blind: a turn can be slept through, its answer can
//! take too long, and after a sign of trouble every other turn is left out.

use std::time::Duration;

use crate::clock::Wall;
use crate::derive::LONGEST_WATCH;
use crate::phase::Phase;
use crate::turns::{LATE, LENGTH};

/// What is left of the watch after the turn of its renewal at the latest: for an answer that takes its time.
pub const MARGIN: Duration = Duration::from_secs(30);

/// For so long after the instant of the turn of its renewal a watch has to last.
pub const AFTER_TURN: Duration = LATE.saturating_add(LENGTH).saturating_add(MARGIN);

/// The end that is planned for a watch when it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renewal {
    /// The own turn in which the successor is to be opened.
    pub turn: Wall,
    /// `timeoutSeconds` of the WATCH, at most [`LONGEST_WATCH`].
    pub timeout: Duration,
}

/// Plans the end of a watch that opens at `now`: the first own turn after `lifetime`, or the last one within the
/// longest life a watch can have.
///
/// `period` must be one that [`crate::derive`] gave: then there is an own turn within [`LONGEST_WATCH`].
pub fn plan(phase: Phase, period: Duration, now: Wall, lifetime: Duration) -> Renewal {
    let latest = now.plus(LONGEST_WATCH.saturating_sub(AFTER_TURN));
    let wished = phase.at_or_after(now.plus(lifetime), period);
    let turn = if wished <= latest { wished } else { phase.at_or_before(latest, period).unwrap_or(latest) };
    let timeout = (turn.since(now) + period + AFTER_TURN).min(LONGEST_WATCH);
    Renewal { turn, timeout: Duration::from_secs(timeout.as_secs()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::derive::{MAX_DOUBLINGS, SHORTEST_WATCH, period_of};
    use crate::phase::Salt;

    proptest! {
        #[test]
        fn every_watch_outlasts_the_turn_of_its_successor_and_the_one_after(
            node in "[a-z0-9]{1,20}", doublings in 0..=MAX_DOUBLINGS, at in 1_700_000_000_u64..1_900_000_000,
            lifetime in SHORTEST_WATCH.as_secs()..=LONGEST_WATCH.as_secs(), into_turn in 0_u64..6_000,
        ) {
            let (phase, period) = (Phase::of(&node, Salt::Turn), period_of(doublings));
            // A watch opens within an own turn.
            let opened = phase.at_or_after(Wall::new(Duration::from_secs(at)), period);
            let now = opened.plus(Duration::from_millis(into_turn));
            let renewal = plan(phase, period, now, Duration::from_secs(lifetime));
            prop_assert_eq!(phase.at_or_after(renewal.turn, period), renewal.turn, "not an own turn");
            prop_assert!(renewal.turn > opened, "the turn that is running");
            let ends = now.plus(renewal.timeout);
            prop_assert!(ends >= renewal.turn.plus(LATE + LENGTH), "ends before its successor is there");
            let second = renewal.turn.plus(period + LATE + LENGTH);
            prop_assert!(ends >= second || renewal.timeout == LONGEST_WATCH, "a missed turn makes it blind");
            prop_assert!(renewal.timeout <= LONGEST_WATCH);
            let enough = lifetime + period.as_secs() + 60 < LONGEST_WATCH.as_secs();
            prop_assert!(!enough || renewal.turn >= now.plus(Duration::from_secs(lifetime)), "renewed too early");
        }
    }
}

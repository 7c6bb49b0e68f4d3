//! At most one line per kind of message in ten seconds, with the number of those that were left out.
//!
//! Pure: the monotonic clock comes in as a parameter. Keys are constants of the code, so there are few.

use std::collections::BTreeMap;

/// How long a message is quiet after it was logged, in nanoseconds.
pub const QUIET_NS: u64 = 10_000_000_000;

/// What was last logged, by kind of message.
#[derive(Debug, Default)]
pub struct Limiter(BTreeMap<&'static str, Quiet>);

#[derive(Debug)]
struct Quiet {
    until_ns: u64,
    suppressed: u64,
}

impl Limiter {
    /// Whether a message of the kind `key` may be logged at `now_ns`: then the number of those that were left out
    /// since the last one; otherwise `None`, and this one counts among them.
    pub fn allow(&mut self, key: &'static str, now_ns: u64) -> Option<u64> {
        let quiet = self.0.entry(key).or_insert(Quiet { until_ns: 0, suppressed: 0 });
        if now_ns < quiet.until_ns {
            quiet.suppressed = quiet.suppressed.saturating_add(1);
            return None;
        }
        quiet.until_ns = now_ns.saturating_add(QUIET_NS);
        Some(std::mem::take(&mut quiet.suppressed))
    }

    /// The kinds of message that were left out and have been quiet for long enough at `now_ns`, with their numbers:
    /// what a periodic or a last line says, so that the end of a burst is told too.
    pub fn overdue(&mut self, now_ns: u64) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let over = move |quiet: &Quiet| quiet.suppressed > 0 && now_ns >= quiet.until_ns;
        self.0
            .iter_mut()
            .filter(move |(_, quiet)| over(quiet))
            .map(|(key, quiet)| (*key, std::mem::take(&mut quiet.suppressed)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_repeated_message_is_told_once_in_ten_seconds_with_the_number_left_out() {
        let mut limiter = Limiter::default();
        assert_eq!(limiter.allow("disk", 5), Some(0));
        assert_eq!(limiter.allow("disk", 6), None);
        assert_eq!(limiter.allow("cpu", 6), Some(0), "another kind has its own quiet");
        assert_eq!(limiter.allow("disk", QUIET_NS + 4), None);
        assert_eq!(limiter.allow("disk", QUIET_NS + 5), Some(2));
        assert_eq!(limiter.allow("disk", QUIET_NS + 6), None);
    }

    #[test]
    fn the_end_of_a_burst_is_told_too() {
        let mut limiter = Limiter::default();
        limiter.allow("disk", 0);
        limiter.allow("disk", 1);
        assert_eq!(limiter.overdue(QUIET_NS - 1).count(), 0);
        assert_eq!(limiter.overdue(QUIET_NS).collect::<Vec<_>>(), [("disk", 1)]);
        assert_eq!(limiter.overdue(QUIET_NS).count(), 0);
    }

    proptest! {
        #[test]
        fn every_message_is_logged_or_counted_exactly_once(steps in prop::collection::vec(0..QUIET_NS, 1..200)) {
            let mut limiter = Limiter::default();
            let (mut now, mut told) = (0, 0);
            for step in &steps {
                now += step;
                told += limiter.allow("key", now).map_or(0, |suppressed| suppressed + 1);
            }
            told += limiter.overdue(u64::MAX).map(|(_, suppressed)| suppressed).sum::<u64>();
            prop_assert_eq!(told, steps.len() as u64);
        }
    }
}

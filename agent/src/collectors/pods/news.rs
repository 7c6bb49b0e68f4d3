//! Whether the kubelet's last summary is new, still good, or too old to speak of. Pure.

use std::time::Duration;

use exporter::model::Timestamp;

use crate::kubelet::Summary;

/// What the last summary is worth in a scrape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// There is none, or none came for so long that what only the kubelet knows is not known any more.
    Gone,
    /// The one that an earlier scrape has taken.
    Known,
    /// One that no scrape has taken yet.
    New,
}

/// The summary that was taken last.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Its sequence, and when it was seen first, on the monotonic clock.
    taken: Option<(u64, u64)>,
}

impl News {
    /// Judges `summary` at a moment of both clocks. It is good until `limit` after it was seen first; one that was
    /// older than that already is not taken at all (the collector was rebuilt during an outage).
    pub(super) fn look(
        &mut self,
        summary: Option<&Summary>,
        (now, monotonic_ns): (Timestamp, u64),
        limit: Duration,
    ) -> Standing {
        let Some(summary) = summary else { return Standing::Gone };
        let limit = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        match self.taken {
            Some((sequence, seen_ns)) if sequence == summary.sequence => {
                if monotonic_ns.saturating_sub(seen_ns) <= limit { Standing::Known } else { Standing::Gone }
            }
            _ => {
                if now.0.saturating_sub(summary.received.0) > limit {
                    return Standing::Gone;
                }
                self.taken = Some((summary.sequence, monotonic_ns));
                Standing::New
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::pods::testing::empty_summary;

    const SECOND: u64 = 1_000_000_000;
    const LIMIT: Duration = Duration::from_mins(2);

    fn at(seconds: u64) -> (Timestamp, u64) {
        (Timestamp((1_000_000 + seconds) * SECOND), seconds * SECOND)
    }

    #[test]
    fn a_summary_is_new_once_then_known_until_its_limit_and_gone_after_it() {
        let mut news = News::default();
        let summary = empty_summary(7, at(0).0);
        assert_eq!(news.look(None, at(0), LIMIT), Standing::Gone);
        assert_eq!(news.look(Some(&summary), at(1), LIMIT), Standing::New);
        assert_eq!(news.look(Some(&summary), at(121), LIMIT), Standing::Known);
        assert_eq!(news.look(Some(&summary), at(122), LIMIT), Standing::Gone);
        let next = empty_summary(8, at(130).0);
        assert_eq!(news.look(Some(&next), at(131), LIMIT), Standing::New);
    }

    #[test]
    fn one_that_is_too_old_when_it_is_first_seen_is_not_taken() {
        let mut news = News::default();
        let summary = empty_summary(7, at(0).0);
        assert_eq!(news.look(Some(&summary), at(121), LIMIT), Standing::Gone);
        assert_eq!(news.look(Some(&summary), at(122), LIMIT), Standing::Gone);
    }

    #[test]
    fn a_wall_clock_that_is_set_forward_ages_no_summary_that_was_taken() {
        let mut news = News::default();
        let summary = empty_summary(7, at(0).0);
        news.look(Some(&summary), at(1), LIMIT);
        assert_eq!(news.look(Some(&summary), (at(86_400).0, 2 * SECOND), LIMIT), Standing::Known);
    }
}

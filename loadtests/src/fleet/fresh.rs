//! How fresh what the agents know is: agent-seconds with an open watch, and with an index whose last sign of life is not older
//! than [`shared_informer::freshness::WATCH_LIMIT`], out of all agent-seconds.
//!
//! The same definition as the shipped indicator's, as an integral instead of a count every ten seconds; a test holds one against
//! the other.

use shared_informer::freshness::WATCH_LIMIT;

use super::time::{Millis, Span, millis};

/// How old a sign of life may be.
fn limit() -> Millis {
    millis(WATCH_LIMIT)
}

/// A number that changes now and then, summed over a stretch of time; changes may come in any order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Integral {
    span: Span,
    sum: i64,
}

impl Integral {
    pub(super) const fn new(span: Span) -> Self {
        Self { span, sum: 0 }
    }

    /// From `at` on the number is larger by `by`.
    pub(super) fn change(&mut self, at: Millis, by: i64) {
        let left = self.span.to.saturating_sub(at.max(self.span.from));
        self.sum += by * i64::try_from(left).unwrap_or(i64::MAX);
    }

    /// Number times milliseconds.
    pub(super) fn total(self) -> u64 {
        u64::try_from(self.sum).unwrap_or(0)
    }
}

/// For how long one host's index was fresh.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Freshness {
    last: Option<Millis>,
    sum: Millis,
}

impl Freshness {
    /// The index is complete up to `at`, which is not before the last sign.
    pub(super) fn sign(&mut self, at: Millis, span: Span) {
        self.until(at, span);
        self.last = Some(at);
    }

    /// Nobody needs it from `at` on.
    pub(super) fn until(&mut self, at: Millis, span: Span) {
        if let Some(last) = self.last.take() {
            let end = at.min(last + limit()).min(span.to);
            self.sum += end.saturating_sub(last.max(span.from));
        }
    }

    /// Milliseconds.
    pub(super) const fn total(self) -> Millis {
        self.sum
    }
}

/// Shares of agent-time from the disturbance (or the start) to the end.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Knowledge {
    /// How long that was, seconds.
    pub(crate) seconds: f64,
    /// With an open watch.
    pub(crate) live: f64,
    /// With an index that was recent enough.
    pub(crate) fresh: f64,
    /// For how long an agent's index was not, on average, seconds.
    pub(crate) stale_s: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_of_life_is_worth_its_limit_and_no_more_and_only_within_the_stretch() {
        let span = Span::new(100_000, 1_000_000);
        let mut fresh = Freshness::default();
        fresh.sign(0, span);
        fresh.sign(60_000, span);
        // Good from 60 s to 190 s, of which 90 s lie within.
        fresh.sign(500_000, span);
        fresh.sign(560_000, span);
        fresh.until(2_000_000, span);
        assert_eq!(fresh.total(), 90_000 + 60_000 + 130_000);
    }

    #[test]
    fn an_integral_does_not_depend_on_the_order_of_the_changes() {
        let span = Span::new(10, 110);
        let changes = [(0, 3), (60, -1), (200, 5), (20, 1)];
        let sum = |changes: &[(Millis, i64)]| {
            let mut integral = Integral::new(span);
            for (at, by) in changes {
                integral.change(*at, *by);
            }
            integral.total()
        };
        let reversed: Vec<_> = changes.iter().rev().copied().collect();
        assert_eq!(sum(&changes), 300 - 50 + 90);
        assert_eq!(sum(&changes), sum(&reversed));
    }
}

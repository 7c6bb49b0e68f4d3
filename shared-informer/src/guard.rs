//! The second lock on the door: a GCRA bucket on the monotonic clock, behind the turns, against bugs in them.
//!
//! Its rate is that of the turns (two requests per period), its burst one turn, and it starts empty. The limiter
//! is governor's; its clock is the time that each call is given. A limiter of governor's starts full, so it is made in
//! the past and the last two requests are replayed into it: at the start these are two that are taken to have been
//! sent at that moment, and after a change of the period the real ones. A change neither forgives nor forgets.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::clock::Mono;
use crate::turns::SHORTEST_PERIOD;

/// The requests that a bucket can hold: those of one turn.
const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);
/// How far before the clock's origin a request of an earlier life may lie; also the longest period.
const PAST: Duration = Duration::from_hours(366 * 24);

/// The guard of one agent.
#[derive(Debug)]
pub struct Guard {
    period: Duration,
    /// The last two requests, as times of the shifted clock: never below zero, the older one first.
    sent: [Duration; 2],
    limiter: RateLimiter<NotKeyed, InMemoryState, SetClock, NoOpMiddleware<Duration>>,
    clock: SetClock,
}

impl Guard {
    /// An empty guard for two requests per `period`.
    ///
    /// `silence` is for how long, at `now`, this node is known to have sent nothing: zero, unless the state
    /// directory remembers the last turn of an earlier life. What would have come in since then is there.
    pub fn new(period: Duration, now: Mono, silence: Duration) -> Self {
        let last = shifted(now).saturating_sub(silence.min(PAST));
        Self::replay(period, [last, last])
    }

    /// The period that the rate stands for.
    pub const fn period(&self) -> Duration {
        self.period
    }

    /// Follows a change of the turn period.
    pub fn retune(&mut self, period: Duration) {
        if period != self.period {
            *self = Self::replay(period, self.sent);
        }
    }

    /// Takes the right to one request at `now`.
    ///
    /// # Errors
    /// How long until there is one.
    pub fn take(&mut self, now: Mono) -> Result<(), Duration> {
        let now = shifted(now);
        self.clock.set(now);
        match self.limiter.check() {
            Ok(()) => {
                self.sent = [self.sent[1], now];
                Ok(())
            }
            Err(not_until) => Err(not_until.wait_time_from(now)),
        }
    }

    fn replay(period: Duration, sent: [Duration; 2]) -> Self {
        let period = period.clamp(SHORTEST_PERIOD, PAST);
        let clock = SetClock::default();
        clock.set(sent[0]);
        let each = Quota::with_period(period / BURST.get()).unwrap_or(Quota::per_hour(NonZeroU32::MIN));
        let limiter = RateLimiter::direct_with_clock(each.allow_burst(BURST), clock.clone());
        for time in sent {
            clock.set(time);
            // A new limiter is full, so both are admitted.
            let admitted = limiter.check();
            debug_assert!(admitted.is_ok(), "a full bucket refused a request");
        }
        Self { period, sent, limiter, clock }
    }
}

/// The monotonic clock with an origin far in the past, within what governor can hold (584 years).
fn shifted(now: Mono) -> Duration {
    now.since_origin().min(PAST * 200).saturating_add(PAST)
}

/// A clock that shows what it was last set to, in nanoseconds.
#[derive(Debug, Clone, Default)]
struct SetClock(Arc<AtomicU64>);

impl SetClock {
    fn set(&self, now: Duration) {
        self.0.store(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const T: Duration = Duration::from_secs(160);

    fn at(seconds: u64) -> Mono {
        Mono::new(Duration::from_secs(seconds))
    }

    #[test]
    fn it_starts_empty_and_fills_within_one_period() {
        let mut guard = Guard::new(T, at(0), Duration::ZERO);
        assert_eq!(guard.take(at(79)), Err(Duration::from_secs(1)));
        assert_eq!(guard.take(at(80)), Ok(()));
        assert!(guard.take(at(80)).is_err());
        let mut rested = Guard::new(T, at(0), Duration::ZERO);
        assert_eq!([rested.take(at(160)), rested.take(at(160))], [Ok(()), Ok(())]);
        assert!(rested.take(at(160)).is_err());
    }

    #[test]
    fn silence_that_is_remembered_counts_as_waiting() {
        let mut guard = Guard::new(T, at(5), T);
        assert_eq!([guard.take(at(5)), guard.take(at(5))], [Ok(()), Ok(())]);
        assert!(Guard::new(T, at(5), Duration::from_secs(79)).take(at(5)).is_err());
    }

    #[test]
    fn a_change_of_the_period_does_not_fill_it() {
        let mut guard = Guard::new(T, at(0), T);
        assert_eq!([guard.take(at(0)), guard.take(at(0))], [Ok(()), Ok(())]);
        guard.retune(T * 2);
        guard.retune(T);
        assert!(guard.take(at(79)).is_err());
        guard.retune(SHORTEST_PERIOD);
        assert_eq!(guard.take(at(79)), Ok(()));
    }

    proptest! {
        #[test]
        fn turns_a_period_apart_are_never_held_up(
            gaps in prop::collection::vec((0_u64..100_000, 0_u64..5_000, 0_u32..8), 1..60),
        ) {
            let (mut now, mut period) = (Mono::new(Duration::from_secs(10)), SHORTEST_PERIOD);
            let mut guard = Guard::new(period, now, PAST);
            for (gap, second, doublings) in gaps {
                prop_assert_eq!(guard.take(now), Ok(()));
                prop_assert_eq!(guard.take(now.plus(Duration::from_millis(second))), Ok(()));
                period = SHORTEST_PERIOD * 2_u32.pow(doublings);
                guard.retune(period);
                now = now.plus(period + Duration::from_millis(gap));
            }
        }

        #[test]
        fn no_stretch_of_time_holds_more_than_its_rate_and_one_turn(
            steps in prop::collection::vec(0_u64..200_000, 1..300),
        ) {
            let mut guard = Guard::new(T, at(0), Duration::ZERO);
            let (mut now, mut taken) = (0, vec![]);
            for step in steps {
                now += step;
                if guard.take(Mono::new(Duration::from_millis(now))).is_ok() {
                    taken.push(now);
                }
            }
            for (first, start) in taken.iter().enumerate() {
                for (last, end) in taken.iter().enumerate().skip(first) {
                    let allowed = 2 + (end - start) / 80_000;
                    prop_assert!((last - first + 1) as u64 <= allowed);
                }
            }
            prop_assert!(taken.len() as u64 <= now / 80_000);
        }
    }
}

//! How an agent steps back when the API server is in trouble: its period doubles with each sign of trouble and shrinks by
//! one step with each success.
//!
//! A refused connection costs the server nothing and stretches nothing: after an outage everybody is back within T. A
//! state is data; the caller turns a change into a log line and a gauge.

use std::time::Duration;

use crate::clock::{Mono, Now, Wall};
use crate::counts::{Status, closed};

/// The period is stretched up to this, or to T where that is longer.
pub const LONGEST_STRETCH: Duration = Duration::from_mins(30);
/// A request that took longer than this was slow.
pub const SLOW: Duration = Duration::from_secs(1);
/// A `Retry-After` beyond this is a slip or an attack, and is cut.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

closed! {
    /// The budget's state.
    State {
        /// All is well.
        Ok = "ok",
        /// The period is stretched.
        Conserving = "conserving",
        /// The period is stretched as far as it goes.
        Exhausted = "exhausted",
        /// A person said stop.
        Paused = "paused",
        /// Switched off in the configuration.
        Off = "off",
    }
}

/// A server's wish to be left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// A number of seconds.
    Delay(Duration),
    /// A date.
    Date(Wall),
}

/// What a request came to, as far as the server's health is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Answered in time.
    Success,
    /// 429, 5xx, or an authorization error that would only be repeated, perhaps with a wish.
    Trouble(Option<RetryAfter>),
    /// No answer in time, a connection that broke, or an answer that took longer than [`SLOW`].
    Slow,
    /// Two bookmarks in a row did not come.
    MissedBookmarks,
    /// Nobody listens.
    Refused,
}

impl Signal {
    /// The signal of an answer. A 410 is a healthy server's; 401, 403 and 404 will not get better by asking soon.
    pub fn of(status: Status, took: Duration, retry_after: Option<RetryAfter>) -> Self {
        match status {
            Status::Ok | Status::Created | Status::Gone if took <= SLOW => Self::Success,
            Status::None | Status::Ok | Status::Created | Status::Gone => Self::Slow,
            _ => Self::Trouble(retry_after),
        }
    }
}

/// A change of state, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Before.
    pub from: State,
    /// Now.
    pub to: State,
}

/// The state of one agent.
#[derive(Debug, Clone)]
pub struct Distress {
    off: bool,
    paused: bool,
    /// How many signs of trouble have not been made up for; bounded by the longest stretch.
    level: u32,
    period: Duration,
    retry: Option<Mono>,
}

impl Distress {
    /// A healthy start with the derived turn period.
    pub const fn new(period: Duration, off: bool) -> Self {
        Self { off, paused: false, level: 0, period, retry: None }
    }

    /// The state.
    pub fn state(&self) -> State {
        if self.off {
            State::Off
        } else if self.paused {
            State::Paused
        } else if self.level == 0 {
            State::Ok
        } else if self.level < self.most() {
            State::Conserving
        } else {
            State::Exhausted
        }
    }

    /// Takes a signal into account; the change, if the state is another one now.
    pub fn on(&mut self, now: Now, signal: Signal) -> Option<Change> {
        let from = self.state();
        match signal {
            Signal::Success => self.level = self.level.saturating_sub(1),
            Signal::Refused => {}
            Signal::Slow | Signal::MissedBookmarks | Signal::Trouble(None) => self.deteriorate(),
            Signal::Trouble(Some(wish)) => {
                self.deteriorate();
                let delay = match wish {
                    RetryAfter::Delay(delay) => delay,
                    RetryAfter::Date(date) => date.since(now.wall),
                };
                let until = now.mono.plus(delay.min(LONGEST_RETRY_AFTER));
                self.retry = Some(self.retry.map_or(until, |before| before.max(until)));
            }
        }
        self.change(from)
    }

    /// A person stops or resumes the agent. The level is kept: trouble is not over because somebody pressed a button.
    pub fn pause(&mut self, paused: bool) -> Option<Change> {
        let from = self.state();
        self.paused = paused;
        self.change(from)
    }

    /// Follows a change of the derived period.
    pub fn retune(&mut self, period: Duration) -> Option<Change> {
        let from = self.state();
        self.period = period;
        self.level = self.level.min(self.most());
        self.change(from)
    }

    /// The period in force: T x 2^level, up to max(T, 30 min).
    pub fn period(&self) -> Duration {
        self.period.saturating_mul(1 << self.level.min(self.doublings()))
    }

    /// Whether a turn may be used at all: neither off nor paused, and no wish of the server's runs.
    pub fn may_ask(&self, now: Mono) -> bool {
        !self.off && !self.paused && self.retry.is_none_or(|until| now >= until)
    }

    /// Doublings that stay within the longest stretch.
    fn doublings(&self) -> u32 {
        (0..16)
            .take_while(|n| self.period.saturating_mul(2 << n) <= LONGEST_STRETCH)
            .count()
            .try_into()
            .unwrap_or(16)
    }

    /// The highest level: one, even where nothing can be stretched any more.
    fn most(&self) -> u32 {
        self.doublings().max(1)
    }

    fn deteriorate(&mut self) {
        self.level = (self.level + 1).min(self.most());
    }

    fn change(&self, from: State) -> Option<Change> {
        let to = self.state();
        (from != to).then_some(Change { from, to })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const T: Duration = Duration::from_secs(160);

    fn at(seconds: u64) -> Now {
        let since = Duration::from_secs(seconds);
        Now { wall: Wall::new(since + Duration::from_secs(1_700_000_000)), mono: Mono::new(since) }
    }

    #[test]
    fn trouble_doubles_up_to_half_an_hour_and_success_goes_back_one_step() {
        let mut distress = Distress::new(T, false);
        let mut seen = vec![];
        for _ in 0..5 {
            distress.on(at(0), Signal::Slow);
            seen.push((distress.period().as_secs(), distress.state()));
        }
        let exhausted = (1_280, State::Exhausted);
        assert_eq!(
            seen,
            [(320, State::Conserving), (640, State::Conserving), exhausted, exhausted, exhausted]
        );
        for (period, state) in
            [(640, State::Conserving), (320, State::Conserving), (160, State::Ok), (160, State::Ok)]
        {
            distress.on(at(0), Signal::Success);
            assert_eq!((distress.period().as_secs(), distress.state()), (period, state));
        }
    }

    #[test]
    fn a_period_that_cannot_be_stretched_still_shows_its_trouble() {
        let mut distress = Distress::new(Duration::from_secs(20_480), false);
        let change = distress.on(at(0), Signal::MissedBookmarks);
        assert_eq!(change, Some(Change { from: State::Ok, to: State::Exhausted }));
        assert_eq!(distress.period(), Duration::from_secs(20_480));
        assert_eq!(
            distress.on(at(0), Signal::Success),
            Some(Change { from: State::Exhausted, to: State::Ok })
        );
    }

    #[test]
    fn a_refused_connection_changes_nothing() {
        let mut distress = Distress::new(T, false);
        assert_eq!(distress.on(at(0), Signal::Refused), None);
        assert_eq!(distress.period(), T);
    }

    #[test]
    fn a_retry_after_is_honoured_as_seconds_and_as_a_date_and_the_longer_wish_wins() {
        let mut distress = Distress::new(T, false);
        distress.on(at(0), Signal::Trouble(Some(RetryAfter::Date(at(500).wall))));
        distress.on(at(10), Signal::Trouble(Some(RetryAfter::Delay(Duration::from_secs(30)))));
        assert!(!distress.may_ask(at(499).mono));
        assert!(distress.may_ask(at(500).mono));
        distress.on(at(500), Signal::Trouble(Some(RetryAfter::Date(at(100).wall))));
        assert!(distress.may_ask(at(500).mono), "a date in the past is no wish");
        distress.on(at(500), Signal::Trouble(Some(RetryAfter::Delay(Duration::MAX))));
        assert!(distress.may_ask(at(500 + 86_400).mono), "no wish lasts for ever");
    }

    #[test]
    fn pause_and_off_come_before_everything_and_keep_the_level() {
        let mut distress = Distress::new(T, false);
        distress.on(at(0), Signal::Slow);
        assert_eq!(distress.pause(true), Some(Change { from: State::Conserving, to: State::Paused }));
        assert!(!distress.may_ask(at(0).mono));
        assert_eq!(distress.pause(false), Some(Change { from: State::Paused, to: State::Conserving }));
        assert!(!Distress::new(T, true).may_ask(at(0).mono));
        assert_eq!(Distress::new(T, true).state(), State::Off);
    }

    #[test]
    fn answers_are_told_apart() {
        let quick = Duration::from_millis(10);
        assert_eq!(Signal::of(Status::Ok, quick, None), Signal::Success);
        assert_eq!(Signal::of(Status::Gone, quick, None), Signal::Success);
        assert_eq!(Signal::of(Status::Ok, Duration::from_millis(1_001), None), Signal::Slow);
        assert_eq!(Signal::of(Status::None, quick, None), Signal::Slow);
        for status in [Status::TooManyRequests, Status::Unavailable, Status::Forbidden, Status::Other] {
            assert_eq!(Signal::of(status, quick, None), Signal::Trouble(None));
        }
    }

    proptest! {
        #[test]
        fn the_period_is_a_doubling_of_t_within_bounds_and_recovers(
            doublings in 0_u32..14, troubles in prop::collection::vec(any::<bool>(), 0..60),
        ) {
            let period = Duration::from_secs(10) * 2_u32.pow(doublings);
            let mut distress = Distress::new(period, false);
            for trouble in troubles {
                distress.on(at(0), if trouble { Signal::Slow } else { Signal::Success });
                prop_assert!(distress.period() <= LONGEST_STRETCH.max(period));
                let ratio = distress.period().as_secs() / period.as_secs();
                prop_assert!(ratio.is_power_of_two() && distress.period() == period * u32::try_from(ratio).unwrap());
            }
            for _ in 0..8 {
                distress.on(at(0), Signal::Success);
            }
            prop_assert_eq!((distress.state(), distress.period()), (State::Ok, period));
        }
    }
}

//! The freshness indicator: how often what tare knows of others was recent enough, out of how often it should have been.
//! A watcher that meets its budget by going blind shows here.
//!
//! Every [`TICK`] each kind of knowledge that is wanted is *due* once. It is *on time* if its last sign of life is then not
//! older than its limit:
//! - the watch: [`WATCH_LIMIT`], two bookmarks (one a minute) and ten seconds for one that is late. A sign of life is
//!   whatever says that the index is complete up to then: a bookmark, an event, an answered LIST;
//! - the kubelet: its period and a tick; a sign of life is a scrape that was answered with 200. Where the kubelet is not
//!   scraped, nothing of it is due.
//!
//! What is paused, switched off or a dry run is due and not on time, and so is what has never been in sync: the indicator is
//! about the data, and not about whose fault it is. The indicator of a period is the increase of `on_time` over that of `due`.
//!
//! Time is the monotonic clock: while a machine is suspended, nothing is due.

use std::time::Duration;

use crate::clock::Mono;
use crate::counts::closed;

/// How often knowledge is due.
pub const TICK: Duration = Duration::from_secs(10);
/// How old the watch's last sign of life may be.
pub const WATCH_LIMIT: Duration = Duration::from_secs(130);

closed! {
    /// A kind of knowledge: the attribute `source`.
    Source {
        /// What the shared watch brings.
        Watch = "watch",
        /// What only the kubelet knows.
        Kubelet = "kubelet",
    }
}

/// How one kind of knowledge stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody wants it.
    Unwanted,
    /// It is wanted, and nothing is asked: paused, off, dry run, or never in sync.
    Blind,
    /// The age of its last sign of life, and how old that may be.
    Seen {
        /// The age.
        age: Duration,
        /// The limit.
        limit: Duration,
    },
}

/// Two counts that only grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// How often it was due.
    pub due: u64,
    /// How often it was on time.
    pub on_time: u64,
}

/// The counts of one kind of knowledge.
#[derive(Debug, Clone, Default)]
struct Kind {
    count: Count,
    /// The last observation of a sign of life, and how old the sign was then. Ages are never turned into times: a
    /// monotonic clock may begin with the process, and a sign of an earlier life lies before that.
    last: Option<(Mono, Duration)>,
}

/// The counts of one agent.
#[derive(Debug, Clone)]
pub struct Freshness {
    next_tick: Mono,
    watch: Kind,
    kubelet: Kind,
}

impl Freshness {
    /// Counting begins at `now`; the first tick is one [`TICK`] later.
    pub fn new(now: Mono) -> Self {
        Self { next_tick: now.plus(TICK), watch: Kind::default(), kubelet: Kind::default() }
    }

    /// Counts the ticks that are over at `now`. To be called at least once a tick; where a call comes later, the ticks in
    /// between are judged by the sign of life that was known then.
    pub fn observe(&mut self, now: Mono, watch: Standing, kubelet: Standing) {
        while self.next_tick <= now {
            self.watch.tick(self.next_tick, now, watch);
            self.kubelet.tick(self.next_tick, now, kubelet);
            self.next_tick = self.next_tick.plus(TICK);
        }
        self.watch.remember(now, watch);
        self.kubelet.remember(now, kubelet);
    }

    /// The counts of one kind.
    pub const fn count(&self, source: Source) -> Count {
        match source {
            Source::Watch => self.watch.count,
            Source::Kubelet => self.kubelet.count,
        }
    }
}

impl Kind {
    /// Judges the tick at `at` by what is known at `now`, which is not before it.
    fn tick(&mut self, at: Mono, now: Mono, standing: Standing) {
        if standing == Standing::Unwanted {
            return;
        }
        self.count.due += 1;
        if let Standing::Seen { age, limit } = standing {
            let age = match age.checked_sub(now.since(at)) {
                Some(age) => Some(age),
                // The sign came after the tick: what was known before it counts.
                None => self.last.map(|(observed, age)| age.saturating_add(at.since(observed))),
            };
            self.count.on_time += u64::from(age.is_some_and(|age| age <= limit));
        }
    }

    fn remember(&mut self, now: Mono, standing: Standing) {
        self.last = match standing {
            Standing::Seen { age, .. } => Some((now, age)),
            Standing::Unwanted | Standing::Blind => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono::new(Duration::from_secs(seconds))
    }

    fn seen(age: u64) -> Standing {
        Standing::Seen { age: Duration::from_secs(age), limit: WATCH_LIMIT }
    }

    fn counts(due: u64, on_time: u64) -> Count {
        Count { due, on_time }
    }

    #[test]
    fn a_sign_of_life_is_recent_for_130_seconds_and_not_a_second_more() {
        let mut freshness = Freshness::new(at(0));
        freshness.observe(at(10), seen(130), Standing::Unwanted);
        assert_eq!(freshness.count(Source::Watch), counts(1, 1));
        freshness.observe(at(20), seen(131), Standing::Unwanted);
        assert_eq!(freshness.count(Source::Watch), counts(2, 1));
    }

    #[test]
    fn a_sign_from_before_the_clock_began_is_as_old_as_it_is() {
        let mut freshness = Freshness::new(at(0));
        freshness.observe(at(10), seen(3_600), Standing::Unwanted);
        assert_eq!(freshness.count(Source::Watch), counts(1, 0));
    }

    #[test]
    fn what_is_blind_is_due_and_not_on_time_and_what_nobody_wants_is_not_due() {
        let mut freshness = Freshness::new(at(0));
        for tick in 1..=6 {
            freshness.observe(at(tick * 10), Standing::Blind, Standing::Unwanted);
        }
        assert_eq!(freshness.count(Source::Watch), counts(6, 0));
        assert_eq!(freshness.count(Source::Kubelet), counts(0, 0));
    }

    #[test]
    fn a_tick_is_counted_once_however_often_and_however_late_one_looks() {
        let mut freshness = Freshness::new(at(0));
        for second in 0..=25 {
            freshness.observe(at(second), seen(0), seen(0));
        }
        assert_eq!(freshness.count(Source::Kubelet), counts(2, 2));
        freshness.observe(at(100), seen(0), seen(0));
        assert_eq!(freshness.count(Source::Watch), counts(10, 10), "the last sign before was recent enough");
    }

    #[test]
    fn a_sign_of_life_does_not_excuse_the_silence_before_it() {
        let mut freshness = Freshness::new(at(0));
        freshness.observe(at(0), seen(0), Standing::Unwanted);
        // Nobody looked for 300 s. The sign of 0 s was good up to 130 s; the next one came at 290 s.
        freshness.observe(at(300), seen(10), Standing::Unwanted);
        assert_eq!(freshness.count(Source::Watch), counts(30, 13 + 2));
    }

    proptest! {
        #[test]
        fn looking_every_second_agrees_with_a_naive_count(
            signs in prop::collection::vec(1_u64..200, 1..20), every in 1_u64..10,
        ) {
            let signs: Vec<_> = signs.iter().scan(0, |sum, gap| { *sum += gap; Some(*sum) }).collect();
            let end = signs.last().unwrap() + 200;
            let last = |now: u64| signs.iter().rev().find(|sign| **sign <= now);
            let standing = |now| last(now).map_or(Standing::Blind, |sign| seen(now - sign));
            let mut freshness = Freshness::new(at(0));
            for now in (0..=end).filter(|now| now % every == 0 || signs.contains(now)) {
                freshness.observe(at(now), standing(now), Standing::Unwanted);
            }
            let done = (0..=end).rev().find(|now| now % every == 0).unwrap().max(*signs.last().unwrap());
            let ticks: Vec<_> = (1..=done / 10).map(|tick| tick * 10).collect();
            let fresh = ticks.iter().filter(|tick| last(**tick).is_some_and(|sign| **tick - sign <= 130)).count();
            prop_assert_eq!(freshness.count(Source::Watch), counts(ticks.len() as u64, fresh as u64));
        }
    }
}

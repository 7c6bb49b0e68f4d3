//! How many requests one agent has sent some time after its start: what a run of the real program is compared with. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{ACCESS_REMEMBERED, Model, Scrape, TOKEN_REMEMBERED};

impl Scrape {
    /// Seconds between two scrapes that find what the kubelet remembered for `seconds` gone. What was remembered just
    /// after a scrape began is still there when another begins exactly so much later.
    pub(super) fn between(self, seconds: u32) -> f64 {
        f64::from((seconds / self.every + 1) * self.every)
    }
}

impl Model {
    /// The mean number of requests of one agent, by verb and resource, in this time from its start.
    pub fn over(&self, time: Duration) -> BTreeMap<(&'static str, &'static str), f64> {
        let mut requests: BTreeMap<_, f64> =
            self.start().into_iter().map(|(kind, count)| (kind, f64::from(count))).collect();
        let mut add = |verb, what, count: f64| *requests.entry((verb, what)).or_default() += count;
        for stream in self.streams {
            let renewals = renewals(stream.lifetime, time);
            add("watch", stream.what.resource(), f64::from(stream.copies) * renewals);
        }
        let times = |every: f64| (time.as_secs_f64() / every).floor();
        if let Some(poll) = self.poll {
            add("list", poll.what.resource(), times(f64::from(poll.every)));
        }
        if let Some(scrape) = self.scrape {
            add("create", "tokenreviews", times(scrape.between(TOKEN_REMEMBERED)));
            add("create", "subjectaccessreviews", times(scrape.between(ACCESS_REMEMBERED)));
        }
        requests
    }
}

/// The mean number of renewals in `time` of a watch whose every life is drawn from whole seconds, from the first of
/// `lifetime` to before the second: the renewal equation, second by second.
fn renewals((least, most): (u32, u32), time: Duration) -> f64 {
    let (least, most) = (least as usize, most.max(least + 1) as usize);
    let seconds = usize::try_from(time.as_secs()).unwrap_or(usize::MAX);
    let each = 1.0 / f64::from(u32::try_from(most - least).unwrap_or(u32::MAX));
    let mut renewed = Vec::with_capacity(seconds + 1);
    for second in 0..=seconds {
        let lives = (least..most).take_while(|life| *life <= second);
        let mean: f64 =
            lives.map(|life| each * (1.0 + renewed.get(second - life).copied().unwrap_or(0.0))).sum();
        renewed.push(mean);
    }
    renewed.last().copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_of_fixed_length_is_renewed_at_its_end_and_one_of_random_length_at_its_mean_rate() {
        let fixed = |seconds| renewals((290, 290), Duration::from_secs(seconds));
        assert!(
            fixed(289).abs() < 1e-9 && (fixed(290) - 1.0).abs() < 1e-9 && (fixed(580) - 2.0).abs() < 1e-9
        );
        let random = |seconds| renewals((300, 600), Duration::from_secs(seconds));
        assert!(random(299).abs() < 1e-9 && (random(599) - 1.0).abs() < 0.01);
        let rate = (random(9_000) - random(4_500)) / 4_500.0;
        assert!((rate * 450.0 - 1.0).abs() < 0.01, "{rate}");
    }

    #[test]
    fn what_is_remembered_as_long_as_six_scrapes_take_is_asked_for_at_the_seventh() {
        assert!((Scrape { every: 20 }.between(120) - 140.0).abs() < 1e-9);
        assert!((Scrape { every: 50 }.between(120) - 150.0).abs() < 1e-9);
        assert!((Scrape { every: 290 }.between(120) - 290.0).abs() < 1e-9);
    }
}

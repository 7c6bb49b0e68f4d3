//! The shipped freshness indicator beside the integral of [`crate::fleet::fresh`]: a run in which every agent is observed.

use shared_informer::freshness::{Freshness, Source, Standing, WATCH_LIMIT};

use super::{Engine, Millis};

impl Engine {
    /// Runs the scenario to its end: the share of ticks at which an index was on time, as the shipped indicator counts it.
    pub(in crate::fleet) fn run_observed(&mut self) -> f64 {
        let mut indicators: Vec<_> =
            (0..self.nodes_at_start()).map(|index| Freshness::new(self.now(index, 0).mono)).collect();
        self.set_up();
        while let Some((at, (host, life, what))) = self.queue.pop() {
            self.happens(at, host, life, what);
            self.observe(at, host, &mut indicators);
        }
        let ends = self.scenario.ends;
        self.end();
        for index in 0..self.nodes {
            self.observe(ends, index, &mut indicators);
        }
        let counts = indicators.iter().map(|indicator| indicator.count(Source::Watch));
        let (due, on_time) = counts.fold((0, 0), |sum, count| (sum.0 + count.due, sum.1 + count.on_time));
        let small = |number: u64| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        small(on_time) / small(due)
    }

    const fn nodes_at_start(&self) -> u32 {
        self.scenario.nodes
    }

    fn observe(&self, at: Millis, index: u32, indicators: &mut [Freshness]) {
        let now = self.now(index, at);
        let report = self.hosts[index as usize].informer.as_ref().map(|informer| informer.report(now));
        let standing = match report.and_then(|report| report.staleness) {
            Some(age) => Standing::Seen { age, limit: WATCH_LIMIT },
            None => Standing::Blind,
        };
        indicators[index as usize].observe(now.mono, standing, Standing::Unwanted);
    }
}

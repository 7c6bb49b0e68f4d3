//! From due collectors to encoded requests: one round of the agent's main job, without threads or sockets.
//!
//! The same rounds run on the collector thread of `tare run` and in `tare collect`. Within a round the quick
//! collectors come first. Where the wide ones (which walk every process) were slow the last time, the requests of
//! the quick ones go out before the wide ones begin, so that a node with many processes delays nothing but its
//! own process metrics; elsewhere one request holds the whole round.

use std::sync::Arc;
use std::time::Duration;

use exporter::request::{DEFAULT_MAX_BYTES, Request, RequestBuilder};

use crate::clock::Clock;
use crate::collectors::{Collector, Failures, Scrape};
use crate::logging::limit::Limiter;
use crate::schedule::{Due, Now, Schedule};
use crate::stats::{CollectorStats, Registry, Scraped};

#[cfg(test)]
mod tests;

/// A collector with its cadence.
#[derive(Debug)]
pub struct Planned {
    /// What is run.
    pub collector: Box<dyn Collector>,
    /// How often.
    pub interval: Duration,
    /// Whether its cost grows with the number of processes.
    pub wide: bool,
}

/// From here on the wide collectors are slow: 20 ms, that is about 2,000 processes.
const SLOW_NS: u64 = 20_000_000;

/// Told how long each scrape took: the name of the collector and seconds.
pub type OnDuration = Arc<dyn Fn(&'static str, f64) + Send + Sync>;

/// The collectors with what they share.
pub struct Pipeline {
    planned: Vec<Planned>,
    stats: Vec<Arc<CollectorStats>>,
    schedule: Schedule,
    clock: Clock,
    builder: RequestBuilder,
    buffer: Vec<u8>,
    /// What the wide collectors took in the last round in which any ran, in nanoseconds.
    wide_ns: u64,
    failures: Failures,
    limiter: Limiter,
    on_duration: Option<OnDuration>,
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pipeline").field("planned", &self.planned).finish_non_exhaustive()
    }
}

impl Pipeline {
    /// Every collector of `planned`, due at once; `phase` is the node's place in every interval (a share of 2^64).
    pub fn new(mut planned: Vec<Planned>, phase: u64, clock: Clock, registry: &Registry) -> Self {
        planned.sort_by_key(|planned| planned.wide);
        let intervals: Vec<_> = planned.iter().map(|planned| planned.interval).collect();
        Self {
            stats: planned.iter().map(|planned| registry.collector(planned.collector.name())).collect(),
            schedule: Schedule::new(clock.now(), phase, &intervals),
            planned,
            clock,
            builder: RequestBuilder::new(DEFAULT_MAX_BYTES),
            buffer: Vec::new(),
            // Not known yet: the first round does not bet on it.
            wide_ns: u64::MAX,
            failures: Failures::default(),
            limiter: Limiter::default(),
            on_duration: None,
        }
    }

    /// Tells `observer` the duration of every scrape.
    pub fn observe_durations(&mut self, observer: OnDuration) {
        self.on_duration = Some(observer);
    }

    /// How long until a collector is due; `None` without collectors.
    pub fn wait(&self) -> Option<Duration> {
        let next = self.schedule.next_ns()?;
        Some(Duration::from_nanos(next.saturating_sub(self.clock.monotonic_ns())))
    }

    /// Runs what is due and hands every complete request to `emit`.
    pub fn run_due(&mut self, mut emit: impl FnMut(Request)) {
        let now_ns = self.clock.monotonic_ns();
        let mut wide_began = None;
        while let Some(due) = self.schedule.take_due(now_ns) {
            if self.planned[due.index].wide && wide_began.is_none() {
                wide_began = Some(self.clock.monotonic_ns());
                if self.wide_ns > SLOW_NS {
                    self.builder.drain().for_each(&mut emit);
                }
            }
            self.scrape(due);
        }
        if let Some(began) = wide_began {
            self.wide_ns = self.clock.monotonic_ns() - began;
        }
        self.builder.drain().for_each(&mut emit);
        // The end of a burst of failures is told too.
        for (collector, suppressed) in self.limiter.overdue(now_ns) {
            tracing::warn!(collector, suppressed, "more reads failed since the last line");
        }
    }

    /// Runs every collector once, whatever the schedule says.
    pub fn run_all(&mut self, mut emit: impl FnMut(Request)) {
        for index in 0..self.planned.len() {
            self.scrape(Due { index, lag_ns: 0, missed: 0 });
        }
        self.builder.drain().for_each(&mut emit);
    }

    fn scrape(&mut self, due: Due) {
        let collector = &mut self.planned[due.index].collector;
        let Now { monotonic_ns: began, wall_ns } = self.clock.now();
        let time = exporter::model::Timestamp(wall_ns);
        collector.collect(&mut Scrape::new(time, began, &mut self.buffer, &mut self.failures));
        let (mut samples, mut refused) = (0, 0);
        collector.segments(&mut |segment| {
            samples += segment.points() as u64;
            refused += segment.refused();
            self.builder.push(segment);
        });
        refused += self.builder.take_too_large();
        let busy_ns = self.clock.monotonic_ns() - began;
        self.stats[due.index].add(&Scraped {
            samples,
            lag_ns: due.lag_ns,
            missed: due.missed,
            busy_ns,
            refused,
            failures: &self.failures,
        });
        if let Some(observer) = &self.on_duration {
            #[expect(clippy::cast_precision_loss, reason = "a scrape takes less than 2^53 ns")]
            observer(collector.name(), busy_ns as f64 / 1e9);
        }
        if self.failures.total() > 0 {
            self.stats[due.index].keep_error(wall_ns, self.failures.first().unwrap_or_default());
            log_failures(collector.name(), &self.failures, &mut self.limiter, began);
            self.failures.clear();
        }
    }
}

fn log_failures(collector: &'static str, failures: &Failures, limiter: &mut Limiter, now_ns: u64) {
    if let Some(suppressed) = limiter.allow(collector, now_ns) {
        tracing::warn!(
            collector,
            failed = failures.total(),
            suppressed,
            first = failures.first().unwrap_or_default(),
            "reads failed; their series are missing from this scrape"
        );
    }
}

//! What the agent counts about itself, as plain atomics: written where things happen, read by self-telemetry.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use crate::collectors::Failures;
use crate::error::ErrorClass;

/// The counts of one collector.
#[derive(Debug)]
pub struct CollectorStats {
    /// The scraper's name.
    pub name: &'static str,
    scrapes: AtomicU64,
    failed: AtomicU64,
    samples: AtomicU64,
    missed: AtomicU64,
    lag_ns: AtomicU64,
    busy_ns: AtomicU64,
    errors: [AtomicU64; ErrorClass::ALL.len()],
    last_error: Mutex<Option<LastError>>,
}

/// The first failed read of the last scrape that had any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastError {
    /// The wall clock when that scrape began, in nanoseconds since the Unix epoch.
    pub wall_ns: u64,
    /// What happened, in plain words.
    pub text: String,
}

/// A reading of [`CollectorStats`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CollectorReading {
    /// Finished scrapes.
    pub scrapes: u64,
    /// Scrapes in which reads failed and nothing at all was recorded.
    pub failed: u64,
    /// Data points recorded.
    pub samples: u64,
    /// Ticks that were skipped because the collector thread was late by an interval or more.
    pub missed: u64,
    /// How late the last scrape began, in nanoseconds.
    pub lag_ns: u64,
    /// Time spent in all scrapes, in nanoseconds.
    pub busy_ns: u64,
    /// Failed reads, in the order of [`ErrorClass::ALL`].
    pub errors: [u64; ErrorClass::ALL.len()],
}

/// What one scrape came to.
#[derive(Debug)]
pub struct Scraped<'a> {
    /// Data points recorded.
    pub samples: u64,
    /// How late it began, in nanoseconds.
    pub lag_ns: u64,
    /// Ticks skipped before it.
    pub missed: u64,
    /// How long it took, in nanoseconds.
    pub busy_ns: u64,
    /// Data points that the encoder refused: no number, or too large for any request.
    pub refused: u64,
    /// Its failed reads.
    pub failures: &'a Failures,
}

impl CollectorStats {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            scrapes: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            samples: AtomicU64::new(0),
            missed: AtomicU64::new(0),
            lag_ns: AtomicU64::new(0),
            busy_ns: AtomicU64::new(0),
            errors: Default::default(),
            last_error: Mutex::default(),
        }
    }

    /// Keeps what a failed scrape said, for `tare status`.
    pub fn keep_error(&self, wall_ns: u64, text: &str) {
        let error = LastError { wall_ns, text: text.to_owned() };
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    /// What the last scrape with failed reads said.
    pub fn last_error(&self) -> Option<LastError> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds one scrape.
    pub fn add(&self, scraped: &Scraped<'_>) {
        self.scrapes.fetch_add(1, Relaxed);
        self.samples.fetch_add(scraped.samples, Relaxed);
        self.missed.fetch_add(scraped.missed, Relaxed);
        self.busy_ns.fetch_add(scraped.busy_ns, Relaxed);
        self.lag_ns.store(scraped.lag_ns, Relaxed);
        if scraped.samples == 0 && scraped.failures.total() > 0 {
            self.failed.fetch_add(1, Relaxed);
        }
        for (count, class) in self.errors.iter().zip(ErrorClass::ALL) {
            count.fetch_add(scraped.failures.count(class), Relaxed);
        }
        self.errors[ErrorClass::Refused as usize].fetch_add(scraped.refused, Relaxed);
    }

    /// The present counts.
    pub fn read(&self) -> CollectorReading {
        let mut errors = [0; ErrorClass::ALL.len()];
        for (copy, count) in errors.iter_mut().zip(&self.errors) {
            *copy = count.load(Relaxed);
        }
        CollectorReading {
            scrapes: self.scrapes.load(Relaxed),
            failed: self.failed.load(Relaxed),
            samples: self.samples.load(Relaxed),
            missed: self.missed.load(Relaxed),
            lag_ns: self.lag_ns.load(Relaxed),
            busy_ns: self.busy_ns.load(Relaxed),
            errors,
        }
    }
}

/// The counts of every collector that has run in this process, kept across a change of configuration.
#[derive(Debug, Default)]
pub struct Registry(Mutex<Vec<Arc<CollectorStats>>>);

impl Registry {
    /// The counts of the collector `name`, made at its first use.
    pub fn collector(&self, name: &'static str) -> Arc<CollectorStats> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = all.iter().find(|stats| stats.name == name) {
            return Arc::clone(found);
        }
        let stats = Arc::new(CollectorStats::new(name));
        all.push(Arc::clone(&stats));
        stats
    }

    /// Calls `visit` with every collector's counts.
    pub fn each(&self, mut visit: impl FnMut(&CollectorStats)) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().for_each(|stats| visit(stats));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::SourceError;

    #[test]
    fn a_scrape_that_recorded_nothing_because_reads_failed_counts_as_failed() {
        let registry = Registry::default();
        let stats = registry.collector("cpu");
        let mut failures = Failures::default();
        failures.record(&SourceError::Timeout { path: "/x".into() });
        for samples in [0, 3] {
            stats.add(&Scraped {
                samples,
                lag_ns: 5,
                missed: 1,
                busy_ns: 2,
                refused: 4,
                failures: &failures,
            });
        }
        let reading = registry.collector("cpu").read();
        assert_eq!((reading.scrapes, reading.failed, reading.samples), (2, 1, 3));
        assert_eq!(reading.errors[ErrorClass::Timeout as usize], 2);
        assert_eq!(reading.errors[ErrorClass::Refused as usize], 8);
        assert_eq!((reading.missed, reading.lag_ns, reading.busy_ns), (2, 5, 4));
    }
}

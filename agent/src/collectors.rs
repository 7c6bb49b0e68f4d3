//! What reads the node's files, and what every collector has in common.
//!
//! A collector owns its kept files and its segments. It is called on the one collector thread, never
//! allocates in a steady scrape of a hot source, and reports a failed read through [`Scrape::fail`]: the
//! series of that source are then missing from the scrape, never zero. The runner times, counts and judges;
//! collectors only read and record.

use exporter::model::{Attribute, Scope, Timestamp};
use exporter::segment::Segment;

use crate::catalog::Enabled;
use crate::error::{ErrorClass, SourceError};
use crate::paths::HostPaths;

pub mod cpu;
pub mod disk;
mod faults;
pub mod filesystem;
pub mod load;
pub mod memory;
pub mod network;
pub mod nfs;
mod objects;
pub mod paging;
pub mod pods;
pub(crate) mod points;
pub mod process;
pub mod processes;
pub mod system;
mod table;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

/// What a collector needs to build itself.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where the host's files are.
    pub paths: HostPaths,
    /// Which metrics are reported.
    pub enabled: Enabled,
    /// The resource of the node, as encoded attributes' plain form.
    pub resource: Vec<(String, String)>,
    /// When the host booted: the start of its counters.
    pub boot_time: Timestamp,
}

impl Setup {
    /// A segment for the node's resource under the scope `tare.host.<scraper>`.
    pub fn node_segment(&self, scope: &'static str) -> Segment {
        let attributes: Vec<_> =
            self.resource.iter().map(|(key, value)| Attribute::str(key, value)).collect();
        Segment::new(&attributes, scope_of(scope), self.boot_time)
    }
}

/// The scope of a collector.
pub const fn scope_of(name: &'static str) -> Scope {
    Scope { name, version: env!("CARGO_PKG_VERSION") }
}

/// One scrape of one collector.
#[derive(Debug)]
pub struct Scrape<'a> {
    /// The wall clock when the scrape began: the time of its samples.
    pub time: Timestamp,
    /// The monotonic clock in nanoseconds, for rates and utilization; its origin is arbitrary.
    pub monotonic_ns: u64,
    /// The thread's shared read buffer. Take it with `std::mem::take` where two files are needed at once.
    pub buffer: &'a mut Vec<u8>,
    failures: &'a mut Failures,
}

impl<'a> Scrape<'a> {
    /// A scrape at `time` that counts its failures in `failures`.
    pub fn new(
        time: Timestamp,
        monotonic_ns: u64,
        buffer: &'a mut Vec<u8>,
        failures: &'a mut Failures,
    ) -> Self {
        Self { time, monotonic_ns, buffer, failures }
    }

    /// Counts a failed read. What the source would have given is missing from this scrape.
    pub fn fail(&mut self, error: &SourceError) {
        self.fail_times(error, 1);
    }

    /// Counts `times` failures of the same kind, of which `error` is the first.
    pub fn fail_times(&mut self, error: &SourceError, times: u64) {
        self.failures.record_times(error, times);
    }
}

/// How many reads failed in one scrape, by class, and the first message for the log.
#[derive(Debug, Default)]
pub struct Failures {
    counts: [u64; ErrorClass::ALL.len()],
    first: Option<String>,
}

impl Failures {
    /// Counts one failure; keeps its message if it is the first.
    pub fn record(&mut self, error: &SourceError) {
        self.record_times(error, 1);
    }

    /// Counts `times` failures of the same kind, of which `error` is the first.
    pub fn record_times(&mut self, error: &SourceError, times: u64) {
        let count = &mut self.counts[error.class() as usize];
        *count = count.saturating_add(times);
        if times > 0 && self.first.is_none() {
            self.first = Some(error.to_string());
        }
    }

    /// The number of failures of `class`.
    pub fn count(&self, class: ErrorClass) -> u64 {
        self.counts[class as usize]
    }

    /// The number of failures of any class.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The first failure's message.
    pub fn first(&self) -> Option<&str> {
        self.first.as_deref()
    }

    /// Forgets everything, for the next scrape.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// A source of samples with a cadence of its own.
pub trait Collector: Send + std::fmt::Debug {
    /// The scraper's name in the configuration and in `tare.collector.*`.
    fn name(&self) -> &'static str;

    /// Reads the sources and records what they gave between `begin` and `finish` of the collector's segments.
    fn collect(&mut self, scrape: &mut Scrape<'_>);

    /// Hands out every segment of the finished scrape.
    fn segments(&self, visit: &mut dyn FnMut(&Segment));
}

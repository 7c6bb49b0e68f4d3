//! What the node has, without asking the API: the kubelet reports the same two figures as the node's capacity.
//!
//! The collector reads `status.capacity` of the Node object. The kubelet fills it with the number of logical CPUs and
//! with `MemTotal` (cAdvisor's machine information), so the two files give the same numbers.

use super::readings::Whole;
use crate::collectors::Scrape;
use crate::collectors::faults::{self, Malformed};
use crate::collectors::process::{logical_cpus, memory_total};
use crate::paths::HostPaths;
use crate::source::KeptFile;

/// Every so many scrapes the files are read again: CPUs and memory may be plugged in.
const REFRESH: u64 = 64;

/// The node's CPUs and memory.
#[derive(Debug)]
pub(super) struct Capacity {
    stat: KeptFile,
    meminfo: KeptFile,
    cpus: Option<f64>,
    memory: Option<u64>,
    scrapes: u64,
    up: bool,
}

impl Capacity {
    pub(super) fn new(paths: &HostPaths) -> Self {
        Self {
            stat: KeptFile::new(paths.proc("stat")),
            meminfo: KeptFile::new(paths.proc("meminfo")),
            cpus: None,
            memory: None,
            scrapes: 0,
            up: false,
        }
    }

    /// Reads the files where it is time; what could be read once stays known.
    pub(super) fn refresh(&mut self, scrape: &mut Scrape<'_>) {
        let due = self.scrapes.is_multiple_of(REFRESH);
        self.scrapes += 1;
        if due || self.cpus.is_none() {
            let cpus = faults::read(&mut self.stat, scrape, |text, faults| {
                faults.check(logical_cpus(text).ok_or(Malformed { what: "cpu lines", at: 0 }))
            });
            self.cpus = cpus.or(self.cpus);
        }
        if due || !self.up {
            let memory = faults::read(&mut self.meminfo, scrape, |text, faults| {
                faults.check(memory_total(text).ok_or(Malformed { what: "MemTotal", at: 0 }))
            });
            self.up = memory.is_some();
            self.memory = memory.or(self.memory);
        }
    }

    /// Whether the last reading succeeded.
    pub(super) const fn is_up(&self) -> bool {
        self.up
    }

    /// The node's memory in bytes.
    pub(super) const fn memory(&self) -> Option<u64> {
        self.memory
    }

    /// Logical CPUs, and bytes of memory.
    pub(super) fn wholes(&self) -> (Whole, Whole) {
        let memory = self.memory.map(crate::collectors::points::float);
        (Whole { node: self.cpus, ..Whole::default() }, Whole { node: memory, ..Whole::default() })
    }
}

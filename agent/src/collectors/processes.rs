//! `system.processes.*`: how many processes there are, by state, and how many were ever started.
//!
//! Reads `/proc/stat` and the first bytes of each `/proc/<pid>/stat`, through kept descriptors as far as they go
//! ([`KeptStats`]). One walk, one system call per process, no allocation in a steady scrape. Processes that end during the walk were not there.

use exporter::model::Attribute;
use exporter::segment::{Segment, SeriesId};

use crate::catalog::hostmetrics::processes as catalog;
use crate::collectors::process::dir::{ProcDir, is_gone};
use crate::collectors::process::kept::KeptStats;
use crate::collectors::process::parse;
use crate::collectors::{Collector, Scrape, Setup};
use crate::scan::{Words, lines};
use crate::source::KeptFile;

#[cfg(test)]
mod tests;

/// The values of the attribute `status`, in the contract's order.
const STATUSES: [&str; 13] = [
    "blocked", "daemon", "detached", "idle", "locked", "orphan", "paging", "running", "sleeping", "stopped",
    "system", "unknown", "zombies",
];
const BLOCKED: usize = 0;
const RUNNING: usize = 7;
const UNKNOWN: usize = 11;
/// The process id, the longest name that the kernel gives (64 bytes) and the state fit.
const STATE_WITHIN: usize = 128;

/// The collector of `system.processes.*`.
#[derive(Debug)]
pub struct Processes {
    dir: ProcDir,
    stat: KeptFile,
    segment: Segment,
    counts: Option<[SeriesId; STATUSES.len()]>,
    created: Option<SeriesId>,
    kept: KeptStats,
}

impl Processes {
    /// The collector for the host of `setup`.
    pub fn new(setup: &Setup) -> Self {
        let mut segment = setup.node_segment("tare.host.processes");
        let counts = setup.enabled.has(&catalog::COUNT).then(|| {
            STATUSES.map(|status| segment.series(&catalog::COUNT, &[Attribute::str("status", status)]))
        });
        let created = setup.enabled.has(&catalog::CREATED).then(|| segment.series(&catalog::CREATED, &[]));
        Self {
            dir: ProcDir::new(setup.paths.proc("")),
            stat: KeptFile::new(setup.paths.proc("stat")),
            segment,
            counts,
            created,
            kept: KeptStats::default(),
        }
    }

    fn count(&mut self, scrape: &mut Scrape<'_>, host: Host) {
        let (Some(ids), Some(running), Some(blocked)) = (self.counts, host.running, host.blocked) else {
            return;
        };
        let Self { dir, kept, .. } = self;
        let mut tally = Tally::default();
        let mut text = [0; STATE_WITHIN];
        kept.begin();
        let walked = dir.for_each_pid(|process| {
            match kept.read(process, &mut text).map(parse::state) {
                Ok(state) => tally.add(state),
                Err(errno) if is_gone(errno) => {}
                // Not readable but there: it has a state, which is not known.
                Err(_) => tally.add(None),
            }
        });
        kept.finish();
        if let Err(error) = walked {
            return scrape.fail(&error);
        }
        for (id, count) in ids.into_iter().zip(tally.finish(running, blocked)) {
            if let Some(count) = count {
                self.segment.set_u64(id, count);
            }
        }
    }
}

impl Collector for Processes {
    fn name(&self) -> &'static str {
        "processes"
    }

    fn collect(&mut self, scrape: &mut Scrape<'_>) {
        self.segment.begin(scrape.time);
        match self.stat.read(scrape.buffer).map(host) {
            Ok(host) => {
                if host.created.is_none() || host.running.is_none() || host.blocked.is_none() {
                    scrape.fail(&self.stat.malformed("processes, procs_running and procs_blocked", 0));
                }
                if let (Some(id), Some(created)) = (self.created, host.created) {
                    self.segment.set_u64(id, created);
                }
                self.count(scrape, host);
            }
            Err(error) => scrape.fail(&error),
        }
        self.segment.finish();
    }

    fn segments(&self, visit: &mut dyn FnMut(&Segment)) {
        visit(&self.segment);
    }
}

/// The figures of `/proc/stat` about processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Host {
    /// Processes and threads started since boot.
    created: Option<u64>,
    /// Threads that run or want to.
    running: Option<u64>,
    /// Threads in uninterruptible sleep.
    blocked: Option<u64>,
}

/// Parses `/proc/stat`.
fn host(text: &[u8]) -> Host {
    let mut found = Host::default();
    for line in lines(text) {
        let mut words = Words::new(line);
        match words.next() {
            Some(b"processes") => found.created = words.u64(),
            Some(b"procs_running") => found.running = words.u64(),
            Some(b"procs_blocked") => found.blocked = words.u64(),
            _ => {}
        }
    }
    found
}

/// The processes seen in one walk, by status.
#[derive(Debug, Default)]
struct Tally {
    by_status: [u64; STATUSES.len()],
    total: u64,
}

impl Tally {
    /// Counts a process by its state's letter.
    fn add(&mut self, state: Option<u8>) {
        self.by_status[status_of(state)] += 1;
        self.total += 1;
    }

    /// The counts to report, by the collector's rules: running and blocked are the kernel's own counts (of
    /// threads) and always there; what the states do not explain is unknown; a status without a process is absent.
    fn finish(mut self, running: u64, blocked: u64) -> [Option<u64>; STATUSES.len()] {
        self.by_status[RUNNING] = running;
        self.by_status[BLOCKED] = blocked;
        let explained = self.by_status.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
        if self.total > explained {
            self.by_status[UNKNOWN] = self.total - explained;
        }
        let mut index = 0;
        self.by_status.map(|count| {
            index += 1;
            (count > 0 || index - 1 == RUNNING || index - 1 == BLOCKED).then_some(count)
        })
    }
}

/// The collector's status for a state's letter. Linux uses R, S, D, Z, T, t, X, I and P; the others are those of
/// other systems or older kernels.
const fn status_of(state: Option<u8>) -> usize {
    match state {
        Some(b'D' | b'U') => BLOCKED,
        Some(b'A') => 1,
        Some(b'E') => 2,
        Some(b'I') => 3,
        Some(b'L') => 4,
        Some(b'O') => 5,
        Some(b'W') => 6,
        Some(b'R') => RUNNING,
        Some(b'S') => 8,
        Some(b'T' | b't') => 9,
        Some(b'Y') => 10,
        Some(b'Z') => 12,
        _ => UNKNOWN,
    }
}

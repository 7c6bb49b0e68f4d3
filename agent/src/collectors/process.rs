//! `process.*`: one resource per process of the host.
//!
//! Reads below the host's `/proc`, and `/etc/passwd` for owners. Per process and scrape: `stat`, and only those
//! other files that a switched-on metric needs. A process is known by its id and start time, so a reused id is a
//! new resource. A process that ends during the scrape is no error; a refused file leaves out its own rows only.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::time::Duration;

use exporter::model::{Attribute, Timestamp};
use exporter::segment::Segment;

use self::dir::{ProcDir, is_gone};
use self::identity::Reader;
use self::owner::Owners;
use self::parse::Stat;
use self::rows::{Filler, Moment, Rows, SMALL_LIMIT};
use self::tally::Tally;
use crate::catalog::hostmetrics::process as catalog;
use crate::clock::ticks_per_second;
use crate::collectors::faults::{self, Malformed};
use crate::collectors::{Collector, Scrape, Setup, scope_of};
use crate::error::{ErrorClass, SourceError};
use crate::filter::Filter;
use crate::scan::{Words, lines};
use crate::source::KeptFile;

pub(crate) mod dir;
mod identity;
pub(in crate::collectors) mod kept;
mod owner;
pub(crate) mod parse;
mod rows;
mod tally;
#[cfg(test)]
mod tests;

/// The most processes that are reported; further ones are counted as `refused`.
pub const MAX_PROCESSES: usize = 32_768;
/// Every so many scrapes a process's command line, path, owner and cgroup are read again unasked.
const REFRESH: u64 = 8;

/// What of a process may fail to be read, as far as the configuration tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// `stat`: without it nothing is reported of the process.
    Name,
    /// `exe`, which only the process's own user may follow.
    Executable,
    /// `cmdline`.
    Command,
    /// The user id in `status`.
    Owner,
    /// `cgroup`.
    Cgroup,
    /// `statm`.
    Memory,
    /// `io`, which only the process's own user may read.
    Io,
    /// `fd`, which only the process's own user may list.
    OpenFiles,
    /// `task/*/status`.
    Threads,
    /// The signals in `status`.
    Status,
}

impl Subject {
    const ALL: [Self; 10] = [
        Self::Name,
        Self::Executable,
        Self::Command,
        Self::Owner,
        Self::Cgroup,
        Self::Memory,
        Self::Io,
        Self::OpenFiles,
        Self::Threads,
        Self::Status,
    ];

    const fn file(self) -> &'static str {
        match self {
            Self::Name => "stat",
            Self::Executable => "exe",
            Self::Command => "cmdline",
            Self::Owner | Self::Status => "status",
            Self::Cgroup => "cgroup",
            Self::Memory => "statm",
            Self::Io => "io",
            Self::OpenFiles => "fd",
            Self::Threads => "task",
        }
    }
}

/// The failures that are not counted: the collector's `mute_process_*_error` options.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Muted(u16);

impl Muted {
    /// All of them: `mute_process_all_errors`.
    pub fn all() -> Self {
        Subject::ALL.into_iter().fold(Self::default(), Self::with)
    }

    /// These and `subject`.
    #[must_use]
    pub const fn with(self, subject: Subject) -> Self {
        Self(self.0 | 1 << subject as u16)
    }

    /// Whether failures of `subject` are not counted.
    pub const fn has(self, subject: Subject) -> bool {
        self.0 & (1 << subject as u16) != 0
    }
}

/// What can be configured.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Which processes are reported, by name (`process.executable.name`).
    pub names: Filter,
    /// A process younger than this is not reported yet.
    pub scrape_delay: Duration,
    /// Whether the resource has `process.cgroup`.
    pub cgroup: bool,
    /// Whose failed reads are not counted.
    pub muted: Muted,
}

/// The collector of `process.*`.
#[derive(Debug)]
pub struct Process {
    setup: Setup,
    settings: Settings,
    dir: ProcDir,
    owners: Owners,
    meminfo: Option<KeptFile>,
    cpuinfo: Option<KeptFile>,
    cpus: Option<f64>,
    tracked: BTreeMap<u32, Tracked>,
    pids: Vec<u32>,
    scrapes: u64,
    tally: Tally,
    text: Vec<u8>,
    entries: Vec<MaybeUninit<u8>>,
    limit: usize,
}

/// A process that was there at the last scrape.
#[derive(Debug)]
struct Tracked {
    start: u64,
    /// What changes when a process executes another program, renames itself or gets another parent.
    comm: Vec<u8>,
    parent: u64,
    image: [u64; 2],
    /// The scrape that last saw it.
    seen: u64,
    before: Option<(u64, [u64; 3])>,
    /// Absent where the name is filtered out.
    reported: Option<Reported>,
}

#[derive(Debug)]
struct Reported {
    identity: identity::Identity,
    segment: Segment,
    rows: Rows,
}

impl Process {
    /// The collector for the host of `setup`.
    pub fn new(setup: &Setup, settings: Settings) -> Self {
        let wants = |metric| setup.enabled.has(metric);
        Self {
            dir: ProcDir::new(setup.paths.proc("")),
            owners: Owners::new(setup.paths.host("/etc/passwd")),
            meminfo: wants(&catalog::MEMORY_UTILIZATION).then(|| KeptFile::new(setup.paths.proc("meminfo"))),
            cpuinfo: wants(&catalog::CPU_UTILIZATION).then(|| KeptFile::new(setup.paths.proc("stat"))),
            setup: setup.clone(),
            settings,
            cpus: None,
            tracked: BTreeMap::new(),
            pids: Vec::new(),
            scrapes: 0,
            tally: Tally::default(),
            text: Vec::new(),
            entries: Vec::new(),
            limit: MAX_PROCESSES,
        }
    }

    /// The ids of the processes into `self.pids`; what is above the bound is counted.
    fn list(&mut self) {
        let Self { dir, pids, tally, limit, .. } = self;
        pids.clear();
        let mut refused = 0_usize;
        let listed = dir.for_each_pid(|process| {
            if pids.len() < *limit {
                pids.push(process.pid);
            } else {
                refused += 1;
            }
        });
        if let Err(error) = listed {
            tally.add(error.class(), || error);
        }
        for _ in 0..refused {
            let path = || self.setup.paths.proc("");
            tally.add(ErrorClass::Refused, || SourceError::TooMany {
                path: path(),
                what: "processes",
                limit: MAX_PROCESSES,
            });
        }
    }

    /// What is the same for every process of this scrape.
    fn moment(&mut self, scrape: &mut Scrape<'_>) -> Moment {
        let mut memory = None;
        if let Some(file) = &mut self.meminfo {
            memory = faults::read(file, scrape, |text, faults| {
                faults.check(memory_total(text).ok_or(Malformed { what: "MemTotal", at: 0 }))
            });
        }
        if let (Some(file), None) = (&mut self.cpuinfo, self.cpus) {
            self.cpus = faults::read(file, scrape, |text, faults| {
                faults.check(logical_cpus(text).ok_or(Malformed { what: "cpu lines", at: 0 }))
            });
        }
        Moment {
            now_ns: scrape.time.0,
            monotonic_ns: scrape.monotonic_ns,
            ticks_per_second: ticks_per_second(),
            page: rustix::param::page_size() as u64,
            memory,
            cpus: self.cpus,
        }
    }

    /// Reads and records one process.
    fn visit(&mut self, pid: u32, moment: Moment, buffer: &mut Vec<u8>) {
        let Self { setup, settings, dir, owners, tracked, tally, text, entries, scrapes, .. } = self;
        let Some(process) = dir.process(pid) else { return };
        if let Some(entry) = tracked.get_mut(&pid)
            && entry.is_still_filtered(process, *scrapes, text)
        {
            entry.seen = *scrapes;
            return;
        }
        let stat = match process.read("stat", text, SMALL_LIMIT) {
            Ok(text) => parse::stat(text),
            Err(errno) => {
                if !is_gone(errno) && !settings.muted.has(Subject::Name) {
                    tally.refused(dir, pid, Subject::Name, errno);
                }
                return;
            }
        };
        let Some(stat) = stat else { return tally.malformed(dir, pid, "stat", "the fields of proc(5)") };
        let started = start_time(setup.boot_time, stat.start, moment.ticks_per_second);
        let age_ms = (moment.now_ns / 1_000_000).saturating_sub(started.0 / 1_000_000);
        if settings.scrape_delay.as_millis() > u128::from(age_ms) {
            return;
        }
        let entry = tracked.entry(pid).or_insert_with(|| Tracked::new(&stat));
        if entry.start != stat.start {
            *entry = Tracked::new(&stat);
        }
        if entry.is_due(&stat, *scrapes, pid) {
            let mut reader = Reader { dir, settings, owners, tally, buffer };
            let identity = reader.identify(process, &stat);
            entry.learn(&stat, identity, setup, started);
        }
        entry.seen = *scrapes;
        let Some(reported) = &mut entry.reported else { return };
        reported.segment.begin(Timestamp(moment.now_ns));
        let segment = &mut reported.segment;
        let muted = settings.muted;
        let mut fill = Filler { dir, process, segment, moment, muted, tally, buffer, entries };
        reported.rows.fill_from_stat(&mut fill, &stat, started.0, &mut entry.before);
        reported.rows.fill_from_files(&mut fill);
        reported.segment.finish();
    }
}

impl Tracked {
    const fn new(stat: &Stat<'_>) -> Self {
        Self {
            start: stat.start,
            comm: Vec::new(),
            parent: 0,
            image: [0; 2],
            seen: 0,
            before: None,
            reported: None,
        }
    }

    /// Whether the process was filtered out at the last scrape and has the same name still. The name alone costs
    /// half of `stat`; a process id that was given to another program of that name is filtered out as well.
    fn is_still_filtered(&self, process: dir::Process<'_>, scrape: u64, text: &mut Vec<u8>) -> bool {
        self.reported.is_none()
            && self.seen + 1 == scrape
            && !(scrape + u64::from(process.pid)).is_multiple_of(REFRESH)
            && process
                .read("comm", text, SMALL_LIMIT)
                .is_ok_and(|name| name.strip_suffix(b"\n") == Some(&self.comm))
    }

    /// Whether the identity has to be read: it is new, something visible changed, or it is this process's turn.
    fn is_due(&self, stat: &Stat<'_>, scrape: u64, pid: u32) -> bool {
        self.seen == 0
            || self.comm != stat.comm
            || self.parent != stat.parent
            || self.image != stat.image
            || (scrape + u64::from(pid)).is_multiple_of(REFRESH)
    }

    /// Takes a fresh identity; another resource begins a segment of its own, an unchanged one keeps its own.
    fn learn(
        &mut self,
        stat: &Stat<'_>,
        identity: Option<identity::Identity>,
        setup: &Setup,
        started: Timestamp,
    ) {
        self.comm.clear();
        self.comm.extend_from_slice(stat.comm);
        self.parent = stat.parent;
        self.image = stat.image;
        let Some(identity) = identity else {
            self.reported = None;
            return;
        };
        if self.reported.as_ref().is_some_and(|reported| reported.identity == identity) {
            return;
        }
        let mut resource: Vec<_> =
            setup.resource.iter().map(|(key, value)| Attribute::str(key, value)).collect();
        // An empty text is an attribute with an empty value, as in the collector.
        resource.extend(identity.attributes());
        let mut segment = Segment::new(&resource, scope_of("tare.host.process"), started);
        let rows = Rows::register(&mut segment, &setup.enabled);
        self.reported = Some(Reported { identity, segment, rows });
    }
}

impl Collector for Process {
    fn name(&self) -> &'static str {
        "process"
    }

    fn collect(&mut self, scrape: &mut Scrape<'_>) {
        self.scrapes += 1;
        let moment = self.moment(scrape);
        self.list();
        let mut buffer = std::mem::take(scrape.buffer);
        if let Err(error) = self.owners.refresh(&mut buffer)
            && !self.settings.muted.has(Subject::Owner)
        {
            scrape.fail(&error);
        }
        let pids = std::mem::take(&mut self.pids);
        for pid in &pids {
            self.visit(*pid, moment, &mut buffer);
        }
        self.pids = pids;
        let now = self.scrapes;
        self.tracked.retain(|_, process| process.seen == now);
        *scrape.buffer = buffer;
        self.tally.report(scrape);
    }

    fn segments(&self, visit: &mut dyn FnMut(&Segment)) {
        for reported in self.tracked.values().filter_map(|process| process.reported.as_ref()) {
            visit(&reported.segment);
        }
    }
}

/// `MemTotal` of `/proc/meminfo` in bytes.
pub(in crate::collectors) fn memory_total(text: &[u8]) -> Option<u64> {
    let line = lines(text).find_map(|line| line.strip_prefix(b"MemTotal:"))?;
    Words::new(line).u64()?.checked_mul(1024)
}

/// The number of logical CPUs in `/proc/stat`: its lines `cpu0`, `cpu1`, ...
pub(in crate::collectors) fn logical_cpus(text: &[u8]) -> Option<f64> {
    let is_numbered = |line: &&[u8]| {
        line.strip_prefix(b"cpu").and_then(|rest| rest.first()).is_some_and(u8::is_ascii_digit)
    };
    let numbered = lines(text).filter(is_numbered);
    u32::try_from(numbered.count()).ok().filter(|count| *count > 0).map(f64::from)
}

/// When a process started: the boot time plus its ticks, in whole milliseconds as the collector has it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive whole number of ticks per second"
)]
fn start_time(boot: Timestamp, ticks: u64, ticks_per_second: f64) -> Timestamp {
    let millis = ticks.saturating_mul(1000) / (ticks_per_second as u64).max(1);
    Timestamp(boot.0.saturating_add(millis.saturating_mul(1_000_000)))
}

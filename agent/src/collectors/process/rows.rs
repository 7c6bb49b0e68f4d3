//! The series of one process and how they are filled; which files that takes.

use std::mem::MaybeUninit;

use exporter::model::{Attribute, Metric};
use exporter::segment::{Segment, SeriesId};

use super::dir::{Process, is_gone};
use super::identity::STATUS_LIMIT;
use super::parse::{self, Stat};
use super::tally::Tally;
use super::{Muted, Subject};
use crate::catalog::Enabled;
use crate::catalog::hostmetrics::process as catalog;
use crate::collectors::points::float;
use crate::collectors::process::dir::ProcDir;

/// The most that is read of `stat`, `statm` and `io`.
pub(super) const SMALL_LIMIT: usize = 4096;

/// Clock ticks in user mode, in kernel mode and waiting for block I/O.
type Ticks = [u64; 3];

/// The series of one process; absent where their metric is switched off.
#[derive(Debug)]
pub(super) struct Rows {
    cpu_time: Option<[SeriesId; 3]>,
    cpu_utilization: Option<[SeriesId; 3]>,
    memory_usage: Option<SeriesId>,
    memory_virtual: Option<SeriesId>,
    memory_utilization: Option<SeriesId>,
    disk_io: Option<[SeriesId; 2]>,
    disk_operations: Option<[SeriesId; 2]>,
    paging_faults: Option<[SeriesId; 2]>,
    threads: Option<SeriesId>,
    context_switches: Option<[SeriesId; 2]>,
    open_fds: Option<SeriesId>,
    signals_pending: Option<SeriesId>,
    uptime: Option<SeriesId>,
}

/// What one scrape brings to every process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// The wall clock in nanoseconds since the epoch.
    pub(super) now_ns: u64,
    /// The monotonic clock in nanoseconds.
    pub(super) monotonic_ns: u64,
    /// Clock ticks per second.
    pub(super) ticks_per_second: f64,
    /// Bytes in a page.
    pub(super) page: u64,
    /// Memory of the host in bytes, where it is known and needed.
    pub(super) memory: Option<u64>,
    /// Logical CPUs, where they are known and needed.
    pub(super) cpus: Option<f64>,
}

/// Where the figures of one process come from and go to.
#[derive(Debug)]
pub(super) struct Filler<'a> {
    pub(super) dir: &'a ProcDir,
    pub(super) process: Process<'a>,
    pub(super) segment: &'a mut Segment,
    pub(super) moment: Moment,
    pub(super) muted: Muted,
    pub(super) tally: &'a mut Tally,
    pub(super) buffer: &'a mut Vec<u8>,
    pub(super) entries: &'a mut Vec<MaybeUninit<u8>>,
}

impl Rows {
    /// Registers the series of every metric that is switched on. `process.handles` has none on Linux.
    pub(super) fn register(segment: &mut Segment, enabled: &Enabled) -> Self {
        let mut one = |metric| enabled.has(metric).then(|| segment.series(metric, &[]));
        Self {
            memory_usage: one(&catalog::MEMORY_USAGE),
            memory_virtual: one(&catalog::MEMORY_VIRTUAL),
            memory_utilization: one(&catalog::MEMORY_UTILIZATION),
            threads: one(&catalog::THREADS),
            open_fds: one(&catalog::OPEN_FILE_DESCRIPTORS),
            signals_pending: one(&catalog::SIGNALS_PENDING),
            uptime: one(&catalog::UPTIME),
            cpu_time: states(segment, enabled, &catalog::CPU_TIME),
            cpu_utilization: states(segment, enabled, &catalog::CPU_UTILIZATION),
            disk_io: several(segment, enabled, &catalog::DISK_IO, "direction", ["read", "write"]),
            disk_operations: several(
                segment,
                enabled,
                &catalog::DISK_OPERATIONS,
                "direction",
                ["read", "write"],
            ),
            paging_faults: several(segment, enabled, &catalog::PAGING_FAULTS, "type", ["major", "minor"]),
            context_switches: several(
                segment,
                enabled,
                &catalog::CONTEXT_SWITCHES,
                "type",
                ["involuntary", "voluntary"],
            ),
        }
    }

    /// Records what `stat` tells. `before` is the last scrape's moment and ticks, which it replaces.
    pub(super) fn fill_from_stat(
        &self,
        fill: &mut Filler<'_>,
        stat: &Stat<'_>,
        started_ns: u64,
        before: &mut Option<(u64, Ticks)>,
    ) {
        let ticks = [stat.user, stat.system, stat.block_io];
        if let Some(ids) = self.cpu_time {
            for (id, count) in ids.into_iter().zip(ticks) {
                fill.segment.set_double(id, float(count) / fill.moment.ticks_per_second);
            }
        }
        if let Some(ids) = self.cpu_utilization {
            if let (Some((then_ns, then)), Some(cpus)) = (*before, fill.moment.cpus) {
                let elapsed = float(fill.moment.monotonic_ns.saturating_sub(then_ns)) / 1e9;
                let whole = elapsed * fill.moment.ticks_per_second * cpus;
                for (id, (now, then)) in ids.into_iter().zip(ticks.into_iter().zip(then)) {
                    // Without time between the scrapes this is no number, which the segment does not record.
                    fill.segment.set_double(id, float(now.saturating_sub(then)) / whole);
                }
            }
            *before = Some((fill.moment.monotonic_ns, ticks));
        }
        if let Some([major, minor]) = self.paging_faults {
            fill.segment.set_u64(major, stat.major_faults);
            fill.segment.set_u64(minor, stat.minor_faults);
        }
        if let Some(id) = self.threads {
            fill.segment.set_u64(id, stat.threads);
        }
        if let Some(id) = self.uptime {
            // A clock that was set back gives a negative uptime in the collector; here it gives zero.
            fill.segment.set_double(id, float(fill.moment.now_ns.saturating_sub(started_ns)) / 1e9);
        }
    }

    /// Reads the other files that the switched-on series need, and no more.
    pub(super) fn fill_from_files(&self, fill: &mut Filler<'_>) {
        if self.memory_usage.or(self.memory_virtual).or(self.memory_utilization).is_some() {
            self.fill_memory(fill);
        }
        if self.disk_io.or(self.disk_operations).is_some() {
            self.fill_io(fill);
        }
        if let Some(id) = self.open_fds {
            match fill.process.count_fds(fill.entries) {
                Ok(count) => fill.segment.set_u64(id, count),
                Err(errno) => fill.failed(Subject::OpenFiles, errno),
            }
        }
        if let Some(id) = self.signals_pending {
            match fill.process.read("status", fill.buffer, STATUS_LIMIT) {
                Ok(text) => match parse::status(text).pending {
                    // The collector reports the mask itself, with its highest bit as the sign.
                    Some(mask) => fill.segment.set_int(id, mask.cast_signed()),
                    None => fill.malformed("status", "no ShdPnd"),
                },
                Err(errno) => fill.failed(Subject::Status, errno),
            }
        }
        if let Some([involuntary, voluntary]) = self.context_switches {
            match fill.context_switches() {
                Ok(Some(counts)) => {
                    fill.segment.set_u64(involuntary, counts[0]);
                    fill.segment.set_u64(voluntary, counts[1]);
                }
                Ok(None) => fill.malformed("task/*/status", "no ctxt_switches"),
                Err(errno) => fill.failed(Subject::Threads, errno),
            }
        }
    }

    fn fill_memory(&self, fill: &mut Filler<'_>) {
        let text = match fill.process.read("statm", fill.buffer, SMALL_LIMIT) {
            Ok(text) => text,
            Err(errno) => return fill.failed(Subject::Memory, errno),
        };
        let Some((virtual_pages, resident_pages)) = parse::statm(text) else {
            return fill.malformed("statm", "a number of pages");
        };
        let resident = resident_pages.saturating_mul(fill.moment.page);
        if let Some(id) = self.memory_usage {
            fill.segment.set_u64(id, resident);
        }
        if let Some(id) = self.memory_virtual {
            fill.segment.set_u64(id, virtual_pages.saturating_mul(fill.moment.page));
        }
        if let (Some(id), Some(total)) = (self.memory_utilization, fill.moment.memory) {
            fill.segment.set_double(id, percent(resident, total));
        }
    }

    fn fill_io(&self, fill: &mut Filler<'_>) {
        let text = match fill.process.read("io", fill.buffer, SMALL_LIMIT) {
            Ok(text) => text,
            Err(errno) => return fill.failed(Subject::Io, errno),
        };
        let Some(io) = parse::io(text) else {
            return fill.malformed("io", "rchar, wchar, syscr and syscw");
        };
        for (ids, counts) in [(self.disk_io, io.bytes), (self.disk_operations, io.calls)] {
            for (id, count) in ids.into_iter().flatten().zip(counts) {
                fill.segment.set_u64(id, count);
            }
        }
    }
}

impl Filler<'_> {
    /// Involuntary and voluntary context switches, summed over the threads that are alive; `None` where a
    /// thread's `status` lacks them.
    fn context_switches(&mut self) -> Result<Option<[u64; 2]>, rustix::io::Errno> {
        let mut sums = Some([0_u64; 2]);
        let mut refused = None;
        let (process, buffer) = (self.process, &mut *self.buffer);
        process.for_each_thread(self.entries, |thread| {
            match process.read_thread(thread, "status", buffer, STATUS_LIMIT).map(parse::status) {
                Ok(status) => {
                    let counts = status.involuntary.zip(status.voluntary);
                    sums = sums.zip(counts).map(|(sums, (involuntary, voluntary))| {
                        [sums[0].saturating_add(involuntary), sums[1].saturating_add(voluntary)]
                    });
                }
                Err(errno) if is_gone(errno) => {}
                Err(errno) => refused = Some(errno),
            }
        })?;
        refused.map_or(Ok(sums), Err)
    }

    /// Counts a failed read, unless the process is gone or the subject is muted.
    fn failed(&mut self, subject: Subject, errno: rustix::io::Errno) {
        let gone = is_gone(errno) && self.process.read("stat", self.buffer, SMALL_LIMIT).is_err();
        if !gone && !self.muted.has(subject) {
            self.tally.refused(self.dir, self.process.pid, subject, errno);
        }
    }

    fn malformed(&mut self, file: &str, what: &'static str) {
        self.tally.malformed(self.dir, self.process.pid, file, what);
    }
}

fn states(segment: &mut Segment, enabled: &Enabled, metric: &'static Metric) -> Option<[SeriesId; 3]> {
    several(segment, enabled, metric, "state", ["user", "system", "wait"])
}

fn several<const N: usize>(
    segment: &mut Segment,
    enabled: &Enabled,
    metric: &'static Metric,
    key: &str,
    values: [&str; N],
) -> Option<[SeriesId; N]> {
    enabled.has(metric).then(|| values.map(|value| segment.series(metric, &[Attribute::str(key, value)])))
}

/// Hundredths of `total`, in the single precision in which the collector computes them.
#[expect(
    clippy::cast_precision_loss,
    reason = "the collector's own arithmetic; the figure has seven digits there as well"
)]
fn percent(used: u64, total: u64) -> f64 {
    f64::from(100.0 * (used as f32) / (total as f32))
}

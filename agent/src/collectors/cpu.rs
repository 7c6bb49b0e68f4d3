//! The scraper `cpu`: `/proc/stat`, one object per logical CPU, and what the host's CPUs are.
//!
//! Times are the kernel's as they stand: guest time is contained in `user` and `nice`, as in the collector.
//! Utilization is the share of a state in the ticks between two scrapes; the collector adds guest time to
//! those ticks once more, and so do we. Where it would report a negative share (the kernel's idle and iowait
//! counters can step back) tare reports zero, and where no tick has passed, nothing.

use exporter::model::Attribute;
use exporter::segment::{Segment, SeriesId};

use self::clock::Clocks;
use self::stat::Ticks;
use super::faults::Faults;
use super::points::{self, Point, Points, float};
use super::table::Table;
use super::{Collector, Scrape, Setup};
use crate::catalog::Enabled;
use crate::catalog::hostmetrics::cpu;
use crate::clock::ticks_per_second;
use crate::paths::HostPaths;
use crate::source::KeptFile;

mod clock;
mod cpuinfo;
mod stat;
#[cfg(test)]
mod tests;
mod topology;

/// The most CPUs that are followed; Linux can be built for 8192.
const CPU_LIMIT: usize = 8192;

/// The ticks of one CPU in this scrape and, where there was one, the scrape before.
#[derive(Debug)]
struct Reading {
    now: Ticks,
    before: Option<Ticks>,
    ticks_per_second: f64,
}

impl Reading {
    fn seconds(&self, state: fn(&Ticks) -> u64) -> f64 {
        float(state(&self.now)) / self.ticks_per_second
    }

    fn share(&self, state: fn(&Ticks) -> u64) -> Option<f64> {
        let before = self.before.as_ref()?;
        let passed = self.now.total() - before.total();
        let in_state = float(state(&self.now).saturating_sub(state(before)));
        (passed > 0.0).then(|| in_state / passed)
    }
}

const USER: &[(&str, &str)] = &[("state", "user")];
const SYSTEM: &[(&str, &str)] = &[("state", "system")];
const IDLE: &[(&str, &str)] = &[("state", "idle")];
const INTERRUPT: &[(&str, &str)] = &[("state", "interrupt")];
const NICE: &[(&str, &str)] = &[("state", "nice")];
const SOFTIRQ: &[(&str, &str)] = &[("state", "softirq")];
const STEAL: &[(&str, &str)] = &[("state", "steal")];
const WAIT: &[(&str, &str)] = &[("state", "wait")];

static POINTS: [Point<Reading>; 16] = [
    Point::double(&cpu::TIME, USER, |reading| Some(reading.seconds(|ticks| ticks.user))),
    Point::double(&cpu::TIME, SYSTEM, |reading| Some(reading.seconds(|ticks| ticks.system))),
    Point::double(&cpu::TIME, IDLE, |reading| Some(reading.seconds(|ticks| ticks.idle))),
    Point::double(&cpu::TIME, INTERRUPT, |reading| Some(reading.seconds(|ticks| ticks.irq))),
    Point::double(&cpu::TIME, NICE, |reading| Some(reading.seconds(|ticks| ticks.nice))),
    Point::double(&cpu::TIME, SOFTIRQ, |reading| Some(reading.seconds(|ticks| ticks.softirq))),
    Point::double(&cpu::TIME, STEAL, |reading| Some(reading.seconds(|ticks| ticks.steal))),
    Point::double(&cpu::TIME, WAIT, |reading| Some(reading.seconds(|ticks| ticks.iowait))),
    Point::double(&cpu::UTILIZATION, USER, |reading| reading.share(|ticks| ticks.user)),
    Point::double(&cpu::UTILIZATION, SYSTEM, |reading| reading.share(|ticks| ticks.system)),
    Point::double(&cpu::UTILIZATION, IDLE, |reading| reading.share(|ticks| ticks.idle)),
    Point::double(&cpu::UTILIZATION, INTERRUPT, |reading| reading.share(|ticks| ticks.irq)),
    Point::double(&cpu::UTILIZATION, NICE, |reading| reading.share(|ticks| ticks.nice)),
    Point::double(&cpu::UTILIZATION, SOFTIRQ, |reading| reading.share(|ticks| ticks.softirq)),
    Point::double(&cpu::UTILIZATION, STEAL, |reading| reading.share(|ticks| ticks.steal)),
    Point::double(&cpu::UTILIZATION, WAIT, |reading| reading.share(|ticks| ticks.iowait)),
];

/// One logical CPU.
#[derive(Debug)]
struct Row {
    points: Points<Reading>,
    before: Option<Ticks>,
}

/// The collector of the scraper `cpu`.
#[derive(Debug)]
pub struct Cpu {
    paths: HostPaths,
    stat: KeptFile,
    /// Absent where no row needs it.
    info: Option<KeptFile>,
    segment: Segment,
    cpus: Table<Row>,
    clocks: Option<Clocks>,
    logical: Option<SeriesId>,
    physical: Option<SeriesId>,
    /// The number of cores, until the set of online CPUs changes.
    cores: Option<u64>,
    enabled: Enabled,
    ticks_per_second: f64,
}

impl Cpu {
    /// Reads nothing yet.
    pub fn new(setup: &Setup) -> Self {
        let enabled = setup.enabled.clone();
        let mut segment = setup.node_segment("tare.host.cpu");
        let logical = enabled.has(&cpu::LOGICAL_COUNT).then(|| segment.series(&cpu::LOGICAL_COUNT, &[]));
        let physical = enabled.has(&cpu::PHYSICAL_COUNT).then(|| segment.series(&cpu::PHYSICAL_COUNT, &[]));
        let needs_info = enabled.any(&[&cpu::FREQUENCY, &cpu::LOGICAL_COUNT, &cpu::PHYSICAL_COUNT]);
        Self {
            stat: KeptFile::new(setup.paths.proc("stat")),
            info: needs_info.then(|| KeptFile::new(setup.paths.proc("cpuinfo"))),
            segment,
            cpus: Table::new(CPU_LIMIT),
            clocks: enabled.has(&cpu::FREQUENCY).then(|| Clocks::new(&setup.paths, CPU_LIMIT)),
            logical,
            physical,
            cores: None,
            enabled,
            ticks_per_second: ticks_per_second(),
            paths: setup.paths.clone(),
        }
    }

    /// Records the CPUs' times. Answers how many CPUs are online, where that could be read.
    fn read_stat(&mut self, scrape: &mut Scrape<'_>) -> Option<u64> {
        let Self { stat: file, segment, cpus, enabled, .. } = self;
        let text = match file.read(scrape.buffer) {
            Ok(text) => text,
            Err(error) => {
                scrape.fail(&error);
                return None;
            }
        };
        let mut faults = Faults::default();
        let mut online = 0;
        cpus.begin();
        for row in stat::rows(text) {
            let Some((name, now)) = faults.check(row) else { continue };
            online += 1;
            let row = cpus.row(name, |name| Row {
                points: Points::register(segment, enabled, &POINTS, &[Attribute::str("cpu", name)]),
                before: None,
            });
            if let Some(row) = row {
                let before = row.before.replace(now.clone());
                let reading = Reading { now, before, ticks_per_second: self.ticks_per_second };
                row.points.record(segment, &reading);
            }
        }
        if cpus.finish(|row| row.points.forget(segment)) {
            self.cores = None;
        }
        faults.report(scrape, file);
        cpus.report(scrape, file, "CPUs");
        (online > 0).then_some(online)
    }

    /// Records what `/proc/cpuinfo` tells. Answers the logical CPUs and the cores that it lists, if any.
    fn read_info(&mut self, scrape: &mut Scrape<'_>) -> cpuinfo::Counts {
        let Some(file) = &mut self.info else { return cpuinfo::Counts::default() };
        let text = match file.read(scrape.buffer) {
            Ok(text) => text,
            Err(error) => {
                scrape.fail(&error);
                return cpuinfo::Counts::default();
            }
        };
        let counts = cpuinfo::counts(text);
        let mut faults = Faults::default();
        let clocks = self.clocks.as_mut();
        let unknown = clocks.and_then(|clocks| clocks.record(&mut self.segment, text, &mut faults));
        faults.report(scrape, file);
        if let Some(clocks) = &self.clocks {
            clocks.report(scrape, file);
        }
        if let Some(error) = unknown {
            scrape.fail(&error);
        }
        counts
    }
}

impl Collector for Cpu {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn collect(&mut self, scrape: &mut Scrape<'_>) {
        self.segment.begin(scrape.time);
        let any = points::any(&POINTS, &self.enabled) || self.info.is_some();
        let online = if any { self.read_stat(scrape) } else { None };
        let counts = self.read_info(scrape);
        if let (Some(series), Some(cpus)) = (self.logical, counts.logical.or(online)) {
            self.segment.set_u64(series, cpus);
        }
        if let Some(series) = self.physical
            && online.is_some()
        {
            if self.cores.is_none() {
                self.cores = topology::cores(&self.paths, &self.cpus.seen(), counts.physical, scrape);
            }
            if let Some(cores) = self.cores {
                self.segment.set_u64(series, cores);
            }
        }
        self.segment.finish();
    }

    fn segments(&self, visit: &mut dyn FnMut(&Segment)) {
        visit(&self.segment);
    }
}

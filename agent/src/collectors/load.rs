//! The scraper `load`: the kernel's load averages, from `/proc/loadavg`.
//!
//! With `cpu_average` they are divided by the number of CPUs that are online on the host
//! (`/sys/devices/system/cpu/online`). The collector divides by the CPUs that its own process may use; the
//! two differ only where the collector is pinned, and there the host's number is the meaningful one.

use exporter::segment::Segment;

use super::faults::Malformed;
use super::points::{Point, Points, float};
use super::{Collector, Scrape, Setup, faults};
use crate::catalog::hostmetrics::load;
use crate::scan;
use crate::source::KeptFile;

#[cfg(test)]
mod tests;

/// The settings of the scraper `load`.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Report the load per online CPU.
    pub cpu_average: bool,
}

/// The averages over 1, 5 and 15 minutes.
type Averages = [f64; 3];

static POINTS: [Point<Averages>; 3] = [
    Point::double(&load::CPU_LOAD_AVERAGE_1M, &[], |averages| Some(averages[0])),
    Point::double(&load::CPU_LOAD_AVERAGE_5M, &[], |averages| Some(averages[1])),
    Point::double(&load::CPU_LOAD_AVERAGE_15M, &[], |averages| Some(averages[2])),
];

/// The collector of the scraper `load`.
#[derive(Debug)]
pub struct Load {
    file: KeptFile,
    /// Where `cpu_average` finds the number of CPUs.
    online: Option<KeptFile>,
    segment: Segment,
    points: Points<Averages>,
}

impl Load {
    /// Reads nothing yet.
    #[expect(clippy::needless_pass_by_value, reason = "every collector takes its settings by value")]
    pub fn new(setup: &Setup, settings: Settings) -> Self {
        let mut segment = setup.node_segment("tare.host.load");
        let points = Points::register(&mut segment, &setup.enabled, &POINTS, &[]);
        let online =
            settings.cpu_average.then(|| KeptFile::new(setup.paths.sys("devices/system/cpu/online")));
        Self { file: KeptFile::new(setup.paths.proc("loadavg")), online, segment, points }
    }

    /// What is to be reported; nothing if the averages or the divisor are not known.
    fn read(&mut self, scrape: &mut Scrape<'_>) -> Option<Averages> {
        let averages = faults::read(&mut self.file, scrape, |text, faults| faults.check(averages(text)))?;
        let Some(online) = &mut self.online else { return Some(averages) };
        let cpus = faults::read(online, scrape, |text, faults| faults.check(cpu_count(text)))?;
        Some(averages.map(|average| average / float(cpus)))
    }
}

impl Collector for Load {
    fn name(&self) -> &'static str {
        "load"
    }

    fn collect(&mut self, scrape: &mut Scrape<'_>) {
        self.segment.begin(scrape.time);
        if !self.points.is_empty()
            && let Some(averages) = self.read(scrape)
        {
            self.points.record(&mut self.segment, &averages);
        }
        self.segment.finish();
    }

    fn segments(&self, visit: &mut dyn FnMut(&Segment)) {
        visit(&self.segment);
    }
}

/// The first three numbers of `/proc/loadavg`.
fn averages(text: &[u8]) -> Result<Averages, Malformed> {
    let mut words = scan::Words::new(scan::lines(text).next().unwrap_or_default());
    let mut next = || {
        let word = words.next().unwrap_or(&text[text.len()..]);
        scan::fraction(word).ok_or(Malformed { what: "no load average", at: scan::offset(text, word) })
    };
    Ok([next()?, next()?, next()?])
}

/// The number of CPUs in a list of the kernel's, such as `0-3,8`. At least one.
fn cpu_count(text: &[u8]) -> Result<u64, Malformed> {
    let list = scan::lines(text).next().unwrap_or_default();
    let mut cpus = 0_u64;
    for range in list.split(|byte| *byte == b',') {
        let count = match range.iter().position(|byte| *byte == b'-') {
            Some(dash) => scan::decimal(&range[..dash])
                .zip(scan::decimal(&range[dash + 1..]))
                .and_then(|(first, last)| last.checked_sub(first)?.checked_add(1)),
            None => scan::decimal(range).map(|_| 1),
        };
        cpus = count
            .and_then(|count| cpus.checked_add(count))
            .ok_or(Malformed { what: "no list of CPUs", at: scan::offset(text, range) })?;
    }
    Ok(cpus)
}

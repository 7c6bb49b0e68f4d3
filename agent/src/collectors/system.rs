//! The scraper `system`: how long the host has been up, from `/proc/uptime`.
//!
//! The figure is that of `sysinfo(2)`, which the collector reports: whole seconds, rounded up, time spent in
//! suspend included.

use exporter::segment::Segment;

use super::faults::Malformed;
use super::points::{Point, Points};
use super::{Collector, Scrape, Setup, faults};
use crate::catalog::hostmetrics::system;
use crate::scan;
use crate::source::KeptFile;

#[cfg(test)]
mod tests;

static POINTS: [Point<f64>; 1] = [Point::double(&system::UPTIME, &[], |seconds| Some(*seconds))];

/// The collector of the scraper `system`.
#[derive(Debug)]
pub struct System {
    file: KeptFile,
    segment: Segment,
    points: Points<f64>,
}

impl System {
    /// Reads nothing yet.
    pub fn new(setup: &Setup) -> Self {
        let mut segment = setup.node_segment("tare.host.system");
        let points = Points::register(&mut segment, &setup.enabled, &POINTS, &[]);
        Self { file: KeptFile::new(setup.paths.proc("uptime")), segment, points }
    }

    fn read(&mut self, scrape: &mut Scrape<'_>) {
        let seconds = faults::read(&mut self.file, scrape, |text, faults| faults.check(uptime(text)));
        if let Some(seconds) = seconds {
            self.points.record(&mut self.segment, &seconds);
        }
    }
}

impl Collector for System {
    fn name(&self) -> &'static str {
        "system"
    }

    fn collect(&mut self, scrape: &mut Scrape<'_>) {
        self.segment.begin(scrape.time);
        if !self.points.is_empty() {
            self.read(scrape);
        }
        self.segment.finish();
    }

    fn segments(&self, visit: &mut dyn FnMut(&Segment)) {
        visit(&self.segment);
    }
}

/// The first number of `/proc/uptime`, in seconds, rounded up.
fn uptime(text: &[u8]) -> Result<f64, Malformed> {
    let line = scan::lines(text).next().unwrap_or_default();
    let seconds = scan::Words::new(line).next().and_then(scan::fraction);
    seconds.map(f64::ceil).ok_or(Malformed { what: "no uptime", at: 0 })
}

//! The scraper `disk`: `/proc/diskstats`, one object per block device and partition.
//!
//! As in the collector, a device whose counters are all zero (an unused loop device) is not reported, and a
//! name that is listed twice counts as it stands last. Sectors are 512 bytes whatever the device says; times
//! are the kernel's milliseconds, in seconds.

use exporter::segment::Segment;

use self::diskstats::Stat;
use super::objects::Objects;
use super::points::{self, Point, float};
use super::{Collector, Scrape, Setup};
use crate::catalog::hostmetrics::disk;
use crate::filter::Filter;
use crate::source::KeptFile;

mod diskstats;
#[cfg(test)]
mod tests;

/// The most devices that are followed, excluded ones included.
const DEVICE_LIMIT: usize = 4096;

/// The settings of the scraper `disk`.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Which devices are reported, by name (`sda1`, `dm-0`).
    pub devices: Filter,
}

const READ: &[(&str, &str)] = &[("direction", "read")];
const WRITE: &[(&str, &str)] = &[("direction", "write")];

static POINTS: [Point<Stat>; 11] = [
    Point::int(&disk::IO, READ, Stat::bytes_read),
    Point::int(&disk::IO, WRITE, Stat::bytes_written),
    Point::int(&disk::OPERATIONS, READ, |stat| Some(stat.reads)),
    Point::int(&disk::OPERATIONS, WRITE, |stat| Some(stat.writes)),
    Point::double(&disk::IO_TIME, &[], |stat| Some(seconds(stat.busy_ms))),
    Point::double(&disk::OPERATION_TIME, READ, |stat| Some(seconds(stat.read_ms))),
    Point::double(&disk::OPERATION_TIME, WRITE, |stat| Some(seconds(stat.write_ms))),
    Point::double(&disk::WEIGHTED_IO_TIME, &[], |stat| Some(seconds(stat.weighted_ms))),
    Point::int(&disk::PENDING_OPERATIONS, &[], |stat| Some(stat.in_flight)),
    Point::int(&disk::MERGED, READ, |stat| Some(stat.reads_merged)),
    Point::int(&disk::MERGED, WRITE, |stat| Some(stat.writes_merged)),
];

fn seconds(milliseconds: u64) -> f64 {
    float(milliseconds) / 1000.0
}

/// The collector of the scraper `disk`.
#[derive(Debug)]
pub struct Disk {
    /// Absent where no row is reported.
    file: Option<KeptFile>,
    segment: Segment,
    devices: Objects<Stat>,
}

impl Disk {
    /// Reads nothing yet.
    pub fn new(setup: &Setup, settings: Settings) -> Self {
        let any = points::any(&POINTS, &setup.enabled);
        Self {
            file: any.then(|| KeptFile::new(setup.paths.proc("diskstats"))),
            segment: setup.node_segment("tare.host.disk"),
            devices: Objects::new(&POINTS, &setup.enabled, settings.devices, DEVICE_LIMIT, "block devices"),
        }
    }

    fn read(&mut self, scrape: &mut Scrape<'_>) {
        let Self { file: Some(file), segment, devices } = self else { return };
        let text = match file.read(scrape.buffer) {
            Ok(text) => text,
            Err(error) => return scrape.fail(&error),
        };
        // A device that never did anything (a loop device without a file) is not reported.
        let used = diskstats::rows(text)
            .filter(|row| row.as_ref().map_or(true, |(_, stat)| *stat != Stat::default()));
        let faults = devices.record(segment, used);
        devices.report(faults, scrape, file);
    }
}

impl Collector for Disk {
    fn name(&self) -> &'static str {
        "disk"
    }

    fn collect(&mut self, scrape: &mut Scrape<'_>) {
        self.segment.begin(scrape.time);
        self.read(scrape);
        self.segment.finish();
    }

    fn segments(&self, visit: &mut dyn FnMut(&Segment)) {
        visit(&self.segment);
    }
}

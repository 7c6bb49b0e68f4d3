//! The scraper `paging`: swap space per device from `/proc/swaps`, faults and operations from `/proc/vmstat`.
//!
//! The collector multiplies every count of `/proc/vmstat` by 4096 and still calls the result faults or
//! operations. Dashboards and alerts are built on those figures, so tare reports the same; [`vmstat`] is the
//! one place that does it. Operations of type `minor` count all paging from and to disk, those of type
//! `major` only swapping. The state `cached` does not exist on Linux.

use exporter::segment::Segment;

use self::swaps::Swap;
use self::vmstat::VmStat;
use super::objects::Objects;
use super::points::{self, Point, Points, float};
use super::{Collector, Scrape, Setup, faults};
use crate::catalog::hostmetrics::paging;
use crate::filter::Filter;
use crate::source::KeptFile;

mod swaps;
#[cfg(test)]
mod tests;
mod vmstat;

/// The most swap devices that are followed. The kernel itself allows about 30.
const DEVICE_LIMIT: usize = 256;

const USED: &[(&str, &str)] = &[("state", "used")];
const FREE: &[(&str, &str)] = &[("state", "free")];

static DEVICE_POINTS: [Point<Swap>; 4] = [
    Point::int(&paging::USAGE, USED, |swap| Some(swap.used)),
    Point::int(&paging::USAGE, FREE, |swap| Some(swap.free())),
    // A device of size zero has no utilization: the division gives no finite number.
    Point::double(&paging::UTILIZATION, USED, |swap| Some(float(swap.used) / float(swap.total))),
    Point::double(&paging::UTILIZATION, FREE, |swap| Some(float(swap.free()) / float(swap.total))),
];

static HOST_POINTS: [Point<VmStat>; 6] = [
    Point::int(&paging::OPERATIONS, &[("direction", "page_in"), ("type", "major")], |stat| stat.swapped_in),
    Point::int(&paging::OPERATIONS, &[("direction", "page_out"), ("type", "major")], |stat| stat.swapped_out),
    Point::int(&paging::OPERATIONS, &[("direction", "page_in"), ("type", "minor")], |stat| stat.paged_in),
    Point::int(&paging::OPERATIONS, &[("direction", "page_out"), ("type", "minor")], |stat| stat.paged_out),
    Point::int(&paging::FAULTS, &[("type", "major")], |stat| stat.major_faults),
    Point::int(&paging::FAULTS, &[("type", "minor")], VmStat::minor_faults),
];

/// The collector of the scraper `paging`.
#[derive(Debug)]
pub struct Paging {
    vmstat: KeptFile,
    /// Absent where no row of the swap devices is reported.
    swaps: Option<KeptFile>,
    segment: Segment,
    host: Points<VmStat>,
    devices: Objects<Swap>,
}

impl Paging {
    /// Reads nothing yet.
    pub fn new(setup: &Setup) -> Self {
        let mut segment = setup.node_segment("tare.host.paging");
        let host = Points::register(&mut segment, &setup.enabled, &HOST_POINTS, &[]);
        let by_device = points::any(&DEVICE_POINTS, &setup.enabled);
        Self {
            vmstat: KeptFile::new(setup.paths.proc("vmstat")),
            swaps: by_device.then(|| KeptFile::new(setup.paths.proc("swaps"))),
            segment,
            host,
            devices: Objects::new(
                &DEVICE_POINTS,
                &setup.enabled,
                Filter::default(),
                DEVICE_LIMIT,
                "swap devices",
            ),
        }
    }

    fn read_vmstat(&mut self, scrape: &mut Scrape<'_>) {
        let stat = faults::read(&mut self.vmstat, scrape, |text, faults| Some(vmstat::parse(text, faults)));
        if let Some(stat) = stat {
            self.host.record(&mut self.segment, &stat);
        }
    }

    fn read_swaps(&mut self, scrape: &mut Scrape<'_>) {
        let Some(file) = &mut self.swaps else { return };
        let text = match file.read(scrape.buffer) {
            Ok(text) => text,
            Err(error) => return scrape.fail(&error),
        };
        let faults = self.devices.record(&mut self.segment, swaps::rows(text));
        self.devices.report(faults, scrape, file);
    }
}

impl Collector for Paging {
    fn name(&self) -> &'static str {
        "paging"
    }

    fn collect(&mut self, scrape: &mut Scrape<'_>) {
        self.segment.begin(scrape.time);
        self.read_swaps(scrape);
        if !self.host.is_empty() {
            self.read_vmstat(scrape);
        }
        self.segment.finish();
    }

    fn segments(&self, visit: &mut dyn FnMut(&Segment)) {
        visit(&self.segment);
    }
}

//! The scraper `memory`: `/proc/meminfo`, as the collector reads it.
//!
//! `used` is what is not available (`MemTotal - MemAvailable`) and `cached` contains the reclaimable slab, so
//! the states overlap and do not add up to the limit. The state `inactive` does not exist on Linux. Rows of
//! lines that this kernel does not have (huge pages) are not reported.

use exporter::segment::Segment;

use self::meminfo::Meminfo;
use super::points::{Point, Points, ratio};
use super::{Collector, Scrape, Setup, faults};
use crate::catalog::hostmetrics::memory;
use crate::source::KeptFile;

mod meminfo;
#[cfg(test)]
mod tests;

/// What the table below reads from.
#[derive(Debug)]
struct Reading {
    info: Meminfo,
    page_size: u64,
}

impl Reading {
    /// A share of all memory.
    fn share(&self, part: Option<u64>) -> Option<f64> {
        ratio(part?, self.info.total?)
    }

    fn huge_share(&self, part: Option<u64>) -> Option<f64> {
        ratio(part?, self.info.huge_total?)
    }
}

const USED: &[(&str, &str)] = &[("state", "used")];
const FREE: &[(&str, &str)] = &[("state", "free")];
const BUFFERED: &[(&str, &str)] = &[("state", "buffered")];
const CACHED: &[(&str, &str)] = &[("state", "cached")];
const RECLAIMABLE: &[(&str, &str)] = &[("state", "slab_reclaimable")];
const UNRECLAIMABLE: &[(&str, &str)] = &[("state", "slab_unreclaimable")];
const HUGE_FREE: &[(&str, &str)] = &[("system.memory.linux.hugepages.state", "free")];
const HUGE_USED: &[(&str, &str)] = &[("system.memory.linux.hugepages.state", "used")];

static POINTS: [Point<Reading>; 25] = [
    Point::int(&memory::USAGE, USED, |reading| reading.info.used()),
    Point::int(&memory::USAGE, FREE, |reading| reading.info.free),
    Point::int(&memory::USAGE, BUFFERED, |reading| reading.info.buffers),
    Point::int(&memory::USAGE, CACHED, |reading| reading.info.cached()),
    Point::int(&memory::USAGE, RECLAIMABLE, |reading| reading.info.slab_reclaimable),
    Point::int(&memory::USAGE, UNRECLAIMABLE, |reading| reading.info.slab_unreclaimable),
    Point::double(&memory::UTILIZATION, USED, |reading| reading.share(reading.info.used())),
    Point::double(&memory::UTILIZATION, FREE, |reading| reading.share(reading.info.free)),
    Point::double(&memory::UTILIZATION, BUFFERED, |reading| reading.share(reading.info.buffers)),
    Point::double(&memory::UTILIZATION, CACHED, |reading| reading.share(reading.info.cached())),
    Point::double(&memory::UTILIZATION, RECLAIMABLE, |reading| reading.share(reading.info.slab_reclaimable)),
    Point::double(&memory::UTILIZATION, UNRECLAIMABLE, |reading| {
        reading.share(reading.info.slab_unreclaimable)
    }),
    Point::int(&memory::LIMIT, &[], |reading| reading.info.total),
    Point::int(&memory::PAGE_SIZE, &[], |reading| Some(reading.page_size)),
    Point::int(&memory::LINUX_MEMORY_AVAILABLE, &[], |reading| reading.info.available),
    Point::int(&memory::LINUX_MEMORY_DIRTY, &[], |reading| reading.info.dirty),
    Point::int(&memory::LINUX_SHARED, &[], |reading| reading.info.shared),
    Point::int(&memory::LINUX_HUGEPAGES_LIMIT, &[], |reading| reading.info.huge_total),
    Point::int(&memory::LINUX_HUGEPAGES_PAGE_SIZE, &[], |reading| reading.info.huge_page_size),
    Point::int(&memory::LINUX_HUGEPAGES_RESERVED, &[], |reading| reading.info.huge_reserved),
    Point::int(&memory::LINUX_HUGEPAGES_SURPLUS, &[], |reading| reading.info.huge_surplus),
    Point::int(&memory::LINUX_HUGEPAGES_USAGE, HUGE_FREE, |reading| reading.info.huge_free),
    Point::int(&memory::LINUX_HUGEPAGES_USAGE, HUGE_USED, |reading| reading.info.huge_used()),
    Point::double(&memory::LINUX_HUGEPAGES_UTILIZATION, HUGE_FREE, |reading| {
        reading.huge_share(reading.info.huge_free)
    }),
    Point::double(&memory::LINUX_HUGEPAGES_UTILIZATION, HUGE_USED, |reading| {
        reading.huge_share(reading.info.huge_used())
    }),
];

/// The collector of the scraper `memory`.
#[derive(Debug)]
pub struct Memory {
    file: KeptFile,
    page_size: u64,
    segment: Segment,
    points: Points<Reading>,
}

impl Memory {
    /// Reads nothing yet.
    pub fn new(setup: &Setup) -> Self {
        let mut segment = setup.node_segment("tare.host.memory");
        let points = Points::register(&mut segment, &setup.enabled, &POINTS, &[]);
        let page_size = rustix::param::page_size() as u64;
        Self { file: KeptFile::new(setup.paths.proc("meminfo")), page_size, segment, points }
    }

    fn read(&mut self, scrape: &mut Scrape<'_>) {
        let info = faults::read(&mut self.file, scrape, |text, faults| Some(meminfo::parse(text, faults)));
        if let Some(info) = info {
            self.points.record(&mut self.segment, &Reading { info, page_size: self.page_size });
        }
    }
}

impl Collector for Memory {
    fn name(&self) -> &'static str {
        "memory"
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

//! `system.cpu.frequency`: from `/proc/cpuinfo`, and from cpufreq where that file does not tell it (arm64).
//!
//! The collector reports 0 Hz where `/proc/cpuinfo` tells nothing; tare asks
//! `/sys/devices/system/cpu/cpu<N>/cpufreq/scaling_cur_freq` (kHz), and reports nothing if that is silent too.

use std::path::PathBuf;

use exporter::model::Attribute;
use exporter::segment::{Segment, SeriesId};

use super::cpuinfo;
use crate::catalog::hostmetrics::cpu;
use crate::collectors::Scrape;
use crate::collectors::faults::{Faults, Malformed};
use crate::collectors::points::float;
use crate::collectors::table::Table;
use crate::error::SourceError;
use crate::paths::HostPaths;
use crate::scan;
use crate::source::{self, KeptFile};

/// A number and a newline.
const FILE_LIMIT: usize = 64;

/// The clocks by the number of their CPU.
#[derive(Debug)]
pub(super) struct Clocks {
    paths: HostPaths,
    rows: Table<Clock>,
    /// For the small files of cpufreq: the shared buffer holds `/proc/cpuinfo` meanwhile.
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Clock {
    series: SeriesId,
    cpufreq: PathBuf,
}

impl Clocks {
    /// At most `limit` clocks.
    pub(super) fn new(paths: &HostPaths, limit: usize) -> Self {
        Self { paths: paths.clone(), rows: Table::new(limit), buffer: Vec::new() }
    }

    /// Records the clocks of the CPUs that `text`, the content of `/proc/cpuinfo`, lists. Answers the first
    /// error of those that are known nowhere.
    pub(super) fn record(
        &mut self,
        segment: &mut Segment,
        text: &[u8],
        faults: &mut Faults,
    ) -> Option<SourceError> {
        let Self { paths, rows, buffer } = self;
        let mut unknown = None;
        rows.begin();
        cpuinfo::clocks(text, faults, |number, megahertz| {
            let clock = rows.row(number, |number| Clock {
                series: segment.series(&cpu::FREQUENCY, &[Attribute::str("cpu", &format!("cpu{number}"))]),
                cpufreq: paths.sys(format!("devices/system/cpu/cpu{number}/cpufreq/scaling_cur_freq")),
            });
            let Some(clock) = clock else { return };
            let hertz = match megahertz {
                Some(megahertz) => Ok(megahertz * 1e6),
                None => clock.ask_cpufreq(buffer),
            };
            match hertz {
                Ok(hertz) => segment.set_double(clock.series, hertz),
                Err(error) => {
                    unknown.get_or_insert(error);
                }
            }
        });
        rows.finish(|clock| segment.forget(clock.series));
        unknown
    }

    /// Counts CPUs beyond the limit.
    pub(super) fn report(&self, scrape: &mut Scrape<'_>, file: &KeptFile) {
        self.rows.report(scrape, file, "CPUs");
    }
}

impl Clock {
    fn ask_cpufreq(&self, buffer: &mut Vec<u8>) -> Result<f64, SourceError> {
        let text = source::read_once(&self.cpufreq, buffer, FILE_LIMIT)?;
        kilohertz(text)
            .map(|kilohertz| float(kilohertz) * 1e3)
            .map_err(|Malformed { what, at }| SourceError::Parse { path: self.cpufreq.clone(), what, at })
    }
}

fn kilohertz(text: &[u8]) -> Result<u64, Malformed> {
    scan::lines(text).next().and_then(scan::decimal).ok_or(Malformed { what: "no number", at: 0 })
}

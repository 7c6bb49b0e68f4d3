//! `system.network.conntrack.*`: two files with one number each, there only while the kernel tracks connections.

use exporter::model::Metric;
use exporter::segment::{Segment, SeriesId};

use crate::catalog::Enabled;
use crate::catalog::hostmetrics::network;
use crate::collectors::Scrape;
use crate::collectors::faults::{Faults, Malformed};
use crate::paths::HostPaths;
use crate::scan;
use crate::source::KeptFile;

static FILES: [(&Metric, &str); 2] = [
    (&network::CONNTRACK_COUNT, "sys/net/netfilter/nf_conntrack_count"),
    (&network::CONNTRACK_MAX, "sys/net/netfilter/nf_conntrack_max"),
];

/// The reported ones of the two figures. Unlike in the collector, each stands without the other.
#[derive(Debug)]
pub(super) struct Conntrack(Vec<(SeriesId, KeptFile)>);

impl Conntrack {
    /// Registers what is reported; reads nothing yet.
    pub(super) fn new(paths: &HostPaths, segment: &mut Segment, enabled: &Enabled) -> Self {
        let reported = FILES.iter().filter(|(metric, _)| enabled.has(metric));
        Self(
            reported
                .map(|(metric, path)| (segment.series(metric, &[]), KeptFile::new(paths.proc(path))))
                .collect(),
        )
    }

    /// Records both figures.
    pub(super) fn read(&mut self, segment: &mut Segment, scrape: &mut Scrape<'_>) {
        for (series, file) in &mut self.0 {
            match file.read(scrape.buffer) {
                Ok(text) => {
                    let mut faults = Faults::default();
                    if let Some(entries) = faults.check(entries(text)) {
                        segment.set_u64(*series, entries);
                    }
                    faults.report(scrape, file);
                }
                Err(error) => scrape.fail(&error),
            }
        }
    }
}

/// The number in the file.
pub(super) fn entries(text: &[u8]) -> Result<u64, Malformed> {
    scan::lines(text).next().and_then(scan::decimal).ok_or(Malformed { what: "no number", at: 0 })
}

//! `nfs.client.*` and `nfs.server.*`: what the kernel's NFS client and server did since they were loaded.
//!
//! Reads `/proc/net/rpc/nfs` and `/proc/net/rpc/nfsd` of the agent's network namespace. A host that is no client
//! or no server lacks that file, which is counted as `not_found` once per scrape and leaves out its rows only.
//! Counts of operations that are newer than the names known here are left out.

use exporter::model::{Attribute, Metric};
use exporter::segment::{Segment, SeriesId};

use self::names::{CLIENT_V4_OPERATIONS, SERVER_V4_OPERATIONS, SERVER_V4_PROCEDURES, V3_PROCEDURES};
use self::parse::{Layout, Line, each_line};
use crate::catalog::Enabled;
use crate::catalog::hostmetrics::nfs as catalog;
use crate::collectors::{Collector, Scrape, Setup};
use crate::source::KeptFile;

mod names;
mod parse;
#[cfg(test)]
mod tests;

/// The collector of `nfs.*`.
#[derive(Debug)]
pub struct Nfs {
    segment: Segment,
    client: Source,
    server: Source,
    /// The figures of the file being read: only a file without a malformed line is recorded.
    staged: Vec<(SeriesId, u64)>,
}

/// One of the two files and its series.
#[derive(Debug)]
struct Source {
    file: KeptFile,
    wanted: bool,
    rows: Vec<Row>,
}

/// Figures of one kind of line that belong to one metric. Series are registered when the line is first seen.
#[derive(Debug)]
struct Row {
    kind: &'static [u8],
    layout: Layout,
    metric: &'static Metric,
    enabled: bool,
    series: Series,
    ids: Vec<Option<SeriesId>>,
}

/// Which figures of a line make the row's points, and with which attributes.
#[derive(Debug, Clone, Copy)]
enum Series {
    /// The figure at this place, without attributes.
    One(usize),
    /// The figures at these places, by the value of an attribute.
    Keyed(&'static str, &'static [(usize, &'static str)]),
    /// All figures: calls of this NFS version, by their names' attribute and names.
    Calls(i64, &'static str, &'static [&'static str]),
}

impl Row {
    fn new(
        enabled: &Enabled,
        kind: &'static str,
        layout: Layout,
        metric: &'static Metric,
        series: Series,
    ) -> Self {
        let kind = kind.as_bytes();
        Self { kind, layout, metric, enabled: enabled.has(metric), series, ids: Vec::new() }
    }

    fn register(&mut self, segment: &mut Segment) {
        let metric = self.metric;
        self.ids = match self.series {
            Series::One(_) => vec![Some(segment.series(metric, &[]))],
            Series::Keyed(key, values) => values
                .iter()
                .map(|(_, value)| Some(segment.series(metric, &[Attribute::str(key, value)])))
                .collect(),
            Series::Calls(version, key, names) => names
                .iter()
                .map(|name| {
                    let attributes = [Attribute::int("onc_rpc.version", version), Attribute::str(key, name)];
                    (!name.is_empty()).then(|| segment.series(metric, &attributes))
                })
                .collect(),
        };
    }

    /// Adds the row's points of `line` to `staged`.
    fn stage(&mut self, line: &Line<'_>, segment: &mut Segment, staged: &mut Vec<(SeriesId, u64)>) {
        if self.ids.is_empty() {
            self.register(segment);
        }
        let figures = line.figures();
        for (index, id) in self.ids.iter().enumerate() {
            let place = match self.series {
                Series::One(place) => place,
                Series::Keyed(_, values) => values.get(index).map_or(usize::MAX, |(place, _)| *place),
                Series::Calls(..) => index,
            };
            if let (Some(id), Some(figure)) = (id, figures.get(place)) {
                staged.push((*id, *figure));
            }
        }
    }
}

const TRANSPORT: Series = Series::Keyed("network.transport", &[(1, "udp"), (2, "tcp")]);
const PROCEDURE: &str = "onc_rpc.procedure.name";
const OPERATION: &str = "nfs.operation.name";

fn client_rows(enabled: &Enabled) -> Vec<Row> {
    let row = |kind, layout, metric, series| Row::new(enabled, kind, layout, metric, series);
    let (net, rpc) = (Layout::AtLeast(4), Layout::AtLeast(3));
    let procedures = Series::Calls(3, PROCEDURE, &V3_PROCEDURES);
    let operations = Series::Calls(4, OPERATION, &CLIENT_V4_OPERATIONS);
    vec![
        row("net", net, &catalog::CLIENT_NET_COUNT, TRANSPORT),
        row("net", net, &catalog::CLIENT_NET_TCP_CONNECTION_ACCEPTED, Series::One(3)),
        row("rpc", rpc, &catalog::CLIENT_RPC_COUNT, Series::One(0)),
        row("rpc", rpc, &catalog::CLIENT_RPC_RETRANSMIT_COUNT, Series::One(1)),
        row("rpc", rpc, &catalog::CLIENT_RPC_AUTHREFRESH_COUNT, Series::One(2)),
        row("proc3", Layout::Calls, &catalog::CLIENT_PROCEDURE_COUNT, procedures),
        row("proc4", Layout::Calls, &catalog::CLIENT_OPERATION_COUNT, operations),
    ]
}

fn server_rows(enabled: &Enabled) -> Vec<Row> {
    let row = |kind, layout, metric, series| Row::new(enabled, kind, layout, metric, series);
    let (three, net) = (Layout::AtLeast(3), Layout::AtLeast(4));
    let replies = Series::Keyed("nfs.server.repcache.status", &[(0, "hit"), (1, "miss"), (2, "nocache")]);
    // The bytes of the clients' READ calls are `receive`, as the collector has it.
    let directions = Series::Keyed("network.io.direction", &[(0, "receive"), (1, "transmit")]);
    let errors = Series::Keyed("error.type", &[(2, "format"), (3, "auth"), (4, "client")]);
    let third = Series::Calls(3, PROCEDURE, &V3_PROCEDURES);
    let fourth = Series::Calls(4, PROCEDURE, &SERVER_V4_PROCEDURES);
    let operations = Series::Calls(4, OPERATION, &SERVER_V4_OPERATIONS);
    vec![
        row("rc", three, &catalog::SERVER_REPCACHE_REQUESTS, replies),
        row("fh", Layout::AtLeast(1), &catalog::SERVER_FH_STALE_COUNT, Series::One(0)),
        row("io", Layout::AtLeast(2), &catalog::SERVER_IO, directions),
        row("th", Layout::First, &catalog::SERVER_THREAD_COUNT, Series::One(0)),
        row("net", net, &catalog::SERVER_NET_COUNT, TRANSPORT),
        row("net", net, &catalog::SERVER_NET_TCP_CONNECTION_ACCEPTED, Series::One(3)),
        row("rpc", Layout::AtLeast(5), &catalog::SERVER_RPC_COUNT, errors),
        row("proc3", Layout::Calls, &catalog::SERVER_PROCEDURE_COUNT, third),
        row("proc4", Layout::Calls, &catalog::SERVER_PROCEDURE_COUNT, fourth),
        row("proc4ops", Layout::Calls, &catalog::SERVER_OPERATION_COUNT, operations),
    ]
}

impl Source {
    fn new(file: KeptFile, rows: Vec<Row>) -> Self {
        Self { file, wanted: rows.iter().any(|row| row.enabled), rows }
    }

    fn collect(&mut self, scrape: &mut Scrape<'_>, segment: &mut Segment, staged: &mut Vec<(SeriesId, u64)>) {
        if !self.wanted {
            return;
        }
        staged.clear();
        let text = match self.file.read(scrape.buffer) {
            Ok(text) => text,
            Err(error) => return scrape.fail(&error),
        };
        let Self { rows, .. } = self;
        let layouts: Vec<_> = rows.iter().map(|row| (row.kind, row.layout)).collect();
        let layout_of =
            |kind: &[u8]| layouts.iter().find(|(known, _)| *known == kind).map(|(_, layout)| *layout);
        let parsed = each_line(text, layout_of, |line| {
            for row in rows.iter_mut().filter(|row| row.enabled && row.kind == line.kind) {
                row.stage(&line, segment, staged);
            }
        });
        match parsed {
            Ok(()) => {
                for (id, figure) in staged.drain(..) {
                    segment.set_u64(id, figure);
                }
            }
            Err((what, at)) => scrape.fail(&self.file.malformed(what, at)),
        }
    }
}

impl Nfs {
    /// The collector for the host of `setup`.
    pub fn new(setup: &Setup) -> Self {
        let file = |name| KeptFile::new(setup.paths.proc(name));
        Self {
            segment: setup.node_segment("tare.host.nfs"),
            client: Source::new(file("net/rpc/nfs"), client_rows(&setup.enabled)),
            server: Source::new(file("net/rpc/nfsd"), server_rows(&setup.enabled)),
            staged: Vec::new(),
        }
    }
}

impl Collector for Nfs {
    fn name(&self) -> &'static str {
        "nfs"
    }

    fn collect(&mut self, scrape: &mut Scrape<'_>) {
        self.segment.begin(scrape.time);
        self.client.collect(scrape, &mut self.segment, &mut self.staged);
        self.server.collect(scrape, &mut self.segment, &mut self.staged);
        self.segment.finish();
    }

    fn segments(&self, visit: &mut dyn FnMut(&Segment)) {
        visit(&self.segment);
    }
}

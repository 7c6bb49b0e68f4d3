//! The interfaces of one network namespace, each with its series.

use exporter::model::Attribute;
use exporter::segment::Segment;

use super::readings::Network;
use super::segments::Maker;
use crate::collectors::points::{Point, Points, count};
use crate::collectors::table::Table;

/// The most interfaces of one namespace: a node has one for each pod, and a few of its own.
const MAX_INTERFACES: usize = 2048;

/// Interfaces by name.
#[derive(Debug)]
pub(super) struct Interfaces {
    table: &'static [Point<Network>],
    /// `None` while there is no room for its series.
    rows: Table<Option<Points<Network>>>,
    series: usize,
    recorded: usize,
}

impl Interfaces {
    pub(super) fn new(table: &'static [Point<Network>]) -> Self {
        Self { table, rows: Table::new(MAX_INTERFACES), series: 0, recorded: 0 }
    }

    /// How many series there are.
    pub(super) const fn series(&self) -> usize {
        self.series
    }

    /// Begins a reading.
    pub(super) fn begin(&mut self) {
        self.rows.begin();
        self.recorded = 0;
    }

    /// Records one interface of it.
    pub(super) fn record(
        &mut self,
        segment: &mut Segment,
        maker: &mut Maker<'_>,
        name: &str,
        reading: &Network,
    ) {
        let width = count(self.table, maker.enabled);
        let Some(row) = self.rows.row(name.as_bytes(), |_| None) else {
            maker.refused += width as u64;
            return;
        };
        if row.is_none() && maker.admits(width) {
            let own = [Attribute::str("interface", name)];
            *row = Some(Points::register(segment, maker.enabled, self.table, &own));
            self.series += width;
        }
        if let Some(points) = row {
            points.record(segment, reading);
            self.recorded += 1;
        }
    }

    /// Ends every series of every interface.
    pub(super) fn end(&self, segment: &mut Segment) {
        for points in self.rows.rows().flatten() {
            points.end(segment);
        }
    }

    /// Ends a reading; answers whether it had any interface. Those that are gone for long are forgotten.
    pub(super) fn finish(&mut self, segment: &mut Segment, maker: &Maker<'_>) -> bool {
        let Self { rows, series, table, .. } = self;
        rows.finish(|points| {
            if let Some(points) = points {
                points.forget(segment);
                *series = series.saturating_sub(count(table, maker.enabled));
            }
        });
        self.recorded > 0
    }
}

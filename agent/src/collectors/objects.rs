//! What a file lists one row each for (devices, interfaces), from parsed rows to points: found again by name,
//! filtered by name once, and registered when first seen.

use exporter::model::Attribute;
use exporter::segment::Segment;

use super::Scrape;
use super::faults::{Faults, Malformed};
use super::points::{Point, Points};
use super::table::Table;
use crate::catalog::Enabled;
use crate::filter::Filter;
use crate::source::KeptFile;

/// The objects of one file, each with the series of one table and its name as the attribute `device`.
#[derive(Debug)]
pub(crate) struct Objects<S: 'static> {
    /// `None` for an object that the filter excludes.
    rows: Table<Option<Points<S>>>,
    points: &'static [Point<S>],
    filter: Filter,
    enabled: Enabled,
    what: &'static str,
}

impl<S> Objects<S> {
    /// At most `limit` objects, called `what` in messages, of which `filter` passes those to be reported.
    pub(crate) fn new(
        points: &'static [Point<S>],
        enabled: &Enabled,
        filter: Filter,
        limit: usize,
        what: &'static str,
    ) -> Self {
        Self { rows: Table::new(limit), points, filter, enabled: enabled.clone(), what }
    }

    /// Records the rows of one file that was read, and drops the series of objects that are long gone.
    pub(crate) fn record<'t>(
        &mut self,
        segment: &mut Segment,
        rows: impl Iterator<Item = Result<(&'t [u8], S), Malformed>>,
    ) -> Faults {
        let Self { rows: known, points, filter, enabled, .. } = self;
        let mut faults = Faults::default();
        known.begin();
        for row in rows {
            let Some((name, reading)) = faults.check(row) else { continue };
            let object = known.row(name, |name| {
                let own = [Attribute::str("device", name)];
                filter.passes(name).then(|| Points::register(segment, enabled, points, &own))
            });
            if let Some(Some(object)) = object {
                object.record(segment, &reading);
            }
        }
        known.finish(|object| {
            if let Some(object) = object {
                object.forget(segment);
            }
        });
        faults
    }

    /// Counts the malformed rows and the objects beyond the limit of that reading of `file`.
    pub(crate) fn report(&self, faults: Faults, scrape: &mut Scrape<'_>, file: &KeptFile) {
        faults.report(scrape, file);
        self.rows.report(scrape, file, self.what);
    }
}

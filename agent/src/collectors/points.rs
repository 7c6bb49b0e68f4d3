//! From a parsed reading to points: one table per source says which value of it is which series.
//!
//! A row of such a table is a row of the parity contract. A value that the reading does not have is not
//! recorded, so the series is missing from that scrape.

use exporter::model::{Attribute, Metric};
use exporter::segment::{Segment, SeriesId};

use crate::catalog::Enabled;

#[cfg(test)]
mod tests;

/// One series that a reading of type `S` gives: its metric, its fixed attributes, and how to get its value.
#[derive(Debug)]
pub(crate) struct Point<S> {
    metric: &'static Metric,
    attributes: &'static [(&'static str, &'static str)],
    value: Value<S>,
}

#[derive(Debug)]
enum Value<S> {
    Int(fn(&S) -> Option<u64>),
    Double(fn(&S) -> Option<f64>),
}

impl<S> Point<S> {
    /// A series of an integer metric.
    pub(crate) const fn int(
        metric: &'static Metric,
        attributes: &'static [(&'static str, &'static str)],
        value: fn(&S) -> Option<u64>,
    ) -> Self {
        Self { metric, attributes, value: Value::Int(value) }
    }

    /// A series of a double metric.
    pub(crate) const fn double(
        metric: &'static Metric,
        attributes: &'static [(&'static str, &'static str)],
        value: fn(&S) -> Option<f64>,
    ) -> Self {
        Self { metric, attributes, value: Value::Double(value) }
    }
}

/// Whether any row of `table` is to be reported: otherwise its source need not be read.
pub(crate) fn any<S>(table: &[Point<S>], enabled: &Enabled) -> bool {
    table.iter().any(|point| enabled.has(point.metric))
}

/// How many rows of `table` are to be reported.
pub(crate) fn count<S>(table: &[Point<S>], enabled: &Enabled) -> usize {
    table.iter().filter(|point| enabled.has(point.metric)).count()
}

/// The registered series of one object (the host, a device, a CPU).
#[derive(Debug)]
pub(crate) struct Points<S: 'static>(Box<[(SeriesId, &'static Point<S>)]>);

impl<S> Points<S> {
    /// Registers the reported rows of `table` in `segment`. `own` are the attributes that tell this object
    /// from others; they come first.
    pub(crate) fn register(
        segment: &mut Segment,
        enabled: &Enabled,
        table: &'static [Point<S>],
        own: &[Attribute<'_>],
    ) -> Self {
        let reported = table.iter().filter(|point| enabled.has(point.metric));
        Self(
            reported
                .map(|point| {
                    let fixed = point.attributes.iter().map(|(key, value)| Attribute::str(key, value));
                    let attributes: Vec<_> = own.iter().copied().chain(fixed).collect();
                    (segment.series(point.metric, &attributes), point)
                })
                .collect(),
        )
    }

    /// Whether no row is reported.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Records what `reading` has. Counters above 2^63-1 are clamped by the segment.
    pub(crate) fn record(&self, segment: &mut Segment, reading: &S) {
        for (series, point) in &self.0 {
            match point.value {
                Value::Int(get) => {
                    if let Some(value) = get(reading) {
                        segment.set_u64(*series, value);
                    }
                }
                Value::Double(get) => {
                    if let Some(value) = get(reading) {
                        segment.set_double(*series, value);
                    }
                }
            }
        }
    }

    /// Ends the series: this scrape tells, once, that there is no value any more.
    pub(crate) fn end(&self, segment: &mut Segment) {
        for (series, _) in &self.0 {
            segment.end(*series);
        }
    }

    /// Drops the series for good.
    pub(crate) fn forget(self, segment: &mut Segment) {
        for (series, _) in self.0 {
            segment.forget(series);
        }
    }
}

/// The nearest double. Exact up to 2^53: 9 PB, or 285,000 years of milliseconds.
#[expect(clippy::cast_precision_loss, reason = "the documented rounding of this function")]
pub(crate) const fn float(number: u64) -> f64 {
    number as f64
}

/// `part / whole`, rounded to as many decimal places as the larger operand has digits: what the collector's
/// `precision.Ratio` gives. `None` where there is no whole.
pub(crate) fn ratio(part: u64, whole: u64) -> Option<f64> {
    if whole == 0 {
        return None;
    }
    let digits = part.max(whole).ilog10() + 1;
    let scale = 10_f64.powi(digits.cast_signed());
    Some((float(part) / float(whole) * scale).round() / scale)
}

//! The bytes of a segment: written once in full, then patched.
//!
//! Nothing here decides what is reported; it writes the series of the present scrape and remembers where
//! their fixed-width parts are. A point of a sum begins `start_time_unix_nano`, `time_unix_nano`, value; one
//! of a gauge has no start. Sizes are counted first, so that every length is known when it is written.

use super::{Group, NOWHERE, Segment, Series};
use crate::model::{Kind, Metric, Scope, ValueType};
use crate::wire::{FIXED64, VARINT, len_field, put_len_header, put_str, str_field, tag};

/// OTLP's data point flag `NO_RECORDED_VALUE`: the series has ended.
const NO_RECORDED_VALUE: u8 = 1;
/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u8 = 2;
/// The size of a fixed-width field: tag and eight bytes.
const FIXED: usize = 9;

impl Series {
    /// Patches time and value; false where the series has no place.
    #[inline]
    pub(super) fn patch_value(&self, encoded: &mut [u8]) -> bool {
        let place = self.place as usize;
        if self.place == NOWHERE {
            return false;
        }
        let Some(point) = encoded.get_mut(place..place + 2 * FIXED) else { return false };
        point[1..FIXED].copy_from_slice(&self.time.0.to_le_bytes());
        point[FIXED + 1..].copy_from_slice(&self.bits.to_le_bytes());
        true
    }

    /// Patches the start of a sum that has a place.
    pub(super) fn patch_start(&self, encoded: &mut [u8]) {
        let place = self.place as usize;
        if self.is_sum() && self.place != NOWHERE {
            encoded[place - FIXED + 1..place].copy_from_slice(&self.start.0.to_le_bytes());
        }
    }

    /// Whether the point has a start.
    fn is_sum(&self) -> bool {
        self.kind != Kind::Gauge
    }

    /// The size of the `NumberDataPoint` without its tag and length.
    fn len(&self) -> usize {
        let start = if self.is_sum() { FIXED } else { 0 };
        let value = if self.ended { 2 } else { FIXED };
        start + FIXED + value + self.attributes.len()
    }

    /// Appends the point and remembers where it is.
    fn write(&mut self, out: &mut Vec<u8>) {
        put_len_header(out, 1, self.len());
        if self.is_sum() {
            out.extend_from_slice(&fixed64(2, self.start.0));
        }
        // A place past 4 GiB is not remembered: the layout would be rebuilt each time, and still be right.
        self.place = if self.ended { NOWHERE } else { u32::try_from(out.len()).unwrap_or(NOWHERE) };
        out.extend_from_slice(&fixed64(3, self.time.0));
        if self.ended {
            out.extend_from_slice(&[tag(8, VARINT), NO_RECORDED_VALUE]);
        } else {
            let field = if self.value_type == ValueType::Double { 4 } else { 6 };
            out.extend_from_slice(&fixed64(field, self.bits));
        }
        out.extend_from_slice(&self.attributes);
    }
}

fn fixed64(field: u8, value: u64) -> [u8; FIXED] {
    let mut bytes = [tag(field, FIXED64); FIXED];
    bytes[1..].copy_from_slice(&value.to_le_bytes());
    bytes
}

impl Segment {
    /// Writes `encoded` anew from the series set in the present scrape.
    pub(super) fn lay_out(&mut self) {
        let metrics = self.measure();
        let mut out = std::mem::take(&mut self.encoded);
        out.clear();
        if self.set_now > 0 {
            self.write(&mut out, metrics);
        }
        self.encoded = out;
    }

    /// Takes every series' place away and answers the size of all `metrics` fields.
    fn measure(&mut self) -> usize {
        let mut metrics = 0;
        for group in &mut self.groups {
            group.points_len = 0;
            for member in &group.members {
                let series = &mut self.series[*member as usize];
                series.place = NOWHERE;
                if series.seen == self.scrape {
                    group.points_len += len_field(series.len());
                }
            }
            if group.points_len > 0 {
                metrics += len_field(group.len());
            }
        }
        metrics
    }

    fn write(&mut self, out: &mut Vec<u8>, metrics: usize) {
        let scope = str_field(self.scope.name) + str_field(self.scope.version);
        let scope_metrics = len_field(scope) + metrics;
        let body = len_field(self.resource.len()) + len_field(scope_metrics);
        out.reserve_exact(len_field(body));
        put_len_header(out, 1, body);
        put_len_header(out, 1, self.resource.len());
        out.extend_from_slice(&self.resource);
        put_len_header(out, 2, scope_metrics);
        put_len_header(out, 1, scope);
        let Scope { name, version } = self.scope;
        put_str(out, 1, name);
        put_str(out, 2, version);
        for group in self.groups.iter().filter(|group| group.points_len > 0) {
            group.write_head(out);
            for member in &group.members {
                let series = &mut self.series[*member as usize];
                if series.seen == self.scrape {
                    series.write(out);
                }
            }
            group.write_tail(out);
        }
    }
}

impl Group {
    /// The size of the `Metric` without its tag and length.
    fn len(&self) -> usize {
        let Metric { name, description, unit, .. } = self.metric;
        str_field(name) + str_field(description) + str_field(unit) + len_field(self.data_len())
    }

    /// The size of the `Gauge` or `Sum` around the points.
    const fn data_len(&self) -> usize {
        self.points_len
            + match self.metric.kind {
                Kind::Gauge => 0,
                Kind::Sum { monotonic: false } => 2,
                Kind::Sum { monotonic: true } => 4,
            }
    }

    /// Appends what comes before the points.
    fn write_head(&self, out: &mut Vec<u8>) {
        put_len_header(out, 2, self.len());
        put_str(out, 1, self.metric.name);
        put_str(out, 2, self.metric.description);
        put_str(out, 3, self.metric.unit);
        put_len_header(out, if self.metric.kind == Kind::Gauge { 5 } else { 7 }, self.data_len());
    }

    /// Appends what comes after the points.
    fn write_tail(&self, out: &mut Vec<u8>) {
        if let Kind::Sum { monotonic } = self.metric.kind {
            out.extend_from_slice(&[tag(2, VARINT), CUMULATIVE]);
            if monotonic {
                out.extend_from_slice(&[tag(3, VARINT), 1]);
            }
        }
    }
}

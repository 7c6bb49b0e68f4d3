//! A segment: one resource and one scope, kept in OTLP's wire form.
//!
//! Most OTLP bytes never change between two scrapes: values and timestamps have a fixed width, so a segment
//! is laid out once and its numbers are patched in place until the set of reported series changes
//! (`docs/decisions/0002-patched-segments.md`). A collector registers each series once, keeps the
//! [`SeriesId`], and per scrape calls [`Segment::begin`], `set_*` for each value read, [`Segment::finish`].
//!
//! Invariants: a series that was not set between `begin` and `finish` is not in the output (a failed read
//! emits nothing, never zero); a monotonic sum that goes backwards starts anew at the previous scrape's time.
//! A steady scrape allocates nothing.

use crate::model::{Attribute, Kind, Metric, Scope, Timestamp, ValueType};
use crate::wire::{FIXED64, len_field, put_attribute, put_len_header, put_str, put_varint, str_field, tag};

#[cfg(test)]
mod tests;

/// A series of one segment: a metric and a set of attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SeriesId(u32);

/// OTLP's data point flag `NO_RECORDED_VALUE`: the series has ended.
const NO_RECORDED_VALUE: u64 = 1;
/// A series that has no place in the laid-out bytes.
const NOWHERE: usize = usize::MAX;
/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u8 = 2;

#[derive(Debug)]
struct Series {
    group: u32,
    /// The encoded `attributes` fields of a `NumberDataPoint`; empty once forgotten.
    attributes: Box<[u8]>,
    start: Timestamp,
    time: Timestamp,
    /// The bits of the last value: two's complement or IEEE 754, by the metric's type.
    bits: u64,
    /// The scrape in which the series was last set; zero is never.
    seen: u64,
    /// The last scrape ends the series: it goes out once more, without a value.
    ended: bool,
    /// Where the fixed-width part of the point begins in the laid-out bytes.
    place: usize,
}

#[derive(Debug)]
struct Group {
    metric: &'static Metric,
    members: Vec<u32>,
}

/// One resource and one scope with their points, encoded. See the module's documentation.
#[derive(Debug)]
pub struct Segment {
    resource: Box<[u8]>,
    scope: Scope,
    series: Vec<Series>,
    free: Vec<u32>,
    groups: Vec<Group>,
    encoded: Vec<u8>,
    scrape: u64,
    set_now: usize,
    laid_out: usize,
    stale_layout: bool,
    /// The source's start: when cumulative sums began to count.
    start: Timestamp,
    time: Timestamp,
    previous_time: Timestamp,
}

impl Segment {
    /// An empty segment for `resource` (its attributes) and `scope`. `start` is when the source of the sums
    /// began to count: the boot time for a host's counters, the start of a process for its own.
    pub fn new(resource: &[Attribute<'_>], scope: Scope, start: Timestamp) -> Self {
        let mut bytes = Vec::new();
        for attribute in resource {
            put_attribute(&mut bytes, 1, attribute);
        }
        Self {
            resource: bytes.into_boxed_slice(),
            scope,
            series: Vec::new(),
            free: Vec::new(),
            groups: Vec::new(),
            encoded: Vec::new(),
            scrape: 0,
            set_now: 0,
            laid_out: 0,
            stale_layout: true,
            start,
            time: Timestamp(0),
            previous_time: Timestamp(0),
        }
    }

    /// Registers a series. Registering the same metric and attributes twice makes two series: keep the id.
    pub fn series(&mut self, metric: &'static Metric, attributes: &[Attribute<'_>]) -> SeriesId {
        let mut bytes = Vec::new();
        for attribute in attributes {
            put_attribute(&mut bytes, 7, attribute);
        }
        let group = self.group(metric);
        let series = Series {
            group,
            attributes: bytes.into_boxed_slice(),
            start: self.start,
            time: Timestamp(0),
            bits: 0,
            seen: 0,
            ended: false,
            place: NOWHERE,
        };
        let index = if let Some(index) = self.free.pop() {
            self.series[index as usize] = series;
            index
        } else {
            self.series.push(series);
            u32::try_from(self.series.len() - 1).unwrap_or(u32::MAX)
        };
        self.groups[group as usize].members.push(index);
        SeriesId(index)
    }

    fn group(&mut self, metric: &'static Metric) -> u32 {
        let found = self.groups.iter().position(|group| std::ptr::eq(group.metric, metric));
        let index = found.unwrap_or_else(|| {
            self.groups.push(Group { metric, members: Vec::new() });
            self.groups.len() - 1
        });
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    /// Drops a series for good; its id must not be used again.
    pub fn forget(&mut self, id: SeriesId) {
        let series = &mut self.series[id.0 as usize];
        series.attributes = Box::default();
        series.seen = 0;
        series.place = NOWHERE;
        self.groups[series.group as usize].members.retain(|member| *member != id.0);
        self.free.push(id.0);
        self.stale_layout = true;
    }

    /// Starts a scrape whose values are read at `time`.
    pub fn begin(&mut self, time: Timestamp) {
        self.scrape += 1;
        self.set_now = 0;
        self.previous_time = self.time;
        self.time = time;
    }

    /// Records an integer. A value above `i64::MAX` must be refused by the caller.
    pub fn set_int(&mut self, id: SeriesId, value: i64) {
        let series = &self.series[id.0 as usize];
        let metric = self.groups[series.group as usize].metric;
        debug_assert_eq!(metric.value_type, ValueType::Int, "{}", metric.name);
        let restarted = metric.kind == (Kind::Sum { monotonic: true })
            && series.seen != 0
            && value < series.bits.cast_signed();
        self.set(id, value.cast_unsigned(), restarted);
    }

    /// Records an unsigned counter; what does not fit OTLP's signed integer is clamped to `i64::MAX`.
    pub fn set_u64(&mut self, id: SeriesId, value: u64) {
        self.set_int(id, i64::try_from(value).unwrap_or(i64::MAX));
    }

    /// Records a double. NaN and infinities are not recorded: the series is then missing from this scrape.
    pub fn set_double(&mut self, id: SeriesId, value: f64) {
        if !value.is_finite() {
            return;
        }
        let series = &self.series[id.0 as usize];
        let metric = self.groups[series.group as usize].metric;
        debug_assert_eq!(metric.value_type, ValueType::Double, "{}", metric.name);
        let restarted = metric.kind == (Kind::Sum { monotonic: true })
            && series.seen != 0
            && value < f64::from_bits(series.bits);
        self.set(id, value.to_bits(), restarted);
    }

    /// Ends a series: this scrape reports it once more with the flag "no recorded value".
    pub fn end(&mut self, id: SeriesId) {
        self.set(id, 0, false);
        let series = &mut self.series[id.0 as usize];
        series.ended = true;
        series.place = NOWHERE;
        self.stale_layout = true;
    }

    fn set(&mut self, id: SeriesId, bits: u64, restarted: bool) {
        let series = &mut self.series[id.0 as usize];
        series.bits = bits;
        series.time = self.time;
        if series.seen != self.scrape {
            series.seen = self.scrape;
            self.set_now += 1;
        }
        if series.ended {
            series.ended = false;
            self.stale_layout = true;
        }
        if restarted {
            series.start = self.previous_time;
        }
        if series.place == NOWHERE {
            self.stale_layout = true;
            return;
        }
        let metric = self.groups[series.group as usize].metric;
        let mut at = series.place + 1;
        if metric.kind != Kind::Gauge {
            self.encoded[at..at + 8].copy_from_slice(&series.start.0.to_le_bytes());
            at += 9;
        }
        self.encoded[at..at + 8].copy_from_slice(&series.time.0.to_le_bytes());
        self.encoded[at + 9..at + 17].copy_from_slice(&bits.to_le_bytes());
    }

    /// Completes the scrape; afterwards [`Segment::encoded`] holds exactly the series set since
    /// [`Segment::begin`]. Answers whether the layout had to be rebuilt.
    pub fn finish(&mut self) -> bool {
        let rebuild = self.stale_layout || self.set_now != self.laid_out;
        if rebuild {
            self.lay_out();
        }
        rebuild
    }

    /// The number of points in the finished scrape.
    pub fn points(&self) -> usize {
        self.laid_out
    }

    /// The finished scrape as one `resource_metrics` field of an `ExportMetricsServiceRequest`; empty
    /// where no series was set. Such fields can be concatenated into a request.
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    fn point_len(series: &Series, kind: Kind) -> usize {
        let start = if kind == Kind::Gauge { 0 } else { 9 };
        let value = if series.ended { 2 } else { 9 };
        start + 9 + value + series.attributes.len()
    }

    fn metric_len(group: &Group, points: usize) -> usize {
        let metric = group.metric;
        let data = data_len(metric.kind, points);
        str_field(metric.name) + str_field(metric.description) + str_field(metric.unit) + len_field(data)
    }

    /// The encoded size of the points of a group that belong to this scrape; zero where there are none.
    fn points_len(&self, group: &Group) -> usize {
        group
            .members
            .iter()
            .map(|member| &self.series[*member as usize])
            .filter(|series| series.seen == self.scrape)
            .map(|series| len_field(Self::point_len(series, group.metric.kind)))
            .sum()
    }

    fn lay_out(&mut self) {
        for series in &mut self.series {
            series.place = NOWHERE;
        }
        self.stale_layout = false;
        self.laid_out = self.set_now;
        let mut out = std::mem::take(&mut self.encoded);
        out.clear();
        if self.set_now > 0 {
            self.write(&mut out);
        }
        self.encoded = out;
    }

    fn write(&mut self, out: &mut Vec<u8>) {
        let scope_body = str_field(self.scope.name) + str_field(self.scope.version);
        let mut metrics = 0;
        for group in &self.groups {
            let points = self.points_len(group);
            if points > 0 {
                metrics += len_field(Self::metric_len(group, points));
            }
        }
        let scope_metrics = len_field(scope_body) + metrics;
        let body = len_field(self.resource.len()) + len_field(scope_metrics);
        out.reserve(len_field(body));
        put_len_header(out, 1, body);
        put_len_header(out, 1, self.resource.len());
        out.extend_from_slice(&self.resource);
        put_len_header(out, 2, scope_metrics);
        put_len_header(out, 1, scope_body);
        put_str(out, 1, self.scope.name);
        put_str(out, 2, self.scope.version);
        let groups = std::mem::take(&mut self.groups);
        for group in &groups {
            let points = self.points_len(group);
            if points > 0 {
                self.write_metric(out, group, points);
            }
        }
        self.groups = groups;
    }

    fn write_metric(&mut self, out: &mut Vec<u8>, group: &Group, points: usize) {
        let metric = group.metric;
        put_len_header(out, 2, Self::metric_len(group, points));
        put_str(out, 1, metric.name);
        put_str(out, 2, metric.description);
        put_str(out, 3, metric.unit);
        let data_field = if metric.kind == Kind::Gauge { 5 } else { 7 };
        put_len_header(out, data_field, data_len(metric.kind, points));
        for member in &group.members {
            let index = *member as usize;
            if self.series[index].seen == self.scrape {
                let place = Self::write_point(out, &self.series[index], metric);
                self.series[index].place = place;
            }
        }
        if let Kind::Sum { monotonic } = metric.kind {
            out.extend_from_slice(&[tag(2, 0), CUMULATIVE]);
            if monotonic {
                out.extend_from_slice(&[tag(3, 0), 1]);
            }
        }
    }

    /// Writes one data point and answers where its fixed-width part begins, or nowhere for an ended series.
    fn write_point(out: &mut Vec<u8>, series: &Series, metric: &Metric) -> usize {
        put_len_header(out, 1, Self::point_len(series, metric.kind));
        let place = out.len();
        if metric.kind != Kind::Gauge {
            out.push(tag(2, FIXED64));
            out.extend_from_slice(&series.start.0.to_le_bytes());
        }
        out.push(tag(3, FIXED64));
        out.extend_from_slice(&series.time.0.to_le_bytes());
        if series.ended {
            out.push(tag(8, 0));
            put_varint(out, NO_RECORDED_VALUE);
        } else {
            let field = if metric.value_type == ValueType::Double { 4 } else { 6 };
            out.push(tag(field, FIXED64));
            out.extend_from_slice(&series.bits.to_le_bytes());
        }
        out.extend_from_slice(&series.attributes);
        if series.ended { NOWHERE } else { place }
    }
}

/// The size of a `Gauge` or `Sum` message around `points` bytes of data points.
const fn data_len(kind: Kind, points: usize) -> usize {
    points
        + match kind {
            Kind::Gauge => 0,
            Kind::Sum { monotonic: false } => 2,
            Kind::Sum { monotonic: true } => 4,
        }
}

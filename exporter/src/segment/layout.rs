//! The bytes of a segment: its metrics written once, then copied and filled in.
//!
//! Nothing here decides what is reported; it writes the series of the present scrape and remembers where
//! their fixed-width parts are. A point of a sum begins `start_time_unix_nano`, `time_unix_nano`, value; one
//! of a gauge has no start. Sizes are counted first, so that every length is known when it is written.

use std::sync::Arc;

use super::{Definition, Group, Segment, Shape, State};
use crate::model::{Kind, Metric, Scope, Timestamp, ValueType};
use crate::wire::{FIXED64, VARINT, len_field, put_len_header, put_str, str_field, tag};

/// OTLP's data point flag `NO_RECORDED_VALUE`: the series has ended.
const NO_RECORDED_VALUE: u8 = 1;
/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u8 = 2;
/// The size of a fixed-width field: tag and eight bytes.
const FIXED: usize = 9;
/// The largest message that protobuf knows, in bytes. It keeps places within 32 bits.
const LARGEST: usize = if cfg!(test) { 16 << 20 } else { i32::MAX as usize };

/// The points of a scrape, with zeros for every number.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Layout {
    /// The `scope_metrics` field of a `ResourceMetrics`.
    bytes: Vec<u8>,
    /// Where the numbers of the points are. Points of one form lie together here, so that writing them is one loop
    /// without a choice in it.
    places: [Vec<Place>; FORMS],
}

/// Where the numbers of a point are.
#[derive(Debug, PartialEq)]
struct Place {
    /// The first of its fixed-width fields.
    at: u32,
    series: u32,
}

/// Which numbers a point has.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    /// Time and value.
    Gauge,
    /// Start, time and value.
    Sum,
    /// Time.
    EndedGauge,
    /// Start and time.
    EndedSum,
}

const FORMS: usize = 4;

impl Form {
    const fn of(kind: Kind, ended: bool) -> Self {
        match (kind, ended) {
            (Kind::Gauge, false) => Self::Gauge,
            (Kind::Gauge, true) => Self::EndedGauge,
            (Kind::Sum { .. }, false) => Self::Sum,
            (Kind::Sum { .. }, true) => Self::EndedSum,
        }
    }
}

impl Layout {
    /// Writes the numbers of the series into `bytes`, a copy of the layout's. What is laid out was observed in one scrape,
    /// at `time`.
    fn fill(&self, bytes: &mut [u8], states: &[State], time: Timestamp) {
        let [gauges, sums, ended_gauges, ended_sums] = &self.places;
        let time = time.0;
        each::<{ 2 * FIXED }, 2>(gauges, bytes, states, |state| [time, state.bits]);
        each::<{ 3 * FIXED }, 3>(sums, bytes, states, |state| [state.start.0, time, state.bits]);
        each::<FIXED, 1>(ended_gauges, bytes, states, |_| [time]);
        each::<{ 2 * FIXED }, 2>(ended_sums, bytes, states, |state| [state.start.0, time]);
    }
}

/// Writes the numbers of the points at `places`.
fn each<const SIZE: usize, const COUNT: usize>(
    places: &[Place],
    bytes: &mut [u8],
    states: &[State],
    of: impl Fn(&State) -> [u64; COUNT],
) {
    for place in places {
        let at = place.at as usize;
        let fields = bytes.get_mut(at..at + SIZE).and_then(|fields| fields.first_chunk_mut::<SIZE>());
        if let (Some(fields), Some(state)) = (fields, states.get(place.series as usize)) {
            numbers(fields, of(state));
        }
    }
}

/// Writes `numbers` behind the tags of as many fixed-width fields.
fn numbers<const SIZE: usize, const COUNT: usize>(fields: &mut [u8; SIZE], numbers: [u64; COUNT]) {
    for (field, number) in fields.chunks_exact_mut(FIXED).zip(numbers) {
        field[1..].copy_from_slice(&number.to_le_bytes());
    }
}

fn fixed64(field: u8) -> [u8; FIXED] {
    let mut bytes = [0; FIXED];
    bytes[0] = tag(field, FIXED64);
    bytes
}

impl Definition {
    /// Whether the point has a start.
    fn is_sum(&self) -> bool {
        self.kind != Kind::Gauge
    }

    /// The size of the `NumberDataPoint` without its tag and length.
    fn len(&self, ended: bool) -> usize {
        let start = if self.is_sum() { FIXED } else { 0 };
        let value = if ended { 2 } else { FIXED };
        start + FIXED + value + self.attributes.len()
    }

    /// Appends the point; answers where its fixed-width fields begin.
    fn write(&self, ended: bool, out: &mut Vec<u8>) -> usize {
        put_len_header(out, 1, self.len(ended));
        let at = out.len();
        if self.is_sum() {
            out.extend_from_slice(&fixed64(2));
        }
        out.extend_from_slice(&fixed64(3));
        if ended {
            out.extend_from_slice(&[tag(8, VARINT), NO_RECORDED_VALUE]);
        } else {
            out.extend_from_slice(&fixed64(if self.value_type == ValueType::Double { 4 } else { 6 }));
        }
        out.extend_from_slice(&self.attributes);
        at
    }
}

impl Segment {
    /// Writes the layout anew from the series set in the present scrape: where nobody else has it, into the same memory.
    /// Answers how many points are in it: all, or none where that would be too large a message.
    pub(super) fn lay_out(&mut self) -> usize {
        if Arc::get_mut(&mut self.layout).is_none() {
            self.layout = Arc::default();
        }
        let Some(layout) = Arc::get_mut(&mut self.layout) else { return 0 };
        for state in &mut self.states {
            state.place(self.scrape);
        }
        let reported = Reported { shape: &self.shape, states: &self.states, scrape: self.scrape };
        layout.write(&reported, self.scope);
        layout.places.iter().map(Vec::len).sum()
    }

    /// The size of the `resource_metrics` field without tag and length.
    fn len(&self) -> usize {
        self.resource.0.len() + self.layout.bytes.len()
    }

    /// The number of bytes that [`Segment::append_to`] writes.
    pub fn encoded_len(&self) -> usize {
        if self.points() == 0 { 0 } else { len_field(self.len()) }
    }

    /// Appends the finished scrape as one `resource_metrics` field of an `ExportMetricsServiceRequest`; nothing
    /// where no series was set, and while a scrape is under way. Several of them are a request.
    pub fn append_to(&self, out: &mut Vec<u8>) {
        if self.points() == 0 {
            return;
        }
        let len = self.len();
        out.reserve(len_field(len));
        put_len_header(out, 1, len);
        out.extend_from_slice(&self.resource.0);
        let before = out.len();
        out.extend_from_slice(&self.layout.bytes);
        if let Some(copy) = out.get_mut(before..) {
            self.layout.fill(copy, &self.states, self.time);
        }
    }
}

impl Layout {
    /// Lays out what is reported, into the memory at hand.
    fn write(&mut self, reported: &Reported<'_>, scope: Scope) {
        let Self { bytes, places } = self;
        bytes.clear();
        places.iter_mut().for_each(Vec::clear);
        let groups = || {
            let sized = reported.shape.groups.iter().map(|group| (group, reported.points_len(group)));
            sized.filter(|(_, points)| *points > 0)
        };
        let scope_len = str_field(scope.name) + str_field(scope.version);
        let metrics: usize = groups().map(|(group, points)| len_field(group.len(points))).sum();
        let len = len_field(scope_len) + metrics;
        if len > LARGEST {
            return;
        }
        bytes.reserve_exact(len_field(len));
        put_len_header(bytes, 2, len);
        put_len_header(bytes, 1, scope_len);
        put_str(bytes, 1, scope.name);
        put_str(bytes, 2, scope.version);
        for (places, needed) in places.iter_mut().zip(reported.forms()) {
            places.reserve_exact(needed);
        }
        for (group, points) in groups() {
            group.write_head(points, bytes);
            for (series, definition, ended) in reported.members(group) {
                let at = u32::try_from(definition.write(ended, bytes)).unwrap_or(u32::MAX);
                places[Form::of(definition.kind, ended) as usize].push(Place { at, series });
            }
            group.write_tail(bytes);
        }
    }
}

/// The series of one scrape.
struct Reported<'a> {
    shape: &'a Shape,
    states: &'a [State],
    scrape: u32,
}

impl<'a> Reported<'a> {
    /// Those of a metric: index, what it is, whether it has ended.
    fn members(&self, group: &'a Group) -> impl Iterator<Item = (u32, &'a Definition, bool)> + use<'a> {
        let Self { shape, states, scrape } = *self;
        group.members.iter().filter_map(move |index| {
            let state = states.get(*index as usize).filter(|state| state.seen == scrape)?;
            Some((*index, shape.series.get(*index as usize)?, state.mark.is_ended()))
        })
    }

    /// How many points there are of each form.
    fn forms(&self) -> [usize; FORMS] {
        let mut forms = [0; FORMS];
        for (_, definition, ended) in self.shape.groups.iter().flat_map(|group| self.members(group)) {
            forms[Form::of(definition.kind, ended) as usize] += 1;
        }
        forms
    }

    /// The encoded size of the points of a metric; zero where there are none.
    fn points_len(&self, group: &'a Group) -> usize {
        self.members(group).map(|(_, series, ended)| len_field(series.len(ended))).sum()
    }
}

impl Group {
    /// The size of the `Metric` without its tag and length.
    fn len(&self, points: usize) -> usize {
        let Metric { name, description, unit, .. } = self.metric;
        str_field(name) + str_field(description) + str_field(unit) + len_field(self.data_len(points))
    }

    /// The size of the `Gauge` or `Sum` around the points.
    const fn data_len(&self, points: usize) -> usize {
        points
            + match self.metric.kind {
                Kind::Gauge => 0,
                Kind::Sum { monotonic: false } => 2,
                Kind::Sum { monotonic: true } => 4,
            }
    }

    /// Appends what comes before the points.
    fn write_head(&self, points: usize, out: &mut Vec<u8>) {
        put_len_header(out, 2, self.len(points));
        put_str(out, 1, self.metric.name);
        put_str(out, 2, self.metric.description);
        put_str(out, 3, self.metric.unit);
        put_len_header(out, if self.metric.kind == Kind::Gauge { 5 } else { 7 }, self.data_len(points));
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

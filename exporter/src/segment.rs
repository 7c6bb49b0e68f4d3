//! A segment: one resource and one scope, kept in OTLP's wire form.
//!
//! Most OTLP bytes never change between two scrapes: values and timestamps have a fixed width, so a segment
//! is laid out once and its numbers are patched in place until the set of reported series changes
//! (`docs/decisions/0002-patched-segments.md`). A collector registers each series once, keeps the
//! [`SeriesId`], and per scrape calls [`Segment::begin`], `set_*` for each value read, [`Segment::finish`].
//! It begins and finishes every scrape that is due, also one whose sources all failed.
//!
//! Invariants: a series that was not set between `begin` and `finish` is not in the output (a failed read
//! emits nothing, never zero); a monotonic sum that goes backwards starts anew at its last observation, also
//! where scrapes without one lie between; no point starts after its own time. A steady scrape allocates nothing.

use crate::model::{Attribute, Kind, Metric, Scope, Timestamp, ValueType};
use crate::wire::put_attribute;

mod layout;
#[cfg(test)]
mod tests;

/// A series of one segment: a metric and a set of attributes. It names nothing once the series is forgotten,
/// also after its place was given to another series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SeriesId {
    index: u32,
    /// How often the slot was forgotten before this series got it.
    generation: u32,
}

impl SeriesId {
    /// Its place in the segment's table. A forgotten series leaves its place to a later one, so places stay below
    /// the largest number of series that the segment ever had at a time.
    pub const fn place(self) -> u32 {
        self.index
    }
}

/// A series that has no place in the laid-out bytes.
const NOWHERE: u32 = u32::MAX;
/// The group of a forgotten series.
const NO_GROUP: u32 = u32::MAX;

/// What is kept for a series: 64 bytes, one cache line, and the encoded attributes.
#[derive(Debug)]
struct Series {
    /// The encoded `attributes` fields of a `NumberDataPoint`; empty once forgotten.
    attributes: Box<[u8]>,
    start: Timestamp,
    /// When the series was last observed.
    time: Timestamp,
    /// The bits of the last value: two's complement or IEEE 754, by the metric's type.
    bits: u64,
    /// The scrape in which the series was last set; zero is never.
    seen: u64,
    group: u32,
    generation: u32,
    /// Where the time field of the point begins in the laid-out bytes; a sum's start field is right before.
    place: u32,
    kind: Kind,
    value_type: ValueType,
    /// The last scrape that saw the series ended it: it goes out once more, without a value.
    ended: bool,
}

impl Series {
    /// Ends the series at `time`, if there is anything to end; answers whether it is new to this scrape.
    fn end(&mut self, scrape: u64, time: Timestamp) -> bool {
        if self.seen == 0 || self.ended {
            return false;
        }
        let new = self.seen != scrape;
        self.seen = scrape;
        self.start = self.start.min(time);
        self.time = time;
        self.ended = true;
        self.place = NOWHERE;
        new
    }
}

#[derive(Debug)]
struct Group {
    metric: &'static Metric,
    /// The indices of its series, in the order of registration.
    members: Vec<u32>,
    /// The encoded size of the laid-out points; zero where there are none.
    points_len: usize,
}

/// One resource and one scope with their points, encoded. See the module's documentation.
///
/// A value is refused, and counted in [`Segment::refused`], where it cannot be reported truthfully: it is not
/// finite, does not fit OTLP's signed integer or the metric's type, belongs to a forgotten series, or comes
/// second for the same series in one scrape. The series is then as if it had not been read.
#[derive(Debug)]
pub struct Segment {
    resource: Box<[u8]>,
    scope: Scope,
    series: Vec<Series>,
    /// Slots of forgotten series whose groups still list them; freed by the next `finish`.
    forgotten: Vec<u32>,
    free: Vec<u32>,
    groups: Vec<Group>,
    encoded: Vec<u8>,
    scrape: u64,
    /// The distinct series set in this scrape.
    set_now: usize,
    /// The points in `encoded`.
    laid_out: usize,
    /// A series without a place was set: `encoded` cannot hold this scrape by patching.
    stale_layout: bool,
    /// No scrape is under way.
    finished: bool,
    refused: u64,
    /// The source's start: when cumulative sums began to count.
    start: Timestamp,
    time: Timestamp,
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
            forgotten: Vec::new(),
            free: Vec::new(),
            groups: Vec::new(),
            encoded: Vec::new(),
            scrape: 0,
            set_now: 0,
            laid_out: 0,
            stale_layout: false,
            finished: true,
            refused: 0,
            start,
            time: Timestamp(0),
        }
    }

    /// Registers a series. Registering the same metric and attributes twice makes two series: keep the id.
    pub fn series(&mut self, metric: &'static Metric, attributes: &[Attribute<'_>]) -> SeriesId {
        let mut bytes = Vec::new();
        for attribute in attributes {
            put_attribute(&mut bytes, 7, attribute);
        }
        // Below every value, so that the first observation is no restart.
        let lowest = match metric.value_type {
            ValueType::Int => i64::MIN.cast_unsigned(),
            ValueType::Double => f64::NEG_INFINITY.to_bits(),
        };
        let mut series = Series {
            attributes: bytes.into_boxed_slice(),
            start: self.start,
            time: Timestamp(0),
            bits: lowest,
            seen: 0,
            group: self.group(metric),
            generation: 0,
            place: NOWHERE,
            kind: metric.kind,
            value_type: metric.value_type,
            ended: false,
        };
        let group = series.group as usize;
        let index = if let Some(index) = self.free.pop() {
            let slot = &mut self.series[index as usize];
            series.generation = slot.generation;
            *slot = series;
            index
        } else {
            // 2^32 series of 64 bytes and more do not fit a node's memory.
            let index = u32::try_from(self.series.len()).unwrap_or(u32::MAX);
            self.series.push(series);
            index
        };
        self.groups[group].members.push(index);
        SeriesId { index, generation: self.series[index as usize].generation }
    }

    fn group(&mut self, metric: &'static Metric) -> u32 {
        // By value as well: the address of a `const` may differ from one use to the next.
        let same = |group: &Group| std::ptr::eq(group.metric, metric) || *group.metric == *metric;
        let index = self.groups.iter().position(same).unwrap_or_else(|| {
            self.groups.push(Group { metric, members: Vec::new(), points_len: 0 });
            self.groups.len() - 1
        });
        u32::try_from(index).unwrap_or(NO_GROUP)
    }

    /// Drops a series for good, also from the present scrape; its id names nothing afterwards. To tell the
    /// backend that the series is over, [`Segment::end`] it first and forget it after that scrape.
    pub fn forget(&mut self, id: SeriesId) {
        let Some(series) = find(&mut self.series, id) else { return };
        series.attributes = Box::default();
        series.group = NO_GROUP;
        // The laid-out count includes the series: it can only be reached again through a series without a
        // place, so the layout need not be marked stale.
        series.place = NOWHERE;
        if series.seen == self.scrape && self.scrape != 0 {
            self.set_now -= 1;
        }
        series.seen = 0;
        series.generation = series.generation.saturating_add(1);
        self.forgotten.push(id.index);
    }

    /// Starts a scrape whose values are read at `time`. A scrape that was begun and not finished is given up:
    /// its values are not reported, though later ones are compared with them.
    pub fn begin(&mut self, time: Timestamp) {
        self.scrape += 1;
        self.set_now = 0;
        self.refused = 0;
        self.finished = false;
        self.time = time;
    }

    /// Records an integer.
    pub fn set_int(&mut self, id: SeriesId, value: i64) {
        self.set(id, ValueType::Int, value.cast_unsigned(), |last| value < last.cast_signed());
    }

    /// Records an unsigned integer. Above `i64::MAX` it is refused: OTLP cannot carry it, and no honest
    /// counter or size is that large.
    pub fn set_u64(&mut self, id: SeriesId, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.set_int(id, value),
            Err(_) => self.refused += 1,
        }
    }

    /// Records a double. NaN and infinities are refused.
    pub fn set_double(&mut self, id: SeriesId, value: f64) {
        if value.is_finite() {
            self.set(id, ValueType::Double, value.to_bits(), |last| value < f64::from_bits(last));
        } else {
            self.refused += 1;
        }
    }

    /// `fell` answers whether the value is below the last one, given as bits.
    fn set(&mut self, id: SeriesId, value_type: ValueType, bits: u64, fell: impl FnOnce(u64) -> bool) {
        let Some(series) = find(&mut self.series, id) else {
            self.refused += 1;
            return;
        };
        if series.seen == self.scrape || series.value_type != value_type {
            self.refused += 1;
            return;
        }
        let monotonic = series.kind == Kind::Sum { monotonic: true };
        let restarted = monotonic && (fell(series.bits) || series.ended);
        if restarted || series.start > self.time {
            // Where the clock was set back, the start follows it: a point must not start after its time.
            let start = if restarted { series.time } else { series.start };
            series.start = start.min(self.time);
            series.patch_start(&mut self.encoded);
        }
        series.bits = bits;
        series.time = self.time;
        series.seen = self.scrape;
        series.ended = false;
        self.set_now += 1;
        self.stale_layout |= !series.patch_value(&mut self.encoded);
    }

    /// Ends a series whose source is gone: this scrape reports it once more, with the flag "no recorded value"
    /// instead of any value set in the same scrape. A series that was never set, or has ended already, has
    /// nothing to end. A monotonic sum that is set again later starts anew at this scrape.
    pub fn end(&mut self, id: SeriesId) {
        if let Some(series) = find(&mut self.series, id) {
            self.set_now += usize::from(series.end(self.scrape, self.time));
            self.stale_layout |= series.ended;
        }
    }

    /// Ends every series of the segment, as [`Segment::end`] does: its source is gone as a whole, or goes on under
    /// another resource.
    pub fn end_all(&mut self) {
        // A forgotten series was never seen.
        for series in &mut self.series {
            self.set_now += usize::from(series.end(self.scrape, self.time));
            self.stale_layout |= series.ended;
        }
    }

    /// Ends every series but those that `heir` reports in its last scrape: another segment of the same resource, which
    /// takes this one's place.
    pub fn end_all_but(&mut self, heir: &Self) {
        let metric = |segment: &Self, series: &Series| {
            segment.groups.get(series.group as usize).map(|group| group.metric.name)
        };
        let goes_on: Vec<_> = self
            .series
            .iter()
            .map(|own| {
                heir.series.iter().any(|other| {
                    other.seen == heir.scrape
                        && !other.ended
                        && other.attributes == own.attributes
                        && metric(heir, other) == metric(self, own)
                })
            })
            .collect();
        for (series, goes_on) in self.series.iter_mut().zip(goes_on) {
            if !goes_on {
                self.set_now += usize::from(series.end(self.scrape, self.time));
                self.stale_layout |= series.ended;
            }
        }
    }

    /// Completes the scrape; afterwards [`Segment::encoded`] holds exactly the series set since
    /// [`Segment::begin`]. Answers whether the layout had to be rebuilt.
    pub fn finish(&mut self) -> bool {
        if !self.forgotten.is_empty() {
            self.free_forgotten();
        }
        // Every series set had a place, and as many were set as there are places: the same series, then.
        let rebuild = self.stale_layout || self.set_now != self.laid_out;
        if rebuild {
            self.lay_out();
            self.stale_layout = false;
            self.laid_out = self.set_now;
        }
        self.finished = true;
        rebuild
    }

    fn free_forgotten(&mut self) {
        let series = &self.series;
        for (index, group) in self.groups.iter_mut().enumerate() {
            group.members.retain(|member| series[*member as usize].group as usize == index);
        }
        // A slot whose generations are used up is never given out again: an id stays unique.
        let usable = |slot: &u32| series[*slot as usize].generation != u32::MAX;
        self.free.extend(self.forgotten.drain(..).filter(usable));
    }

    /// The number of points in the finished scrape; zero while a scrape is under way.
    pub fn points(&self) -> usize {
        if self.finished { self.laid_out } else { 0 }
    }

    /// The number of values refused since [`Segment::begin`].
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// The finished scrape as one `resource_metrics` field of an `ExportMetricsServiceRequest`; empty
    /// where no series was set, and while a scrape is under way. Such fields can be concatenated into a request.
    pub fn encoded(&self) -> &[u8] {
        if self.finished { &self.encoded } else { &[] }
    }
}

/// The registered series of that id.
fn find(series: &mut [Series], id: SeriesId) -> Option<&mut Series> {
    series.get_mut(id.index as usize).filter(|series| series.generation == id.generation)
}

//! A segment: one resource and one scope, kept in OTLP's wire form.
//!
//! Most OTLP bytes never change between two scrapes: values and timestamps have a fixed width, so the metrics of a
//! segment are laid out once, and a request gets a copy into which the numbers are patched, until the set of reported
//! series changes (`docs/decisions/0002-patched-segments.md`). A collector registers each series once, keeps the
//! [`SeriesId`], and per scrape calls [`Segment::begin`], `set_*` for each value read, [`Segment::finish`].
//! It begins and finishes every scrape that is due, also one whose sources all failed.
//!
//! What is laid out says nothing of the resource, and no number: segments of one kind (every container of a node) can have
//! it in common, see [`Shapes`]. Then each keeps 32 bytes for a series, and its resource.
//!
//! Invariants: a series that was not set between `begin` and `finish` is not in the output (a failed read
//! emits nothing, never zero); a monotonic sum that goes backwards starts anew at its last observation, also
//! where scrapes without one lie between; no point starts after its own time. A steady scrape allocates nothing.

use std::sync::Arc;

use crate::model::{Attribute, Kind, Metric, Scope, Timestamp, ValueType};
use crate::wire::{put_attribute, put_len_header};

mod layout;
mod shapes;
mod state;
#[cfg(test)]
mod tests;

use layout::Layout;
pub use shapes::Shapes;
use state::{Mark, State};

/// A series of one segment: a metric and a set of attributes. It names nothing once the series is forgotten,
/// also after its place was given to another series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SeriesId {
    index: u32,
    mark: Mark,
}

impl SeriesId {
    /// Its place in the segment's table. A forgotten series leaves its place to a later one, so places stay below
    /// the largest number of series that the segment ever had at a time.
    pub const fn place(self) -> u32 {
        self.index
    }
}

/// A resource, encoded once for any number of segments: the `resource` field of a `ResourceMetrics`.
#[derive(Debug, Clone)]
pub struct Resource(Arc<[u8]>);

impl Resource {
    /// Encodes `attributes`, which OTLP wants to be distinct by key.
    pub fn new(attributes: &[Attribute<'_>]) -> Self {
        let mut body = Vec::new();
        for attribute in attributes {
            put_attribute(&mut body, 1, attribute);
        }
        let mut field = Vec::new();
        put_len_header(&mut field, 1, body.len());
        field.extend_from_slice(&body);
        Self(field.into())
    }
}

/// The group of a forgotten series.
const NO_GROUP: u32 = u32::MAX;

/// Which series there are, without anything that was observed of them.
#[derive(Debug, Clone, Default, PartialEq)]
struct Shape {
    series: Vec<Definition>,
    groups: Vec<Group>,
    /// Slots of forgotten series whose groups still list them; freed by the next `finish`.
    forgotten: Vec<u32>,
    free: Vec<u32>,
}

/// What a series is.
#[derive(Debug, Clone, PartialEq)]
struct Definition {
    /// The encoded `attributes` fields of a `NumberDataPoint`; empty once forgotten.
    attributes: Box<[u8]>,
    group: u32,
    kind: Kind,
    value_type: ValueType,
}

/// A metric with its series.
#[derive(Debug, Clone, PartialEq)]
struct Group {
    metric: &'static Metric,
    /// The indices of its series, in the order of registration.
    members: Vec<u32>,
}

/// One resource and one scope with their points, encoded. See the module's documentation.
///
/// A value is refused, and counted in [`Segment::refused`], where it cannot be reported truthfully: it is not
/// finite, does not fit OTLP's signed integer or the metric's type, belongs to a forgotten series, or comes
/// second for the same series in one scrape. The series is then as if it had not been read. So are all of a segment
/// that is too large for protobuf (2 GiB).
#[derive(Debug)]
pub struct Segment {
    resource: Resource,
    scope: Scope,
    shape: Arc<Shape>,
    layout: Arc<Layout>,
    /// One for each series of the shape.
    states: Vec<State>,
    scrape: u32,
    /// A series without a place was set: the layout is not that of this scrape.
    stale_layout: bool,
    /// No scrape is under way.
    finished: bool,
    /// The distinct series set in this scrape.
    set_now: usize,
    /// The points in the layout.
    laid_out: usize,
    refused: u64,
    /// The source's start: when cumulative sums began to count.
    start: Timestamp,
    time: Timestamp,
}

impl Segment {
    /// An empty segment for `resource` (its attributes) and `scope`. `start` is when the source of the sums
    /// began to count: the boot time for a host's counters, the start of a process for its own.
    pub fn new(resource: &[Attribute<'_>], scope: Scope, start: Timestamp) -> Self {
        Self::of(&Resource::new(resource), scope, start)
    }

    /// The same for a resource that other segments have as well.
    pub fn of(resource: &Resource, scope: Scope, start: Timestamp) -> Self {
        Self {
            resource: resource.clone(),
            scope,
            shape: Arc::default(),
            layout: Arc::default(),
            states: Vec::new(),
            scrape: 0,
            stale_layout: false,
            finished: true,
            set_now: 0,
            laid_out: 0,
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
        let index = Arc::make_mut(&mut self.shape).register(metric, bytes.into_boxed_slice());
        let mut mark = Mark::of(metric);
        match self.states.get_mut(index as usize) {
            Some(slot) => {
                mark = mark.after(slot.mark);
                *slot = State::new(self.start, metric.value_type, mark);
            }
            None => self.states.push(State::new(self.start, metric.value_type, mark)),
        }
        SeriesId { index, mark: mark.placed() }
    }

    /// Drops a series for good, also from the present scrape; its id names nothing afterwards. To tell the
    /// backend that the series is over, [`Segment::end`] it first and forget it after that scrape.
    pub fn forget(&mut self, id: SeriesId) {
        let Some(state) = find(&mut self.states, id) else { return };
        // The laid-out count includes the series: it can only be reached again through a series without a
        // place, so the layout need not be marked stale.
        state.mark = state.mark.forgotten();
        if state.seen == self.scrape && self.scrape != 0 {
            self.set_now -= 1;
        }
        state.seen = 0;
        Arc::make_mut(&mut self.shape).forget(id.index);
    }

    /// Starts a scrape whose values are read at `time`. A scrape that was begun and not finished is given up:
    /// its values are not reported, though later ones are compared with them.
    pub fn begin(&mut self, time: Timestamp) {
        // 2^32 scrapes are 136 years of one each second.
        self.scrape = self.scrape.checked_add(1).unwrap_or(1);
        self.set_now = 0;
        self.refused = 0;
        self.finished = false;
        if time < self.time {
            // The clock was set back: no point must start after its time, which is looked at for those without a place.
            self.states.iter_mut().for_each(State::unplace);
        }
        self.time = time;
    }

    /// Records an integer.
    #[inline]
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
    #[inline]
    pub fn set_double(&mut self, id: SeriesId, value: f64) {
        if value.is_finite() {
            self.set(id, ValueType::Double, value.to_bits(), |last| value < f64::from_bits(last));
        } else {
            self.refused += 1;
        }
    }

    /// `fell` answers whether the value is below the last one, given as bits.
    fn set(&mut self, id: SeriesId, value_type: ValueType, bits: u64, fell: impl Fn(u64) -> bool) {
        let Some(state) = self.states.get_mut(id.index as usize) else {
            self.refused += 1;
            return;
        };
        let steady = state.mark == id.mark && state.seen != self.scrape && id.mark.takes(value_type);
        if steady && !(id.mark.is_monotonic() && fell(state.bits)) {
            state.record(bits, self.scrape, self.time);
            self.set_now += 1;
        } else {
            let fell = fell(state.bits);
            self.set_otherwise(id, value_type, bits, fell);
        }
    }

    /// The same where the value is not simply the next one of a series that has a place.
    #[cold]
    fn set_otherwise(&mut self, id: SeriesId, value_type: ValueType, bits: u64, fell: bool) {
        let state = find(&mut self.states, id).filter(|state| state.seen != self.scrape);
        let Some(state) = state.filter(|_| id.mark.takes(value_type)) else {
            self.refused += 1;
            return;
        };
        self.stale_layout |= !state.resume(fell, self.time);
        state.record(bits, self.scrape, self.time);
        self.set_now += 1;
    }

    /// Ends a series whose source is gone: this scrape reports it once more, with the flag "no recorded value"
    /// instead of any value set in the same scrape. A series that was never set, or has ended already, has
    /// nothing to end. A monotonic sum that is set again later starts anew at this scrape.
    pub fn end(&mut self, id: SeriesId) {
        if let Some(state) = find(&mut self.states, id) {
            self.set_now += usize::from(state.end(self.scrape, self.time));
            self.stale_layout |= state.mark.is_ended();
        }
    }

    /// Ends every series of the segment, as [`Segment::end`] does: its source is gone as a whole, or goes on under
    /// another resource.
    pub fn end_all(&mut self) {
        // A forgotten series was never seen.
        for state in &mut self.states {
            self.set_now += usize::from(state.end(self.scrape, self.time));
            self.stale_layout |= state.mark.is_ended();
        }
    }

    /// Ends every series but those that `heir` reports in its last scrape: another segment of the same resource, which
    /// takes this one's place.
    pub fn end_all_but(&mut self, heir: &Self) {
        let reported = |(other, state): (&Definition, &State), own: &Definition| {
            state.seen == heir.scrape
                && !state.mark.is_ended()
                && other.attributes == own.attributes
                && heir.shape.name(other) == self.shape.name(own)
        };
        for (own, state) in self.shape.series.iter().zip(&mut self.states) {
            if !heir.shape.series.iter().zip(&heir.states).any(|other| reported(other, own)) {
                self.set_now += usize::from(state.end(self.scrape, self.time));
                self.stale_layout |= state.mark.is_ended();
            }
        }
    }

    /// Completes the scrape; afterwards [`Segment::append_to`] writes exactly the series set since
    /// [`Segment::begin`]. Answers whether the layout had to be rebuilt.
    pub fn finish(&mut self) -> bool {
        if !self.shape.forgotten.is_empty() {
            Arc::make_mut(&mut self.shape).free_forgotten(&self.states);
        }
        // Every series set had a place, and as many were set as there are places: the same series, then.
        let rebuild = self.stale_layout || self.set_now != self.laid_out;
        if rebuild {
            self.laid_out = self.lay_out();
            self.refused += (self.set_now - self.laid_out) as u64;
            self.states.shrink_to_fit();
            self.stale_layout = false;
        }
        self.finished = true;
        rebuild
    }

    /// The number of points in the finished scrape; zero while a scrape is under way.
    pub fn points(&self) -> usize {
        if self.finished { self.laid_out } else { 0 }
    }

    /// The number of values refused since [`Segment::begin`].
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// The bytes that [`Segment::append_to`] writes, by themselves.
    pub fn encoded(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.append_to(&mut bytes);
        bytes
    }
}

impl Shape {
    /// Answers the slot of the new series.
    fn register(&mut self, metric: &'static Metric, attributes: Box<[u8]>) -> u32 {
        let group = self.group(metric);
        let Metric { kind, value_type, .. } = *metric;
        let series = Definition { attributes, group, kind, value_type };
        let index = if let Some(index) = self.free.pop() {
            self.series[index as usize] = series;
            index
        } else {
            // 2^32 series do not fit a node's memory.
            let index = u32::try_from(self.series.len()).unwrap_or(u32::MAX);
            self.series.push(series);
            index
        };
        self.groups[group as usize].members.push(index);
        index
    }

    fn group(&mut self, metric: &'static Metric) -> u32 {
        // By value as well: the address of a `const` may differ from one use to the next.
        let same = |group: &Group| std::ptr::eq(group.metric, metric) || *group.metric == *metric;
        let index = self.groups.iter().position(same).unwrap_or_else(|| {
            self.groups.push(Group { metric, members: Vec::new() });
            self.groups.len() - 1
        });
        u32::try_from(index).unwrap_or(NO_GROUP)
    }

    fn forget(&mut self, index: u32) {
        let Some(series) = self.series.get_mut(index as usize) else { return };
        series.attributes = Box::default();
        series.group = NO_GROUP;
        self.forgotten.push(index);
    }

    fn free_forgotten(&mut self, states: &[State]) {
        let series = &self.series;
        for (index, group) in self.groups.iter_mut().enumerate() {
            group.members.retain(|member| series[*member as usize].group as usize == index);
        }
        // A slot whose generations are used up is never given out again: an id stays unique.
        let usable = |slot: &u32| !states[*slot as usize].mark.is_used_up();
        self.free.extend(self.forgotten.drain(..).filter(usable));
    }

    /// The name of the series' metric; `None` once it is forgotten.
    fn name(&self, series: &Definition) -> Option<&'static str> {
        self.groups.get(series.group as usize).map(|group| group.metric.name)
    }
}

/// What was observed of the series of that id.
fn find(states: &mut [State], id: SeriesId) -> Option<&mut State> {
    states.get_mut(id.index as usize).filter(|state| state.is(id.mark))
}

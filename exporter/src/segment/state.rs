//! What was observed of a series, and the one word by which its id is known.
//!
//! Invariant: a [`Mark`] equals that of an id exactly where the id's series has the slot, is not over, and has a place
//! in the layout. Recording a value asks for nothing else in a steady scrape.

use crate::model::{Kind, Metric, Timestamp, ValueType};

/// Which series has a slot, and how it stands to the layout.
///
/// From the lowest bit: the value type, monotonic, placed, ended; above them, how often the slot was forgotten before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Mark(u32);

const DOUBLE: u32 = 1;
const MONOTONIC: u32 = 2;
const PLACED: u32 = 4;
const ENDED: u32 = 8;
const FORGOTTEN_ONCE: u32 = 16;
const GENERATION: u32 = !(FORGOTTEN_ONCE - 1);

impl Mark {
    /// That of the first series of a slot, before it has a place.
    pub(super) fn of(metric: &Metric) -> Self {
        let double = if metric.value_type == ValueType::Double { DOUBLE } else { 0 };
        let monotonic = if metric.kind == (Kind::Sum { monotonic: true }) { MONOTONIC } else { 0 };
        Self(double | monotonic)
    }

    /// The same for a series that takes over a slot with this mark.
    pub(super) const fn after(self, slot: Self) -> Self {
        Self(self.0 & !GENERATION | slot.0 & GENERATION)
    }

    /// That of the slot once its series is forgotten, which is no id's.
    pub(super) const fn forgotten(self) -> Self {
        Self((self.0 & GENERATION).saturating_add(FORGOTTEN_ONCE) & GENERATION)
    }

    /// That of the same series in a slot that was forgotten almost as often as can be counted.
    #[cfg(test)]
    pub(super) const fn last_but_one(self) -> Self {
        Self((self.0 & !GENERATION) | (GENERATION - FORGOTTEN_ONCE))
    }

    /// Whether the slot may not be given out again, for an id to stay unique.
    pub(super) const fn is_used_up(self) -> bool {
        self.0 & GENERATION == GENERATION
    }

    /// As it is while the series has a place: the mark of an id.
    pub(super) const fn placed(self) -> Self {
        Self(self.0 & !ENDED | PLACED)
    }

    /// As it is without a place.
    pub(super) const fn unplaced(self) -> Self {
        Self(self.0 & !(ENDED | PLACED))
    }

    /// As it is once the series is over.
    const fn ended(self) -> Self {
        Self(self.0 & !PLACED | ENDED)
    }

    /// Whether the last scrape that saw the series ended it: it goes out once more, without a value.
    pub(super) const fn is_ended(self) -> bool {
        self.0 & ENDED != 0
    }

    /// Whether the sum can only grow.
    pub(super) const fn is_monotonic(self) -> bool {
        self.0 & MONOTONIC != 0
    }

    /// Whether the metric's values are of that type.
    pub(super) fn takes(self, value_type: ValueType) -> bool {
        (self.0 & DOUBLE != 0) == (value_type == ValueType::Double)
    }
}

/// What was observed of a series: 32 bytes.
#[derive(Debug)]
pub(super) struct State {
    pub(super) start: Timestamp,
    /// When the series was last observed.
    pub(super) time: Timestamp,
    /// The bits of the last value: two's complement or IEEE 754, by the metric's type.
    pub(super) bits: u64,
    /// The scrape in which the series was last set; zero is never.
    pub(super) seen: u32,
    pub(super) mark: Mark,
}

impl State {
    /// That of a series which was never observed, and whose source began to count at `start`.
    pub(super) const fn new(start: Timestamp, value_type: ValueType, mark: Mark) -> Self {
        // Below every value, so that the first observation is no restart.
        let bits = match value_type {
            ValueType::Int => i64::MIN.cast_unsigned(),
            ValueType::Double => f64::NEG_INFINITY.to_bits(),
        };
        Self { start, time: Timestamp(0), bits, seen: 0, mark }
    }

    /// Whether the slot is that of the id with this mark.
    pub(super) fn is(&self, id: Mark) -> bool {
        self.mark.unplaced() == id.unplaced()
    }

    /// Keeps a value, given as bits.
    pub(super) const fn record(&mut self, bits: u64, scrape: u32, time: Timestamp) {
        self.bits = bits;
        self.time = time;
        self.seen = scrape;
    }

    /// Makes ready for a value at `time`, which `fell` below the last one or did not. Answers whether it has a place.
    pub(super) fn resume(&mut self, fell: bool, time: Timestamp) -> bool {
        if self.mark.is_monotonic() && (fell || self.mark.is_ended()) {
            self.start = self.time;
        }
        // Where the clock was set back, the start follows it: a point must not start after its time.
        self.start = self.start.min(time);
        let placed = self.mark == self.mark.placed();
        if !placed {
            self.mark = self.mark.unplaced();
        }
        placed
    }

    /// Ends the series at `time`, if there is anything to end; answers whether it is new to this scrape.
    pub(super) fn end(&mut self, scrape: u32, time: Timestamp) -> bool {
        if self.seen == 0 || self.mark.is_ended() {
            return false;
        }
        let new = self.seen != scrape;
        self.seen = scrape;
        self.start = self.start.min(time);
        self.time = time;
        self.mark = self.mark.ended();
        new
    }

    /// Loses its place, so that the next value is looked at more closely.
    pub(super) const fn unplace(&mut self) {
        if !self.mark.is_ended() {
            self.mark = self.mark.unplaced();
        }
    }

    /// Takes a place in the layout of this scrape where it has a value for it, and loses that of an earlier one.
    pub(super) fn place(&mut self, scrape: u32) {
        if !self.mark.is_ended() {
            self.mark = if self.seen == scrape { self.mark.placed() } else { self.mark.unplaced() };
        }
    }
}

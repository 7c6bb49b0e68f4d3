//! What the enricher says of itself, and where the collector thread leaves it for self-telemetry.

use std::sync::{Arc, Mutex, PoisonError};

use super::Rung;

/// How many objects there are at this moment, and where their attributes came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Objects that are reported.
    pub reported: usize,
    /// Objects whose names may still come.
    pub waiting: usize,
    /// Sandboxes, containers that nobody names, and earlier instances of containers.
    pub skipped: usize,
    /// Attributes of what is reported, by the rung that they came from, in the order of [`Rung::ALL`].
    pub attributes: [usize; Rung::ALL.len()],
}

impl Tally {
    pub(super) fn report(&mut self, rungs: &[Rung]) {
        self.reported += 1;
        for rung in rungs {
            if let Some(count) = self.attributes.get_mut(*rung as usize) {
                *count += 1;
            }
        }
    }

    /// How many attributes came from this rung.
    pub fn from(&self, rung: Rung) -> usize {
        self.attributes.get(rung as usize).copied().unwrap_or_default()
    }
}

/// What was refused, counted since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// Objects beyond the bound, once for each time that one was asked for.
    pub refused: u64,
    /// Names that Kubernetes would not have accepted.
    pub invalid: u64,
    /// What a rung said that contradicts a name that was sent.
    pub conflicts: u64,
}

impl Faults {
    /// Each count with the value of the attribute `reason` of tare's own metrics: a closed set.
    pub const fn by_reason(self) -> [(&'static str, u64); 3] {
        let Self { refused, invalid, conflicts } = self;
        [("limit", refused), ("invalid", invalid), ("conflict", conflicts)]
    }

    const fn add(&mut self, more: Self) {
        let Self { refused, invalid, conflicts } = more;
        self.refused += refused;
        self.invalid += invalid;
        self.conflicts += conflicts;
    }
}

/// What the enrichers of one agent said last, and all that they refused, whichever of them there is: a configuration brings
/// a new one. Cheap to clone; all clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Census(Arc<Mutex<Told>>);

#[derive(Debug, Clone, Copy, Default)]
struct Told {
    tally: Option<Tally>,
    faults: Faults,
}

impl Census {
    /// This is how things stand after a scrape, in which `more` was refused.
    pub fn tell(&self, tally: Tally, more: Faults) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.tally = Some(tally);
        told.faults.add(more);
    }

    /// The last tally, and everything refused; none on a machine that never had a pod.
    pub fn read(&self) -> Option<(Tally, Faults)> {
        let told = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Some((told.tally?, told.faults))
    }
}

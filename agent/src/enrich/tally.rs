//! What the enricher says of itself.

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

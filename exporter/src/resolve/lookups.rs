//! How questions for names ended, under a closed set of outcomes.

/// How one ended. The name is the value of the metric attribute `outcome`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// With at least one address at which a backend can be.
    Answered,
    /// A name server says that there is no such name, or none but unusable addresses.
    NoAddress,
    /// No name server answered in time.
    Timeout,
    /// Anything else: no way to a name server, an answer that cannot be read, SERVFAIL.
    Failed,
}

impl Outcome {
    /// Every outcome, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Answered, Self::NoAddress, Self::Timeout, Self::Failed];

    /// The metric attribute's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::NoAddress => "no_address",
            Self::Timeout => "timeout",
            Self::Failed => "failed",
        }
    }
}

/// How many questions ended in each way. They only grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lookups([u64; Outcome::ALL.len()]);

impl Lookups {
    /// How many ended so.
    pub const fn of(&self, outcome: Outcome) -> u64 {
        self.0[outcome as usize]
    }

    /// How many ended without an address.
    pub fn failures(&self) -> u64 {
        self.0.iter().skip(1).sum()
    }

    pub(super) const fn count(&mut self, outcome: Outcome) {
        let place = &mut self.0[outcome as usize];
        *place = place.saturating_add(1);
    }
}

/// A question that did not end with an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) outcome: Outcome,
    /// Fit for a log.
    pub(super) text: String,
}

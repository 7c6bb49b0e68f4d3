//! Virtual time: true time in milliseconds since the run began, and what the clocks of a host make of it.

use std::time::Duration;

use shared_informer::clock::{Mono, Now, Wall};

/// True time, or a length of it, in milliseconds.
pub(super) type Millis = u64;

/// A second.
pub(super) const SECOND: Millis = 1_000;
/// A minute.
pub(super) const MINUTE: Millis = 60 * SECOND;
/// An hour.
pub(super) const HOUR: Millis = 60 * MINUTE;

/// The Unix time at which every run begins.
const EPOCH: Millis = 1_700_000_000_000;
/// The machines have been up for this long by then.
const UPTIME: Millis = HOUR;

/// A stretch of time: from, and until but without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: Millis,
    pub(super) to: Millis,
}

impl Span {
    pub(super) const fn new(from: Millis, to: Millis) -> Self {
        Self { from, to }
    }

    pub(super) const fn contains(self, at: Millis) -> bool {
        self.from <= at && at < self.to
    }
}

/// What goes wrong with the clocks of all hosts.
#[derive(Debug, Clone, Default)]
pub(super) struct Clocks {
    /// Each host's wall clock is off by up to this, in either direction.
    pub(super) offset: Millis,
    /// When every wall clock steps, and by how much.
    pub(super) steps: Vec<(Millis, i64)>,
    /// When all machines sleep; their monotonic clocks stand still.
    pub(super) suspends: Vec<Span>,
}

impl Clocks {
    /// What a host whose wall clock is off by `offset` reads.
    pub(super) fn now(&self, offset: i64, at: Millis) -> Now {
        let stepped: i64 = self.steps.iter().filter(|(when, _)| *when <= at).map(|(_, by)| by).sum();
        let slept: Millis = self.suspends.iter().map(|span| at.min(span.to).saturating_sub(span.from)).sum();
        Now {
            wall: Wall::new(Duration::from_millis(
                (EPOCH + at).saturating_add_signed(offset.saturating_add(stepped)),
            )),
            mono: Mono::new(Duration::from_millis(UPTIME + at - slept)),
        }
    }

    /// Whether the machines slept at some time between these, `to` included.
    pub(super) fn slept(&self, from: Millis, to: Millis) -> bool {
        self.suspends.iter().any(|span| span.from <= to && span.to > from)
    }

    /// When the machines wake that sleep at this time.
    pub(super) fn asleep_until(&self, at: Millis) -> Option<Millis> {
        self.suspends.iter().find(|span| span.contains(at)).map(|span| span.to)
    }
}

/// The true Unix time this long before the beginning of the run.
pub(super) fn wall_before(length: Millis) -> Wall {
    Wall::new(Duration::from_millis(EPOCH.saturating_sub(length)))
}

/// In whole milliseconds, rounded up.
pub(super) fn millis(length: Duration) -> Millis {
    Millis::try_from(length.as_nanos().div_ceil(1_000_000)).unwrap_or(Millis::MAX)
}

//! Where in a period a node's turn lies: a hash of its name, modulo the period.
//!
//! The hash is SipHash-2-4 under the constant key `tare.phase.v1` of the bytes `salt NUL node-name`, and is part
//! of the contract between versions: golden values in the tests pin it. Because the phase is the *same* number
//! modulo each period, the instants of a period 2T are a subset of those of T: a changed period adds none.
//! Distances are counted in whole milliseconds of the Unix time.

use std::time::Duration;

use crate::clock::Wall;
use crate::siphash::siphash24;

const KEY: [u64; 2] = [u64::from_le_bytes(*b"tare.pha"), u64::from_le_bytes(*b"se.v1\0\0\0")];

/// What a phase is for. Different purposes of one node are independent of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Salt {
    /// Turns, in which the API server is asked.
    Turn,
    /// Slots for scrapes of the kubelet that can cause reviews.
    Scrape,
    /// The step at which a node joins a rollout.
    Activation,
    /// Reading the node's own files, so that a fleet does not send its telemetry all at once.
    Collect,
}

impl Salt {
    const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Turn => b"turn",
            Self::Scrape => b"scrape",
            Self::Activation => b"activation",
            Self::Collect => b"collect",
        }
    }
}

/// A node's place in every period, for one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phase(u64);

impl Phase {
    /// The phase of the node of this name.
    pub fn of(node: &str, salt: Salt) -> Self {
        let message = [salt.as_bytes(), b"\0", node.as_bytes()].concat();
        Self(siphash24(KEY[0], KEY[1], &message))
    }

    /// The hash itself, for diagnostics and golden tests.
    pub const fn hash(self) -> u64 {
        self.0
    }

    /// The hash as a fraction of its range, in `[0, 1)`, uniform over names.
    pub fn fraction(self) -> f64 {
        let high = u32::try_from(self.0 >> 32).unwrap_or(u32::MAX);
        f64::from(high) / (f64::from(u32::MAX) + 1.0)
    }

    /// The distance of this node's instants from the start of a period, in `[0, period)`.
    pub fn offset(self, period: Duration) -> Duration {
        Duration::from_millis(self.0 % millis(period))
    }

    /// The last instant that is not after `wall`; none if that would lie before the epoch.
    pub fn at_or_before(self, wall: Wall, period: Duration) -> Option<Wall> {
        let (now, period) = (floor_millis(wall), millis(period));
        let into = now.checked_sub(self.0 % period)? % period;
        Some(Wall::new(Duration::from_millis(now - into)))
    }

    /// The first instant that is not before `wall`.
    pub fn at_or_after(self, wall: Wall, period: Duration) -> Wall {
        match self.at_or_before(wall, period) {
            Some(instant) if instant == wall => instant,
            Some(instant) => instant.plus(Duration::from_millis(millis(period))),
            None => Wall::new(self.offset(period)),
        }
    }
}

/// A period in milliseconds, at least one.
fn millis(period: Duration) -> u64 {
    u64::try_from(period.as_millis()).unwrap_or(u64::MAX).max(1)
}

fn floor_millis(wall: Wall) -> u64 {
    // Half the range leaves room for adding any period.
    u64::try_from(wall.since_origin().as_millis()).unwrap_or(u64::MAX).min(u64::MAX / 2)
}

#[cfg(test)]
mod tests;

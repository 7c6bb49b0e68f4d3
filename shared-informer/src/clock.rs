//! The two clocks that every decision is given. Nothing here reads a clock.
//!
//! They are types of their own so that one cannot stand in for the other: a turn's instant is a matter of the
//! wall clock, the distance of two turns a matter of the monotonic one.

use std::time::Duration;

/// A time of the node's wall clock, as the distance from the Unix epoch. It may step in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall(Duration);

/// A time of a clock that never goes back, as the distance from an arbitrary origin (boot, process start).
/// It may stand still while the machine is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(Duration);

/// Both clocks, read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The wall clock.
    pub wall: Wall,
    /// The monotonic clock.
    pub mono: Mono,
}

macro_rules! instant {
    ($name:ident, $origin:literal) => {
        impl $name {
            #[doc = concat!("The time at this distance from ", $origin, ".")]
            pub const fn new(since_origin: Duration) -> Self {
                Self(since_origin)
            }

            #[doc = concat!("The distance from ", $origin, ".")]
            pub const fn since_origin(self) -> Duration {
                self.0
            }

            /// How far `earlier` lies back; zero if it does not.
            pub const fn since(self, earlier: Self) -> Duration {
                self.0.saturating_sub(earlier.0)
            }

            /// The time `by` later.
            #[must_use]
            pub const fn plus(self, by: Duration) -> Self {
                Self(self.0.saturating_add(by))
            }

            /// The time `by` earlier, or the origin.
            #[must_use]
            pub const fn minus(self, by: Duration) -> Self {
                Self(self.0.saturating_sub(by))
            }
        }
    };
}

instant!(Wall, "the Unix epoch");
instant!(Mono, "the clock's origin");

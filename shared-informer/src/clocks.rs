//! Reading the two clocks, and waiting for one of them: the only place that does.
//!
//! What decides takes [`Now`] as a parameter; the shell around it (gate, wire, driver) is given a [`Clocks`], so that a
//! test can move the time by hand.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::clock::{Mono, Now, Wall};

/// A wait for a clock.
pub type Reached<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// The node's clocks.
pub trait Clocks: Send + Sync {
    /// Both clocks, read together.
    fn now(&self) -> Now;

    /// Ends once the monotonic clock has come to `until`. May be dropped at any time.
    fn reached(&self, until: Mono) -> Reached<'_>;
}

/// The machine's clocks. The monotonic one begins when this is made and stands still during a suspend.
#[derive(Debug, Clone, Copy)]
pub struct System {
    origin: Instant,
}

impl System {
    /// The clocks from now on.
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}

impl Clocks for System {
    fn now(&self) -> Now {
        // A wall clock before 1970 is one that nobody has set yet: its origin does as well.
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Now { wall: Wall::new(wall), mono: Mono::new(self.origin.elapsed()) }
    }

    fn reached(&self, until: Mono) -> Reached<'_> {
        let wait = until.since(Mono::new(self.origin.elapsed()));
        Box::pin(tokio::time::sleep(wait))
    }
}

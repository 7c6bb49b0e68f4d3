//! The machine's clocks with a wall clock that can be set forward, one for each agent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use shared_informer::clock::{Mono, Now};
use shared_informer::clocks::{Clocks, Reached, System};

/// A watch lives half an hour at least; nobody waits for that here. Once it stands, its agent's wall clock is set
/// forward, by a multiple of the turn period so that the turns stay where they are.
#[derive(Debug, Default)]
pub(crate) struct Shifted {
    system: System,
    ahead_s: AtomicU64,
}

impl Shifted {
    /// Sets the wall clock forward, once: later calls set it to the same time.
    pub(crate) fn set_ahead(&self, by: Duration) {
        self.ahead_s.store(by.as_secs(), Ordering::Relaxed);
    }

    /// Whether it was set.
    pub(crate) fn is_ahead(&self) -> bool {
        self.ahead_s.load(Ordering::Relaxed) > 0
    }
}

impl Clocks for Shifted {
    fn now(&self) -> Now {
        let Now { wall, mono } = self.system.now();
        Now { wall: wall.plus(Duration::from_secs(self.ahead_s.load(Ordering::Relaxed))), mono }
    }

    fn reached(&self, until: Mono) -> Reached<'_> {
        self.system.reached(until)
    }
}

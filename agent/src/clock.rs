//! The only place of the agent that reads clocks. Everything that decides gets the reading as a parameter.

#[cfg(test)]
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use exporter::model::Timestamp;
use shared_informer::clock::Wall;

use crate::paths::HostPaths;
use crate::scan;
use crate::schedule::Now;
use crate::source::{DEFAULT_LIMIT, read_once};

/// When the host booted (`btime` of `/proc/stat`), which is when its counters began; `None` where the host's
/// file does not tell.
pub fn boot_time(paths: &HostPaths) -> Option<Timestamp> {
    let mut buffer = Vec::new();
    let stat = read_once(&paths.proc("stat"), &mut buffer, DEFAULT_LIMIT).ok()?;
    let seconds = scan::lines(stat).find_map(|line| scan::decimal(line.strip_prefix(b"btime ")?))?;
    Some(Timestamp(seconds.checked_mul(1_000_000_000)?))
}

/// The ticks in which the kernel counts CPU time (`USER_HZ`), per second.
#[expect(clippy::cast_precision_loss, reason = "100 on every Linux port")]
pub fn ticks_per_second() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

/// The wall clock, as the control plane's part of the agent takes it.
pub fn wall() -> Wall {
    Wall::new(Duration::from_nanos(Timestamp::now().0))
}

/// Reads the wall clock and the monotonic clock.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    /// The machine's clocks; the monotonic one counts from here.
    Machine(Instant),
    /// A test's.
    #[cfg(test)]
    Hand(Arc<Mutex<Now>>),
}

impl Clock {
    /// A clock whose monotonic reading starts now, at one second (so that "never" can be zero).
    pub fn start() -> Self {
        Self(Source::Machine(Instant::now()))
    }

    /// Both clocks.
    pub fn now(&self) -> Now {
        match &self.0 {
            Source::Machine(_) => Now { monotonic_ns: self.monotonic_ns(), wall_ns: Timestamp::now().0 },
            #[cfg(test)]
            Source::Hand(now) => *now.lock().unwrap(),
        }
    }

    /// The monotonic clock in nanoseconds.
    pub fn monotonic_ns(&self) -> u64 {
        const FIRST: u64 = 1_000_000_000;
        match &self.0 {
            Source::Machine(origin) => {
                FIRST.saturating_add(u64::try_from(origin.elapsed().as_nanos()).unwrap_or(u64::MAX))
            }
            #[cfg(test)]
            Source::Hand(now) => now.lock().unwrap().monotonic_ns,
        }
    }

    /// A clock that shows what the test writes.
    #[cfg(test)]
    pub(crate) fn by_hand(now: Arc<Mutex<Now>>) -> Self {
        Self(Source::Hand(now))
    }
}

//! Whether this node's turn may start now: a pure decision about two clocks.
//!
//! A turn is a function of the wall clock and the node's name, not of the process, so a restart gains nothing.
//! What the process adds can only take turns away:
//! - a turn starts within [`LATE`] of its instant or is skipped;
//! - it belongs only to a process that was alive [`SETTLE`] before the instant;
//! - two starts are at least the current period apart on the monotonic clock, whatever the wall clock does and
//!   however the period changes; a start that is a little too close waits, as long as it is not late;
//! - it is over [`LENGTH`] after its start on either clock: after a suspend nothing goes on.
//!
//! The same decision serves the slots in which the kubelet is scraped, under another salt.

use std::time::Duration;

use crate::clock::{Mono, Now, Wall};
use crate::phase::{Phase, Salt};

/// The shortest period; every turn period is a power of two of it.
pub const SHORTEST_PERIOD: Duration = Duration::from_secs(10);
/// A turn that could not start this long after its instant is skipped.
pub const LATE: Duration = Duration::from_secs(1);
/// What has no answer this long after the start is cut off.
pub const LENGTH: Duration = Duration::from_secs(5);
/// How long the process must have been alive before the instant of its first turn.
pub const SETTLE: Duration = Duration::from_secs(10);

/// A turn that has started. Only [`Turns`] makes one, and it cannot be copied: it is the right to a few requests.
#[derive(Debug, PartialEq, Eq)]
pub struct Turn {
    salt: Salt,
    instant: Wall,
    started: Mono,
}

impl Turn {
    /// What the turn is for.
    pub const fn salt(&self) -> Salt {
        self.salt
    }

    /// The instant it belongs to; remembered across lives of the process.
    pub const fn instant(&self) -> Wall {
        self.instant
    }

    /// When it started.
    pub const fn started(&self) -> Mono {
        self.started
    }

    /// When what has no answer is cut off.
    pub const fn deadline(&self) -> Mono {
        self.started.plus(LENGTH)
    }

    /// Whether requests may still be sent in it. Both clocks must agree: the monotonic one may have stood still.
    pub fn is_open(&self, now: Now) -> bool {
        let by_wall = now.wall >= self.instant && now.wall.since(self.instant) < LATE + LENGTH;
        by_wall && now.mono < self.deadline()
    }
}

/// Why an instant went by without a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Skip {
    /// Nobody looked within [`LATE`]: a stall, a suspend, a clock that stepped forward.
    Late,
    /// The process was younger than [`SETTLE`].
    Young,
    /// The last turn was less than a period ago: the clock stepped, or the period changed.
    Close,
}

impl Skip {
    /// Every reason, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Late, Self::Young, Self::Close];

    /// The metric attribute's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Young => "young",
            Self::Close => "close",
        }
    }
}

/// What to do now.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// The turn starts.
    Start(Turn),
    /// Look again after this long (or earlier; looking is free). A skipped instant is told once.
    Wait {
        /// At most one period.
        after: Duration,
        /// The instant that has just gone by unused.
        skipped: Option<Skip>,
    },
}

/// One node's turns for one purpose.
#[derive(Debug, Clone)]
pub struct Turns {
    phase: Phase,
    salt: Salt,
    born: Mono,
    last: Option<Mono>,
    remembered: Option<Wall>,
    judged: Option<(Wall, Duration)>,
}

impl Turns {
    /// The turns of this node, for a process that started at `born`.
    ///
    /// `remembered` is the instant of the last turn of an earlier life, if the state directory knows one: it keeps a
    /// clock that stepped back from granting a turn twice.
    pub fn new(node: &str, salt: Salt, born: Mono, remembered: Option<Wall>) -> Self {
        Self::with_phase(Phase::of(node, salt), salt, born, remembered)
    }

    /// As [`Turns::new`], for a phase that is known already.
    pub const fn with_phase(phase: Phase, salt: Salt, born: Mono, remembered: Option<Wall>) -> Self {
        Self { phase, salt, born, last: None, remembered, judged: None }
    }

    /// The node's phase.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Decides at `now`, under the current `period` (not below [`SHORTEST_PERIOD`]).
    pub fn poll(&mut self, now: Now, period: Duration) -> Decision {
        let period = period.max(SHORTEST_PERIOD);
        let next = self.phase.at_or_after(now.wall.plus(Duration::from_millis(1)), period);
        let idle = |skipped| Decision::Wait { after: next.since(now.wall), skipped };
        let Some(instant) = self.phase.at_or_before(now.wall, period) else { return idle(None) };
        let before = self.judged;
        if before == Some((instant, period)) {
            return idle(None);
        }
        let late = now.wall.since(instant);
        let verdict = if late > LATE {
            Some(Skip::Late)
        } else if self.age_at(now, late) < SETTLE {
            Some(Skip::Young)
        } else {
            let missing = self.too_close_by(now, period);
            if missing > LATE.saturating_sub(late) {
                Some(Skip::Close)
            } else if !missing.is_zero() {
                return Decision::Wait { after: missing, skipped: None };
            } else {
                None
            }
        };
        self.judged = Some((instant, period));
        match verdict {
            None => {
                self.last = Some(now.mono);
                Decision::Start(Turn { salt: self.salt, instant, started: now.mono })
            }
            // A period that changed within a turn has the same instant judged again.
            Some(_) if before.is_some_and(|(seen, _)| seen == instant) => idle(None),
            // Only an instant that came up while somebody was looking is one that was missed.
            Some(Skip::Late) if before.is_none_or(|(seen, under)| under != period || seen > instant) => {
                idle(None)
            }
            Some(skip) => idle(Some(skip)),
        }
    }

    /// How old the process was at an instant that is `late` in the past.
    fn age_at(&self, now: Now, late: Duration) -> Duration {
        now.mono.minus(late).since(self.born)
    }

    /// How long it takes until the last turn is a period ago.
    fn too_close_by(&self, now: Now, period: Duration) -> Duration {
        if let Some(last) = self.last {
            return period.saturating_sub(now.mono.since(last));
        }
        let by_age = period.saturating_sub(now.mono.since(self.born));
        // A remembered instant in the future says only that the clock was wrong then or is wrong now: its distance is
        // zero, and it binds until this life is a period old.
        let by_memory = |last| by_age.min(period.saturating_sub(now.wall.since(last)));
        self.remembered.map_or(Duration::ZERO, by_memory)
    }
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "far from zero, and a panic is a failure")]
mod tests;

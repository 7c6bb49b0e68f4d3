//! The back-off between two agents, and what of it survives the supervisor: the file `supervisor.v1`. Pure.
//!
//! 1 s, doubled by each failure up to 5 min. An agent that lived for ten minutes has shown that it can: its end counts
//! as a first failure. The record makes a container that is restarted in the middle of a crash loop go on where it was.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared_informer::clock::Wall;
use shared_informer::remembered::Unusable;
use shared_informer::remembered::frame::Frame;

#[cfg(test)]
mod tests;

const FRAME: Frame = Frame { magic: *b"tare-sup", version: 1 };
/// The size above which such a file is not read.
pub const MAX_BYTES: usize = 1024;
/// More failures change nothing.
const MOST_FAILURES: u32 = 32;

/// What happened last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Last {
    /// An agent was started.
    Started,
    /// An agent ended by itself.
    Failed,
    /// Somebody told the supervisor to stop.
    Stopped,
}

/// The content of `supervisor.v1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// What happened last.
    pub last: Last,
    /// Failures in a row, that one included.
    pub failures: u32,
    /// When it happened.
    pub at: Wall,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    last: Last,
    failures: u32,
    at: Duration,
}

/// The bytes of a file.
///
/// # Errors
/// None is to be expected.
pub fn encode(record: &Record) -> Result<Vec<u8>, Unusable> {
    let Record { last, failures, at } = *record;
    FRAME.write_json(&Written { last, failures, at: at.since_origin() }, MAX_BYTES)
}

/// The content of a file, if it is whole and ours.
///
/// # Errors
/// See [`Unusable`].
pub fn decode(file: &[u8]) -> Result<Record, Unusable> {
    let Written { last, failures, at } = FRAME.read_json(file, MAX_BYTES)?;
    Ok(Record { last, failures: failures.min(MOST_FAILURES), at: Wall::new(at) })
}

/// How long to wait after how many failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// At most.
    pub longest: Duration,
    /// After a life of this length nothing counts that was before.
    pub healthy: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_mins(5),
            healthy: Duration::from_mins(10),
        }
    }
}

impl Backoff {
    /// The wait after `failures` failures in a row.
    pub fn wait(&self, failures: u32) -> Duration {
        let Some(doublings) = failures.checked_sub(1) else { return Duration::ZERO };
        self.first.saturating_mul(1 << doublings.min(20)).min(self.longest)
    }

    /// Failures in a row after an agent has ended that lived for so long.
    pub fn failures_after(&self, failures: u32, lived: Duration) -> u32 {
        let before = if lived >= self.healthy { 0 } else { failures };
        (before + 1).min(MOST_FAILURES)
    }

    /// What an earlier life's record means at `now`: the failures in a row, and the wait that is left. A clock that was
    /// set back shortens nothing.
    pub fn resume(&self, record: Option<Record>, now: Wall) -> (u32, Duration) {
        let Some(Record { last, failures, at }) = record else { return (0, Duration::ZERO) };
        let ago = now.since_origin().checked_sub(at.since_origin()).unwrap_or_default();
        match last {
            Last::Stopped => (0, Duration::ZERO),
            Last::Failed => (failures, self.wait(failures).saturating_sub(ago)),
            // It ended together with its agent, without a word: the whole container was killed, or the machine.
            Last::Started => {
                let failures = self.failures_after(failures, ago);
                (failures, self.wait(failures))
            }
        }
    }
}

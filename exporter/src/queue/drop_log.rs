//! When a log line about drops is due: the first at once, then one for each ten seconds at most, each with
//! everything since the one before.

use std::fmt::Write as _;
use std::time::Duration;

use super::DropReason;
use crate::stats::{Count, Losses};

/// The least time between two log lines of one queue.
const INTERVAL: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(super) struct DropLog {
    pending: Losses,
    last: Option<Duration>,
}

impl DropLog {
    pub(super) fn add(&mut self, losses: &Losses) {
        for reason in DropReason::ALL {
            self.pending.add(reason, losses.of(reason));
        }
    }

    /// What the log line should say if one is due at `now`.
    pub(super) fn due(&mut self, now: Duration) -> Option<Losses> {
        if self.last.is_some_and(|last| now.saturating_sub(last) < INTERVAL) {
            return None;
        }
        let losses = self.flush()?;
        self.last = Some(now);
        Some(losses)
    }

    /// What has not been logged yet, at the end of the queue's life.
    pub(super) fn flush(&mut self) -> Option<Losses> {
        let losses = std::mem::take(&mut self.pending);
        (losses.total() != Count::default()).then_some(losses)
    }
}

/// Points by reason, for people: `queue_full=120 too_old=40`.
pub(super) fn describe(losses: &Losses) -> String {
    let mut text = String::new();
    for reason in DropReason::ALL {
        let count = losses.of(reason);
        if count != Count::default() {
            let gap = if text.is_empty() { "" } else { " " };
            // Writing to a String cannot fail.
            let _ = write!(text, "{gap}{}={}", reason.as_str(), count.points);
        }
    }
    text
}

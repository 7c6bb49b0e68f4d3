//! One log and its counters: takes commands, answers them, and gets over whatever the disk does.
//!
//! It knows no thread: time comes with each command. While the disk is in trouble it answers at once that
//! the request must stay in memory, and tries again after 1 s, then 2 s, up to a minute. The log
//! stays open through it: what was written is still there when the disk recovers.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::files::Files;
use super::log::{Log, Lost};
use super::record::Record;
use super::{Error, Shared};
use crate::compress::{Compression, Compressor, Payload};
use crate::queue::{DropReason, InFlight, Queue};
use crate::stats::Count;

/// The first wait after a failure of the disk; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// So often in a row opening may fail before segments that cannot be read are given up.
const OPENINGS: u32 = 8;

/// What is asked of the log.
pub(super) enum Command {
    /// Write this request; it comes back with the time to wait where that fails.
    Append {
        item: InFlight,
        /// Its body as it was already compressed.
        payload: Option<Payload>,
        /// Whether to try although the disk was in trouble a moment ago.
        insist: bool,
        reply: oneshot::Sender<Result<(), Kept>>,
    },
    /// Read the oldest request.
    Next { reply: oneshot::Sender<Result<Option<Record>, Duration>> },
    /// What came of the request that was read.
    Settle { number: u64, points: u64, fate: Fate },
    /// Sync and end.
    Close { reply: oneshot::Sender<()> },
}

/// A request that stays in memory.
pub(crate) struct Kept {
    pub(crate) item: InFlight,
    /// When it may be worth another try. None if it never fits.
    pub(crate) again: Option<Duration>,
}

/// What the disk was asked for: trouble with one is over when it works again, not when the other does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Write,
    Read,
}

/// How a request that was read from the log, or half of one, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Acknowledged, except for so many points.
    Sent { rejected: u64 },
    /// Given up.
    Dropped(DropReason),
}

/// What came of a request that was read from the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Ended(End),
    /// It was sent in two halves with so many points.
    Halved([(u64, End); 2]),
    /// To be delivered later.
    Returned,
}

/// Opens and locks the folder.
pub(super) type Opener = Box<dyn FnMut() -> Result<Box<dyn Files>, Error> + Send>;

pub(super) struct Actor {
    opener: Opener,
    max_bytes: u64,
    log: Option<Log>,
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    compressor: Compressor,
    failures: u32,
    failing: Option<Work>,
    /// Before this the disk is left alone.
    again: Duration,
}

impl Actor {
    pub(super) fn new(
        opener: Opener,
        max_bytes: u64,
        compression: Compression,
        queue: Arc<Queue>,
        shared: Arc<Shared>,
    ) -> Self {
        shared.lock().limit = max_bytes;
        let compressor = Compressor::new(compression);
        let (failures, failing, again) = (0, None, Duration::ZERO);
        Self { opener, max_bytes, log: None, queue, shared, compressor, failures, failing, again }
    }

    /// Does what is asked; false when that was to end. Whoever gets an answer finds the status up to date.
    pub(super) fn handle(&mut self, command: Command, now: Duration) -> bool {
        // A reply that nobody waits for any more carries nothing that is not accounted for.
        match command {
            Command::Append { item, payload, insist, reply } => {
                if insist {
                    self.again = now;
                }
                let answer = self.append(item, payload, now);
                self.publish();
                let _ = reply.send(answer);
            }
            Command::Next { reply } => {
                let answer = self.with_log(Work::Read, now, Log::next).map_err(|_| self.wait(now));
                self.publish();
                let _ = reply.send(answer);
            }
            Command::Settle { number, points, fate } => {
                self.settle(number, points, fate);
                self.publish();
            }
            Command::Close { reply } => {
                self.close(now);
                let _ = reply.send(());
                return false;
            }
        }
        true
    }

    /// Opens the log where that is due, and syncs what has waited for it.
    pub(super) fn tick(&mut self, now: Duration) {
        match &mut self.log {
            Some(log) => {
                if let Err(error) = log.sync(now) {
                    self.failed(Work::Write, &error, now);
                }
            }
            // What it answers is in the status.
            None => drop(self.with_log(Work::Write, now, |_| Ok(()))),
        }
        self.publish();
    }

    /// Syncs what there is; the end of the log's life.
    pub(super) fn close(&mut self, now: Duration) {
        if let Some(log) = &mut self.log
            && let Err(error) = log.close()
        {
            self.failed(Work::Write, &error, now);
        }
        self.publish();
        self.log = None;
    }

    fn append(&mut self, item: InFlight, payload: Option<Payload>, now: Duration) -> Result<(), Kept> {
        if now < self.again {
            return Err(Kept { item, again: Some(self.wait(now)) });
        }
        let payload = payload.unwrap_or_else(|| {
            self.queue.stats().encoded(item.body().len());
            self.compressor.compress(item.body())
        });
        let record = Record {
            number: 0,
            class: item.class(),
            compression: payload.compression,
            points: item.points(),
            first: item.created(),
            last: item.created(),
            payload: payload.bytes,
        };
        match self.with_log(Work::Write, now, |log| log.append(record, now)) {
            Ok(()) => {
                self.shared.lock().newest = Some(item.created());
                item.stored();
                Ok(())
            }
            Err(Some(Error::TooLarge)) => Err(Kept { item, again: None }),
            Err(_) => Err(Kept { item, again: Some(self.wait(now)) }),
        }
    }

    fn settle(&mut self, number: u64, points: u64, fate: Fate) {
        let Some(log) = &mut self.log else { return };
        if fate == Fate::Returned {
            return log.release();
        }
        // A cursor that could not be written costs a repetition in the next life and nothing in this one.
        let known = log.done(number).unwrap_or(true);
        match fate {
            Fate::Ended(end) if known => self.count(points, end),
            Fate::Halved(halves) if known => {
                self.queue.stats().produced(Count { requests: 1, points: 0 });
                for (points, end) in halves {
                    self.count(points, end);
                }
            }
            _ => {}
        }
    }

    fn count(&self, points: u64, end: End) {
        match end {
            End::Sent { rejected } => {
                let lost = rejected.min(points);
                self.queue.stats().sent(Count { requests: 1, points: points - lost });
                self.queue.lost(DropReason::PartialSuccess, Count { requests: 0, points: lost });
            }
            End::Dropped(reason) => self.queue.lost(reason, Count { requests: 1, points }),
        }
    }

    /// Runs `act` on the log, which is opened first if need be. None for an error while the disk is left
    /// alone.
    fn with_log<T>(
        &mut self,
        work: Work,
        now: Duration,
        act: impl FnOnce(&mut Log) -> Result<T, Error>,
    ) -> Result<T, Option<Error>> {
        if now < self.again {
            return Err(None);
        }
        let answer = match &mut self.log {
            Some(log) => act(log),
            None => match self.open() {
                Ok(log) => act(self.log.insert(log)),
                Err(error) => Err(error),
            },
        };
        match &answer {
            Ok(_) if self.failing == Some(work) => self.recovered(),
            Ok(_) | Err(Error::TooLarge) => {}
            Err(error) => self.failed(work, error, now),
        }
        answer.map_err(Some)
    }

    fn open(&mut self) -> Result<Log, Error> {
        let files = (self.opener)()?;
        let log = Log::open(files, self.max_bytes, fastrand::Rng::new(), self.failures >= OPENINGS)?;
        self.queue.stats().recovered(log.recovered());
        Ok(log)
    }

    fn wait(&self, now: Duration) -> Duration {
        self.again.saturating_sub(now)
    }

    fn failed(&mut self, work: Work, error: &Error, now: Duration) {
        self.failing = Some(work);
        let factor = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.again = now + FIRST_WAIT.saturating_mul(factor).min(LONGEST_WAIT);
        self.failures = self.failures.saturating_add(1);
        let text = error.to_string();
        if self.failures == 1 {
            tracing::warn!("the disk log does not work, requests stay in memory: {text}");
        }
        let mut status = self.shared.lock();
        status.failures = status.failures.saturating_add(1);
        status.trouble = Some(text);
    }

    fn recovered(&mut self) {
        (self.failures, self.failing) = (0, None);
        self.shared.lock().trouble = None;
        tracing::info!("the disk log works again");
    }

    /// Counts what the log lost and tells what it holds.
    fn publish(&mut self) {
        let Some(log) = &mut self.log else { return };
        let Lost { count, evicted, damaged, torn } = log.take_lost();
        let (level, oldest) = (log.level(), log.oldest());
        {
            let mut status = self.shared.lock();
            status.damaged += damaged;
            status.torn += torn;
            status.evicted.add(evicted);
            (status.count, status.bytes, status.oldest) = (level.count, level.bytes, oldest);
        }
        if count != Count::default() {
            self.queue.lost(DropReason::Disk, count);
        }
        if damaged > 0 {
            tracing::warn!(damaged, "the disk log was damaged; what is sound is delivered");
        }
        if level.count.requests > 0 {
            self.shared.filled.notify_one();
        }
    }
}

//! The disk log: where requests wait that the backend does not take and memory should not hold.
//!
//! `record` is the codec, `files` the folder, `log` the decisions; `actor` joins them to the counters and
//! `handle` runs the actor on a thread of its own, because a disk may block for as long as it likes.
//! Invariant: a request that was handed to the log waits in it, was delivered, or is counted under
//! [`DropReason::Disk`]; a disk that fails never ends anything, it only leaves requests in memory.
//! The reasons are in `docs/decisions/0005-disk-log.md`.
//!
//! [`DropReason::Disk`]: crate::queue::DropReason::Disk

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::model::Timestamp;
use crate::stats::Count;

mod actor;
mod files;
mod handle;
mod log;
mod names;
mod record;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use self::handle::{End, Handle, Replayed};

/// The smallest log that can be configured, in bytes.
pub const MIN_BYTES: u64 = 4 << 20;

/// Where the log is, how large it may grow, and how fast it is sent when the backend is back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// A folder of its own. It is made if need be; only one output of one process uses it at a time.
    pub directory: PathBuf,
    /// The most that all files together may take, in bytes; at least [`MIN_BYTES`]. The oldest requests are
    /// deleted for newer ones.
    pub max_bytes: u64,
    /// Replayed bytes (compressed) per second, on average; not zero. What is collected meanwhile is sent
    /// before and besides.
    pub replay_bytes_per_second: u64,
}

impl Settings {
    /// A log of 256 MiB in this folder, replayed at 32 KiB a second.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), max_bytes: 256 << 20, replay_bytes_per_second: 32 << 10 }
    }
}

/// What a log holds and how it does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// Requests and points that wait, the one being delivered included.
    pub count: Count,
    /// Bytes that the files take, in whole blocks of 4 KiB.
    pub bytes: u64,
    /// What the files may take together, in bytes.
    pub limit: u64,
    /// When the oldest sample was taken that may be in the log.
    pub oldest: Option<Timestamp>,
    /// When the samples of the request that was stored last were taken, in this life of the log.
    pub newest: Option<Timestamp>,
    /// What was deleted for newer requests because the log is full, in this life of the log: the part of
    /// [`DropReason::Disk`](crate::queue::DropReason::Disk) that a larger log would have kept.
    pub evicted: Count,
    /// Places where the files held something other than what was written, in this life of the log.
    pub damaged: u64,
    /// Tails that were cut off when the log was opened: writes that a kill or a loss of power interrupted.
    pub torn: u64,
    /// Operations that the disk failed or refused, in this life of the log.
    pub failures: u64,
    /// Why requests stay in memory, in plain words; none while the disk works.
    pub trouble: Option<String>,
}

/// What the log tells those who do not wait for it.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    status: Mutex<Status>,
    /// Wakes who waits for the log to hold something.
    filled: Notify,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the log does now.
    pub(crate) fn status(&self) -> Status {
        self.lock().clone()
    }
}

/// Why the log could not do something.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Another process, or another output of this one, has the folder.
    #[error("another process uses the folder")]
    InUse,
    /// A request that is larger than a record, or than half of the log.
    #[error("the request is too large for the log")]
    TooLarge,
    /// The disk.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

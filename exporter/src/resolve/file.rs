//! The last good answer in a file of its own, for the restart that finds DNS away.
//!
//! The file is read once, before anything is asked; a named thread writes it, because a disk may block for
//! as long as it likes. Invariant: the file is replaced as a whole, and one that cannot be read or written
//! costs nothing but what it is for. What is in it is checked before it is believed.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::{Outcome, View};
use crate::model::Timestamp;

#[cfg(test)]
mod tests;

/// The time between two looks at what is known.
const LOOK: Duration = Duration::from_secs(5);
/// The longest time until the same addresses are written again, so that their age in the file stays right.
const REFRESH: Duration = Duration::from_hours(1);
/// What is read at most: far above any entry.
const MAX_BYTES: u64 = 4 << 10;

/// Keeps a file up to date until it is dropped; the thread then writes once more and ends.
pub(crate) struct Keeper {
    _stop: SyncSender<()>,
}

impl Keeper {
    /// Takes over what the file holds and starts the thread that writes it.
    ///
    /// # Errors
    /// The system has no thread.
    pub(crate) fn start(view: View, path: &Path) -> io::Result<Self> {
        let mut entry = Entry::new(view, path);
        entry.restore();
        let (stop, stopped) = sync_channel::<()>(0);
        thread::Builder::new().name("dns-file".to_owned()).spawn(move || {
            while stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                entry.save(Instant::now());
            }
            entry.save(Instant::now());
        })?;
        Ok(Self { _stop: stop })
    }
}

/// The file and what is in it.
struct Entry {
    view: View,
    path: PathBuf,
    written: Vec<IpAddr>,
    /// When the file was last written; none before the first time.
    at: Option<Instant>,
    answers: u64,
    /// Whether the last attempt failed: said once.
    failing: bool,
}

impl Entry {
    fn new(view: View, path: &Path) -> Self {
        Self { view, path: path.to_owned(), written: Vec::new(), at: None, answers: 0, failing: false }
    }

    fn restore(&mut self) {
        let mut bytes = Vec::new();
        let read = File::open(&self.path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes));
        match read {
            Ok(_) if self.view.restore(&bytes, Timestamp::now()) => {
                self.written = self.view.resolution().addresses;
                self.written.sort_unstable();
                self.at = Some(Instant::now());
            }
            Ok(_) => {
                tracing::info!(path = %self.path.display(), "the file of addresses is of no use for this name");
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => self.failed("read", &error),
        }
    }

    /// Writes what is known if it is news.
    fn save(&mut self, now: Instant) {
        let mut known = self.view.resolution();
        // Servers rotate them.
        known.addresses.sort_unstable();
        // Only what was answered in this life: what came from the file is in it.
        let answers = known.lookups.of(Outcome::Answered);
        if answers == self.answers || known.addresses.is_empty() {
            return;
        }
        let refresh = REFRESH.min(self.view.max_age() / 4);
        let due = self.at.is_none_or(|at| now.saturating_duration_since(at) >= refresh);
        if known.addresses == self.written && !due {
            return;
        }
        let Some(bytes) = self.view.encode(Timestamp::now()) else { return };
        match replace(&self.path, &bytes) {
            Ok(()) => {
                self.failing = false;
                (self.written, self.at, self.answers) = (known.addresses, Some(now), answers);
            }
            Err(error) => self.failed("write", &error),
        }
    }

    fn failed(&mut self, what: &str, error: &io::Error) {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(path = %self.path.display(), "cannot {what} the file of addresses: {error}");
        }
    }
}

/// Writes `bytes` beside the file and renames them into its place. A loss of power may leave it empty or
/// old, which its checksum and its age tell.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    fs::write(&temporary, bytes)?;
    fs::rename(&temporary, path)
}

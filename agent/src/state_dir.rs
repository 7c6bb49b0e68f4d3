//! The state directory: what one life of the agent leaves to the next, and the lock that keeps the node to one agent.
//!
//! What the bytes of the files mean is decided in [`shared_informer::remembered`]; this is the thin shell that reads them
//! once at the start, replaces them whole, sets a bad one aside and counts. Files: `lock`, `size.v1`, `spend.v1`,
//! `index.v1`, `pause` (see [`crate::control::pause`]) and `supervisor.v1` (see [`crate::supervisor`]).
//!
//! Invariant: no state of the disk ends the agent. A directory that is missing, read-only or full means a life from
//! memory only, counted and logged with its reason; only a second agent on the same directory is refused.
//!
//! A save ends after the disk has it (fsync): milliseconds, a few times an hour. It blocks its thread for that long.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use shared_informer::pod::Pod;
use shared_informer::remembered::known::{self, KnownSize};
use shared_informer::remembered::spend::{self, Spend};
use shared_informer::remembered::{self, ClusterId, Header, Remembered, Unusable, file};

mod lock;
mod trouble;

pub use lock::Occupied;
pub use trouble::{Entry, Kept, Trouble};

use lock::Lock;
use trouble::Troubles;

#[cfg(test)]
mod tests;

/// Where the state is kept unless the command line says otherwise.
pub const DEFAULT: &str = "/var/lib/tare";

/// The state directory of one agent, for its whole life.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    lock: Option<Lock>,
    troubles: Troubles,
}

impl StateDir {
    /// Takes the directory over, making it where it is missing (mode 0700).
    ///
    /// # Errors
    /// [`Occupied`] where another process holds it. Any other trouble only shows in [`StateDir::entries`].
    pub fn open(path: &Path) -> Result<Self, Occupied> {
        let mut state = Self { path: path.to_owned(), lock: None, troubles: Troubles::default() };
        // Whether it worked shows when the lock is made.
        let _ = DirBuilder::new().recursive(true).mode(0o700).create(path);
        match Lock::take(path)? {
            Ok(lock) => state.lock = Some(lock),
            Err(error) => state.troubles.failed(Kept::Lock, &state.path, &error),
        }
        Ok(state)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this agent holds the lock. If not, nothing keeps a second one from starting.
    pub const fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// What went wrong so far, with its count; and what is wrong now.
    pub fn entries(&self) -> Vec<Entry> {
        self.troubles.entries()
    }

    /// Why the last save failed; none if it did not. While there is a reason, the agent lives from memory only.
    pub fn trouble(&self) -> Option<Trouble> {
        self.troubles.trouble()
    }

    /// What the last life knew of this cluster's size.
    pub fn load_size(&self, cluster: ClusterId) -> Option<KnownSize> {
        self.load(Kept::Size, known::MAX_BYTES, |bytes| known::decode(bytes, cluster))
    }

    /// What the last life asked of this cluster's API server. See [`Spend::settled`].
    pub fn load_spend(&self, cluster: ClusterId) -> Option<Spend> {
        self.load(Kept::Spend, spend::MAX_BYTES, |bytes| spend::decode(bytes, cluster))
    }

    /// The pods that the last life knew in this cluster.
    pub fn load_index(&self, cluster: ClusterId) -> Option<Remembered> {
        let max = remembered::MAX_BYTES;
        self.load(Kept::Index, max, |bytes| remembered::decode(bytes, cluster, max))
    }

    /// Saves what is known of the cluster's size; whether the disk has it.
    pub fn save_size(&self, cluster: ClusterId, known: &KnownSize) -> bool {
        self.save(Kept::Size, known::encode(cluster, known))
    }

    /// Saves what was asked and is about to be; whether the disk has it. A request goes out either way: a full disk is
    /// no reason to go blind, and the missing save is counted.
    pub fn save_spend(&self, cluster: ClusterId, spend: &Spend) -> bool {
        self.save(Kept::Spend, spend::encode(cluster, spend))
    }

    /// Saves the index; whether the disk has it.
    pub fn save_index<'p>(&self, header: &Header, pods: impl IntoIterator<Item = &'p Pod>) -> bool {
        self.save(Kept::Index, remembered::encode(header, pods, remembered::MAX_BYTES))
    }

    /// The file of this kind.
    pub fn file(&self, kept: Kept) -> PathBuf {
        self.path.join(kept.as_str())
    }

    fn load<T>(
        &self,
        kept: Kept,
        max_bytes: usize,
        decode: impl FnOnce(&[u8]) -> Result<T, Unusable>,
    ) -> Option<T> {
        let path = self.file(kept);
        let error = match file::read(&path, max_bytes) {
            Ok(None) => return None,
            Ok(Some(bytes)) => match decode(&bytes) {
                Ok(value) => return Some(value),
                Err(error) => error,
            },
            Err(error) => Unusable::Io(error),
        };
        self.troubles.unusable(kept, &path, &error);
        // The state of another cluster is as useless as a damaged one: this life writes its own.
        if error.is_the_files_fault()
            && let Err(error) = file::set_aside(&path)
        {
            self.troubles.failed(kept, &path, &error);
        }
        None
    }

    fn save(&self, kept: Kept, encoded: Result<Vec<u8>, Unusable>) -> bool {
        let path = self.file(kept);
        let bytes = match encoded {
            Ok(bytes) => bytes,
            Err(error) => {
                self.troubles.unusable(kept, &path, &error);
                return false;
            }
        };
        match file::replace(&path, &bytes) {
            Ok(()) => self.troubles.saved(&path),
            Err(error) => self.troubles.failed(kept, &path, &error),
        }
        self.troubles.trouble().is_none()
    }
}

//! A folder of links that is read when it changed.
//!
//! Each change of a folder's entries sets its modification time, but to the clock's last tick (10 ms at most; a whole
//! second on old file systems): a change right after a reading may leave the time as it was. A reading counts as final
//! only when it began [`SETTLED`] after the time that it found; until then every refresh reads again. A modification
//! time in the future (the clock was set back) is never final. inotify would save these readings and cost an instance
//! of the few that a node has.

use std::fs::Metadata;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{Mode, OFlags, RawDir};
use rustix::io::Errno;

use crate::error::SourceError;

/// Room for about 150 of the longest entries in one `getdents64`.
const ENTRIES: usize = 32 << 10;
/// The longest target that is read: `PATH_MAX`.
const TARGET_LIMIT: usize = 4096;
/// The age of a modification time from which on a later change has another one: the coarsest clock is that of FAT.
const SETTLED: Duration = Duration::from_secs(2);

/// What a folder was when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn new(folder: &Metadata) -> Self {
        Self { device: folder.dev(), inode: folder.ino(), modified: folder.modified().ok() }
    }

    /// Whether a reading that begins `now` is final.
    fn is_settled(&self, now: SystemTime) -> bool {
        self.modified.is_some_and(|modified| now.duration_since(modified).is_ok_and(|age| age >= SETTLED))
    }
}

/// What a refresh came to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The folder is as it was; nothing was visited.
    Unchanged,
    /// Every link was visited, but for the reason given.
    Read(Option<SourceError>),
}

/// The folder.
#[derive(Debug, Default)]
pub(super) struct Folder {
    path: PathBuf,
    /// That of the last reading if it was final.
    stamp: Option<Stamp>,
    limit: usize,
}

impl Folder {
    /// The folder at `path`, of which at most `limit` entries are visited.
    pub(super) const fn new(path: PathBuf, limit: usize) -> Self {
        Self { path, stamp: None, limit }
    }

    /// Visits the name of each entry, with its target if it is a link, where the folder may have changed.
    ///
    /// # Errors
    /// [`SourceError::Read`] where the folder cannot be listed; it is read at the next call.
    pub(super) fn read(
        &mut self,
        now: SystemTime,
        visit: impl FnMut(&[u8], Option<&[u8]>),
    ) -> Result<Outcome, SourceError> {
        let known = self.stamp.take();
        let failed = |error| SourceError::Read { path: self.path.clone(), error };
        let stamp = Stamp::new(&std::fs::metadata(&self.path).map_err(failed)?);
        if known == Some(stamp) {
            self.stamp = known;
            return Ok(Outcome::Unchanged);
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(&self.path, flags, Mode::empty());
        let folder = folder.map_err(|errno| failed(errno.into()))?;
        let error = list(&folder, &self.path, self.limit, visit).map_err(|errno| failed(errno.into()))?;
        // The stamp is older than the listing: a change between the two is a change after it. A link that could not be
        // read is tried again; one too many is not.
        let is_whole = !matches!(error, Some(SourceError::Read { .. }));
        self.stamp = Some(stamp).filter(|stamp| is_whole && stamp.is_settled(now));
        Ok(Outcome::Read(error))
    }
}

/// Visits the entries; answers the first link that could not be read, or that there were too many.
fn list(
    folder: &OwnedFd,
    path: &Path,
    limit: usize,
    mut visit: impl FnMut(&[u8], Option<&[u8]>),
) -> Result<Option<SourceError>, Errno> {
    let mut entries = vec![MaybeUninit::uninit(); ENTRIES];
    let mut target = vec![0; TARGET_LIMIT];
    let (mut failed, mut count) = (None, 0);
    let mut listing = RawDir::new(folder.as_fd(), &mut entries);
    while let Some(entry) = listing.next() {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        if count == limit {
            return Ok(Some(SourceError::TooMany { path: path.to_owned(), what: "links", limit }));
        }
        count += 1;
        match rustix::fs::readlinkat_raw(folder, name, &mut target[..]) {
            // A target that fills the room may be longer.
            Ok(length) => visit(name.to_bytes(), Some(&target[..length]).filter(|_| length < TARGET_LIMIT)),
            Err(Errno::INVAL) => visit(name.to_bytes(), None),
            // Removed meanwhile, which the next refresh sees by the folder's time.
            Err(Errno::NOENT) => {}
            Err(errno) => {
                let path = path.join(name.to_string_lossy().as_ref());
                failed.get_or_insert(SourceError::Read { path, error: errno.into() });
            }
        }
    }
    Ok(failed)
}

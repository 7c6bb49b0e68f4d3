//! One agent per node: an advisory lock (`flock`) on a file of the state directory, held until the process ends.
//!
//! The kernel lets go of it with the process, however that ends: there is no stale lock.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::Kept;

/// Another process holds the directory.
#[derive(Debug, thiserror::Error)]
#[error(
    "another agent{} runs with the state directory {}; one node has one agent, and a second one for a \
     test needs a --state-dir and a --socket of its own",
    .pid.map(|pid| format!(" (process {pid})")).unwrap_or_default(),
    .directory.display()
)]
pub struct Occupied {
    /// The directory.
    pub directory: PathBuf,
    /// Who holds it, as far as the lock file tells.
    pub pid: Option<u32>,
}

/// The lock, while this lives.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of `directory`. The inner error is the file system's.
    pub(super) fn take(directory: &Path) -> Result<io::Result<Self>, Occupied> {
        let path = directory.join(Kept::Lock.as_str());
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        // On a read-only file system an existing file can be locked as well.
        let opened = options.open(&path).or_else(|error| File::open(&path).map_err(|_| error));
        let mut file = match opened {
            Ok(file) => file,
            Err(error) => return Ok(Err(error)),
        };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(Occupied { directory: directory.to_owned(), pid: holder(&mut file) });
            }
            Err(error) => return Ok(Err(error.into())),
        }
        // For people; the lock does not depend on it.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Ok(Self { _file: file }))
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

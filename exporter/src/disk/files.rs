//! What the log asks of a folder: the only part that touches a disk.
//!
//! [`Files`] is small so that the tests can put a folder in its place that fails, tears and forgets.
//! [`Folder`] is the real one; it decides nothing. Whoever holds it holds the folder's lock.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::Error;

const LOCK: &str = "lock";

/// A folder of files that are appended to, read whole, replaced whole and removed.
pub(crate) trait Files: Send {
    /// Names of all files, with their lengths in bytes.
    fn list(&mut self) -> io::Result<Vec<(String, u64)>>;
    /// The whole content. A file of more than `limit` bytes is an error.
    fn read(&mut self, name: &str, limit: u64) -> io::Result<Vec<u8>>;
    /// Adds to the end; makes the file if there is none. After an error any part of it may be there.
    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Cuts the file to this length.
    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()>;
    /// Makes what was appended survive a loss of power.
    fn sync(&mut self, name: &str) -> io::Result<()>;
    /// Deletes the file; one that is not there is a success.
    fn remove(&mut self, name: &str) -> io::Result<()>;
    /// Gives the file this content, all of it or none.
    fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
}

/// A folder of the file system that no other log uses at the same time.
pub(super) struct Folder {
    path: PathBuf,
    /// Held for its `flock`, which ends with it: also when the process is killed.
    _lock: File,
    open: Option<(String, File)>,
    /// Whether the folder has entries that a loss of power would take away.
    new_entries: bool,
}

impl Folder {
    /// Makes the folder if need be, readable by its owner only, and locks it.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let io = |source| Error::Io { what: "open the folder", source };
        let mut builder = fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(path).map_err(io)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(path.join(LOCK)).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock, open: None, new_entries: true }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse),
            Err(TryLockError::Error(source)) => Err(io(source)),
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn forget(&mut self, name: &str) {
        if self.open.as_ref().is_some_and(|(open, _)| open == name) {
            self.open = None;
        }
    }

    /// The open file of this name, which is made if it is not there.
    fn file(&mut self, name: &str) -> io::Result<&mut File> {
        let open = match self.open.take() {
            Some((open, file)) if open == name => file,
            _ => {
                self.new_entries = true;
                let mut options = OpenOptions::new();
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                options.create(true).append(true).open(self.at(name))?
            }
        };
        Ok(&mut self.open.insert((name.to_owned(), open)).1)
    }
}

impl Files for Folder {
    fn list(&mut self) -> io::Result<Vec<(String, u64)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if let (true, Ok(name)) = (metadata.is_file(), entry.file_name().into_string()) {
                files.push((name, metadata.len()));
            }
        }
        Ok(files)
    }

    fn read(&mut self, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        let mut data = Vec::new();
        File::open(self.at(name))?.take(limit.saturating_add(1)).read_to_end(&mut data)?;
        if data.len() as u64 > limit {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        Ok(data)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.file(name)?.write_all(bytes)
    }

    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()> {
        OpenOptions::new().write(true).open(self.at(name))?.set_len(length)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.file(name)?.sync_data()?;
        if self.new_entries {
            File::open(&self.path)?.sync_all()?;
            self.new_entries = false;
        }
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.forget(name);
        match fs::remove_file(self.at(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.at(&format!("{name}.tmp"));
        fs::write(&temporary, bytes)?;
        fs::rename(temporary, self.at(name))
    }
}

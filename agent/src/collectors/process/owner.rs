//! User names from the host's `/etc/passwd`, read again only when the file changed.
//!
//! Only that file is asked: no name service, so a user of a directory service or of a container has no name here.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::SystemTime;

use super::parse::passwd_line;
use crate::error::SourceError;
use crate::scan::lines;
use crate::source::read_once;

#[cfg(test)]
mod tests;

/// The most that is read of `/etc/passwd`: 4 MiB.
const LIMIT: usize = 4 << 20;

/// The names of the host's users.
#[derive(Debug)]
pub(super) struct Owners {
    path: PathBuf,
    read: Option<(SystemTime, u64)>,
    names: HashMap<u32, Box<str>>,
}

impl Owners {
    /// The users in the file at `path`.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, read: None, names: HashMap::new() }
    }

    /// Reads the file if its modification time or size is not that of the last read.
    ///
    /// # Errors
    /// [`SourceError::Read`] or [`SourceError::TooLarge`]; no user has a name then.
    pub(super) fn refresh(&mut self, buffer: &mut Vec<u8>) -> Result<(), SourceError> {
        let result = self.read_changed(buffer);
        if result.is_err() {
            self.read = None;
            self.names.clear();
        }
        result
    }

    fn read_changed(&mut self, buffer: &mut Vec<u8>) -> Result<(), SourceError> {
        let failed = |error| SourceError::Read { path: self.path.clone(), error };
        let metadata = std::fs::metadata(&self.path).map_err(failed)?;
        let now = (metadata.modified().map_err(failed)?, metadata.len());
        if self.read != Some(now) {
            let text = read_once(&self.path, buffer, LIMIT)?;
            self.names.clear();
            for (uid, name) in lines(text).filter_map(passwd_line) {
                self.names.entry(uid).or_insert_with(|| name.into());
            }
            self.read = Some(now);
        }
        Ok(())
    }

    /// The first name of user `uid`.
    pub(super) fn name(&self, uid: u32) -> Option<&str> {
        self.names.get(&uid).map(AsRef::as_ref)
    }
}

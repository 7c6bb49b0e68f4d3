//! The thin shell: the only place in this crate that touches the state directory. What the bytes mean is decided by
//! the pure modules beside it.
//!
//! One agent per node writes there (it holds the directory's lock), so the temporary file has a fixed name and
//! a leftover of a crash is simply overwritten.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{ClusterId, Remembered, Unusable, decode};

#[cfg(test)]
mod tests;

/// Reads what the last life left; `None` if it left nothing. Never reads more than `max_bytes` and one.
///
/// # Errors
/// See [`Unusable`]. If the file itself is at fault, give it to [`set_aside`].
pub fn load(path: &Path, cluster: ClusterId, max_bytes: usize) -> Result<Option<Remembered>, Unusable> {
    read(path, max_bytes)?.map(|bytes| decode(&bytes, cluster, max_bytes)).transpose()
}

/// The bytes of a file; `None` if there is none. Never reads more than `max_bytes` and one, so that who decodes sees
/// that there is too much.
///
/// # Errors
/// The file system's.
pub fn read(path: &Path, max_bytes: usize) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Replaces the file so that a reader, and the next life after a crash, sees the old content or the new one:
/// a temporary file in the same directory, its content on the disk, a rename, the directory on the disk.
/// Readable by the owner only.
///
/// # Errors
/// The file system's; the old content is then still there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    exchange(path, bytes, File::sync_all)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// The same without waiting for the disk, for one that may hang: it survives the process, and after a loss of power there is
/// the old content, the new one, or something that does not decode.
///
/// # Errors
/// The file system's; the old content is then still there.
pub fn replace_in_memory(path: &Path, bytes: &[u8]) -> io::Result<()> {
    exchange(path, bytes, |_| Ok(()))
}

fn exchange(path: &Path, bytes: &[u8], settle: fn(&File) -> io::Result<()>) -> io::Result<()> {
    let temporary = with_suffix(path, ".tmp");
    let written = write_new(&temporary, bytes, settle).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // Best effort: what counts is the first error, and the next attempt truncates a leftover.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Renames a file that cannot be used to `<name>.bad`, in place of an earlier one, and says where it is.
///
/// # Errors
/// The file system's.
pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let bad = with_suffix(path, ".bad");
    fs::rename(path, &bad)?;
    Ok(bad)
}

fn write_new(path: &Path, bytes: &[u8], settle: fn(&File) -> io::Result<()>) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    settle(&file)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

//! The folders within a cgroup, and its identity.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir};
use rustix::io::Errno;

/// Room for about 300 directory entries in one `getdents64`; a cgroup has some 60 files.
const ENTRIES: usize = 16 << 10;
/// The longest path of a cgroup below its hierarchy, with a file's name.
pub(super) const MAX_PATH: usize = 1024;

/// The buffer that directories are listed through.
#[derive(Debug, Default)]
pub(super) struct Lister {
    entries: Vec<MaybeUninit<u8>>,
}

impl Lister {
    /// Calls `visit` with the name and inode of every folder in the cgroup at `path`.
    ///
    /// # Errors
    /// The kernel's answer; see [`is_gone`].
    pub(super) fn folders(
        &mut self,
        base: &OwnedFd,
        path: &str,
        mut visit: impl FnMut(&[u8], u64),
    ) -> Result<(), Errno> {
        self.entries.resize(ENTRIES, MaybeUninit::uninit());
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory =
            Name::new(path, "")?.with(|name| rustix::fs::openat(base, name, flags, Mode::empty()))?;
        let mut listing = RawDir::new(&directory, &mut self.entries);
        while let Some(entry) = listing.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if matches!(entry.file_type(), FileType::Directory) && !matches!(name, b"." | b"..") {
                visit(name, entry.ino());
            }
        }
        Ok(())
    }
}

/// Whether there is a cgroup at `path`.
pub(super) fn exists(base: &OwnedFd, path: &str) -> bool {
    let found = Name::new(path, "")
        .and_then(|name| name.with(|name| rustix::fs::statat(base, name, AtFlags::SYMLINK_NOFOLLOW)));
    found.is_ok()
}

/// Whether an error says that the cgroup is gone: its folder, or the object behind an open file.
pub(super) const fn is_gone(errno: Errno) -> bool {
    matches!(errno, Errno::NOENT | Errno::NODEV | Errno::NOTDIR)
}

/// The path of a cgroup or of a file in it, built without allocation.
#[derive(Debug)]
pub(super) struct Name {
    bytes: [u8; MAX_PATH],
    length: usize,
}

impl Name {
    /// The path `path/file`, or `path` where `file` is empty; `.` for the hierarchy itself.
    ///
    /// # Errors
    /// `NAMETOOLONG` above [`MAX_PATH`].
    pub(super) fn new(path: &str, file: &str) -> Result<Self, Errno> {
        let mut name = Self { bytes: [0; MAX_PATH], length: 0 };
        let separator = if path.is_empty() || file.is_empty() { "" } else { "/" };
        let own = if path.is_empty() && file.is_empty() { "." } else { path };
        for part in [own, separator, file, "\0"] {
            let end = name.length + part.len();
            let place = name.bytes.get_mut(name.length..end).ok_or(Errno::NAMETOOLONG)?;
            place.copy_from_slice(part.as_bytes());
            name.length = end;
        }
        Ok(name)
    }

    /// Calls `with` with the path, ended by a zero as the kernel wants it.
    ///
    /// # Errors
    /// Those of `with`; `INVAL` for a path with a zero in it.
    pub(super) fn with<T>(&self, with: impl FnOnce(&std::ffi::CStr) -> Result<T, Errno>) -> Result<T, Errno> {
        let bytes = &self.bytes[..self.length];
        with(std::ffi::CStr::from_bytes_with_nul(bytes).map_err(|_| Errno::INVAL)?)
    }
}

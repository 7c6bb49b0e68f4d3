//! The host's `/proc` as a kept directory: which processes there are, and their small files.
//!
//! Files are opened relative to the kept descriptor (`openat`), read into a reused buffer and closed; nothing is
//! allocated per process. Only this module builds names below `/proc/<pid>`.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, RawDir, SeekFrom};
use rustix::io::Errno;

use crate::error::SourceError;
use crate::scan::decimal;

#[cfg(test)]
mod tests;

/// Room for about 1,000 directory entries in one `getdents64`.
const ENTRIES: usize = 32 << 10;
/// The longest name below `/proc` that is ever built: two numbers and two words.
const NAME: usize = 64;
/// The first size of a read buffer; every per-process file but a long `status` or `cmdline` fits.
const FIRST_READ: usize = 4096;

/// The host's `/proc`, opened once.
#[derive(Debug)]
pub(crate) struct ProcDir {
    path: PathBuf,
    dir: Option<OwnedFd>,
    is_procfs: bool,
    entries: Vec<MaybeUninit<u8>>,
}

impl ProcDir {
    /// The directory at `path`, opened at the first walk.
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, dir: None, is_procfs: false, entries: Vec::new() }
    }

    /// Calls `visit` for the id of every process, in the kernel's (ascending) order.
    ///
    /// # Errors
    /// [`SourceError::Read`] where the directory cannot be opened or listed; it is opened anew at the next walk.
    pub(in crate::collectors) fn for_each_pid(
        &mut self,
        mut visit: impl FnMut(Process<'_>),
    ) -> Result<(), SourceError> {
        self.for_each_entry(|process, _| visit(process))
    }

    /// The same with the inode number of the process's directory. procfs draws a new number whenever it makes such a
    /// directory, and keeps one as long as the process lives and memory suffices: the pair of id and number never
    /// stands for two processes, though one process may in time have several. It costs nothing beyond the walk.
    ///
    /// # Errors
    /// As [`Self::for_each_pid`].
    pub(crate) fn for_each_entry(
        &mut self,
        mut visit: impl FnMut(Process<'_>, u64),
    ) -> Result<(), SourceError> {
        let walked = self.walk(&mut visit);
        walked.map_err(|errno| {
            self.dir = None;
            SourceError::Read { path: self.path.clone(), error: errno.into() }
        })
    }

    fn walk(&mut self, visit: &mut impl FnMut(Process<'_>, u64)) -> Result<(), Errno> {
        if self.dir.is_none() {
            let dir = rustix::fs::open(&self.path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
            self.is_procfs = rustix::fs::fstatfs(&dir)?.f_type == rustix::fs::PROC_SUPER_MAGIC;
            self.dir = Some(dir);
            self.entries.resize(ENTRIES, MaybeUninit::uninit());
        }
        let Some(dir) = &self.dir else { return Err(Errno::NOENT) };
        rustix::fs::seek(dir, SeekFrom::Start(0))?;
        let mut listing = RawDir::new(dir, &mut self.entries);
        while let Some(entry) = listing.next() {
            let entry = entry?;
            if let Some(pid) = pid_of(entry.file_name().to_bytes()) {
                visit(Process { dir: dir.as_fd(), pid, is_procfs: self.is_procfs }, entry.ino());
            }
        }
        Ok(())
    }

    /// The process `pid` of the walked directory; `None` before the first walk.
    pub(crate) fn process(&self, pid: u32) -> Option<Process<'_>> {
        let dir = self.dir.as_ref()?.as_fd();
        Some(Process { dir, pid, is_procfs: self.is_procfs })
    }

    /// The path of a process's file, for messages.
    pub(crate) fn path_of(&self, pid: u32, file: &str) -> PathBuf {
        self.path.join(Path::new(&pid.to_string())).join(file)
    }
}

/// A process's id where `name` is one: decimal, positive, within the kernel's 32-bit signed range.
fn pid_of(name: &[u8]) -> Option<u32> {
    decimal(name).and_then(|pid| u32::try_from(pid).ok()).filter(|pid| (1..=0x7fff_ffff).contains(pid))
}

/// Where the files of one process are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process<'d> {
    dir: BorrowedFd<'d>,
    /// The process id.
    pub(crate) pid: u32,
    is_procfs: bool,
}

impl Process<'_> {
    /// Opens the process's `file`.
    ///
    /// # Errors
    /// The kernel's answer; see [`is_gone`].
    pub(crate) fn open(&self, file: &str) -> Result<OwnedFd, Errno> {
        rustix::fs::openat(self.dir, Name::new(self.pid, file).bytes(), OFlags::CLOEXEC, Mode::empty())
    }

    /// The inode number of the process's `file`; of its directory for `.`, as [`ProcDir::for_each_entry`] tells it.
    ///
    /// # Errors
    /// The kernel's answer; see [`is_gone`].
    pub(crate) fn inode(&self, file: &str) -> Result<u64, Errno> {
        let name = Name::new(self.pid, file);
        Ok(rustix::fs::statat(self.dir, name.bytes(), AtFlags::empty())?.st_ino)
    }

    /// Reads at most `limit` bytes of the process's `file` into `buffer`, which keeps its length between reads.
    ///
    /// # Errors
    /// The kernel's answer; see [`is_gone`].
    pub(crate) fn read<'b>(
        &self,
        file: &str,
        buffer: &'b mut Vec<u8>,
        limit: usize,
    ) -> Result<&'b [u8], Errno> {
        read_at(self.dir, &Name::new(self.pid, file), buffer, limit)
    }

    /// The target of the process's symbolic link `file`, at most `buffer.len()` bytes of it.
    ///
    /// # Errors
    /// The kernel's answer; `NOENT` also for a process without an executable.
    pub(in crate::collectors) fn read_link<'b>(
        &self,
        file: &str,
        buffer: &'b mut Vec<u8>,
        limit: usize,
    ) -> Result<&'b [u8], Errno> {
        buffer.resize(buffer.len().max(limit), 0);
        let name = Name::new(self.pid, file);
        let length = rustix::fs::readlinkat_raw(self.dir, name.bytes(), &mut buffer[..limit])?;
        Ok(&buffer[..length])
    }

    /// The number of entries in the process's directory `fd`.
    ///
    /// Linux 6.2 and later answer it as the directory's size, which needs no permission to list it and no walk.
    ///
    /// # Errors
    /// The kernel's answer; `ACCES` for another user's process on an older kernel.
    pub(in crate::collectors) fn count_fds(&self, entries: &mut Vec<MaybeUninit<u8>>) -> Result<u64, Errno> {
        let name = Name::new(self.pid, "fd");
        if self.is_procfs {
            let size = rustix::fs::statat(self.dir, name.bytes(), AtFlags::empty())?.st_size;
            if let Ok(count @ 1..) = u64::try_from(size) {
                return Ok(count);
            }
        }
        let mut count = 0;
        self.for_each_entry(&name, entries, |_| count += 1)?;
        Ok(count)
    }

    /// Calls `visit` for the id of every thread of the process.
    ///
    /// # Errors
    /// The kernel's answer.
    pub(in crate::collectors) fn for_each_thread(
        &self,
        entries: &mut Vec<MaybeUninit<u8>>,
        mut visit: impl FnMut(u32),
    ) -> Result<(), Errno> {
        self.for_each_entry(&Name::new(self.pid, "task"), entries, |name| {
            if let Some(thread) = pid_of(name) {
                visit(thread);
            }
        })
    }

    /// Reads the `file` of one thread of the process.
    ///
    /// # Errors
    /// The kernel's answer.
    pub(in crate::collectors) fn read_thread<'b>(
        &self,
        thread: u32,
        file: &str,
        buffer: &'b mut Vec<u8>,
        limit: usize,
    ) -> Result<&'b [u8], Errno> {
        let mut name = Name::new(self.pid, "task/");
        name.number(thread);
        name.push(b"/");
        name.push(file.as_bytes());
        read_at(self.dir, &name, buffer, limit)
    }

    fn for_each_entry(
        &self,
        name: &Name,
        entries: &mut Vec<MaybeUninit<u8>>,
        mut visit: impl FnMut(&[u8]),
    ) -> Result<(), Errno> {
        entries.resize(ENTRIES, MaybeUninit::uninit());
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(self.dir, name.bytes(), flags, Mode::empty())?;
        let mut listing = RawDir::new(&directory, entries);
        while let Some(entry) = listing.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                visit(name);
            }
        }
        Ok(())
    }
}

/// Whether an error says that the process went away between two reads.
pub(crate) const fn is_gone(errno: Errno) -> bool {
    matches!(errno, Errno::NOENT | Errno::SRCH)
}

/// A name below `/proc`, built without allocation.
#[derive(Debug)]
struct Name {
    bytes: [u8; NAME],
    length: usize,
}

impl Name {
    fn new(pid: u32, file: &str) -> Self {
        let mut name = Self { bytes: [0; NAME], length: 0 };
        name.number(pid);
        name.push(b"/");
        name.push(file.as_bytes());
        name
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = (self.length + bytes.len()).min(NAME);
        let count = end - self.length;
        self.bytes[self.length..end].copy_from_slice(&bytes[..count]);
        self.length = end;
    }

    fn number(&mut self, number: u32) {
        let mut digits = [0_u8; 10];
        let mut at = digits.len();
        let mut rest = number;
        loop {
            at -= 1;
            digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.push(&digits[at..]);
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Opens, reads and closes. A read that does not fill the buffer is the last: procfs gives these files whole.
fn read_at<'b>(
    dir: BorrowedFd<'_>,
    name: &Name,
    buffer: &'b mut Vec<u8>,
    limit: usize,
) -> Result<&'b [u8], Errno> {
    let file = rustix::fs::openat(dir, name.bytes(), OFlags::CLOEXEC, Mode::empty())?;
    if buffer.len() < FIRST_READ {
        buffer.resize(FIRST_READ, 0);
    }
    let mut filled = 0;
    loop {
        let room = buffer.len().min(limit);
        match rustix::io::read(&file, &mut buffer[filled..room]) {
            Ok(count) => {
                filled += count;
                if filled < room || filled >= limit {
                    return Ok(&buffer[..filled]);
                }
                let grown = (buffer.len() * 2).min(limit);
                buffer.resize(grown, 0);
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

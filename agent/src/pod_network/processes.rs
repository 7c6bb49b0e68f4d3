//! The node's processes as far as networks of pods need them: which there are, whose they are, what they see.
//!
//! No descriptor is kept. One of `net/dev` would hold the network namespace of a pod that is gone, and go on answering;
//! one of the process's directory would be safe, but descriptors are few where there are many pods. Instead each reading
//! makes sure that it was of the same namespace (by the file's inode number) and, afterwards, that the process is still
//! the one that was found: then it was so in between.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::PathBuf;

use rustix::io::Errno;

use super::pods::Process;
use crate::cgroup::OnError;
use crate::collectors::process::dir::{self, ProcDir};
use crate::collectors::process::parse;
use crate::error::SourceError;

/// Inode numbers of this file tell network namespaces apart, to anyone.
const NET_DEV: &str = "net/dev";
/// The most that is read of a process's `cgroup`: 13 hierarchies of the longest paths.
const CGROUP_LIMIT: usize = 64 << 10;
/// The most that is read of a process's `stat`.
const STAT_LIMIT: usize = 4096;
/// The most that is read of a pod's `net/dev`: 400 interfaces.
const NET_LIMIT: usize = 64 << 10;
/// The first size of a read buffer.
const FIRST_READ: usize = 4096;

/// The host's processes.
#[derive(Debug)]
pub(super) struct Processes(ProcDir);

impl Processes {
    /// Those below the host's `/proc`.
    pub(super) const fn new(proc: PathBuf) -> Self {
        Self(ProcDir::new(proc))
    }

    /// Visits the id and the directory's inode number of each.
    ///
    /// # Errors
    /// [`SourceError::Read`] where the directory cannot be listed.
    pub(super) fn list(&mut self, mut visit: impl FnMut(u32, u64)) -> Result<(), SourceError> {
        self.0.for_each_entry(|process, inode| visit(process.pid, inode))
    }

    /// The text of a process's `cgroup`; `None` where it has ended, and where the read failed, which is told.
    pub(super) fn cgroup<'b>(
        &self,
        pid: u32,
        buffer: &'b mut Vec<u8>,
        on_error: OnError<'_>,
    ) -> Option<&'b [u8]> {
        let read = self.0.process(pid)?.read("cgroup", buffer, CGROUP_LIMIT);
        self.told(pid, "cgroup", read, on_error)
    }

    /// The network namespace of process 1, which is the host's.
    ///
    /// # Errors
    /// [`SourceError::Read`]: then no pod can be told from the host.
    pub(super) fn host_namespace(&self) -> Result<u64, SourceError> {
        let inode = self.0.process(1).ok_or(Errno::NOENT).and_then(|process| process.inode(NET_DEV));
        inode.map_err(|errno| self.failed(1, NET_DEV, errno))
    }

    /// The process as one that shows a network; `None` where it has ended, and where a read failed, which is told.
    pub(super) fn identify(
        &self,
        (pid, inode): (u32, u64),
        buffer: &mut Vec<u8>,
        on_error: OnError<'_>,
    ) -> Option<Process> {
        let namespace = self.told(pid, NET_DEV, self.0.process(pid)?.inode(NET_DEV), on_error)?;
        let start = self.told(pid, "stat", self.start(pid, buffer), on_error)?;
        // Still the process that was listed: everything in between was read of it.
        let still = self.told(pid, ".", self.0.process(pid)?.inode("."), on_error)?;
        (still == inode).then_some(Process { pid, inode, start, namespace })
    }

    /// When the process of this id started.
    fn start(&self, pid: u32, buffer: &mut Vec<u8>) -> Result<u64, Errno> {
        let text = self.0.process(pid).ok_or(Errno::SRCH)?.read("stat", buffer, STAT_LIMIT)?;
        parse::stat(text).map(|stat| stat.start).ok_or(Errno::BADMSG)
    }

    /// The text of the process's `net/dev`, or that the process has ended or left its network.
    ///
    /// # Errors
    /// [`SourceError::Read`], with `ESRCH` where another process is needed, and [`SourceError::TooLarge`].
    pub(super) fn net_dev<'b>(
        &self,
        process: &mut Process,
        buffer: &'b mut Vec<u8>,
    ) -> Result<&'b [u8], SourceError> {
        let failed = |errno| self.failed(process.pid, NET_DEV, errno);
        let there = self.0.process(process.pid).ok_or_else(|| failed(Errno::SRCH))?;
        let file = File::from(there.open(NET_DEV).map_err(failed)?);
        let inode = file.metadata().map_err(|error| self.read_failed(process.pid, NET_DEV, error))?.ino();
        if inode != process.namespace {
            return Err(failed(Errno::SRCH));
        }
        let length =
            read_whole(&file, buffer).map_err(|error| self.read_failed(process.pid, NET_DEV, error))?;
        if length > NET_LIMIT {
            let path = self.path(process.pid, NET_DEV);
            return Err(SourceError::TooLarge { path, limit: NET_LIMIT });
        }
        let inode = there.inode(".").map_err(failed)?;
        if inode != process.inode {
            // procfs may have made the directory anew, for want of memory: the start decides. It is read behind the text.
            let mut stat = Vec::new();
            let start = self.start(process.pid, &mut stat).map_err(failed)?;
            if start != process.start {
                return Err(failed(Errno::SRCH));
            }
            process.inode = inode;
        }
        Ok(&buffer[..length])
    }

    /// Where a process's file is, for messages.
    pub(super) fn path(&self, pid: u32, file: &str) -> PathBuf {
        self.0.path_of(pid, file)
    }

    fn failed(&self, pid: u32, file: &str, errno: Errno) -> SourceError {
        self.read_failed(pid, file, errno.into())
    }

    fn read_failed(&self, pid: u32, file: &str, error: std::io::Error) -> SourceError {
        SourceError::Read { path: self.path(pid, file), error }
    }

    /// The value that was read; tells why there is none, unless the process has ended meanwhile.
    fn told<T>(&self, pid: u32, file: &str, read: Result<T, Errno>, on_error: OnError<'_>) -> Option<T> {
        read.map_err(|errno| {
            if !dir::is_gone(errno) {
                on_error(&self.failed(pid, file, errno));
            }
        })
        .ok()
    }
}

/// Reads the file through `buffer`, which only grows, until it ends or has more than [`NET_LIMIT`] bytes. The kernel
/// gives such a text by the page, so that only a read of nothing is the end.
fn read_whole(file: &File, buffer: &mut Vec<u8>) -> Result<usize, std::io::Error> {
    let mut filled = 0;
    while filled <= NET_LIMIT {
        if filled == buffer.len() {
            buffer.resize((buffer.len() * 2).max(FIRST_READ), 0);
        }
        match file.read_at(&mut buffer[filled..], filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

//! Who a process is: the resource attributes of its segment.
//!
//! Read when a process is first seen, when `stat` shows that it changed its program or parent, and at every
//! [`super::REFRESH`]th scrape besides: a title or a user that a process changes silently shows then at the latest.

use exporter::model::Attribute;

use super::dir::{Process, is_gone};
use super::owner::Owners;
use super::parse::{Stat, cmdline, full_name, status};
use super::tally::Tally;
use super::{Settings, Subject};
use crate::collectors::process::dir::ProcDir;

/// The most that is read of a command line, a path or a cgroup file, in bytes; the rest is cut off.
pub(super) const TEXT_LIMIT: usize = 4096;
/// The most that is read of `/proc/<pid>/status`.
pub(super) const STATUS_LIMIT: usize = 64 << 10;

/// What the attributes are made of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) pid: u32,
    pub(super) parent: u64,
    pub(super) name: String,
    path: String,
    /// The first argument and the whole line; absent where the file could not be read.
    command: Option<(String, String)>,
    owner: Option<String>,
    cgroup: Option<String>,
}

/// What is needed to find out.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) dir: &'a ProcDir,
    pub(super) settings: &'a Settings,
    pub(super) owners: &'a Owners,
    pub(super) tally: &'a mut Tally,
    pub(super) buffer: &'a mut Vec<u8>,
}

impl Reader<'_> {
    /// Reads everything about `process`; `None` where its name is filtered out.
    pub(super) fn identify(&mut self, process: Process<'_>, stat: &Stat<'_>) -> Option<Identity> {
        let command = self.command(process);
        let first = command.as_ref().map_or("", |(first, _)| first);
        let name = full_name(stat.comm, first);
        if !self.settings.names.passes(&name) {
            return None;
        }
        Some(Identity {
            pid: process.pid,
            parent: stat.parent,
            name,
            path: self.executable(process, stat),
            command,
            owner: self.owner(process),
            cgroup: self.settings.cgroup.then(|| self.cgroup(process)),
        })
    }

    fn command(&mut self, process: Process<'_>) -> Option<(String, String)> {
        match process.read("cmdline", self.buffer, TEXT_LIMIT) {
            Ok(text) => {
                let (first, line) = cmdline(text);
                Some((first.into_owned(), line))
            }
            Err(errno) => {
                self.failed(process, Subject::Command, errno);
                None
            }
        }
    }

    /// The executable's path, empty where there is none: kernel threads, zombies, or no permission.
    fn executable(&mut self, process: Process<'_>, stat: &Stat<'_>) -> String {
        if stat.is_kernel_thread() {
            return String::new();
        }
        match process.read_link("exe", self.buffer, TEXT_LIMIT) {
            Ok(path) => String::from_utf8_lossy(path).into_owned(),
            Err(errno) => {
                self.failed(process, Subject::Executable, errno);
                String::new()
            }
        }
    }

    fn owner(&mut self, process: Process<'_>) -> Option<String> {
        match process.read("status", self.buffer, STATUS_LIMIT) {
            Ok(text) => status(text).uid.and_then(|uid| self.owners.name(uid)).map(str::to_owned),
            Err(errno) => {
                self.failed(process, Subject::Owner, errno);
                None
            }
        }
    }

    fn cgroup(&mut self, process: Process<'_>) -> String {
        match process.read("cgroup", self.buffer, TEXT_LIMIT) {
            Ok(text) => String::from_utf8_lossy(text.strip_suffix(b"\n").unwrap_or(text)).into_owned(),
            Err(errno) => {
                self.failed(process, Subject::Cgroup, errno);
                String::new()
            }
        }
    }

    fn failed(&mut self, process: Process<'_>, subject: Subject, errno: rustix::io::Errno) {
        if !is_gone(errno) && !self.settings.muted.has(subject) {
            self.tally.refused(self.dir, process.pid, subject, errno);
        }
    }
}

impl Identity {
    /// The attributes, in the collector's order.
    pub(super) fn attributes(&self) -> Vec<Attribute<'_>> {
        let mut attributes = vec![
            Attribute::int("process.pid", i64::from(self.pid)),
            Attribute::int("process.parent_pid", i64::try_from(self.parent).unwrap_or(0)),
            Attribute::str("process.executable.name", &self.name),
            Attribute::str("process.executable.path", &self.path),
        ];
        if let Some(cgroup) = &self.cgroup {
            attributes.push(Attribute::str("process.cgroup", cgroup));
        }
        if let Some((first, line)) = &self.command {
            attributes.push(Attribute::str("process.command", first));
            attributes.push(Attribute::str("process.command_line", line));
        }
        if let Some(owner) = &self.owner {
            attributes.push(Attribute::str("process.owner", owner));
        }
        attributes
    }
}

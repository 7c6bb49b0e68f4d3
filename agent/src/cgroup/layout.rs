//! Where the controllers' files are: one hierarchy on v2, one for each controller on v1.
//!
//! v1's mount points are named by their controllers, in any order where several share one (`cpu,cpuacct`), often
//! with links for the single names. A hybrid machine has them next to `unified`, which has no controllers and is
//! not looked at.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::figures::Wanted;
use crate::error::SourceError;

#[cfg(test)]
mod tests;

/// More mount points than this are not looked at: a dozen controllers, each with a link.
const MAX_MOUNTS: usize = 64;

/// What a file is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum File {
    CpuUsage,
    Throttling,
    MemoryStat,
    MemoryUsage,
    MemoryLimit,
    CpuPressure,
    MemoryPressure,
    IoPressure,
    OomKills,
    Pids,
    PidsLimit,
    /// Of v2 the operations as well.
    IoBytes,
    IoOperations,
    Swap,
}

/// How many kinds of files there are.
pub(super) const FILES: usize = 14;

/// The controllers of v1 that are read. The first one there is tells which cgroups there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Controller {
    Memory,
    Cpuacct,
    Cpu,
    Pids,
    Blkio,
}

const CONTROLLERS: [(Controller, &str); 5] = [
    (Controller::Memory, "memory"),
    (Controller::Cpuacct, "cpuacct"),
    (Controller::Cpu, "cpu"),
    (Controller::Pids, "pids"),
    (Controller::Blkio, "blkio"),
];

/// Which interface the kernel gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// One hierarchy for each controller.
    V1,
    /// One for all.
    V2,
}

/// A mounted hierarchy.
#[derive(Debug)]
pub(super) struct Hierarchy {
    pub(super) path: PathBuf,
    pub(super) dir: OwnedFd,
}

impl Hierarchy {
    fn open(path: PathBuf) -> Result<Self, Errno> {
        let dir = rustix::fs::open(&path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { path, dir })
    }
}

/// The hierarchies of a machine.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) version: Version,
    /// Never empty: the first one tells which cgroups there are.
    lead: Hierarchy,
    others: Vec<(Controller, Hierarchy)>,
}

impl Layout {
    /// What is mounted at and below `base`.
    ///
    /// # Errors
    /// [`SourceError::Read`] where `base` cannot be listed, or has no hierarchy that is read.
    pub(super) fn detect(base: &Path) -> Result<Self, SourceError> {
        if base.join("cgroup.controllers").exists() {
            let lead = Hierarchy::open(base.to_owned()).map_err(|errno| failed(base, errno))?;
            return Ok(Self { version: Version::V2, lead, others: Vec::new() });
        }
        let mounts = std::fs::read_dir(base)
            .map_err(|error| SourceError::Read { path: base.to_owned(), error })?
            .take(MAX_MOUNTS)
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut mounts: Vec<String> = mounts.collect();
        // The controller's own name comes before a shared one, which it may be a link to.
        mounts.sort_unstable_by_key(|name| (name.matches(',').count(), name.clone()));
        let mut others = Vec::new();
        for (controller, name) in CONTROLLERS {
            let found = mounts.iter().find(|mount| mount.split(',').any(|part| part == name));
            if let Some(mount) = found {
                let path = base.join(mount);
                let hierarchy = Hierarchy::open(path.clone()).map_err(|errno| failed(&path, errno))?;
                others.push((controller, hierarchy));
            }
        }
        let Some((_, first)) = others.first() else { return Err(failed(&base.join("memory"), Errno::NOENT)) };
        let lead = Hierarchy::open(first.path.clone()).map_err(|errno| failed(&first.path, errno))?;
        Ok(Self { version: Version::V1, lead, others })
    }

    /// The hierarchy that tells which cgroups there are.
    pub(super) const fn lead(&self) -> &Hierarchy {
        &self.lead
    }

    /// The hierarchies that this machine does not have although a figure needs them.
    pub(super) fn absent(&self, base: &Path, wanted: Wanted) -> Vec<SourceError> {
        let needed = |controller| match controller {
            Controller::Memory | Controller::Cpuacct => true,
            Controller::Cpu => wanted.throttling,
            Controller::Pids => wanted.pids,
            Controller::Blkio => wanted.io,
        };
        let absent = CONTROLLERS.iter().filter(|(controller, _)| {
            self.version == Version::V1 && needed(*controller) && self.hierarchy(*controller).is_none()
        });
        absent.map(|(_, name)| failed(&base.join(name), Errno::NOENT)).collect()
    }

    fn hierarchy(&self, controller: Controller) -> Option<&Hierarchy> {
        self.others.iter().find(|(of, _)| *of == controller).map(|(_, hierarchy)| hierarchy)
    }

    /// Where `file` is: its hierarchy and its name within a cgroup. `None` where this machine cannot have it, and
    /// for those that the `root` of a hierarchy never has.
    pub(super) fn locate(&self, file: File, root: bool) -> Option<(&Hierarchy, &'static str)> {
        match self.version {
            Version::V2 => Some((&self.lead, name_v2(file, root)?)),
            Version::V1 => {
                let (controller, name) = name_v1(file, root)?;
                Some((self.hierarchy(controller)?, name))
            }
        }
    }
}

const fn name_v2(file: File, root: bool) -> Option<&'static str> {
    Some(match file {
        File::CpuUsage => "cpu.stat",
        File::MemoryStat => "memory.stat",
        File::CpuPressure => "cpu.pressure",
        File::MemoryPressure => "memory.pressure",
        File::IoPressure => "io.pressure",
        File::IoBytes => "io.stat",
        _ if root => return None,
        File::MemoryUsage => "memory.current",
        File::MemoryLimit => "memory.max",
        File::OomKills => "memory.events",
        File::Pids => "pids.current",
        File::PidsLimit => "pids.max",
        File::Swap => "memory.swap.current",
        File::Throttling | File::IoOperations => return None,
    })
}

const fn name_v1(file: File, root: bool) -> Option<(Controller, &'static str)> {
    Some(match file {
        File::CpuUsage => (Controller::Cpuacct, "cpuacct.usage"),
        File::Throttling => (Controller::Cpu, "cpu.stat"),
        File::MemoryStat => (Controller::Memory, "memory.stat"),
        File::MemoryUsage => (Controller::Memory, "memory.usage_in_bytes"),
        File::OomKills => (Controller::Memory, "memory.oom_control"),
        // With what is below: a pod's own cgroup holds no process.
        File::IoBytes => (Controller::Blkio, "blkio.throttle.io_service_bytes_recursive"),
        File::IoOperations => (Controller::Blkio, "blkio.throttle.io_serviced_recursive"),
        _ if root => return None,
        File::MemoryLimit => (Controller::Memory, "memory.limit_in_bytes"),
        File::Pids => (Controller::Pids, "pids.current"),
        File::PidsLimit => (Controller::Pids, "pids.max"),
        File::CpuPressure | File::MemoryPressure | File::IoPressure | File::Swap => return None,
    })
}

fn failed(path: &Path, errno: Errno) -> SourceError {
    SourceError::Read { path: path.to_owned(), error: errno.into() }
}

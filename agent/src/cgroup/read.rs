//! From the files of one cgroup to its figures, by the kubelet's formulas.
//!
//! The kubelet takes them from cAdvisor (`setMemoryStats` and `GetSpec`) and, for the node, from the root cgroup:
//! v1 has it all there; v2 has no `memory.current` in its root, so usage is what `memory.stat` has of anonymous
//! and file memory, and swap what `/proc/meminfo` tells. The node's limit is the machine's memory on both.

use super::OnError;
use super::figures::{Cpu, Figures, Io, Memory, Pids, Pressure, Stall};
use super::group::{Failure, Files, Place, malformed};
use super::layout::{File, Version};
use super::parse::{self, Bad, MemoryStat, Parsed};
use crate::error::SourceError;
use crate::source::KeptFile;

#[cfg(test)]
mod tests;

/// One read of one group.
pub(super) struct Reader<'r> {
    pub(super) place: &'r Place,
    pub(super) files: &'r mut Files,
    /// Of the root only.
    pub(super) meminfo: Option<&'r mut KeptFile>,
    pub(super) buffer: &'r mut Vec<u8>,
    pub(super) on_error: OnError<'r>,
}

/// The machine's memory and its swap in use, in bytes.
type Machine = (u64, u64);

impl Reader<'_> {
    pub(super) fn figures(&mut self) -> Figures {
        let wanted = self.place.shared.wanted;
        let cpu = self.cpu();
        let machine = self.machine();
        let stat = match self.version() {
            Version::V1 => self.parsed(File::MemoryStat, parse::memory_stat_v1),
            Version::V2 => self.parsed(File::MemoryStat, parse::memory_stat),
        };
        Figures {
            cpu,
            memory: stat.and_then(|stat| self.memory(stat, machine)),
            pressure: if wanted.pressure { self.pressure() } else { None },
            oom_kills: if wanted.oom_kills {
                self.parsed(File::OomKills, parse::oom_kills).flatten()
            } else {
                None
            },
            pids: if wanted.pids { self.pids() } else { None },
            io: if wanted.io { self.io() } else { None },
            swap: if wanted.swap { self.swap(stat, machine) } else { None },
        }
    }

    fn version(&self) -> Version {
        self.place.shared.layout.version
    }

    fn cpu(&mut self) -> Option<Cpu> {
        let throttling = self.place.shared.wanted.throttling;
        match self.version() {
            Version::V1 => {
                let usage_ns = self.parsed(File::CpuUsage, parse::number)?;
                let read = throttling.then(|| self.parsed(File::Throttling, parse::cpu_stat_v1));
                Some(Cpu { usage_ns, throttling: read.flatten().flatten() })
            }
            Version::V2 => {
                let (usage_ns, quota) = self.parsed(File::CpuUsage, parse::cpu_stat)?;
                Some(Cpu { usage_ns, throttling: quota.filter(|_| throttling) })
            }
        }
    }

    fn memory(&mut self, stat: MemoryStat, machine: Option<Machine>) -> Option<Memory> {
        let root = self.place.is_root();
        let usage = if root && self.version() == Version::V2 {
            stat.anonymous.saturating_add(stat.file)
        } else {
            self.parsed(File::MemoryUsage, parse::number)?
        };
        let limit = if root {
            machine.map(|(total, _)| total)
        } else {
            self.parsed(File::MemoryLimit, parse::limit).flatten()
        };
        Some(Memory {
            usage,
            working_set: usage.saturating_sub(stat.inactive_file),
            rss: stat.anonymous,
            page_faults: stat.page_faults,
            major_page_faults: stat.major_page_faults,
            limit,
        })
    }

    fn machine(&mut self) -> Option<Machine> {
        let meminfo = self.meminfo.as_mut()?;
        let read = meminfo.read(self.buffer).and_then(|text| {
            parse::meminfo(text).map_err(|Bad { what, at }| SourceError::Parse {
                path: self.place.shared.meminfo.clone(),
                what,
                at,
            })
        });
        read.map_err(|error| (self.on_error)(&error)).ok()
    }

    /// Absent where the kernel tells none of the three.
    fn pressure(&mut self) -> Option<Pressure> {
        let pressure = Pressure {
            cpu: self.stall(File::CpuPressure),
            memory: self.stall(File::MemoryPressure),
            io: self.stall(File::IoPressure),
        };
        (pressure != Pressure::default()).then_some(pressure)
    }

    /// Pressure that is switched off, at the boot or for this cgroup, is no failed read.
    fn stall(&mut self, file: File) -> Option<Stall> {
        match self.files.read(self.place, file, self.buffer) {
            Err(Failure::Missing(_)) => None,
            read => self.judged(file, read, parse::pressure),
        }
    }

    fn pids(&mut self) -> Option<Pids> {
        let current = self.parsed(File::Pids, parse::number)?;
        Some(Pids { current, limit: self.parsed(File::PidsLimit, parse::limit).flatten() })
    }

    fn io(&mut self) -> Option<Io> {
        match self.version() {
            Version::V1 => {
                let (read_bytes, write_bytes) = self.parsed(File::IoBytes, parse::blkio)?;
                let (reads, writes) = self.parsed(File::IoOperations, parse::blkio)?;
                Some(Io { read_bytes, write_bytes, reads, writes })
            }
            Version::V2 => self.parsed(File::IoBytes, parse::io_stat),
        }
    }

    fn swap(&mut self, stat: Option<MemoryStat>, machine: Option<Machine>) -> Option<u64> {
        match self.version() {
            Version::V1 => stat?.swap,
            Version::V2 if self.place.is_root() => machine.map(|(_, swap)| swap),
            Version::V2 => self.parsed(File::Swap, parse::number),
        }
    }

    /// Reads and parses `file`; tells of what failed.
    fn parsed<T>(&mut self, file: File, parse: impl FnOnce(&[u8]) -> Parsed<T>) -> Option<T> {
        let read = self.files.read(self.place, file, self.buffer);
        self.judged(file, read, parse)
    }

    fn judged<T>(
        &mut self,
        file: File,
        read: Result<usize, Failure>,
        parse: impl FnOnce(&[u8]) -> Parsed<T>,
    ) -> Option<T> {
        let error = match read {
            Ok(length) => match whole(&self.buffer[..length]).and_then(parse) {
                Ok(value) => return Some(value),
                Err(bad) => {
                    self.files.reopen(self.place, file);
                    malformed(self.place, file, bad)
                }
            },
            Err(Failure::Absent) => return None,
            Err(Failure::Missing(errno)) => {
                SourceError::Read { path: self.place.path_of(file), error: errno.into() }
            }
            Err(Failure::Failed(error)) => error,
        };
        (self.on_error)(&error);
        None
    }
}

/// The kernel ends its files with a newline: a text without one was cut off, perhaps within a number.
fn whole(text: &[u8]) -> Parsed<&[u8]> {
    match text.last() {
        None | Some(b'\n') => Ok(text),
        Some(_) => Err(Bad { what: "no newline at the end", at: text.len() }),
    }
}

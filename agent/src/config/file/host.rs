//! The root `host`: the host's files and the scrapers that read them.
//!
//! Inside a scraper the keys are those of the collector's hostmetrics receiver 0.149.0, so that moving a
//! configuration is copying it; `enabled`, `interval` and filesystem's `timeout` are tare's own.

use std::collections::BTreeMap;

use super::Switch;
use crate::config::schema::{Setting, section};
use crate::config::values::quantity::{Interval, Span};
use crate::config::values::{AbsolutePath, ProcessAttribute, Text};
use crate::filter::MatchType;

section! {
    /// This machine. In a container, mount the host's `/` (read-only) at `/hostfs` and set `root: /hostfs`.
    pub struct Host {
        /// The host's `/`, as tare sees it. Mount points are reported as the host sees them.
        root: AbsolutePath = AbsolutePath::fixed("/"),
        /// The host's `/proc`, where it is not `proc` below `root`.
        proc: Option<AbsolutePath>,
        /// The host's `/sys`, where it is not `sys` below `root`.
        sys: Option<AbsolutePath>,
        /// How often the scrapers read, unless they say otherwise.
        interval: Setting<Interval> = Setting::default_of(Interval::seconds(10)),
        /// What is read. Where this key is given, only the scrapers named below it run.
        scrapers: Option<Scrapers>,
    }
}

section! {
    /// Without this key `cpu`, `disk`, `filesystem`, `load`, `memory`, `network`, `paging`, `processes` and `system`
    /// run, with their defaults. `nfs` and `process` run only when named. A name without a value (`cpu:`) is enough.
    ///
    /// A name passes when the `include` list is absent or matches it and the `exclude` list is absent or does not.
    /// With `match_type: strict` an entry is the whole name; with `regexp` it is an expression that may match
    /// anywhere in the name, so anchor it with `^` and `$` where you mean the whole. A list has at most 256 entries.
    pub struct Scrapers {
        /// Time and utilization of each logical CPU.
        cpu: Option<Cpu>,
        /// Operations, bytes and times of each block device.
        disk: Option<Disk>,
        /// Space and inodes of each mounted filesystem.
        filesystem: Option<Filesystem>,
        /// Load averages.
        load: Option<Load>,
        /// Memory by state.
        memory: Option<Memory>,
        /// Bytes, packets, errors and connections.
        network: Option<Network>,
        /// Calls and traffic of the NFS client and server in the kernel.
        nfs: Option<Nfs>,
        /// Swap space and page faults.
        paging: Option<Paging>,
        /// Each process on its own. One resource per process: the scraper that costs most.
        process: Option<Process>,
        /// How many processes there are, by state.
        processes: Option<Processes>,
        /// Uptime.
        system: Option<System>,
    }
}

impl Scrapers {
    /// What runs when the file names no scrapers.
    pub fn standard() -> Self {
        Self {
            cpu: Some(Cpu::default()),
            disk: Some(Disk::default()),
            filesystem: Some(Filesystem::default()),
            load: Some(Load::default()),
            memory: Some(Memory::default()),
            network: Some(Network::default()),
            nfs: None,
            paging: Some(Paging::default()),
            process: None,
            processes: Some(Processes::default()),
            system: Some(System::default()),
        }
    }
}

/// What every scraper has in common.
pub trait Scraper {
    /// Whether it runs, and how often where that is its own choice.
    fn cadence(&self) -> (bool, Option<Interval>);
}

/// Declares a scraper: a section with the keys that every scraper has, before its own.
macro_rules! scraper {
    ($(#[doc = $about:literal])+ pub struct $name:ident { $($own:tt)* }) => {
        section! {
            $(#[doc = $about])+
            pub struct $name {
                /// Whether it runs.
                enabled: bool = true,
                /// How often it reads. Default: `host.interval`.
                interval: Option<Interval>,
                $($own)*
            }
        }

        impl Scraper for $name {
            fn cadence(&self) -> (bool, Option<Interval>) {
                (self.enabled, self.interval)
            }
        }
    };
}

/// Declares a list of names to compare with.
macro_rules! match_list {
    ($(#[doc = $about:literal])+ pub struct $name:ident { $(#[doc = $doc:literal])+ $list:ident }) => {
        section! {
            $(#[doc = $about])+
            pub struct $name {
                $(#[doc = $doc])+
                $list: Vec<Text>,
                /// How names are compared.
                match_type: MatchType = MatchType::Strict,
            }
        }

        impl MatchList for $name {
            fn list(&self) -> (&'static str, &[Text], MatchType) {
                (stringify!($list), &self.$list, self.match_type)
            }
        }
    };
}

/// What every list of names has in common.
pub trait MatchList {
    /// The list's key, its entries and how they are compared.
    fn list(&self) -> (&'static str, &[Text], MatchType);
}

match_list! {
    /// Devices.
    pub struct Devices {
        /// Names of devices. An empty list filters nothing.
        devices
    }
}

match_list! {
    /// Network interfaces.
    pub struct Interfaces {
        /// Names of interfaces. An empty list filters nothing.
        interfaces
    }
}

match_list! {
    /// Types of filesystems.
    pub struct FsTypes {
        /// Types, like `ext4`. An empty list filters nothing.
        fs_types
    }
}

match_list! {
    /// Mount points.
    pub struct MountPoints {
        /// Mount points as the host sees them. An empty list filters nothing.
        mount_points
    }
}

match_list! {
    /// Names of processes.
    pub struct Names {
        /// Names of executables. An empty list filters nothing.
        names
    }
}

scraper! {
    /// Metrics `system.cpu.*` of `/proc/stat`.
    pub struct Cpu {}
}

scraper! {
    /// Metrics `system.disk.*` of `/proc/diskstats`.
    pub struct Disk {
        /// Only these devices.
        include: Option<Devices>,
        /// Not these devices.
        exclude: Option<Devices>,
    }
}

scraper! {
    /// Metrics `system.filesystem.*` of what is mounted.
    pub struct Filesystem {
        /// Only filesystems on these devices.
        include_devices: Option<Devices>,
        /// No filesystem on these devices.
        exclude_devices: Option<Devices>,
        /// Only filesystems of these types.
        include_fs_types: Option<FsTypes>,
        /// No filesystem of these types.
        exclude_fs_types: Option<FsTypes>,
        /// Only filesystems mounted here.
        include_mount_points: Option<MountPoints>,
        /// No filesystem mounted here.
        exclude_mount_points: Option<MountPoints>,
        /// Whether filesystems without a device, like `tmpfs`, count too.
        include_virtual_filesystems: bool = false,
        /// How long a filesystem may take to answer. One that hangs is left out and counted; it delays no other scraper.
        timeout: Span<100, 60_000> = Span::seconds(5),
    }
}

scraper! {
    /// Metrics `system.cpu.load_average.*` of `/proc/loadavg`.
    pub struct Load {
        /// Whether load averages are divided by the number of logical CPUs.
        cpu_average: bool = false,
    }
}

scraper! {
    /// Metrics `system.memory.*` and `system.linux.memory.*` of `/proc/meminfo`.
    pub struct Memory {}
}

scraper! {
    /// Metrics `system.network.*` of `/proc/net`.
    pub struct Network {
        /// Only these interfaces.
        include: Option<Interfaces>,
        /// Not these interfaces.
        exclude: Option<Interfaces>,
    }
}

scraper! {
    /// Metrics `nfs.*` of `/proc/net/rpc`.
    pub struct Nfs {}
}

scraper! {
    /// Metrics `system.paging.*` of `/proc/vmstat` and `/proc/swaps`.
    pub struct Paging {}
}

scraper! {
    /// Metrics `process.*` of `/proc/<pid>`.
    pub struct Process {
        /// Only processes of these names.
        include: Option<Names>,
        /// No process of these names.
        exclude: Option<Names>,
        /// How long a process must have been running until it is read.
        scrape_process_delay: Span<0, 86_400_000> = Span::seconds(0),
        /// Failed reads of a process are not counted.
        mute_process_all_errors: bool = false,
        /// Failed reads of a process's name are not counted.
        mute_process_name_error: bool = false,
        /// Failed reads of a process's executable are not counted.
        mute_process_exe_error: bool = false,
        /// Failed reads of a process's disk I/O are not counted.
        mute_process_io_error: bool = false,
        /// Failed reads of a process's owner are not counted.
        mute_process_user_error: bool = false,
        /// Failed reads of a process's cgroup are not counted.
        mute_process_cgroup_error: bool = false,
        /// Attributes of a process that are not reported unless they are switched on.
        resource_attributes: BTreeMap<ProcessAttribute, Switch>,
    }
}

scraper! {
    /// Metrics `system.processes.*`.
    pub struct Processes {}
}

scraper! {
    /// Metric `system.uptime`.
    pub struct System {}
}

//! Any bytes as a file of a process, of the mounts or of the NFS statistics.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tare::collectors::{Collector, Setup, filesystem, nfs, process, processes};
use tare_fuzz::host::{Case, Host};

fn process(setup: &Setup) -> Box<dyn Collector> {
    Box::new(process::Process::new(setup, process::Settings { cgroup: true, ..process::Settings::default() }))
}

fn processes(setup: &Setup) -> Box<dyn Collector> {
    Box::new(processes::Processes::new(setup))
}

fn filesystem(setup: &Setup) -> Box<dyn Collector> {
    let settings = filesystem::Settings { include_virtual: true, ..filesystem::Settings::default() };
    Box::new(filesystem::Filesystem::new(setup, settings))
}

/// Without virtual filesystems, so that `proc/filesystems` decides.
fn devices(setup: &Setup) -> Box<dyn Collector> {
    Box::new(filesystem::Filesystem::new(setup, filesystem::Settings::default()))
}

fn nfs(setup: &Setup) -> Box<dyn Collector> {
    Box::new(nfs::Nfs::new(setup))
}

/// From `a` on. The corpus names them by their letters: append, do not insert.
const CASES: &[Case] = &[
    Case { file: "proc/1/stat", collector: process },
    Case { file: "proc/1/status", collector: process },
    Case { file: "proc/1/statm", collector: process },
    Case { file: "proc/1/io", collector: process },
    Case { file: "proc/1/cmdline", collector: process },
    Case { file: "proc/1/cgroup", collector: process },
    Case { file: "proc/1/task/15/status", collector: process },
    Case { file: "etc/passwd", collector: process },
    Case { file: "proc/meminfo", collector: process },
    Case { file: "proc/stat", collector: process },
    Case { file: "proc/1/stat", collector: processes },
    Case { file: "proc/stat", collector: processes },
    Case { file: "proc/1/mountinfo", collector: filesystem },
    Case { file: "proc/1/mounts", collector: filesystem },
    Case { file: "proc/1/mountinfo", collector: devices },
    Case { file: "proc/1/mounts", collector: devices },
    Case { file: "proc/net/rpc/nfs", collector: nfs },
    Case { file: "proc/net/rpc/nfsd", collector: nfs },
];

/// One process is enough: what is fuzzed is a file of it.
const OTHERS: &[&str] = &["proc/2", "proc/40", "proc/77", "proc/900"];

static HOST: LazyLock<Host> = LazyLock::new(|| Host::new("process_files", "process", OTHERS, CASES));

fuzz_target!(|input: &[u8]| HOST.run(input));

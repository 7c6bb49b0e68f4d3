//! Any bytes as one of the small files of a host: no panic, no wrong sample, whatever is in them.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tare::collectors::{Collector, Setup, cpu, disk, load, memory, network, paging, system};
use tare_fuzz::host::{Case, Host};

fn cpu(setup: &Setup) -> Box<dyn Collector> {
    Box::new(cpu::Cpu::new(setup))
}

fn load(setup: &Setup) -> Box<dyn Collector> {
    Box::new(load::Load::new(setup, load::Settings { cpu_average: true }))
}

fn memory(setup: &Setup) -> Box<dyn Collector> {
    Box::new(memory::Memory::new(setup))
}

fn paging(setup: &Setup) -> Box<dyn Collector> {
    Box::new(paging::Paging::new(setup))
}

fn system(setup: &Setup) -> Box<dyn Collector> {
    Box::new(system::System::new(setup))
}

fn disk(setup: &Setup) -> Box<dyn Collector> {
    Box::new(disk::Disk::new(setup, disk::Settings::default()))
}

fn network(setup: &Setup) -> Box<dyn Collector> {
    Box::new(network::Network::new(setup, network::Settings::default()))
}

/// From `a` on. The corpus names them by their letters: append, do not insert.
const CASES: &[Case] = &[
    Case { file: "proc/stat", collector: cpu },
    Case { file: "proc/cpuinfo", collector: cpu },
    Case { file: "sys/devices/system/cpu/cpu0/topology/core_cpus_list", collector: cpu },
    Case { file: "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", collector: cpu },
    Case { file: "proc/loadavg", collector: load },
    Case { file: "sys/devices/system/cpu/online", collector: load },
    Case { file: "proc/meminfo", collector: memory },
    Case { file: "proc/vmstat", collector: paging },
    Case { file: "proc/swaps", collector: paging },
    Case { file: "proc/uptime", collector: system },
    Case { file: "proc/diskstats", collector: disk },
    Case { file: "proc/net/dev", collector: network },
    Case { file: "proc/net/tcp", collector: network },
    Case { file: "proc/net/tcp6", collector: network },
    Case { file: "proc/sys/net/netfilter/nf_conntrack_count", collector: network },
];

static HOST: LazyLock<Host> = LazyLock::new(|| Host::new("host_files", "host/small", &[], CASES));

fuzz_target!(|input: &[u8]| HOST.run(input));

//! Metrics of the scraper `process`.

use super::{COUNTER, GAUGE, Metric, UP_DOWN, ValueType, row};

/// `process.context_switches`; attributes: `type{involuntary,voluntary}`.
pub static CONTEXT_SWITCHES: Metric = row(
    "process.context_switches",
    "{count}",
    COUNTER,
    ValueType::Int,
    false,
    "Context switches of the process.",
);

/// `process.cpu.time`; attributes: `state{system,user,wait}`.
pub static CPU_TIME: Metric =
    row("process.cpu.time", "s", COUNTER, ValueType::Double, true, "CPU seconds of the process by state.");

/// `process.cpu.utilization`; attributes: `state{system,user,wait}`.
pub static CPU_UTILIZATION: Metric = row(
    "process.cpu.utilization",
    "1",
    GAUGE,
    ValueType::Double,
    false,
    "The share of the host's CPU time that the process used since the last scrape.",
);

/// `process.disk.io`; attributes: `direction{read,write}`.
pub static DISK_IO: Metric = row(
    "process.disk.io",
    "By",
    COUNTER,
    ValueType::Int,
    true,
    "Bytes that the process read from and wrote to disk.",
);

/// `process.disk.operations`; attributes: `direction{read,write}`.
pub static DISK_OPERATIONS: Metric = row(
    "process.disk.operations",
    "{operations}",
    COUNTER,
    ValueType::Int,
    false,
    "Read and write system calls of the process.",
);

/// `process.handles`.
pub static HANDLES: Metric = row(
    "process.handles",
    "{count}",
    UP_DOWN,
    ValueType::Int,
    false,
    "Open handles of the process (Windows only).",
);

/// `process.memory.usage`.
pub static MEMORY_USAGE: Metric =
    row("process.memory.usage", "By", UP_DOWN, ValueType::Int, true, "Physical memory of the process.");

/// `process.memory.utilization`.
pub static MEMORY_UTILIZATION: Metric = row(
    "process.memory.utilization",
    "1",
    GAUGE,
    ValueType::Double,
    false,
    "The share of the host's physical memory that the process uses, in percent.",
);

/// `process.memory.virtual`.
pub static MEMORY_VIRTUAL: Metric =
    row("process.memory.virtual", "By", UP_DOWN, ValueType::Int, true, "Virtual memory of the process.");

/// `process.open_file_descriptors`.
pub static OPEN_FILE_DESCRIPTORS: Metric = row(
    "process.open_file_descriptors",
    "{count}",
    UP_DOWN,
    ValueType::Int,
    false,
    "File descriptors that the process has open.",
);

/// `process.paging.faults`; attributes: `type{major,minor}`.
pub static PAGING_FAULTS: Metric =
    row("process.paging.faults", "{faults}", COUNTER, ValueType::Int, false, "Page faults of the process.");

/// `process.signals_pending`.
pub static SIGNALS_PENDING: Metric = row(
    "process.signals_pending",
    "{signals}",
    UP_DOWN,
    ValueType::Int,
    false,
    "Signals that wait for the process.",
);

/// `process.threads`.
pub static THREADS: Metric =
    row("process.threads", "{threads}", UP_DOWN, ValueType::Int, false, "Threads of the process.");

/// `process.uptime`.
pub static UPTIME: Metric =
    row("process.uptime", "s", GAUGE, ValueType::Double, false, "Seconds since the process started.");

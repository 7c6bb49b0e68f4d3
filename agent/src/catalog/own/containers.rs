//! What tare reports of pods and containers beyond the collector: off unless asked for.
//!
//! `container.disk.io` is the only one that the OpenTelemetry semantic conventions (1.43) name, and only for containers;
//! tare sums it over the devices, so it carries no `system.device`. The rest stands under tare's own prefixes, to make way
//! should the conventions come to name it otherwise.

use exporter::model::{Kind, Metric, ValueType};

const COUNTER: Kind = Kind::Sum { monotonic: true };
const UP_DOWN: Kind = Kind::Sum { monotonic: false };

/// One row, off by default.
const fn row(
    name: &'static str,
    unit: &'static str,
    kind: Kind,
    value_type: ValueType,
    description: &'static str,
) -> Metric {
    Metric { name, description, unit, kind, value_type, default_on: false }
}

/// Of containers.
pub mod container {
    use super::{COUNTER, Metric, UP_DOWN, ValueType, row};

    /// `tare.container.cpu.throttling.periods`.
    pub static CPU_THROTTLING_PERIODS: Metric = row(
        "tare.container.cpu.throttling.periods",
        "{period}",
        COUNTER,
        ValueType::Int,
        "Enforcement periods of the CPU quota of the container that have passed.",
    );

    /// `tare.container.cpu.throttling.throttled_periods`.
    pub static CPU_THROTTLING_THROTTLED_PERIODS: Metric = row(
        "tare.container.cpu.throttling.throttled_periods",
        "{period}",
        COUNTER,
        ValueType::Int,
        "Enforcement periods in which the container had used up its CPU quota.",
    );

    /// `tare.container.cpu.throttling.time`.
    pub static CPU_THROTTLING_TIME: Metric = row(
        "tare.container.cpu.throttling.time",
        "s",
        COUNTER,
        ValueType::Double,
        "For how long the CPU quota kept the container from running.",
    );

    /// `container.disk.io`; attributes: `disk.io.direction{read,write}`.
    pub static DISK_IO: Metric = row(
        "container.disk.io",
        "By",
        COUNTER,
        ValueType::Int,
        "Bytes that the container read from and wrote to block devices.",
    );

    /// `tare.container.disk.operations`; attributes: `disk.io.direction{read,write}`.
    pub static DISK_OPERATIONS: Metric = row(
        "tare.container.disk.operations",
        "{operation}",
        COUNTER,
        ValueType::Int,
        "Operations of the container on block devices.",
    );

    /// `tare.container.memory.oom_kills`.
    pub static MEMORY_OOM_KILLS: Metric = row(
        "tare.container.memory.oom_kills",
        "{kill}",
        COUNTER,
        ValueType::Int,
        "Processes of the container that the kernel killed for want of memory.",
    );

    /// `tare.container.memory.swap.usage`.
    pub static MEMORY_SWAP_USAGE: Metric = row(
        "tare.container.memory.swap.usage",
        "By",
        UP_DOWN,
        ValueType::Int,
        "Swap space that the container uses.",
    );

    /// `tare.container.pids.count`.
    pub static PIDS_COUNT: Metric = row(
        "tare.container.pids.count",
        "{task}",
        UP_DOWN,
        ValueType::Int,
        "Processes and threads of the container.",
    );

    /// `tare.container.pids.limit`.
    pub static PIDS_LIMIT: Metric = row(
        "tare.container.pids.limit",
        "{task}",
        UP_DOWN,
        ValueType::Int,
        "The most processes and threads that the container may have; absent where there is no limit.",
    );

    /// `tare.container.pressure.time`; attributes: `resource{cpu,io,memory}`, `stall{full,some}`.
    pub static PRESSURE_TIME: Metric = row(
        "tare.container.pressure.time",
        "s",
        COUNTER,
        ValueType::Double,
        "For how long some or all tasks of the container waited for a resource (pressure stall information).",
    );
}

/// Of pods.
pub mod pod {
    use super::{COUNTER, Metric, UP_DOWN, ValueType, row};

    /// `tare.pod.cpu.throttling.periods`.
    pub static CPU_THROTTLING_PERIODS: Metric = row(
        "tare.pod.cpu.throttling.periods",
        "{period}",
        COUNTER,
        ValueType::Int,
        "Enforcement periods of the CPU quota of the pod that have passed.",
    );

    /// `tare.pod.cpu.throttling.throttled_periods`.
    pub static CPU_THROTTLING_THROTTLED_PERIODS: Metric = row(
        "tare.pod.cpu.throttling.throttled_periods",
        "{period}",
        COUNTER,
        ValueType::Int,
        "Enforcement periods in which the pod had used up its CPU quota.",
    );

    /// `tare.pod.cpu.throttling.time`.
    pub static CPU_THROTTLING_TIME: Metric = row(
        "tare.pod.cpu.throttling.time",
        "s",
        COUNTER,
        ValueType::Double,
        "For how long the CPU quota kept the pod from running.",
    );

    /// `tare.pod.disk.io`; attributes: `disk.io.direction{read,write}`.
    pub static DISK_IO: Metric = row(
        "tare.pod.disk.io",
        "By",
        COUNTER,
        ValueType::Int,
        "Bytes that the pod read from and wrote to block devices.",
    );

    /// `tare.pod.disk.operations`; attributes: `disk.io.direction{read,write}`.
    pub static DISK_OPERATIONS: Metric = row(
        "tare.pod.disk.operations",
        "{operation}",
        COUNTER,
        ValueType::Int,
        "Operations of the pod on block devices.",
    );

    /// `tare.pod.memory.oom_kills`.
    pub static MEMORY_OOM_KILLS: Metric = row(
        "tare.pod.memory.oom_kills",
        "{kill}",
        COUNTER,
        ValueType::Int,
        "Processes of the pod that the kernel killed for want of memory.",
    );

    /// `tare.pod.memory.swap.usage`.
    pub static MEMORY_SWAP_USAGE: Metric =
        row("tare.pod.memory.swap.usage", "By", UP_DOWN, ValueType::Int, "Swap space that the pod uses.");

    /// `tare.pod.pids.count`.
    pub static PIDS_COUNT: Metric =
        row("tare.pod.pids.count", "{task}", UP_DOWN, ValueType::Int, "Processes and threads of the pod.");

    /// `tare.pod.pids.limit`.
    pub static PIDS_LIMIT: Metric = row(
        "tare.pod.pids.limit",
        "{task}",
        UP_DOWN,
        ValueType::Int,
        "The most processes and threads that the pod may have; absent where there is no limit.",
    );

    /// `tare.pod.pressure.time`; attributes: `resource{cpu,io,memory}`, `stall{full,some}`.
    pub static PRESSURE_TIME: Metric = row(
        "tare.pod.pressure.time",
        "s",
        COUNTER,
        ValueType::Double,
        "For how long some or all tasks of the pod waited for a resource (pressure stall information).",
    );
}

/// Every one of them.
pub static ALL: &[&Metric] = &[
    &container::CPU_THROTTLING_PERIODS,
    &container::CPU_THROTTLING_THROTTLED_PERIODS,
    &container::CPU_THROTTLING_TIME,
    &container::DISK_IO,
    &container::DISK_OPERATIONS,
    &container::MEMORY_OOM_KILLS,
    &container::MEMORY_SWAP_USAGE,
    &container::PIDS_COUNT,
    &container::PIDS_LIMIT,
    &container::PRESSURE_TIME,
    &pod::CPU_THROTTLING_PERIODS,
    &pod::CPU_THROTTLING_THROTTLED_PERIODS,
    &pod::CPU_THROTTLING_TIME,
    &pod::DISK_IO,
    &pod::DISK_OPERATIONS,
    &pod::MEMORY_OOM_KILLS,
    &pod::MEMORY_SWAP_USAGE,
    &pod::PIDS_COUNT,
    &pod::PIDS_LIMIT,
    &pod::PRESSURE_TIME,
];

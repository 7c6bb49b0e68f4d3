//! Metrics of the scraper `cpu`.

use super::{COUNTER, GAUGE, Metric, UP_DOWN, ValueType, row};

/// `system.cpu.frequency`; attributes: `cpu`.
pub static FREQUENCY: Metric = row(
    "system.cpu.frequency",
    "Hz",
    GAUGE,
    ValueType::Double,
    false,
    "The present clock frequency of each logical CPU.",
);

/// `system.cpu.logical.count`.
pub static LOGICAL_COUNT: Metric =
    row("system.cpu.logical.count", "{cpu}", UP_DOWN, ValueType::Int, false, "The number of logical CPUs.");

/// `system.cpu.physical.count`.
pub static PHYSICAL_COUNT: Metric = row(
    "system.cpu.physical.count",
    "{cpu}",
    UP_DOWN,
    ValueType::Int,
    false,
    "The number of physical CPU cores.",
);

/// `system.cpu.time`; attributes: `cpu state{idle,interrupt,nice,softirq,steal,system,user,wait}`.
pub static TIME: Metric = row(
    "system.cpu.time",
    "s",
    COUNTER,
    ValueType::Double,
    true,
    "Seconds that each logical CPU spent in each state.",
);

/// `system.cpu.utilization`; attributes: `cpu state{idle,interrupt,nice,softirq,steal,system,user,wait}`.
pub static UTILIZATION: Metric = row(
    "system.cpu.utilization",
    "1",
    GAUGE,
    ValueType::Double,
    false,
    "The share of time that each logical CPU spent in each state since the last scrape.",
);

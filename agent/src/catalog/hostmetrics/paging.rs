//! Metrics of the scraper `paging`.

use super::{COUNTER, GAUGE, Metric, UP_DOWN, ValueType, row};

/// `system.paging.faults`; attributes: `type{major,minor}`.
pub static FAULTS: Metric =
    row("system.paging.faults", "{faults}", COUNTER, ValueType::Int, true, "Page faults.");

/// `system.paging.operations`; attributes: `direction{page_in,page_out} type{major,minor}`.
pub static OPERATIONS: Metric =
    row("system.paging.operations", "{operations}", COUNTER, ValueType::Int, true, "Paging operations.");

/// `system.paging.usage`; attributes: `device state{cached,free,used}`.
pub static USAGE: Metric =
    row("system.paging.usage", "By", UP_DOWN, ValueType::Int, true, "Swap space by device and state.");

/// `system.paging.utilization`; attributes: `device state{cached,free,used}`.
pub static UTILIZATION: Metric = row(
    "system.paging.utilization",
    "1",
    GAUGE,
    ValueType::Double,
    false,
    "The share of swap space by device and state.",
);

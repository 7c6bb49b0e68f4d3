//! Metrics of the scraper `disk`.

use super::{COUNTER, Metric, UP_DOWN, ValueType, row};

/// `system.disk.io`; attributes: `device direction{read,write}`.
pub static IO: Metric =
    row("system.disk.io", "By", COUNTER, ValueType::Int, true, "Bytes read from and written to the disk.");

/// `system.disk.io_time`; attributes: `device`.
pub static IO_TIME: Metric = row(
    "system.disk.io_time",
    "s",
    COUNTER,
    ValueType::Double,
    true,
    "Seconds during which the disk had at least one request in flight.",
);

/// `system.disk.merged`; attributes: `device direction{read,write}`.
pub static MERGED: Metric = row(
    "system.disk.merged",
    "{operations}",
    COUNTER,
    ValueType::Int,
    true,
    "Requests that were merged into one operation before they reached the disk.",
);

/// `system.disk.operation_time`; attributes: `device direction{read,write}`.
pub static OPERATION_TIME: Metric = row(
    "system.disk.operation_time",
    "s",
    COUNTER,
    ValueType::Double,
    true,
    "Seconds that requests spent in operation, summed over all of them.",
);

/// `system.disk.operations`; attributes: `device direction{read,write}`.
pub static OPERATIONS: Metric = row(
    "system.disk.operations",
    "{operations}",
    COUNTER,
    ValueType::Int,
    true,
    "Operations that the disk completed.",
);

/// `system.disk.pending_operations`; attributes: `device`.
pub static PENDING_OPERATIONS: Metric = row(
    "system.disk.pending_operations",
    "{operations}",
    UP_DOWN,
    ValueType::Int,
    true,
    "Requests in flight.",
);

/// `system.disk.weighted_io_time`; attributes: `device`.
pub static WEIGHTED_IO_TIME: Metric = row(
    "system.disk.weighted_io_time",
    "s",
    COUNTER,
    ValueType::Double,
    true,
    "Seconds that the disk was active, multiplied by the requests in flight.",
);

//! Metrics of the scraper `filesystem`.

use super::{GAUGE, Metric, UP_DOWN, ValueType, row};

/// `system.filesystem.inodes.usage`; attributes: `device mode mountpoint type state{free,reserved,used}`.
pub static INODES_USAGE: Metric = row(
    "system.filesystem.inodes.usage",
    "{inodes}",
    UP_DOWN,
    ValueType::Int,
    true,
    "Inodes of the filesystem by state.",
);

/// `system.filesystem.usage`; attributes: `device mode mountpoint type state{free,reserved,used}`.
pub static USAGE: Metric =
    row("system.filesystem.usage", "By", UP_DOWN, ValueType::Int, true, "Bytes of the filesystem by state.");

/// `system.filesystem.utilization`; attributes: `device mode mountpoint type`.
pub static UTILIZATION: Metric = row(
    "system.filesystem.utilization",
    "1",
    GAUGE,
    ValueType::Double,
    false,
    "The share of the filesystem's bytes that are in use.",
);

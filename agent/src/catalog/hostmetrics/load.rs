//! Metrics of the scraper `load`.

use super::{GAUGE, Metric, ValueType, row};

/// `system.cpu.load_average.15m`.
pub static CPU_LOAD_AVERAGE_15M: Metric = row(
    "system.cpu.load_average.15m",
    "{thread}",
    GAUGE,
    ValueType::Double,
    true,
    "Average number of runnable and uninterruptible tasks over 15 minutes.",
);

/// `system.cpu.load_average.1m`.
pub static CPU_LOAD_AVERAGE_1M: Metric = row(
    "system.cpu.load_average.1m",
    "{thread}",
    GAUGE,
    ValueType::Double,
    true,
    "Average number of runnable and uninterruptible tasks over 1 minute.",
);

/// `system.cpu.load_average.5m`.
pub static CPU_LOAD_AVERAGE_5M: Metric = row(
    "system.cpu.load_average.5m",
    "{thread}",
    GAUGE,
    ValueType::Double,
    true,
    "Average number of runnable and uninterruptible tasks over 5 minutes.",
);

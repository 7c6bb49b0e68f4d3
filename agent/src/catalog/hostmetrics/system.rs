//! Metrics of the scraper `system`.

use super::{GAUGE, Metric, ValueType, row};

/// `system.uptime`.
pub static UPTIME: Metric =
    row("system.uptime", "s", GAUGE, ValueType::Double, true, "Seconds since the host booted.");

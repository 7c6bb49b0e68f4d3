//! Metrics of the scraper `processes`.

use super::{COUNTER, Metric, UP_DOWN, ValueType, row};

/// `system.processes.count`; attributes: `status{blocked,daemon,detached,idle,locked,orphan,paging,running,sleeping,stopped,system,unknown,zombies}`.
pub static COUNT: Metric =
    row("system.processes.count", "{processes}", UP_DOWN, ValueType::Int, true, "Processes by status.");

/// `system.processes.created`.
pub static CREATED: Metric = row(
    "system.processes.created",
    "{processes}",
    COUNTER,
    ValueType::Int,
    true,
    "Processes created since boot.",
);

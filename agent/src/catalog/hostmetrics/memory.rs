//! Metrics of the scraper `memory`.

use super::{GAUGE, Metric, UP_DOWN, ValueType, row};

/// `system.linux.memory.available`.
pub static LINUX_MEMORY_AVAILABLE: Metric = row(
    "system.linux.memory.available",
    "By",
    UP_DOWN,
    ValueType::Int,
    false,
    "The kernel's estimate of memory that new applications can take without swapping.",
);

/// `system.linux.memory.dirty`.
pub static LINUX_MEMORY_DIRTY: Metric = row(
    "system.linux.memory.dirty",
    "By",
    UP_DOWN,
    ValueType::Int,
    false,
    "Memory that waits to be written back to disk.",
);

/// `system.memory.limit`.
pub static LIMIT: Metric =
    row("system.memory.limit", "By", UP_DOWN, ValueType::Int, false, "The host's total memory.");

/// `system.memory.linux.hugepages.limit`.
pub static LINUX_HUGEPAGES_LIMIT: Metric = row(
    "system.memory.linux.hugepages.limit",
    "{page}",
    UP_DOWN,
    ValueType::Int,
    false,
    "Huge pages in the pool.",
);

/// `system.memory.linux.hugepages.page_size`.
pub static LINUX_HUGEPAGES_PAGE_SIZE: Metric = row(
    "system.memory.linux.hugepages.page_size",
    "By",
    UP_DOWN,
    ValueType::Int,
    false,
    "The default size of a huge page.",
);

/// `system.memory.linux.hugepages.reserved`.
pub static LINUX_HUGEPAGES_RESERVED: Metric = row(
    "system.memory.linux.hugepages.reserved",
    "{page}",
    UP_DOWN,
    ValueType::Int,
    false,
    "Huge pages that are committed but not yet allocated.",
);

/// `system.memory.linux.hugepages.surplus`.
pub static LINUX_HUGEPAGES_SURPLUS: Metric = row(
    "system.memory.linux.hugepages.surplus",
    "{page}",
    UP_DOWN,
    ValueType::Int,
    false,
    "Huge pages above the configured size of the pool.",
);

/// `system.memory.linux.hugepages.usage`; attributes: `system.memory.linux.hugepages.state{free,used}`.
pub static LINUX_HUGEPAGES_USAGE: Metric = row(
    "system.memory.linux.hugepages.usage",
    "{page}",
    UP_DOWN,
    ValueType::Int,
    false,
    "Huge pages by state.",
);

/// `system.memory.linux.hugepages.utilization`; attributes: `system.memory.linux.hugepages.state{free,used}`.
pub static LINUX_HUGEPAGES_UTILIZATION: Metric = row(
    "system.memory.linux.hugepages.utilization",
    "1",
    GAUGE,
    ValueType::Double,
    false,
    "The share of the pool's huge pages by state.",
);

/// `system.memory.linux.shared`.
pub static LINUX_SHARED: Metric = row(
    "system.memory.linux.shared",
    "By",
    UP_DOWN,
    ValueType::Int,
    false,
    "Memory that tmpfs and shared mappings use.",
);

/// `system.memory.page_size`.
pub static PAGE_SIZE: Metric =
    row("system.memory.page_size", "By", GAUGE, ValueType::Int, false, "The size of a memory page.");

/// `system.memory.usage`; attributes: `state{buffered,cached,inactive,free,slab_reclaimable,slab_unreclaimable,used}`.
pub static USAGE: Metric =
    row("system.memory.usage", "By", UP_DOWN, ValueType::Int, true, "Memory by state.");

/// `system.memory.utilization`; attributes: `state{buffered,cached,inactive,free,slab_reclaimable,slab_unreclaimable,used}`.
pub static UTILIZATION: Metric =
    row("system.memory.utilization", "1", GAUGE, ValueType::Double, false, "The share of memory by state.");

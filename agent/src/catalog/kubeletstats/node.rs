//! Metrics of the node: the group `node`.

use super::{COUNTER, GAUGE, Metric, ValueType, row};

/// `k8s.node.cpu.time`.
pub static CPU_TIME: Metric =
    row("k8s.node.cpu.time", "s", COUNTER, ValueType::Double, true, "CPU time that the node has used.");

/// `k8s.node.cpu.usage`.
pub static CPU_USAGE: Metric =
    row("k8s.node.cpu.usage", "{cpu}", GAUGE, ValueType::Double, true, "CPU cores that the node uses.");

/// `k8s.node.filesystem.available`.
pub static FILESYSTEM_AVAILABLE: Metric = row(
    "k8s.node.filesystem.available",
    "By",
    GAUGE,
    ValueType::Int,
    true,
    "Bytes that are free on the node's root filesystem.",
);

/// `k8s.node.filesystem.capacity`.
pub static FILESYSTEM_CAPACITY: Metric = row(
    "k8s.node.filesystem.capacity",
    "By",
    GAUGE,
    ValueType::Int,
    true,
    "The size of the node's root filesystem.",
);

/// `k8s.node.filesystem.usage`.
pub static FILESYSTEM_USAGE: Metric = row(
    "k8s.node.filesystem.usage",
    "By",
    GAUGE,
    ValueType::Int,
    true,
    "Bytes in use on the node's root filesystem.",
);

/// `k8s.node.memory.available`.
pub static MEMORY_AVAILABLE: Metric = row(
    "k8s.node.memory.available",
    "By",
    GAUGE,
    ValueType::Int,
    true,
    "Memory that the node can still give: all of it without the working set.",
);

/// `k8s.node.memory.major_page_faults`.
pub static MEMORY_MAJOR_PAGE_FAULTS: Metric = row(
    "k8s.node.memory.major_page_faults",
    "1",
    GAUGE,
    ValueType::Int,
    true,
    "Page faults of the node that needed a read from disk.",
);

/// `k8s.node.memory.page_faults`.
pub static MEMORY_PAGE_FAULTS: Metric =
    row("k8s.node.memory.page_faults", "1", GAUGE, ValueType::Int, true, "Page faults of the node.");

/// `k8s.node.memory.rss`.
pub static MEMORY_RSS: Metric =
    row("k8s.node.memory.rss", "By", GAUGE, ValueType::Int, true, "Anonymous memory of the node.");

/// `k8s.node.memory.usage`.
pub static MEMORY_USAGE: Metric = row(
    "k8s.node.memory.usage",
    "By",
    GAUGE,
    ValueType::Int,
    true,
    "Memory of the node, page cache included.",
);

/// `k8s.node.memory.working_set`.
pub static MEMORY_WORKING_SET: Metric = row(
    "k8s.node.memory.working_set",
    "By",
    GAUGE,
    ValueType::Int,
    true,
    "Memory of the node without inactive file pages.",
);

/// `k8s.node.network.errors`; attributes: `interface`, `direction{receive,transmit}`.
pub static NETWORK_ERRORS: Metric = row(
    "k8s.node.network.errors",
    "1",
    COUNTER,
    ValueType::Int,
    true,
    "Errors of the node's network interfaces.",
);

/// `k8s.node.network.io`; attributes: `interface`, `direction{receive,transmit}`.
pub static NETWORK_IO: Metric = row(
    "k8s.node.network.io",
    "By",
    COUNTER,
    ValueType::Int,
    true,
    "Bytes through the node's network interfaces.",
);

/// `k8s.node.uptime`.
pub static UPTIME: Metric =
    row("k8s.node.uptime", "s", COUNTER, ValueType::Int, false, "How long ago the node was started.");

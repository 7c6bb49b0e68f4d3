//! Metrics of containers: the group `container`.

use super::{COUNTER, GAUGE, Metric, ValueType, row};

/// `container.cpu.time`.
pub static CPU_TIME: Metric =
    row("container.cpu.time", "s", COUNTER, ValueType::Double, true, "CPU time that the container has used.");

/// `container.cpu.usage`.
pub static CPU_USAGE: Metric =
    row("container.cpu.usage", "{cpu}", GAUGE, ValueType::Double, true, "CPU cores that the container uses.");

/// `container.filesystem.available`.
pub static FILESYSTEM_AVAILABLE: Metric = row(
    "container.filesystem.available",
    "By",
    GAUGE,
    ValueType::Int,
    true,
    "Bytes that are free on the filesystem of the container's writable layer.",
);

/// `container.filesystem.capacity`.
pub static FILESYSTEM_CAPACITY: Metric = row(
    "container.filesystem.capacity",
    "By",
    GAUGE,
    ValueType::Int,
    true,
    "The size of the filesystem of the container's writable layer.",
);

/// `container.filesystem.usage`.
pub static FILESYSTEM_USAGE: Metric = row(
    "container.filesystem.usage",
    "By",
    GAUGE,
    ValueType::Int,
    true,
    "Bytes that the container's writable layer takes.",
);

/// `container.memory.available`.
pub static MEMORY_AVAILABLE: Metric = row(
    "container.memory.available",
    "By",
    GAUGE,
    ValueType::Int,
    true,
    "Memory that the container can still take: its limit without the working set; absent where there is no limit.",
);

/// `container.memory.major_page_faults`.
pub static MEMORY_MAJOR_PAGE_FAULTS: Metric = row(
    "container.memory.major_page_faults",
    "1",
    GAUGE,
    ValueType::Int,
    true,
    "Page faults of the container that needed a read from disk.",
);

/// `container.memory.page_faults`.
pub static MEMORY_PAGE_FAULTS: Metric =
    row("container.memory.page_faults", "1", GAUGE, ValueType::Int, true, "Page faults of the container.");

/// `container.memory.rss`.
pub static MEMORY_RSS: Metric =
    row("container.memory.rss", "By", GAUGE, ValueType::Int, true, "Anonymous memory of the container.");

/// `container.memory.usage`.
pub static MEMORY_USAGE: Metric = row(
    "container.memory.usage",
    "By",
    GAUGE,
    ValueType::Int,
    true,
    "Memory of the container, page cache included.",
);

/// `container.memory.working_set`.
pub static MEMORY_WORKING_SET: Metric = row(
    "container.memory.working_set",
    "By",
    GAUGE,
    ValueType::Int,
    true,
    "Memory of the container without inactive file pages.",
);

/// `container.uptime`.
pub static UPTIME: Metric =
    row("container.uptime", "s", COUNTER, ValueType::Int, false, "How long ago the container was started.");

/// `k8s.container.cpu.node.utilization`.
pub static CPU_NODE_UTILIZATION: Metric = row(
    "k8s.container.cpu.node.utilization",
    "1",
    GAUGE,
    ValueType::Double,
    false,
    "CPU usage of the container as a share of the node's CPUs.",
);

/// `k8s.container.cpu_limit_utilization`.
pub static CPU_LIMIT_UTILIZATION: Metric = row(
    "k8s.container.cpu_limit_utilization",
    "1",
    GAUGE,
    ValueType::Double,
    false,
    "CPU usage of the container as a share of its limit.",
);

/// `k8s.container.cpu_request_utilization`.
pub static CPU_REQUEST_UTILIZATION: Metric = row(
    "k8s.container.cpu_request_utilization",
    "1",
    GAUGE,
    ValueType::Double,
    false,
    "CPU usage of the container as a share of its request.",
);

/// `k8s.container.memory.node.utilization`.
pub static MEMORY_NODE_UTILIZATION: Metric = row(
    "k8s.container.memory.node.utilization",
    "1",
    GAUGE,
    ValueType::Double,
    false,
    "Memory usage of the container as a share of the node's memory.",
);

/// `k8s.container.memory_limit_utilization`.
pub static MEMORY_LIMIT_UTILIZATION: Metric = row(
    "k8s.container.memory_limit_utilization",
    "1",
    GAUGE,
    ValueType::Double,
    false,
    "Memory usage of the container as a share of its limit.",
);

/// `k8s.container.memory_request_utilization`.
pub static MEMORY_REQUEST_UTILIZATION: Metric = row(
    "k8s.container.memory_request_utilization",
    "1",
    GAUGE,
    ValueType::Double,
    false,
    "Memory usage of the container as a share of its request.",
);

//! Metrics of pods: the group `pod`.

use super::{COUNTER, GAUGE, Metric, ValueType, row};

/// `k8s.pod.cpu.node.utilization`.
pub static CPU_NODE_UTILIZATION: Metric = row(
    "k8s.pod.cpu.node.utilization",
    "1",
    GAUGE,
    ValueType::Double,
    false,
    "CPU usage of the pod as a share of the node's CPUs.",
);

/// `k8s.pod.cpu.time`.
pub static CPU_TIME: Metric =
    row("k8s.pod.cpu.time", "s", COUNTER, ValueType::Double, true, "CPU time that the pod has used.");

/// `k8s.pod.cpu.usage`.
pub static CPU_USAGE: Metric =
    row("k8s.pod.cpu.usage", "{cpu}", GAUGE, ValueType::Double, true, "CPU cores that the pod uses.");

/// `k8s.pod.cpu_limit_utilization`.
pub static CPU_LIMIT_UTILIZATION: Metric = row(
    "k8s.pod.cpu_limit_utilization",
    "1",
    GAUGE,
    ValueType::Double,
    false,
    "CPU usage of the pod as a share of the sum of its containers' limits; absent where one has none.",
);

/// `k8s.pod.cpu_request_utilization`.
pub static CPU_REQUEST_UTILIZATION: Metric = row(
    "k8s.pod.cpu_request_utilization",
    "1",
    GAUGE,
    ValueType::Double,
    false,
    "CPU usage of the pod as a share of the sum of its containers' requests; absent where one has none.",
);

/// `k8s.pod.filesystem.available`.
pub static FILESYSTEM_AVAILABLE: Metric = row(
    "k8s.pod.filesystem.available",
    "By",
    GAUGE,
    ValueType::Int,
    true,
    "Bytes that are free on the filesystem of the pod's ephemeral storage.",
);

/// `k8s.pod.filesystem.capacity`.
pub static FILESYSTEM_CAPACITY: Metric = row(
    "k8s.pod.filesystem.capacity",
    "By",
    GAUGE,
    ValueType::Int,
    true,
    "The size of the filesystem of the pod's ephemeral storage.",
);

/// `k8s.pod.filesystem.usage`.
pub static FILESYSTEM_USAGE: Metric = row(
    "k8s.pod.filesystem.usage",
    "By",
    GAUGE,
    ValueType::Int,
    true,
    "Bytes that the pod's ephemeral storage takes.",
);

/// `k8s.pod.memory.available`.
pub static MEMORY_AVAILABLE: Metric = row(
    "k8s.pod.memory.available",
    "By",
    GAUGE,
    ValueType::Int,
    true,
    "Memory that the pod can still take: its limit without the working set; absent where there is no limit.",
);

/// `k8s.pod.memory.major_page_faults`.
pub static MEMORY_MAJOR_PAGE_FAULTS: Metric = row(
    "k8s.pod.memory.major_page_faults",
    "1",
    GAUGE,
    ValueType::Int,
    true,
    "Page faults of the pod that needed a read from disk.",
);

/// `k8s.pod.memory.node.utilization`.
pub static MEMORY_NODE_UTILIZATION: Metric = row(
    "k8s.pod.memory.node.utilization",
    "1",
    GAUGE,
    ValueType::Double,
    false,
    "Memory usage of the pod as a share of the node's memory.",
);

/// `k8s.pod.memory.page_faults`.
pub static MEMORY_PAGE_FAULTS: Metric =
    row("k8s.pod.memory.page_faults", "1", GAUGE, ValueType::Int, true, "Page faults of the pod.");

/// `k8s.pod.memory.rss`.
pub static MEMORY_RSS: Metric =
    row("k8s.pod.memory.rss", "By", GAUGE, ValueType::Int, true, "Anonymous memory of the pod.");

/// `k8s.pod.memory.usage`.
pub static MEMORY_USAGE: Metric =
    row("k8s.pod.memory.usage", "By", GAUGE, ValueType::Int, true, "Memory of the pod, page cache included.");

/// `k8s.pod.memory.working_set`.
pub static MEMORY_WORKING_SET: Metric = row(
    "k8s.pod.memory.working_set",
    "By",
    GAUGE,
    ValueType::Int,
    true,
    "Memory of the pod without inactive file pages.",
);

/// `k8s.pod.memory_limit_utilization`.
pub static MEMORY_LIMIT_UTILIZATION: Metric = row(
    "k8s.pod.memory_limit_utilization",
    "1",
    GAUGE,
    ValueType::Double,
    false,
    "Memory usage of the pod as a share of the sum of its containers' limits; absent where one has none.",
);

/// `k8s.pod.memory_request_utilization`.
pub static MEMORY_REQUEST_UTILIZATION: Metric = row(
    "k8s.pod.memory_request_utilization",
    "1",
    GAUGE,
    ValueType::Double,
    false,
    "Memory usage of the pod as a share of the sum of its containers' requests; absent where one has none.",
);

/// `k8s.pod.network.errors`; attributes: `interface`, `direction{receive,transmit}`.
pub static NETWORK_ERRORS: Metric = row(
    "k8s.pod.network.errors",
    "1",
    COUNTER,
    ValueType::Int,
    true,
    "Errors of the pod's network interfaces.",
);

/// `k8s.pod.network.io`; attributes: `interface`, `direction{receive,transmit}`.
pub static NETWORK_IO: Metric = row(
    "k8s.pod.network.io",
    "By",
    COUNTER,
    ValueType::Int,
    true,
    "Bytes through the pod's network interfaces.",
);

/// `k8s.pod.uptime`.
pub static UPTIME: Metric =
    row("k8s.pod.uptime", "s", COUNTER, ValueType::Int, false, "How long ago the pod was started.");

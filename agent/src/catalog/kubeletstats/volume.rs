//! Metrics of volumes: the group `volume`.

use super::{GAUGE, Metric, UP_DOWN, ValueType, row};

/// `k8s.pod.volume.usage`.
pub static USAGE: Metric =
    row("k8s.pod.volume.usage", "By", UP_DOWN, ValueType::Int, false, "Bytes in use in the volume.");

/// `k8s.volume.available`.
pub static AVAILABLE: Metric =
    row("k8s.volume.available", "By", GAUGE, ValueType::Int, true, "Bytes that are free in the volume.");

/// `k8s.volume.capacity`.
pub static CAPACITY: Metric =
    row("k8s.volume.capacity", "By", GAUGE, ValueType::Int, true, "The size of the volume.");

/// `k8s.volume.inodes`.
pub static INODES: Metric =
    row("k8s.volume.inodes", "1", GAUGE, ValueType::Int, true, "Inodes of the volume's filesystem.");

/// `k8s.volume.inodes.free`.
pub static INODES_FREE: Metric = row(
    "k8s.volume.inodes.free",
    "1",
    GAUGE,
    ValueType::Int,
    true,
    "Inodes that are free in the volume's filesystem.",
);

/// `k8s.volume.inodes.used`.
pub static INODES_USED: Metric = row(
    "k8s.volume.inodes.used",
    "1",
    GAUGE,
    ValueType::Int,
    true,
    "Inodes that the volume's filesystem uses.",
);

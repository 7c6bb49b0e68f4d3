//! The receiver `kubeletstats` of the parity contract: every metric's name, unit, kind and type.
//!
//! As in [`super::hostmetrics`], names, units and kinds are those of OpenTelemetry Collector contrib 0.149.0, page
//! faults as gauges included; a test compares them with the contract. Each kind of object has a file of its own.

use exporter::model::{Kind, Metric, ValueType};

pub mod container;
pub mod node;
pub mod pod;
#[cfg(test)]
mod tests;
pub mod volume;

const GAUGE: Kind = Kind::Gauge;
const COUNTER: Kind = Kind::Sum { monotonic: true };
const UP_DOWN: Kind = Kind::Sum { monotonic: false };

/// One row: the arguments stand in the order of the contract's columns.
const fn row(
    name: &'static str,
    unit: &'static str,
    kind: Kind,
    value_type: ValueType,
    default_on: bool,
    description: &'static str,
) -> Metric {
    Metric { name, description, unit, kind, value_type, default_on }
}

/// Every metric of the receiver, in the order of the contract.
pub static ALL: &[&Metric] = &[
    &container::CPU_TIME,
    &container::CPU_USAGE,
    &container::FILESYSTEM_AVAILABLE,
    &container::FILESYSTEM_CAPACITY,
    &container::FILESYSTEM_USAGE,
    &container::MEMORY_AVAILABLE,
    &container::MEMORY_MAJOR_PAGE_FAULTS,
    &container::MEMORY_PAGE_FAULTS,
    &container::MEMORY_RSS,
    &container::MEMORY_USAGE,
    &container::MEMORY_WORKING_SET,
    &container::UPTIME,
    &container::CPU_NODE_UTILIZATION,
    &container::CPU_LIMIT_UTILIZATION,
    &container::CPU_REQUEST_UTILIZATION,
    &container::MEMORY_NODE_UTILIZATION,
    &container::MEMORY_LIMIT_UTILIZATION,
    &container::MEMORY_REQUEST_UTILIZATION,
    &node::CPU_TIME,
    &node::CPU_USAGE,
    &node::FILESYSTEM_AVAILABLE,
    &node::FILESYSTEM_CAPACITY,
    &node::FILESYSTEM_USAGE,
    &node::MEMORY_AVAILABLE,
    &node::MEMORY_MAJOR_PAGE_FAULTS,
    &node::MEMORY_PAGE_FAULTS,
    &node::MEMORY_RSS,
    &node::MEMORY_USAGE,
    &node::MEMORY_WORKING_SET,
    &node::NETWORK_ERRORS,
    &node::NETWORK_IO,
    &node::UPTIME,
    &pod::CPU_NODE_UTILIZATION,
    &pod::CPU_TIME,
    &pod::CPU_USAGE,
    &pod::CPU_LIMIT_UTILIZATION,
    &pod::CPU_REQUEST_UTILIZATION,
    &pod::FILESYSTEM_AVAILABLE,
    &pod::FILESYSTEM_CAPACITY,
    &pod::FILESYSTEM_USAGE,
    &pod::MEMORY_AVAILABLE,
    &pod::MEMORY_MAJOR_PAGE_FAULTS,
    &pod::MEMORY_NODE_UTILIZATION,
    &pod::MEMORY_PAGE_FAULTS,
    &pod::MEMORY_RSS,
    &pod::MEMORY_USAGE,
    &pod::MEMORY_WORKING_SET,
    &pod::MEMORY_LIMIT_UTILIZATION,
    &pod::MEMORY_REQUEST_UTILIZATION,
    &pod::NETWORK_ERRORS,
    &pod::NETWORK_IO,
    &pod::UPTIME,
    &volume::USAGE,
    &volume::AVAILABLE,
    &volume::CAPACITY,
    &volume::INODES,
    &volume::INODES_FREE,
    &volume::INODES_USED,
];

//! Metrics of the scraper `network`.

use super::{COUNTER, Metric, UP_DOWN, ValueType, row};

/// `system.network.connections`; attributes: `protocol{tcp} state`.
pub static CONNECTIONS: Metric = row(
    "system.network.connections",
    "{connections}",
    UP_DOWN,
    ValueType::Int,
    true,
    "TCP connections by state.",
);

/// `system.network.conntrack.count`.
pub static CONNTRACK_COUNT: Metric = row(
    "system.network.conntrack.count",
    "{entries}",
    UP_DOWN,
    ValueType::Int,
    false,
    "Entries in the connection tracking table.",
);

/// `system.network.conntrack.max`.
pub static CONNTRACK_MAX: Metric = row(
    "system.network.conntrack.max",
    "{entries}",
    UP_DOWN,
    ValueType::Int,
    false,
    "The most entries that the connection tracking table can hold.",
);

/// `system.network.dropped`; attributes: `device direction{receive,transmit}`.
pub static DROPPED: Metric = row(
    "system.network.dropped",
    "{packets}",
    COUNTER,
    ValueType::Int,
    true,
    "Packets that the interface dropped.",
);

/// `system.network.errors`; attributes: `device direction{receive,transmit}`.
pub static ERRORS: Metric =
    row("system.network.errors", "{errors}", COUNTER, ValueType::Int, true, "Errors that the interface met.");

/// `system.network.io`; attributes: `device direction{receive,transmit}`.
pub static IO: Metric = row(
    "system.network.io",
    "By",
    COUNTER,
    ValueType::Int,
    true,
    "Bytes received and transmitted by the interface.",
);

/// `system.network.packets`; attributes: `device direction{receive,transmit}`.
pub static PACKETS: Metric = row(
    "system.network.packets",
    "{packets}",
    COUNTER,
    ValueType::Int,
    true,
    "Packets received and transmitted by the interface.",
);

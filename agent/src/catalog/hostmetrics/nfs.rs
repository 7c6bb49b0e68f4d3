//! Metrics of the scraper `nfs`.

use super::{COUNTER, Metric, UP_DOWN, ValueType, row};

/// `nfs.client.net.count`; attributes: `network.transport{udp,tcp}`.
pub static CLIENT_NET_COUNT: Metric = row(
    "nfs.client.net.count",
    "{record}",
    COUNTER,
    ValueType::Int,
    true,
    "Network packets that the NFS client handled.",
);

/// `nfs.client.net.tcp.connection.accepted`.
pub static CLIENT_NET_TCP_CONNECTION_ACCEPTED: Metric = row(
    "nfs.client.net.tcp.connection.accepted",
    "{connection}",
    COUNTER,
    ValueType::Int,
    true,
    "TCP connections that the NFS client made.",
);

/// `nfs.client.operation.count`; attributes: `onc_rpc.version nfs.operation.name`.
pub static CLIENT_OPERATION_COUNT: Metric = row(
    "nfs.client.operation.count",
    "{operation}",
    COUNTER,
    ValueType::Int,
    true,
    "NFSv4 operations that the client made.",
);

/// `nfs.client.procedure.count`; attributes: `onc_rpc.version onc_rpc.procedure.name`.
pub static CLIENT_PROCEDURE_COUNT: Metric = row(
    "nfs.client.procedure.count",
    "{procedure}",
    COUNTER,
    ValueType::Int,
    true,
    "NFS procedures that the client called.",
);

/// `nfs.client.rpc.authrefresh.count`.
pub static CLIENT_RPC_AUTHREFRESH_COUNT: Metric = row(
    "nfs.client.rpc.authrefresh.count",
    "{authrefresh}",
    COUNTER,
    ValueType::Int,
    true,
    "Times that the client refreshed its RPC credentials.",
);

/// `nfs.client.rpc.count`.
pub static CLIENT_RPC_COUNT: Metric = row(
    "nfs.client.rpc.count",
    "{request}",
    COUNTER,
    ValueType::Int,
    true,
    "RPCs that the client sent, retransmissions not counted.",
);

/// `nfs.client.rpc.retransmit.count`.
pub static CLIENT_RPC_RETRANSMIT_COUNT: Metric = row(
    "nfs.client.rpc.retransmit.count",
    "{retransmit}",
    COUNTER,
    ValueType::Int,
    true,
    "RPCs that the client sent again.",
);

/// `nfs.server.fh.stale.count`.
pub static SERVER_FH_STALE_COUNT: Metric = row(
    "nfs.server.fh.stale.count",
    "{fh}",
    COUNTER,
    ValueType::Int,
    true,
    "Stale file handles that the server met.",
);

/// `nfs.server.io`; attributes: `network.io.direction{transmit,receive}`.
pub static SERVER_IO: Metric = row(
    "nfs.server.io",
    "By",
    COUNTER,
    ValueType::Int,
    true,
    "Bytes that the server sent and received for files.",
);

/// `nfs.server.net.count`; attributes: `network.transport{udp,tcp}`.
pub static SERVER_NET_COUNT: Metric = row(
    "nfs.server.net.count",
    "{request}",
    COUNTER,
    ValueType::Int,
    true,
    "Network packets that the NFS server handled.",
);

/// `nfs.server.net.tcp.connection.accepted`.
pub static SERVER_NET_TCP_CONNECTION_ACCEPTED: Metric = row(
    "nfs.server.net.tcp.connection.accepted",
    "{connection}",
    COUNTER,
    ValueType::Int,
    true,
    "TCP connections that the NFS server accepted.",
);

/// `nfs.server.operation.count`; attributes: `onc_rpc.version nfs.operation.name`.
pub static SERVER_OPERATION_COUNT: Metric = row(
    "nfs.server.operation.count",
    "{operation}",
    COUNTER,
    ValueType::Int,
    true,
    "NFSv4 operations that the server performed.",
);

/// `nfs.server.procedure.count`; attributes: `onc_rpc.version onc_rpc.procedure.name`.
pub static SERVER_PROCEDURE_COUNT: Metric = row(
    "nfs.server.procedure.count",
    "{procedure}",
    COUNTER,
    ValueType::Int,
    true,
    "NFS procedures that the server performed.",
);

/// `nfs.server.repcache.requests`; attributes: `nfs.server.repcache.status{hit,miss,nocache}`.
pub static SERVER_REPCACHE_REQUESTS: Metric = row(
    "nfs.server.repcache.requests",
    "{request}",
    COUNTER,
    ValueType::Int,
    true,
    "Requests by their fate in the server's reply cache.",
);

/// `nfs.server.rpc.count`; attributes: `error.type{format,auth,client}`.
pub static SERVER_RPC_COUNT: Metric = row(
    "nfs.server.rpc.count",
    "{request}",
    COUNTER,
    ValueType::Int,
    true,
    "RPCs that the server refused, by cause.",
);

/// `nfs.server.thread.count`.
pub static SERVER_THREAD_COUNT: Metric =
    row("nfs.server.thread.count", "{thread}", UP_DOWN, ValueType::Int, true, "Threads of the NFS server.");

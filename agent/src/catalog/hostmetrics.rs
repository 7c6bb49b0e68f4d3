//! The receiver `hostmetrics` of the parity contract: every metric's name, unit, kind and type.
//!
//! Names, units and kinds are those of OpenTelemetry Collector contrib 0.149.0; dashboards and alerts depend on
//! them. `agent/tests/fixtures/parity/metrics.csv` is the contract that a test compares this file with.
//! `process.handles` exists on Windows alone and is listed so that a configuration naming it is understood.

use exporter::model::{Kind, Metric, ValueType};

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

/// Metrics of the scraper `cpu`.
pub mod cpu {
    use super::{COUNTER, GAUGE, Metric, UP_DOWN, ValueType, row};
    /// `system.cpu.frequency`; attributes: `cpu`.
    pub static FREQUENCY: Metric = row(
        "system.cpu.frequency",
        "Hz",
        GAUGE,
        ValueType::Double,
        false,
        "The present clock frequency of each logical CPU.",
    );
    /// `system.cpu.logical.count`.
    pub static LOGICAL_COUNT: Metric = row(
        "system.cpu.logical.count",
        "{cpu}",
        UP_DOWN,
        ValueType::Int,
        false,
        "The number of logical CPUs.",
    );
    /// `system.cpu.physical.count`.
    pub static PHYSICAL_COUNT: Metric = row(
        "system.cpu.physical.count",
        "{cpu}",
        UP_DOWN,
        ValueType::Int,
        false,
        "The number of physical CPU cores.",
    );
    /// `system.cpu.time`; attributes: `cpu state{idle,interrupt,nice,softirq,steal,system,user,wait}`.
    pub static TIME: Metric = row(
        "system.cpu.time",
        "s",
        COUNTER,
        ValueType::Double,
        true,
        "Seconds that each logical CPU spent in each state.",
    );
    /// `system.cpu.utilization`; attributes: `cpu state{idle,interrupt,nice,softirq,steal,system,user,wait}`.
    pub static UTILIZATION: Metric = row(
        "system.cpu.utilization",
        "1",
        GAUGE,
        ValueType::Double,
        false,
        "The share of time that each logical CPU spent in each state since the last scrape.",
    );
}

/// Metrics of the scraper `disk`.
pub mod disk {
    use super::{COUNTER, Metric, UP_DOWN, ValueType, row};
    /// `system.disk.io`; attributes: `device direction{read,write}`.
    pub static IO: Metric = row(
        "system.disk.io",
        "By",
        COUNTER,
        ValueType::Int,
        true,
        "Bytes read from and written to the disk.",
    );
    /// `system.disk.io_time`; attributes: `device`.
    pub static IO_TIME: Metric = row(
        "system.disk.io_time",
        "s",
        COUNTER,
        ValueType::Double,
        true,
        "Seconds during which the disk had at least one request in flight.",
    );
    /// `system.disk.merged`; attributes: `device direction{read,write}`.
    pub static MERGED: Metric = row(
        "system.disk.merged",
        "{operations}",
        COUNTER,
        ValueType::Int,
        true,
        "Requests that were merged into one operation before they reached the disk.",
    );
    /// `system.disk.operation_time`; attributes: `device direction{read,write}`.
    pub static OPERATION_TIME: Metric = row(
        "system.disk.operation_time",
        "s",
        COUNTER,
        ValueType::Double,
        true,
        "Seconds that requests spent in operation, summed over all of them.",
    );
    /// `system.disk.operations`; attributes: `device direction{read,write}`.
    pub static OPERATIONS: Metric = row(
        "system.disk.operations",
        "{operations}",
        COUNTER,
        ValueType::Int,
        true,
        "Operations that the disk completed.",
    );
    /// `system.disk.pending_operations`; attributes: `device`.
    pub static PENDING_OPERATIONS: Metric = row(
        "system.disk.pending_operations",
        "{operations}",
        UP_DOWN,
        ValueType::Int,
        true,
        "Requests in flight.",
    );
    /// `system.disk.weighted_io_time`; attributes: `device`.
    pub static WEIGHTED_IO_TIME: Metric = row(
        "system.disk.weighted_io_time",
        "s",
        COUNTER,
        ValueType::Double,
        true,
        "Seconds that the disk was active, multiplied by the requests in flight.",
    );
}

/// Metrics of the scraper `filesystem`.
pub mod filesystem {
    use super::{GAUGE, Metric, UP_DOWN, ValueType, row};
    /// `system.filesystem.inodes.usage`; attributes: `device mode mountpoint type state{free,reserved,used}`.
    pub static INODES_USAGE: Metric = row(
        "system.filesystem.inodes.usage",
        "{inodes}",
        UP_DOWN,
        ValueType::Int,
        true,
        "Inodes of the filesystem by state.",
    );
    /// `system.filesystem.usage`; attributes: `device mode mountpoint type state{free,reserved,used}`.
    pub static USAGE: Metric = row(
        "system.filesystem.usage",
        "By",
        UP_DOWN,
        ValueType::Int,
        true,
        "Bytes of the filesystem by state.",
    );
    /// `system.filesystem.utilization`; attributes: `device mode mountpoint type`.
    pub static UTILIZATION: Metric = row(
        "system.filesystem.utilization",
        "1",
        GAUGE,
        ValueType::Double,
        false,
        "The share of the filesystem's bytes that are in use.",
    );
}

/// Metrics of the scraper `load`.
pub mod load {
    use super::{GAUGE, Metric, ValueType, row};
    /// `system.cpu.load_average.15m`.
    pub static CPU_LOAD_AVERAGE_15M: Metric = row(
        "system.cpu.load_average.15m",
        "{thread}",
        GAUGE,
        ValueType::Double,
        true,
        "Average number of runnable and uninterruptible tasks over 15 minutes.",
    );
    /// `system.cpu.load_average.1m`.
    pub static CPU_LOAD_AVERAGE_1M: Metric = row(
        "system.cpu.load_average.1m",
        "{thread}",
        GAUGE,
        ValueType::Double,
        true,
        "Average number of runnable and uninterruptible tasks over 1 minute.",
    );
    /// `system.cpu.load_average.5m`.
    pub static CPU_LOAD_AVERAGE_5M: Metric = row(
        "system.cpu.load_average.5m",
        "{thread}",
        GAUGE,
        ValueType::Double,
        true,
        "Average number of runnable and uninterruptible tasks over 5 minutes.",
    );
}

/// Metrics of the scraper `memory`.
pub mod memory {
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
    pub static UTILIZATION: Metric = row(
        "system.memory.utilization",
        "1",
        GAUGE,
        ValueType::Double,
        false,
        "The share of memory by state.",
    );
}

/// Metrics of the scraper `network`.
pub mod network {
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
    pub static ERRORS: Metric = row(
        "system.network.errors",
        "{errors}",
        COUNTER,
        ValueType::Int,
        true,
        "Errors that the interface met.",
    );
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
}

/// Metrics of the scraper `nfs`.
pub mod nfs {
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
    pub static SERVER_THREAD_COUNT: Metric = row(
        "nfs.server.thread.count",
        "{thread}",
        UP_DOWN,
        ValueType::Int,
        true,
        "Threads of the NFS server.",
    );
}

/// Metrics of the scraper `paging`.
pub mod paging {
    use super::{COUNTER, GAUGE, Metric, UP_DOWN, ValueType, row};
    /// `system.paging.faults`; attributes: `type{major,minor}`.
    pub static FAULTS: Metric =
        row("system.paging.faults", "{faults}", COUNTER, ValueType::Int, true, "Page faults.");
    /// `system.paging.operations`; attributes: `direction{page_in,page_out} type{major,minor}`.
    pub static OPERATIONS: Metric =
        row("system.paging.operations", "{operations}", COUNTER, ValueType::Int, true, "Paging operations.");
    /// `system.paging.usage`; attributes: `device state{cached,free,used}`.
    pub static USAGE: Metric =
        row("system.paging.usage", "By", UP_DOWN, ValueType::Int, true, "Swap space by device and state.");
    /// `system.paging.utilization`; attributes: `device state{cached,free,used}`.
    pub static UTILIZATION: Metric = row(
        "system.paging.utilization",
        "1",
        GAUGE,
        ValueType::Double,
        false,
        "The share of swap space by device and state.",
    );
}

/// Metrics of the scraper `processes`.
pub mod processes {
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
}

/// Metrics of the scraper `process`.
pub mod process {
    use super::{COUNTER, GAUGE, Metric, UP_DOWN, ValueType, row};
    /// `process.context_switches`; attributes: `type{involuntary,voluntary}`.
    pub static CONTEXT_SWITCHES: Metric = row(
        "process.context_switches",
        "{count}",
        COUNTER,
        ValueType::Int,
        false,
        "Context switches of the process.",
    );
    /// `process.cpu.time`; attributes: `state{system,user,wait}`.
    pub static CPU_TIME: Metric = row(
        "process.cpu.time",
        "s",
        COUNTER,
        ValueType::Double,
        true,
        "CPU seconds of the process by state.",
    );
    /// `process.cpu.utilization`; attributes: `state{system,user,wait}`.
    pub static CPU_UTILIZATION: Metric = row(
        "process.cpu.utilization",
        "1",
        GAUGE,
        ValueType::Double,
        false,
        "The share of the host's CPU time that the process used since the last scrape.",
    );
    /// `process.disk.io`; attributes: `direction{read,write}`.
    pub static DISK_IO: Metric = row(
        "process.disk.io",
        "By",
        COUNTER,
        ValueType::Int,
        true,
        "Bytes that the process read from and wrote to disk.",
    );
    /// `process.disk.operations`; attributes: `direction{read,write}`.
    pub static DISK_OPERATIONS: Metric = row(
        "process.disk.operations",
        "{operations}",
        COUNTER,
        ValueType::Int,
        false,
        "Read and write system calls of the process.",
    );
    /// `process.handles`.
    pub static HANDLES: Metric = row(
        "process.handles",
        "{count}",
        UP_DOWN,
        ValueType::Int,
        false,
        "Open handles of the process (Windows only).",
    );
    /// `process.memory.usage`.
    pub static MEMORY_USAGE: Metric =
        row("process.memory.usage", "By", UP_DOWN, ValueType::Int, true, "Physical memory of the process.");
    /// `process.memory.utilization`.
    pub static MEMORY_UTILIZATION: Metric = row(
        "process.memory.utilization",
        "1",
        GAUGE,
        ValueType::Double,
        false,
        "The share of the host's physical memory that the process uses, in percent.",
    );
    /// `process.memory.virtual`.
    pub static MEMORY_VIRTUAL: Metric =
        row("process.memory.virtual", "By", UP_DOWN, ValueType::Int, true, "Virtual memory of the process.");
    /// `process.open_file_descriptors`.
    pub static OPEN_FILE_DESCRIPTORS: Metric = row(
        "process.open_file_descriptors",
        "{count}",
        UP_DOWN,
        ValueType::Int,
        false,
        "File descriptors that the process has open.",
    );
    /// `process.paging.faults`; attributes: `type{major,minor}`.
    pub static PAGING_FAULTS: Metric = row(
        "process.paging.faults",
        "{faults}",
        COUNTER,
        ValueType::Int,
        false,
        "Page faults of the process.",
    );
    /// `process.signals_pending`.
    pub static SIGNALS_PENDING: Metric = row(
        "process.signals_pending",
        "{signals}",
        UP_DOWN,
        ValueType::Int,
        false,
        "Signals that wait for the process.",
    );
    /// `process.threads`.
    pub static THREADS: Metric =
        row("process.threads", "{threads}", UP_DOWN, ValueType::Int, false, "Threads of the process.");
    /// `process.uptime`.
    pub static UPTIME: Metric =
        row("process.uptime", "s", GAUGE, ValueType::Double, false, "Seconds since the process started.");
}

/// Metrics of the scraper `system`.
pub mod system {
    use super::{GAUGE, Metric, ValueType, row};
    /// `system.uptime`.
    pub static UPTIME: Metric =
        row("system.uptime", "s", GAUGE, ValueType::Double, true, "Seconds since the host booted.");
}

/// Every metric of the receiver, in the order of the contract.
pub static ALL: &[&Metric] = &[
    &cpu::FREQUENCY,
    &cpu::LOGICAL_COUNT,
    &cpu::PHYSICAL_COUNT,
    &cpu::TIME,
    &cpu::UTILIZATION,
    &disk::IO,
    &disk::IO_TIME,
    &disk::MERGED,
    &disk::OPERATION_TIME,
    &disk::OPERATIONS,
    &disk::PENDING_OPERATIONS,
    &disk::WEIGHTED_IO_TIME,
    &filesystem::INODES_USAGE,
    &filesystem::USAGE,
    &filesystem::UTILIZATION,
    &load::CPU_LOAD_AVERAGE_15M,
    &load::CPU_LOAD_AVERAGE_1M,
    &load::CPU_LOAD_AVERAGE_5M,
    &memory::LINUX_MEMORY_AVAILABLE,
    &memory::LINUX_MEMORY_DIRTY,
    &memory::LIMIT,
    &memory::LINUX_HUGEPAGES_LIMIT,
    &memory::LINUX_HUGEPAGES_PAGE_SIZE,
    &memory::LINUX_HUGEPAGES_RESERVED,
    &memory::LINUX_HUGEPAGES_SURPLUS,
    &memory::LINUX_HUGEPAGES_USAGE,
    &memory::LINUX_HUGEPAGES_UTILIZATION,
    &memory::LINUX_SHARED,
    &memory::PAGE_SIZE,
    &memory::USAGE,
    &memory::UTILIZATION,
    &network::CONNECTIONS,
    &network::CONNTRACK_COUNT,
    &network::CONNTRACK_MAX,
    &network::DROPPED,
    &network::ERRORS,
    &network::IO,
    &network::PACKETS,
    &nfs::CLIENT_NET_COUNT,
    &nfs::CLIENT_NET_TCP_CONNECTION_ACCEPTED,
    &nfs::CLIENT_OPERATION_COUNT,
    &nfs::CLIENT_PROCEDURE_COUNT,
    &nfs::CLIENT_RPC_AUTHREFRESH_COUNT,
    &nfs::CLIENT_RPC_COUNT,
    &nfs::CLIENT_RPC_RETRANSMIT_COUNT,
    &nfs::SERVER_FH_STALE_COUNT,
    &nfs::SERVER_IO,
    &nfs::SERVER_NET_COUNT,
    &nfs::SERVER_NET_TCP_CONNECTION_ACCEPTED,
    &nfs::SERVER_OPERATION_COUNT,
    &nfs::SERVER_PROCEDURE_COUNT,
    &nfs::SERVER_REPCACHE_REQUESTS,
    &nfs::SERVER_RPC_COUNT,
    &nfs::SERVER_THREAD_COUNT,
    &paging::FAULTS,
    &paging::OPERATIONS,
    &paging::USAGE,
    &paging::UTILIZATION,
    &processes::COUNT,
    &processes::CREATED,
    &process::CONTEXT_SWITCHES,
    &process::CPU_TIME,
    &process::CPU_UTILIZATION,
    &process::DISK_IO,
    &process::DISK_OPERATIONS,
    &process::HANDLES,
    &process::MEMORY_USAGE,
    &process::MEMORY_UTILIZATION,
    &process::MEMORY_VIRTUAL,
    &process::OPEN_FILE_DESCRIPTORS,
    &process::PAGING_FAULTS,
    &process::SIGNALS_PENDING,
    &process::THREADS,
    &process::UPTIME,
    &system::UPTIME,
];

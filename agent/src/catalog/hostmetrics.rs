//! The receiver `hostmetrics` of the parity contract: every metric's name, unit, kind and type.
//!
//! Names, units and kinds are those of OpenTelemetry Collector contrib 0.149.0; dashboards and alerts depend on
//! them. `agent/tests/fixtures/parity/metrics.csv` is the contract that a test compares these rows with; each
//! scraper has a file of its own.
//! `process.handles` exists on Windows alone and is listed so that a configuration naming it is understood.

use exporter::model::{Kind, Metric, ValueType};

pub mod cpu;
pub mod disk;
pub mod filesystem;
pub mod load;
pub mod memory;
pub mod network;
pub mod nfs;
pub mod paging;
pub mod process;
pub mod processes;
pub mod system;

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

//! What is known of an object at one moment, and which rows of the catalog that makes.
//!
//! A container, a pod and the node have the same rows under different names. Each table below is for one source of one
//! kind of object, so that cgroup files and the kubelet's summary fill the same rows. What a reading does not have gives
//! no point.

use super::own_rows;
use crate::catalog::kubeletstats::{container, node, pod, volume};
use crate::cgroup::Figures;
use crate::collectors::points::{Point, float};

/// What usage is a share of, in cores or bytes; absent where it is not known or nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Whole {
    /// The node's.
    pub(super) node: Option<f64>,
    /// The limit.
    pub(super) limit: Option<f64>,
    /// The request.
    pub(super) request: Option<f64>,
}

/// CPU.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cpu {
    /// Nanoseconds used.
    pub(super) used_ns: Option<u64>,
    /// Cores in use.
    pub(super) cores: Option<f64>,
    /// In cores.
    pub(super) whole: Whole,
}

/// Memory, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Memory {
    pub(super) available: Option<u64>,
    pub(super) usage: Option<u64>,
    pub(super) working_set: Option<u64>,
    pub(super) rss: Option<u64>,
    pub(super) page_faults: Option<u64>,
    pub(super) major_page_faults: Option<u64>,
    /// In bytes.
    pub(super) whole: Whole,
}

/// A filesystem, in bytes and inodes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Filesystem {
    pub(super) available: Option<u64>,
    pub(super) capacity: Option<u64>,
    pub(super) used: Option<u64>,
    pub(super) inodes: Option<u64>,
    pub(super) inodes_free: Option<u64>,
    pub(super) inodes_used: Option<u64>,
}

/// One interface's counters.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Network {
    pub(super) rx_bytes: Option<u64>,
    pub(super) rx_errors: Option<u64>,
    pub(super) tx_bytes: Option<u64>,
    pub(super) tx_errors: Option<u64>,
}

impl Cpu {
    fn seconds(&self) -> Option<f64> {
        self.used_ns.map(seconds)
    }

    fn share(&self, whole: Option<f64>) -> Option<f64> {
        share(self.cores, whole)
    }
}

impl Memory {
    fn share(&self, whole: Option<f64>) -> Option<f64> {
        share(self.usage.map(float), whole)
    }
}

fn share(part: Option<f64>, whole: Option<f64>) -> Option<f64> {
    let whole = whole.filter(|whole| *whole > 0.0)?;
    Some(part? / whole)
}

pub(super) fn seconds(nanoseconds: u64) -> f64 {
    float(nanoseconds) / 1e9
}

/// The tables of one kind of object.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) cpu: &'static [Point<Cpu>],
    pub(super) memory: &'static [Point<Memory>],
    pub(super) filesystem: &'static [Point<Filesystem>],
    /// For each interface.
    pub(super) network: &'static [Point<Network>],
    /// Whole seconds since the object was started.
    pub(super) uptime: &'static [Point<u64>],
    /// What the collector does not have.
    pub(super) own: &'static [Point<Figures>],
}

/// The tables of containers.
pub(super) static CONTAINER: Tables = Tables {
    cpu: &[
        Point::double(&container::CPU_TIME, &[], Cpu::seconds),
        Point::double(&container::CPU_USAGE, &[], |cpu| cpu.cores),
        Point::double(&container::CPU_NODE_UTILIZATION, &[], |cpu| cpu.share(cpu.whole.node)),
        Point::double(&container::CPU_LIMIT_UTILIZATION, &[], |cpu| cpu.share(cpu.whole.limit)),
        Point::double(&container::CPU_REQUEST_UTILIZATION, &[], |cpu| cpu.share(cpu.whole.request)),
    ],
    memory: &[
        Point::int(&container::MEMORY_AVAILABLE, &[], |memory| memory.available),
        Point::int(&container::MEMORY_MAJOR_PAGE_FAULTS, &[], |memory| memory.major_page_faults),
        Point::int(&container::MEMORY_PAGE_FAULTS, &[], |memory| memory.page_faults),
        Point::int(&container::MEMORY_RSS, &[], |memory| memory.rss),
        Point::int(&container::MEMORY_USAGE, &[], |memory| memory.usage),
        Point::int(&container::MEMORY_WORKING_SET, &[], |memory| memory.working_set),
        Point::double(&container::MEMORY_NODE_UTILIZATION, &[], |memory| memory.share(memory.whole.node)),
        Point::double(&container::MEMORY_LIMIT_UTILIZATION, &[], |memory| memory.share(memory.whole.limit)),
        Point::double(&container::MEMORY_REQUEST_UTILIZATION, &[], |memory| {
            memory.share(memory.whole.request)
        }),
    ],
    filesystem: &[
        Point::int(&container::FILESYSTEM_AVAILABLE, &[], |filesystem| filesystem.available),
        Point::int(&container::FILESYSTEM_CAPACITY, &[], |filesystem| filesystem.capacity),
        Point::int(&container::FILESYSTEM_USAGE, &[], |filesystem| filesystem.used),
    ],
    // Containers of a pod share its network.
    network: &[],
    uptime: &[Point::int(&container::UPTIME, &[], |seconds| Some(*seconds))],
    own: own_rows::CONTAINER,
};

/// The tables of pods.
pub(super) static POD: Tables = Tables {
    cpu: &[
        Point::double(&pod::CPU_TIME, &[], Cpu::seconds),
        Point::double(&pod::CPU_USAGE, &[], |cpu| cpu.cores),
        Point::double(&pod::CPU_NODE_UTILIZATION, &[], |cpu| cpu.share(cpu.whole.node)),
        Point::double(&pod::CPU_LIMIT_UTILIZATION, &[], |cpu| cpu.share(cpu.whole.limit)),
        Point::double(&pod::CPU_REQUEST_UTILIZATION, &[], |cpu| cpu.share(cpu.whole.request)),
    ],
    memory: &[
        Point::int(&pod::MEMORY_AVAILABLE, &[], |memory| memory.available),
        Point::int(&pod::MEMORY_MAJOR_PAGE_FAULTS, &[], |memory| memory.major_page_faults),
        Point::int(&pod::MEMORY_PAGE_FAULTS, &[], |memory| memory.page_faults),
        Point::int(&pod::MEMORY_RSS, &[], |memory| memory.rss),
        Point::int(&pod::MEMORY_USAGE, &[], |memory| memory.usage),
        Point::int(&pod::MEMORY_WORKING_SET, &[], |memory| memory.working_set),
        Point::double(&pod::MEMORY_NODE_UTILIZATION, &[], |memory| memory.share(memory.whole.node)),
        Point::double(&pod::MEMORY_LIMIT_UTILIZATION, &[], |memory| memory.share(memory.whole.limit)),
        Point::double(&pod::MEMORY_REQUEST_UTILIZATION, &[], |memory| memory.share(memory.whole.request)),
    ],
    filesystem: &[
        Point::int(&pod::FILESYSTEM_AVAILABLE, &[], |filesystem| filesystem.available),
        Point::int(&pod::FILESYSTEM_CAPACITY, &[], |filesystem| filesystem.capacity),
        Point::int(&pod::FILESYSTEM_USAGE, &[], |filesystem| filesystem.used),
    ],
    network: &[
        Point::int(&pod::NETWORK_IO, RECEIVE, |network| network.rx_bytes),
        Point::int(&pod::NETWORK_IO, TRANSMIT, |network| network.tx_bytes),
        Point::int(&pod::NETWORK_ERRORS, RECEIVE, |network| network.rx_errors),
        Point::int(&pod::NETWORK_ERRORS, TRANSMIT, |network| network.tx_errors),
    ],
    uptime: &[Point::int(&pod::UPTIME, &[], |seconds| Some(*seconds))],
    own: own_rows::POD,
};

/// The tables of the node.
pub(super) static NODE: Tables = Tables {
    cpu: &[
        Point::double(&node::CPU_TIME, &[], Cpu::seconds),
        Point::double(&node::CPU_USAGE, &[], |cpu| cpu.cores),
    ],
    memory: &[
        Point::int(&node::MEMORY_AVAILABLE, &[], |memory| memory.available),
        Point::int(&node::MEMORY_MAJOR_PAGE_FAULTS, &[], |memory| memory.major_page_faults),
        Point::int(&node::MEMORY_PAGE_FAULTS, &[], |memory| memory.page_faults),
        Point::int(&node::MEMORY_RSS, &[], |memory| memory.rss),
        Point::int(&node::MEMORY_USAGE, &[], |memory| memory.usage),
        Point::int(&node::MEMORY_WORKING_SET, &[], |memory| memory.working_set),
    ],
    filesystem: &[
        Point::int(&node::FILESYSTEM_AVAILABLE, &[], |filesystem| filesystem.available),
        Point::int(&node::FILESYSTEM_CAPACITY, &[], |filesystem| filesystem.capacity),
        Point::int(&node::FILESYSTEM_USAGE, &[], |filesystem| filesystem.used),
    ],
    network: &[
        Point::int(&node::NETWORK_IO, RECEIVE, |network| network.rx_bytes),
        Point::int(&node::NETWORK_IO, TRANSMIT, |network| network.tx_bytes),
        Point::int(&node::NETWORK_ERRORS, RECEIVE, |network| network.rx_errors),
        Point::int(&node::NETWORK_ERRORS, TRANSMIT, |network| network.tx_errors),
    ],
    uptime: &[Point::int(&node::UPTIME, &[], |seconds| Some(*seconds))],
    own: &[],
};

/// The rows of a volume.
pub(super) static VOLUME: &[Point<Filesystem>] = &[
    Point::int(&volume::AVAILABLE, &[], |volume| volume.available),
    Point::int(&volume::CAPACITY, &[], |volume| volume.capacity),
    Point::int(&volume::INODES, &[], |volume| volume.inodes),
    Point::int(&volume::INODES_FREE, &[], |volume| volume.inodes_free),
    Point::int(&volume::INODES_USED, &[], |volume| volume.inodes_used),
    Point::int(&volume::USAGE, &[], |volume| volume.used),
];

const RECEIVE: &[(&str, &str)] = &[("direction", "receive")];
const TRANSMIT: &[(&str, &str)] = &[("direction", "transmit")];

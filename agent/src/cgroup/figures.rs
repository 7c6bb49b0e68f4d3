//! What is read of a cgroup: plain data.

/// What is read besides CPU time and memory, each off by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Wanted {
    /// `nr_periods`, `nr_throttled`, `throttled_usec`.
    pub throttling: bool,
    /// Pressure stall information.
    pub pressure: bool,
    /// OOM kills.
    pub oom_kills: bool,
    /// Processes and their limit.
    pub pids: bool,
    /// Block I/O.
    pub io: bool,
    /// Swap space in use.
    pub swap: bool,
}

/// CPU time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cpu {
    /// Time used since the cgroup was made, in nanoseconds.
    pub usage_ns: u64,
    /// Only where wanted, and where a quota has been in force for a period at least.
    pub throttling: Option<Throttling>,
}

/// What a quota did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Throttling {
    /// Enforcement periods that have passed.
    pub periods: u64,
    /// Of these, the ones in which the quota was used up.
    pub throttled_periods: u64,
    /// For how long, in nanoseconds.
    pub throttled_ns: u64,
}

/// Memory, in bytes, by the kubelet's own formulas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    /// In use, page cache included.
    pub usage: u64,
    /// In use without inactive file pages.
    pub working_set: u64,
    /// Anonymous memory.
    pub rss: u64,
    /// Page faults. On cgroup v1 those of the cgroup's own processes alone, as the kubelet has it: of a pod they
    /// are zero, because its processes are in its containers.
    pub page_faults: u64,
    /// Those that needed a read from disk.
    pub major_page_faults: u64,
    /// The limit; `None` where there is none, or where it could not be read (which was reported). Of the whole
    /// node it is the memory that the machine has, as for the kubelet.
    pub limit: Option<u64>,
}

/// Stall times of one resource, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stall {
    /// At least one task waited.
    pub some_ns: u64,
    /// All tasks waited. The CPU's is absent on old kernels.
    pub full_ns: Option<u64>,
}

/// Pressure stall information.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pressure {
    /// Waiting for CPU.
    pub cpu: Option<Stall>,
    /// Waiting for memory.
    pub memory: Option<Stall>,
    /// Waiting for I/O.
    pub io: Option<Stall>,
}

/// Processes and threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pids {
    /// How many there are.
    pub current: u64,
    /// How many there may be; `None` for any number.
    pub limit: Option<u64>,
}

/// Block I/O over all devices. What passes through a stacked device (LVM, dm-crypt) counts there and below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Io {
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub write_bytes: u64,
    /// Read operations.
    pub reads: u64,
    /// Write operations.
    pub writes: u64,
}

/// What one cgroup's files said. What could not be read is absent, and was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// CPU time.
    pub cpu: Option<Cpu>,
    /// Memory.
    pub memory: Option<Memory>,
    /// Where wanted.
    pub pressure: Option<Pressure>,
    /// Processes killed for want of memory, where wanted.
    pub oom_kills: Option<u64>,
    /// Where wanted.
    pub pids: Option<Pids>,
    /// Where wanted.
    pub io: Option<Io>,
    /// Swap in use, in bytes, where wanted.
    pub swap: Option<u64>,
}

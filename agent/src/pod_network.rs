//! The network figures of a pod, from `/proc/<pid>/net/dev` of one of its processes.
//!
//! A pod's processes are found in the host's `/proc/*/cgroup` ([`uid`]), which is walked only when a pod without a process
//! may have got one; a walk reads only processes that no walk has read before (`known`). Pods in the host's network are
//! left out: their figures would be the node's, once for each. Whoever reads may be anyone; no descriptor is kept below
//! `/proc/<pid>`, and none would be safe (`processes`).
//!
//! The invariant: what is told of a pod was read in the namespace that a process of its cgroup was found in, and while
//! that process lived.

use self::interfaces::Fault;
use self::known::{KnownSet, Member};
use self::pods::Pods;
use self::processes::Processes;
pub use self::uid::pod_uid_in_path;
use crate::cgroup::OnError;
use crate::error::{ErrorClass, SourceError};
use crate::paths::HostPaths;
use crate::source::KeptFile;

pub mod interfaces;
mod known;
mod pods;
mod processes;
#[cfg(test)]
mod tests;
pub mod uid;

/// The most processes that a walk looks at: the default bound of process ids.
const PROCESS_LIMIT: usize = 32 << 10;
/// The most interfaces that are told of a pod.
const POD_INTERFACES: usize = 128;
/// The most interfaces that are told of the node, which has one for each pod.
const NODE_INTERFACES: usize = 4096;

/// The counters of one interface since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interface<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether it is the one that the kubelet takes for the pod's.
    pub is_default: bool,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Errors while receiving.
    pub rx_errors: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Errors while sending.
    pub tx_errors: u64,
}

/// The network namespaces of the node's pods.
#[derive(Debug)]
pub struct PodNetworks {
    pods: Pods,
    known: KnownSet,
    processes: Processes,
    node: KeptFile,
    tells_host: bool,
    walks: u64,
}

impl PodNetworks {
    /// Nothing is read yet.
    pub fn new(paths: &HostPaths) -> Self {
        Self {
            pods: Pods::default(),
            known: KnownSet::new(PROCESS_LIMIT),
            processes: Processes::new(paths.proc("")),
            node: KeptFile::new(paths.proc("1/net/dev")),
            tells_host: false,
            walks: 0,
        }
    }

    /// Whether the node's interfaces are told of pods in the host's network too, as the kubelet does with containerd and
    /// CRI-O. They are not unless it is asked for.
    #[must_use]
    pub const fn with_host_network(mut self, tells: bool) -> Self {
        self.tells_host = tells;
        self
    }

    /// Finds a process of each pod, by its (cgroup) uid, that has none yet. A pod that is new, or whose process has ended, is
    /// worth three walks; after that the processes are walked for it only when pods or containers have `changed`.
    pub fn refresh(&mut self, uids: &[&str], changed: bool, buffer: &mut Vec<u8>, on_error: OnError<'_>) {
        self.pods.follow(uids);
        if !self.pods.need_walk(changed) {
            return;
        }
        self.walks += 1;
        if self.pods.need_whole_walk() {
            self.known.forget();
        }
        self.pods.begin();
        if let Err(error) = self.walk(buffer, on_error) {
            on_error(&error);
        }
        self.pods.finish();
    }

    /// How often the processes were walked.
    pub const fn walks(&self) -> u64 {
        self.walks
    }

    fn walk(&mut self, buffer: &mut Vec<u8>, on_error: OnError<'_>) -> Result<(), SourceError> {
        let Self { pods, known, processes, .. } = self;
        known.begin();
        let listed = processes.list(|pid, inode| known.add(pid, inode));
        let refused = known.finish();
        listed?;
        let host = processes.host_namespace()?;
        for process in known.iter_mut() {
            process.member = match process.member {
                Member::Outside => continue,
                Member::Of(serial) if pods.by_serial(serial).is_some() => Member::Of(serial),
                before => processes
                    .cgroup(process.pid, buffer, on_error)
                    .map_or(Member::Unread, |text| member(before, text, pods)),
            };
            let Member::Of(serial) = process.member else { continue };
            let Some(pod) = pods.by_serial(serial).filter(|pod| pod.process.is_none()) else { continue };
            if let Some(found) = processes.identify((process.pid, process.inode), buffer, on_error) {
                pod.offer(found, host);
            }
        }
        if refused == 0 {
            return Ok(());
        }
        Err(SourceError::TooMany { path: processes.path(0, ""), what: "processes", limit: known.limit() })
    }

    /// The interfaces of the pod of this uid, as the kubelet tells them: without loopback. Nothing for a pod in the host's
    /// network, for one whose process is not known, and where the read failed.
    pub fn read(
        &mut self,
        uid: &str,
        buffer: &mut Vec<u8>,
        on_error: OnError<'_>,
        visit: &mut dyn FnMut(Interface<'_>),
    ) {
        let Some(pod) = self.pods.get_mut(uid) else { return };
        let Some(process) = &mut pod.process else {
            if pod.is_in_host && self.tells_host {
                self.read_node(buffer, on_error, visit);
            }
            return;
        };
        match self.processes.net_dev(process, buffer) {
            Ok(text) => {
                if let Err(fault) = interfaces::visit(text, POD_INTERFACES, visit) {
                    let path = self.processes.path(process.pid, "net/dev");
                    on_error(&failed(path, fault, POD_INTERFACES));
                }
            }
            Err(error) => {
                if error.class() == ErrorClass::NotFound {
                    pod.lose();
                }
                on_error(&error);
            }
        }
    }

    /// The node's own interfaces, as process 1 sees them and the kubelet tells them.
    pub fn read_node(
        &mut self,
        buffer: &mut Vec<u8>,
        on_error: OnError<'_>,
        visit: &mut dyn FnMut(Interface<'_>),
    ) {
        let told = match self.node.read(buffer) {
            Ok(text) => interfaces::visit(text, NODE_INTERFACES, visit),
            Err(error) => return on_error(&error),
        };
        if let Err(fault) = told {
            on_error(&failed(self.node.path().to_owned(), fault, NODE_INTERFACES));
        }
    }
}

/// What a reading of its `cgroup` makes of a process.
fn member(before: Member, cgroup: &[u8], pods: &Pods) -> Member {
    let mut is_in_pod = false;
    for uid in uid::pod_uids_in_text(cgroup) {
        is_in_pod = true;
        if let Some(serial) = pods.serial(uid.as_str()) {
            return Member::Of(serial);
        }
    }
    match before {
        _ if is_in_pod => Member::Unread,
        Member::Doubtful => Member::Outside,
        _ => Member::Doubtful,
    }
}

fn failed(path: std::path::PathBuf, fault: Fault, limit: usize) -> SourceError {
    match fault {
        Fault::Malformed { what, at } => SourceError::Parse { path, what, at },
        Fault::TooMany => SourceError::TooMany { path, what: "interfaces", limit },
    }
}

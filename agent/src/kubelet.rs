//! The node's kubelet: what only it knows.
//!
//! Here is what the reader publishes, for the collector of pods and for enrichment. [`summary`] reads an answer,
//! [`client`] asks for one, [`reader`] does so when [`slots`] says that it may, and [`desk`] keeps what is told of it.
//!
//! Invariants: a request that can make the kubelet ask the API server is sent only with a permit of the budget, and what
//! came of it is settled; nothing is asked twice in a slot; no name is looked up.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use exporter::model::Timestamp;
use shared_informer::index::Snapshot;

pub mod client;
pub mod desk;
pub mod pods;
pub mod reader;
pub mod settings;
pub mod slots;
pub mod summary;
mod tls;

/// CPU figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cpu {
    /// When the kubelet took them.
    pub time: Timestamp,
    /// Nanocores.
    pub usage_nano_cores: Option<u64>,
    /// Nanoseconds of CPU time.
    pub usage_core_nano_seconds: Option<u64>,
}

/// Memory figures, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the kubelet's")]
pub struct Memory {
    /// When the kubelet took them.
    pub time: Timestamp,
    pub available: Option<u64>,
    pub usage: Option<u64>,
    pub working_set: Option<u64>,
    pub rss: Option<u64>,
    pub page_faults: Option<u64>,
    pub major_page_faults: Option<u64>,
}

/// A file system, in bytes and inodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the kubelet's")]
pub struct Filesystem {
    /// When the kubelet took them.
    pub time: Timestamp,
    pub available: Option<u64>,
    pub capacity: Option<u64>,
    pub used: Option<u64>,
    pub inodes_free: Option<u64>,
    pub inodes: Option<u64>,
    pub inodes_used: Option<u64>,
}

/// One interface.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the kubelet's")]
pub struct Interface {
    pub name: Box<str>,
    pub rx_bytes: Option<u64>,
    pub rx_errors: Option<u64>,
    pub tx_bytes: Option<u64>,
    pub tx_errors: Option<u64>,
}

/// Network figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// When the kubelet took them.
    pub time: Timestamp,
    /// The default interface.
    pub default: Interface,
    /// All of them, the default one included.
    pub all: Box<[Interface]>,
}

/// A container, or one of the node's system containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its name in the pod; `kubelet`, `runtime`, `pods` among the node's.
    pub name: Box<str>,
    /// When it was started.
    pub started: Option<Timestamp>,
    /// CPU.
    pub cpu: Option<Cpu>,
    /// Memory.
    pub memory: Option<Memory>,
    /// The writable layer.
    pub rootfs: Option<Filesystem>,
    /// Its logs.
    pub logs: Option<Filesystem>,
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Its name in the pod.
    pub name: Box<str>,
    /// Its space.
    pub filesystem: Filesystem,
    /// The claim's name and namespace.
    pub claim: Option<(Box<str>, Box<str>)>,
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// `podRef.name`.
    pub name: Box<str>,
    /// `podRef.namespace`.
    pub namespace: Box<str>,
    /// `podRef.uid`, as the kubelet says it: a static pod's is the hash of its configuration.
    pub uid: Box<str>,
    /// When it was started.
    pub started: Option<Timestamp>,
    /// CPU.
    pub cpu: Option<Cpu>,
    /// Memory.
    pub memory: Option<Memory>,
    /// Network.
    pub network: Option<Network>,
    /// `ephemeral-storage`.
    pub ephemeral_storage: Option<Filesystem>,
    /// Its volumes.
    pub volumes: Box<[Volume]>,
    /// Its containers.
    pub containers: Box<[Container]>,
}

/// The node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: Box<str>,
    /// When it was started.
    pub started: Option<Timestamp>,
    /// CPU.
    pub cpu: Option<Cpu>,
    /// Memory.
    pub memory: Option<Memory>,
    /// Network.
    pub network: Option<Network>,
    /// The root file system.
    pub filesystem: Option<Filesystem>,
    /// Where images are.
    pub image_filesystem: Option<Filesystem>,
    /// Where containers' writable layers are.
    pub container_filesystem: Option<Filesystem>,
    /// The kubelet, the runtime, all pods together.
    pub system_containers: Box<[Container]>,
}

/// An answer to `/stats/summary`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Grows with each answer: one that was seen is not reported a second time.
    pub sequence: u64,
    /// When the answer was complete.
    pub received: Timestamp,
    /// The node.
    pub node: Node,
    /// Its pods; once it is published in the order of their uids.
    pub pods: Box<[Pod]>,
}

impl Summary {
    /// The pod of this uid, in a summary that was published.
    pub fn pod(&self, uid: &str) -> Option<&Pod> {
        let at = self.pods.binary_search_by(|pod| (*pod.uid).cmp(uid)).ok()?;
        self.pods.get(at)
    }
}

/// The newest answers, handed from the reader to the collector thread.
#[derive(Debug, Clone, Default)]
pub struct Latest(Arc<Mutex<Answers>>);

#[derive(Debug, Default)]
struct Answers {
    summary: Option<Arc<Summary>>,
    pods: Option<Arc<Snapshot>>,
}

impl Latest {
    /// The newest summary.
    pub fn summary(&self) -> Option<Arc<Summary>> {
        self.answers().summary.clone()
    }

    /// The newest answer to `/pods`, as an index; `None` where it is not read, or was not answered yet. Like the index of
    /// the shared watch it is the last known state, however old: labels and owners hardly change while a pod runs.
    pub fn pods(&self) -> Option<Arc<Snapshot>> {
        self.answers().pods.clone()
    }

    /// Puts a summary there, its pods in order.
    pub fn publish(&self, mut summary: Summary) {
        summary.pods.sort_unstable_by(|one, other| one.uid.cmp(&other.uid));
        let summary = Some(Arc::new(summary));
        // The one before is let go of outside the lock.
        let _before = std::mem::replace(&mut self.answers().summary, summary);
    }

    /// Puts an answer to `/pods` there, or takes it away.
    pub fn publish_pods(&self, pods: Option<Arc<Snapshot>>) {
        self.answers().pods = pods;
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

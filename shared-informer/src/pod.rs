//! A pod as tare keeps it: identity, owners, chosen labels, and what its containers and volumes are called.
//!
//! [`parse()`] reads it straight from the JSON of a watch event's object or of an item of a LIST, without
//! building the full object. Every string is owned once, in a box of its exact length, and every list is a
//! boxed slice. A typical pod of 12 KB takes 2.3 kB of heap in 54 blocks, the index around it 0.5 kB more, and
//! `tests/index_memory.rs` holds both together to 4 KB; read as a `serde_json::Value` it takes 107 kB in 869.
//!
//! The input is untrusted: each length and each count has a bound ([`limits`]), and a pod beyond one is refused
//! as a whole with a reason of a closed set ([`Refusal`]). A [`Pod`] in hand is within all of them.
//!
//! May use: nothing but its input. No I/O, no clock.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

mod convert;
mod error;
pub mod image;
mod keep;
pub mod limits;
mod owner;
mod pairs;
mod parse;
pub mod quantity;
mod size;
mod time;
mod wire;

#[cfg(test)]
mod tests;

pub use error::{PodError, Problem, Refusal};
pub use keep::Keep;
pub use owner::{Owner, OwnerKind};
pub use pairs::Pairs;
pub use parse::{Head, head, parse};
pub use time::Timestamp;

/// A pod of this node. Field names follow the API; absent and empty are the same where only one makes sense.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pod {
    /// `metadata.namespace`.
    pub namespace: Box<str>,
    /// `metadata.name`.
    pub name: Box<str>,
    /// `metadata.uid`. A mirror pod's is not the one in the cgroup's name: that is [`Pod::config_hash`].
    pub uid: Box<str>,
    /// `metadata.resourceVersion`; a static pod as the kubelet lists it has none.
    pub resource_version: Option<Box<str>>,
    /// `metadata.creationTimestamp`. The collector's `k8s.pod.start_time` is this one, not [`Pod::started`].
    pub created: Option<Timestamp>,
    /// `metadata.deletionTimestamp`: when the pod has to be gone, once its deletion was asked for.
    pub deleting: Option<Timestamp>,
    /// `status.startTime`: when the kubelet saw the pod.
    pub started: Option<Timestamp>,
    /// `spec.nodeName`.
    pub node: Option<Box<str>>,
    /// `spec.hostname`, where the pod has one of its own.
    pub hostname: Option<Box<str>>,
    /// `status.phase`.
    pub phase: Phase,
    /// `status.qosClass`.
    pub qos: Option<QosClass>,
    /// `spec.hostNetwork`: the pod's addresses are the node's.
    pub host_network: bool,
    /// Whether this is the API's copy of a static pod.
    pub mirror: bool,
    /// Whether the pod asks to be left out (`opentelemetry.io/k8s-processor/ignore: "true"`).
    pub ignored: bool,
    /// `status.podIPs`, the primary one first.
    pub addresses: Box<[IpAddr]>,
    /// `metadata.ownerReferences`.
    pub owners: Box<[Owner]>,
    /// The Deployment behind an owning ReplicaSet: its name without the `pod-template-hash` label's value.
    pub deployment: Option<Box<str>>,
    /// What the kubelet calls a static pod: the uid in its cgroup and log folder names.
    pub config_hash: Option<Box<str>>,
    /// The labels that [`Keep::label`] chose.
    pub labels: Pairs,
    /// The annotations that [`Keep::annotation`] chose, each cut at [`limits::KEPT_VALUE`] bytes.
    pub annotations: Pairs,
    /// `spec.volumes`.
    pub volumes: Box<[Volume]>,
    /// Init, app and ephemeral containers, in this order.
    pub containers: Box<[Container]>,
    /// Annotations that were cut.
    pub cut: u32,
    /// Chosen labels and annotations beyond [`limits::KEPT_PAIRS`], left out.
    pub dropped: u32,
}

impl Pod {
    /// The owner that manages the pod.
    pub fn controller(&self) -> Option<&Owner> {
        self.owners.iter().find(|owner| owner.controller)
    }

    /// The CronJob behind an owning Job, as the collector derives it: the Job's name without a numeric suffix.
    pub fn cron_job(&self) -> Option<&str> {
        self.owners.iter().find_map(Owner::cron_job)
    }

    /// The container of this name; names are unique across the three lists.
    pub fn container(&self, name: &str) -> Option<&Container> {
        self.containers.iter().find(|container| &*container.name == name)
    }

    /// The volume of this name.
    pub fn volume(&self, name: &str) -> Option<&Volume> {
        self.volumes.iter().find(|volume| &*volume.name == name)
    }
}

/// `status.phase`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Accepted, not all containers have run yet.
    Pending,
    /// Bound to the node, at least one container runs or restarts.
    Running,
    /// All containers ended with success.
    Succeeded,
    /// All containers ended, one of them without success.
    Failed,
    /// The API server does not say, or says something this version does not know.
    Unknown,
}

/// `status.qosClass`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum QosClass {
    /// Requests equal limits everywhere.
    Guaranteed,
    /// Some requests or limits.
    Burstable,
    /// None at all.
    BestEffort,
}

/// One container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// Which list it stands in.
    pub kind: ContainerKind,
    /// `name`, unique in the pod.
    pub name: Box<str>,
    /// `image` of the specification, as the user wrote it; [`image::ImageRef`] splits it.
    pub image: Box<str>,
    /// `containerID` of the status; absent until the container has been created.
    pub id: Option<ContainerId>,
    /// `imageID` of the status, if [`Keep::image_ids`] asks for it; [`image::canonical`] makes a digest of it.
    pub image_id: Option<Box<str>>,
    /// `restartCount`.
    pub restarts: u32,
    /// `state`.
    pub state: ContainerState,
    /// `resources.requests` of the specification.
    pub requests: Amounts,
    /// `resources.limits` of the specification.
    pub limits: Amounts,
}

/// The list in which a container stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ContainerKind {
    /// `initContainers`, sidecars included.
    Init,
    /// `containers`.
    App,
    /// `ephemeralContainers`.
    Ephemeral,
}

/// A container ID, split at `://`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerId {
    /// Which runtime made it.
    pub runtime: Runtime,
    /// The runtime's own identifier, normally 64 hexadecimal digits.
    pub id: Box<str>,
}

/// The container runtimes that have a name of their own here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Runtime {
    /// `containerd://`
    Containerd,
    /// `cri-o://`
    CriO,
    /// `docker://`
    Docker,
    /// Any other, or none.
    Other,
}

/// `state` of a container's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ContainerState {
    /// Not started, or not yet reported.
    Waiting,
    /// Runs since.
    Running(Option<Timestamp>),
    /// Ran from, to.
    Terminated(Option<Timestamp>, Option<Timestamp>),
}

impl ContainerState {
    /// `startedAt`.
    pub const fn started_at(self) -> Option<Timestamp> {
        match self {
            Self::Waiting => None,
            Self::Running(since) | Self::Terminated(since, _) => since,
        }
    }
}

/// CPU and memory of `requests` or `limits`. Absent is not zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amounts {
    /// Nanocores.
    pub cpu: Option<u64>,
    /// Bytes.
    pub memory: Option<u64>,
}

/// One volume of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// `name`, unique in the pod.
    pub name: Box<str>,
    /// What it is made of.
    pub source: VolumeSource,
}

/// The volume types that the collector's `kubeletstats` receiver tells apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum VolumeSource {
    /// `configMap`
    ConfigMap,
    /// `downwardAPI`
    DownwardApi,
    /// `emptyDir`
    EmptyDir,
    /// `secret`
    Secret,
    /// `persistentVolumeClaim` with its `claimName`.
    PersistentVolumeClaim(Box<str>),
    /// `hostPath`
    HostPath,
    /// `awsElasticBlockStore` with `volumeID`, `fsType` and `partition`.
    AwsElasticBlockStore(Box<str>, Box<str>, i32),
    /// `gcePersistentDisk` with `pdName`, `fsType` and `partition`.
    GcePersistentDisk(Box<str>, Box<str>, i32),
    /// `glusterfs` with `endpoints` and `path`.
    Glusterfs(Box<str>, Box<str>),
    /// Any other (projected, csi, ephemeral, ...); the collector reports no type for these.
    Other,
}

impl VolumeSource {
    /// The value of `k8s.volume.type`.
    pub const fn type_name(&self) -> Option<&'static str> {
        Some(match self {
            Self::ConfigMap => "configMap",
            Self::DownwardApi => "downwardAPI",
            Self::EmptyDir => "emptyDir",
            Self::Secret => "secret",
            Self::PersistentVolumeClaim(_) => "persistentVolumeClaim",
            Self::HostPath => "hostPath",
            Self::AwsElasticBlockStore(..) => "awsElasticBlockStore",
            Self::GcePersistentDisk(..) => "gcePersistentDisk",
            Self::Glusterfs(..) => "glusterfs",
            Self::Other => return None,
        })
    }

    /// The name of the PersistentVolumeClaim.
    pub const fn claim(&self) -> Option<&str> {
        match self {
            Self::PersistentVolumeClaim(claim) => Some(claim),
            _ => None,
        }
    }
}

//! The part of a pod's JSON that is looked at, borrowed from the input.
//!
//! Everything else (managed fields, environment, probes, conditions) is skipped without being built. Go writes
//! `null` for empty lists and times, so every field may be null. A list stops taking memory at its bound but
//! goes on counting, so that the error can name both numbers.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::limits;

mod borrowed;

pub(super) use borrowed::{Bounded, Map, Text};

#[derive(Deserialize)]
pub(super) struct Object<'a> {
    #[serde(borrow)]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) metadata: Option<Meta<'a>>,
    #[serde(borrow)]
    pub(super) spec: Option<Spec<'a>>,
    #[serde(borrow)]
    pub(super) status: Option<Status<'a>>,
}

/// Only what names an object.
#[derive(Deserialize)]
pub(super) struct Named<'a> {
    #[serde(borrow)]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) metadata: Option<Names<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Names<'a> {
    #[serde(borrow)]
    pub(super) namespace: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) uid: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) resource_version: Option<Text<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meta<'a> {
    #[serde(borrow)]
    pub(super) namespace: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) uid: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) resource_version: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) creation_timestamp: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) deletion_timestamp: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) owner_references: Option<Bounded<OwnerReference<'a>, { limits::OWNERS }>>,
    #[serde(borrow)]
    pub(super) labels: Option<Map<'a>>,
    #[serde(borrow)]
    pub(super) annotations: Option<Map<'a>>,
}

#[derive(Deserialize)]
pub(super) struct OwnerReference<'a> {
    #[serde(borrow)]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) uid: Option<Text<'a>>,
    pub(super) controller: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec<'a> {
    #[serde(borrow)]
    pub(super) node_name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) hostname: Option<Text<'a>>,
    pub(super) host_network: Option<bool>,
    #[serde(borrow)]
    pub(super) volumes: Option<Bounded<Volume<'a>, { limits::VOLUMES }>>,
    #[serde(borrow)]
    pub(super) init_containers: Option<Bounded<Container<'a>, { limits::CONTAINERS }>>,
    #[serde(borrow)]
    pub(super) containers: Option<Bounded<Container<'a>, { limits::CONTAINERS }>>,
    #[serde(borrow)]
    pub(super) ephemeral_containers: Option<Bounded<Container<'a>, { limits::CONTAINERS }>>,
}

#[derive(Deserialize)]
pub(super) struct Container<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) image: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) resources: Option<Resources<'a>>,
}

#[derive(Deserialize, Default)]
pub(super) struct Resources<'a> {
    #[serde(borrow)]
    pub(super) requests: Option<Amounts<'a>>,
    #[serde(borrow)]
    pub(super) limits: Option<Amounts<'a>>,
}

#[derive(Deserialize, Default)]
pub(super) struct Amounts<'a> {
    #[serde(borrow)]
    pub(super) cpu: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) memory: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Volume<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    pub(super) config_map: Option<IgnoredAny>,
    #[serde(rename = "downwardAPI")]
    pub(super) downward_api: Option<IgnoredAny>,
    pub(super) empty_dir: Option<IgnoredAny>,
    pub(super) secret: Option<IgnoredAny>,
    #[serde(borrow)]
    pub(super) persistent_volume_claim: Option<Claim<'a>>,
    pub(super) host_path: Option<IgnoredAny>,
    #[serde(borrow)]
    pub(super) aws_elastic_block_store: Option<Disk<'a>>,
    #[serde(borrow)]
    pub(super) gce_persistent_disk: Option<Disk<'a>>,
    #[serde(borrow)]
    pub(super) glusterfs: Option<Gluster<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Claim<'a> {
    #[serde(borrow)]
    pub(super) claim_name: Option<Text<'a>>,
}

/// `awsElasticBlockStore` and `gcePersistentDisk`, which differ in the name of one field.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Disk<'a> {
    #[serde(borrow, rename = "volumeID", alias = "pdName")]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) fs_type: Option<Text<'a>>,
    pub(super) partition: Option<i32>,
}

#[derive(Deserialize)]
pub(super) struct Gluster<'a> {
    #[serde(borrow)]
    pub(super) endpoints: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) path: Option<Text<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status<'a> {
    #[serde(borrow)]
    pub(super) phase: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) qos_class: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) start_time: Option<Text<'a>>,
    #[serde(borrow, rename = "podIP")]
    pub(super) pod_ip: Option<Text<'a>>,
    #[serde(borrow, rename = "podIPs")]
    pub(super) pod_ips: Option<Bounded<Address<'a>, { limits::ADDRESSES }>>,
    #[serde(borrow)]
    pub(super) init_container_statuses: Option<Bounded<ContainerStatus<'a>, { limits::CONTAINERS }>>,
    #[serde(borrow)]
    pub(super) container_statuses: Option<Bounded<ContainerStatus<'a>, { limits::CONTAINERS }>>,
    #[serde(borrow)]
    pub(super) ephemeral_container_statuses: Option<Bounded<ContainerStatus<'a>, { limits::CONTAINERS }>>,
}

#[derive(Deserialize)]
pub(super) struct Address<'a> {
    #[serde(borrow)]
    pub(super) ip: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContainerStatus<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow, rename = "containerID")]
    pub(super) container_id: Option<Text<'a>>,
    #[serde(borrow, rename = "imageID")]
    pub(super) image_id: Option<Text<'a>>,
    pub(super) restart_count: Option<u32>,
    #[serde(borrow)]
    pub(super) state: Option<State<'a>>,
}

#[derive(Deserialize)]
pub(super) struct State<'a> {
    #[serde(borrow)]
    pub(super) running: Option<Period<'a>>,
    #[serde(borrow)]
    pub(super) terminated: Option<Period<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Period<'a> {
    #[serde(borrow)]
    pub(super) started_at: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) finished_at: Option<Text<'a>>,
}

//! The part of a summary's JSON that is looked at. Everything else (pressure, swap, limits of processes) is skipped
//! without being built. Go leaves out or writes `null` for what it does not know, so every field may be missing or null.

use std::fmt;
use std::marker::PhantomData;

use exporter::model::Timestamp;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use shared_informer::pod::limits::{CONTAINERS, LABEL, NAME, OPAQUE, VOLUMES};

/// Names of network interfaces: the kernel's bound is 15, other systems have none.
const INTERFACE: usize = 63;
/// Interfaces of a node or pod.
const INTERFACES: usize = 256;

/// A string that takes no memory if it is longer than `MAX` bytes.
#[derive(Debug)]
pub(super) enum Name<const MAX: usize> {
    Read(Box<str>),
    TooLong,
}

impl<'de, const MAX: usize> Deserialize<'de> for Name<MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text<const MAX: usize>;
        impl<const MAX: usize> Visitor<'_> for Text<MAX> {
            type Value = Name<MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E>(self, text: &str) -> Result<Name<MAX>, E> {
                Ok(if text.len() > MAX { Name::TooLong } else { Name::Read(text.into()) })
            }
        }
        from.deserialize_str(Text)
    }
}

/// A time, as Kubernetes writes it; none where it is none, or before 1970.
#[derive(Debug)]
pub(super) struct Time(pub(super) Option<Timestamp>);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Time;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time")
            }

            fn visit_str<E>(self, text: &str) -> Result<Time, E> {
                let seconds = shared_informer::pod::Timestamp::parse(text)
                    .map(shared_informer::pod::Timestamp::unix_seconds);
                let nanos =
                    seconds.and_then(|s| u64::try_from(s).ok()).and_then(|s| s.checked_mul(1_000_000_000));
                Ok(Time(nanos.map(Timestamp)))
            }
        }
        from.deserialize_str(Text)
    }
}

/// The first `N` entries of a list, and how many came after them.
#[derive(Debug)]
pub(super) struct List<T, const N: usize> {
    pub(super) entries: Vec<T>,
    pub(super) beyond: u32,
}

impl<T, const N: usize> Default for List<T, N> {
    fn default() -> Self {
        Self { entries: Vec::new(), beyond: 0 }
    }
}

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for List<T, N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Entries<T, const N: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Entries<T, N> {
            type Value = List<T, N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut read = List::default();
                while read.entries.len() < N {
                    let Some(entry) = list.next_element()? else { return Ok(read) };
                    read.entries.push(entry);
                }
                while list.next_element::<IgnoredAny>()?.is_some() {
                    read.beyond = read.beyond.saturating_add(1);
                }
                Ok(read)
            }
        }
        from.deserialize_seq(Entries(PhantomData))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Node {
    #[serde(rename = "nodeName")]
    pub(super) name: Option<Name<NAME>>,
    pub(super) start_time: Option<Time>,
    pub(super) cpu: Option<Cpu>,
    pub(super) memory: Option<Memory>,
    pub(super) network: Option<Network>,
    pub(super) fs: Option<Filesystem>,
    pub(super) runtime: Option<Runtime>,
    pub(super) system_containers: Option<List<Container, CONTAINERS>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Runtime {
    pub(super) image_fs: Option<Filesystem>,
    pub(super) container_fs: Option<Filesystem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pod {
    #[serde(rename = "podRef")]
    pub(super) names: Option<PodRef>,
    pub(super) start_time: Option<Time>,
    pub(super) cpu: Option<Cpu>,
    pub(super) memory: Option<Memory>,
    pub(super) network: Option<Network>,
    #[serde(rename = "ephemeral-storage")]
    pub(super) ephemeral_storage: Option<Filesystem>,
    pub(super) volume: Option<List<Volume, VOLUMES>>,
    pub(super) containers: Option<List<Container, CONTAINERS>>,
}

#[derive(Deserialize)]
pub(super) struct PodRef {
    pub(super) name: Option<Name<NAME>>,
    pub(super) namespace: Option<Name<LABEL>>,
    pub(super) uid: Option<Name<OPAQUE>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Container {
    pub(super) name: Option<Name<LABEL>>,
    pub(super) start_time: Option<Time>,
    pub(super) cpu: Option<Cpu>,
    pub(super) memory: Option<Memory>,
    pub(super) rootfs: Option<Filesystem>,
    pub(super) logs: Option<Filesystem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cpu {
    pub(super) time: Option<Time>,
    pub(super) usage_nano_cores: Option<u64>,
    pub(super) usage_core_nano_seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Memory {
    pub(super) time: Option<Time>,
    pub(super) available_bytes: Option<u64>,
    pub(super) usage_bytes: Option<u64>,
    pub(super) working_set_bytes: Option<u64>,
    pub(super) rss_bytes: Option<u64>,
    pub(super) page_faults: Option<u64>,
    pub(super) major_page_faults: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filesystem {
    pub(super) time: Option<Time>,
    pub(super) available_bytes: Option<u64>,
    pub(super) capacity_bytes: Option<u64>,
    pub(super) used_bytes: Option<u64>,
    pub(super) inodes_free: Option<u64>,
    pub(super) inodes: Option<u64>,
    pub(super) inodes_used: Option<u64>,
}

/// The kubelet writes the file system's fields beside the volume's own.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Volume {
    pub(super) name: Option<Name<NAME>>,
    pub(super) pvc_ref: Option<Claim>,
    pub(super) time: Option<Time>,
    pub(super) available_bytes: Option<u64>,
    pub(super) capacity_bytes: Option<u64>,
    pub(super) used_bytes: Option<u64>,
    pub(super) inodes_free: Option<u64>,
    pub(super) inodes: Option<u64>,
    pub(super) inodes_used: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct Claim {
    pub(super) name: Option<Name<NAME>>,
    pub(super) namespace: Option<Name<LABEL>>,
}

/// The kubelet writes the default interface's fields beside the list of all.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Network {
    pub(super) time: Option<Time>,
    pub(super) name: Option<Name<INTERFACE>>,
    pub(super) rx_bytes: Option<u64>,
    pub(super) rx_errors: Option<u64>,
    pub(super) tx_bytes: Option<u64>,
    pub(super) tx_errors: Option<u64>,
    pub(super) interfaces: Option<List<Interface, INTERFACES>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Interface {
    pub(super) name: Option<Name<INTERFACE>>,
    pub(super) rx_bytes: Option<u64>,
    pub(super) rx_errors: Option<u64>,
    pub(super) tx_bytes: Option<u64>,
    pub(super) tx_errors: Option<u64>,
}

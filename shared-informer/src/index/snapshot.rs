//! What a reader sees: the index at one moment, for as long as it is held.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::Provenance;
use super::table::{Entry, Table, id_of};
use crate::pod::{Container, Pod};

/// The shortest prefix by which a container is looked up on the whole node: half of the length that the
/// container runtimes print, still 24 bits against an accidental match.
pub const MIN_PREFIX: usize = 6;

/// The index at one moment. Live pods are preferred to tombstones, later tombstones to earlier ones.
#[derive(Debug, Clone)]
pub struct Snapshot {
    generation: u64,
    live: Arc<Table>,
    gone: Arc<Table>,
}

/// A pod that was found.
#[derive(Debug, Clone, Copy)]
pub struct Found<'s> {
    /// The pod. Cloning the `Arc` keeps it beyond the snapshot.
    pub pod: &'s Arc<Pod>,
    /// Whether the API server has confirmed it in this life.
    pub provenance: Provenance,
    /// When it went, if it is a tombstone.
    pub gone_at: Option<Duration>,
}

/// A container that was found, and its pod.
#[derive(Debug, Clone, Copy)]
pub struct FoundContainer<'s> {
    /// The pod.
    pub found: Found<'s>,
    /// The container in it.
    pub container: &'s Container,
}

/// The answer to a lookup by the beginning of a container ID.
#[derive(Debug, Clone, Copy)]
pub enum PrefixMatch<'s> {
    /// No ID begins with it, or it is too short to be asked for.
    None,
    /// Exactly one ID does.
    One(FoundContainer<'s>),
    /// Several IDs do.
    Ambiguous,
}

impl<'s> PrefixMatch<'s> {
    /// The container, if there is exactly one.
    pub const fn one(self) -> Option<FoundContainer<'s>> {
        match self {
            Self::One(found) => Some(found),
            Self::None | Self::Ambiguous => None,
        }
    }
}

impl<'s> From<&'s Entry> for Found<'s> {
    fn from(entry: &'s Entry) -> Self {
        Self { pod: &entry.pod, provenance: entry.provenance, gone_at: entry.gone.map(|gone| gone.at) }
    }
}

impl Snapshot {
    pub(super) const fn new(generation: u64, live: Arc<Table>, gone: Arc<Table>) -> Self {
        Self { generation, live, gone }
    }

    /// Equal generations of one index mean equal content.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether this is the content of `other` and of the same index, without comparing it: never true for another
    /// content, as long as both are held.
    pub fn is_same(&self, other: &Self) -> bool {
        self.generation == other.generation
            && Arc::ptr_eq(&self.live, &other.live)
            && Arc::ptr_eq(&self.gone, &other.gone)
    }

    /// How many pods are live.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether no pod is live.
    pub fn is_empty(&self) -> bool {
        self.live.len() == 0
    }

    /// How many tombstones there are.
    pub fn tombstones(&self) -> usize {
        self.gone.len()
    }

    /// The live pods, in the order of namespace and name.
    pub fn pods(&self) -> impl Iterator<Item = Found<'_>> {
        self.live.iter().map(Found::from)
    }

    /// The pod of this uid.
    pub fn by_uid(&self, uid: &str) -> Option<Found<'_>> {
        self.either(|table| table.by_uid(uid))
    }

    /// The pod of this name.
    pub fn by_name(&self, namespace: &str, name: &str) -> Option<Found<'_>> {
        self.either(|table| table.by_name(namespace, name))
    }

    /// The static pod that the kubelet knows by this hash.
    pub fn by_config_hash(&self, hash: &str) -> Option<Found<'_>> {
        self.either(|table| table.by_hash(hash))
    }

    /// The pod that a cgroup or log folder of this uid belongs to: the uid itself, or a static pod's hash.
    pub fn by_cgroup_uid(&self, uid: &str) -> Option<Found<'_>> {
        self.by_uid(uid).or_else(|| self.by_config_hash(uid))
    }

    /// The pod that has this address for itself: never one in the host's network.
    pub fn by_address(&self, address: IpAddr) -> Option<Found<'_>> {
        self.either(|table| table.by_address(address))
    }

    /// The container of this ID, without the runtime's scheme.
    pub fn by_container_id(&self, id: &str) -> Option<FoundContainer<'_>> {
        if id.is_empty() {
            return None;
        }
        // Equal IDs come first among those that begin with it; of them the last counts.
        let exact = [&self.live, &self.gone].into_iter().find_map(|table| {
            table.by_container(id).take_while(|(_, container)| id_of(container) == id).last()
        });
        exact.map(|(entry, container)| FoundContainer { found: entry.into(), container })
    }

    /// The container whose ID begins with this, which needs [`MIN_PREFIX`] bytes: log link names are cut.
    pub fn by_container_prefix(&self, prefix: &str) -> PrefixMatch<'_> {
        if prefix.len() < MIN_PREFIX { PrefixMatch::None } else { self.only(prefix, |_| true) }
    }

    /// The same within the pod of a cgroup or log folder's uid, where one byte is enough.
    pub fn by_container_prefix_in(&self, cgroup_uid: &str, prefix: &str) -> PrefixMatch<'_> {
        let of_it = |pod: &Pod| *pod.uid == *cgroup_uid || pod.config_hash.as_deref() == Some(cgroup_uid);
        if prefix.is_empty() { PrefixMatch::None } else { self.only(prefix, of_it) }
    }

    fn either<'s>(&'s self, lookup: impl Fn(&'s Table) -> Option<&'s Entry>) -> Option<Found<'s>> {
        lookup(&self.live).or_else(|| lookup(&self.gone)).map(Found::from)
    }

    /// The one container ID that begins with this, among live pods and tombstones together.
    fn only<'s>(&'s self, prefix: &str, of_it: impl Fn(&Pod) -> bool) -> PrefixMatch<'s> {
        let both = self.live.by_container(prefix).chain(self.gone.by_container(prefix));
        let mut id = None;
        for (_, container) in both.filter(|(entry, _)| of_it(&entry.pod)) {
            if *id.get_or_insert(id_of(container)) != id_of(container) {
                return PrefixMatch::Ambiguous;
            }
        }
        id.and_then(|id| self.by_container_id(id)).map_or(PrefixMatch::None, PrefixMatch::One)
    }
}

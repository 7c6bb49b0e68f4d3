//! One set of pods with its lookups: a slab of entries, and lists of places in it, each sorted by one key.
//!
//! Sorted lists of 4 to 24 bytes per entry beat maps here: a copy is a few `memcpy`s, which is what a snapshot
//! costs, and prefixes can be searched. Keys may repeat among tombstones; the last inserted wins.

use std::cmp::Ordering;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::Provenance;
use crate::pod::{Container, Phase, Pod};

/// One pod of a table.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) pod: Arc<Pod>,
    pub(super) provenance: Provenance,
    /// Set in the table of tombstones only.
    pub(super) gone: Option<Gone>,
}

/// When and how a pod went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gone {
    pub(super) at: Duration,
    pub(super) epoch: u64,
    /// The version of the deletion; none for a version that a newer one replaced.
    pub(super) version: Option<u64>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    slots: Vec<Option<Entry>>,
    free: Vec<u32>,
    bytes: usize,
    uids: Vec<u32>,
    names: Vec<u32>,
    hashes: Vec<u32>,
    addresses: Vec<(IpAddr, u32)>,
    /// A pod's place, and the container's place in the pod.
    containers: Vec<(u32, u32)>,
}

impl Table {
    /// How many pods there are.
    pub(super) const fn len(&self) -> usize {
        self.uids.len()
    }

    /// Heap bytes of all pods.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// All entries, in the order of namespace and name.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.names.iter().filter_map(|place| self.entry(*place))
    }

    pub(super) fn by_uid(&self, uid: &str) -> Option<&Entry> {
        self.last(&self.uids, |entry| (*entry.pod.uid).cmp(uid))
    }

    pub(super) fn by_name(&self, namespace: &str, name: &str) -> Option<&Entry> {
        self.last(&self.names, |entry| (&*entry.pod.namespace, &*entry.pod.name).cmp(&(namespace, name)))
    }

    pub(super) fn by_hash(&self, hash: &str) -> Option<&Entry> {
        self.last(&self.hashes, |entry| entry.pod.config_hash.as_deref().cmp(&Some(hash)))
    }

    pub(super) fn by_address(&self, address: IpAddr) -> Option<&Entry> {
        let end = self.addresses.partition_point(|(other, _)| *other <= address);
        let (other, place) = self.addresses.get(end.checked_sub(1)?)?;
        (*other == address).then(|| self.entry(*place))?
    }

    /// The containers whose ID begins with this, in the order of the IDs; of equal ones the last counts.
    pub(super) fn by_container<'t>(
        &'t self,
        prefix: &str,
    ) -> impl Iterator<Item = (&'t Entry, &'t Container)> {
        let start = self.containers.partition_point(|key| self.id(*key) < prefix);
        self.containers
            .iter()
            .skip(start)
            .filter_map(|key| self.container(*key))
            .take_while(move |(_, container)| id_of(container).starts_with(prefix))
    }

    /// The tombstone at a place.
    pub(super) fn at(&self, place: u32) -> Option<Gone> {
        self.entry(place)?.gone
    }

    /// Adds an entry behind those with the same keys and returns its place.
    pub(super) fn insert(&mut self, entry: Entry) -> u32 {
        let pod = Arc::clone(&entry.pod);
        self.bytes += pod.heap_bytes();
        let place = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(slot) = slot(&mut self.slots, place) {
            *slot = Some(entry);
        }
        let at = self.end(&self.uids, |other| (*other.pod.uid).cmp(&pod.uid));
        self.uids.insert(at, place);
        let key = (&pod.namespace, &pod.name);
        let at = self.end(&self.names, |other| (&other.pod.namespace, &other.pod.name).cmp(&key));
        self.names.insert(at, place);
        if pod.config_hash.is_some() {
            let at = self.end(&self.hashes, |other| other.pod.config_hash.cmp(&pod.config_hash));
            self.hashes.insert(at, place);
        }
        for address in own_addresses(&pod) {
            let at = self.addresses.partition_point(|(other, _)| other <= address);
            self.addresses.insert(at, (*address, place));
        }
        for (within, container) in (0u32..).zip(&*pod.containers) {
            if container.id.is_some() {
                let at = self.containers.partition_point(|key| self.id(*key) <= id_of(container));
                self.containers.insert(at, (place, within));
            }
        }
        place
    }

    /// Takes the entry at a place out.
    pub(super) fn remove(&mut self, place: u32) -> Option<Entry> {
        let entry = slot(&mut self.slots, place)?.take()?;
        self.bytes -= entry.pod.heap_bytes();
        self.uids.retain(|other| *other != place);
        self.names.retain(|other| *other != place);
        if entry.pod.config_hash.is_some() {
            self.hashes.retain(|other| *other != place);
        }
        self.addresses.retain(|(_, other)| *other != place);
        self.containers.retain(|(other, _)| *other != place);
        self.free.push(place);
        Some(entry)
    }

    /// Takes the entry of a uid out.
    pub(super) fn remove_uid(&mut self, uid: &str) -> Option<Entry> {
        let end = self.end(&self.uids, |entry| (*entry.pod.uid).cmp(uid));
        let place = *self.uids.get(end.checked_sub(1)?)?;
        if *self.entry(place)?.pod.uid != *uid {
            return None;
        }
        self.remove(place)
    }

    /// Marks every entry as live.
    pub(super) fn confirm(&mut self) {
        for entry in self.slots.iter_mut().flatten() {
            entry.provenance = Provenance::Live;
        }
    }

    fn entry(&self, place: u32) -> Option<&Entry> {
        self.slots.get(usize::try_from(place).ok()?)?.as_ref()
    }

    fn container(&self, (place, within): (u32, u32)) -> Option<(&Entry, &Container)> {
        let entry = self.entry(place)?;
        Some((entry, entry.pod.containers.get(usize::try_from(within).ok()?)?))
    }

    fn id(&self, key: (u32, u32)) -> &str {
        self.container(key).map_or("", |(_, container)| id_of(container))
    }

    /// Where the entries that are not greater end in a sorted list.
    fn end(&self, list: &[u32], order: impl Fn(&Entry) -> Ordering) -> usize {
        list.partition_point(|place| self.entry(*place).is_some_and(|entry| order(entry).is_le()))
    }

    /// The last of the equal entries of a sorted list.
    fn last(&self, list: &[u32], order: impl Fn(&Entry) -> Ordering) -> Option<&Entry> {
        let end = self.end(list, &order);
        self.entry(*list.get(end.checked_sub(1)?)?).filter(|entry| order(entry).is_eq())
    }
}

fn slot(slots: &mut [Option<Entry>], place: u32) -> Option<&mut Option<Entry>> {
    slots.get_mut(usize::try_from(place).ok()?)
}

/// A container's ID; the empty string if it has none, which is in no list.
pub(super) fn id_of(container: &Container) -> &str {
    container.id.as_ref().map_or("", |id| &*id.id)
}

/// The addresses that belong to this pod alone: not the node's, and not those of a pod that has ended, which
/// the network may have given to another.
fn own_addresses(pod: &Pod) -> &[IpAddr] {
    if pod.host_network || matches!(pod.phase, Phase::Succeeded | Phase::Failed) {
        &[]
    } else {
        &pod.addresses
    }
}

//! The pods of this node, fed by a watch, read by everyone.
//!
//! [`Index`] is the writer's side: apply, delete and reset, as a watch and its LISTs bring them. It is pure: time
//! is a parameter, nothing is read or sent. [`Snapshot`] is the reader's side: immutable, with lookups by uid,
//! name, container ID, address and static-pod hash. [`shared`] hands snapshots over without a lock.
//!
//! What an update costs: both sides share the pods and, until the next change, the tables. The first change after
//! a snapshot was taken copies the tables it touches, once, however many changes follow before the next
//! snapshot; pods are never copied. At 250 pods of three containers (`tests/index_memory.rs`, optimised build) an
//! event with a snapshot after it takes some 10 us and 28 kB in 8 allocations, the pod not counted; one of many
//! before a snapshot takes some 5 us and one allocation.
//!
//! A pod or container ID that went away stays findable for a while (a tombstone), because samples are read
//! before they are enriched. Invariants: among live pods uid and (namespace, name) are unique; no table holds
//! more than [`Limits`] says; whatever a snapshot answers, it answers for ever.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::pod::Pod;

mod limits;
mod outcome;
pub mod shared;
mod snapshot;
mod table;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

pub use limits::Limits;
pub use outcome::{Applied, ResetSummary};
pub use snapshot::{Found, FoundContainer, MIN_PREFIX, PrefixMatch, Snapshot};

use table::{Entry, Gone, Table};

/// Where the knowledge of a pod comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provenance {
    /// From the state directory; the API server has not confirmed it in this life.
    Remembered,
    /// From the API server, or confirmed by it.
    Live,
}

/// The writer's side. See the module's documentation.
#[derive(Debug)]
pub struct Index {
    live: Arc<Table>,
    gone: Arc<Table>,
    /// The tombstones' places, oldest first.
    order: VecDeque<u32>,
    limits: Limits,
    generation: u64,
    /// Counts the LISTs: a version says nothing about what was deleted before the last one.
    epoch: u64,
}

impl Index {
    /// An empty index.
    pub fn new(limits: Limits) -> Self {
        Self {
            live: Arc::default(),
            gone: Arc::default(),
            order: VecDeque::new(),
            limits,
            generation: 0,
            epoch: 0,
        }
    }

    /// Takes over what the last life remembered, to be confirmed by [`Index::reset`], [`Index::apply`] or
    /// [`Index::confirm`]. Returns how many pods there was no room for, or that were known already.
    pub fn restore(&mut self, pods: impl IntoIterator<Item = Pod>) -> usize {
        let mut refused = 0;
        for pod in pods {
            let known = self.live.by_uid(&pod.uid).is_some()
                || self.live.by_name(&pod.namespace, &pod.name).is_some();
            if known || !self.has_room(&pod, None) {
                refused += 1;
            } else {
                self.insert(Arc::new(pod), Provenance::Remembered);
            }
        }
        refused
    }

    /// Takes an ADDED or MODIFIED event. A version that is known to be older than what the index has is not
    /// taken: a renewed watch repeats the last events of the one before.
    pub fn apply(&mut self, pod: Pod, now: Duration) -> Applied {
        if self.is_stale(&pod) {
            return Applied::Stale;
        }
        self.put(pod, now)
    }

    /// Takes a DELETED event; `version` is that of the event's object. Returns whether the pod was known.
    pub fn delete(&mut self, uid: &str, version: Option<&str>, now: Duration) -> bool {
        let Some(entry) = Arc::make_mut(&mut self.live).remove_uid(uid) else { return false };
        let version = number(version).or_else(|| number(entry.pod.resource_version.as_deref()));
        self.bury(entry, version, now);
        self.generation += 1;
        true
    }

    /// Takes a LIST: afterwards the live pods are exactly these, as far as there is room. Versions are not
    /// compared: whether the LIST may be older than the index is decided before.
    pub fn reset(&mut self, pods: Vec<Pod>, now: Duration) -> ResetSummary {
        self.epoch += 1;
        let mut summary = ResetSummary::default();
        let absent: Vec<Arc<Pod>> = {
            let listed: std::collections::HashSet<&str> = pods.iter().map(|pod| &*pod.uid).collect();
            self.live
                .iter()
                .filter(|entry| !listed.contains(&*entry.pod.uid))
                .map(|e| Arc::clone(&e.pod))
                .collect()
        };
        for pod in absent {
            summary.removed += usize::from(self.delete(&pod.uid, None, now));
        }
        for pod in pods {
            match self.put(pod, now) {
                Applied::Added => summary.added += 1,
                Applied::Updated => summary.updated += 1,
                Applied::Unchanged | Applied::Stale => {}
                Applied::Refused => summary.refused += 1,
            }
        }
        summary
    }

    /// The API server vouches for all that is remembered: a watch from the remembered version was accepted and
    /// brought its first bookmark.
    pub fn confirm(&mut self) {
        let remembered = |entry: &Entry| entry.provenance == Provenance::Remembered;
        if self.live.iter().any(remembered) {
            Arc::make_mut(&mut self.live).confirm();
            self.generation += 1;
        }
    }

    /// Lets go of the tombstones whose time is over. Every change does so too.
    pub fn advance(&mut self, now: Duration) {
        let before = self.order.len();
        while self.oldest().is_some_and(|gone| now.saturating_sub(gone.at) >= self.limits.tombstone_age) {
            self.forget_oldest();
        }
        self.generation += u64::from(self.order.len() < before);
    }

    /// The present state, for readers. Cheap: two reference counts and 40 bytes.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::new(Snapshot::new(self.generation, Arc::clone(&self.live), Arc::clone(&self.gone)))
    }

    /// Grows with every change that a reader could see.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// How many pods are live.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether no pod is live.
    pub fn is_empty(&self) -> bool {
        self.live.len() == 0
    }

    fn is_stale(&self, pod: &Pod) -> bool {
        let Some(new) = number(pod.resource_version.as_deref()) else { return false };
        if let Some(known) = self.live.by_uid(&pod.uid) {
            return number(known.pod.resource_version.as_deref()).is_some_and(|known| new < known);
        }
        let deleted = self.gone.by_uid(&pod.uid).and_then(|entry| entry.gone);
        deleted.is_some_and(|gone| gone.epoch == self.epoch && gone.version.is_some_and(|at| new <= at))
    }

    /// Adds or replaces a pod.
    fn put(&mut self, pod: Pod, now: Duration) -> Applied {
        self.advance(now);
        let known = self.live.by_uid(&pod.uid).map(|entry| (Arc::clone(&entry.pod), entry.provenance));
        if let Some((known, Provenance::Live)) = &known
            && **known == pod
        {
            return Applied::Unchanged;
        }
        if !self.has_room(&pod, known.as_ref().map(|(known, _)| &**known)) {
            return Applied::Refused;
        }
        // A pod of this name with another uid was deleted, and its event was missed.
        let namesake = self.live.by_name(&pod.namespace, &pod.name).map(|entry| Arc::clone(&entry.pod));
        if let Some(namesake) = namesake.filter(|namesake| namesake.uid != pod.uid) {
            self.delete(&namesake.uid, None, now);
        }
        let old = known.and_then(|(known, _)| Arc::make_mut(&mut self.live).remove_uid(&known.uid));
        let outcome = if old.is_some() { Applied::Updated } else { Applied::Added };
        let pod = Arc::new(pod);
        if let Some(old) = old.filter(|old| lost_a_container(&old.pod, &pod)) {
            self.bury(old, None, now);
        }
        self.insert(pod, Provenance::Live);
        outcome
    }

    fn insert(&mut self, pod: Arc<Pod>, provenance: Provenance) {
        Arc::make_mut(&mut self.live).insert(Entry { pod, provenance, gone: None });
        self.generation += 1;
    }

    fn has_room(&self, pod: &Pod, known: Option<&Pod>) -> bool {
        let (pods, bytes) = known.map_or((1, 0), |known| (0, known.heap_bytes()));
        self.live.len() + pods <= self.limits.pods
            && self.live.bytes() - bytes + pod.heap_bytes() <= self.limits.bytes
    }

    /// Makes a tombstone. `deleted` is the version of the deletion, if it is known and the pod as a whole is gone.
    fn bury(&mut self, mut entry: Entry, deleted: Option<u64>, now: Duration) {
        self.advance(now);
        // The clock may not go back between tombstones: the oldest is always the first.
        let at =
            self.order.back().and_then(|place| self.gone.at(*place)).map_or(now, |last| last.at.max(now));
        entry.gone = Some(Gone { at, epoch: self.epoch, version: deleted });
        let place = Arc::make_mut(&mut self.gone).insert(entry);
        self.order.push_back(place);
        while self.order.len() > self.limits.tombstones || self.gone.bytes() > self.limits.tombstone_bytes {
            self.forget_oldest();
        }
    }

    fn oldest(&self) -> Option<Gone> {
        self.gone.at(*self.order.front()?)
    }

    fn forget_oldest(&mut self) {
        if let Some(place) = self.order.pop_front() {
            Arc::make_mut(&mut self.gone).remove(place);
        }
    }
}

/// Resource versions of one resource type compare as numbers; one that is no number compares with nothing.
fn number(version: Option<&str>) -> Option<u64> {
    version?.parse().ok()
}

/// Whether a container ID of the old version is not in the new one: samples of that container may still come.
fn lost_a_container(old: &Pod, new: &Pod) -> bool {
    let ids = |pod: &Pod, id: &str| {
        pod.containers.iter().filter_map(|container| container.id.as_ref()).any(|other| &*other.id == id)
    };
    old.containers.iter().filter_map(|container| container.id.as_ref()).any(|id| !ids(new, &id.id))
}

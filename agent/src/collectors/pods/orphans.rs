//! Pods and containers that the kubelet tells of and that have no cgroup here: the rung below is missing (no cgroup
//! filesystem in sight, or a runtime that keeps containers in a virtual machine).
//!
//! A summary is older than the tree of cgroups, so it also tells of what has just ended. Therefore an object without a
//! cgroup counts only when a second summary still has it, with a newer sample, or where there is no cgroup of any pod.

use std::collections::BTreeMap;

use exporter::model::Timestamp;

use crate::kubelet;

/// Keys from here on are not the cgroup reader's.
const FIRST_KEY: u64 = 1 << 63;

/// One object without a cgroup.
#[derive(Debug)]
pub(super) struct Orphan {
    /// Its key: never given out twice.
    pub(super) key: u64,
    /// Whether it is to be reported.
    pub(super) counts: bool,
    /// The time of its last CPU sample.
    sampled: Timestamp,
    /// The summary that had it last.
    sequence: u64,
}

/// All of them, by pod uid and container name; a pod's own has no name.
#[derive(Debug, Default)]
pub(super) struct Orphans {
    known: BTreeMap<Box<str>, BTreeMap<Box<str>, Orphan>>,
    made: u64,
}

impl Orphans {
    /// A new summary tells of this object, which has no cgroup; `at_once` where no pod has one.
    pub(super) fn note(
        &mut self,
        uid: &str,
        container: &str,
        cpu: Option<&kubelet::Cpu>,
        sequence: u64,
        at_once: bool,
    ) {
        let sampled = cpu.map_or(Timestamp(0), |cpu| cpu.time);
        if !self.known.contains_key(uid) {
            self.known.insert(uid.into(), BTreeMap::new());
        }
        let Some(pod) = self.known.get_mut(uid) else { return };
        if let Some(orphan) = pod.get_mut(container) {
            orphan.counts |= at_once || sampled > orphan.sampled;
            orphan.sampled = sampled;
            orphan.sequence = sequence;
        } else {
            let key = FIRST_KEY + self.made;
            self.made += 1;
            pod.insert(container.into(), Orphan { key, counts: at_once, sampled, sequence });
        }
    }

    /// Forgets what the summary of this sequence was not noted for.
    pub(super) fn keep(&mut self, sequence: u64) {
        self.known.retain(|_, pod| {
            pod.retain(|_, orphan| orphan.sequence == sequence);
            !pod.is_empty()
        });
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.known.clear();
    }

    /// Those to be reported: uid, and name and key of each container; a pod's own has an empty name and comes first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.known.iter().flat_map(|(uid, pod)| {
            let counting = pod.iter().filter(|(_, orphan)| orphan.counts);
            counting.map(|(name, orphan)| (&**uid, &**name, orphan.key))
        })
    }

    /// The key of a pod that is to be reported.
    pub(super) fn pod(&self, uid: &str) -> Option<u64> {
        self.known.get(uid)?.get("").filter(|pod| pod.counts).map(|pod| pod.key)
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.known.values().map(BTreeMap::len).sum()
    }
}

//! The index as a list that is searched from the end: what the real one must equal, written for clearness only.

use std::time::Duration;

use super::{HASHES, IDS, NAMES, PREFIXES, UIDS, addresses};
use crate::index::{Limits, Provenance};
use crate::pod::{Phase, Pod};

/// One pod of the naive list; the last of several wins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pod: Pod,
    pub(super) provenance: Provenance,
    gone_at: Option<Duration>,
    deleted: Option<(u64, u64)>,
}

pub(super) type Answer = Option<(Pod, Provenance, Option<Duration>)>;
pub(super) type Lookup = Vec<(String, Answer)>;

#[derive(Debug, Default)]
pub(super) struct Naive {
    pub(super) live: Vec<Row>,
    gone: Vec<Row>,
    pub(super) limits: Limits,
    epoch: u64,
}

fn version(pod: &Pod) -> Option<u64> {
    pod.resource_version.as_deref()?.parse().ok()
}

fn ids(pod: &Pod) -> Vec<&str> {
    pod.containers.iter().filter_map(|container| Some(&*container.id.as_ref()?.id)).collect()
}

impl Naive {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    pub(super) fn expire(&mut self, now: Duration) {
        self.gone.retain(|row| now.saturating_sub(row.gone_at.unwrap()) < self.limits.tombstone_age);
    }

    fn bury(&mut self, mut row: Row, deleted: Option<u64>, now: Duration) {
        self.expire(now);
        row.gone_at = Some(now);
        row.deleted = deleted.map(|version| (version, self.epoch));
        self.gone.push(row);
        let weight = |rows: &[Row]| rows.iter().map(|row| row.pod.heap_bytes()).sum::<usize>();
        while self.gone.len() > self.limits.tombstones || weight(&self.gone) > self.limits.tombstone_bytes {
            self.gone.remove(0);
        }
    }

    pub(super) fn delete(&mut self, uid: &str, at: Option<u64>, now: Duration) {
        if let Some(place) = self.live.iter().position(|row| &*row.pod.uid == uid) {
            let row = self.live.remove(place);
            let at = at.or_else(|| version(&row.pod));
            self.bury(row, at, now);
        }
    }

    pub(super) fn apply(&mut self, pod: &Pod, now: Duration) {
        let known = self.live.iter().find(|row| row.pod.uid == pod.uid);
        let newest = self.gone.iter().rev().find(|row| row.pod.uid == pod.uid).and_then(|row| row.deleted);
        let stale = match (version(pod), known, newest) {
            (Some(new), Some(known), _) => version(&known.pod).is_some_and(|known| new < known),
            (Some(new), None, Some((at, epoch))) => epoch == self.epoch && new <= at,
            _ => false,
        };
        if !stale {
            self.put(pod, now);
        }
    }

    fn has_room(&self, pod: &Pod) -> bool {
        let mut pods: Vec<&Pod> = self.live.iter().map(|row| &row.pod).filter(|p| p.uid != pod.uid).collect();
        pods.push(pod);
        pods.len() <= self.limits.pods
            && pods.iter().map(|pod| pod.heap_bytes()).sum::<usize>() <= self.limits.bytes
    }

    fn put(&mut self, pod: &Pod, now: Duration) {
        self.expire(now);
        let same = |row: &&Row| row.pod == *pod && row.provenance == Provenance::Live;
        if self.live.iter().find(same).is_some() || !self.has_room(pod) {
            return;
        }
        let namesake = self.live.iter().find(|row| row.pod.name == pod.name && row.pod.uid != pod.uid);
        if let Some(uid) = namesake.map(|row| row.pod.uid.clone()) {
            self.delete(&uid, None, now);
        }
        if let Some(place) = self.live.iter().position(|row| row.pod.uid == pod.uid) {
            let old = self.live.remove(place);
            if ids(&old.pod).iter().any(|id| !ids(pod).contains(id)) {
                self.bury(old, None, now);
            }
        }
        self.live.push(Row { pod: pod.clone(), provenance: Provenance::Live, gone_at: None, deleted: None });
    }

    pub(super) fn reset(&mut self, pods: &[Pod], now: Duration) {
        self.epoch += 1;
        let mut absent: Vec<Pod> = self.live.iter().map(|row| row.pod.clone()).collect();
        absent.retain(|pod| !pods.iter().any(|listed| listed.uid == pod.uid));
        absent.sort_by(|left, right| left.name.cmp(&right.name));
        for pod in absent {
            self.delete(&pod.uid, None, now);
        }
        for pod in pods {
            self.put(pod, now);
        }
    }

    pub(super) fn restore(&mut self, pods: &[Pod]) {
        for pod in pods {
            let known = self.live.iter().any(|row| row.pod.uid == pod.uid || row.pod.name == pod.name);
            if !known && self.has_room(pod) {
                let provenance = Provenance::Remembered;
                self.live.push(Row { pod: pod.clone(), provenance, gone_at: None, deleted: None });
            }
        }
    }

    fn find(&self, is: impl Fn(&Pod) -> bool) -> Answer {
        let all = self.live.iter().rev().chain(self.gone.iter().rev());
        let row = all.into_iter().find(|row| is(&row.pod))?;
        Some((row.pod.clone(), row.provenance, row.gone_at))
    }

    /// `Err` is ambiguous.
    fn prefix(&self, prefix: &str, is: impl Fn(&Pod) -> bool) -> Result<Answer, ()> {
        let rows = self.live.iter().chain(&self.gone).filter(|row| is(&row.pod));
        let mut found: Vec<&str> =
            rows.flat_map(|row| ids(&row.pod)).filter(|id| id.starts_with(prefix)).collect();
        found.sort_unstable();
        found.dedup();
        match found[..] {
            [] => Ok(None),
            [id] => Ok(self.find(|pod| ids(pod).contains(&id))),
            _ => Err(()),
        }
    }

    pub(super) fn answers(&self) -> Lookup {
        let mut all = Lookup::new();
        let mut live = self.live.clone();
        live.sort_by(|left, right| left.pod.name.cmp(&right.pod.name));
        all.extend(live.into_iter().map(|row| ("pods".into(), Some((row.pod, row.provenance, None)))));
        for uid in UIDS {
            all.push((format!("uid {uid}"), self.find(|pod| &*pod.uid == uid)));
        }
        for name in NAMES {
            all.push((format!("name {name}"), self.find(|pod| &*pod.name == name)));
        }
        for hash in HASHES {
            all.push((format!("hash {hash}"), self.find(|pod| pod.config_hash.as_deref() == Some(hash))));
        }
        for address in addresses() {
            let own = |pod: &Pod| {
                !pod.host_network && pod.phase == Phase::Running && pod.addresses.contains(&address)
            };
            all.push((format!("address {address}"), self.find(own)));
        }
        for id in IDS {
            all.push((format!("container {id}"), self.find(|pod| ids(pod).contains(&id))));
        }
        let mut prefix = |what: String, allowed: bool, found: Result<Answer, ()>| match found {
            _ if !allowed => all.push((what, None)),
            Ok(answer) => all.push((what, answer)),
            Err(()) => all.push((format!("{what} ambiguous"), None)),
        };
        for text in PREFIXES {
            prefix(format!("prefix {text}"), text.len() >= 6, self.prefix(text, |_| true));
            for uid in UIDS {
                let of_it = |pod: &Pod| &*pod.uid == uid || pod.config_hash.as_deref() == Some(uid);
                prefix(format!("prefix {text} in {uid}"), !text.is_empty(), self.prefix(text, of_it));
            }
        }
        all
    }
}

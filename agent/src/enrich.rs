//! Who a figure belongs to: the ladder from the shared watch down to the names of log files, and the moment at which a
//! pod or container gets its attributes for good.
//!
//! Pure: no I/O, time is a parameter. [`Enricher`] is asked for every pod and container in every scrape and remembers each
//! by the key that the cgroup reader gave it, which is never used twice; so neither a reused container ID nor a reused pod
//! name can give an object the names of another. While no rung has anything new an answer is a look-up in a map that
//! allocates nothing.
//!
//! What a pod's own containers say of themselves stands in [`binding`]: an object waits at most one interval for its
//! names, and what identifies it never changes once it was sent. A container that nobody names is never reported: nothing
//! tells it from a sandbox, and the pod's own figures hold it already. It is looked at again in every scrape.
//!
//! Which attributes there are is in [`attributes`]; which of them are wanted is the configuration's [`Choice`].

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::time::Duration;

use exporter::model::{Attribute, Timestamp};
use shared_informer::index::Snapshot;
use shared_informer::pod::{Amounts, Pod};

use crate::kubelet::Summary;

mod attributes;
mod binding;
pub mod choice;
mod ladder;
mod names;
pub mod rules;
mod tally;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use choice::{Choice, Excluded, Extracted, Metadata};
pub use ladder::{Links, Rung};
pub use rules::Rule;
pub use tally::{Census, Faults, Tally};

use binding::{Offer, Reported, Stage};
use ladder::Known;

/// The sources of one scrape, the best first.
#[derive(Debug, Clone, Copy)]
pub struct Rungs<'a> {
    /// The shared watch's index, confirmed or remembered (each pod says which).
    pub watch: Option<&'a Snapshot>,
    /// The kubelet's `/pods`.
    pub kubelet: Option<&'a Snapshot>,
    /// The kubelet's last summary: names only.
    pub summary: Option<&'a Summary>,
    /// The links in `/var/log/containers`: [`crate::log_names::LogNames`].
    pub logs: &'a dyn Links,
}

/// What is to be reported of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// Its name may still come: report nothing in this scrape.
    Wait,
    /// It is no object to report: a sandbox or another container that nobody names, one whose successor is reported under
    /// the same resource, or one beyond [`Settings::max_objects`].
    Skip,
    /// Report it under the resource of this version: attributes are asked for when the version is a new one.
    Known {
        /// Grows when the resource's attributes change; the series of the version before end in the same request.
        version: u32,
    },
}

/// What the enricher decides by.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Which attributes are added: the k8sattributes processor's part.
    pub choice: Arc<Choice>,
    /// Whether containers have `container.id`: kubeletstats' `extra_metadata_labels`. Without it the next instance of a
    /// container goes on under the same resource ([`Enricher::heir`]).
    pub container_ids: bool,
    /// Whether volumes have `k8s.volume.type` and what belongs to it: the other of the two labels.
    pub volume_types: bool,
    /// The node's name, for pods of which only the names are known.
    pub node: Option<Box<str>>,
    /// How often pods are scraped: the longest that a name is waited for.
    pub interval: Duration,
    /// Pods and containers that are remembered; further ones are refused and counted.
    pub max_objects: usize,
}

impl Default for Settings {
    /// What the collector does by default, every 10 s, for far more containers than a node runs.
    fn default() -> Self {
        Self {
            choice: Arc::default(),
            container_ids: false,
            volume_types: false,
            node: None,
            interval: Duration::from_secs(10),
            max_objects: 16_384,
        }
    }
}

/// Names and attributes of the node's pods and containers.
#[derive(Debug, Default)]
pub struct Enricher {
    settings: Settings,
    objects: HashMap<u64, Object>,
    /// The hash of a resource that is reported, and the key of the only object that may be.
    holders: HashMap<u64, u64>,
    hasher: RandomState,
    seen: Seen,
    /// Counts what the rungs had that was new.
    epoch: u64,
    /// Counts the calls of [`Enricher::finish`].
    scrape: u64,
    faults: Faults,
}

/// The rungs as they were last looked at. Held, so that what is the same is known by its address.
#[derive(Debug, Default)]
struct Seen {
    watch: Option<Snapshot>,
    kubelet: Option<Snapshot>,
}

/// One pod or container.
#[derive(Debug)]
struct Object {
    known: Known,
    first: Timestamp,
    stage: Stage,
    reported: Option<Reported>,
    /// The hash of the resource that it holds.
    holds: Option<u64>,
    /// Whether another object is reported under this resource instead.
    yielded: bool,
    /// Whether volumes can be described as far as they ever will be.
    detailed: bool,
    examined: u64,
    asked: u64,
}

impl Object {
    fn new(known: Known, now: Timestamp) -> Self {
        Self {
            known,
            first: now,
            stage: Stage::Waiting,
            reported: None,
            holds: None,
            yielded: false,
            detailed: false,
            examined: 0,
            asked: 0,
        }
    }

    fn binding(&self) -> Binding {
        match (&self.reported, self.stage) {
            (Some(reported), _) if !self.yielded => Binding::Known { version: reported.version },
            (None, Stage::Waiting) => Binding::Wait,
            _ => Binding::Skip,
        }
    }

    /// Whether nothing but a rung with news can change the answer: links are watched by nobody.
    fn is_settled(&self) -> bool {
        self.reported.is_some() && !self.yielded && self.known.is_named()
    }
}

impl Enricher {
    /// Nothing is known yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// The pod with this key of [`crate::cgroup`] and this (cgroup) uid, at `now`.
    pub fn pod(&mut self, rungs: Rungs<'_>, now: Timestamp, key: u64, uid: &str) -> Binding {
        self.object(&rungs, now, key, uid, None)
    }

    /// A container of it.
    pub fn container(&mut self, rungs: Rungs<'_>, now: Timestamp, key: u64, uid: &str, id: &str) -> Binding {
        self.object(&rungs, now, key, uid, Some(id))
    }

    /// The resource attributes under which the object of this key is reported, in the order in which they are encoded;
    /// [`attribute`] gives each its type.
    pub fn attributes(&self, key: u64) -> &[(Box<str>, Box<str>)] {
        self.reported(key).map_or(&[], |reported| &reported.attributes.pairs)
    }

    /// The attributes of a volume of the pod of this key, as of the pod's version: every volume's resource changes with its
    /// pod's. `claim` is the name of the volume's claim in the kubelet's summary.
    pub fn volume(&self, pod: u64, volume: &str, claim: Option<&str>) -> Box<[(Box<str>, Box<str>)]> {
        self.objects.get(&pod).map_or_else(Box::default, |object| {
            attributes::of_volume(&object.known, &self.settings, volume, claim).pairs
        })
    }

    /// The other object that is reported under this one's resource: a container's next instance. Then the series go on, and
    /// the end of this object ends none of them. To be asked before [`Enricher::finish`] forgets the object.
    pub fn heir(&self, key: u64) -> Option<u64> {
        let object = self.objects.get(&key)?;
        let holds = object.holds?;
        self.holders.get(&holds).copied().filter(|holder| *holder != key)
    }

    /// The pod as the best rung has it, for requests, limits, volumes and start times.
    pub fn known_pod<'a>(&self, rungs: Rungs<'a>, uid: &str) -> Option<&'a Pod> {
        let found =
            |snapshot: Option<&'a Snapshot>| snapshot.and_then(|snapshot| snapshot.by_cgroup_uid(uid));
        found(rungs.watch).or_else(|| found(rungs.kubelet)).map(|found| &**found.pod)
    }

    /// Requests and limits of the container of this ID.
    pub fn amounts(&self, rungs: Rungs<'_>, uid: &str, id: &str) -> Option<(Amounts, Amounts)> {
        let by_status = ladder::status(&rungs, uid, id).map(|(container, _)| container);
        let container = by_status.or_else(|| {
            let link = rungs.logs.container(uid, id)?;
            self.known_pod(rungs, uid)?.container(&link.container)
        })?;
        Some((container.requests, container.limits))
    }

    /// Forgets objects that were not asked for since the last call.
    pub fn finish(&mut self) {
        let (scrape, holders) = (self.scrape, &mut self.holders);
        self.objects.retain(|key, object| {
            let stays = object.asked == scrape;
            if !stays
                && let Some(holds) = object.holds
                && holders.get(&holds) == Some(key)
            {
                holders.remove(&holds);
            }
            stays
        });
        self.scrape += 1;
    }

    /// How many objects there are, and where their attributes came from.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for object in self.objects.values() {
            match (object.binding(), &object.reported) {
                (Binding::Wait, _) => tally.waiting += 1,
                (Binding::Known { .. }, Some(reported)) => tally.report(&reported.attributes.rungs),
                _ => tally.skipped += 1,
            }
        }
        tally
    }

    /// What was refused since this was asked last.
    pub fn take_faults(&mut self) -> Faults {
        std::mem::take(&mut self.faults)
    }

    fn reported(&self, key: u64) -> Option<&Reported> {
        self.objects.get(&key)?.reported.as_ref()
    }

    /// Notices what the rungs have that is new.
    fn look(&mut self, rungs: &Rungs<'_>) {
        let news = |seen: &mut Option<Snapshot>, rung: Option<&Snapshot>| {
            let same = match (&seen, rung) {
                (None, None) => true,
                (Some(seen), Some(rung)) => seen.is_same(rung),
                _ => false,
            };
            if !same {
                *seen = rung.cloned();
            }
            !same
        };
        let mut changed = news(&mut self.seen.watch, rungs.watch);
        changed |= news(&mut self.seen.kubelet, rungs.kubelet);
        // A summary has nothing but names: who lacks one is examined in every scrape anyway.
        self.epoch += u64::from(changed);
    }

    fn object(
        &mut self,
        rungs: &Rungs<'_>,
        now: Timestamp,
        key: u64,
        uid: &str,
        id: Option<&str>,
    ) -> Binding {
        self.look(rungs);
        let room = self.objects.len() < self.settings.max_objects;
        let object = match self.objects.entry(key) {
            Entry::Occupied(object) => object.into_mut(),
            Entry::Vacant(place) => {
                let Some(known) = Known::new(uid, id) else {
                    self.faults.invalid += 1;
                    return Binding::Skip;
                };
                if !room {
                    self.faults.refused += 1;
                    return Binding::Skip;
                }
                place.insert(Object::new(known, now))
            }
        };
        object.asked = self.scrape;
        if object.examined == self.epoch && object.is_settled() {
            return object.binding();
        }
        object.examined = self.epoch;
        let sent = object.reported.is_some();
        let changed = object.known.update(rungs, sent, &mut self.faults);
        let sight = object.known.sight(rungs);
        object.stage = object.stage.step(object.first, now, self.settings.interval, sight);
        if object.stage == Stage::Reported && (changed || !sent) {
            describe(object, &self.settings, &mut self.faults);
        }
        self.hold(key)
    }

    /// Lets the object of `key` have its resource, unless another has it that counts for more, or has been reported under it
    /// in this scrape already: then it is the turn of `key` in the next one.
    fn hold(&mut self, key: u64) -> Binding {
        let Some(object) = self.objects.get(&key) else { return Binding::Skip };
        let Some(reported) = &object.reported else { return object.binding() };
        let hash = self.hasher.hash_one(&reported.attributes.pairs);
        let (before, own) = (object.holds, rank(key, object));
        let other = self.holders.get(&hash).filter(|other| **other != key);
        let other = other.and_then(|other| Some((*other, self.objects.get(other)?)));
        let outranked = other.is_some_and(|(other, object)| rank(other, object) > own);
        let late = other.is_some_and(|(_, object)| object.asked == self.scrape && !object.yielded);
        let other = other.map(|(other, _)| other);
        if let Some(before) = before.filter(|before| *before != hash)
            && self.holders.get(&before) == Some(&key)
        {
            self.holders.remove(&before);
        }
        if !outranked {
            self.holders.insert(hash, key);
            if let Some(other) = other.and_then(|other| self.objects.get_mut(&other)) {
                other.yielded = true;
            }
        }
        let Some(object) = self.objects.get_mut(&key) else { return Binding::Skip };
        (object.holds, object.yielded) = (Some(hash), outranked || late);
        object.binding()
    }
}

/// Which of two objects with one resource is reported: the container that the pod's status shows, else the one that was
/// restarted more often, else the one that appeared later.
fn rank(key: u64, object: &Object) -> (bool, u32, u64) {
    let restarts = object.known.instance.as_ref().and_then(|instance| instance.restarts);
    (object.known.is_current(), restarts.map_or(0, |(restarts, _)| restarts), key)
}

/// Brings the object's resource to what is known of it.
fn describe(object: &mut Object, settings: &Settings, faults: &mut Faults) {
    let attributes = attributes::of_object(&object.known, settings);
    let detailed = object.known.pods().next().is_some();
    // A volume's type comes with the pod's details, even where the pod's own attributes stay the same.
    let renew = settings.volume_types && detailed != object.detailed && object.known.id.is_none();
    object.detailed = detailed;
    match &mut object.reported {
        None => object.reported = Some(Reported::new(attributes)),
        Some(reported) => {
            if reported.offer(attributes, renew) == Offer::Refused {
                faults.conflicts += 1;
            }
        }
    }
}

/// An attribute as the encoder takes it: text, but for the few that the collector sends as another type.
pub fn attribute(pair: &(Box<str>, Box<str>)) -> Attribute<'_> {
    let (key, value) = pair;
    if **key == *Metadata::RestartCount.name()
        && let Ok(restarts) = value.parse()
    {
        return Attribute::int(key, restarts);
    }
    if **key == *Metadata::RepoDigests.name() {
        return Attribute::only_item(key, value);
    }
    Attribute::str(key, value)
}

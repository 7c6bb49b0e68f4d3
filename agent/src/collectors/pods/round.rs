//! One scrape: each object is bound to its attributes, read, and given what the kubelet said of it.

use std::collections::BTreeMap;

use exporter::model::Timestamp;
use shared_informer::pod::Amounts;

use super::amounts;
use super::from_kubelet::Said;
use super::news::Standing;
use super::object::{Moment, Object};
use super::orphans::Orphans;
use super::part::Making;
use super::readings::{CONTAINER, NODE, POD, Tables, Whole};
use super::segments::{Attributes, Leaving, Maker};
use super::{Settings, Wants};
use crate::cgroup::{self, Figures, OnError};
use crate::enrich::{Binding, Enricher, Rungs};
use crate::kubelet::{self, Summary};
use crate::pod_network::PodNetworks;

/// What a scrape works with.
pub(super) struct Round<'a> {
    pub(super) rungs: Rungs<'a>,
    pub(super) summary: Option<&'a Summary>,
    pub(super) standing: Standing,
    pub(super) moment: Moment,
    pub(super) settings: &'a Settings,
    pub(super) wants: Wants,
    /// The node's CPUs and memory.
    pub(super) wholes: (Whole, Whole),
    pub(super) all_memory: Option<u64>,
    pub(super) enricher: &'a mut Enricher,
    pub(super) networks: &'a mut PodNetworks,
    pub(super) objects: &'a mut BTreeMap<u64, Object>,
    pub(super) maker: Maker<'a>,
    pub(super) leaving: &'a mut Leaving,
}

/// A pod or container under the name of its cgroup.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) key: u64,
    pub(super) uid: &'a str,
    /// `None` for a pod; empty for a container whose ID nobody knows.
    pub(super) id: Option<&'a str>,
}

/// What is known of an object besides its attributes.
#[derive(Clone, Copy)]
struct Subject<'a> {
    tables: &'static Tables,
    reported: bool,
    wholes: (Whole, Whole),
    said: Option<Said<'a>>,
    started: Option<Timestamp>,
}

impl<'a> Round<'a> {
    /// A pod with its cgroup: whether the enricher has a name for it.
    pub(super) fn pod(&mut self, pod: &mut cgroup::Pod, buffer: &mut Vec<u8>, on_error: OnError<'_>) -> bool {
        let place = Place { key: pod.key, uid: &pod.uid, id: None };
        let Some(version) = self.version(place) else { return false };
        let subject = self.of_pod(place, version);
        self.bind(place.key, version, &subject, None, || pod.group.created());
        if let Some(object) = self.objects.get_mut(&place.key).filter(|_| subject.reported) {
            object.record(&pod.group.read(buffer, on_error), subject.wholes, None, &self.moment);
            if self.wants.pod_network {
                let (networks, all) = (&mut *self.networks, self.settings.all_interfaces.pod);
                object.record_network(all, &mut self.maker, |visit| {
                    networks.read(&pod.uid, buffer, on_error, visit);
                });
            }
        }
        self.complete(place, subject);
        true
    }

    /// A container with its cgroup; answers whether its name may still come.
    pub(super) fn container(
        &mut self,
        uid: &str,
        container: &mut cgroup::Container,
        buffer: &mut Vec<u8>,
        on_error: OnError<'_>,
    ) -> bool {
        let place = Place { key: container.key, uid, id: Some(&container.id) };
        let version = match self.binding(place) {
            Binding::Known { version } => u64::from(version),
            Binding::Wait => return true,
            Binding::Skip => return false,
        };
        let subject = self.of_container(place, version);
        self.bind(place.key, version, &subject, None, || container.group.created());
        if let Some(object) = self.objects.get_mut(&place.key).filter(|_| subject.reported) {
            object.record(&container.group.read(buffer, on_error), subject.wholes, None, &self.moment);
        }
        self.complete(place, subject);
        false
    }

    /// A pod that has no cgroup here.
    pub(super) fn bare_pod(&mut self, place: Place<'_>) {
        let Some(version) = self.version(place) else { return };
        let subject = self.of_pod(place, version);
        self.bare(place, version, subject, None);
    }

    /// A container that has no cgroup here, of the pod with the key `pod`. Without an ID it has the pod's attributes and
    /// its own name.
    pub(super) fn bare_container(&mut self, key: u64, uid: &str, name: &str, pod: Option<u64>) {
        let known = self.enricher.known_pod(self.rungs, uid).and_then(|pod| pod.container(name));
        let id = known.and_then(|container| container.id.as_ref()).map(|id| id.id.clone());
        let place = Place { key, uid, id: Some(id.as_deref().unwrap_or_default()) };
        let named = Some(name);
        if id.is_some() {
            if let Some(version) = self.version(place) {
                let subject = self.named_container(place, version, named);
                self.bare(place, version, subject, None);
            }
        } else if let Some(pod) = pod
            && let Some(version) = self.objects.get(&pod).and_then(Object::version)
        {
            let own = (Box::from("k8s.container.name"), Box::from(name));
            let attributes: Box<_> = self.enricher.attributes(pod).iter().cloned().chain([own]).collect();
            // Not a version of the enricher's own.
            let version = version | 1 << 32;
            let subject = self.named_container(place, version, named);
            self.bare(place, version, subject, Some(&attributes));
        }
    }

    fn bare(
        &mut self,
        place: Place<'_>,
        version: u64,
        subject: Subject<'_>,
        attributes: Option<&Attributes>,
    ) {
        self.bind(place.key, version, &subject, attributes, || None);
        if let Some(object) = self.objects.get_mut(&place.key) {
            object.leave_to_kubelet();
            object.record(&Figures::default(), subject.wholes, None, &self.moment);
        }
        self.complete(place, subject);
    }

    /// The node itself.
    pub(super) fn node(
        &mut self,
        node: &mut Object,
        attributes: &Attributes,
        root: &mut cgroup::Group,
        buffer: &mut Vec<u8>,
        on_error: OnError<'_>,
    ) {
        node.bind(0, true, &self.moment, &mut self.maker, self.leaving, attributes);
        let figures = root.read(buffer, on_error);
        node.record(&figures, self.wholes, self.all_memory, &self.moment);
        if self.wants.node_network {
            let networks = &mut *self.networks;
            node.record_network(self.settings.all_interfaces.node, &mut self.maker, |visit| {
                networks.read_node(buffer, on_error, visit);
            });
        }
        node.finish(&mut self.maker);
        let Some(resource) = node.resource().cloned() else { return };
        let said = self.summary.map(|summary| Said::of_node(&summary.node));
        let mut making = Making {
            maker: &mut self.maker,
            resource,
            start: node.start,
            now: self.moment.now,
            leaving: self.leaving,
        };
        let received = self.summary.map(|summary| summary.received).unwrap_or_default();
        let shape = (&NODE, self.settings.all_interfaces.node);
        follow(node, self.standing, said.unwrap_or_default(), self.wholes, received, shape, &mut making);
    }

    /// Notes the containers that the kubelet tells of in this pod and that have no cgroup here.
    pub(super) fn note_containers(&self, pod: &cgroup::Pod, orphans: &mut Orphans) {
        let Some((summary, said)) = self.summary.zip(self.said_pod(&pod.uid)) else { return };
        let is_there = |name: &str| {
            let mut names = pod.containers.iter().filter_map(|container| self.container_name(container.key));
            names.any(|own| own == name)
        };
        for container in said.containers.iter().filter(|container| !is_there(&container.name)) {
            orphans.note(&pod.uid, &container.name, container.cpu.as_ref(), summary.sequence, false);
        }
    }

    /// Notes the pods that the kubelet tells of and that have no cgroup here, of which `pods` are all; forgets those that
    /// are noted no more.
    pub(super) fn note_pods(&self, pods: &[cgroup::Pod], orphans: &mut Orphans, at_once: bool) {
        let summary = match (self.standing, self.summary) {
            (Standing::New, Some(summary)) => summary,
            (Standing::Gone, _) => return orphans.clear(),
            _ => return,
        };
        let is_there = |uid: &str| pods.binary_search_by(|pod| (*pod.uid).cmp(uid)).is_ok();
        for pod in summary.pods.iter().filter(|pod| !is_there(&pod.uid)) {
            orphans.note(&pod.uid, "", pod.cpu.as_ref(), summary.sequence, at_once);
            for container in &pod.containers {
                orphans.note(&pod.uid, &container.name, container.cpu.as_ref(), summary.sequence, at_once);
            }
        }
        orphans.keep(summary.sequence);
    }

    /// Ends what this scrape did not see. Another object may go on under the same attributes (the next instance of a
    /// container): then only that ends which it does not report.
    pub(super) fn let_go(&mut self) {
        let Self { objects, moment, enricher, leaving, .. } = self;
        let gone = objects.iter().filter(|(_, object)| !object.was_seen(moment.scrape));
        // Where nothing is gone, nothing is allocated.
        let gone: Vec<_> = gone.map(|(key, _)| (*key, enricher.heir(*key))).collect();
        for (key, heir) in gone {
            let Some(mut object) = objects.remove(&key) else { continue };
            match heir.and_then(|heir| objects.get_mut(&heir)).filter(|heir| heir.was_seen(moment.scrape)) {
                Some(heir) => heir.inherit(object, moment.now, leaving),
                None => object.end(moment.now, leaving),
            }
        }
    }

    fn container_name(&self, key: u64) -> Option<&str> {
        let attributes = self.enricher.attributes(key);
        attributes.iter().find(|(key, _)| **key == *"k8s.container.name").map(|(_, name)| &**name)
    }

    fn binding(&mut self, place: Place<'_>) -> Binding {
        let (rungs, now) = (self.rungs, self.moment.now);
        match place.id {
            None => self.enricher.pod(rungs, now, place.key, place.uid),
            Some(id) => self.enricher.container(rungs, now, place.key, place.uid, id),
        }
    }

    fn version(&mut self, place: Place<'_>) -> Option<u64> {
        match self.binding(place) {
            Binding::Known { version } => Some(u64::from(version)),
            Binding::Wait | Binding::Skip => None,
        }
    }

    fn said_pod(&self, uid: &str) -> Option<&'a kubelet::Pod> {
        self.summary?.pod(uid)
    }

    /// Whether what the summary says of the object is taken in this scrape, under the attributes of `version`.
    fn asks_summary(&self, key: u64, version: u64) -> bool {
        match self.standing {
            Standing::New => true,
            // A summary from before an object was first seen is not about it.
            Standing::Known => self.objects.get(&key).is_some_and(|object| object.version() != Some(version)),
            Standing::Gone => false,
        }
    }

    fn of_pod(&self, place: Place<'_>, version: u64) -> Subject<'a> {
        let said = self.asks_summary(place.key, version).then(|| self.said_pod(place.uid)).flatten();
        let known = || self.enricher.known_pod(self.rungs, place.uid);
        let wholes = match self.wants.amounts.then(known).flatten() {
            Some(pod) => amounts::with(self.wholes, amounts::of_pod(pod)),
            None => self.wholes,
        };
        let started = || {
            let known = || known().and_then(|pod| pod.started).and_then(since_epoch);
            said.and_then(|pod| pod.started).or_else(known)
        };
        Subject {
            tables: &POD,
            reported: self.settings.groups.pod,
            wholes,
            said: said.map(Said::of_pod),
            started: if self.is_started(place.key) { None } else { started() },
        }
    }

    fn of_container(&self, place: Place<'_>, version: u64) -> Subject<'a> {
        self.named_container(place, version, self.container_name(place.key))
    }

    fn named_container(&self, place: Place<'_>, version: u64, name: Option<&str>) -> Subject<'a> {
        let said = self.asks_summary(place.key, version).then(|| self.said_pod(place.uid)).flatten();
        let said =
            said.and_then(|pod| pod.containers.iter().find(|container| Some(&*container.name) == name));
        let amounts: Option<(Amounts, Amounts)> = if self.wants.amounts {
            self.enricher.amounts(self.rungs, place.uid, place.id.unwrap_or_default())
        } else {
            None
        };
        let started = if self.is_started(place.key) { None } else { self.started(place, said) };
        Subject {
            tables: &CONTAINER,
            reported: self.settings.groups.container,
            wholes: amounts.map_or(self.wholes, |amounts| amounts::with(self.wholes, amounts)),
            said: said.map(Said::of_container),
            started,
        }
    }

    /// Whether it is known when the object of `key` was started: nobody is asked a second time.
    fn is_started(&self, key: u64) -> bool {
        self.objects.get(&key).is_some_and(|object| object.started.is_some())
    }

    fn started(&self, place: Place<'_>, said: Option<&kubelet::Container>) -> Option<Timestamp> {
        said.and_then(|container| container.started).or_else(|| {
            let pod = self.enricher.known_pod(self.rungs, place.uid)?;
            let is_it = |id: &str| place.id == Some(id);
            let mut containers = pod.containers.iter();
            let container = containers.find(|one| one.id.as_ref().is_some_and(|id| is_it(&id.id)))?;
            since_epoch(container.state.started_at()?)
        })
    }

    /// Puts the object of `key` under its attributes. One that is new began when it was started as far as that is known,
    /// else when its cgroup was made.
    fn bind(
        &mut self,
        key: u64,
        version: u64,
        subject: &Subject<'_>,
        attributes: Option<&Attributes>,
        created: impl FnOnce() -> Option<Timestamp>,
    ) {
        let Self { objects, moment, maker, leaving, enricher, .. } = self;
        let object = objects.entry(key).or_insert_with(|| {
            Object::new(subject.tables, moment, subject.started.or_else(created), subject.started)
        });
        object.started = object.started.or(subject.started);
        let attributes = attributes.unwrap_or_else(|| enricher.attributes(key));
        object.bind(version, subject.reported, moment, maker, leaving, attributes);
    }

    /// Completes the object's own figures and gives it the kubelet's.
    fn complete(&mut self, place: Place<'_>, subject: Subject<'_>) {
        let Some(object) = self.objects.get_mut(&place.key) else { return };
        object.finish(&mut self.maker);
        let Some(resource) = object.resource().cloned() else { return };
        let received = self.summary.map(|summary| summary.received).unwrap_or_default();
        let mut making = Making {
            maker: &mut self.maker,
            resource,
            start: object.start,
            now: self.moment.now,
            leaving: self.leaving,
        };
        let said = subject.said.filter(|_| subject.reported).unwrap_or_default();
        let shape = (subject.tables, self.settings.all_interfaces.pod);
        let taken = follow(object, self.standing, said, subject.wholes, received, shape, &mut making);
        if taken && place.id.is_none() && self.settings.groups.volume {
            let pod = self.summary.and_then(|summary| summary.pod(place.uid));
            let volumes = pod.map_or(&[][..], |pod| &pod.volumes);
            object.kubelet.take_volumes(volumes, received, &mut making, |volume| {
                let claim = volume.claim.as_ref().map(|(name, _)| &**name);
                self.enricher.volume(place.key, &volume.name, claim)
            });
        }
    }
}

/// Brings what an object has of the kubelet to what the kubelet last said; answers whether that was taken now.
fn follow(
    object: &mut Object,
    standing: Standing,
    said: Said<'_>,
    wholes: (Whole, Whole),
    received: Timestamp,
    (tables, all_interfaces): (&'static Tables, bool),
    making: &mut Making<'_, '_>,
) -> bool {
    let lacks = object.lacks();
    match standing {
        Standing::Gone => object.kubelet.end(making.now, making.leaving),
        Standing::Known if !object.is_renewed() => {
            object.kubelet.end_replaced(lacks, making.now, making.leaving);
        }
        Standing::Known | Standing::New => {
            let said = said.where_lacking(lacks);
            object.kubelet.take(said, wholes, received, (tables, all_interfaces), making);
            return true;
        }
    }
    false
}

/// The same time in nanoseconds; `None` before 1970 and after 2554.
fn since_epoch(time: shared_informer::pod::Timestamp) -> Option<Timestamp> {
    let seconds = u64::try_from(time.unix_seconds()).ok()?;
    seconds.checked_mul(1_000_000_000).map(Timestamp)
}

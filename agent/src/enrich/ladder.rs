//! What the rungs say of one object, kept: a rung that goes away takes nothing with it.
//!
//! Wrong names are worse than none. Whatever is taken belongs to the object's uid; a container that has the ID but
//! stands in another pod is not taken, and neither is a pod that contradicts a name that was sent.

use std::fmt;
use std::sync::Arc;

use shared_informer::index::{Found, FoundContainer, Provenance, Snapshot};
use shared_informer::pod::{Container, ContainerKind, Pod};

use super::binding::Sight;
use super::names::{self, Kind};
use super::{Faults, Rungs};
use crate::log_names::{LogName, LogNames};

/// Where something is known from, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rung {
    /// The shared watch, confirmed by the API server in this life.
    Watch,
    /// The shared watch's memory of an earlier life.
    Remembered,
    /// The kubelet's `/pods`.
    Kubelet,
    /// The kubelet's summary: names only.
    Summary,
    /// The links in `/var/log/containers`.
    Logs,
    /// The node itself: the names of cgroups, and the agent's own configuration.
    Node,
}

impl Rung {
    /// All of them, the best first.
    pub const ALL: [Self; 6] =
        [Self::Watch, Self::Remembered, Self::Kubelet, Self::Summary, Self::Logs, Self::Node];

    /// The value of the attribute `rung` of tare's own metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Remembered => "remembered",
            Self::Kubelet => "kubelet_pods",
            Self::Summary => "kubelet_summary",
            Self::Logs => "logs",
            Self::Node => "node",
        }
    }
}

/// The lowest rung that gives names, as far as it is asked here.
pub trait Links: fmt::Debug {
    /// The container of this ID in the pod of this (cgroup) uid.
    fn container(&self, uid: &str, id: &str) -> Option<&LogName>;

    /// Any container of the pod of this (cgroup) uid.
    fn pod(&self, uid: &str) -> Option<&LogName>;
}

impl Links for LogNames {
    fn container(&self, uid: &str, id: &str) -> Option<&LogName> {
        self.container(uid, id)
    }

    fn pod(&self, uid: &str) -> Option<&LogName> {
        self.pod(uid)
    }
}

/// A pod as a rung with all details has it.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) pod: Arc<Pod>,
    pub(super) rung: Rung,
}

/// Where an object stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) namespace: Box<str>,
    pub(super) pod: Box<str>,
    pub(super) rung: Rung,
}

/// Namespace, pod, and who says so.
type Named<'a> = (&'a str, &'a str, Rung);

impl Place {
    fn new((namespace, pod, rung): Named<'_>) -> Self {
        Self { namespace: namespace.into(), pod: pod.into(), rung }
    }

    fn borrow(&self) -> Named<'_> {
        (&self.namespace, &self.pod, self.rung)
    }
}

/// Which container of its pod an object is, and what belongs to its ID alone: none of it changes.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub(super) name: Box<str>,
    pub(super) rung: Rung,
    /// From a container status that has this ID, else from the log; a status of another ID says nothing of this one.
    pub(super) restarts: Option<(u32, Rung)>,
    /// As the specification had it when it was first seen: a later one is that of the next container.
    pub(super) image: Option<(Box<str>, Rung)>,
    pub(super) image_id: Option<(Box<str>, Rung)>,
    /// Whether a status with this ID was seen.
    has_status: bool,
}

/// Everything that is known of one object.
#[derive(Debug)]
pub(super) struct Known {
    /// As the cgroup has it.
    pub(super) uid: Box<str>,
    /// Of a container.
    pub(super) id: Option<Box<str>>,
    pub(super) watch: Option<Held>,
    pub(super) kubelet: Option<Held>,
    pub(super) place: Option<Place>,
    pub(super) instance: Option<Instance>,
}

impl Known {
    /// `None` for what is neither a uid nor an ID.
    pub(super) fn new(uid: &str, id: Option<&str>) -> Option<Self> {
        let id = match id {
            Some(id) => Some(names::opaque(id)?.into()),
            None => None,
        };
        Some(Self {
            uid: names::opaque(uid)?.into(),
            id,
            watch: None,
            kubelet: None,
            place: None,
            instance: None,
        })
    }

    /// The pod with all its details, the best rung first.
    pub(super) fn pods(&self) -> impl Iterator<Item = &Held> + Clone {
        self.watch.iter().chain(&self.kubelet)
    }

    /// Whether every name is there that the object can have.
    pub(super) const fn is_named(&self) -> bool {
        self.place.is_some() && (self.id.is_none() || self.instance.is_some())
    }

    /// Whether this container is the one that its pod's status shows now.
    pub(super) fn is_current(&self) -> bool {
        let (Some(id), Some(held)) = (&self.id, self.pods().next()) else { return false };
        by_id(&held.pod, id).is_some()
    }

    /// What is said of the object at this moment.
    pub(super) fn sight(&self, rungs: &Rungs<'_>) -> Sight {
        if self.id.is_some() && self.instance.is_none() {
            return Sight::Nameless;
        }
        // An index that knows no pod at all will hardly know this one within an interval.
        let knows_pods = |snapshot: Option<&Snapshot>| snapshot.is_some_and(|snapshot| !snapshot.is_empty());
        let expected = knows_pods(rungs.watch) || knows_pods(rungs.kubelet);
        let detailed = self.watch.is_some() || self.kubelet.is_some();
        if self.place.is_some() && (detailed || !expected) { Sight::Whole } else { Sight::Partial }
    }

    /// Looks at every rung again; answers whether anything is known that was not. What was `sent` is not taken back.
    pub(super) fn update(&mut self, rungs: &Rungs<'_>, sent: bool, faults: &mut Faults) -> bool {
        let named = self.place.as_ref().filter(|_| sent);
        let watch = rungs.watch.and_then(|snapshot| snapshot.by_cgroup_uid(&self.uid));
        let mut changed = hold(&mut self.watch, watch, of_watch, named, faults);
        let kubelet = rungs.kubelet.and_then(|snapshot| snapshot.by_cgroup_uid(&self.uid));
        changed |= hold(&mut self.kubelet, kubelet, |_| Rung::Kubelet, named, faults);
        if named.is_none() {
            let held = self.watch.as_ref().or(self.kubelet.as_ref());
            let found = find_place(held, &self.uid, rungs);
            if found != self.place.as_ref().map(Place::borrow) {
                self.place = found.map(Place::new);
                changed = true;
            }
            // The ID is looked up again as well: the best rung counts until something was sent.
            if !sent && changed {
                self.instance = None;
            }
        }
        changed | self.update_instance(rungs, faults)
    }

    fn update_instance(&mut self, rungs: &Rungs<'_>, faults: &mut Faults) -> bool {
        let Some(id) = &self.id else { return false };
        let mut changed = false;
        if !self.instance.as_ref().is_some_and(|instance| instance.has_status)
            && let Some((container, rung)) = status(rungs, &self.uid, id)
            && let Some(name) = names::name(Kind::Container, &container.name)
        {
            if self.instance.as_ref().is_some_and(|known| *known.name != *name) {
                faults.conflicts += 1;
            } else {
                self.instance = Some(of_status(name, container, rung, self.instance.take()));
                changed = true;
            }
        }
        if self.instance.is_none()
            && let Some(link) = rungs.logs.container(&self.uid, id)
            && let Some(name) = names::name(Kind::Container, &link.container)
        {
            self.instance = Some(of_link(name, link));
            changed = true;
        }
        changed | self.take_image()
    }

    /// The image of a container that only its log names, from the pod's specification.
    fn take_image(&mut self) -> bool {
        let Some(instance) = self.instance.as_ref().filter(|instance| instance.image.is_none()) else {
            return false;
        };
        let found = self.pods().find_map(|held| {
            let container = held.pod.container(&instance.name)?;
            Some((container.image.clone(), held.rung))
        });
        let changed = found.is_some();
        if let (Some(instance), Some(found)) = (&mut self.instance, found) {
            instance.image = Some(found);
        }
        changed
    }
}

const fn of_watch(provenance: Provenance) -> Rung {
    match provenance {
        Provenance::Live => Rung::Watch,
        Provenance::Remembered => Rung::Remembered,
    }
}

/// Takes what a rung found; answers whether it is anything new.
fn hold(
    held: &mut Option<Held>,
    found: Option<Found<'_>>,
    rung: impl Fn(Provenance) -> Rung,
    sent: Option<&Place>,
    faults: &mut Faults,
) -> bool {
    let Some(found) = found else { return false };
    let rung = rung(found.provenance);
    if let Some(held) = held.as_mut().filter(|held| held.rung == rung) {
        if Arc::ptr_eq(&held.pod, found.pod) {
            return false;
        }
        // Each answer of the kubelet is a list of its own; what is the same in it is no news.
        if *held.pod == **found.pod {
            held.pod = Arc::clone(found.pod);
            return false;
        }
    }
    let Some((namespace, pod, _)) = named(&found.pod.namespace, &found.pod.name, rung) else {
        faults.invalid += 1;
        return false;
    };
    if sent.is_some_and(|sent| *sent.namespace != *namespace || *sent.pod != *pod) {
        faults.conflicts += 1;
        return false;
    }
    *held = Some(Held { pod: Arc::clone(found.pod), rung });
    true
}

/// The names as they may go out.
fn named<'a>(namespace: &'a str, pod: &'a str, rung: Rung) -> Option<Named<'a>> {
    Some((names::name(Kind::Namespace, namespace)?, names::name(Kind::Pod, pod)?, rung))
}

/// The names of the best rung that has any; `held` is the pod as the best rung with details has it.
fn find_place<'a>(held: Option<&'a Held>, uid: &str, rungs: &Rungs<'a>) -> Option<Named<'a>> {
    if let Some(held) = held {
        return named(&held.pod.namespace, &held.pod.name, held.rung);
    }
    let summary = rungs.summary.and_then(|summary| summary.pods.iter().find(|pod| *pod.uid == *uid));
    let summary = summary.and_then(|pod| named(&pod.namespace, &pod.name, Rung::Summary));
    summary.or_else(|| {
        let link = rungs.logs.pod(uid)?;
        named(&link.namespace, &link.pod, Rung::Logs)
    })
}

/// Whether the cgroup of `uid` is that of this pod.
fn is_of(pod: &Pod, uid: &str) -> bool {
    *pod.uid == *uid || pod.config_hash.as_deref() == Some(uid)
}

/// The container whose status has this ID now.
fn by_id<'p>(pod: &'p Pod, id: &str) -> Option<&'p Container> {
    pod.containers.iter().find(|container| container.id.as_ref().is_some_and(|own| *own.id == *id))
}

/// The container of the pod of `uid` whose status has this ID, or had it a while ago.
pub(super) fn status<'a>(rungs: &Rungs<'a>, uid: &str, id: &str) -> Option<(&'a Container, Rung)> {
    let of_it = |found: &FoundContainer<'_>| is_of(found.found.pod, uid);
    let watch = rungs.watch.and_then(|snapshot| snapshot.by_container_id(id)).filter(of_it);
    if let Some(found) = watch {
        return Some((found.container, of_watch(found.found.provenance)));
    }
    let kubelet = rungs.kubelet.and_then(|snapshot| snapshot.by_container_id(id)).filter(of_it);
    kubelet.map(|found| (found.container, Rung::Kubelet))
}

fn of_status(name: &str, container: &Container, rung: Rung, known: Option<Instance>) -> Instance {
    let image = (container.image.clone(), rung);
    Instance {
        name: name.into(),
        rung,
        restarts: Some((container.restarts, rung)),
        image: known.and_then(|known| known.image).or(Some(image)),
        image_id: container.image_id.clone().map(|image_id| (image_id, rung)),
        has_status: true,
    }
}

fn of_link(name: &str, link: &LogName) -> Instance {
    Instance {
        name: name.into(),
        rung: Rung::Logs,
        restarts: link.restarts.map(|restarts| (restarts, Rung::Logs)),
        image: None,
        image_id: None,
        has_status: false,
    }
}

/// The container of a pod that has only one: the processor gives its attributes to the pod's own resource as well.
/// Ephemeral containers do not count there.
pub(super) fn only_container(pod: &Pod) -> Option<&Container> {
    let mut lasting = pod.containers.iter().filter(|container| container.kind != ContainerKind::Ephemeral);
    let first = lasting.next();
    first.filter(|_| lasting.next().is_none())
}

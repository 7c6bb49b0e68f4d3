//! From what is known of an object to the attributes of its resource: those of the kubeletstats receiver, then those that the
//! k8sattributes processor would add to them, by the processor's own rules of precedence.
//!
//! The receiver's come first and win. Of the processor's, what belongs to the pod is one map, in which the later rule
//! wins; what belongs to the container fills what is missing or empty. The names of workloads two steps up are derived
//! as [`shared_informer::pod`] does it.
//!
//! `k8s.pod.uid` is the cgroup's, which is the kubelet's: for a static pod the hash of its configuration, never the uid of
//! the API's mirror pod. The collector reports the same, because it has it from the kubelet's summary and never overwrites
//! it.

use shared_informer::pod::image::{ImageRef, canonical};
use shared_informer::pod::{OwnerKind, Pod, VolumeSource};

use super::Settings;
use super::binding::Attributes;
use super::choice::{Choice, Metadata, SERVICE_NAME, SERVICE_VERSION};
use super::ladder::{Held, Known, Rung, only_container};
use super::names::{self, Kind};

/// The attributes of a pod or container.
pub(super) fn of_object(known: &Known, settings: &Settings) -> Attributes {
    let mut draft = Draft::default();
    identify(&mut draft, known, settings);
    draft.identity = draft.entries.len();
    draft.own = draft.identity;
    extract(&mut draft, known, settings);
    draft.finish()
}

/// The attributes of a volume of a pod; `claim` is the name of its claim in the kubelet's summary.
pub(super) fn of_volume(known: &Known, settings: &Settings, volume: &str, claim: Option<&str>) -> Attributes {
    let mut draft = Draft::default();
    identify(&mut draft, known, settings);
    if let Some(volume) = names::name(Kind::Volume, volume) {
        draft.own("k8s.volume.name", volume, Rung::Summary);
    }
    draft.identity = draft.entries.len();
    if settings.volume_types {
        volume_type(&mut draft, known, volume, claim);
    }
    draft.own = draft.entries.len();
    extract(&mut draft, known, settings);
    draft.finish()
}

#[derive(Default)]
struct Draft {
    entries: Vec<(Box<str>, Box<str>, Rung)>,
    identity: usize,
    /// How many of them, the first ones, are the receiver's.
    own: usize,
}

impl Draft {
    fn at(&self, key: &str) -> Option<usize> {
        self.entries.iter().position(|(own, ..)| **own == *key)
    }

    /// An attribute of the receiver.
    fn own(&mut self, key: &str, value: &str, rung: Rung) {
        self.entries.push((key.into(), value.into(), rung));
    }

    /// An attribute of the pod: the last one wins, but not over the receiver's.
    fn put(&mut self, key: &str, value: &str, rung: Rung) {
        match self.at(key) {
            Some(at) if at < self.own => {}
            Some(at) => {
                if let Some(entry) = self.entries.get_mut(at) {
                    *entry = (key.into(), value.into(), rung);
                }
            }
            None => self.own(key, value, rung),
        }
    }

    /// An attribute of the container: fills what is missing or empty.
    fn add(&mut self, key: &str, value: &str, rung: Rung) {
        let taken =
            self.at(key).and_then(|at| self.entries.get(at)).is_some_and(|(_, own, _)| !own.is_empty());
        if !taken {
            self.put(key, value, rung);
        }
    }

    fn finish(self) -> Attributes {
        let (pairs, rungs) = self
            .entries
            .into_iter()
            .map(|(key, value, rung)| ((key, value), rung))
            .unzip::<_, _, Vec<_>, Vec<_>>();
        Attributes { pairs: pairs.into(), rungs: rungs.into(), identity: self.identity }
    }
}

/// What the kubeletstats receiver says of a pod or container.
fn identify(draft: &mut Draft, known: &Known, settings: &Settings) {
    if let Some(place) = &known.place {
        draft.own("k8s.namespace.name", &place.namespace, place.rung);
        draft.own("k8s.pod.name", &place.pod, place.rung);
    }
    draft.own("k8s.pod.uid", &known.uid, Rung::Node);
    if let Some(instance) = &known.instance {
        draft.own("k8s.container.name", &instance.name, instance.rung);
    }
    if let Some(id) = &known.id
        && (settings.container_ids || settings.choice.wants(Metadata::ContainerId))
    {
        draft.own("container.id", id, Rung::Node);
    }
}

/// What the k8sattributes processor adds.
fn extract(draft: &mut Draft, known: &Known, settings: &Settings) {
    let choice = &*settings.choice;
    let excluded = |pod: &str| choice.excluded.has(pod);
    let left_out = known.pods().any(|held| held.pod.ignored)
        || known.place.as_ref().is_some_and(|place| excluded(&place.pod));
    if !choice.enabled || left_out {
        return;
    }
    if let Some(held) = known.pods().next() {
        times_and_addresses(draft, known, choice);
        owners(draft, held, choice);
        node(draft, known, settings);
        chosen(draft, held, choice);
    } else {
        node(draft, known, settings);
    }
    container(draft, known, choice);
    if let Some(place) = &known.place
        && choice.wants(Metadata::ServiceNamespace)
    {
        draft.add(Metadata::ServiceNamespace.name(), &place.namespace, place.rung);
    }
}

/// The first of the pods that has it.
fn first<T>(known: &Known, of: impl Fn(&Pod) -> Option<T>) -> Option<(T, Rung)> {
    known.pods().find_map(|held| of(&held.pod).map(|value| (value, held.rung)))
}

fn times_and_addresses(draft: &mut Draft, known: &Known, choice: &Choice) {
    let best = known.pods().next().map_or(Rung::Node, |held| held.rung);
    if choice.wants(Metadata::PodHostname) {
        let hostname = first(known, |pod| pod.hostname.clone()).unwrap_or_else(|| (Box::default(), best));
        draft.put(Metadata::PodHostname.name(), &hostname.0, hostname.1);
    }
    if choice.wants(Metadata::PodIp) {
        let address = first(known, |pod| pod.addresses.first().map(ToString::to_string));
        let (address, rung) = address.unwrap_or_else(|| (String::new(), best));
        draft.put(Metadata::PodIp.name(), &address, rung);
    }
    // A static pod as the kubelet has it was never created; its mirror pod was.
    if let Some((created, rung)) = first(known, |pod| pod.created)
        && choice.wants(Metadata::PodStartTime)
    {
        draft.put(Metadata::PodStartTime.name(), &created.to_string(), rung);
    }
}

/// The pod's owners, and what it is called as a service after them: each owner in turn, so that the last one wins.
fn owners(draft: &mut Draft, held: &Held, choice: &Choice) {
    use Metadata as M;
    let (pod, rung) = (&*held.pod, held.rung);
    let mut put = |metadata: Metadata, value: &str| {
        if choice.wants(metadata) {
            draft.put(metadata.name(), value, rung);
        }
    };
    put(M::ServiceName, &pod.name);
    for owner in &pod.owners {
        let (name, uid) = match owner.kind {
            OwnerKind::ReplicaSet => (M::ReplicaSetName, M::ReplicaSetUid),
            OwnerKind::DaemonSet => (M::DaemonSetName, M::DaemonSetUid),
            OwnerKind::StatefulSet => (M::StatefulSetName, M::StatefulSetUid),
            OwnerKind::Job => (M::JobName, M::JobUid),
            OwnerKind::Node | OwnerKind::Other(_) => continue,
        };
        put(uid, &owner.uid);
        put(name, &owner.name);
        put(M::ServiceName, &owner.name);
        let above = match owner.kind {
            OwnerKind::ReplicaSet => pod.deployment.as_deref().map(|name| (M::DeploymentName, name)),
            OwnerKind::Job => pod.cron_job().map(|name| (M::CronJobName, name)),
            _ => None,
        };
        if let Some((metadata, name)) = above.filter(|(_, above)| owner.name.starts_with(above)) {
            put(metadata, name);
            put(M::ServiceName, name);
        }
    }
}

/// The node's name is the agent's own to know: the watch is of this node's pods.
fn node(draft: &mut Draft, known: &Known, settings: &Settings) {
    let node =
        first(known, |pod| pod.node.clone()).or_else(|| settings.node.clone().map(|node| (node, Rung::Node)));
    if let Some((node, rung)) = node
        && settings.choice.wants(Metadata::NodeName)
    {
        draft.put(Metadata::NodeName.name(), &node, rung);
    }
}

/// Chosen labels and annotations, then the labels that everybody is recommended to have.
fn chosen(draft: &mut Draft, held: &Held, choice: &Choice) {
    let (pod, rung) = (&*held.pod, held.rung);
    for rule in &choice.labels {
        rule.extract("k8s.pod.labels.", &pod.labels, &mut |key, value| draft.put(key, value, rung));
    }
    for rule in &choice.annotations {
        rule.extract("k8s.pod.annotations.", &pod.annotations, &mut |key, value| draft.put(key, value, rung));
    }
    let names = SERVICE_NAME.map(|label| (label, Metadata::ServiceName));
    for (label, metadata) in names.into_iter().chain([(SERVICE_VERSION, Metadata::ServiceVersion)]) {
        if let Some(value) = pod.labels.get(label)
            && choice.wants(metadata)
        {
            draft.put(metadata.name(), value, rung);
        }
    }
}

/// A container's name, image and so on: its own, or those of its pod's only container.
struct Facts<'k> {
    name: &'k str,
    name_rung: Rung,
    id: Option<&'k str>,
    image: Option<(&'k str, Rung)>,
    image_id: Option<(&'k str, Rung)>,
}

fn facts(known: &Known) -> Option<Facts<'_>> {
    fn text(pair: Option<&(Box<str>, Rung)>) -> Option<(&str, Rung)> {
        pair.map(|(text, rung)| (&**text, *rung))
    }
    if known.id.is_some() {
        let instance = known.instance.as_ref()?;
        return Some(Facts {
            name: &instance.name,
            name_rung: instance.rung,
            id: None,
            image: text(instance.image.as_ref()),
            image_id: text(instance.image_id.as_ref()),
        });
    }
    let held = known.pods().next()?;
    let only = only_container(&held.pod)?;
    Some(Facts {
        name: &only.name,
        name_rung: held.rung,
        id: only.id.as_ref().map(|id| &*id.id),
        image: Some((&only.image, held.rung)),
        image_id: only.image_id.as_deref().map(|image_id| (image_id, held.rung)),
    })
}

fn container(draft: &mut Draft, known: &Known, choice: &Choice) {
    use Metadata as M;
    let Some(facts) = facts(known) else { return };
    let mut add = |metadata: Metadata, value: &str, rung: Rung| {
        if choice.wants(metadata) {
            draft.add(metadata.name(), value, rung);
        }
    };
    add(M::ContainerName, facts.name, facts.name_rung);
    if let Some((image, rung)) = facts.image
        && let Some(image) = ImageRef::parse(image)
    {
        add(M::ImageName, image.repository, rung);
        add(M::ImageTag, image.tag_or_latest(), rung);
        if let Some(version) = image.service_version() {
            add(M::ServiceVersion, &version, rung);
        }
    }
    if let Some(place) = &known.place {
        let instance = format!("{}.{}.{}", place.namespace, place.pod, facts.name);
        add(M::ServiceInstanceId, &instance, facts.name_rung);
    }
    if let Some(id) = facts.id {
        add(M::ContainerId, id, facts.name_rung);
    }
    if let Some((image_id, rung)) = facts.image_id
        && let Some(digest) = canonical(image_id)
    {
        add(M::RepoDigests, &digest, rung);
    }
    if let Some((restarts, rung)) = known.instance.as_ref().and_then(|instance| instance.restarts) {
        add(M::RestartCount, &restarts.to_string(), rung);
    }
}

/// What a volume is made of, as the specification says; the kubelet's summary knows the claim alone.
fn volume_type(draft: &mut Draft, known: &Known, volume: &str, claim: Option<&str>) {
    let source =
        known.pods().find_map(|held| held.pod.volume(volume).map(|found| (&found.source, held.rung)));
    let Some((source, rung)) = source else {
        if let Some(claim) = claim.and_then(|claim| names::name(Kind::Pod, claim)) {
            draft.own("k8s.persistentvolumeclaim.name", claim, Rung::Summary);
        }
        return;
    };
    if let Some(name) = source.type_name() {
        draft.own("k8s.volume.type", name, rung);
    }
    let mut own = |key: &str, value: &str| draft.own(key, value, rung);
    match source {
        VolumeSource::PersistentVolumeClaim(claim) => own("k8s.persistentvolumeclaim.name", claim),
        VolumeSource::AwsElasticBlockStore(id, fs_type, partition) => {
            own("aws.volume.id", id);
            own("fs.type", fs_type);
            own("partition", &partition.to_string());
        }
        VolumeSource::GcePersistentDisk(name, fs_type, partition) => {
            own("gce.pd.name", name);
            own("fs.type", fs_type);
            own("partition", &partition.to_string());
        }
        VolumeSource::Glusterfs(endpoints, path) => {
            own("glusterfs.endpoints.name", endpoints);
            own("glusterfs.path", path);
        }
        _ => {}
    }
}

//! The JSON of one pod in, a [`Pod`] out.

use super::convert::{self, Checked};
use super::error::{PodError, Problem};
use super::wire;
use super::{ContainerKind, Keep, Owner, OwnerKind, Phase, Pod, QosClass, limits};

/// The label by which a Deployment tells its ReplicaSets apart.
const TEMPLATE_HASH: &str = "pod-template-hash";
/// On static pods and their mirrors: the kubelet's own uid for the pod.
const CONFIG_HASH: &str = "kubernetes.io/config.hash";
/// On mirror pods only, with the same value.
const CONFIG_MIRROR: &str = "kubernetes.io/config.mirror";
/// A pod's wish to be left out, honoured by the collector.
const IGNORE: &str = "opentelemetry.io/k8s-processor/ignore";

/// What names an object, without the rest: for bookmarks, deletions, and pods that [`parse`] refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// `metadata.namespace`; absent on a bookmark.
    pub namespace: Option<Box<str>>,
    /// `metadata.name`; absent on a bookmark.
    pub name: Option<Box<str>>,
    /// `metadata.uid`; absent on a bookmark.
    pub uid: Option<Box<str>>,
    /// `metadata.resourceVersion`.
    pub resource_version: Option<Box<str>>,
}

/// Reads a pod, be it a watch event's object or an item of a LIST.
///
/// # Errors
/// The first thing that is wrong with it; [`PodError::refusal`] is what to count.
pub fn parse(json: &[u8], keep: &impl Keep) -> Result<Pod, PodError> {
    check_size(json)?;
    let object: wire::Object<'_> = serde_json::from_slice(json)?;
    check_kind(object.kind.as_ref())?;
    let mut pod = blank();
    metadata(&mut pod, object.metadata.unwrap_or_default(), keep)
        .map_err(|error| error.within("metadata"))?;
    let (mut spec, mut status) = (object.spec.unwrap_or_default(), object.status.unwrap_or_default());
    containers(&mut pod, &mut spec, &mut status, keep)?;
    specification(&mut pod, spec).map_err(|error| error.within("spec"))?;
    observation(&mut pod, status).map_err(|error| error.within("status"))?;
    check_kept(&pod)?;
    Ok(pod)
}

/// Reads only what names an object. Unlike [`parse`] it accepts a pod that is too long or too many of
/// something, as long as its JSON is sound: the watch must know which pod and version it has to go without.
///
/// # Errors
/// When the JSON is too large or not sound, or one of the names is too long.
pub fn head(json: &[u8]) -> Result<Head, PodError> {
    check_size(json)?;
    let object: wire::Named<'_> = serde_json::from_slice(json)?;
    check_kind(object.kind.as_ref())?;
    let names = object.metadata.unwrap_or_default();
    let read = || {
        Ok(Head {
            namespace: convert::optional("namespace", names.namespace.as_ref(), limits::LABEL)?,
            name: convert::optional("name", names.name.as_ref(), limits::NAME)?,
            uid: convert::optional("uid", names.uid.as_ref(), limits::OPAQUE)?,
            resource_version: convert::optional(
                "resourceVersion",
                names.resource_version.as_ref(),
                limits::OPAQUE,
            )?,
        })
    };
    read().map_err(|error: PodError| error.within("metadata"))
}

fn check_size(json: &[u8]) -> Checked<()> {
    if json.len() > limits::POD_BYTES {
        let problem = Problem::TooLarge { bytes: json.len(), limit: limits::POD_BYTES };
        return Err(PodError::new("pod", problem));
    }
    Ok(())
}

/// Each part is within its bound, but many parts at their bounds are too much for an index on every node.
fn check_kept(pod: &Pod) -> Checked<()> {
    let (bytes, limit) = (pod.heap_bytes(), limits::KEPT_BYTES);
    if bytes > limit {
        return Err(PodError::new("kept part of the pod", Problem::TooLarge { bytes, limit }));
    }
    Ok(())
}

/// Items of a LIST carry no kind; everything else must say that it is a pod.
fn check_kind(kind: Option<&wire::Text<'_>>) -> Checked<()> {
    if kind.is_some_and(|kind| kind.as_str() != "Pod") {
        return Err(PodError::new("kind", Problem::Invalid { what: "not a Pod" }));
    }
    Ok(())
}

fn blank() -> Pod {
    Pod {
        namespace: Box::default(),
        name: Box::default(),
        uid: Box::default(),
        resource_version: None,
        created: None,
        deleting: None,
        started: None,
        node: None,
        hostname: None,
        phase: Phase::Unknown,
        qos: None,
        host_network: false,
        mirror: false,
        ignored: false,
        addresses: Box::default(),
        owners: Box::default(),
        deployment: None,
        config_hash: None,
        labels: super::Pairs::default(),
        annotations: super::Pairs::default(),
        volumes: Box::default(),
        containers: Box::default(),
        cut: 0,
        dropped: 0,
    }
}

fn metadata(pod: &mut Pod, meta: wire::Meta<'_>, keep: &impl Keep) -> Checked<()> {
    pod.namespace = convert::identity("namespace", meta.namespace.as_ref(), limits::LABEL)?;
    pod.name = convert::identity("name", meta.name.as_ref(), limits::NAME)?;
    pod.uid = convert::identity("uid", meta.uid.as_ref(), limits::OPAQUE)?;
    pod.resource_version =
        convert::optional("resourceVersion", meta.resource_version.as_ref(), limits::OPAQUE)?;
    pod.created = convert::timestamp("creationTimestamp", meta.creation_timestamp.as_ref())?;
    pod.deleting = convert::timestamp("deletionTimestamp", meta.deletion_timestamp.as_ref())?;

    let labels = convert::labels(meta.labels.as_ref(), |key| keep.label(key))?;
    let annotations = convert::annotations(meta.annotations.as_ref(), |key| keep.annotation(key))?;
    (pod.cut, pod.dropped) = (annotations.cut, labels.dropped.saturating_add(annotations.dropped));
    (pod.labels, pod.annotations) = (labels.pairs, annotations.pairs);

    pod.mirror = value(meta.annotations.as_ref(), CONFIG_MIRROR).is_some();
    let hash = value(meta.annotations.as_ref(), CONFIG_MIRROR)
        .or_else(|| value(meta.annotations.as_ref(), CONFIG_HASH))
        .filter(|hash| !hash.as_str().is_empty());
    pod.config_hash =
        hash.map(|hash| convert::identity("annotations", Some(hash), limits::OPAQUE)).transpose()?;
    pod.ignored = value(meta.annotations.as_ref(), IGNORE)
        .is_some_and(|wish| wish.as_str().trim().eq_ignore_ascii_case("true"));

    pod.owners = convert::list("ownerReferences", meta.owner_references)?
        .iter()
        .enumerate()
        .map(|(at, reference)| {
            owner(reference).map_err(|error| error.within(format_args!("ownerReferences[{at}]")))
        })
        .collect::<Checked<_>>()?;
    if let Some(hash) = value(meta.labels.as_ref(), TEMPLATE_HASH) {
        pod.deployment = pod.owners.iter().find_map(|owner| owner.deployment(hash.as_str())).map(Into::into);
    }
    Ok(())
}

/// The last value of a key, whether it is kept or not.
fn value<'m, 'a>(map: Option<&'m wire::Map<'a>>, key: &str) -> Option<&'m wire::Text<'a>> {
    map?.pairs.iter().rev().find(|(candidate, _)| candidate.as_str() == key).map(|(_, value)| value)
}

fn owner(reference: &wire::OwnerReference<'_>) -> Checked<Owner> {
    let kind = convert::required("kind", reference.kind.as_ref(), limits::KIND)?;
    Ok(Owner {
        kind: OwnerKind::new(&kind),
        name: convert::required("name", reference.name.as_ref(), limits::NAME)?,
        uid: convert::required("uid", reference.uid.as_ref(), limits::OPAQUE)?,
        controller: reference.controller.unwrap_or_default(),
    })
}

fn containers(
    pod: &mut Pod,
    spec: &mut wire::Spec<'_>,
    status: &mut wire::Status<'_>,
    keep: &impl Keep,
) -> Checked<()> {
    let mut all = Vec::new();
    let lists = [
        (ContainerKind::Init, spec.init_containers.take(), status.init_container_statuses.take()),
        (ContainerKind::App, spec.containers.take(), status.container_statuses.take()),
        (
            ContainerKind::Ephemeral,
            spec.ephemeral_containers.take(),
            status.ephemeral_container_statuses.take(),
        ),
    ];
    for (kind, specs, statuses) in lists {
        convert::containers(kind, specs, statuses, keep, &mut all)?;
    }
    pod.containers = all.into();
    Ok(())
}

fn specification(pod: &mut Pod, spec: wire::Spec<'_>) -> Checked<()> {
    pod.node = convert::optional("nodeName", spec.node_name.as_ref(), limits::NAME)?;
    pod.hostname = convert::optional("hostname", spec.hostname.as_ref(), limits::LABEL)?;
    pod.host_network = spec.host_network.unwrap_or_default();
    pod.volumes = convert::list("volumes", spec.volumes)?
        .iter()
        .enumerate()
        .map(|(at, volume)| {
            convert::volume(volume).map_err(|error| error.within(format_args!("volumes[{at}]")))
        })
        .collect::<Checked<_>>()?;
    Ok(())
}

fn observation(pod: &mut Pod, status: wire::Status<'_>) -> Checked<()> {
    pod.phase = match status.phase.as_ref().map(wire::Text::as_str) {
        Some("Pending") => Phase::Pending,
        Some("Running") => Phase::Running,
        Some("Succeeded") => Phase::Succeeded,
        Some("Failed") => Phase::Failed,
        _ => Phase::Unknown,
    };
    pod.qos = match status.qos_class.as_ref().map(wire::Text::as_str) {
        Some("Guaranteed") => Some(QosClass::Guaranteed),
        Some("Burstable") => Some(QosClass::Burstable),
        Some("BestEffort") => Some(QosClass::BestEffort),
        _ => None,
    };
    pod.started = convert::timestamp("startTime", status.start_time.as_ref())?;
    pod.addresses = convert::addresses(status.pod_ip.as_ref(), status.pod_ips)?;
    Ok(())
}

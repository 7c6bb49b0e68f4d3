//! From what stands in the JSON to what is kept: every bound is checked here, each field by one function.

use std::net::IpAddr;

use super::error::{PodError, Problem};
use super::quantity::Quantity;
use super::time::Timestamp;
use super::wire::{self, Bounded, Text};
use super::{
    Amounts, Container, ContainerId, ContainerKind, ContainerState, Keep, Pairs, Runtime, Volume,
    VolumeSource, limits,
};

pub(super) type Checked<T> = Result<T, PodError>;

/// A string within its bound; empty is absent.
fn within<'t>(field: &str, text: Option<&'t Text<'_>>, limit: usize) -> Checked<Option<&'t str>> {
    match text.map(Text::as_str) {
        None | Some("") => Ok(None),
        Some(text) if text.len() <= limit => Ok(Some(text)),
        Some(text) => Err(PodError::new(field, Problem::TooLong { bytes: text.len(), limit })),
    }
}

pub(super) fn optional(field: &str, text: Option<&Text<'_>>, limit: usize) -> Checked<Option<Box<str>>> {
    Ok(within(field, text, limit)?.map(Into::into))
}

pub(super) fn required(field: &str, text: Option<&Text<'_>>, limit: usize) -> Checked<Box<str>> {
    optional(field, text, limit)?.ok_or_else(|| PodError::new(field, Problem::Missing))
}

/// A required string that names an object: it ends up in log lines and is compared with folder names.
pub(super) fn identity(field: &str, text: Option<&Text<'_>>, limit: usize) -> Checked<Box<str>> {
    let text = required(field, text, limit)?;
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text);
    }
    Err(invalid(field, "only printable ASCII is allowed"))
}

fn invalid(field: &str, what: &'static str) -> PodError {
    PodError::new(field, Problem::Invalid { what })
}

pub(super) fn timestamp(field: &str, text: Option<&Text<'_>>) -> Checked<Option<Timestamp>> {
    let Some(text) = text else { return Ok(None) };
    Timestamp::parse(text.as_str()).map(Some).ok_or_else(|| invalid(field, "not an RFC 3339 timestamp"))
}

/// The entries of a list that kept its bound.
pub(super) fn list<T, const N: usize>(field: &str, list: Option<Bounded<T, N>>) -> Checked<Vec<T>> {
    let list = list.unwrap_or_default();
    if list.total > list.entries.len() {
        return Err(PodError::new(field, Problem::TooMany { entries: list.total, limit: N }));
    }
    Ok(list.entries)
}

pub(super) fn addresses(
    primary: Option<&Text<'_>>,
    all: Option<Bounded<wire::Address<'_>, { limits::ADDRESSES }>>,
) -> Checked<Box<[IpAddr]>> {
    let parse =
        |field: &str, text: &Text<'_>| text.as_str().parse().map_err(|_| invalid(field, "not an IP address"));
    let all = list("podIPs", all)?;
    if all.is_empty() {
        return primary
            .filter(|ip| !ip.as_str().is_empty())
            .map(|ip| parse("podIP", ip))
            .into_iter()
            .collect();
    }
    all.iter().filter_map(|address| address.ip.as_ref()).map(|ip| parse("podIPs", ip)).collect()
}

/// The pairs that were chosen, and how many were left out for want of room, and how many cut.
pub(super) struct Chosen {
    pub(super) pairs: Pairs,
    pub(super) dropped: u32,
    pub(super) cut: u32,
}

pub(super) fn labels(map: Option<&wire::Map<'_>>, keep: impl Fn(&str) -> bool) -> Checked<Chosen> {
    choose("labels", map, limits::LABEL, keep)
}

pub(super) fn annotations(map: Option<&wire::Map<'_>>, keep: impl Fn(&str) -> bool) -> Checked<Chosen> {
    let bytes = map.map_or(0, |map| map.pairs.iter().map(|(k, v)| k.as_str().len() + v.as_str().len()).sum());
    if bytes > limits::ANNOTATIONS_BYTES {
        let problem = Problem::TooLong { bytes, limit: limits::ANNOTATIONS_BYTES };
        return Err(PodError::new("annotations", problem));
    }
    choose("annotations", map, limits::ANNOTATIONS_BYTES, keep)
}

fn choose(
    field: &str,
    map: Option<&wire::Map<'_>>,
    value_limit: usize,
    keep: impl Fn(&str) -> bool,
) -> Checked<Chosen> {
    let Some(map) = map else { return Ok(Chosen { pairs: Pairs::default(), dropped: 0, cut: 0 }) };
    if map.total > map.pairs.len() {
        let problem = Problem::TooMany { entries: map.total, limit: limits::PAIRS };
        return Err(PodError::new(field, problem));
    }
    let (mut kept, mut dropped, mut cut) = (Vec::new(), 0, 0);
    for (key, value) in &map.pairs {
        let (key, value) = (key.as_str(), value.as_str());
        let (bytes, limit) =
            if key.len() > limits::KEY { (key.len(), limits::KEY) } else { (value.len(), value_limit) };
        if bytes > limit {
            return Err(PodError::new(field, Problem::TooLong { bytes, limit }));
        }
        if !keep(key) {
            continue;
        }
        if kept.len() == limits::KEPT_PAIRS {
            dropped += 1;
            continue;
        }
        let room = value.floor_char_boundary(limits::KEPT_VALUE);
        cut += u32::from(room < value.len());
        kept.push((Box::from(key), Box::from(value.get(..room).unwrap_or_default())));
    }
    Ok(Chosen { pairs: kept.into_iter().collect(), dropped, cut })
}

/// One of the three lists of containers, each with the status of the same name.
pub(super) fn containers(
    kind: ContainerKind,
    specs: Option<Bounded<wire::Container<'_>, { limits::CONTAINERS }>>,
    statuses: Option<Bounded<wire::ContainerStatus<'_>, { limits::CONTAINERS }>>,
    keep: &impl Keep,
    into: &mut Vec<Container>,
) -> Checked<()> {
    let (spec_field, status_field) = match kind {
        ContainerKind::Init => ("spec.initContainers", "status.initContainerStatuses"),
        ContainerKind::App => ("spec.containers", "status.containerStatuses"),
        ContainerKind::Ephemeral => ("spec.ephemeralContainers", "status.ephemeralContainerStatuses"),
    };
    let statuses = list(status_field, statuses)?;
    let specs = list(spec_field, specs)?;
    into.reserve_exact(specs.len());
    for (at, spec) in specs.into_iter().enumerate() {
        let mut container =
            specified(kind, &spec).map_err(|error| error.within(format_args!("{spec_field}[{at}]")))?;
        let of_it = |status: &&wire::ContainerStatus<'_>| {
            status.name.as_ref().is_some_and(|name| name.as_str() == &*container.name)
        };
        if let Some(status) = statuses.iter().find(of_it) {
            observed(&mut container, status, keep.image_ids())
                .map_err(|error| error.within(format_args!("{status_field}[{}]", container.name)))?;
        }
        into.push(container);
    }
    Ok(())
}

fn specified(kind: ContainerKind, spec: &wire::Container<'_>) -> Checked<Container> {
    let resources = spec.resources.as_ref();
    Ok(Container {
        kind,
        name: required("name", spec.name.as_ref(), limits::LABEL)?,
        image: optional("image", spec.image.as_ref(), limits::REFERENCE)?.unwrap_or_default(),
        id: None,
        image_id: None,
        restarts: 0,
        state: ContainerState::Waiting,
        requests: amounts(resources.and_then(|both| both.requests.as_ref()))
            .map_err(|error| error.within("resources.requests"))?,
        limits: amounts(resources.and_then(|both| both.limits.as_ref()))
            .map_err(|error| error.within("resources.limits"))?,
    })
}

fn observed(container: &mut Container, status: &wire::ContainerStatus<'_>, image_id: bool) -> Checked<()> {
    container.id =
        within("containerID", status.container_id.as_ref(), limits::REFERENCE)?.and_then(container_id);
    if image_id {
        container.image_id = optional("imageID", status.image_id.as_ref(), limits::REFERENCE)?;
    }
    container.restarts = status.restart_count.unwrap_or_default();
    container.state = match &status.state {
        Some(wire::State { running: Some(period), .. }) => {
            ContainerState::Running(timestamp("state.running.startedAt", period.started_at.as_ref())?)
        }
        Some(wire::State { terminated: Some(period), .. }) => ContainerState::Terminated(
            timestamp("state.terminated.startedAt", period.started_at.as_ref())?,
            timestamp("state.terminated.finishedAt", period.finished_at.as_ref())?,
        ),
        _ => ContainerState::Waiting,
    };
    Ok(())
}

/// `containerd://7f23...`, split. An empty identifier is none.
fn container_id(text: &str) -> Option<ContainerId> {
    let (scheme, id) = text.split_once("://").unwrap_or(("", text));
    let runtime = match scheme {
        "containerd" => Runtime::Containerd,
        "cri-o" => Runtime::CriO,
        "docker" => Runtime::Docker,
        _ => Runtime::Other,
    };
    (!id.is_empty()).then(|| ContainerId { runtime, id: id.into() })
}

fn amounts(amounts: Option<&wire::Amounts<'_>>) -> Checked<Amounts> {
    let Some(amounts) = amounts else { return Ok(Amounts::default()) };
    let read = |field: &str, text: Option<&Text<'_>>| {
        let Some(text) = text else { return Ok(None) };
        let quantity = Quantity::parse(text.as_str()).map_err(|_| invalid(field, "not a quantity"))?;
        if quantity.nanos() < 0 { Err(invalid(field, "a negative quantity")) } else { Ok(Some(quantity)) }
    };
    let cpu = read("cpu", amounts.cpu.as_ref())?;
    let memory = read("memory", amounts.memory.as_ref())?;
    Ok(Amounts {
        // Beyond 18 billion cores the number stays at its largest.
        cpu: cpu.map(|cores| u64::try_from(cores.nanos()).unwrap_or(u64::MAX)),
        memory: memory.map(|bytes| bytes.units().unsigned_abs()),
    })
}

pub(super) fn volume(volume: &wire::Volume<'_>) -> Checked<Volume> {
    let field = |name: &str, text: Option<&Text<'_>>| {
        Ok(optional(name, text, limits::VOLUME_FIELD)?.unwrap_or_default())
    };
    let disk = |kind: &str, disk: &wire::Disk<'_>| -> Checked<_> {
        let id = field("id", disk.id.as_ref()).map_err(|error: PodError| error.within(kind))?;
        let fs_type = field("fsType", disk.fs_type.as_ref()).map_err(|error: PodError| error.within(kind))?;
        Ok((id, fs_type, disk.partition.unwrap_or_default()))
    };
    // The order is the collector's.
    let source = if volume.config_map.is_some() {
        VolumeSource::ConfigMap
    } else if volume.downward_api.is_some() {
        VolumeSource::DownwardApi
    } else if volume.empty_dir.is_some() {
        VolumeSource::EmptyDir
    } else if volume.secret.is_some() {
        VolumeSource::Secret
    } else if let Some(claim) = &volume.persistent_volume_claim {
        let name = optional("persistentVolumeClaim.claimName", claim.claim_name.as_ref(), limits::NAME)?;
        VolumeSource::PersistentVolumeClaim(name.unwrap_or_default())
    } else if volume.host_path.is_some() {
        VolumeSource::HostPath
    } else if let Some(ebs) = &volume.aws_elastic_block_store {
        let (id, fs_type, partition) = disk("awsElasticBlockStore", ebs)?;
        VolumeSource::AwsElasticBlockStore(id, fs_type, partition)
    } else if let Some(pd) = &volume.gce_persistent_disk {
        let (id, fs_type, partition) = disk("gcePersistentDisk", pd)?;
        VolumeSource::GcePersistentDisk(id, fs_type, partition)
    } else if let Some(gluster) = &volume.glusterfs {
        let endpoints = field("glusterfs.endpoints", gluster.endpoints.as_ref())?;
        VolumeSource::Glusterfs(endpoints, field("glusterfs.path", gluster.path.as_ref())?)
    } else {
        VolumeSource::Other
    };
    Ok(Volume { name: required("name", volume.name.as_ref(), limits::LABEL)?, source })
}

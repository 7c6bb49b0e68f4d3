//! What a pod weighs: the bytes it asked the allocator for. A test compares with an allocation profiler.

use std::mem::size_of;
use std::net::IpAddr;

use super::{Container, Owner, OwnerKind, Pairs, Pod, Volume, VolumeSource};

impl Pod {
    /// Heap bytes behind this pod, without the pod itself and without the allocator's own overhead.
    pub fn heap_bytes(&self) -> usize {
        let options =
            [&self.resource_version, &self.node, &self.hostname, &self.deployment, &self.config_hash]
                .map(|text| optional(text.as_deref()));
        self.namespace.len()
            + self.name.len()
            + self.uid.len()
            + options.iter().sum::<usize>()
            + self.addresses.len() * size_of::<IpAddr>()
            + self.owners.iter().map(owner).sum::<usize>()
            + pairs(&self.labels)
            + pairs(&self.annotations)
            + self.volumes.iter().map(volume).sum::<usize>()
            + self.containers.iter().map(container).sum::<usize>()
    }
}

fn optional(text: Option<&str>) -> usize {
    text.map_or(0, str::len)
}

fn owner(owner: &Owner) -> usize {
    let kind = if let OwnerKind::Other(kind) = &owner.kind { kind.len() } else { 0 };
    size_of::<Owner>() + kind + owner.name.len() + owner.uid.len()
}

fn pairs(pairs: &Pairs) -> usize {
    pairs.iter().map(|(key, value)| size_of::<(Box<str>, Box<str>)>() + key.len() + value.len()).sum()
}

fn volume(volume: &Volume) -> usize {
    let source = match &volume.source {
        VolumeSource::PersistentVolumeClaim(claim) => claim.len(),
        VolumeSource::AwsElasticBlockStore(one, two, _)
        | VolumeSource::GcePersistentDisk(one, two, _)
        | VolumeSource::Glusterfs(one, two) => one.len() + two.len(),
        _ => 0,
    };
    size_of::<Volume>() + volume.name.len() + source
}

fn container(container: &Container) -> usize {
    size_of::<Container>()
        + container.name.len()
        + container.image.len()
        + container.id.as_ref().map_or(0, |id| id.id.len())
        + optional(container.image_id.as_deref())
}

//! From the kubelet's JSON to what is published: identities are checked, and what cannot be told from another is left out.

use exporter::model::Timestamp;
use shared_informer::pod::Refusal;

use super::{Part, Refused, wire};
use crate::kubelet::{Container, Cpu, Filesystem, Interface, Memory, Network, Node, Pod, Volume};

/// The node; none without a name.
pub(super) fn node(node: wire::Node, received: Timestamp, refused: &mut Refused) -> Option<Node> {
    let name = identity(node.name).ok()?;
    let (images, containers) =
        node.runtime.map_or((None, None), |runtime| (runtime.image_fs, runtime.container_fs));
    let mut convert = Convert { received, refused };
    Some(Node {
        name,
        started: started(node.start_time),
        cpu: convert.cpu(node.cpu),
        memory: convert.memory(node.memory),
        network: convert.network(node.network),
        filesystem: convert.filesystem(node.fs),
        image_filesystem: convert.filesystem(images),
        container_filesystem: convert.filesystem(containers),
        system_containers: convert.list(Part::Container, node.system_containers, Convert::container),
    })
}

/// A pod; none, and counted, if it cannot be told from another.
pub(super) fn pod(pod: wire::Pod, received: Timestamp, refused: &mut Refused) -> Option<Pod> {
    let names = pod
        .names
        .ok_or(Refusal::Missing)
        .and_then(|names| Ok((identity(names.name)?, identity(names.namespace)?, identity(names.uid)?)));
    let (name, namespace, uid) = names.map_err(|why| refused.add(Part::Pod, why)).ok()?;
    let mut convert = Convert { received, refused };
    Some(Pod {
        name,
        namespace,
        uid,
        started: started(pod.start_time),
        cpu: convert.cpu(pod.cpu),
        memory: convert.memory(pod.memory),
        network: convert.network(pod.network),
        ephemeral_storage: convert.filesystem(pod.ephemeral_storage),
        volumes: convert.list(Part::Volume, pod.volume, Convert::volume),
        containers: convert.list(Part::Container, pod.containers, Convert::container),
    })
}

/// What a pod takes beside its own place in a list, bytes of heap; the allocator's overhead is not counted.
pub(super) fn heap_bytes(pod: &Pod) -> usize {
    let interface = |interface: &Interface| size_of::<Interface>() + interface.name.len();
    let network = pod
        .network
        .iter()
        .map(|network| network.default.name.len() + network.all.iter().map(interface).sum::<usize>());
    let volumes = pod.volumes.iter().map(|volume| {
        let claim = volume.claim.as_ref().map_or(0, |(name, namespace)| name.len() + namespace.len());
        size_of::<Volume>() + volume.name.len() + claim
    });
    let containers = pod.containers.iter().map(|container| size_of::<Container>() + container.name.len());
    let names = pod.name.len() + pod.namespace.len() + pod.uid.len();
    size_of::<Pod>() + names + network.chain(volumes).chain(containers).sum::<usize>()
}

/// A name by which something is told from its neighbours: visible ASCII, which all that Kubernetes allows is.
fn identity<const MAX: usize>(name: Option<wire::Name<MAX>>) -> Result<Box<str>, Refusal> {
    match name {
        Some(wire::Name::Read(name)) if name.is_empty() => Err(Refusal::Missing),
        Some(wire::Name::Read(name)) if !name.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err(Refusal::Invalid)
        }
        Some(wire::Name::Read(name)) => Ok(name),
        Some(wire::Name::TooLong) => Err(Refusal::TooLong),
        None => Err(Refusal::Missing),
    }
}

fn started(time: Option<wire::Time>) -> Option<Timestamp> {
    time.and_then(|time| time.0)
}

struct Convert<'a> {
    received: Timestamp,
    refused: &'a mut Refused,
}

impl Convert<'_> {
    /// When the kubelet took a figure; where it does not say, when it answered.
    fn time(&self, time: Option<wire::Time>) -> Timestamp {
        started(time).unwrap_or(self.received)
    }

    fn cpu(&self, cpu: Option<wire::Cpu>) -> Option<Cpu> {
        let wire::Cpu { time, usage_nano_cores, usage_core_nano_seconds } = cpu?;
        Some(Cpu { time: self.time(time), usage_nano_cores, usage_core_nano_seconds })
    }

    fn memory(&self, memory: Option<wire::Memory>) -> Option<Memory> {
        let memory = memory?;
        Some(Memory {
            time: self.time(memory.time),
            available: memory.available_bytes,
            usage: memory.usage_bytes,
            working_set: memory.working_set_bytes,
            rss: memory.rss_bytes,
            page_faults: memory.page_faults,
            major_page_faults: memory.major_page_faults,
        })
    }

    fn filesystem(&self, filesystem: Option<wire::Filesystem>) -> Option<Filesystem> {
        let filesystem = filesystem?;
        Some(Filesystem {
            time: self.time(filesystem.time),
            available: filesystem.available_bytes,
            capacity: filesystem.capacity_bytes,
            used: filesystem.used_bytes,
            inodes_free: filesystem.inodes_free,
            inodes: filesystem.inodes,
            inodes_used: filesystem.inodes_used,
        })
    }

    fn network(&mut self, network: Option<wire::Network>) -> Option<Network> {
        let wire::Network { time, name, rx_bytes, rx_errors, tx_bytes, tx_errors, interfaces } = network?;
        let default = wire::Interface { name, rx_bytes, rx_errors, tx_bytes, tx_errors };
        // Without its name the default interface is still one of the list.
        let default = match self.interface(default) {
            Ok(interface) => interface,
            Err(Refusal::Missing) => {
                Interface { name: Box::default(), rx_bytes, rx_errors, tx_bytes, tx_errors }
            }
            Err(why) => {
                self.refused.add(Part::Interface, why);
                return None;
            }
        };
        let all = self.list(Part::Interface, interfaces, Self::interface);
        Some(Network { time: self.time(time), default, all })
    }

    #[expect(clippy::unused_self, reason = "one of the parts that a list is made of")]
    fn interface(&mut self, interface: wire::Interface) -> Result<Interface, Refusal> {
        let wire::Interface { name, rx_bytes, rx_errors, tx_bytes, tx_errors } = interface;
        Ok(Interface { name: identity(name)?, rx_bytes, rx_errors, tx_bytes, tx_errors })
    }

    fn container(&mut self, container: wire::Container) -> Result<Container, Refusal> {
        Ok(Container {
            name: identity(container.name)?,
            started: started(container.start_time),
            cpu: self.cpu(container.cpu),
            memory: self.memory(container.memory),
            rootfs: self.filesystem(container.rootfs),
            logs: self.filesystem(container.logs),
        })
    }

    fn volume(&mut self, volume: wire::Volume) -> Result<Volume, Refusal> {
        let claim = volume.pvc_ref.map(|claim| Ok((identity(claim.name)?, identity(claim.namespace)?)));
        Ok(Volume {
            name: identity(volume.name)?,
            claim: claim.transpose()?,
            filesystem: Filesystem {
                time: self.time(volume.time),
                available: volume.available_bytes,
                capacity: volume.capacity_bytes,
                used: volume.used_bytes,
                inodes_free: volume.inodes_free,
                inodes: volume.inodes,
                inodes_used: volume.inodes_used,
            },
        })
    }

    fn list<F, T, const N: usize>(
        &mut self,
        part: Part,
        list: Option<wire::List<F, N>>,
        convert: impl Fn(&mut Self, F) -> Result<T, Refusal>,
    ) -> Box<[T]> {
        let list = list.unwrap_or_default();
        self.refused.add_many(part, Refusal::TooMany, list.beyond);
        let mut all = Vec::with_capacity(list.entries.len());
        for entry in list.entries {
            match convert(self, entry) {
                Ok(entry) => all.push(entry),
                Err(why) => self.refused.add(part, why),
            }
        }
        all.into()
    }
}

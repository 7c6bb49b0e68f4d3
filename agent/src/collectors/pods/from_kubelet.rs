//! What of one object comes from the kubelet's summary: filesystems and volumes always, CPU, memory and network where
//! the node's own files do not give them.

use std::collections::BTreeMap;
use std::time::Duration;

use exporter::model::Timestamp;
use exporter::segment::Segment;

use super::part::{Making, NetworkPart, Part};
use super::readings::{Cpu, Filesystem, Memory, Tables, VOLUME, Whole};
use super::segments::{Attributes, Leaving};
use crate::collectors::points::float;
use crate::kubelet;

/// How old the figures of a volume may be that the kubelet still tells. It looks at volumes every one to two minutes by
/// default, and at those that it has written itself only when it writes them again, up to a minute and a half later; far
/// more than that means that a look never ended, as on a file server that is gone.
const VOLUME_AGE: Duration = Duration::from_mins(10);

/// What the summary says of one container, one pod or the node.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said<'a> {
    pub(super) cpu: Option<&'a kubelet::Cpu>,
    pub(super) memory: Option<&'a kubelet::Memory>,
    pub(super) network: Option<&'a kubelet::Network>,
    pub(super) filesystem: Option<&'a kubelet::Filesystem>,
}

impl<'a> Said<'a> {
    /// Of a container.
    pub(super) const fn of_container(container: &'a kubelet::Container) -> Self {
        Self {
            cpu: container.cpu.as_ref(),
            memory: container.memory.as_ref(),
            network: None,
            filesystem: container.rootfs.as_ref(),
        }
    }

    /// Of a pod.
    pub(super) const fn of_pod(pod: &'a kubelet::Pod) -> Self {
        Self {
            cpu: pod.cpu.as_ref(),
            memory: pod.memory.as_ref(),
            network: pod.network.as_ref(),
            filesystem: pod.ephemeral_storage.as_ref(),
        }
    }

    /// Of the node.
    pub(super) const fn of_node(node: &'a kubelet::Node) -> Self {
        Self {
            cpu: node.cpu.as_ref(),
            memory: node.memory.as_ref(),
            network: node.network.as_ref(),
            filesystem: node.filesystem.as_ref(),
        }
    }

    /// The same without what the node's own files give.
    #[must_use]
    pub(super) fn where_lacking(self, [cpu, memory, network]: [bool; 3]) -> Self {
        Self {
            cpu: self.cpu.filter(|_| cpu),
            memory: self.memory.filter(|_| memory),
            network: self.network.filter(|_| network),
            filesystem: self.filesystem,
        }
    }
}

/// The parts of one object.
#[derive(Debug, Default)]
pub(super) struct FromKubelet {
    cpu: Part<Cpu>,
    memory: Part<Memory>,
    network: NetworkPart,
    filesystem: Part<Filesystem>,
    /// A pod's, by name.
    volumes: BTreeMap<Box<str>, Volume>,
}

#[derive(Debug, Default)]
struct Volume {
    part: Part<Filesystem>,
    /// Whether the last summary had it.
    seen: bool,
}

impl FromKubelet {
    /// Takes a summary that was received at `received`; what it does not have ends.
    pub(super) fn take(
        &mut self,
        said: Said<'_>,
        whole: (Whole, Whole),
        received: Timestamp,
        (tables, all_interfaces): (&'static Tables, bool),
        making: &mut Making<'_, '_>,
    ) {
        let cpu = said.cpu.map(|cpu| (sampled(cpu.time, received), of_cpu(cpu, whole.0)));
        self.cpu.take(cpu, tables.cpu, making);
        let memory = said.memory.map(|memory| (sampled(memory.time, received), of_memory(memory, whole.1)));
        self.memory.take(memory, tables.memory, making);
        let network = said.network.map(|network| (sampled(network.time, received), network));
        self.network.take(network, tables.network, all_interfaces, making);
        let filesystem = said.filesystem.map(|filesystem| of_filesystem(filesystem, received));
        self.filesystem.take(filesystem, tables.filesystem, making);
    }

    /// Takes the volumes of a pod, each at the time of the kubelet's answer: it looks at them far more rarely than it is
    /// asked, and its last look stands until the next (decision 10). `attributes` tells the resource of a volume that is
    /// seen for the first time under the pod's present attributes.
    pub(super) fn take_volumes(
        &mut self,
        volumes: &[kubelet::Volume],
        received: Timestamp,
        making: &mut Making<'_, '_>,
        attributes: impl Fn(&kubelet::Volume) -> Box<Attributes>,
    ) {
        for volume in self.volumes.values_mut() {
            volume.seen = false;
        }
        for volume in volumes {
            let kept = match self.volumes.get_mut(&volume.name) {
                Some(kept) => kept,
                None => self.volumes.entry(volume.name.clone()).or_default(),
            };
            kept.seen = true;
            // A part that exists keeps its own.
            let is_new = !kept.part.exists();
            let own = is_new.then(|| making.maker.resource(&attributes(volume)));
            let mut making = Making {
                maker: &mut *making.maker,
                resource: own.unwrap_or_else(|| making.resource.clone()),
                start: making.start,
                now: making.now,
                leaving: &mut *making.leaving,
            };
            let (looked, reading) = of_filesystem(&volume.filesystem, received);
            let stands = u128::from(received.0 - looked.0) <= VOLUME_AGE.as_nanos();
            kept.part.take(stands.then_some((received, reading)), VOLUME, &mut making);
        }
        self.volumes.retain(|_, volume| {
            if !volume.seen {
                volume.part.end(making.now, making.leaving);
            }
            volume.seen
        });
    }

    /// Goes on with what `old` has and this has not: another object under the same resource. The next summary ends what it
    /// does not have.
    pub(super) fn inherit(&mut self, old: Self) {
        let Self { cpu, memory, network, filesystem, volumes } = old;
        self.cpu.inherit(cpu);
        self.memory.inherit(memory);
        self.network.inherit(network);
        self.filesystem.inherit(filesystem);
        for (name, volume) in volumes {
            self.volumes.entry(name).or_insert(volume);
        }
    }

    /// Ends everything.
    pub(super) fn end(&mut self, now: Timestamp, leaving: &mut Leaving) {
        self.cpu.end(now, leaving);
        self.memory.end(now, leaving);
        self.network.end(now, leaving);
        self.filesystem.end(now, leaving);
        for mut volume in std::mem::take(&mut self.volumes).into_values() {
            volume.part.end(now, leaving);
        }
    }

    /// Ends what the node's own files give again.
    pub(super) fn end_replaced(
        &mut self,
        [cpu, memory, network]: [bool; 3],
        now: Timestamp,
        leaving: &mut Leaving,
    ) {
        if !cpu {
            self.cpu.end(now, leaving);
        }
        if !memory {
            self.memory.end(now, leaving);
        }
        if !network {
            self.network.end(now, leaving);
        }
    }

    /// Begins a scrape that has nothing new so far.
    pub(super) fn rest(&mut self) {
        self.cpu.rest();
        self.memory.rest();
        self.network.rest();
        self.filesystem.rest();
        self.volumes.values_mut().for_each(|volume| volume.part.rest());
    }

    /// How many series there are.
    pub(super) fn series(&self) -> usize {
        let volumes: usize = self.volumes.values().map(|volume| volume.part.series()).sum();
        self.cpu.series() + self.memory.series() + self.network.series() + self.filesystem.series() + volumes
    }

    /// What this scrape recorded.
    pub(super) fn segments(&self, visit: &mut dyn FnMut(&Segment)) {
        let volumes = self.volumes.values().filter_map(|volume| volume.part.fresh());
        let parts = [self.cpu.fresh(), self.memory.fresh(), self.network.fresh(), self.filesystem.fresh()];
        parts.into_iter().flatten().chain(volumes).for_each(visit);
    }
}

/// The time of a sample: the kubelet's, unless it gave none or one that lies after its answer.
fn sampled(time: Timestamp, received: Timestamp) -> Timestamp {
    if time.0 == 0 { received } else { time.min(received) }
}

fn of_cpu(cpu: &kubelet::Cpu, whole: Whole) -> Cpu {
    let cores = cpu.usage_nano_cores.map(|nanocores| float(nanocores) / 1e9);
    Cpu { used_ns: cpu.usage_core_nano_seconds, cores, whole }
}

const fn of_memory(memory: &kubelet::Memory, whole: Whole) -> Memory {
    Memory {
        available: memory.available,
        usage: memory.usage,
        working_set: memory.working_set,
        rss: memory.rss,
        page_faults: memory.page_faults,
        major_page_faults: memory.major_page_faults,
        whole,
    }
}

fn of_filesystem(filesystem: &kubelet::Filesystem, received: Timestamp) -> (Timestamp, Filesystem) {
    let reading = Filesystem {
        available: filesystem.available,
        capacity: filesystem.capacity,
        used: filesystem.used,
        inodes: filesystem.inodes,
        inodes_free: filesystem.inodes_free,
        inodes_used: filesystem.inodes_used,
    };
    (sampled(filesystem.time, received), reading)
}

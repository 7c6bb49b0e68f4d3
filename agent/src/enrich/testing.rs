//! Rungs made by hand, for the tests of whatever is enriched.

use std::sync::Arc;
use std::time::Duration;

use exporter::model::Timestamp;
use shared_informer::index::{Index, Limits, Snapshot};
use shared_informer::pod::{
    Amounts, Container, ContainerId, ContainerKind, ContainerState, Owner, OwnerKind, Pairs, Phase, Pod,
    Runtime, Volume, VolumeSource,
};

use super::{Links, Rungs};
use crate::kubelet::{Node, Summary};
use crate::log_names::LogName;

/// The rungs of a node. A rung that was given nothing is not there; the links are, and none of them.
#[derive(Debug, Default)]
pub(crate) struct Fixture {
    watch: Option<Feed>,
    kubelet: Option<Feed>,
    summary: Option<Summary>,
    logs: Folder,
}

#[derive(Debug)]
struct Feed {
    index: Index,
    snapshot: Arc<Snapshot>,
    changes: u64,
}

impl Feed {
    fn new() -> Self {
        let index = Index::new(Limits::default());
        let snapshot = index.snapshot();
        Self { index, snapshot, changes: 0 }
    }

    fn change(&mut self, change: impl FnOnce(&mut Index, Duration)) {
        self.changes += 1;
        change(&mut self.index, Duration::from_millis(self.changes));
        self.snapshot = self.index.snapshot();
    }
}

#[derive(Debug, Default)]
struct Folder(Vec<LogName>);

impl Links for Folder {
    fn container(&self, uid: &str, id: &str) -> Option<&LogName> {
        self.0.iter().find(|link| link.uid.as_deref() == Some(uid) && *link.id == *id)
    }

    fn pod(&self, uid: &str) -> Option<&LogName> {
        self.0.iter().find(|link| link.uid.as_deref() == Some(uid))
    }
}

impl Fixture {
    /// What a scrape sees.
    pub(crate) fn rungs(&self) -> Rungs<'_> {
        Rungs {
            watch: self.watch.as_ref().map(|feed| &*feed.snapshot),
            kubelet: self.kubelet.as_ref().map(|feed| &*feed.snapshot),
            summary: self.summary.as_ref(),
            logs: &self.logs,
        }
    }

    /// The shared watch brings a pod.
    pub(crate) fn watch(&mut self, pod: Pod) {
        self.watch.get_or_insert_with(Feed::new).change(|index, now| {
            index.apply(pod, now);
        });
    }

    /// The shared watch remembers a pod of an earlier life.
    pub(crate) fn remember(&mut self, pod: Pod) {
        self.watch.get_or_insert_with(Feed::new).change(|index, _| {
            index.restore([pod]);
        });
    }

    /// The shared watch brings a deletion; `at` later nothing is left of earlier ones.
    pub(crate) fn delete(&mut self, uid: &str) {
        self.watch.get_or_insert_with(Feed::new).change(|index, now| {
            index.delete(uid, None, now);
        });
    }

    /// The tombstones' time is over.
    pub(crate) fn expire(&mut self) {
        self.watch.get_or_insert_with(Feed::new).change(|index, _| index.advance(Duration::from_hours(24)));
    }

    /// The shared watch is switched off.
    pub(crate) fn unwatch(&mut self) {
        self.watch = None;
    }

    /// The kubelet's `/pods` has this pod among others.
    pub(crate) fn kubelet(&mut self, pod: Pod) {
        self.kubelet.get_or_insert_with(Feed::new).change(|index, now| {
            index.apply(pod, now);
        });
    }

    /// The kubelet's next summary has this pod among others.
    pub(crate) fn summary(&mut self, namespace: &str, name: &str, uid: &str) {
        let mut summary = self.summary.take().unwrap_or_else(empty_summary);
        let pod = crate::kubelet::Pod {
            name: name.into(),
            namespace: namespace.into(),
            uid: uid.into(),
            started: None,
            cpu: None,
            memory: None,
            network: None,
            ephemeral_storage: None,
            volumes: Box::default(),
            containers: Box::default(),
        };
        summary.pods = summary.pods.into_iter().chain([pod]).collect();
        summary.sequence += 1;
        self.summary = Some(summary);
    }

    /// A link appears in `/var/log/containers`.
    pub(crate) fn link(
        &mut self,
        [namespace, pod, container]: [&str; 3],
        uid: &str,
        id: &str,
        restarts: u32,
    ) {
        self.logs.0.push(LogName {
            namespace: namespace.into(),
            pod: pod.into(),
            container: container.into(),
            id: id.into(),
            uid: Some(uid.into()),
            restarts: Some(restarts),
        });
    }
}

fn empty_summary() -> Summary {
    let node = Node {
        name: "n1".into(),
        started: None,
        cpu: None,
        memory: None,
        network: None,
        filesystem: None,
        image_filesystem: None,
        container_filesystem: None,
        system_containers: Box::default(),
    };
    Summary { sequence: 0, received: Timestamp(0), node, pods: Box::default() }
}

/// A running pod of node `n1` without containers, labels or owners.
pub(crate) fn pod(namespace: &str, name: &str, uid: &str) -> Pod {
    Pod {
        namespace: namespace.into(),
        name: name.into(),
        uid: uid.into(),
        resource_version: None,
        created: shared_informer::pod::Timestamp::parse("2026-11-21T06:57:59Z"),
        deleting: None,
        started: None,
        node: Some("n1".into()),
        hostname: None,
        phase: Phase::Running,
        qos: None,
        host_network: false,
        mirror: false,
        ignored: false,
        addresses: Box::default(),
        owners: Box::default(),
        deployment: None,
        config_hash: None,
        labels: Pairs::default(),
        annotations: Pairs::default(),
        volumes: Box::default(),
        containers: Box::default(),
        cut: 0,
        dropped: 0,
    }
}

/// The same with these containers.
pub(crate) fn pod_of<const N: usize>([namespace, name, uid]: [&str; 3], containers: [Container; N]) -> Pod {
    Pod { containers: containers.into(), ..pod(namespace, name, uid) }
}

/// A running app container; an empty ID is none.
pub(crate) fn container(name: &str, image: &str, id: &str, restarts: u32) -> Container {
    let id = (!id.is_empty()).then(|| ContainerId { runtime: Runtime::Containerd, id: id.into() });
    Container {
        kind: ContainerKind::App,
        name: name.into(),
        image: image.into(),
        id,
        image_id: None,
        restarts,
        state: ContainerState::Running(None),
        requests: Amounts::default(),
        limits: Amounts::default(),
    }
}

/// An owner that manages the pod.
pub(crate) fn owner(kind: &str, name: &str, uid: &str) -> Owner {
    Owner { kind: OwnerKind::new(kind), name: name.into(), uid: uid.into(), controller: true }
}

/// Labels or annotations.
pub(crate) fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Pairs {
    pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
}

/// A volume.
pub(crate) fn volume(name: &str, source: VolumeSource) -> Volume {
    Volume { name: name.into(), source }
}

/// Whole seconds since the tests' beginning.
pub(crate) const fn at(seconds: u64) -> Timestamp {
    Timestamp((1_795_244_279 + seconds) * 1_000_000_000)
}

//! `container.*` and `k8s.*`: the node's containers and pods, their volumes, and the node as the kubelet reports it.
//!
//! Joins the cgroups' figures, the pods' networks and the kubelet's summary with the names that the enricher has, into one
//! segment for each object and for each source that has a time of its own. Reads below the host's `/sys/fs/cgroup`,
//! `/proc` and `/var/log/containers`; what the API server and the kubelet said comes through [`Feeds`], and nothing is
//! asked of them.
//!
//! Invariants: an object that is gone, or goes on under other attributes, ends each of its series once, in the same
//! scrape; a figure is reported from one rung at a time; a sample of the kubelet goes out once, at its own time, and a
//! volume's at each answer that tells it; the number of series is bounded.

use std::collections::BTreeMap;
use std::time::Duration;

use exporter::model::{Metric, Timestamp};
use exporter::segment::{Segment, Shapes};

use self::capacity::Capacity;
use self::news::{News, Standing};
use self::object::{Moment, Object};
use self::orphans::Orphans;
use self::readings::{NODE, POD};
use self::round::{Place, Round};
use self::segments::{Attributes, Leaving, Maker};
use crate::catalog::own::containers as own;
use crate::catalog::{Enabled, kubeletstats};
use crate::cgroup::{self, Tree};
use crate::collectors::{Collector, Scrape, Setup, points};
use crate::enrich::{self, Enricher, Rungs};
use crate::error::SourceError;
use crate::feeds::Feeds;
use crate::kubelet::Summary;
use crate::log_names::LogNames;
use crate::pod_network::PodNetworks;
use crate::rungs::Rung;

mod amounts;
mod capacity;
mod from_kubelet;
mod interfaces;
mod news;
mod object;
mod orphans;
mod own_rows;
mod part;
mod readings;
mod round;
mod segments;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

/// The objects that are reported: the collector's `metric_groups`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set of four, each on or off by itself")]
pub struct Groups {
    /// Containers.
    pub container: bool,
    /// Pods.
    pub pod: bool,
    /// The node.
    pub node: bool,
    /// Volumes.
    pub volume: bool,
}

/// Of which objects every interface is reported, and not the default one only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AllInterfaces {
    /// Pods.
    pub pod: bool,
    /// The node.
    pub node: bool,
}

/// What can be configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which objects are reported.
    pub groups: Groups,
    /// Which interfaces.
    pub all_interfaces: AllInterfaces,
    /// The most series of all objects together; further ones are counted as `refused`.
    pub max_series: usize,
    /// How often the kubelet is asked at most: what it said is good for twice the interval in force.
    pub kubelet_period: Duration,
    /// Names and attributes.
    pub enrich: enrich::Settings,
}

/// What the switched-on metrics make necessary.
#[derive(Debug, Clone, Copy)]
struct Wants {
    pod_network: bool,
    node_network: bool,
    /// Requests and limits.
    amounts: bool,
}

impl Wants {
    fn new(enabled: &Enabled, groups: Groups) -> Self {
        use kubeletstats::{container, pod};
        let shares: [&Metric; 8] = [
            &container::CPU_LIMIT_UTILIZATION,
            &container::CPU_REQUEST_UTILIZATION,
            &container::MEMORY_LIMIT_UTILIZATION,
            &container::MEMORY_REQUEST_UTILIZATION,
            &pod::CPU_LIMIT_UTILIZATION,
            &pod::CPU_REQUEST_UTILIZATION,
            &pod::MEMORY_LIMIT_UTILIZATION,
            &pod::MEMORY_REQUEST_UTILIZATION,
        ];
        Self {
            pod_network: groups.pod && points::any(POD.network, enabled),
            node_network: groups.node && points::any(NODE.network, enabled),
            amounts: enabled.any(&shares),
        }
    }
}

/// What the cgroup reader is to read besides CPU time and memory.
fn wanted(enabled: &Enabled, groups: Groups) -> cgroup::Wanted {
    let any = |container: &[&Metric], pod: &[&Metric]| {
        groups.container && enabled.any(container) || groups.pod && enabled.any(pod)
    };
    macro_rules! any {
        ($($metric:ident),+) => { any(&[$(&own::container::$metric),+], &[$(&own::pod::$metric),+]) };
    }
    cgroup::Wanted {
        throttling: any!(CPU_THROTTLING_PERIODS, CPU_THROTTLING_THROTTLED_PERIODS, CPU_THROTTLING_TIME),
        pressure: any!(PRESSURE_TIME),
        oom_kills: any!(MEMORY_OOM_KILLS),
        pids: any!(PIDS_COUNT, PIDS_LIMIT),
        io: any!(DISK_IO, DISK_OPERATIONS),
        swap: any!(MEMORY_SWAP_USAGE),
    }
}

/// The collector of containers, pods, volumes and the node. See the module's documentation.
#[derive(Debug)]
pub struct Pods {
    setup: Setup,
    settings: Settings,
    feeds: Feeds,
    wants: Wants,
    tree: Tree,
    logs: LogNames,
    networks: PodNetworks,
    enricher: Enricher,
    capacity: Capacity,
    objects: BTreeMap<u64, Object>,
    node: Option<Object>,
    /// What the node's resource has besides the attributes of the set-up.
    node_attributes: Box<Attributes>,
    orphans: Orphans,
    news: News,
    leaving: Leaving,
    /// What the objects' segments have in common.
    shapes: Shapes,
    scrapes: u64,
    /// The interval between two answers of the kubelet, as it last was while it answered.
    kubelet_interval: Duration,
    /// The time of the scrape before; the boot before the first.
    last: Timestamp,
}

impl Pods {
    /// The collector for the host of `setup`.
    pub fn new(setup: &Setup, settings: Settings, feeds: Feeds) -> Self {
        Self {
            wants: Wants::new(&setup.enabled, settings.groups),
            tree: Tree::new(&setup.paths, wanted(&setup.enabled, settings.groups)),
            logs: LogNames::new(&setup.paths),
            // As the kubelet does with containerd and CRI-O: a pod in the host's network has the node's figures.
            networks: PodNetworks::new(&setup.paths).with_host_network(true),
            enricher: Enricher::new(settings.enrich.clone()),
            capacity: Capacity::new(&setup.paths),
            objects: BTreeMap::new(),
            node: None,
            node_attributes: Box::default(),
            orphans: Orphans::default(),
            news: News::default(),
            leaving: Leaving::default(),
            shapes: Shapes::default(),
            scrapes: 0,
            kubelet_interval: settings.kubelet_period,
            last: setup.boot_time,
            setup: setup.clone(),
            settings,
            feeds,
        }
    }

    /// Whether there is or was anything of Kubernetes on this machine.
    fn has_work(&self, summary: Option<&Summary>) -> bool {
        self.tree.is_present() || summary.is_some() || self.node.is_some() || !self.objects.is_empty()
    }

    /// The series of the scrape before that are still there.
    fn series(&self) -> usize {
        self.objects.values().chain(&self.node).map(Object::series).sum()
    }

    /// Reads whatever tells which pods there are, and what they are called.
    fn refresh(&mut self, scrape: &mut Scrape<'_>, buffer: &mut Vec<u8>, changed: bool) {
        match self.logs.refresh() {
            Ok(_) => {}
            Err(error) => scrape.fail(&error),
        }
        self.capacity.refresh(scrape);
        if self.wants.pod_network {
            // The one allocation of a steady scrape.
            let uids: Vec<_> = self.tree.pods_mut().iter().map(|pod| &*pod.uid).collect();
            self.networks.refresh(&uids, changed, buffer, &mut |error| scrape.fail(error));
        }
    }

    /// Tells which of the rungs that are read here hold. On a machine without pods nobody wants them.
    fn tell_rungs(&self, wanted: bool) {
        let rungs = &self.feeds.rungs;
        if wanted {
            rungs.set(Rung::Procfs, self.capacity.is_up());
            rungs.set(Rung::Cgroup, self.tree.is_present());
            rungs.set(Rung::Logs, self.logs.is_up());
        } else {
            for rung in [Rung::Procfs, Rung::Cgroup, Rung::Logs] {
                rungs.unused(rung);
            }
        }
    }

    /// One round over all objects; answers how many series there was no room for.
    fn observe(&mut self, scrape: &mut Scrape<'_>, buffer: &mut Vec<u8>, summary: Option<&Summary>) -> u64 {
        // While it does not answer, the interval is that of probes, and says nothing about what it said before.
        if self.feeds.rungs.is_up(Rung::Kubelet) == Some(true)
            && let Some(interval) = self.feeds.kubelet.interval()
        {
            self.kubelet_interval = interval.max(self.settings.kubelet_period);
        }
        let limit = self.kubelet_interval.saturating_mul(2);
        let standing = self.news.look(summary, (scrape.time, scrape.monotonic_ns), limit);
        let (watch, listed) = (self.feeds.watch.snapshot(), self.feeds.kubelet.latest().pods());
        let room = self.settings.max_series.saturating_sub(self.series());
        let Self {
            setup, settings, tree, logs, networks, enricher, objects, leaving, shapes, orphans, ..
        } = self;
        let on_error = &mut |error: &SourceError| scrape.failures.record(error);
        let mut round = Round {
            rungs: Rungs { watch: watch.as_deref(), kubelet: listed.as_deref(), summary, logs },
            summary,
            standing,
            moment: Moment {
                now: scrape.time,
                monotonic_ns: scrape.monotonic_ns,
                scrape: self.scrapes,
                before: self.last.min(scrape.time),
            },
            settings,
            wants: self.wants,
            wholes: self.capacity.wholes(),
            all_memory: self.capacity.memory(),
            enricher,
            networks,
            objects,
            maker: Maker { resource: &setup.resource, enabled: &setup.enabled, room, refused: 0, shapes },
            leaving,
        };
        if settings.groups.node {
            let node = self.node.get_or_insert_with(|| {
                let boot = Some(setup.boot_time);
                Object::new(&NODE, &round.moment, boot, boot)
            });
            round.node(node, &self.node_attributes, tree.root_mut(), buffer, on_error);
        }
        let objects_wanted = settings.groups.container || settings.groups.pod || settings.groups.volume;
        if objects_wanted {
            let no_cgroups = !tree.is_present();
            for pod in tree.pods_mut() {
                let is_known = round.pod(pod, buffer, on_error);
                let mut may_come = !is_known;
                for container in &mut pod.containers {
                    may_come |=
                        settings.groups.container && round.container(&pod.uid, container, buffer, on_error);
                }
                if standing == Standing::New && !may_come {
                    round.note_containers(pod, orphans);
                }
            }
            round.note_pods(tree.pods_mut(), orphans, no_cgroups);
            for (uid, name, key) in orphans.iter() {
                if name.is_empty() {
                    round.bare_pod(Place { key, uid, id: None });
                } else if settings.groups.container {
                    let pod = tree.pods_mut().binary_search_by(|pod| (*pod.uid).cmp(uid)).ok();
                    let pod = pod.map(|at| tree.pods_mut()[at].key).or_else(|| orphans.pod(uid));
                    round.bare_container(key, uid, name, pod);
                }
            }
        }
        round.let_go();
        round.maker.refused
    }

    /// What the node is called, where only the kubelet says it.
    fn name_node(&mut self, summary: Option<&Summary>) {
        const KEY: &str = "k8s.node.name";
        let is_known =
            self.setup.resource.iter().any(|(key, _)| key == KEY) || !self.node_attributes.is_empty();
        if let (false, Some(summary)) = (is_known, summary) {
            self.node_attributes = Box::new([(KEY.into(), summary.node.name.clone())]);
            if let Some(node) = &mut self.node {
                node.end(self.last, &mut self.leaving);
            }
        }
    }
}

impl Collector for Pods {
    fn name(&self) -> &'static str {
        "containers"
    }

    fn collect(&mut self, scrape: &mut Scrape<'_>) {
        self.scrapes += 1;
        self.leaving.clear();
        for object in self.objects.values_mut().chain(&mut self.node) {
            object.kubelet.rest();
        }
        let mut buffer = std::mem::take(scrape.buffer);
        let changed = self.tree.refresh(&mut buffer, &mut |error| scrape.fail(error));
        let summary = self.feeds.kubelet.latest().summary();
        let has_work = self.has_work(summary.as_deref());
        if has_work {
            self.refresh(scrape, &mut buffer, changed);
            self.name_node(summary.as_deref());
            let refused = self.observe(scrape, &mut buffer, summary.as_deref());
            if refused > 0 {
                let path = self.setup.paths.sys("fs/cgroup");
                let error = SourceError::TooMany { path, what: "series", limit: self.settings.max_series };
                scrape.fail_times(&error, refused);
            }
            self.enricher.finish();
            self.feeds.names.tell(self.enricher.tally(), self.enricher.take_faults());
        }
        self.tell_rungs(has_work);
        self.last = scrape.time;
        *scrape.buffer = buffer;
    }

    fn segments(&self, visit: &mut dyn FnMut(&Segment)) {
        self.leaving.iter().for_each(&mut *visit);
        for object in self.node.iter().chain(self.objects.values()) {
            object.segments(visit);
        }
    }
}

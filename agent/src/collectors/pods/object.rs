//! One container, one pod or the node: its series, and which rung gives them.
//!
//! Invariants: what is read here and what the kubelet says of the same row is never reported in the same scrape; an
//! object that gets other attributes, or goes, ends every series that it had exactly once.

use exporter::model::Timestamp;
use exporter::segment::{Resource, Segment};

use super::from_kubelet::FromKubelet;
use super::interfaces::Interfaces;
use super::readings::{Cpu, Memory, Network, Tables, Whole};
use super::segments::{Attributes, Leaving, Maker, SCOPE, segment};
use crate::cgroup::Figures;
use crate::collectors::points::{Points, count, float};
use crate::pod_network::Interface;

/// After so many scrapes without a figure of its own an object takes the kubelet's.
const PATIENCE: u8 = 3;

/// What a scrape knows besides the object.
pub(super) struct Moment {
    /// The wall clock.
    pub(super) now: Timestamp,
    /// The monotonic clock.
    pub(super) monotonic_ns: u64,
    /// Counts the scrapes.
    pub(super) scrape: u64,
    /// When an object that is seen for the first time began at the earliest: the scrape before, or the boot.
    pub(super) before: Timestamp,
}

/// Scrapes in a row in which a source gave nothing.
#[derive(Debug, Default)]
struct Missed(u8);

impl Missed {
    /// Takes one more scrape; answers whether patience ends with it.
    const fn saw(&mut self, something: bool) -> bool {
        if something {
            self.0 = 0;
            return false;
        }
        self.0 = self.0.saturating_add(1);
        self.0 == PATIENCE
    }

    const fn is_long(&self) -> bool {
        self.0 >= PATIENCE
    }
}

/// The figures that are read of the node's own files.
#[derive(Debug)]
struct Live {
    segment: Segment,
    cpu: Points<Cpu>,
    memory: Points<Memory>,
    uptime: Points<u64>,
    own: Points<Figures>,
    interfaces: Interfaces,
    series: usize,
}

impl Live {
    /// `None` where there is no room.
    fn new(
        tables: &'static Tables,
        maker: &mut Maker<'_>,
        resource: &Resource,
        start: Timestamp,
    ) -> Option<Self> {
        let on = maker.enabled;
        let series = count(tables.cpu, on)
            + count(tables.memory, on)
            + count(tables.uptime, on)
            + count(tables.own, on);
        if !maker.admits(series) {
            return None;
        }
        let mut segment = segment(resource, SCOPE, start);
        Some(Self {
            cpu: Points::register(&mut segment, on, tables.cpu, &[]),
            memory: Points::register(&mut segment, on, tables.memory, &[]),
            uptime: Points::register(&mut segment, on, tables.uptime, &[]),
            own: Points::register(&mut segment, on, tables.own, &[]),
            interfaces: Interfaces::new(tables.network),
            segment,
            series,
        })
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) tables: &'static Tables,
    /// The last scrape that saw it.
    seen: u64,
    /// The version of its attributes; `None` before the first.
    version: Option<u64>,
    /// Whether this scrape gave it other attributes than it had.
    renewed: bool,
    /// When it was started, as far as anybody knows.
    pub(super) started: Option<Timestamp>,
    /// When its sums began to count.
    pub(super) start: Timestamp,
    /// Its attributes, encoded, once it has any.
    resource: Option<Resource>,
    live: Option<Box<Live>>,
    cpu: Missed,
    memory: Missed,
    network: Missed,
    /// Nanoseconds of CPU time, and when they were read.
    used: Option<(u64, u64)>,
    pub(super) kubelet: FromKubelet,
}

impl Object {
    /// An object that is seen for the first time. `began` is when its sums began to count; a time that is not over is
    /// not believed.
    pub(super) fn new(
        tables: &'static Tables,
        moment: &Moment,
        began: Option<Timestamp>,
        started: Option<Timestamp>,
    ) -> Self {
        Self {
            tables,
            seen: 0,
            version: None,
            renewed: false,
            started,
            start: began.filter(|began| *began <= moment.now).unwrap_or(moment.before),
            resource: None,
            live: None,
            cpu: Missed::default(),
            memory: Missed::default(),
            network: Missed::default(),
            used: None,
            kubelet: FromKubelet::default(),
        }
    }

    /// Leaves every figure to the kubelet, at once: there are no files of this object.
    pub(super) const fn leave_to_kubelet(&mut self) {
        self.cpu = Missed(PATIENCE);
        self.memory = Missed(PATIENCE);
        self.network = Missed(PATIENCE);
    }

    /// Its attributes; `None` before it was bound to any.
    pub(super) const fn resource(&self) -> Option<&Resource> {
        self.resource.as_ref()
    }

    /// The version of its attributes.
    pub(super) const fn version(&self) -> Option<u64> {
        self.version
    }

    /// Marks it as seen, under the attributes of `version`. Under a new version everything of the earlier one ends, and
    /// what follows in this scrape goes out under `attributes`; `reported` says whether that includes figures of its own.
    pub(super) fn bind(
        &mut self,
        version: u64,
        reported: bool,
        moment: &Moment,
        maker: &mut Maker<'_>,
        leaving: &mut Leaving,
        attributes: &Attributes,
    ) {
        self.seen = moment.scrape;
        self.renewed = self.version.is_some_and(|before| before != version);
        if self.renewed {
            self.end(moment.now, leaving);
        }
        self.version = Some(version);
        let resource = self.resource.get_or_insert_with(|| maker.resource(attributes));
        if reported && self.live.is_none() {
            self.live = Live::new(self.tables, maker, resource, self.start).map(Box::new);
        }
        if let Some(live) = &mut self.live {
            live.segment.begin(moment.now);
        }
    }

    /// Records what its files said, and how long it has been running.
    pub(super) fn record(
        &mut self,
        figures: &Figures,
        whole: (Whole, Whole),
        all_memory: Option<u64>,
        moment: &Moment,
    ) {
        let cpu = figures.cpu.map(|cpu| Cpu {
            used_ns: Some(cpu.usage_ns),
            cores: self.used.and_then(|before| cores(before, (cpu.usage_ns, moment.monotonic_ns))),
            whole: whole.0,
        });
        self.used = figures.cpu.map(|cpu| (cpu.usage_ns, moment.monotonic_ns));
        let memory = figures.memory.map(|memory| Memory {
            available: memory.limit.or(all_memory).map(|limit| limit.saturating_sub(memory.working_set)),
            usage: Some(memory.usage),
            working_set: Some(memory.working_set),
            rss: Some(memory.rss),
            page_faults: Some(memory.page_faults),
            major_page_faults: Some(memory.major_page_faults),
            whole: whole.1,
        });
        let (no_cpu, no_memory) = (self.cpu.saw(cpu.is_some()), self.memory.saw(memory.is_some()));
        let Some(Live { segment, cpu: cpus, memory: memories, uptime, own, .. }) = self.live.as_deref_mut()
        else {
            return;
        };
        match cpu {
            Some(cpu) => cpus.record(segment, &cpu),
            None if no_cpu => cpus.end(segment),
            None => {}
        }
        match memory {
            Some(memory) => memories.record(segment, &memory),
            None if no_memory => memories.end(segment),
            None => {}
        }
        own.record(segment, figures);
        if let Some(started) = self.started {
            uptime.record(segment, &(moment.now.0.saturating_sub(started.0) / 1_000_000_000));
        }
    }

    /// Records the interfaces that `read` visits: the default one, or `all`.
    pub(super) fn record_network(
        &mut self,
        all: bool,
        maker: &mut Maker<'_>,
        read: impl FnOnce(&mut dyn FnMut(Interface<'_>)),
    ) {
        let Some(Live { segment, interfaces, .. }) = self.live.as_deref_mut() else { return };
        interfaces.begin();
        read(&mut |interface| {
            if all || interface.is_default {
                let reading = Network {
                    rx_bytes: Some(interface.rx_bytes),
                    rx_errors: Some(interface.rx_errors),
                    tx_bytes: Some(interface.tx_bytes),
                    tx_errors: Some(interface.tx_errors),
                };
                interfaces.record(segment, maker, interface.name, &reading);
            }
        });
        let something = interfaces.finish(segment, maker);
        if self.network.saw(something) {
            interfaces.end(segment);
        }
    }

    /// Completes the scrape of its own figures.
    pub(super) fn finish(&mut self, maker: &mut Maker<'_>) {
        if let Some(live) = &mut self.live {
            maker.finish(&mut live.segment);
        }
    }

    /// Ends every series that it has.
    pub(super) fn end(&mut self, now: Timestamp, leaving: &mut Leaving) {
        if let Some(live) = self.live.take() {
            leaving.end(live.segment, now);
        }
        self.kubelet.end(now, leaving);
        self.resource = None;
    }

    /// Takes the place of `old`, which is gone, under the same resource: what this object reports goes on, what it does not
    /// report ends, and what the kubelet said last stays good as long as it would have.
    pub(super) fn inherit(&mut self, mut old: Self, now: Timestamp, leaving: &mut Leaving) {
        match (old.live.take(), &self.live) {
            (Some(old), Some(live)) => leaving.end_but(old.segment, &live.segment, now),
            (Some(old), None) => leaving.end(old.segment, now),
            (None, _) => {}
        }
        self.kubelet.inherit(old.kubelet);
    }

    /// Whether `scrape` saw it.
    pub(super) const fn was_seen(&self, scrape: u64) -> bool {
        self.seen == scrape
    }

    /// Whether it has other attributes since this scrape, so that what the kubelet said last has to be said again.
    pub(super) const fn is_renewed(&self) -> bool {
        self.renewed
    }

    /// Whether CPU, memory and network are left to the kubelet.
    pub(super) const fn lacks(&self) -> [bool; 3] {
        [self.cpu.is_long(), self.memory.is_long(), self.network.is_long()]
    }

    /// How many series it has.
    pub(super) fn series(&self) -> usize {
        let live = self.live.as_ref().map_or(0, |live| live.series + live.interfaces.series());
        live + self.kubelet.series()
    }

    /// The segments of the finished scrape.
    pub(super) fn segments(&self, visit: &mut dyn FnMut(&Segment)) {
        if let Some(live) = &self.live {
            visit(&live.segment);
        }
        self.kubelet.segments(visit);
    }
}

/// Cores in use between two readings of (CPU nanoseconds, monotonic nanoseconds).
fn cores(before: (u64, u64), now: (u64, u64)) -> Option<f64> {
    let passed = now.1.checked_sub(before.1).filter(|passed| *passed > 0)?;
    Some(float(now.0.checked_sub(before.0)?) / float(passed))
}

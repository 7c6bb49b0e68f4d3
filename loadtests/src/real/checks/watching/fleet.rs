//! Eleven hours of a fleet that does not exist, minute by minute, as what its agents would publish of themselves.
//!
//! Its requests grow beyond its declaration, which the shipped agent cannot do: the overspender lives here only. Metrics are
//! the rows of the agent's own catalogue, encoded by the shipped encoder; what each says is a pure function of node and minute.

use std::ops::Range;

use exporter::model::{Attribute, Kind, Metric, Scope, Timestamp, ValueType};
use exporter::request::RequestBuilder;
use exporter::segment::{Segment, SeriesId};
use tare::catalog::own::{self, kube_api as rows};

/// How many agents there are.
pub(super) const NODES: u32 = 50;
/// How many minutes are told.
pub(super) const MINUTES: u32 = 660;
/// Seconds between two reports of an agent.
pub(super) const STEP: u64 = 60;

/// Requests a second that the cluster declares.
const DECLARED: f64 = 5.0;
/// Requests a second that the rules allow one node.
const NODES_LIMIT: f64 = 0.1;

/// Twice the declaration, by all nodes.
pub(super) const OVERSPENT: Range<u32> = 60..100;
/// Nothing arrives of any node.
pub(super) const SILENT: Range<u32> = 180..200;
/// The first 20 nodes hear nothing of the API server.
pub(super) const CUT_OFF: Range<u32> = 220..250;
/// The first 2 nodes are paused.
pub(super) const PAUSED: Range<u32> = 260..560;
/// The last 10 nodes do not report.
pub(super) const MISSING: Range<u32> = 580..640;

const SCOPE: Scope = Scope { name: "tare.replay", version: "1" };

/// This one goes through the SDK in the agent, so that there is no row for the encoder.
static MEMORY: Metric = Metric {
    name: own::MEMORY_USAGE.name,
    description: own::MEMORY_USAGE.description,
    unit: own::MEMORY_USAGE.unit,
    kind: Kind::Gauge,
    value_type: ValueType::Int,
    default_on: true,
};
static RUNG: Metric = Metric {
    name: own::RUNG_UP.name,
    description: own::RUNG_UP.description,
    unit: own::RUNG_UP.unit,
    kind: Kind::Gauge,
    value_type: ValueType::Int,
    default_on: true,
};

/// What one node says of one metric in one minute.
#[derive(Debug, Clone, PartialEq)]
struct Said {
    metric: &'static Metric,
    attributes: Vec<(&'static str, &'static str)>,
    value: Number,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Number {
    Int(u64),
    Double(f64),
}

fn whole(metric: &'static Metric, attributes: &[(&'static str, &'static str)], value: u64) -> Said {
    Said { metric, attributes: attributes.to_vec(), value: Number::Int(value) }
}

fn double(metric: &'static Metric, attributes: &[(&'static str, &'static str)], value: f64) -> Said {
    Said { metric, attributes: attributes.to_vec(), value: Number::Double(value) }
}

/// How much of `range` lies before `minute`.
fn within(range: &Range<u32>, minute: u32) -> u32 {
    minute.clamp(range.start, range.end) - range.start
}

/// Requests that a node has sent before `minute`: one in five minutes, and twelve a minute while it overspends.
fn asked(minute: u32) -> u32 {
    let healthy = minute - within(&OVERSPENT, minute);
    healthy / 5 + 12 * within(&OVERSPENT, minute)
}

/// Requests a second over the last `minutes`.
fn rate(minute: u32, minutes: u32) -> f64 {
    f64::from(asked(minute) - asked(minute.saturating_sub(minutes))) / (60.0 * f64::from(minutes))
}

fn is_cut_off(node: u32, minute: u32) -> bool {
    node < 20 && CUT_OFF.contains(&minute)
}

fn is_paused(node: u32, minute: u32) -> bool {
    node < 2 && PAUSED.contains(&minute)
}

/// Whether what `node` says at `minute` arrives.
pub(super) fn arrives(node: u32, minute: u32) -> bool {
    let is_missing = node >= NODES - 10 && MISSING.contains(&minute);
    !is_missing && !SILENT.contains(&minute)
}

/// Everything that `node` says at `minute`.
fn said(node: u32, minute: u32) -> Vec<Said> {
    let blind = (if node < 20 { within(&CUT_OFF, minute) } else { 0 })
        + (if node < 2 { within(&PAUSED, minute) } else { 0 });
    let state = match (is_paused(node, minute), is_cut_off(node, minute)) {
        (true, _) => "paused",
        (_, true) => "conserving",
        _ => "ok",
    };
    let up = u64::from(!is_paused(node, minute) && !is_cut_off(node, minute));
    let watch = [("verb", "watch"), ("resource", "pods"), ("reason", "watch"), ("status", "200")];
    let mut all = vec![
        whole(&rows::REQUESTS.metric, &watch, u64::from(asked(minute))),
        whole(&rows::LIST_BYTES.metric, &[], 240_000),
        whole(&rows::CLUSTER_SIZE.metric, &[("kind", "probed")], u64::from(NODES)),
        whole(&rows::FRESHNESS_DUE.metric, &[("source", "watch")], u64::from(6 * minute)),
        whole(&rows::FRESHNESS_ON_TIME.metric, &[("source", "watch")], u64::from(6 * (minute - blind))),
        whole(&MEMORY, &[], 12_000_000),
        whole(&RUNG, &[("rung", "procfs")], 1),
        whole(&RUNG, &[("rung", "watch")], up),
    ];
    for (dimension, limit) in [("requests", DECLARED), ("bytes", 16_777_216.0)] {
        let attributes = [("dimension", dimension), ("scope", "cluster")];
        all.push(double(&rows::BUDGET_LIMIT.metric, &attributes, limit));
    }
    for (window, minutes) in [("5m", 5), ("1h", 60), ("6h", 360)] {
        for (scope, limit) in [("cluster", DECLARED), ("node", NODES_LIMIT)] {
            let attributes = [("dimension", "requests"), ("scope", scope), ("window", window)];
            all.push(double(&rows::BUDGET_BURN_RATE.metric, &attributes, rate(minute, minutes) / limit));
        }
    }
    for one in ["ok", "conserving", "exhausted", "paused", "off"] {
        all.push(whole(&rows::BUDGET_STATE.metric, &[("state", one)], u64::from(one == state)));
    }
    all
}

/// One agent of the fleet.
pub(super) struct Agent {
    node: u32,
    segment: Segment,
    series: Vec<SeriesId>,
}

impl Agent {
    /// The agent of a node, whose counts began at `start`.
    pub(super) fn new(node: u32, start: Timestamp) -> Self {
        let name = format!("node-{node}");
        let resource =
            [("k8s.node.name", name.as_str()), ("k8s.cluster.name", "replay"), ("service.name", "tare")]
                .map(|(key, value)| Attribute::str(key, value));
        let mut segment = Segment::new(&resource, SCOPE, start);
        let series = said(node, 0).into_iter().map(|said| {
            let attributes: Vec<_> =
                said.attributes.iter().map(|(key, value)| Attribute::str(key, value)).collect();
            segment.series(said.metric, &attributes)
        });
        let series = series.collect();
        Self { node, segment, series }
    }

    /// Adds what it says at `minute` to a request; how many points that is.
    pub(super) fn report(&mut self, minute: u32, time: Timestamp, request: &mut RequestBuilder) -> usize {
        self.segment.begin(time);
        for (id, said) in self.series.iter().zip(said(self.node, minute)) {
            match said.value {
                Number::Int(value) => self.segment.set_u64(*id, value),
                Number::Double(value) => self.segment.set_double(*id, value),
            }
        }
        self.segment.finish();
        request.push(&self.segment);
        self.series.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fleet_is_twice_above_its_declaration_while_it_overspends_and_far_below_otherwise() {
        let fleet = |minute, minutes| rate(minute, minutes) * f64::from(NODES) / DECLARED;
        assert!((fleet(80, 5) - 2.0).abs() < 1e-9);
        assert!(fleet(60, 60) < 0.1 && fleet(300, 60) < 0.1);
    }

    #[test]
    fn every_series_of_a_node_is_the_same_in_every_minute_and_no_count_steps_back() {
        let series = |minute| said(0, minute).into_iter().map(|said| (said.metric.name, said.attributes));
        let mut before = said(0, 0);
        for minute in 1..MINUTES {
            assert!(series(minute).eq(series(0)));
            let now = said(0, minute);
            for (before, now) in before.iter().zip(&now).filter(|(_, now)| now.metric.kind != Kind::Gauge) {
                let (Number::Int(before), Number::Int(now)) = (before.value, now.value) else {
                    panic!("a count")
                };
                assert!(before <= now);
            }
            before = now;
        }
    }
}

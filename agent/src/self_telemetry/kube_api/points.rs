//! The points of one report: a pure function. The report is taken apart field by field, so that a new one cannot be
//! forgotten here, and every value of a closed set has a point of its own, also where it is zero.

use std::collections::BTreeMap;
use std::time::Duration;

use shared_informer::counts::{Asked, Counts};
use shared_informer::declaration::Declaration;
use shared_informer::distress::State;
use shared_informer::freshness::{self, Freshness};
use shared_informer::informer::report::{Refused, Report, Restart};
use shared_informer::ledger::Refusal;
use shared_informer::turns::Skip;
use shared_informer::usage::{Dimension, Scope, Usage};

use crate::catalog::own::kube_api::{self as own, Row};

/// When a sum began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    /// With the first life that the state directory remembers.
    FirstLife,
    /// With this one.
    ThisLife,
}

/// A number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    Int(u64),
    Double(f64),
}

/// One point.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) row: &'static Row,
    /// Values of the row's attributes, in their order.
    pub(super) attributes: Vec<(&'static str, &'static str)>,
    pub(super) value: Value,
    pub(super) since: Since,
}

/// Collects points.
#[derive(Default)]
struct Points(Vec<Point>);

impl Points {
    fn add(&mut self, row: &'static Row, values: &[&'static str], value: Value) {
        self.since(Since::ThisLife, row, values, value);
    }

    fn since(&mut self, since: Since, row: &'static Row, values: &[&'static str], value: Value) {
        let attributes = row.own.attributes.iter().copied().zip(values.iter().copied()).collect();
        self.0.push(Point { row, attributes, value, since });
    }

    fn int(&mut self, row: &'static Row, values: &[&'static str], value: u64) {
        self.add(row, values, Value::Int(value));
    }

    fn double(&mut self, row: &'static Row, values: &[&'static str], value: f64) {
        self.add(row, values, Value::Double(value));
    }

    /// A count for each of `all`.
    fn counts<K: Copy + Ord>(
        &mut self,
        row: &'static Row,
        all: &[K],
        name: impl Fn(K) -> &'static str,
        counts: &BTreeMap<K, u64>,
    ) {
        for key in all {
            self.int(row, &[name(*key)], counts.get(key).copied().unwrap_or(0));
        }
    }
}

/// Every point of `report`, and of what is counted beside it.
pub(super) fn of(report: &Report, usage: &Usage, freshness: &Freshness) -> Vec<Point> {
    let Report {
        state,
        dry_run,
        in_force,
        nodes_used,
        nodes_probed,
        turn_period,
        requests: counts,
        throttled,
        skipped,
        list_bytes,
        carried_bytes,
        staleness,
        restarts,
        refused,
        pods,
        confirmed,
        // The start of the counts of requests: each of their points carries it.
        since: _,
        // For `tare status`; as metrics these are the state, the limits and the periods above.
        fleet_paused: _,
        configured: _,
        nodes_source: _,
        derived: _,
        next_turn: _,
        watch_open: _,
        trouble: _,
    } = report;
    let mut points = Points::default();
    requests(&mut points, counts, *dry_run);
    points.counts(&own::THROTTLED, Refusal::ALL, Refusal::as_str, throttled);
    points.counts(&own::TURNS_SKIPPED, &Skip::ALL, Skip::as_str, skipped);
    points.counts(&own::REFUSED_ANSWERS, Refused::ALL, Refused::as_str, refused);
    budget(&mut points, usage, in_force);
    for one in State::ALL {
        points.int(&own::BUDGET_STATE, &[one.as_str()], u64::from(one == state));
    }
    points.int(&own::CLUSTER_SIZE, &["used"], u64::from(*nodes_used));
    if let Some(nodes) = nodes_probed {
        points.int(&own::CLUSTER_SIZE, &["probed"], u64::from(*nodes));
    }
    points.double(&own::TURN_PERIOD, &[], turn_period.as_secs_f64());
    points.int(&own::LIST_BYTES, &[], *list_bytes);
    points.int(&own::WATCH_BYTES, &[], *carried_bytes);
    // What a dry run takes for the newest version is imagined.
    if let Some(age) = staleness.filter(|_| !dry_run) {
        points.double(&own::WATCH_STALENESS, &[], Duration::as_secs_f64(&age));
    }
    points.counts(&own::WATCH_RESTARTS, Restart::ALL, Restart::as_str, restarts);
    for (name, is) in [("confirmed", *confirmed), ("remembered", !*confirmed)] {
        points.int(&own::INDEX_PODS, &[name], if is { *pods as u64 } else { 0 });
    }
    for source in freshness::Source::ALL {
        let count = freshness.count(*source);
        points.int(&own::FRESHNESS_DUE, &[source.as_str()], count.due);
        points.int(&own::FRESHNESS_ON_TIME, &[source.as_str()], count.on_time);
    }
    points.0
}

fn requests(points: &mut Points, counts: &Counts, dry_run: bool) {
    if !dry_run {
        for (key, number) in counts.iter() {
            let Asked { verb, resource, reason } = key.asked;
            let values = [verb.as_str(), resource.as_str(), reason.as_str(), key.status.as_str()];
            points.since(Since::FirstLife, &own::REQUESTS, &values, Value::Int(number));
        }
        return;
    }
    // What was only imagined has no status.
    let mut sums: BTreeMap<Asked, u64> = BTreeMap::new();
    for (key, number) in counts.iter() {
        let sum = sums.entry(key.asked).or_default();
        *sum = sum.saturating_add(number);
    }
    for (Asked { verb, resource, reason }, number) in sums {
        let values = [verb.as_str(), resource.as_str(), reason.as_str()];
        points.since(Since::FirstLife, &own::DRY_RUN_REQUESTS, &values, Value::Int(number));
    }
}

fn budget(points: &mut Points, usage: &Usage, in_force: &Declaration) {
    let (node, cluster) = (Scope::Node.as_str(), Scope::Cluster.as_str());
    for dimension in Dimension::ALL {
        let reading = usage.reading(*dimension, in_force);
        let dimension = dimension.as_str();
        points.double(&own::BUDGET_LIMIT, &[dimension, cluster], reading.cluster_limit);
        points.double(&own::BUDGET_LIMIT, &[dimension, node], reading.node_limit);
        points.double(&own::BUDGET_USAGE, &[dimension, node], reading.usage);
        points.double(&own::BUDGET_REMAINING, &[dimension, node], reading.remaining);
        for burn in reading.burn {
            let window = burn.span.as_str();
            points.double(&own::BUDGET_BURN_RATE, &[dimension, node, window], burn.node);
            points.double(&own::BUDGET_BURN_RATE, &[dimension, cluster, window], burn.cluster);
        }
    }
}

//! Recorded requests, turned into series: the form in which two streams can be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{NumberDataPoint, metric::Data, number_data_point};

use super::contract::{Kind, ValueType};

/// Names that start so are tare's telemetry about itself and no part of a comparison.
pub const OWN_PREFIX: &str = "tare.";

/// The resource attributes that say which thing a resource is; the others only describe it. A container is named within its
/// pod: its ID changes when it is restarted, and the collector has it only where it was asked for it.
const IDENTITY: [&str; 4] = ["k8s.container.name", "k8s.pod.uid", "k8s.volume.name", "process.pid"];

/// The flag of a point without a value, which says that its series has ended.
const NO_RECORDED_VALUE: u32 = 1;

/// Attributes in a comparable form: key to value as text.
pub type Attributes = BTreeMap<String, String>;

/// Nanoseconds since the epoch.
pub type Time = u64;

/// What a metric looked like; a metric that changes its looks has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Gauge or sum; `None` for what the contract does not know (histograms).
    pub kind: Option<Kind>,
    /// `None` where a point has no value.
    pub value_type: Option<ValueType>,
}

/// One value of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When its source was read.
    pub time: Time,
    /// The start of a cumulative sum; 0 where none was given.
    pub start: Time,
    /// The value; integers up to 2^53 are exact.
    pub value: f64,
}

/// Which thing of which resource a series is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesKey {
    /// The identifying part of the resource, or empty for the host.
    pub resource: Attributes,
    /// The points' attributes.
    pub attributes: Attributes,
}

impl std::fmt::Display for SeriesKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        for (key, value) in self.resource.iter().chain(&self.attributes) {
            let space = if text.is_empty() { "" } else { " " };
            write!(text, "{space}{key}={value}")?;
        }
        formatter.write_str(&text)
    }
}

/// Everything one side said about one metric.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetricStream {
    /// The units seen.
    pub units: BTreeSet<String>,
    /// The shapes seen.
    pub shapes: Vec<Shape>,
    /// The points of each series in order of their time.
    pub series: BTreeMap<SeriesKey, Vec<Point>>,
    /// When each series was said to have ended.
    pub ended: BTreeMap<SeriesKey, Vec<Time>>,
}

/// Everything one side said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stream {
    /// By metric name, own telemetry left out.
    pub metrics: BTreeMap<String, MetricStream>,
    /// The full attributes of each resource, by identity, in every version seen.
    pub resources: BTreeMap<Attributes, BTreeSet<Attributes>>,
    /// The number of points in `metrics`.
    pub points: u64,
    /// The number of points of own telemetry.
    pub own_points: u64,
}

impl Stream {
    /// Turns requests, in any order, into series.
    pub fn of<'a>(requests: impl IntoIterator<Item = &'a ExportMetricsServiceRequest>) -> Self {
        let mut stream = Self::default();
        for request in requests {
            stream.add(request);
        }
        for metric in stream.metrics.values_mut() {
            for points in metric.series.values_mut() {
                points.sort_by_key(|point| point.time);
            }
        }
        stream
    }

    /// Leaves only the metrics whose names begin with one of `prefixes`.
    #[must_use]
    pub fn only(mut self, prefixes: &[&str]) -> Self {
        self.metrics.retain(|name, _| prefixes.iter().any(|prefix| name.starts_with(prefix)));
        self
    }

    fn add(&mut self, request: &ExportMetricsServiceRequest) {
        for resource_metrics in &request.resource_metrics {
            let full = resource_metrics
                .resource
                .as_ref()
                .map(|resource| attributes(&resource.attributes))
                .unwrap_or_default();
            let identity: Attributes = full
                .iter()
                .filter(|(key, _)| IDENTITY.contains(&key.as_str()))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            let mut compared = false;
            for metric in resource_metrics.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
                let (kind, points) = points(metric.data.as_ref());
                if metric.name.starts_with(OWN_PREFIX) {
                    self.own_points += points.len() as u64;
                    continue;
                }
                compared = true;
                self.points += points.iter().filter(|point| has_value(point)).count() as u64;
                let entry = self.metrics.entry(metric.name.clone()).or_default();
                entry.add(&metric.unit, kind, points, &identity);
            }
            if compared {
                self.resources.entry(identity).or_default().insert(full);
            }
        }
    }
}

impl MetricStream {
    fn add(&mut self, unit: &str, kind: Option<Kind>, points: &[NumberDataPoint], resource: &Attributes) {
        if !self.units.contains(unit) {
            self.units.insert(unit.to_owned());
        }
        for point in points {
            let key = SeriesKey { resource: resource.clone(), attributes: attributes(&point.attributes) };
            if !has_value(point) {
                self.ended.entry(key).or_default().push(point.time_unix_nano);
                continue;
            }
            let (value_type, value) = match point.value {
                Some(number_data_point::Value::AsInt(value)) => (Some(ValueType::Int), lossy(value)),
                Some(number_data_point::Value::AsDouble(value)) => (Some(ValueType::Double), value),
                None => (None, f64::NAN),
            };
            let shape = Shape { kind, value_type };
            if !self.shapes.contains(&shape) {
                self.shapes.push(shape);
            }
            self.series.entry(key).or_default().push(Point {
                time: point.time_unix_nano,
                start: point.start_time_unix_nano,
                value,
            });
        }
        if points.is_empty() && kind.is_none() {
            self.shapes.push(Shape { kind, value_type: None });
        }
    }

    /// The times of the first and the last point of any series.
    pub fn span(&self) -> Option<(Time, Time)> {
        let times = || self.series.values().flatten().map(|point| point.time);
        Some((times().min()?, times().max()?))
    }
}

fn has_value(point: &NumberDataPoint) -> bool {
    point.flags & NO_RECORDED_VALUE == 0
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counters above 2^53 would compare with a relative error of 1e-16"
)]
fn lossy(value: i64) -> f64 {
    value as f64
}

fn points(data: Option<&Data>) -> (Option<Kind>, &[NumberDataPoint]) {
    match data {
        Some(Data::Gauge(gauge)) => (Some(Kind::Gauge), &gauge.data_points),
        Some(Data::Sum(sum)) => {
            let kind =
                Kind::Sum { monotonic: sum.is_monotonic, cumulative: sum.aggregation_temporality == 2 };
            (Some(kind), &sum.data_points)
        }
        _ => (None, &[]),
    }
}

/// Attributes as they come in a request, in the form in which they are compared.
pub fn attributes(pairs: &[KeyValue]) -> Attributes {
    pairs.iter().map(|pair| (pair.key.clone(), value_text(pair.value.as_ref()))).collect()
}

/// A value with its type, so that the string `1` and the integer 1 differ.
fn value_text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => format!("int:{number}"),
        Some(any_value::Value::BoolValue(flag)) => format!("bool:{flag}"),
        Some(other) => format!("{other:?}"),
        None => "none".to_owned(),
    }
}

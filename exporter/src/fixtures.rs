//! Random segments for the property tests of this crate, and the oracle's view of their bytes.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{NumberDataPoint, ResourceMetrics};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;

use crate::model::{Attribute, AttributeValue, Kind, Metric, Scope, Timestamp, ValueType};
use crate::segment::Segment;

pub(crate) const SCOPE: Scope = Scope { name: "tare.test", version: "1.2.3" };

const fn metric(name: &'static str, unit: &'static str, kind: Kind, value_type: ValueType) -> Metric {
    Metric { name, description: "What it measures.", unit, kind, value_type, default_on: true }
}

/// One metric of every kind and type.
pub(crate) static METRICS: [Metric; 6] = [
    metric("cpu.time", "s", Kind::Sum { monotonic: true }, ValueType::Double),
    metric("network.io", "By", Kind::Sum { monotonic: true }, ValueType::Int),
    metric("memory.usage", "By", Kind::Sum { monotonic: false }, ValueType::Int),
    metric("energy", "J", Kind::Sum { monotonic: false }, ValueType::Double),
    metric("cpu.utilization", "", Kind::Gauge, ValueType::Double),
    metric("threads", "{threads}", Kind::Gauge, ValueType::Int),
];

/// An attribute that owns its text.
#[derive(Debug, Clone)]
pub(crate) enum Owned {
    Str(String),
    Int(i64),
    Bool(bool),
    OnlyItem(String),
}

impl Owned {
    fn borrow(&self) -> AttributeValue<'_> {
        match self {
            Self::Str(text) => AttributeValue::Str(text),
            Self::Int(number) => AttributeValue::Int(*number),
            Self::Bool(flag) => AttributeValue::Bool(*flag),
            Self::OnlyItem(text) => AttributeValue::OnlyItem(text),
        }
    }
}

type Attributes = Vec<(String, Owned)>;

fn attributes() -> impl Strategy<Value = Attributes> {
    let value = prop_oneof![
        "(?s).{0,40}".prop_map(Owned::Str),
        any::<i64>().prop_map(Owned::Int),
        any::<bool>().prop_map(Owned::Bool),
        "(?s).{0,40}".prop_map(Owned::OnlyItem),
    ];
    vec(("(?s).{1,12}", value), 0..4)
}

fn borrowed(attributes: &Attributes) -> Vec<Attribute<'_>> {
    attributes.iter().map(|(key, value)| Attribute { key, value: value.borrow() }).collect()
}

/// A finished segment of up to 40 points, some ended, over all kinds of metrics.
pub(crate) fn segment() -> impl Strategy<Value = Segment> {
    let point = (0..METRICS.len(), attributes(), any::<i64>(), any::<f64>(), 0..10_u8);
    (attributes(), vec(point, 0..40), 1..u64::MAX).prop_map(|(resource, points, start)| {
        let mut segment = Segment::new(&borrowed(&resource), SCOPE, Timestamp(start));
        let mut ids = Vec::new();
        for (metric, attributes, ..) in &points {
            ids.push(segment.series(&METRICS[*metric], &borrowed(attributes)));
        }
        segment.begin(Timestamp(start.saturating_add(7)));
        for (id, (metric, _, int, double, ended)) in ids.iter().zip(&points) {
            match METRICS[*metric].value_type {
                ValueType::Int => segment.set_int(*id, *int),
                ValueType::Double => segment.set_double(*id, *double),
            }
            if *ended == 0 {
                segment.end(*id);
            }
        }
        segment.finish();
        segment
    })
}

pub(crate) fn decode(body: &[u8]) -> ExportMetricsServiceRequest {
    ExportMetricsServiceRequest::decode(body).expect("valid protobuf")
}

/// The points of a gauge or a sum.
pub(crate) fn points_mut(data: &mut Option<Data>) -> &mut Vec<NumberDataPoint> {
    match data {
        Some(Data::Gauge(gauge)) => &mut gauge.data_points,
        Some(Data::Sum(sum)) => &mut sum.data_points,
        other => panic!("neither gauge nor sum: {other:?}"),
    }
}

/// The points of a request in order, each with its resource, scope and metric and alone in it.
pub(crate) fn single_points(body: &[u8]) -> Vec<ResourceMetrics> {
    let mut singles = Vec::new();
    for resource in decode(body).resource_metrics {
        for scope in &resource.scope_metrics {
            for metric in &scope.metrics {
                let mut metric = metric.clone();
                for point in std::mem::take(points_mut(&mut metric.data)) {
                    let mut single = resource.clone();
                    let mut alone = metric.clone();
                    points_mut(&mut alone.data).push(point);
                    single.scope_metrics.truncate(1);
                    single.scope_metrics[0].metrics = vec![alone];
                    singles.push(single);
                }
            }
        }
    }
    singles
}

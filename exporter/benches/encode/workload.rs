//! One scrape of a busy node, encoded in two ways: through segments, and through prost's structs.
//!
//! 250 resources of 20 points each, shared by the instruction counts (`benches/encode`) and the allocation
//! gate (`tests/allocations.rs`). Both ways start from the same plain figures and end with the same request.

use bytes::Bytes;
use exporter::model::{Attribute, Kind, Metric, Scope, Timestamp, ValueType};
use exporter::request::RequestBuilder;
use exporter::segment::{Segment, SeriesId};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Metric as Built, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
    metric::Data,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;

/// Segments in the workload.
pub(crate) const RESOURCES: usize = 250;
/// Points of each segment in a full scrape.
pub(crate) const POINTS: usize = METRICS.len() * VALUES.len();

const DOUBLES: usize = 2 * VALUES.len();
const START: u64 = 1_700_000_000_000_000_000;
const SCOPE: Scope = Scope { name: "tare.bench", version: "0.1.0" };
const KEY: &str = "state";
const VALUES: [&str; 4] = ["user", "system", "idle", "interrupt"];

const fn metric(name: &'static str, unit: &'static str, kind: Kind, value_type: ValueType) -> Metric {
    let description = "A figure of the node, split by state.";
    Metric { name, description, unit, kind, value_type, default_on: true }
}

/// The first [`DOUBLES`] points of a resource are doubles, the others integers.
static METRICS: [Metric; 5] = [
    metric("system.cpu.time", "s", Kind::Sum { monotonic: true }, ValueType::Double),
    metric("system.memory.utilization", "1", Kind::Gauge, ValueType::Double),
    metric("system.network.io", "By", Kind::Sum { monotonic: true }, ValueType::Int),
    metric("system.disk.operations", "{operations}", Kind::Sum { monotonic: true }, ValueType::Int),
    metric("system.memory.usage", "By", Kind::Sum { monotonic: false }, ValueType::Int),
];

/// The resource attributes of number `resource`.
fn resource_attributes(resource: usize) -> [(&'static str, String); 4] {
    [
        ("k8s.namespace.name", format!("team-{}", resource % 16)),
        ("k8s.pod.name", format!("backend-{resource:04}-6f7c9d8b5-x{resource:04}")),
        ("k8s.pod.uid", format!("{resource:08x}-7d3c-4e8f-9a51-{resource:012x}")),
        ("k8s.container.name", "backend".to_owned()),
    ]
}

/// The figure of a point in a scrape; it grows, as counters do.
const fn figure(scrape: u64, point: usize) -> i64 {
    ((scrape * 1000) as i64) + (point as i64)
}

/// The node's segments.
pub(crate) struct Segments {
    scrape: u64,
    resources: Vec<(Segment, Vec<SeriesId>)>,
    builder: RequestBuilder,
}

impl Segments {
    /// Registers every series.
    pub(crate) fn new() -> Self {
        let segments = (0..RESOURCES).map(|number| {
            let owned = resource_attributes(number);
            let attributes: Vec<_> = owned.iter().map(|(key, value)| Attribute::str(key, value)).collect();
            let mut segment = Segment::new(&attributes, SCOPE, Timestamp(START));
            let series = METRICS.iter().flat_map(|metric| VALUES.map(|value| (metric, value)));
            let ids =
                series.map(|(metric, value)| segment.series(metric, &[Attribute::str(KEY, value)])).collect();
            (segment, ids)
        });
        Self { scrape: 0, resources: segments.collect(), builder: RequestBuilder::default() }
    }

    /// One scrape of the first `points` series of every segment.
    pub(crate) fn scrape(&mut self, points: usize) {
        self.scrape += 1;
        for (segment, ids) in &mut self.resources {
            segment.begin(Timestamp(START + self.scrape));
            let (doubles, integers) = ids[..points].split_at(DOUBLES);
            for (id, point) in doubles.iter().zip(0..) {
                segment.set_double(*id, figure(self.scrape, point) as f64);
            }
            for (id, point) in integers.iter().zip(DOUBLES..) {
                segment.set_int(*id, figure(self.scrape, point));
            }
            segment.finish();
        }
    }

    /// The scrape as one request.
    pub(crate) fn request(&mut self) -> Bytes {
        for (segment, _) in &self.resources {
            self.builder.push(segment);
        }
        self.builder.drain().next().map_or_else(Bytes::new, |request| request.body)
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(any_value::Value::StringValue(value.to_owned()));
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value }), ..KeyValue::default() }
}

fn built_metric(scrape: u64, index: usize, metric: &Metric) -> Built {
    let mut data_points = Vec::with_capacity(VALUES.len());
    for (offset, value) in VALUES.iter().enumerate() {
        let figure = figure(scrape, index * VALUES.len() + offset);
        data_points.push(NumberDataPoint {
            attributes: vec![text(KEY, value)],
            start_time_unix_nano: if metric.kind == Kind::Gauge { 0 } else { START },
            time_unix_nano: START + scrape,
            value: Some(match metric.value_type {
                ValueType::Int => Value::AsInt(figure),
                ValueType::Double => Value::AsDouble(figure as f64),
            }),
            ..NumberDataPoint::default()
        });
    }
    let data = match metric.kind {
        Kind::Gauge => Data::Gauge(Gauge { data_points }),
        Kind::Sum { monotonic } => Data::Sum(Sum {
            data_points,
            aggregation_temporality: AggregationTemporality::Cumulative.into(),
            is_monotonic: monotonic,
        }),
    };
    Built {
        name: metric.name.to_owned(),
        description: metric.description.to_owned(),
        unit: metric.unit.to_owned(),
        metadata: Vec::new(),
        data: Some(data),
    }
}

/// The same for prost: the resources' attributes are at hand, the rest is built for each request.
pub(crate) struct Prost {
    scrape: u64,
    resources: Vec<[(&'static str, String); 4]>,
}

impl Prost {
    /// Prepares what does not change.
    pub(crate) fn new() -> Self {
        Self { scrape: 0, resources: (0..RESOURCES).map(resource_attributes).collect() }
    }

    /// One scrape as one request.
    pub(crate) fn request(&mut self) -> Bytes {
        self.scrape += 1;
        let resources = self.resources.iter().map(|attributes| {
            let attributes = attributes.iter().map(|(key, value)| text(key, value)).collect();
            let metrics = METRICS.iter().enumerate();
            let scope = InstrumentationScope {
                name: SCOPE.name.to_owned(),
                version: SCOPE.version.to_owned(),
                ..InstrumentationScope::default()
            };
            ResourceMetrics {
                resource: Some(Resource { attributes, ..Resource::default() }),
                scope_metrics: vec![ScopeMetrics {
                    scope: Some(scope),
                    metrics: metrics
                        .map(|(index, metric)| built_metric(self.scrape, index, metric))
                        .collect(),
                    schema_url: String::new(),
                }],
                schema_url: String::new(),
            }
        });
        ExportMetricsServiceRequest { resource_metrics: resources.collect() }.encode_to_vec().into()
    }
}

/// Whether two requests carry the same metrics; their bytes differ in the order of fields.
pub(crate) fn same(left: &[u8], right: &[u8]) -> bool {
    let [left, right] = [left, right].map(ExportMetricsServiceRequest::decode);
    matches!((left, right), (Ok(left), Ok(right)) if left == right)
}

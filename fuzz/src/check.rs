//! What must hold of every scrape and every request, by the eyes of the reference types.

use std::collections::{HashMap, HashSet};

use exporter::json;
use exporter::model::{Kind, Timestamp, ValueType};
use exporter::segment::Segment;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::AggregationTemporality::Cumulative;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint, metric::Data};
use prost::Message as _;
use tare::catalog;

/// The flag "no recorded value".
const NO_VALUE: u32 = 1;

/// The request in `bytes`.
pub fn decode(bytes: &[u8]) -> ExportMetricsServiceRequest {
    ExportMetricsServiceRequest::decode(bytes).expect("what is encoded is an OTLP request")
}

/// The points of a gauge or of a sum.
pub fn points(metric: &Metric) -> &[NumberDataPoint] {
    match &metric.data {
        Some(Data::Gauge(gauge)) => &gauge.data_points,
        Some(Data::Sum(sum)) => &sum.data_points,
        other => panic!("{}: neither gauge nor sum: {other:?}", metric.name),
    }
}

/// The scrapes of one collector, compared with one another.
#[derive(Default)]
pub struct Samples {
    time: u64,
    /// By series: when its last sum began, and the sum.
    sums: HashMap<String, (u64, Value)>,
    seen: HashSet<String>,
}

impl Samples {
    /// A scrape at `time` begins.
    pub fn begin(&mut self, time: Timestamp) {
        self.time = time.0;
        self.seen.clear();
    }

    /// Judges the points of one segment.
    pub fn add(&mut self, segment: &Segment) {
        let mut count = 0;
        for resource in decode(&segment.encoded()).resource_metrics {
            let place = format!("{:?}", resource.resource);
            for metric in resource.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
                count += points(metric).len();
                self.metric(metric, &place);
            }
        }
        assert_eq!(count, segment.points(), "the points that are counted are those that are there");
        round_trip(&segment.encoded());
    }

    fn metric(&mut self, metric: &Metric, place: &str) {
        let known = catalog::find(&metric.name).expect("every metric is in the catalog");
        assert_eq!(metric.unit, known.unit);
        let monotonic = match (&metric.data, known.kind) {
            (Some(Data::Gauge(_)), Kind::Gauge) => false,
            (Some(Data::Sum(sum)), Kind::Sum { monotonic }) => {
                assert_eq!(sum.is_monotonic, monotonic, "{}", metric.name);
                assert_eq!(sum.aggregation_temporality(), Cumulative, "{}", metric.name);
                monotonic
            }
            (data, kind) => panic!("{}: {data:?} is not {kind:?}", metric.name),
        };
        for point in points(metric) {
            let series = format!("{place} {} {:?}", metric.name, point.attributes);
            assert!(self.seen.insert(series.clone()), "two points of one series: {series}");
            assert_eq!(point.time_unix_nano, self.time, "{series}");
            assert!(point.start_time_unix_nano <= point.time_unix_nano, "{series} starts after its time");
            let Some(value) = point.value else {
                assert_eq!(point.flags, NO_VALUE, "{series}");
                continue;
            };
            assert_eq!(point.flags, 0, "{series}");
            match value {
                Value::AsInt(number) => {
                    assert_eq!(known.value_type, ValueType::Int, "{series}");
                    assert!(number >= 0, "{series}: {number}");
                }
                Value::AsDouble(number) => {
                    assert_eq!(known.value_type, ValueType::Double, "{series}");
                    assert!(number.is_finite() && number >= 0.0, "{series}: {number}");
                }
            }
            if monotonic {
                self.monotonic(series, point.start_time_unix_nano, value);
            }
        }
    }

    /// A counter that went backwards has started anew.
    fn monotonic(&mut self, series: String, start: u64, value: Value) {
        let shown = series.clone();
        let Some((started, last)) = self.sums.insert(series, (start, value)) else { return };
        let fell = match (value, last) {
            (Value::AsInt(value), Value::AsInt(last)) => value < last,
            (Value::AsDouble(value), Value::AsDouble(last)) => value < last,
            _ => panic!("{shown} changed its type"),
        };
        assert!(!fell || start > started, "{shown}: {value:?} after {last:?}, both since {start}");
    }
}

/// Our JSON of a request that we encoded is the request.
pub fn round_trip(body: &[u8]) {
    assert!(same_as_json(body), "a request that we encoded was not written as JSON");
}

/// Writes `body` as JSON. Answers whether it was written; what was written is one line of valid JSON and, where
/// the reference encodes what it reads in `body` as the same bytes, the same request.
pub fn same_as_json(body: &[u8]) -> bool {
    let mut line = Vec::new();
    if json::write_request(&mut line, body).is_err() {
        return false;
    }
    let text = std::str::from_utf8(&line).expect("JSON is UTF-8");
    assert!(!text.contains('\n'), "one request is one line");
    match ExportMetricsServiceRequest::decode(body) {
        Ok(request) if request.encode_to_vec() == body && is_readable(&request) => {
            let parsed: ExportMetricsServiceRequest = serde_json::from_str(text).expect("OTLP/JSON");
            assert_eq!(parsed, request);
        }
        _ => drop(serde_json::from_str::<serde_json::Value>(text).expect("valid JSON")),
    }
    true
}

/// Whether the reference reads the request's JSON: it has no form for doubles that are not finite, and refuses
/// an attribute without a key, which OTLP does not allow either.
fn is_readable(request: &ExportMetricsServiceRequest) -> bool {
    let has_keys = |attributes: &[KeyValue]| attributes.iter().all(|pair| !pair.key.is_empty());
    let resources = &request.resource_metrics;
    let metrics =
        resources.iter().flat_map(|resource| &resource.scope_metrics).flat_map(|scope| &scope.metrics);
    let is_finite = |point: &NumberDataPoint| match point.value {
        Some(Value::AsDouble(value)) => value.is_finite(),
        _ => true,
    };
    resources.iter().flat_map(|resource| &resource.resource).all(|resource| has_keys(&resource.attributes))
        && metrics
            .filter(|metric| metric.data.is_some())
            .flat_map(points)
            .all(|point| is_finite(point) && has_keys(&point.attributes))
}

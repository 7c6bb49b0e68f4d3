use std::collections::BTreeMap;

use exporter::queue::{Limits, Queue};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message as _;

use super::*;
use crate::catalog::own;
use crate::collectors::Failures;
use crate::error::SourceError;
use crate::stats::Scraped;

/// Everything published by an agent that has scraped once, failed once and has one output, and its points.
async fn publish() -> (ExportMetricsServiceRequest, u64) {
    let registry = Arc::new(Registry::default());
    let mut failures = Failures::default();
    failures.record(&SourceError::Timeout { path: "/x".into() });
    let scraped = Scraped { samples: 3, lag_ns: 5, missed: 1, busy_ns: 2, refused: 0, failures: &failures };
    registry.collector("cpu").add(&scraped);
    let queue = Queue::new("t", Limits::default(), Arc::default());
    let outlets: Outlets =
        Arc::new(Mutex::new(vec![Outlet { name: "t".to_owned(), queue: Arc::clone(&queue) }]));
    let resource = [("host.name".to_owned(), "n1".to_owned())];
    let own = Own { resource: &resource, registry, paths: &HostPaths::default() };
    let telemetry = SelfTelemetry::new(&own, outlets).unwrap();
    telemetry.on_duration()("cpu", 0.25);
    telemetry.publish().await;
    let item = queue.try_pop().expect("one request");
    let answer = (ExportMetricsServiceRequest::decode(item.body().clone()).unwrap(), item.points());
    item.delivered(0);
    answer
}

fn points(data: &Data) -> usize {
    match data {
        Data::Gauge(gauge) => gauge.data_points.len(),
        Data::Sum(sum) => sum.data_points.len(),
        Data::Histogram(histogram) => histogram.data_points.len(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_metric_of_the_documented_table_is_published_as_it_says_and_no_other() {
    let (request, announced) = publish().await;
    let metrics: BTreeMap<_, _> = request.resource_metrics[0].scope_metrics[0]
        .metrics
        .iter()
        .map(|metric| (&*metric.name, metric))
        .collect();
    let names: Vec<_> = metrics.keys().copied().collect();
    let mut documented: Vec<_> = own::ALL.iter().map(|metric| metric.name).collect();
    documented.sort_unstable();
    assert_eq!(names, documented);
    for row in own::ALL {
        let metric = metrics[row.name];
        assert_eq!((&*metric.unit, &*metric.description), (row.unit, row.description));
        let instrument = match metric.data.as_ref().unwrap() {
            Data::Gauge(_) => own::Instrument::Gauge,
            Data::Histogram(_) => own::Instrument::Histogram,
            Data::Sum(sum) if sum.is_monotonic && sum.aggregation_temporality == 2 => {
                own::Instrument::Counter
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(instrument, row.instrument, "{}", row.name);
    }
    let published: usize = metrics.values().map(|metric| points(metric.data.as_ref().unwrap())).sum();
    assert_eq!(published as u64, announced, "what a drop would count is what was in the request");
}

#[tokio::test]
async fn the_attributes_of_each_metric_are_those_of_the_table() {
    let (request, _) = publish().await;
    for metric in &request.resource_metrics[0].scope_metrics[0].metrics {
        let row = own::ALL.iter().find(|row| row.name == metric.name).unwrap();
        let attributes = match metric.data.as_ref().unwrap() {
            Data::Gauge(gauge) => &gauge.data_points[0].attributes,
            Data::Sum(sum) => &sum.data_points[0].attributes,
            Data::Histogram(histogram) => &histogram.data_points[0].attributes,
            other => panic!("{other:?}"),
        };
        let mut keys: Vec<_> = attributes.iter().map(|attribute| &*attribute.key).collect();
        let mut expected = row.attributes.to_vec();
        keys.sort_unstable();
        expected.sort_unstable();
        assert_eq!(keys, expected, "{}", row.name);
    }
}

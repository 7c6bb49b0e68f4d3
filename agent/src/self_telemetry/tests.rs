use std::collections::BTreeMap;

use exporter::output::{Output, Settings, Status};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use prost::Message as _;
use shared_informer::reviews::Access;

use super::*;
use crate::catalog::own;
use crate::collectors::Failures;
use crate::enrich::{Faults, Tally};
use crate::error::SourceError;
use crate::stats::Scraped;

/// Everything published by an agent that has scraped once, failed once, has one output and one report of its informer;
/// and its points.
async fn publish(dry_run: bool) -> (ExportMetricsServiceRequest, u64) {
    let folder = tempfile::tempdir().unwrap();
    let disk = Some(exporter::disk::Settings::new(folder.path()));
    // A name, so that there is something to be known about it; nothing is asked.
    let settings = Settings { disk, ..Settings::new("t", "http://collector.test/v1/metrics") };
    publish_to(&settings, dry_run, |_| true).await
}

/// The same with this output, once it is `ready`: its disk has a thread of its own.
async fn publish_to(
    settings: &Settings,
    dry_run: bool,
    ready: impl Fn(&Status) -> bool,
) -> (ExportMetricsServiceRequest, u64) {
    let registry = Arc::new(Registry::default());
    let mut failures = Failures::default();
    failures.record(&SourceError::Timeout { path: "/x".into() });
    let scraped = Scraped { samples: 3, lag_ns: 5, missed: 1, busy_ns: 2, refused: 0, failures: &failures };
    registry.collector("cpu").add(&scraped);
    let (queue, output) = Output::new(settings).unwrap();
    while !ready(&output.monitor().status()) {
        std::thread::yield_now();
    }
    let outlets: Outlets = Arc::new(Mutex::new(vec![Outlet {
        name: "t".to_owned(),
        queue: Arc::clone(&queue),
        monitor: output.monitor(),
        names: output.names(),
    }]));
    let resource = [("host.name".to_owned(), "n1".to_owned())];
    let own = Own { resource: &resource, registry, paths: &HostPaths::default() };
    let telemetry = SelfTelemetry::new(&own, outlets).unwrap();
    telemetry.on_duration()("cpu", 0.25);
    let not_a_directory = StateDir::open(std::path::Path::new("/dev/null/state")).unwrap();
    telemetry.observe_state(&Arc::new(not_a_directory));
    let feeds = Feeds::default();
    let feeds = Feeds { kubelet: crate::kubelet::desk::tests::busy(feeds.rungs.clone()), ..feeds };
    feeds.names.tell(Tally { reported: 2, waiting: 1, ..Tally::default() }, Faults::default());
    feeds.names.tell(Tally { reported: 3, ..Tally::default() }, Faults { conflicts: 2, ..Faults::default() });
    feeds.names.tell(Tally { reported: 3, ..Tally::default() }, Faults { conflicts: 1, ..Faults::default() });
    telemetry.observe_sources(&feeds);
    let mut both = kube_api::tests::report(Access::Off);
    both.dry_run = dry_run;
    telemetry.kube_api().observe(
        kube_api::tests::now(1_000),
        both,
        &kube_api::tests::scraped(Access::Off, None),
    );
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

/// The metrics of a request whose parts all have the same resource.
fn all(request: &ExportMetricsServiceRequest) -> impl Iterator<Item = &Metric> {
    let parts = &request.resource_metrics;
    assert!(parts.iter().all(|part| part.resource.as_ref().unwrap().attributes.len() == 1), "{parts:?}");
    parts.iter().flat_map(|part| &part.scope_metrics).flat_map(|part| &part.metrics)
}

#[tokio::test]
async fn every_metric_of_the_documented_table_is_published_as_it_says_and_no_other() {
    let (run, announced) = publish(false).await;
    let (dry_run, _) = publish(true).await;
    let published: usize = all(&run).map(|metric| points(metric.data.as_ref().unwrap())).sum();
    assert_eq!(published as u64, announced, "what a drop would count is what was in the request");
    let metrics: BTreeMap<_, _> =
        all(&run).chain(all(&dry_run)).map(|metric| (&*metric.name, metric)).collect();
    let names: Vec<_> = metrics.keys().copied().collect();
    let mut documented: Vec<_> = own::all().map(|metric| metric.name).collect();
    documented.sort_unstable();
    assert_eq!(names, documented);
    for row in own::all() {
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
}

#[tokio::test]
async fn the_attributes_of_each_metric_are_those_of_the_table() {
    let (request, _) = publish(false).await;
    for metric in all(&request) {
        let row = own::all().find(|row| row.name == metric.name).unwrap();
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

#[tokio::test]
async fn an_output_without_a_disk_log_or_a_name_has_no_series_of_them() {
    for (endpoint, named) in [("http://collector.test/", true), ("http://127.0.0.1:9/", false)] {
        let (request, _) = publish_to(&Settings::new("t", endpoint), false, |_| true).await;
        let names: Vec<_> = request.resource_metrics[0].scope_metrics[0]
            .metrics
            .iter()
            .map(|metric| &*metric.name)
            .filter(|name| name.starts_with("tare.output.d"))
            .collect();
        let expected: &[_] =
            if named { &["tare.output.dns.staleness", "tare.output.dns.lookups"] } else { &[] };
        assert_eq!(names, expected, "{endpoint}");
    }
}

#[tokio::test]
async fn a_disk_that_does_not_work_shows_as_trouble() {
    let folder = tempfile::tempdir().unwrap();
    // A file stands where the folder should be.
    let taken = folder.path().join("taken");
    std::fs::write(&taken, "").unwrap();
    let settings = Settings {
        disk: Some(exporter::disk::Settings::new(&taken)),
        ..Settings::new("t", "http://127.0.0.1:9/")
    };
    let tried = |status: &Status| status.disk.as_ref().is_some_and(|disk| disk.trouble.is_some());
    let (request, _) = publish_to(&settings, false, tried).await;
    let mut metrics = request.resource_metrics[0].scope_metrics[0].metrics.iter();
    let trouble = metrics.find(|metric| metric.name == own::DISK_TROUBLE.name).expect("there is a disk log");
    let Some(Data::Gauge(gauge)) = &trouble.data else { panic!("{trouble:?}") };
    assert_eq!(gauge.data_points[0].value, Some(Value::AsInt(1)));
}

#[tokio::test]
async fn each_kind_of_failure_is_told_of_each_of_many_outputs() {
    const OUTPUTS: usize = 20;
    let made: Vec<_> = (0..OUTPUTS)
        .map(|number| Output::new(&Settings::new(&number.to_string(), "http://127.0.0.1:9/")).unwrap())
        .collect();
    let outlets: Vec<_> = made
        .iter()
        .enumerate()
        .map(|(number, (queue, output))| Outlet {
            name: number.to_string(),
            queue: Arc::clone(queue),
            monitor: output.monitor(),
            names: output.names(),
        })
        .collect();
    let about = Own { resource: &[], registry: Arc::new(Registry::default()), paths: &HostPaths::default() };
    let telemetry = SelfTelemetry::new(&about, Arc::new(Mutex::new(outlets))).unwrap();
    telemetry.publish().await;
    let item = made[0].0.try_pop().expect("one request");
    let request = ExportMetricsServiceRequest::decode(item.body().clone()).unwrap();
    let scopes = request.resource_metrics.iter().flat_map(|part| &part.scope_metrics);
    let mut metrics = scopes.flat_map(|part| &part.metrics);
    let failures = metrics.find(|metric| metric.name == own::OUTPUT_FAILURES.name).unwrap();
    assert_eq!(points(failures.data.as_ref().unwrap()), OUTPUTS * Failure::ALL.len());
    item.delivered(0);
}

/// The points of a metric of whole things, by their one attribute.
fn by_attribute(metric: &Metric) -> Vec<(String, i64)> {
    let points = match metric.data.as_ref().unwrap() {
        Data::Gauge(gauge) => &gauge.data_points,
        Data::Sum(sum) => &sum.data_points,
        other => panic!("{other:?}"),
    };
    let text = |value: &opentelemetry_proto::tonic::common::v1::AnyValue| match &value.value {
        Some(opentelemetry_proto::tonic::common::v1::any_value::Value::StringValue(text)) => text.clone(),
        other => panic!("{other:?}"),
    };
    let mut all: Vec<_> = points
        .iter()
        .map(|point| {
            let Some(Value::AsInt(value)) = point.value else { panic!("{point:?}") };
            (text(point.attributes[0].value.as_ref().unwrap()), value)
        })
        .collect();
    all.sort_unstable();
    all
}

#[tokio::test]
async fn names_are_told_as_they_stand_and_what_was_refused_adds_up_over_scrapes() {
    let (request, _) = publish(false).await;
    let found = |name: &str| by_attribute(all(&request).find(|metric| metric.name == name).unwrap());
    let pairs = |pairs: &[(&str, i64)]| -> Vec<_> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect()
    };
    assert_eq!(found(own::NAMES_OBJECTS.name), pairs(&[("reported", 3), ("skipped", 0), ("waiting", 0)]));
    assert_eq!(found(own::NAMES_REFUSED.name), pairs(&[("conflict", 3), ("invalid", 0), ("limit", 0)]));
}

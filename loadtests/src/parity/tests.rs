//! Two synthetic streams that agree, and one test for each way in which they may stop to.

mod starts;

use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric::Data,
};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::compare::{Settings, longest_gap};
use super::report::Report;
use super::rules::Rules;
use super::starts::Starts;
use super::stream::Stream;
use super::{Aspect, Side};
use super::{Mismatch, contract};

const CONTRACT: &str = "receiver,scraper,metric,unit,kind,value_type,monotonic,temporality,default,attributes\n\
    hostmetrics,disk,disk.io,By,sum,int,yes,cumulative,on,\"device direction{read,write}\"\n\
    hostmetrics,load,load.1m,{thread},gauge,double,,,on,\n";

const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_000 * SECOND;

/// One scrape: disk.io for two directions, and load.1m.
fn scrape(time: u64, load: f64) -> ExportMetricsServiceRequest {
    let io = |direction: &str, value| NumberDataPoint {
        attributes: vec![text("device", "vda"), text("direction", direction)],
        start_time_unix_nano: 5 * SECOND,
        time_unix_nano: time,
        value: Some(Value::AsInt(value)),
        ..NumberDataPoint::default()
    };
    let sum = Sum {
        data_points: vec![io("read", io_value(time, 0)), io("write", 7)],
        aggregation_temporality: 2,
        is_monotonic: true,
    };
    let gauge = Gauge {
        data_points: vec![NumberDataPoint {
            time_unix_nano: time,
            value: Some(Value::AsDouble(load)),
            ..NumberDataPoint::default()
        }],
    };
    let metric = |name: &str, unit: &str, data| Metric {
        name: name.into(),
        unit: unit.into(),
        data: Some(data),
        ..Metric::default()
    };
    let scope = ScopeMetrics {
        metrics: vec![
            metric("disk.io", "By", Data::Sum(sum)),
            metric("load.1m", "{thread}", Data::Gauge(gauge)),
        ],
        ..ScopeMetrics::default()
    };
    let resource = ResourceMetrics {
        resource: Some(Resource::default()),
        scope_metrics: vec![scope],
        ..ResourceMetrics::default()
    };
    ExportMetricsServiceRequest { resource_metrics: vec![resource] }
}

/// A counter that grows by 100 a second.
fn io_value(time: u64, offset: i64) -> i64 {
    i64::try_from((time - START) / (SECOND / 100)).unwrap() + offset
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(any_value::Value::StringValue(value.into())) });
    KeyValue { key: key.into(), value, ..KeyValue::default() }
}

type Requests = Vec<ExportMetricsServiceRequest>;

/// Eight scrapes of the collector at 0, 5, 10 ... s and eight of tare 2 s later; load is 1 throughout.
fn agreeing() -> (Requests, Requests) {
    let at = |offset: u64| (0..8).map(move |k| START + (k * 5 + offset) * SECOND);
    (at(0).map(|time| scrape(time, 1.0)).collect(), at(2).map(|time| scrape(time, 1.0)).collect())
}

fn settings() -> Settings {
    Settings {
        rows: contract::parse(CONTRACT).unwrap(),
        interval: Duration::from_secs(5),
        settle: Duration::from_millis(100),
        lag: Duration::ZERO,
        start_slack: Duration::from_secs(2),
        starts: Starts::default(),
        began: START - SECOND,
        may_be_absent: ["load.1m".to_owned()].into(),
        exact: false,
    }
}

fn judge(collector: &Requests, tare: &Requests, rules: &Rules) -> Report {
    Report::of(&Stream::of(collector), &Stream::of(tare), &settings(), rules)
}

/// What the comparison says after `change` was done to tare's requests.
fn after(change: impl FnOnce(&mut Requests)) -> Vec<(Aspect, String)> {
    let (collector, mut tare) = agreeing();
    change(&mut tare);
    let report = judge(&collector, &tare, &Rules::default());
    report.open().map(|Mismatch { aspect, metric, .. }| (*aspect, metric.clone())).collect()
}

fn metric(request: &mut ExportMetricsServiceRequest, index: usize) -> &mut Metric {
    &mut request.resource_metrics[0].scope_metrics[0].metrics[index]
}

fn sum(request: &mut ExportMetricsServiceRequest) -> &mut Sum {
    match metric(request, 0).data.as_mut() {
        Some(Data::Sum(sum)) => sum,
        other => panic!("{other:?}"),
    }
}

fn gauge_point(request: &mut ExportMetricsServiceRequest) -> &mut NumberDataPoint {
    match metric(request, 1).data.as_mut() {
        Some(Data::Gauge(gauge)) => &mut gauge.data_points[0],
        other => panic!("{other:?}"),
    }
}

fn io(aspect: Aspect) -> Vec<(Aspect, String)> {
    vec![(aspect, "disk.io".to_owned())]
}

fn load(aspect: Aspect) -> Vec<(Aspect, String)> {
    vec![(aspect, "load.1m".to_owned())]
}

#[test]
fn two_streams_of_one_machine_agree() {
    let (collector, tare) = agreeing();
    let report = judge(&collector, &tare, &Rules::default());
    assert!(report.holds(), "{}", report.table());
    let io = &report.rows[0];
    // tare's first seven scrapes lie between two of the collector's, the eighth after its last.
    assert_eq!((io.series, io.points_collector, io.points_tare, io.compared), (2, 16, 16, 14));
}

#[test]
fn the_order_in_which_requests_arrive_does_not_matter() {
    assert!(after(|tare| tare.reverse()).is_empty());
}

#[test]
fn own_telemetry_is_not_compared_but_counted() {
    let (collector, mut tare) = agreeing();
    let mut own = metric(&mut tare[0], 1).clone();
    own.name = "tare.queue.bytes".into();
    tare[0].resource_metrics[0].scope_metrics[0].metrics.push(own);
    assert!(judge(&collector, &tare, &Rules::default()).holds());
    let stream = Stream::of(&tare);
    assert_eq!((stream.own_points, stream.points), (1, 24));
}

#[test]
fn a_metric_that_one_side_never_sends_is_missing() {
    let gone = |tare: &mut Requests| {
        for request in tare {
            request.resource_metrics[0].scope_metrics[0].metrics.remove(1);
        }
    };
    assert_eq!(after(gone), load(Aspect::Missing));
    let (mut collector, tare) = agreeing();
    gone(&mut collector);
    let report = judge(&collector, &tare, &Rules::default());
    assert_eq!(report.open().map(|found| found.aspect).collect::<Vec<_>>(), [Aspect::Missing]);
}

#[test]
fn a_row_that_another_comparison_proves_may_be_absent_on_both_sides_together() {
    let gone = |requests: &mut Requests, index: usize| {
        for request in requests {
            request.resource_metrics[0].scope_metrics[0].metrics.remove(index);
        }
    };
    for (index, holds) in [(0, false), (1, true)] {
        let (mut collector, mut tare) = agreeing();
        gone(&mut collector, index);
        gone(&mut tare, index);
        assert_eq!(judge(&collector, &tare, &Rules::default()).holds(), holds);
    }
}

#[test]
fn a_metric_outside_the_rows_is_unexpected() {
    let found = after(|tare| {
        let mut extra = metric(&mut tare[0], 1).clone();
        extra.name = "load.2m".into();
        tare[0].resource_metrics[0].scope_metrics[0].metrics.push(extra);
    });
    assert_eq!(found, [(Aspect::Unexpected, "load.2m".to_owned())]);
}

#[test]
fn each_difference_in_looks_is_named() {
    assert_eq!(after(|tare| metric(&mut tare[3], 0).unit = "KiBy".into()), io(Aspect::Unit));
    assert_eq!(after(|tare| sum(&mut tare[3]).is_monotonic = false), io(Aspect::Monotonic));
    assert_eq!(after(|tare| sum(&mut tare[3]).aggregation_temporality = 1), io(Aspect::Temporality));
    let kind = after(|tare| {
        let data_points = std::mem::take(&mut sum(&mut tare[3]).data_points);
        metric(&mut tare[3], 0).data = Some(Data::Gauge(Gauge { data_points }));
    });
    assert_eq!(kind, io(Aspect::Kind));
    let value_type = after(|tare| gauge_point(&mut tare[3]).value = Some(Value::AsInt(1)));
    assert_eq!(value_type, load(Aspect::ValueType));
}

#[test]
fn an_attribute_that_is_unknown_lacking_or_out_of_its_set_is_found() {
    let with = |change: fn(&mut Vec<KeyValue>)| {
        let mut found = after(|tare| {
            for request in tare {
                change(&mut sum(request).data_points[1].attributes);
            }
        });
        found.dedup();
        found
    };
    let both = [io(Aspect::Attributes), io(Aspect::Series)].concat();
    assert_eq!(with(|attributes| attributes.push(text("cpu", "0"))), both);
    assert_eq!(with(|attributes| drop(attributes.remove(0))), both);
    assert_eq!(with(|attributes| attributes[1] = text("direction", "sideways")), both);
    // An open attribute may have any value, but the series is then not the collector's.
    assert_eq!(with(|attributes| attributes[0] = text("device", "vdb")), io(Aspect::Series));
}

#[test]
fn a_missing_scrape_a_missing_point_and_a_doubled_point_are_found() {
    assert!(after(|tare| drop(tare.remove(4))).iter().all(|(aspect, _)| *aspect == Aspect::Points));
    assert_eq!(after(|tare| drop(tare.remove(4))).len(), 3);
    assert_eq!(after(|tare| drop(sum(&mut tare[4]).data_points.pop())), io(Aspect::Points));
    assert_eq!(after(|tare| drop(sum(&mut tare[0]).data_points.pop())), []);
    assert_eq!(
        after(|tare| (0..2).for_each(|k| drop(sum(&mut tare[k]).data_points.pop()))),
        io(Aspect::Points)
    );
    assert_eq!(
        after(|tare| (6..8).for_each(|k| drop(sum(&mut tare[k]).data_points.pop()))),
        io(Aspect::Points)
    );
    let doubled = after(|tare| {
        let again = sum(&mut tare[4]).data_points[0].clone();
        sum(&mut tare[4]).data_points.push(again);
    });
    assert_eq!(doubled, io(Aspect::Points));
}

/// Gives the resource of every request these attributes.
fn set(requests: &mut Requests, pairs: &[(&str, &str)]) {
    for request in requests {
        let attributes = pairs.iter().map(|(key, value)| text(key, value)).collect();
        request.resource_metrics[0].resource = Some(Resource { attributes, ..Resource::default() });
    }
}

#[test]
fn the_collectors_resource_attributes_have_to_be_among_tares() {
    let (mut collector, mut tare) = agreeing();
    set(&mut collector, &[("process.pid", "1"), ("process.owner", "root")]);
    set(&mut tare, &[("process.pid", "1"), ("process.owner", "root"), ("host.name", "n")]);
    assert!(judge(&collector, &tare, &Rules::default()).holds());
    set(&mut tare, &[("process.pid", "1"), ("process.owner", "nobody")]);
    let aspects = |report: &Report| report.open().map(|found| found.aspect).collect::<Vec<_>>();
    assert_eq!(aspects(&judge(&collector, &tare, &Rules::default())), [Aspect::Resource]);
    // Another process is another resource, not another description of the same.
    set(&mut tare, &[("process.pid", "2"), ("process.owner", "root")]);
    let found = aspects(&judge(&collector, &tare, &Rules::default()));
    assert!(!found.is_empty() && found.iter().all(|aspect| *aspect == Aspect::Series), "{found:?}");
}

#[test]
fn a_counter_outside_the_two_reads_that_bracket_it_is_found() {
    // tare reads 2 s after the collector, whose counter then grows by 300 more until its next read.
    let by = |amount: i64| {
        after(|tare| {
            sum(&mut tare[3]).data_points[0].value =
                Some(Value::AsInt(io_value(START + 17 * SECOND, amount)));
        })
    };
    assert_eq!(by(300), []);
    assert_eq!(by(301), io(Aspect::Value));
    assert_eq!(by(-200), []);
    assert_eq!(by(-201), io(Aspect::Value));
}

#[test]
fn a_figure_that_stands_still_has_to_be_equal() {
    assert_eq!(
        after(|tare| gauge_point(&mut tare[3]).value = Some(Value::AsDouble(1.001))),
        load(Aspect::Value)
    );
    assert_eq!(
        after(|tare| gauge_point(&mut tare[3]).value = Some(Value::AsDouble(f64::NAN))),
        load(Aspect::Value)
    );
    assert_eq!(
        after(|tare| sum(&mut tare[3]).data_points[1].value = Some(Value::AsInt(8))),
        io(Aspect::Value)
    );
}

#[test]
fn values_that_never_overlap_in_time_are_not_called_equal() {
    let later = after(|tare| *tare = (0..8).map(|k| scrape(START + (100 + k * 5) * SECOND, 1.0)).collect());
    assert_eq!(later.iter().filter(|(aspect, _)| *aspect == Aspect::Compared).count(), 3, "{later:?}");
}

#[test]
fn a_side_that_begins_late_or_stops_early_is_found() {
    assert_eq!(after(|tare| drop(tare.drain(..1))), []);
    let late = after(|tare| drop(tare.drain(..2)));
    assert_eq!(late, [io(Aspect::Points), load(Aspect::Points)].concat());
    let early = after(|tare| tare.truncate(5));
    assert_eq!(early, [io(Aspect::Points), load(Aspect::Points)].concat());
}

const TOLERANCES: &str = "metric,absolute,relative,motion,windows,reason\n\
    load.1m,0,0.01,0.5,2,moves every five seconds\n";

#[test]
fn a_tolerance_widens_the_bracket_by_its_figures_and_no_further() {
    let rules = Rules::parse(TOLERANCES, "").unwrap();
    let with = |value: f64, rules: &Rules| {
        let (mut collector, mut tare) = agreeing();
        // The reads around tare's fourth: 1, 1 | 2, 1. Motion 1, low 1, high 2.
        gauge_point(&mut collector[4]).value = Some(Value::AsDouble(2.0));
        gauge_point(&mut tare[3]).value = Some(Value::AsDouble(value));
        judge(&collector, &tare, rules).holds()
    };
    assert!(with(2.0, &Rules::default()) && !with(2.1, &Rules::default()));
    // High 2, half the motion 0.5, one hundredth of 2.
    assert!(with(2.52, &rules) && !with(2.53, &rules));
    assert!(with(0.48, &rules) && !with(0.47, &rules));
}

#[test]
fn sources_that_stand_still_get_no_tolerance() {
    let rules = Rules::parse(TOLERANCES, "").unwrap();
    let (collector, mut tare) = agreeing();
    gauge_point(&mut tare[3]).value = Some(Value::AsDouble(1.005));
    let judge = |exact| {
        let settings = Settings { exact, ..settings() };
        Report::of(&Stream::of(&collector), &Stream::of(&tare), &settings, &rules).holds()
    };
    assert!(judge(false) && !judge(true));
}

#[test]
fn an_exception_covers_its_aspect_of_its_series_only() {
    let (collector, mut tare) = agreeing();
    sum(&mut tare[3]).data_points[1].value = Some(Value::AsInt(8));
    let judge = |exceptions: &str| {
        let exceptions = format!("metric,aspect,series,reason\n{exceptions}");
        judge(&collector, &tare, &Rules::parse("", &exceptions).unwrap())
    };
    assert!(judge("disk.io,value,direction=write,why").holds());
    assert!(judge("disk.io,value,,why").holds());
    for other in ["disk.io,value,direction=read,why", "disk.io,unit,,why", "load.1m,value,,why"] {
        let report = judge(other);
        assert!(!report.holds(), "{other}");
        assert_eq!(report.unused_exceptions.len(), 1);
    }
}

#[test]
fn exceptions_need_a_reason_and_are_at_most_ten() {
    let head = "metric,aspect,series,reason\n";
    assert!(Rules::parse("", &format!("{head}disk.io,value,,")).is_err());
    assert!(Rules::parse("", &format!("{head}disk.io,colour,,why")).is_err());
    let many = |count: usize| head.to_owned() + &"disk.io,value,,why\n".repeat(count);
    assert!(Rules::parse("", &many(10)).is_ok());
    assert!(Rules::parse("", &many(11)).is_err());
}

#[test]
fn the_projects_own_contract_can_be_read_whole() {
    let text = include_str!("../../../agent/tests/fixtures/parity/metrics.csv");
    let rows = contract::parse(text).unwrap();
    assert_eq!(rows.len(), text.lines().count() - 1);
    let state = rows.iter().find(|row| row.metric == "system.cpu.time").unwrap();
    assert_eq!(state.attributes.len(), 2);
    assert_eq!(state.attributes[1].1.len(), 8);
}

#[test]
fn a_figure_that_the_reference_reports_late_is_compared_with_its_later_reads() {
    // The collector says at 20 s what was true at 10 s.
    let lagging = |k: u64| {
        let mut request = scrape(START + k * 5 * SECOND, 1.0);
        let old = io_value(START + k.saturating_sub(2) * 5 * SECOND, 0);
        if let Some(Data::Sum(sum)) = &mut metric(&mut request, 0).data {
            sum.data_points[0].value = Some(Value::AsInt(old));
        }
        request
    };
    let collector: Requests = (0..8).map(lagging).collect();
    let (_, tare) = agreeing();
    let judged = |lag| {
        let settings = Settings { lag: Duration::from_secs(lag), ..settings() };
        let report = Report::of(&Stream::of(&collector), &Stream::of(&tare), &settings, &Rules::default());
        report.open().map(|mismatch| mismatch.aspect).collect::<Vec<_>>()
    };
    assert_eq!(judged(10), []);
    assert_eq!(judged(0), [Aspect::Value]);
}

#[test]
fn a_point_without_a_value_ends_its_series_and_is_no_value() {
    let (_, mut tare) = agreeing();
    let last = tare.last_mut().unwrap();
    if let Some(Data::Gauge(gauge)) = &mut metric(last, 1).data {
        gauge.data_points[0].flags = 1;
        gauge.data_points[0].value = None;
    }
    let stream = Stream::of(&tare);
    let load = &stream.metrics["load.1m"];
    assert_eq!(load.series.values().map(Vec::len).collect::<Vec<_>>(), [7]);
    assert_eq!(load.ended.values().flatten().collect::<Vec<_>>(), [&(START + 37 * SECOND)]);
    assert!(load.shapes.iter().all(|shape| shape.value_type.is_some()));
}

#[test]
fn each_version_of_a_resource_needs_a_counterpart_on_the_other_side() {
    let described = |requests: &mut Requests, from: usize, restarts: &str| {
        for request in &mut requests[from..] {
            let attributes = vec![text("k8s.pod.uid", "u"), text("restarts", restarts)];
            request.resource_metrics[0].resource = Some(Resource { attributes, ..Resource::default() });
        }
    };
    let judged = |ours: [&str; 2]| {
        let (mut collector, mut tare) = agreeing();
        for (requests, [first, second]) in [(&mut collector, ["0", "1"]), (&mut tare, ours)] {
            described(requests, 0, first);
            described(requests, 4, second);
        }
        let report = judge(&collector, &tare, &Rules::default());
        report.open().any(|mismatch| mismatch.aspect == Aspect::Resource)
    };
    assert!(!judged(["0", "1"]));
    assert!(judged(["0", "0"]), "a version of the collector is missing");
    assert!(judged(["2", "1"]), "a version that the collector never had");
}

#[test]
fn what_another_looks_at_may_come_later_by_its_lag_from_tare_and_from_nobody_else() {
    let settings = Settings { lag: Duration::from_secs(20), ..settings() };
    let longest = |side, metric: &str| longest_gap(side, metric, &settings).as_millis();
    assert_eq!(longest(Side::Tare, "container.filesystem.usage"), 27_500);
    assert_eq!(longest(Side::Tare, "k8s.pod.volume.usage"), 27_500);
    assert_eq!(longest(Side::Collector, "container.filesystem.usage"), 7_500);
    assert_eq!(longest(Side::Tare, "container.memory.usage"), 7_500);
    let host = Settings { lag: Duration::ZERO, ..settings };
    assert_eq!(longest_gap(Side::Tare, "system.filesystem.usage", &host), Duration::from_millis(7500));
}

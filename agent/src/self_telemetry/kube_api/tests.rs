use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint};
use prost::Message as _;
use shared_informer::clock::Mono;
use shared_informer::counts::{Asked, Counts, Reason, Resource, Status, Verb};
use shared_informer::declaration::Declaration;
use shared_informer::derive::{Fleet, derive};
use shared_informer::freshness::Source;
use shared_informer::informer::report::{Refused, Restart};
use shared_informer::ledger::Refusal;
use shared_informer::reviews::Access;
use shared_informer::turns::Skip;
use shared_informer::usage::{Dimension, Scope as LimitScope, Span};

use super::*;
use crate::catalog::own;

const LIST: Asked = Asked { verb: Verb::List, resource: Resource::Pods, reason: Reason::List };

pub(in crate::self_telemetry) fn now(seconds: u64) -> Now {
    let since = Duration::from_secs(seconds);
    Now { wall: Wall::new(since + Duration::from_secs(1_700_000_000)), mono: Mono::new(since) }
}

pub(in crate::self_telemetry) fn scraped(access: Access, last_success: Option<u64>) -> Scraped {
    let kubelet = Kubelet { access, period: Duration::from_mins(1), subresources: 1 };
    Scraped { kubelet, last_success: last_success.map(Duration::from_secs) }
}

/// A report of a node that is well: 5,000 nodes, two requests so far.
pub(in crate::self_telemetry) fn report(access: Access) -> Report {
    let declaration = Declaration::default();
    let kubelet = scraped(access, None).kubelet;
    let derived = derive(&declaration, &Fleet { nodes: 5_000, list_bytes: None, kubelet }).unwrap();
    let mut requests = Counts::new();
    requests.add(LIST, Status::Ok, 2);
    Report {
        state: State::Ok,
        fleet_paused: false,
        dry_run: false,
        in_force: declaration,
        configured: declaration,
        nodes_used: 5_000,
        nodes_source: shared_informer::size::Source::Probed,
        nodes_probed: Some(4_000),
        derived,
        turn_period: derived.turn_period,
        next_turn: now(500).wall,
        since: now(0).wall.minus(Duration::from_hours(48)),
        requests,
        throttled: BTreeMap::from([(Refusal::Guard, 3)]),
        skipped: BTreeMap::from([(Skip::Young, 1)]),
        list_bytes: 13_000,
        carried_bytes: 777,
        watch_open: Some(Duration::from_secs(9)),
        staleness: Some(Duration::from_secs(42)),
        restarts: BTreeMap::from([(Restart::Gone, 4)]),
        refused: BTreeMap::from([(Refused::Pod, 5)]),
        pods: 17,
        confirmed: true,
        trouble: None,
    }
}

/// What is published after these reports, ten seconds apart: `name{key="value" ...} number since start`.
fn lines(reports: &[(Report, Scraped)]) -> Vec<String> {
    let kube_api = KubeApi::new(&[("host.name".to_owned(), "n1".to_owned())]);
    for ((report, scraped), tick) in reports.iter().zip(0..) {
        kube_api.observe(now(1_000 + tick * 10), report.clone(), scraped);
    }
    let encoded = kube_api.encode(timestamp(now(2_000).wall));
    let request = ExportMetricsServiceRequest::decode(encoded.bytes).unwrap();
    let mut lines = Vec::new();
    for part in &request.resource_metrics {
        assert_eq!(part.resource.as_ref().unwrap().attributes[0].key, "host.name");
        for metric in &part.scope_metrics[0].metrics {
            lines.extend(points_of(metric).iter().map(|point| line(&metric.name, point)));
        }
    }
    assert_eq!(lines.len() as u64, encoded.points);
    lines
}

fn points_of(metric: &Metric) -> &[NumberDataPoint] {
    match metric.data.as_ref().unwrap() {
        Data::Gauge(gauge) => &gauge.data_points,
        Data::Sum(sum) => &sum.data_points,
        other => panic!("{other:?}"),
    }
}

fn line(name: &str, point: &NumberDataPoint) -> String {
    let attributes: Vec<_> = point
        .attributes
        .iter()
        .map(|pair| {
            let value = pair.value.as_ref().and_then(|value| value.value.as_ref()).unwrap();
            let opentelemetry_proto::tonic::common::v1::any_value::Value::StringValue(text) = value else {
                panic!("{value:?}")
            };
            format!("{}={text:?}", pair.key)
        })
        .collect();
    let number = match point.value.unwrap() {
        Number::AsInt(number) => number.to_string(),
        Number::AsDouble(number) => format!("{number:?}"),
    };
    let since = match point.start_time_unix_nano {
        0 => String::new(),
        start => format!(" since {}", i128::from(start / 1_000_000_000) - 1_700_000_000),
    };
    format!("{name}{{{}}} {number}{since}", attributes.join(" "))
}

/// The lines of one metric.
fn of<'a>(name: &str, lines: &'a [String]) -> Vec<&'a str> {
    let start = format!("{name}{{");
    lines
        .iter()
        .filter_map(|line| line.strip_prefix(&start))
        .map(|line| line.trim_start_matches('}'))
        .collect()
}

#[test]
fn a_report_becomes_exactly_these_points() {
    let off = scraped(Access::Off, None);
    let mut later = report(Access::Off);
    later.requests.add(LIST, Status::None, 1);
    later.list_bytes += 1_000;
    let lines = lines(&[(report(Access::Off), off), (later, off)]);
    let page = lines.join("\n") + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/self_telemetry/kube_api.txt");
    if std::env::var_os("TARE_BLESS").is_some() {
        std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
        std::fs::write(path, &page).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(page, expected, "kube_api.txt is another one (TARE_BLESS=1 rewrites it)");
}

#[test]
fn the_counts_of_requests_begin_with_the_first_life_and_all_others_with_this_one() {
    let lines = lines(&[(report(Access::Off), scraped(Access::Off, None))]);
    let expected = r#"verb="list" resource="pods" reason="list" status="200"} 2 since -172800"#;
    assert_eq!(of("tare.kube_api.requests", &lines), [expected]);
    for sum in ["tare.kube_api.watch.bytes", "tare.kube_api.list.bytes", "tare.freshness.due"] {
        assert!(of(sum, &lines).iter().all(|line| line.ends_with(" since 1000")), "{sum}: {lines:?}");
    }
}

fn names<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|one| name(*one)).collect()
}

#[test]
fn every_value_of_a_closed_set_is_a_point_with_its_name() {
    let mut all = report(Access::Token);
    all.requests = Counts::new();
    for verb in Verb::ALL {
        for resource in Resource::ALL {
            for reason in Reason::ALL {
                for status in Status::ALL {
                    let asked = Asked { verb: *verb, resource: *resource, reason: *reason };
                    all.requests.add(asked, *status, 1);
                }
            }
        }
    }
    let lines = lines(&[(all, scraped(Access::Token, Some(1)))]);
    assert!(lines.len() < 2_000, "more series than any backend is asked to bear from the SDK");
    for (metric, key, values) in [
        ("requests", "verb", names(Verb::ALL, Verb::as_str)),
        ("requests", "resource", names(Resource::ALL, Resource::as_str)),
        ("requests", "reason", names(Reason::ALL, Reason::as_str)),
        ("requests", "status", names(Status::ALL, Status::as_str)),
        ("throttled", "source", names(Refusal::ALL, Refusal::as_str)),
        ("turns.skipped", "reason", names(&Skip::ALL, Skip::as_str)),
        ("refused_answers", "reason", names(Refused::ALL, Refused::as_str)),
        ("watch.restarts", "reason", names(Restart::ALL, Restart::as_str)),
        ("budget.state", "state", names(State::ALL, State::as_str)),
        ("budget.limit", "dimension", names(Dimension::ALL, Dimension::as_str)),
        ("budget.limit", "scope", names(LimitScope::ALL, LimitScope::as_str)),
        ("budget.burn_rate", "window", names(Span::ALL, Span::as_str)),
        ("budget.burn_rate", "scope", names(LimitScope::ALL, LimitScope::as_str)),
    ] {
        let found = of(&format!("tare.kube_api.{metric}"), &lines);
        for value in values {
            assert!(
                found.iter().any(|line| line.contains(&format!("{key}={value:?}"))),
                "{metric}: {key}={value}"
            );
        }
    }
    for source in Source::ALL {
        let pair = format!("source={:?}", source.as_str());
        assert!(of("tare.freshness.due", &lines).iter().any(|line| line.contains(&pair)), "{pair}");
    }
}

#[test]
fn every_row_of_the_table_is_published_by_a_run_or_by_a_dry_run() {
    let run = report(Access::Off);
    let dry = Report { dry_run: true, ..run.clone() };
    let names = |report| -> BTreeSet<String> {
        let lines = lines(&[(report, scraped(Access::Off, None))]);
        lines.iter().filter_map(|line| line.split_once('{')).map(|(name, _)| name.to_owned()).collect()
    };
    let all: BTreeSet<_> = own::kube_api::ALL.iter().map(|row| row.own.name.to_owned()).collect();
    let without = |missing: &[&str]| -> BTreeSet<String> {
        all.iter().filter(|name| !missing.contains(&name.as_str())).cloned().collect()
    };
    assert_eq!(names(run), without(&["tare.kube_api.dry_run.requests"]));
    assert_eq!(names(dry), without(&["tare.kube_api.requests", "tare.kube_api.watch.staleness"]));
}

#[test]
fn exactly_one_state_is_one() {
    for state in State::ALL {
        let mut report = report(Access::Off);
        report.state = *state;
        let lines = lines(&[(report, scraped(Access::Off, None))]);
        let states = of("tare.kube_api.budget.state", &lines);
        let on: Vec<_> = states.iter().filter(|line| line.ends_with(" 1")).collect();
        assert_eq!((states.len(), on.len()), (State::ALL.len(), 1));
        assert!(on[0].contains(state.as_str()));
    }
}

#[test]
fn what_is_imagined_has_counts_of_its_own_and_uses_nothing_of_the_budget() {
    let off = scraped(Access::Off, None);
    let mut dry = report(Access::Off);
    dry.dry_run = true;
    let mut later = dry.clone();
    later.requests.add(LIST, Status::Ok, 5);
    later.requests.add(LIST, Status::None, 1);
    let mut for_real = later.clone();
    for_real.dry_run = false;
    for_real.requests.add(LIST, Status::Ok, 3);
    let imagined = lines(&[(dry.clone(), off), (later.clone(), off)]);
    assert_eq!(
        of("tare.kube_api.dry_run.requests", &imagined),
        [r#"verb="list" resource="pods" reason="list"} 8 since -172800"#]
    );
    let usage = r#"dimension="requests" scope="node"} "#;
    let used = |lines: &[String]| -> f64 {
        let line =
            of("tare.kube_api.budget.usage", lines).into_iter().find_map(|line| line.strip_prefix(usage));
        line.unwrap().parse().unwrap()
    };
    assert!(used(&imagined).abs() < 1e-12);
    let switched = lines(&[(dry, off), (later, off), (for_real, off)]);
    assert!((used(&switched) - 3.0 / 3_600.0).abs() < 1e-12, "{switched:?}");
}

#[test]
fn knowledge_is_on_time_while_it_is_asked_for_and_recent() {
    let count = |report: &Report, scraped: Scraped| {
        let lines = lines(&[(report.clone(), scraped), (report.clone(), scraped)]);
        let of = |metric: &str, source: &str| -> u64 {
            let start = format!("source={source:?}}} ");
            let line = of(metric, &lines).into_iter().find_map(|line| line.strip_prefix(&start)).unwrap();
            line.split_once(' ').unwrap().0.parse().unwrap()
        };
        [
            (of("tare.freshness.due", "watch"), of("tare.freshness.on_time", "watch")),
            (of("tare.freshness.due", "kubelet"), of("tare.freshness.on_time", "kubelet")),
        ]
    };
    let well = report(Access::Token);
    let period = well.derived.kubelet_period.unwrap().as_secs();
    assert_eq!(count(&well, scraped(Access::Token, Some(period + 10))), [(1, 1), (1, 1)]);
    assert_eq!(count(&well, scraped(Access::Token, Some(period + 11))), [(1, 1), (1, 0)]);
    assert_eq!(count(&report(Access::Off), scraped(Access::Off, None)), [(1, 1), (0, 0)]);
    let with = |change: fn(&mut Report)| {
        let mut changed = well.clone();
        change(&mut changed);
        count(&changed, scraped(Access::Token, Some(1)))
    };
    assert_eq!(with(|report| report.staleness = Some(Duration::from_secs(131))), [(1, 0), (1, 1)]);
    assert_eq!(with(|report| report.staleness = None), [(1, 0), (1, 1)]);
    for stopped in [
        |report: &mut Report| report.state = State::Paused,
        |report: &mut Report| report.state = State::Off,
        |report: &mut Report| report.dry_run = true,
    ] {
        assert_eq!(with(stopped), [(1, 0), (1, 0)]);
    }
    // The port without authentication costs nothing, so a pause does not stop it.
    let mut paused = report(Access::ReadOnly);
    paused.state = State::Paused;
    assert_eq!(count(&paused, scraped(Access::ReadOnly, Some(1))), [(1, 0), (1, 1)]);
}

#[test]
fn before_the_first_report_and_after_the_end_of_the_informer_nothing_is_said() {
    let kube_api = KubeApi::new(&[]);
    let is_silent = || {
        let encoded = kube_api.encode(Timestamp(1));
        encoded.bytes.is_empty() && encoded.points == 0
    };
    assert!(is_silent());
    kube_api.observe(now(1), report(Access::Off), &scraped(Access::Off, None));
    assert!(!is_silent());
    kube_api.forget();
    assert!(is_silent());
}

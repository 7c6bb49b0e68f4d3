use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{Gauge, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::*;

fn pair((key, value): &(&str, &str)) -> KeyValue {
    let value = Some(AnyValue { value: Some(any_value::Value::StringValue((*value).to_owned())) });
    KeyValue { key: (*key).to_owned(), value, ..KeyValue::default() }
}

/// A request with one point of `container.memory.usage`; none for one without a value.
fn usage(names: &[(&str, &str)], time: Time, value: Option<i64>) -> ExportMetricsServiceRequest {
    let point = NumberDataPoint {
        time_unix_nano: time,
        value: value.map(number_data_point::Value::AsInt),
        flags: u32::from(value.is_none()),
        ..NumberDataPoint::default()
    };
    let metric = Metric {
        name: "container.memory.usage".to_owned(),
        data: Some(Data::Gauge(Gauge { data_points: vec![point] })),
        ..Metric::default()
    };
    let resource = Resource { attributes: names.iter().map(pair).collect(), ..Resource::default() };
    let scope = ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() };
    let resource = ResourceMetrics {
        resource: Some(resource),
        scope_metrics: vec![scope],
        ..ResourceMetrics::default()
    };
    ExportMetricsServiceRequest { resource_metrics: vec![resource] }
}

const NAMES: [(&str, &str); 5] = [
    ("k8s.namespace.name", "ns"),
    ("k8s.pod.name", "p"),
    ("k8s.pod.uid", "u1"),
    ("k8s.container.name", "main"),
    ("container.id", "c1"),
];

/// One container, the third of all, from 100 to 200.
fn book() -> Book {
    let identity = Identity {
        uid: "u1".to_owned(),
        pod: "ns/p".to_owned(),
        container: Some(("main".to_owned(), "c1".to_owned())),
    };
    let pod = Identity { container: None, ..identity.clone() };
    let life = Life { number: 3, from: 100, to: Some(200), named: Some(120) };
    Book { lives: [(identity, life), (pod.clone(), life)].into(), pods: [("u1".to_owned(), pod)].into() }
}

fn wrong(names: &[(&str, &str)], [time, at]: [Time; 2], value: i64) -> u64 {
    let mut findings = Findings::default();
    findings.take(&book(), at, &usage(names, time, Some(value)));
    assert_eq!(findings.samples(), 1);
    assert_eq!(findings.seen() as u64 + findings.nameless(), 1 - findings.wrong());
    findings.wrong()
}

#[test]
fn a_sample_is_right_under_the_names_and_in_the_time_and_with_the_figure_of_what_existed() {
    let figure = 3 * 4096;
    assert_eq!(wrong(&NAMES, [150, 151], figure), 0);
    assert_eq!(wrong(&NAMES, [99, 100], figure), 0, "it came while the agent was reading");
    assert_eq!(wrong(&NAMES, [200, 300], figure), 0, "it went while the agent was reading");
    assert_eq!(wrong(&NAMES, [90, 99], figure), 1, "before it was there");
    assert_eq!(wrong(&NAMES, [201, 300], figure), 1, "after it was gone");
    assert_eq!(wrong(&NAMES, [150, 151], figure + 1), 1, "another's figure");
    for (at, value) in ["other", "q", "u2", "side", "c2"].into_iter().enumerate() {
        let mut names = NAMES;
        names[at].1 = value;
        assert_eq!(wrong(&names, [150, 151], figure), 1, "{value}");
    }
    assert_eq!(wrong(&NAMES[..4], [150, 151], figure), 1, "without the ID it is nobody");
}

#[test]
fn a_pod_may_be_nameless_until_a_link_names_it_and_its_figures_may_not_be_anothers() {
    let alone = [("k8s.pod.uid", "u1")];
    let figure = 3 * 4096;
    assert_eq!(wrong(&alone, [110, 130], figure), 0);
    assert_eq!(wrong(&alone, [110, 130], figure + 1), 1, "another's figure");
    assert_eq!(wrong(&alone, [121, 130], figure), 1, "a link was there");
    assert_eq!(wrong(&[("k8s.pod.uid", "u2")], [110, 130], figure), 1, "nobody has this uid");
    assert_eq!(wrong(&[("k8s.pod.uid", "u1"), ("k8s.pod.name", "p")], [110, 130], figure), 1, "half a name");
}

#[test]
fn a_series_ends_once_and_does_not_come_back() {
    let mut findings = Findings::default();
    let mut take = |value: Option<i64>| {
        findings.take(&book(), 160, &usage(&NAMES, 150, value));
        [findings.living(), findings.not_ended_once(), findings.revived()]
    };
    assert_eq!(take(Some(3 * 4096)), [1, 1, 0]);
    assert_eq!(take(None), [0, 0, 0]);
    assert_eq!(take(Some(3 * 4096)), [0, 0, 1]);
    assert_eq!(take(None), [0, 1, 1]);
}

//! A node with one pod through an outage from 100 s to 400 s, and one test for each thing that may go wrong.

use std::collections::BTreeMap;

use super::*;
use crate::parity::stream::MetricStream;

const SECOND: Time = 1_000_000_000;

const OUTAGE: Outage = Outage {
    steady: 0,
    killed: 100 * SECOND,
    restarted: 400 * SECOND,
    ready: 405 * SECOND,
    end: 500 * SECOND,
    interval: Duration::from_secs(10),
};

fn pod(uid: &str) -> Attributes {
    BTreeMap::from([("k8s.pod.uid".to_owned(), uid.to_owned())])
}

fn described(uid: &str, name: &str) -> Attributes {
    let mut attributes = pod(uid);
    attributes.insert("k8s.pod.name".to_owned(), name.to_owned());
    attributes.insert("k8s.namespace.name".to_owned(), "shop".to_owned());
    attributes
}

fn key(uid: &str) -> SeriesKey {
    SeriesKey { resource: pod(uid), attributes: BTreeMap::new() }
}

/// Points at these seconds.
fn points(at: impl IntoIterator<Item = u64>) -> Vec<Point> {
    at.into_iter().map(|second| Point { time: second * SECOND, start: 0, value: 1.0 }).collect()
}

fn every_interval() -> impl Iterator<Item = u64> {
    (0..50).map(|round| round * 10 + 1)
}

/// What is right: the pod's own figures go on, what the kubelet knows ends at 200 s and begins again at 410 s.
fn right() -> Stream {
    let mut stream = Stream::default();
    let mut add = |name: &str, points: Vec<Point>| {
        let series = BTreeMap::from([(key("u"), points)]);
        stream.metrics.insert(name.to_owned(), MetricStream { series, ..MetricStream::default() });
    };
    add("container.cpu.time", points(every_interval()));
    add("k8s.volume.available", points(every_interval().filter(|at| *at < 200 || *at > 410)));
    add("container.filesystem.usage", points(every_interval().filter(|at| *at < 200 || *at > 410)));
    for name in ["k8s.volume.available", "container.filesystem.usage"] {
        if let Some(metric) = stream.metrics.get_mut(name) {
            metric.ended.insert(key("u"), vec![211 * SECOND]);
        }
    }
    stream.resources.insert(pod("u"), [described("u", "a")].into());
    stream
}

/// The facts of `judge` about a stream that `change` was done to, but for those that count how much there is.
fn after(judge: fn(&Seen, &Outage) -> Vec<Fact>, change: impl FnOnce(&mut Stream)) -> Vec<String> {
    let mut stream = right();
    change(&mut stream);
    let outcome =
        crate::real::checks::facts::outcome("x", &judge(&Seen { stream, requests: Vec::new() }, &OUTAGE));
    let few = |failure: &String| failure.contains("or more");
    outcome.failures.into_iter().filter(|failure| !few(failure)).collect()
}

fn series<'a>(stream: &'a mut Stream, name: &str) -> &'a mut Vec<Point> {
    stream.metrics.get_mut(name).and_then(|metric| metric.series.get_mut(&key("u"))).unwrap()
}

#[test]
fn a_stream_as_it_has_to_be_holds() {
    assert_eq!(after(own_files, |_| ()), Vec::<String>::new());
    assert_eq!(after(kubelet_only, |_| ()), Vec::<String>::new());
}

#[test]
fn a_missed_interval_and_an_early_end_are_found() {
    let missed =
        |stream: &mut Stream| series(stream, "container.cpu.time").retain(|point| point.time != 251 * SECOND);
    assert_eq!(after(own_files, missed).len(), 1);
    let ended =
        |stream: &mut Stream| series(stream, "container.cpu.time").retain(|point| point.time < 470 * SECOND);
    assert_eq!(after(own_files, ended).len(), 1);
}

#[test]
fn a_changed_description_and_a_lost_name_are_found() {
    let changed = |stream: &mut Stream| {
        stream.resources.get_mut(&pod("u")).unwrap().insert(described("u", "b"));
    };
    assert_eq!(after(own_files, changed).len(), 1);
    let lost = |stream: &mut Stream| {
        stream.resources.insert(pod("u"), [pod("u")].into());
    };
    assert_eq!(after(own_files, lost).len(), 1);
}

#[test]
fn what_only_the_kubelet_knows_has_to_end_in_time_once_and_to_come_back() {
    let goes_on = |stream: &mut Stream| *series(stream, "k8s.volume.available") = points(every_interval());
    assert_eq!(after(kubelet_only, goes_on).len(), 1);
    let repeated = |stream: &mut Stream| {
        let points = series(stream, "k8s.volume.available");
        let during = points.iter().rposition(|point| point.time < 200 * SECOND).unwrap();
        points.insert(during, points[during]);
    };
    assert_eq!(after(kubelet_only, repeated).len(), 1);
    let silent = |stream: &mut Stream| stream.metrics.get_mut("k8s.volume.available").unwrap().ended.clear();
    assert_eq!(after(kubelet_only, silent).len(), 1);
    let never = |stream: &mut Stream| {
        series(stream, "k8s.volume.available").retain(|point| point.time < OUTAGE.restarted);
    };
    assert_eq!(after(kubelet_only, never).len(), 1);
}

#[test]
fn a_pod_of_the_outage_needs_its_name_in_time() {
    let judged = |name: &str, second: u64| {
        let mut stream = right();
        let cpu = stream.metrics.get_mut("container.cpu.time").unwrap();
        cpu.series.insert(key("b"), points([second, second + 10]));
        stream.resources.insert(pod("b"), [described("b", name)].into());
        let seen = Seen { stream, requests: Vec::new() };
        let facts = born(&seen, &OUTAGE, &[("born".to_owned(), 150 * SECOND)]);
        crate::real::checks::facts::outcome("x", &facts[..1]).failures.len()
    };
    assert_eq!(judged("born", 180), 0);
    assert_eq!(judged("born", 350), 1, "late");
    assert_eq!(judged("other", 180), 1, "nameless");
}

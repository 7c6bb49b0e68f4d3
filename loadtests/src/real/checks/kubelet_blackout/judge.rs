//! What the streams say about the outage. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;

use crate::parity::stream::{Attributes, Point, SeriesKey, Stream, Time};
use crate::real::checks::facts::Fact;
use crate::real::checks::pods::own;

#[cfg(test)]
mod tests;

/// What only the kubelet knows: everything else is read from the node's own files.
const KUBELET_ONLY: [&str; 14] = [
    "container.filesystem.available",
    "container.filesystem.capacity",
    "container.filesystem.usage",
    "k8s.node.filesystem.available",
    "k8s.node.filesystem.capacity",
    "k8s.node.filesystem.usage",
    "k8s.pod.filesystem.available",
    "k8s.pod.filesystem.capacity",
    "k8s.pod.filesystem.usage",
    "k8s.volume.available",
    "k8s.volume.capacity",
    "k8s.volume.inodes",
    "k8s.volume.inodes.free",
    "k8s.volume.inodes.used",
];

/// How long the kubelet believes a token without asking, and what a scrape and its figures may be late.
const CACHED: Duration = Duration::from_secs(120 + 20);

/// How old a figure may be that the kubelet gives: the first answers after the outage hold some that were taken in it.
const TAKEN: Duration = Duration::from_secs(100);

/// One turn of a cluster of one node, one interval, and what a busy machine adds.
const RETURN: Duration = Duration::from_secs(10 + 10 + 20);

/// The same for volumes: at those that it has written itself the kubelet looks again after 60 to 90 s.
const VOLUMES_RETURN: Duration = Duration::from_secs(40 + 90);

/// A static pod is started, seen and named within this.
const NAMED: Duration = Duration::from_mins(1);

/// When what happened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outage {
    /// From here on everything was in good order.
    pub(super) steady: Time,
    /// The API server was killed.
    pub(super) killed: Time,
    /// It was started again: from here on it may answer.
    pub(super) restarted: Time,
    /// It was ready.
    pub(super) ready: Time,
    /// The last look.
    pub(super) end: Time,
    /// The agents' interval.
    pub(super) interval: Duration,
}

/// What a receiver took since [`Outage::steady`].
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) stream: Stream,
    /// All of it, own telemetry included.
    pub(super) requests: Vec<ExportMetricsServiceRequest>,
}

/// Every series that the node's own files feed goes on without a gap, under one description.
pub(super) fn own_files(seen: &Seen, outage: &Outage) -> Vec<Fact> {
    let mut series = 0;
    let mut broken = Vec::new();
    let mut metrics = BTreeSet::new();
    for (metric, key, points) in all(&seen.stream, |metric| !KUBELET_ONLY.contains(&metric)) {
        if !began_before(points, outage) {
            continue;
        }
        series += 1;
        metrics.insert(metric);
        if let Some(gap) = gap(points, outage) {
            broken.push(format!("{metric} [{key}] {:.1} s", seconds(gap)));
        }
    }
    let described = |key: &Attributes| key.contains_key("k8s.pod.uid");
    let old: BTreeSet<_> = all(&seen.stream, |_| true)
        .filter(|(.., points)| began_before(points, outage))
        .map(|(_, key, _)| &key.resource)
        .filter(|key| described(key))
        .collect();
    let changed: Vec<_> =
        old.iter().filter(|key| seen.stream.resources.get(**key).is_none_or(|all| all.len() != 1)).collect();
    let lacks =
        |one: &Attributes| !one.contains_key("k8s.pod.name") || !one.contains_key("k8s.namespace.name");
    let resources = seen.stream.resources.iter().filter(|(key, _)| described(key));
    let nameless = resources.filter(|(_, versions)| versions.iter().any(lacks)).count();
    vec![
        at_least("metrics from the node's own files", 40, metrics.len()),
        at_least("their series", 500, series),
        none("of them missed an interval", &broken),
        at_least("pods, containers and volumes", 90, old.len()),
        none("of them changed their description", &changed),
        Fact::equal("without a name at any time", &0, &nameless),
    ]
}

/// What only the kubelet knows ends in time, says so once, is never repeated, counts as missed, and comes back.
pub(super) fn kubelet_only(seen: &Seen, outage: &Outage) -> Vec<Fact> {
    let ends = outage.killed + nanos(CACHED);
    let again = outage.restarted.saturating_sub(nanos(TAKEN));
    let (mut series, mut late, mut repeated, mut silent) = (0, Vec::new(), Vec::new(), Vec::new());
    // Of volumes, and of everything else.
    let mut first = [None; 2];
    for (metric, key, points) in all(&seen.stream, |metric| KUBELET_ONLY.contains(&metric)) {
        if !points.iter().any(|point| point.time < outage.killed) {
            continue;
        }
        series += 1;
        let name = || format!("{metric} [{key}]");
        if points.iter().any(|point| (ends..again).contains(&point.time)) {
            late.push(name());
        }
        if points.windows(2).any(|pair| pair[0].time == pair[1].time && pair[0].time >= outage.killed) {
            repeated.push(name());
        }
        let ended = seen.stream.metrics.get(metric).and_then(|metric| metric.ended.get(key));
        let during = ended.map_or(0, |times| {
            times.iter().filter(|time| (outage.killed..outage.restarted).contains(*time)).count()
        });
        if during != 1 {
            silent.push(format!("{} {during} times", name()));
        }
        let again = points.iter().map(|point| point.time).find(|time| *time >= again);
        let first = &mut first[usize::from(!metric.starts_with("k8s.volume."))];
        *first = (*first).max(Some(again.unwrap_or(Time::MAX)));
    }
    let missed = |time: Time| {
        let of = |name: &str| own::total_at(&seen.requests, name, ("source", "kubelet"), time);
        of("tare.freshness.due") - of("tare.freshness.on_time")
    };
    let missed = missed(outage.restarted) - missed(outage.killed);
    let [volumes, others] =
        first.map(|first| first.map_or(f64::INFINITY, |time| seconds(time.saturating_sub(outage.ready))));
    let returned = |what: &str, after: f64, most: Duration| {
        let (most, held) = (format!("at most {}", most.as_secs()), after <= most.as_secs_f64());
        Fact::new(&format!("seconds until {what} were back"), &most, format!("{after:.1}"), held)
    };
    vec![
        at_least("series that only the kubelet knows", 100, series),
        none(&format!("of them had a figure more than {} s after the kill", CACHED.as_secs()), &late),
        none("of them said the same figure twice", &repeated),
        none("of them did not end exactly once", &silent),
        Fact::new(
            "samples of the kubelet missed, by its own count",
            "1 or more",
            missed.to_string(),
            missed > 0,
        ),
        returned("all of them but volumes", others, RETURN),
        returned("volumes", volumes, VOLUMES_RETURN),
    ]
}

/// The collector loses its pods, which is what all of this is for.
pub(super) fn reference(seen: &Seen, outage: &Outage) -> Vec<Fact> {
    let pods = all(&seen.stream, |metric| metric.starts_with("k8s.") || metric.starts_with("container."));
    let times: Vec<_> = pods.flat_map(|(.., points)| points).map(|point| point.time).collect();
    let last = times.iter().filter(|time| **time < outage.restarted).max().copied().unwrap_or_default();
    let lost = last.saturating_sub(outage.killed);
    let again = times.iter().filter(|time| **time >= outage.restarted).min();
    let again =
        again.map_or("never".to_owned(), |time| format!("{:.1}", seconds(time.saturating_sub(outage.ready))));
    vec![
        Fact::new(
            "the collector: seconds until its last figure of any pod, container or node",
            &format!("at most {}", CACHED.as_secs()),
            format!("{:.1}", seconds(lost)),
            lost <= nanos(CACHED),
        ),
        Fact::new("the collector: seconds until the first one again", "any", again, true),
    ]
}

/// Pods that began during the outage have names; one that was deleted ends.
pub(super) fn born(seen: &Seen, outage: &Outage, born: &[(String, Time)]) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (name, put) in born {
        let resources: BTreeMap<_, _> = seen
            .stream
            .resources
            .iter()
            .filter(|(_, all)| all.iter().any(|one| one.get("k8s.pod.name") == Some(name)))
            .collect();
        let points = all(&seen.stream, |metric| metric == "container.cpu.time");
        let first = points.filter(|(_, key, _)| resources.contains_key(&key.resource));
        let first = first.filter_map(|(.., points)| points.first()).map(|point| point.time).max();
        let after = first.map_or(f64::INFINITY, |time| seconds(time.saturating_sub(*put)));
        facts.push(Fact::new(
            &format!("{name}: seconds until all its containers had figures and names"),
            &format!("at most {}", NAMED.as_secs()),
            format!("{after:.1}"),
            after <= NAMED.as_secs_f64() && first.is_some_and(|time| time < outage.restarted),
        ));
    }
    let Some((gone, _)) = born.first() else { return facts };
    let ends: Vec<_> = seen
        .stream
        .metrics
        .values()
        .flat_map(|metric| {
            metric.series.keys().map(move |key| (key, metric.ended.get(key).map_or(0, Vec::len)))
        })
        .filter(|(key, _)| {
            seen.stream
                .resources
                .get(&key.resource)
                .is_some_and(|all| all.iter().any(|one| one.get("k8s.pod.name") == Some(gone)))
        })
        .collect();
    let wrong: Vec<_> = ends
        .iter()
        .filter(|(_, count)| *count != 1)
        .map(|(key, count)| format!("{key}: {count} times"))
        .collect();
    facts.push(at_least(&format!("{gone}: series"), 10, ends.len()));
    facts.push(none("of them did not end exactly once", &wrong));
    facts
}

fn all(stream: &Stream, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = (&str, &SeriesKey, &[Point])> {
    let metrics = stream.metrics.iter().filter(move |(name, _)| wanted(name));
    metrics.flat_map(|(name, metric)| {
        metric.series.iter().map(move |(key, points)| (name.as_str(), key, points.as_slice()))
    })
}

/// Whether it was there when everything was in good order.
fn began_before(points: &[Point], outage: &Outage) -> bool {
    points.first().is_some_and(|point| point.time <= outage.steady + nanos(outage.interval * 2))
}

/// The longest silence, if that is more than one and a half intervals.
fn gap(points: &[Point], outage: &Outage) -> Option<Time> {
    let times: Vec<_> = points.iter().map(|point| point.time).chain([outage.end]).collect();
    let longest = times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max()?;
    // The last read may be on its way still.
    let after = outage.end.saturating_sub(points.last()?.time) > nanos(outage.interval * 2);
    let within =
        points.windows(2).any(|pair| pair[1].time - pair[0].time > nanos(outage.interval.mul_f64(1.5)));
    (within || after).then_some(longest)
}

fn at_least(what: &str, least: usize, found: usize) -> Fact {
    Fact::new(what, &format!("{least} or more"), found.to_string(), found >= least)
}

fn none<T: std::fmt::Debug>(what: &str, found: &[T]) -> Fact {
    let some = found.first().map_or(String::new(), |first| format!(", first: {first:?}"));
    Fact::new(what, "0", format!("{}{some}", found.len()), found.is_empty())
}

fn nanos(duration: Duration) -> Time {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn seconds(nanos: Time) -> f64 {
    Duration::from_nanos(nanos).as_secs_f64()
}

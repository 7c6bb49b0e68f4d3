//! Figures that follow from other figures of the same stream.
//!
//! A utilization is an average over an agent's own interval, so that two agents may rightly differ by much. What
//! it has to be is known exactly: the motion of the times that the same agent sent at both ends of the
//! interval. The formula is checked on the collector's stream too, so a wrong formula shows as its mismatch.

use super::stream::{MetricStream, Point, SeriesKey, Stream, Time};
use super::{Aspect, Mismatch, Side};

/// Both figures are computed from the same ticks; the wall clock between two stamps is known to this share.
const RELATIVE: f64 = 0.01;

/// A utilization whose metric and times are both in the stream.
struct Relation {
    utilization: &'static str,
    times: &'static str,
    /// What a motion of the times is divided by.
    per: Per,
}

enum Per {
    /// The motion of all states of the same CPU.
    States,
    /// The wall clock times the number of CPUs (series of `system.cpu.time` with state `user`).
    WallClockAndCpus,
}

const RELATIONS: [Relation; 2] = [
    Relation { utilization: "system.cpu.utilization", times: "system.cpu.time", per: Per::States },
    Relation {
        utilization: "process.cpu.utilization",
        times: "process.cpu.time",
        per: Per::WallClockAndCpus,
    },
];

/// Utilizations of `stream` that do not follow from its times.
pub fn check(side: Side, stream: &Stream) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    for relation in &RELATIONS {
        let (Some(utilization), Some(times)) =
            (stream.metrics.get(relation.utilization), stream.metrics.get(relation.times))
        else {
            continue;
        };
        let cpus = cpus(stream);
        for (key, points) in &utilization.series {
            let wrong: Vec<_> =
                points.iter().filter_map(|point| differs(relation, times, key, *point, cpus)).collect();
            if let Some(first) = wrong.first() {
                mismatches.push(Mismatch {
                    metric: relation.utilization.to_owned(),
                    aspect: Aspect::Derived,
                    series: key.to_string(),
                    detail: format!("{side}: {} of {}; first: {first}", wrong.len(), points.len()),
                });
            }
        }
    }
    mismatches
}

fn cpus(stream: &Stream) -> f64 {
    let user = |key: &&SeriesKey| key.attributes.get("state").is_some_and(|state| state == "user");
    let count =
        stream.metrics.get("system.cpu.time").map_or(0, |times| times.series.keys().filter(user).count());
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// What is wrong with one point, if anything.
fn differs(
    relation: &Relation,
    times: &MetricStream,
    key: &SeriesKey,
    point: Point,
    cpus: f64,
) -> Option<String> {
    let Some((from, to, moved)) = times.series.get(key).and_then(|points| motion(points, point.time)) else {
        return Some(format!("{} at {} with no two times up to it", point.value, point.time));
    };
    let whole = match relation.per {
        Per::States => {
            let siblings = times.series.iter().filter(|(other, _)| same_but_for_state(key, other));
            siblings.filter_map(|(_, points)| motion(points, point.time)).map(|(_, _, moved)| moved).sum()
        }
        Per::WallClockAndCpus => seconds(to - from) * cpus,
    };
    // A CPU whose times stood still is idle in no state at all: zero.
    let expected = if whole > 0.0 { moved / whole } else { 0.0 };
    let slack = RELATIVE * expected.abs() + 1e-6;
    ((point.value - expected).abs() <= slack)
        .then_some(())
        .map_or_else(|| Some(format!("{} at {}, expected {expected}", point.value, point.time)), |()| None)
}

/// From the last but one to the last point of `points` up to `time`: both times and the difference.
fn motion(points: &[Point], time: Time) -> Option<(Time, Time, f64)> {
    let last = points.iter().rposition(|point| point.time <= time)?;
    let (before, after) = (points.get(last.checked_sub(1)?)?, points.get(last)?);
    Some((before.time, after.time, after.value - before.value))
}

fn same_but_for_state(one: &SeriesKey, other: &SeriesKey) -> bool {
    let rest = |key: &SeriesKey| {
        let mut key = key.clone();
        key.attributes.remove("state");
        key
    };
    rest(one) == rest(other)
}

fn seconds(nanos: Time) -> f64 {
    std::time::Duration::from_nanos(nanos).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn series(metric: &mut MetricStream, state: &str, values: &[f64]) {
        let attributes = BTreeMap::from([("state".to_owned(), state.to_owned())]);
        let key = SeriesKey { resource: BTreeMap::new(), attributes };
        let points = values.iter().zip(1_u64..).map(|(value, k)| Point {
            time: k * 5 * SECOND,
            start: 0,
            value: *value,
        });
        // Utilizations begin with the second scrape.
        let skip = usize::from(values[0].is_nan());
        metric.series.insert(key, points.skip(skip).collect());
    }

    /// One CPU that spends 1 s in user and 4 s idle, then 2 s and 3 s, and claims `user` for it.
    fn stream(user: [f64; 2]) -> Stream {
        let mut stream = Stream::default();
        let mut times = MetricStream::default();
        series(&mut times, "user", &[10.0, 11.0, 13.0]);
        series(&mut times, "idle", &[10.0, 14.0, 17.0]);
        stream.metrics.insert("process.cpu.time".to_owned(), times.clone());
        stream.metrics.insert("system.cpu.time".to_owned(), times);
        for name in ["system.cpu.utilization", "process.cpu.utilization"] {
            let mut utilization = MetricStream::default();
            series(&mut utilization, "user", &[f64::NAN, user[0], user[1]]);
            stream.metrics.insert(name.to_owned(), utilization);
        }
        stream
    }

    #[test]
    fn a_utilization_that_follows_from_its_times_is_right() {
        assert_eq!(check(Side::Tare, &stream([0.2, 0.4])), []);
    }

    #[test]
    fn a_utilization_that_does_not_follow_from_its_times_is_found() {
        for wrong in [[0.21, 0.4], [0.2, 0.2], [0.2, f64::NAN], [20.0, 40.0]] {
            let found = check(Side::Tare, &stream(wrong));
            assert_eq!(found.len(), 2, "{wrong:?}: {found:?}");
            assert!(found.iter().all(|mismatch| mismatch.aspect == Aspect::Derived));
        }
    }

    #[test]
    fn a_utilization_before_there_are_two_times_is_wrong() {
        let mut early = stream([0.2, 0.4]);
        let utilization = early.metrics.get_mut("system.cpu.utilization").unwrap();
        for points in utilization.series.values_mut() {
            points.insert(0, Point { time: 5 * SECOND, start: 0, value: 0.0 });
        }
        assert_eq!(check(Side::Tare, &early).len(), 1);
    }
}

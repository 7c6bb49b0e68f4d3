//! The comparison: two streams and the expected rows in, mismatches out.
//!
//! A value of tare read at time t is compared with the collector's reads around t. Both agents take a point's
//! time shortly before they read its source, so reads closer than `settle` to t prove no order and only widen
//! the bracket; the last read before t - settle and the first after t + settle bound it. Where the collector asks
//! somebody who has looked up to `lag` ago (the kubelet), its first read after t + settle + lag is the first that
//! has seen t.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::contract::{Kind, Row};
use super::derived;
use super::report::RowReport;
use super::rules::{Rules, Tolerance};
use super::starts::Starts;
use super::stream::{Attributes, MetricStream, Point, SeriesKey, Stream, Time};
use super::{Aspect, Mismatch, Side};

/// A series with fewer compared values proves nothing.
pub const MIN_COMPARED: usize = 2;

/// Two floats that differ by less than this share of the larger are the same figure computed in another order.
const FLOAT_NOISE: f64 = 1e-9;

/// What is to be compared, and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The rows that both sides were told to report.
    pub rows: Vec<Row>,
    /// The interval of both sides.
    pub interval: Duration,
    /// How long after its timestamp a source may be read.
    pub settle: Duration,
    /// How old the figures may be that the collector reports as of now.
    pub lag: Duration,
    /// How far the starts of cumulative sums may lie apart.
    pub start_slack: Duration,
    /// Starts that lie further apart, and uptimes that do, are right where both are among these.
    pub starts: Starts,
    /// When the first agent was started. A start after that says when the collector began to look, not when the
    /// source began to count; tare may then know better, but its start still lies before its first point.
    pub began: Time,
    /// Rows that this machine may be unable to produce, because another comparison proves them. They agree if
    /// neither side has a point.
    pub may_be_absent: BTreeSet<String>,
    /// The sources stand still: values have to be equal, whatever the tolerances.
    pub exact: bool,
}

/// Compares every expected row and looks for metrics that nobody asked for.
pub fn compare(
    collector: &Stream,
    tare: &Stream,
    settings: &Settings,
    rules: &Rules,
) -> (Vec<RowReport>, Vec<Mismatch>) {
    let mut mismatches = Vec::new();
    let rows = settings
        .rows
        .iter()
        .map(|row| {
            let (report, found) = RowComparison { row, settings, rules }.run(collector, tare);
            mismatches.extend(found);
            report
        })
        .collect();
    for (side, stream) in [(Side::Collector, collector), (Side::Tare, tare)] {
        let names =
            stream.metrics.keys().filter(|name| !settings.rows.iter().any(|row| row.metric == **name));
        mismatches.extend(names.map(|name| Mismatch {
            metric: name.clone(),
            aspect: Aspect::Unexpected,
            series: String::new(),
            detail: format!("{side} sent a metric that is not among the rows compared"),
        }));
        mismatches.extend(derived::check(side, stream));
    }
    mismatches.extend(resources(collector, tare));
    (rows, mismatches)
}

/// The collector's attributes of every resource have to be among tare's. A thing that changed while both looked has several
/// versions on both sides: each needs a counterpart on the other.
fn resources(collector: &Stream, tare: &Stream) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    for (identity, theirs) in &collector.resources {
        let Some(ours) = tare.resources.get(identity) else { continue };
        let least = |candidates: &mut dyn Iterator<Item = Vec<String>>| {
            candidates.min_by_key(Vec::len).unwrap_or_default()
        };
        let uncovered = theirs.iter().map(|theirs| least(&mut ours.iter().map(|ours| lacking(theirs, ours))));
        let unfounded = ours.iter().map(|ours| least(&mut theirs.iter().map(|theirs| lacking(theirs, ours))));
        let worst = uncovered.chain(unfounded).max_by_key(Vec::len).unwrap_or_default();
        if !worst.is_empty() {
            let key = SeriesKey { resource: identity.clone(), attributes: BTreeMap::new() };
            mismatches.push(Mismatch {
                metric: "(resource)".to_owned(),
                aspect: Aspect::Resource,
                series: key.to_string(),
                detail: worst.join(", "),
            });
        }
    }
    mismatches
}

/// What of `theirs` is not in `ours`.
fn lacking(theirs: &Attributes, ours: &Attributes) -> Vec<String> {
    theirs
        .iter()
        .filter(|(key, value)| ours.get(*key) != Some(value))
        .map(|(key, value)| format!("{key}={value:?} (tare: {:?})", ours.get(key)))
        .collect()
}

struct RowComparison<'a> {
    row: &'a Row,
    settings: &'a Settings,
    rules: &'a Rules,
}

impl RowComparison<'_> {
    fn run(&self, collector: &Stream, tare: &Stream) -> (RowReport, Vec<Mismatch>) {
        let empty = MetricStream::default();
        let theirs = collector.metrics.get(&self.row.metric).unwrap_or(&empty);
        let ours = tare.metrics.get(&self.row.metric).unwrap_or(&empty);
        let mut mismatches = Vec::new();
        let neither = theirs.series.is_empty() && ours.series.is_empty();
        if neither && self.settings.may_be_absent.contains(&self.row.metric) {
            return (self.report(theirs, ours, Values::default(), 0, true), mismatches);
        }
        for (side, stream) in [(Side::Collector, theirs), (Side::Tare, ours)] {
            self.looks(side, stream, &mut mismatches);
            self.gaps(side, stream, &mut mismatches);
        }
        let both = !theirs.series.is_empty() && !ours.series.is_empty();
        if both {
            self.series_sets(theirs, ours, &mut mismatches);
            self.spans(theirs, ours, &mut mismatches);
        }
        let (mut total, mut apart) = (Values::default(), 0);
        for (key, points) in &ours.series {
            if let Some(reference) = theirs.series.get(key) {
                apart = apart.max(self.starts(key, reference, points, &mut mismatches));
                let values = self.values(key, reference, points, &mut mismatches);
                total.compared += values.compared;
                total.worst = total.worst.max(values.worst);
            }
        }
        (self.report(theirs, ours, total, apart, mismatches.is_empty()), mismatches)
    }

    fn report(
        &self,
        theirs: &MetricStream,
        ours: &MetricStream,
        values: Values,
        starts_apart: u64,
        agrees: bool,
    ) -> RowReport {
        RowReport {
            metric: self.row.metric.clone(),
            scraper: self.row.scraper.clone(),
            default_on: self.row.default_on,
            series: ours.series.len(),
            points_collector: theirs.series.values().map(Vec::len).sum(),
            points_tare: ours.series.values().map(Vec::len).sum(),
            compared: values.compared,
            worst_outside: values.worst,
            starts_apart_ms: starts_apart / 1_000_000,
            agrees,
        }
    }

    fn mismatch(&self, aspect: Aspect, series: &impl ToString, detail: String) -> Mismatch {
        Mismatch { metric: self.row.metric.clone(), aspect, series: series.to_string(), detail }
    }

    /// Unit, kind, type and attributes against the contract.
    fn looks(&self, side: Side, stream: &MetricStream, out: &mut Vec<Mismatch>) {
        let mut differ =
            |aspect, detail: String| out.push(self.mismatch(aspect, &"", format!("{side}: {detail}")));
        if stream.series.is_empty() {
            differ(Aspect::Missing, "no point at all".to_owned());
        }
        for unit in stream.units.iter().filter(|unit| **unit != self.row.unit) {
            differ(Aspect::Unit, format!("{unit:?}, not {:?}", self.row.unit));
        }
        for shape in &stream.shapes {
            if shape.value_type != Some(self.row.value_type) {
                differ(Aspect::ValueType, format!("{:?}, not {:?}", shape.value_type, self.row.value_type));
            }
            match (shape.kind, self.row.kind) {
                (
                    Some(Kind::Sum { monotonic, cumulative }),
                    Kind::Sum { monotonic: expected, cumulative: expected_cumulative },
                ) => {
                    if monotonic != expected {
                        differ(Aspect::Monotonic, format!("{monotonic}, not {expected}"));
                    }
                    if cumulative != expected_cumulative {
                        differ(Aspect::Temporality, format!("cumulative: {cumulative}"));
                    }
                }
                (found, expected) if found != Some(expected) => {
                    differ(Aspect::Kind, format!("{found:?}, not {expected:?}"));
                }
                _ => {}
            }
        }
        for key in stream.series.keys() {
            if let Some(detail) = self.attributes(key) {
                out.push(self.mismatch(Aspect::Attributes, key, format!("{side}: {detail}")));
            }
        }
    }

    fn attributes(&self, key: &SeriesKey) -> Option<String> {
        let expected: Vec<_> = self.row.attributes.iter().map(|(key, _)| key.as_str()).collect();
        if let Some(unknown) = key.attributes.keys().find(|key| !expected.contains(&key.as_str())) {
            return Some(format!("attribute {unknown:?} is not in the contract"));
        }
        for (name, values) in &self.row.attributes {
            match key.attributes.get(name) {
                None => return Some(format!("attribute {name:?} is missing")),
                Some(value) if !values.is_empty() && !values.contains(value) => {
                    return Some(format!("{name}={value:?} is not in the contract"));
                }
                Some(_) => {}
            }
        }
        None
    }

    /// Every series has one point in every interval, from the metric's first to its last.
    fn gaps(&self, side: Side, stream: &MetricStream, out: &mut Vec<Mismatch>) {
        let Some((first, last)) = stream.span() else { return };
        let longest = nanos(longest_gap(side, &self.row.metric, self.settings));
        for (key, points) in &stream.series {
            let times = points.iter().map(|point| point.time);
            let around: Vec<_> = std::iter::once(first).chain(times.clone()).chain([last]).collect();
            let gap = around.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or(0);
            if gap > longest {
                out.push(self.mismatch(
                    Aspect::Points,
                    key,
                    format!("{side}: no point for {} ms", gap / 1_000_000),
                ));
            }
            let times: Vec<_> = times.collect();
            let twice = times.windows(2).filter(|pair| pair[0] == pair[1]).count();
            if twice > 0 {
                out.push(self.mismatch(
                    Aspect::Points,
                    key,
                    format!("{side}: {twice} times two points at one time"),
                ));
            }
        }
    }

    /// Neither side begins or ends more than two intervals apart from the other.
    fn spans(&self, theirs: &MetricStream, ours: &MetricStream, out: &mut Vec<Mismatch>) {
        let (Some(theirs), Some(ours)) = (theirs.span(), ours.span()) else { return };
        let most = nanos(self.settings.interval * 2);
        for (what, theirs, ours) in [("first", theirs.0, ours.0), ("last", theirs.1, ours.1)] {
            let apart = theirs.abs_diff(ours);
            if apart > most {
                let detail = format!("the {what} points of the two sides lie {} ms apart", apart / 1_000_000);
                out.push(self.mismatch(Aspect::Points, &"", detail));
            }
        }
    }

    fn series_sets(&self, theirs: &MetricStream, ours: &MetricStream, out: &mut Vec<Mismatch>) {
        let lacking = |side: Side, has: &MetricStream, lacks: &MetricStream| {
            let keys: Vec<_> = has.series.keys().filter(|key| !lacks.series.contains_key(*key)).collect();
            keys.into_iter()
                .map(|key| self.mismatch(Aspect::Series, key, format!("only {side} has it")))
                .collect::<Vec<_>>()
        };
        out.extend(lacking(Side::Collector, theirs, ours));
        out.extend(lacking(Side::Tare, ours, theirs));
    }

    /// The starts of monotonic sums, where the collector gives one; answers how far they lie apart, where they may be held
    /// against each other.
    fn starts(&self, key: &SeriesKey, theirs: &[Point], ours: &[Point], out: &mut Vec<Mismatch>) -> u64 {
        if !matches!(self.row.kind, Kind::Sum { monotonic: true, .. }) {
            return 0;
        }
        let Some(expected) = theirs.iter().map(|point| point.start).find(|start| *start != 0) else {
            return 0;
        };
        let slack = nanos(self.settings.start_slack);
        let looked = expected >= self.settings.began;
        let apart = |point: &&Point| point.start.abs_diff(expected);
        let possible = |start| self.settings.starts.allow(&key.resource, start);
        let wrong = |point: &&Point| {
            if looked {
                point.start == 0 || point.start > point.time
            } else {
                apart(point) > slack && !(possible(expected) && possible(point.start))
            }
        };
        if let Some(point) = ours.iter().find(wrong) {
            let apart = apart(&point) / 1_000_000;
            let detail = format!("tare {}, collector {expected}: {apart} ms apart", point.start);
            out.push(self.mismatch(Aspect::Start, key, detail));
        }
        if looked { 0 } else { ours.iter().map(|point| apart(&point)).max().unwrap_or(0) }
    }

    fn values(&self, key: &SeriesKey, theirs: &[Point], ours: &[Point], out: &mut Vec<Mismatch>) -> Values {
        let counter = matches!(self.row.kind, Kind::Sum { monotonic: true, .. });
        let tolerance = if self.settings.exact {
            Tolerance::none()
        } else {
            self.rules.tolerance(&self.row.metric, counter)
        };
        // An uptime says when something began, and is judged as the starts of sums are.
        let possible = |point: &Point| {
            self.row.metric.ends_with(".uptime")
                && self.settings.starts.allow_uptime(&key.resource, point.time, point.value)
        };
        let theirs_possible = theirs.iter().all(possible);
        let mut values = Values::default();
        let mut outside = 0;
        let mut first = None;
        for point in ours {
            let (settle, lag) = (nanos(self.settings.settle), nanos(self.settings.lag));
            let Some(bracket) = bracket(theirs, point.time, settle, lag, tolerance.windows) else { continue };
            values.compared += 1;
            let distance = bracket.distance(point.value);
            values.worst = values.worst.max(distance);
            // The distance of what is no number is none.
            let beyond = distance.is_nan() || distance > bracket.slack(&tolerance);
            if beyond && !(theirs_possible && possible(point)) {
                outside += 1;
                first.get_or_insert((point.value, bracket, point.time));
            }
        }
        if let Some((value, bracket, time)) = first {
            let detail = format!(
                "{outside} of {} outside; first: {value} at {time}, collector {} to {}",
                values.compared, bracket.low, bracket.high
            );
            out.push(self.mismatch(Aspect::Value, key, detail));
        }
        if values.compared < MIN_COMPARED {
            let detail = format!("{} values could be compared, {MIN_COMPARED} needed", values.compared);
            out.push(self.mismatch(Aspect::Compared, key, detail));
        }
        values
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Values {
    compared: usize,
    worst: f64,
}

/// The least and the greatest value the reference saw around a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bracket {
    low: f64,
    high: f64,
}

impl Bracket {
    /// How far `value` lies outside; NaN for a value that is none.
    fn distance(self, value: f64) -> f64 {
        if value.is_nan() {
            return f64::NAN;
        }
        (self.low - value).max(value - self.high).max(0.0)
    }

    fn slack(self, tolerance: &Tolerance) -> f64 {
        let size = self.low.abs().max(self.high.abs());
        tolerance.absolute
            + (tolerance.relative + FLOAT_NOISE) * size
            + tolerance.motion * (self.high - self.low)
    }
}

/// The reference's values from `windows` reads before `time` to as many after it, or after `lag` where that is later.
fn bracket(points: &[Point], time: Time, settle: u64, lag: u64, windows: usize) -> Option<Bracket> {
    let before = points.iter().rposition(|point| point.time.saturating_add(settle) <= time)?;
    let after = points.iter().position(|point| point.time >= time.saturating_add(settle + lag))?;
    let more = windows.saturating_sub(1);
    let last = (after + more).min(points.len() - 1);
    let values = points[before.saturating_sub(more)..=last].iter().map(|point| point.value);
    Some(Bracket {
        low: values.clone().fold(f64::INFINITY, f64::min),
        high: values.fold(f64::NEG_INFINITY, f64::max),
    })
}

/// How long a series may have no point. How full the file systems of pods and their volumes are only the kubelet knows, which
/// looks, as the container runtime does, when it comes to it: the collector repeats what was seen last as of now, tare says it
/// once, as of when it was seen.
pub(super) fn longest_gap(side: Side, metric: &str, settings: &Settings) -> Duration {
    let looked_at = [".filesystem.", ".volume."].iter().any(|part| metric.contains(part));
    let lag = if side == Side::Tare && looked_at { settings.lag } else { Duration::ZERO };
    settings.interval.mul_f64(1.5) + lag
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

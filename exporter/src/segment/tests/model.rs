//! Random lives of a segment, compared after each step with a model that keeps plain values.

use std::collections::{BTreeMap, BTreeSet};

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::metrics::v1::AggregationTemporality::Cumulative;
use opentelemetry_proto::tonic::metrics::v1::{Metric as Decoded, metric::Data, number_data_point::Value};
use proptest::prelude::*;

use super::*;
use crate::fixtures::{METRICS, SCOPE, decode, points_mut};

#[derive(Debug, Clone)]
enum Step {
    Register(usize),
    Begin(i64),
    /// For any series ever registered, also a forgotten one.
    Int(prop::sample::Index, i64),
    Unsigned(prop::sample::Index, u64),
    Double(prop::sample::Index, f64),
    End(prop::sample::Index),
    Forget(prop::sample::Index),
    Finish,
    /// A whole scrape that sets every series; steady where nothing else came between.
    Scrape(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let which = any::<prop::sample::Index>;
    let unsigned = prop_oneof![0..9_u64, any::<u64>()];
    let double = prop_oneof![4 => (0..9_u8).prop_map(f64::from), 1 => any::<f64>()];
    prop_oneof![
        3 => (0..METRICS.len()).prop_map(Step::Register),
        // The clock is set back at times.
        3 => (-20..100_i64).prop_map(Step::Begin),
        6 => (which(), -2..9_i64).prop_map(|(which, value)| Step::Int(which, value)),
        2 => (which(), unsigned).prop_map(|(which, value)| Step::Unsigned(which, value)),
        6 => (which(), double).prop_map(|(which, value)| Step::Double(which, value)),
        1 => which().prop_map(Step::End),
        1 => which().prop_map(Step::Forget),
        3 => Just(Step::Finish),
        4 => (0..9_u8).prop_map(Step::Scrape),
    ]
}

/// What a point should say: metric, start (none for a gauge), time, value.
type Point = (&'static str, Option<u64>, u64, Option<Value>);

struct Known {
    id: SeriesId,
    metric: &'static Metric,
    start: u64,
    last: Option<(u64, Value)>,
    ended: bool,
    forgotten: bool,
    now: Option<Point>,
}

impl Known {
    fn point(&self, value: Option<Value>) -> Point {
        let start = (self.metric.kind != Kind::Gauge).then_some(self.start);
        (self.metric.name, start, self.last.unwrap().0, value)
    }
}

/// The segment and what it should be.
struct Pair {
    segment: Segment,
    known: Vec<Known>,
    time: u64,
    begun: bool,
    under_way: bool,
    refused: u64,
    /// The last finished scrape, by the series' number.
    finished: BTreeMap<usize, Point>,
}

const START: u64 = 1000;

impl Pair {
    fn register(&mut self, metric: &'static Metric) {
        let number = i64::try_from(self.known.len()).unwrap();
        let id = self.segment.series(metric, &[Attribute::str("text", "é"), Attribute::int("n", number)]);
        assert!(self.known.iter().all(|known| known.id != id), "an id is never given twice");
        let (last, now) = (None, None);
        self.known.push(Known { id, metric, start: START, last, ended: false, forgotten: false, now });
    }

    fn begin(&mut self, passed: i64) {
        self.time = self.time.saturating_add_signed(passed);
        self.segment.begin(Timestamp(self.time));
        self.known.iter_mut().for_each(|known| known.now = None);
        (self.begun, self.under_way, self.refused) = (true, true, 0);
    }

    fn set(&mut self, number: usize, value: Value) {
        let known = &mut self.known[number];
        let fits = match value {
            Value::AsInt(_) => known.metric.value_type == ValueType::Int,
            Value::AsDouble(value) => known.metric.value_type == ValueType::Double && value.is_finite(),
        };
        if !fits || !self.begun || known.forgotten || known.now.is_some() {
            self.refused += 1;
            return;
        }
        if let Some((at, last)) = known.last
            && known.metric.kind == (Kind::Sum { monotonic: true })
            && (known.ended || below(value, last))
        {
            known.start = at;
        }
        known.start = known.start.min(self.time);
        known.last = Some((self.time, value));
        known.ended = false;
        known.now = Some(known.point(Some(value)));
    }

    fn end(&mut self, number: usize) {
        let known = &mut self.known[number];
        self.segment.end(known.id);
        let Some((at, _)) = &mut known.last else { return };
        if known.ended || known.forgotten {
            return;
        }
        *at = self.time;
        known.ended = true;
        known.start = known.start.min(self.time);
        known.now = Some(known.point(None));
    }

    fn finish(&mut self) {
        self.segment.finish();
        self.under_way = false;
        let all = self.known.iter().enumerate();
        self.finished = all.filter_map(|(number, known)| known.now.map(|now| (number, now))).collect();
    }

    fn take(&mut self, step: &Step) {
        let count = self.known.len();
        match step {
            Step::Register(metric) => self.register(&METRICS[*metric]),
            Step::Begin(passed) => self.begin(*passed),
            Step::Finish => self.finish(),
            Step::Scrape(value) => {
                self.begin(10);
                for number in (0..count).rev() {
                    let id = self.known[number].id;
                    if self.known[number].metric.value_type == ValueType::Int {
                        self.segment.set_int(id, i64::from(*value));
                        self.set(number, Value::AsInt(i64::from(*value)));
                    } else {
                        self.segment.set_double(id, f64::from(*value));
                        self.set(number, Value::AsDouble(f64::from(*value)));
                    }
                }
                self.finish();
            }
            _ if count == 0 => {}
            Step::Int(which, value) => {
                self.segment.set_int(self.known[which.index(count)].id, *value);
                self.set(which.index(count), Value::AsInt(*value));
            }
            Step::Unsigned(which, value) => {
                self.segment.set_u64(self.known[which.index(count)].id, *value);
                match i64::try_from(*value) {
                    Ok(value) => self.set(which.index(count), Value::AsInt(value)),
                    Err(_) => self.refused += 1,
                }
            }
            Step::Double(which, value) => {
                self.segment.set_double(self.known[which.index(count)].id, *value);
                self.set(which.index(count), Value::AsDouble(*value));
            }
            Step::End(which) => self.end(which.index(count)),
            Step::Forget(which) => {
                let known = &mut self.known[which.index(count)];
                self.segment.forget(known.id);
                known.forgotten = true;
                known.now = None;
            }
        }
    }

    fn check(&self) {
        assert_eq!(self.segment.refused(), self.refused);
        if self.under_way {
            assert!(self.segment.encoded().is_empty(), "half a scrape is not shown");
            assert_eq!(self.segment.points(), 0);
            return;
        }
        assert_eq!(self.segment.points(), self.finished.len());
        let mut resources = decode(&self.segment.encoded()).resource_metrics;
        if self.finished.is_empty() {
            assert!(resources.is_empty());
            return;
        }
        let mut resource = resources.pop().unwrap();
        assert!(resources.is_empty());
        assert_eq!(resource.resource.unwrap().attributes[0].key, "host.name");
        let scope = resource.scope_metrics.pop().unwrap();
        assert_eq!(scope.scope.unwrap().name, SCOPE.name);
        assert!(resource.scope_metrics.is_empty());
        let mut names = BTreeSet::new();
        let mut points = BTreeMap::new();
        for metric in scope.metrics {
            assert!(names.insert(metric.name.clone()), "{} is there twice", metric.name);
            for (number, point) in read(metric) {
                assert_eq!(points.insert(number, point), None, "series {number} has two points");
            }
        }
        assert_eq!(points, self.finished);
    }
}

fn below(value: Value, last: Value) -> bool {
    match (value, last) {
        (Value::AsInt(value), Value::AsInt(last)) => value < last,
        (Value::AsDouble(value), Value::AsDouble(last)) => value < last,
        _ => panic!("a metric never changes its type"),
    }
}

/// The points of a decoded metric by the number of their series.
fn read(mut decoded: Decoded) -> Vec<(usize, Point)> {
    let metric = METRICS.iter().find(|metric| metric.name == decoded.name).unwrap();
    assert_eq!((&*decoded.description, &*decoded.unit), (metric.description, metric.unit));
    match (&decoded.data, metric.kind) {
        (Some(Data::Gauge(_)), Kind::Gauge) => {}
        (Some(Data::Sum(sum)), Kind::Sum { monotonic }) => {
            assert_eq!(sum.is_monotonic, monotonic);
            assert_eq!(sum.aggregation_temporality(), Cumulative);
        }
        (data, kind) => panic!("{data:?} is not {kind:?}"),
    }
    let points = std::mem::take(points_mut(&mut decoded.data));
    assert!(!points.is_empty(), "a metric without points is not written");
    let read = points.into_iter().map(|point| {
        let any = |index: usize| point.attributes[index].value.clone().unwrap().value.unwrap();
        assert_eq!(any(0), Any::StringValue("é".to_owned()));
        let Any::IntValue(number) = any(1) else { panic!("no number") };
        assert_eq!(point.flags, u32::from(point.value.is_none()));
        let start = point.start_time_unix_nano;
        assert_eq!(start == 0, metric.kind == Kind::Gauge, "a sum has a start, a gauge has none");
        let start = (start != 0).then_some(start);
        (usize::try_from(number).unwrap(), (metric.name, start, point.time_unix_nano, point.value))
    });
    read.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn whatever_happens_to_a_segment_its_bytes_say_what_a_map_of_plain_values_says(
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut pair = Pair {
            segment: Segment::new(&[Attribute::str("host.name", "a")], SCOPE, Timestamp(START)),
            known: Vec::new(),
            time: START + 10,
            begun: false,
            under_way: false,
            refused: 0,
            finished: BTreeMap::new(),
        };
        for step in &steps {
            pair.take(step);
            pair.check();
        }
    }
}

//! A segment beside a list of plain values, both taken through the same life.

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use exporter::model::{Attribute, AttributeValue, Kind, Metric, Scope, Timestamp, ValueType};
use exporter::request::RequestBuilder;
use exporter::segment::{Segment, SeriesId};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use prost::Message as _;

use crate::check::{decode, points, round_trip};

const SCOPE: Scope = Scope { name: "tare.fuzz", version: "1" };
/// When the source of the sums began to count.
const START: u64 = 1000;
/// The fewest bytes of a request; below, nothing fits.
const SMALLEST: usize = 64;
/// The attribute that numbers the series.
const NUMBER: &str = "n";

const fn metric(name: &'static str, unit: &'static str, kind: Kind, value_type: ValueType) -> Metric {
    Metric { name, description: "What it measures.", unit, kind, value_type, default_on: true }
}

/// One metric of every kind and type.
static METRICS: [Metric; 6] = [
    metric("counter.double", "s", Kind::Sum { monotonic: true }, ValueType::Double),
    metric("counter.int", "By", Kind::Sum { monotonic: true }, ValueType::Int),
    metric("sum.int", "By", Kind::Sum { monotonic: false }, ValueType::Int),
    metric("sum.double", "J", Kind::Sum { monotonic: false }, ValueType::Double),
    metric("gauge.double", "", Kind::Gauge, ValueType::Double),
    metric("gauge.int", "{threads}", Kind::Gauge, ValueType::Int),
];

/// What happens to a segment.
#[derive(Debug, Arbitrary)]
pub struct Life<'a> {
    resource: Vec<Pairing<'a>>,
    max_bytes: u16,
    /// In order.
    pub steps: Vec<Step<'a>>,
}

/// A key and its value.
#[derive(Debug, Arbitrary)]
pub struct Pairing<'a>(&'a str, Owned<'a>);

#[derive(Debug, Arbitrary)]
enum Owned<'a> {
    Text(&'a str),
    Int(i64),
    Bool(bool),
}

impl<'a> Pairing<'a> {
    fn attribute(&self) -> Attribute<'a> {
        let value = match self.1 {
            Owned::Text(text) => AttributeValue::Str(text),
            Owned::Int(number) => AttributeValue::Int(number),
            Owned::Bool(flag) => AttributeValue::Bool(flag),
        };
        // OTLP does not allow an empty key, and nothing makes one.
        Attribute { key: if self.0.is_empty() { "empty" } else { self.0 }, value }
    }
}

/// One call. Series are named by their number, also those that are forgotten.
#[derive(Debug, Arbitrary)]
pub enum Step<'a> {
    /// A series of the metric of that number.
    Register(u8, Vec<Pairing<'a>>),
    /// So long after the last one; the clock may be set back.
    Begin(i8),
    /// `set_int`.
    Int(u8, i64),
    /// `set_u64`.
    Unsigned(u8, u64),
    /// `set_double`.
    Double(u8, f64),
    /// Every series is set to small numbers from this one on.
    All(u8),
    /// `end`.
    End(u8),
    /// `forget`.
    Forget(u8),
    /// `finish`.
    Finish,
    /// Into the requests.
    Push,
}

/// What a point should say: metric, start (zero for a gauge), time, value.
type Point = (&'static str, u64, u64, Option<Value>);

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
    fn point(&self, time: u64, value: Option<Value>) -> Point {
        let start = if self.metric.kind == Kind::Gauge { 0 } else { self.start };
        (self.metric.name, start, time, value)
    }
}

/// A segment and what it should be.
pub struct Pair {
    segment: Segment,
    known: Vec<Known>,
    time: u64,
    begun: bool,
    under_way: bool,
    refused: u64,
    max_bytes: usize,
    builder: RequestBuilder,
    /// What was pushed, point by point, each as a request of its own.
    pushed: Vec<Vec<u8>>,
}

impl Pair {
    /// The beginning of `life`.
    pub fn new(life: &Life<'_>) -> Self {
        let resource: Vec<_> = life.resource.iter().map(Pairing::attribute).collect();
        let max_bytes = SMALLEST + usize::from(life.max_bytes);
        Self {
            segment: Segment::new(&resource, SCOPE, Timestamp(START)),
            known: Vec::new(),
            time: START + 10,
            begun: false,
            under_way: false,
            refused: 0,
            max_bytes,
            builder: RequestBuilder::new(max_bytes),
            pushed: Vec::new(),
        }
    }

    /// Takes both through one step.
    pub fn take(&mut self, step: &Step<'_>) {
        match step {
            Step::Register(metric, attributes) => self.register(*metric, attributes),
            Step::Begin(passed) => self.begin(*passed),
            Step::Finish => self.finish(),
            Step::Push => self.push(),
            Step::All(value) => {
                for number in 0..self.known.len() {
                    let small = i32::from(*value) + i32::try_from(number % 3).expect("below three");
                    match self.known[number].metric.value_type {
                        ValueType::Int => self.int(number, i64::from(small)),
                        ValueType::Double => self.double(number, f64::from(small)),
                    }
                }
            }
            Step::Int(which, value) => self.with(*which, |pair, number| pair.int(number, *value)),
            Step::Unsigned(which, value) => self.with(*which, |pair, number| pair.unsigned(number, *value)),
            Step::Double(which, value) => self.with(*which, |pair, number| pair.double(number, *value)),
            Step::End(which) => self.with(*which, Self::end),
            Step::Forget(which) => self.with(*which, |pair, number| {
                let known = &mut pair.known[number];
                pair.segment.forget(known.id);
                known.forgotten = true;
                known.now = None;
            }),
        }
        assert_eq!(self.segment.refused(), self.refused);
    }

    fn with(&mut self, which: u8, act: impl FnOnce(&mut Self, usize)) {
        if !self.known.is_empty() {
            act(self, usize::from(which) % self.known.len());
        }
    }

    fn register(&mut self, metric: u8, attributes: &[Pairing<'_>]) {
        let metric = &METRICS[usize::from(metric) % METRICS.len()];
        let number = i64::try_from(self.known.len()).expect("a small number");
        let mut all = vec![Attribute::int(NUMBER, number)];
        all.extend(attributes.iter().map(Pairing::attribute));
        let id = self.segment.series(metric, &all);
        assert!(self.known.iter().all(|known| known.id != id), "an id is never given twice");
        let (last, now) = (None, None);
        self.known.push(Known { id, metric, start: START, last, ended: false, forgotten: false, now });
    }

    fn begin(&mut self, passed: i8) {
        self.time = self.time.saturating_add_signed(i64::from(passed));
        self.segment.begin(Timestamp(self.time));
        self.known.iter_mut().for_each(|known| known.now = None);
        (self.begun, self.under_way, self.refused) = (true, true, 0);
    }

    fn int(&mut self, number: usize, value: i64) {
        self.segment.set_int(self.known[number].id, value);
        self.set(number, Value::AsInt(value));
    }

    fn unsigned(&mut self, number: usize, value: u64) {
        self.segment.set_u64(self.known[number].id, value);
        match i64::try_from(value) {
            Ok(value) => self.set(number, Value::AsInt(value)),
            Err(_) => self.refused += 1,
        }
    }

    fn double(&mut self, number: usize, value: f64) {
        self.segment.set_double(self.known[number].id, value);
        self.set(number, Value::AsDouble(value));
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
        known.now = Some(known.point(self.time, Some(value)));
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
        known.now = Some(known.point(self.time, None));
    }

    /// Completes the scrape and compares.
    fn finish(&mut self) {
        self.segment.finish();
        self.under_way = false;
        let expected: BTreeMap<_, _> = self
            .known
            .iter()
            .enumerate()
            .filter_map(|(number, known)| Some((i64::try_from(number).ok()?, known.now?)))
            .collect();
        assert_eq!(self.segment.points(), expected.len());
        let mut found = BTreeMap::new();
        for metric in metrics(&decode(&self.segment.encoded())) {
            for point in points(&metric) {
                let name = METRICS.iter().find(|known| known.name == metric.name).expect("known").name;
                let number = point.attributes[0].value.as_ref().and_then(|value| value.value.as_ref());
                let Some(Any::IntValue(number)) = number else { panic!("no number") };
                let point = (name, point.start_time_unix_nano, point.time_unix_nano, point.value);
                assert_eq!(found.insert(*number, point), None, "series {number} has two points");
            }
        }
        assert_eq!(found, expected);
    }

    fn push(&mut self) {
        self.builder.push(&self.segment);
        assert!(!self.under_way || self.segment.encoded().is_empty(), "half a scrape is not shown");
        self.pushed.extend(single_points(&self.segment.encoded()));
    }

    /// The requests hold every point that was pushed, in order, but for those that are too large alone.
    pub fn requests(mut self) {
        let requests: Vec<_> = self.builder.drain().collect();
        let mut found = Vec::new();
        for request in &requests {
            assert!(!request.body.is_empty() && request.body.len() <= self.max_bytes);
            let singles = single_points(&request.body);
            assert_eq!(request.points, singles.len() as u64);
            found.extend(singles);
            round_trip(&request.body);
        }
        let fits = |single: &Vec<u8>| single.len() <= self.max_bytes;
        let expected: Vec<_> = self.pushed.iter().filter(|single| fits(single)).cloned().collect();
        assert_eq!(self.builder.take_too_large(), (self.pushed.len() - expected.len()) as u64);
        assert_eq!(found, expected);
    }
}

fn metrics(
    request: &ExportMetricsServiceRequest,
) -> impl Iterator<Item = opentelemetry_proto::tonic::metrics::v1::Metric> {
    let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    scopes.flat_map(|scope| scope.metrics.clone())
}

/// Each point of a request as a request of its own, encoded.
fn single_points(body: &[u8]) -> Vec<Vec<u8>> {
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;
    let mut singles = Vec::new();
    for resource in decode(body).resource_metrics {
        for scope in &resource.scope_metrics {
            for metric in &scope.metrics {
                for point in points(metric) {
                    let mut metric = metric.clone();
                    match &mut metric.data {
                        Some(Data::Gauge(gauge)) => gauge.data_points = vec![point.clone()],
                        Some(Data::Sum(sum)) => sum.data_points = vec![point.clone()],
                        _ => {}
                    }
                    let mut scope = scope.clone();
                    scope.metrics = vec![metric];
                    let mut resource = resource.clone();
                    resource.scope_metrics = vec![scope];
                    let alone = ExportMetricsServiceRequest { resource_metrics: vec![resource] };
                    singles.push(alone.encode_to_vec());
                }
            }
        }
    }
    singles
}

fn below(value: Value, last: Value) -> bool {
    match (value, last) {
        (Value::AsInt(value), Value::AsInt(last)) => value < last,
        (Value::AsDouble(value), Value::AsDouble(last)) => value < last,
        _ => panic!("a metric never changes its type"),
    }
}

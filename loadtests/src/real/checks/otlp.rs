//! What the checks of peers share: figures to send, and requests taken apart into comparable samples.
//!
//! The figures cover every kind of metric that tare can send, the ends of both number types, texts that are
//! not ASCII, and a series that ends. They are sent by the exporter itself, in this process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use exporter::model::{Attribute, Kind, Metric, Scope, Timestamp, ValueType};
use exporter::output::{Output, Settings};
use exporter::queue::{Class, Item};
use exporter::request::{Request, RequestBuilder};
use exporter::segment::Segment;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{NumberDataPoint, metric::Data, number_data_point};
use prost::Message as _;
use tokio::time::{Instant, sleep};

use crate::receiver::Receiver;

const SCOPE: Scope = Scope { name: "tare.peers", version: "1.2.3" };

const fn metric(name: &'static str, unit: &'static str, kind: Kind, value_type: ValueType) -> Metric {
    Metric { name, description: "A figure for a peer.", unit, kind, value_type, default_on: true }
}

/// Every kind of metric, under names and units that tare uses.
static METRICS: [Metric; 7] = [
    metric("system.cpu.time", "s", Kind::Sum { monotonic: true }, ValueType::Double),
    metric("system.network.io", "By", Kind::Sum { monotonic: true }, ValueType::Int),
    metric("system.disk.operations", "{operation}", Kind::Sum { monotonic: true }, ValueType::Int),
    metric("system.memory.usage", "By", Kind::Sum { monotonic: false }, ValueType::Int),
    metric("system.memory.utilization", "1", Kind::Gauge, ValueType::Double),
    metric("system.cpu.load_average.1m", "{thread}", Kind::Gauge, ValueType::Double),
    metric("system.linux.memory.available", "By", Kind::Gauge, ValueType::Int),
];

/// The values of each double metric, one series each; counters add to them from scrape to scrape.
const DOUBLES: [f64; 6] = [0.0, 0.1, 1.0 / 3.0, 123_456_789.987_654_3, f64::MIN_POSITIVE, 1.7e308];
/// The values of each integer metric.
const INTEGERS: [i64; 6] = [0, 1, 4096, (1 << 53) + 1, i64::MAX - 10, 77];
/// One attribute tells the series of a metric apart.
const STATES: [&str; 6] = ["user", "system", "idle", "größe \"quoted\"\n", "/dev/nvme0n1", "последний"];

/// One point with all that belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub(super) resource: BTreeMap<String, String>,
    pub(super) scope: (String, String),
    pub(super) name: String,
    pub(super) description: String,
    pub(super) unit: String,
    /// For a sum, whether it is monotonic and whether it is cumulative.
    pub(super) sum: Option<(bool, bool)>,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) start: u64,
    /// Nanoseconds since the epoch.
    pub(super) time: u64,
    /// None for a series that has ended.
    pub(super) value: Option<number_data_point::Value>,
    pub(super) flags: u32,
}

impl Sample {
    /// The value as a double, as Prometheus keeps it.
    #[expect(clippy::cast_precision_loss, reason = "it is the rounding that is expected")]
    pub(super) fn double(&self) -> Option<f64> {
        self.value.map(|value| match value {
            number_data_point::Value::AsDouble(value) => value,
            number_data_point::Value::AsInt(value) => value as f64,
        })
    }
}

fn pairs(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |pair: &KeyValue| match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        Some(any_value::Value::BoolValue(flag)) => flag.to_string(),
        other => format!("{other:?}"),
    };
    attributes.iter().map(|pair| (pair.key.clone(), text(pair))).collect()
}

/// Takes requests apart.
pub(super) fn samples<'a>(
    requests: impl IntoIterator<Item = &'a ExportMetricsServiceRequest>,
) -> Vec<Sample> {
    let mut samples = Vec::new();
    for resource in requests.into_iter().flat_map(|request| &request.resource_metrics) {
        let of = resource.resource.as_ref().map(|resource| pairs(&resource.attributes)).unwrap_or_default();
        for scope in &resource.scope_metrics {
            let named = scope.scope.clone().unwrap_or_default();
            for metric in &scope.metrics {
                let (sum, points): (_, &[NumberDataPoint]) = match &metric.data {
                    Some(Data::Gauge(gauge)) => (None, &gauge.data_points),
                    Some(Data::Sum(sum)) => {
                        (Some((sum.is_monotonic, sum.aggregation_temporality == 2)), &sum.data_points)
                    }
                    _ => (None, &[]),
                };
                samples.extend(points.iter().map(|point| Sample {
                    resource: of.clone(),
                    scope: (named.name.clone(), named.version.clone()),
                    name: metric.name.clone(),
                    description: metric.description.clone(),
                    unit: metric.unit.clone(),
                    sum,
                    attributes: pairs(&point.attributes),
                    start: point.start_time_unix_nano,
                    time: point.time_unix_nano,
                    value: point.value,
                    flags: point.flags,
                }));
            }
        }
    }
    samples
}

/// Where `right` differs from `left` as a multiset, `left` being taken `times` times.
pub(super) fn differences(left: &[Sample], times: i64, right: &[Sample]) -> Vec<String> {
    let mut count: BTreeMap<String, i64> = BTreeMap::new();
    for sample in left {
        *count.entry(format!("{sample:?}")).or_default() += times;
    }
    for sample in right {
        *count.entry(format!("{sample:?}")).or_default() -= 1;
    }
    let differs = count.into_iter().filter(|(_, count)| *count != 0);
    differs
        .map(|(sample, count)| {
            let what = if count > 0 { "missing" } else { "not sent so" };
            format!("{what} ({}): {sample}", count.abs())
        })
        .collect()
}

/// Two scrapes, `now` the time of the second: all series, then the same a second later but for one that has ended.
pub(super) fn figures(case: &str, now: Timestamp) -> Vec<Request> {
    const SECOND: u64 = 1_000_000_000;
    let resource = [Attribute::str("host.name", "peer"), Attribute::str("case", case)];
    let start = Timestamp(now.0.saturating_sub(3_600 * SECOND));
    let mut segment = Segment::new(&resource, SCOPE, start);
    let series: Vec<_> = METRICS
        .iter()
        .flat_map(|metric| STATES.iter().enumerate().map(move |(index, state)| (metric, index, state)))
        .map(|(metric, index, state)| {
            let attributes = [Attribute::str("state", state), Attribute::int("cpu.number", 3)];
            (metric, index, segment.series(metric, &attributes))
        })
        .collect();
    let mut requests = Vec::new();
    for (scrape, time) in [(0_u8, now.0.saturating_sub(SECOND)), (1, now.0)] {
        segment.begin(Timestamp(time));
        for (metric, index, id) in &series {
            match metric.value_type {
                ValueType::Int => segment.set_int(*id, INTEGERS[*index] + i64::from(scrape)),
                ValueType::Double => segment.set_double(*id, DOUBLES[*index] + f64::from(scrape)),
            }
        }
        if scrape == 1
            && let Some((_, _, id)) = series.last()
        {
            segment.end(*id);
        }
        segment.finish();
        let mut builder = RequestBuilder::default();
        builder.push(&segment);
        requests.extend(builder.drain());
    }
    requests
}

/// What a receiver of this process has taken.
#[derive(Clone, Default)]
pub(super) struct Taken(Arc<Mutex<Vec<ExportMetricsServiceRequest>>>);

impl Taken {
    /// Starts a receiver that fills it.
    pub(super) fn receiver(&self) -> anyhow::Result<Receiver> {
        let taken = self.clone();
        let receiver = Receiver::loopback(move |received| taken.lock().push(received.request))?;
        Ok(receiver)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<ExportMetricsServiceRequest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything taken so far.
    pub(super) fn samples(&self) -> Vec<Sample> {
        samples(self.lock().iter())
    }
}

/// How an output of this process did.
pub(super) struct Delivery {
    /// The samples handed to the output.
    pub(super) sent: Vec<Sample>,
    /// Points that the peer acknowledged.
    pub(super) acknowledged: u64,
    /// Exchanges begun.
    pub(super) attempts: u64,
    /// Request bodies before compression, and on the wire.
    pub(super) bytes: (u64, u64),
    /// The last failure or remark, in the exporter's words.
    pub(super) error: Option<String>,
}

/// What a delivery is to come to; it ends as soon as it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Everything is sent, whatever went wrong before.
    Sent,
    /// It failed for a reason in which this word occurs. A peer that refuses a client may close its side before its
    /// reason is read, so that one attempt or another tells of a closed connection only.
    Refused(&'static str),
}

/// For what a working peer does in milliseconds, on the busiest machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Sends the requests through an output of the exporter, for as long as [`PATIENCE`] at most.
pub(super) fn deliver(settings: &Settings, requests: Vec<Request>, until: Until) -> anyhow::Result<Delivery> {
    let decoded: Vec<_> = requests
        .iter()
        .map(|request| ExportMetricsServiceRequest::decode(request.body.as_ref()))
        .collect::<Result<_, _>>()
        .context("the exporter's own request")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (totals, error) = runtime.block_on(async {
        let (queue, output) = Output::new(settings).context("the settings of an output")?;
        let monitor = output.monitor();
        for Request { body, points } in requests {
            queue.push(Item { body, points, class: Class::Data, created: Timestamp::now() });
        }
        let deadline = Instant::now() + PATIENCE;
        let mut told = None;
        // A shutdown sends what waits, until its deadline: now, once there was a refusal. Its last attempt may tell of a
        // closed connection only.
        let ended = async {
            let Until::Refused(word) = until else { return deadline };
            while told.is_none() && Instant::now() < deadline {
                sleep(Duration::from_millis(5)).await;
                told = monitor.status().last_error.filter(|error| error.text.contains(word));
            }
            deadline.min(Instant::now())
        };
        output.run(ended).await;
        anyhow::Ok((monitor.stats().totals(), told.or_else(|| monitor.status().last_error)))
    })?;
    Ok(Delivery {
        sent: samples(&decoded),
        acknowledged: totals.sent.points,
        attempts: totals.attempts,
        bytes: (totals.encoded_bytes, totals.wire_bytes),
        error: error.map(|error| error.text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent() -> Vec<Sample> {
        let requests = figures("test", Timestamp(1_700_000_000_000_000_000));
        let decoded: Vec<_> = requests
            .iter()
            .map(|request| ExportMetricsServiceRequest::decode(request.body.as_ref()).unwrap())
            .collect();
        samples(&decoded)
    }

    #[test]
    fn the_figures_are_two_scrapes_of_every_series_and_one_ends() {
        let samples = sent();
        assert_eq!(samples.len(), 2 * METRICS.len() * STATES.len());
        assert_eq!(samples.iter().filter(|sample| sample.value.is_none() && sample.flags == 1).count(), 1);
    }

    #[test]
    fn a_comparison_sees_a_lost_a_changed_and_a_repeated_sample() {
        let left = sent();
        assert!(differences(&left, 1, &left).is_empty());
        assert_eq!(differences(&left, 1, &left[1..]).len(), 1);
        assert_eq!(differences(&left, 2, &left).len(), left.len());
        let mut changed = left.clone();
        changed[3].value = Some(number_data_point::Value::AsDouble(0.5));
        assert_eq!(differences(&left, 1, &changed).len(), 2);
        let mut later = left.clone();
        later[0].time += 1;
        assert_eq!(differences(&left, 1, &later).len(), 2);
    }
}

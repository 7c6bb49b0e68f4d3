//! What the demo has seen, as plain data: fed with requests, read by the live table and the plain lines.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{NumberDataPoint, number_data_point::Value};

use super::agent_process::{AgentProcess, Cost};
use crate::receiver::Received;

/// One metric's row.
#[derive(Debug, Default, Clone)]
pub(super) struct Row {
    pub(super) unit: String,
    pub(super) points: u64,
    pub(super) series: HashSet<u64>,
    /// The newest value of the series seen first: something to watch.
    pub(super) sample: Option<f64>,
    watched: Option<u64>,
}

/// Everything that arrived.
#[derive(Debug, Default)]
pub(super) struct Board {
    pub(super) pid: u32,
    pub(super) rows: BTreeMap<String, Row>,
    pub(super) requests: u64,
    pub(super) wire_bytes: u64,
    pub(super) points: u64,
    pub(super) first_after: Option<Duration>,
    pub(super) elapsed: Duration,
    pub(super) cost: Cost,
    /// The newest `tare.freshness.due` and `tare.freshness.on_time`, by series.
    freshness: [BTreeMap<u64, f64>; 2],
    /// When a sample of this machine last came, and the longest time between two since the count began.
    last_of_machine: Option<Duration>,
    longest_silence: Duration,
}

/// What the agent's own freshness is published under: due, and on time.
const FRESHNESS: [&str; 2] = ["tare.freshness.due", "tare.freshness.on_time"];
/// A metric of this machine that comes with every scrape.
const OF_MACHINE: &str = "system.memory.usage";

/// The board between the receiver's thread, which fills it, and the screen.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    board: Arc<Mutex<Board>>,
    pub(super) start: Instant,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self { board: Arc::default(), start: Instant::now() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in one request that arrives now.
    pub(super) fn take(&self, received: &Received) {
        self.lock().take(received, self.start.elapsed());
    }

    /// Brings the figures that are not in requests up to date and answers the board.
    pub(super) fn refresh(&self, agent: &AgentProcess) -> MutexGuard<'_, Board> {
        let mut board = self.lock();
        board.pid = agent.pid();
        board.elapsed = self.start.elapsed();
        if !agent.gone() {
            board.cost = agent.cost();
        }
        board
    }
}

impl Board {
    #[cfg(test)]
    fn new(pid: u32) -> Self {
        Self { pid, ..Self::default() }
    }

    /// Takes in one request that arrived `after` the start.
    pub(super) fn take(&mut self, received: &Received, after: Duration) {
        self.first_after.get_or_insert(after);
        self.requests += 1;
        self.wire_bytes += received.wire_bytes as u64;
        for resource in &received.request.resource_metrics {
            let resource_key = resource.resource.as_ref().map_or(0, |resource| hash(&resource.attributes));
            for metric in resource.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
                let row = self.rows.entry(metric.name.clone()).or_default();
                row.unit.clone_from(&metric.unit);
                self.points += row.take(metric.data.as_ref(), resource_key);
                if let Some(at) = FRESHNESS.iter().position(|name| *name == metric.name) {
                    self.freshness[at].extend(newest(metric.data.as_ref()));
                }
                if metric.name == OF_MACHINE {
                    self.heard_of_machine(after);
                }
            }
        }
    }

    fn heard_of_machine(&mut self, at: Duration) {
        let silence = self.last_of_machine.map(|last| at.saturating_sub(last)).unwrap_or_default();
        self.longest_silence = self.longest_silence.max(silence);
        self.last_of_machine = Some(at);
    }

    /// Begins to look for the longest time without a sample of this machine.
    pub(super) fn begin_silence(&mut self) {
        self.longest_silence = Duration::ZERO;
    }

    /// The longest time without a sample of this machine since then, the present one included.
    pub(super) fn silence(&self, now: Duration) -> Duration {
        let present = self.last_of_machine.map_or(now, |last| now.saturating_sub(last));
        self.longest_silence.max(present)
    }

    /// The share of what was due that came on time, from 0 to 1; none before anything was due.
    pub(super) fn freshness(&self) -> Option<f64> {
        let [due, on_time] = self.freshness.each_ref().map(|series| series.values().sum::<f64>());
        (due > 0.0).then(|| on_time / due)
    }

    /// Points per second since the start.
    pub(super) fn rate(&self) -> f64 {
        per(as_f64(self.points), self.elapsed.as_secs_f64())
    }

    /// The agent's CPU time per point, in microseconds.
    pub(super) fn cpu_per_point_us(&self) -> f64 {
        per(self.cost.cpu_s * 1e6, as_f64(self.points))
    }

    /// The agent's CPU use in per cent of one core, since its start.
    pub(super) fn cpu_percent(&self) -> f64 {
        per(self.cost.cpu_s * 100.0, self.elapsed.as_secs_f64())
    }
}

impl Row {
    fn take(&mut self, data: Option<&Data>, resource_key: u64) -> u64 {
        let points: &[NumberDataPoint] = match data {
            Some(Data::Gauge(gauge)) => &gauge.data_points,
            Some(Data::Sum(sum)) => &sum.data_points,
            Some(Data::Histogram(histogram)) => return self.count(histogram.data_points.len()),
            _ => return 0,
        };
        for point in points {
            let series = resource_key ^ hash(&point.attributes);
            self.series.insert(series);
            if *self.watched.get_or_insert(series) == series {
                self.sample = point.value.as_ref().map(number);
            }
        }
        self.count(points.len())
    }

    fn count(&mut self, points: usize) -> u64 {
        self.points += points as u64;
        points as u64
    }
}

/// The value of each series in the points of a sum.
fn newest(data: Option<&Data>) -> impl Iterator<Item = (u64, f64)> {
    let points = match data {
        Some(Data::Sum(sum)) => &sum.data_points[..],
        _ => &[],
    };
    points.iter().filter_map(|point| Some((hash(&point.attributes), number(point.value.as_ref()?))))
}

fn number(value: &Value) -> f64 {
    match value {
        Value::AsDouble(double) => *double,
        #[expect(clippy::cast_precision_loss, reason = "shown to a person")]
        Value::AsInt(int) => *int as f64,
    }
}

/// The same for every order of the attributes: OTLP's attributes are a set.
fn hash(attributes: &[KeyValue]) -> u64 {
    let one = |attribute: &KeyValue| {
        let mut hasher = DefaultHasher::new();
        (&attribute.key, format!("{:?}", attribute.value)).hash(&mut hasher);
        hasher.finish()
    };
    attributes.iter().map(one).fold(0, u64::wrapping_add)
}

fn per(amount: f64, of: f64) -> f64 {
    if of > 0.0 { amount / of } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "shown to a person")]
pub(super) fn as_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
    use opentelemetry_proto::tonic::metrics::v1::{Gauge, Metric, ResourceMetrics, ScopeMetrics};

    use super::*;

    fn received(values: &[i64]) -> Received {
        let points = values
            .iter()
            .map(|value| NumberDataPoint { value: Some(Value::AsInt(*value)), ..Default::default() })
            .collect();
        let metric = Metric {
            name: "m".into(),
            unit: "By".into(),
            data: Some(Data::Gauge(Gauge { data_points: points })),
            ..Default::default()
        };
        let scope = ScopeMetrics { metrics: vec![metric], ..Default::default() };
        let resource = ResourceMetrics { scope_metrics: vec![scope], ..Default::default() };
        Received {
            request: ExportMetricsServiceRequest { resource_metrics: vec![resource] },
            wire_bytes: 100,
            body_bytes: 200,
            at: std::time::SystemTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_board_counts_what_arrived_and_keeps_the_newest_value() {
        let mut board = Board::new(1);
        board.take(&received(&[7]), Duration::from_millis(300));
        board.take(&received(&[8]), Duration::from_millis(900));
        board.elapsed = Duration::from_secs(2);
        assert_eq!((board.points, board.requests, board.wire_bytes), (2, 2, 200));
        assert_eq!(board.rows["m"].sample, Some(8.0));
        assert_eq!(board.rows["m"].series.len(), 1);
        assert!((board.rate() - 1.0).abs() < 1e-9);
        assert_eq!(board.first_after, Some(Duration::from_millis(300)));
    }
}

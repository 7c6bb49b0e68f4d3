//! An OTLP/HTTP receiver of a few lines: it decodes each request and remembers the metrics' names.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Text;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint};
use prost::Message as _;

use crate::process::PATIENCE;

/// One point of a sum of whole things.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) value: u64,
    /// Nanoseconds of Unix time.
    pub(crate) start: u64,
}

/// What arrived at a receiver.
#[derive(Default)]
pub(crate) struct Seen {
    names: BTreeSet<String>,
    /// The points of each sum as they came the last time.
    sums: BTreeMap<String, Vec<Point>>,
    requests: usize,
    delta: bool,
}

impl Seen {
    /// Remembers a request.
    pub(crate) fn note(&mut self, request: &ExportMetricsServiceRequest) {
        for metric in metrics(request) {
            self.names.insert(metric.name.clone());
            if let Some(Data::Sum(sum)) = &metric.data {
                self.sums.insert(metric.name.clone(), sum.data_points.iter().map(point).collect());
            }
            self.delta |= match &metric.data {
                Some(Data::Sum(sum)) => sum.aggregation_temporality != CUMULATIVE,
                Some(Data::Histogram(histogram)) => histogram.aggregation_temporality != CUMULATIVE,
                _ => false,
            };
        }
        self.requests += 1;
    }
}

/// A receiver on a port of its own; its thread ends with the test's process.
pub(crate) struct Receiver {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Receiver {
    /// A receiver that accepts everything.
    pub(crate) fn start() -> Self {
        Self::listen(true)
    }

    /// A receiver that reads requests and never answers.
    pub(crate) fn that_never_answers() -> Self {
        Self::listen(false)
    }

    fn listen(answer: bool) -> Self {
        Self::serving(move |stream, seen| serve(stream, seen, answer))
    }

    /// A receiver that does this with each connection, on a thread of its own.
    pub(crate) fn serving(serve: impl Fn(TcpStream, &Mutex<Seen>) + Clone + Send + 'static) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        let address = listen(move |stream| serve(stream, &shared));
        Self { address, seen }
    }

    /// The port on loopback.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// What to write into the configuration.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whether the metric has arrived.
    pub(crate) fn saw(&self, metric: &str) -> bool {
        self.seen.lock().unwrap().names.contains(metric)
    }

    /// Whether a sum or a histogram arrived that is not cumulative.
    pub(crate) fn saw_delta(&self) -> bool {
        self.seen.lock().unwrap().delta
    }

    /// The points of a sum as they came the last time.
    pub(crate) fn points(&self, metric: &str) -> Vec<Point> {
        self.seen.lock().unwrap().sums.get(metric).cloned().unwrap_or_default()
    }

    /// Waits until the metric arrives.
    pub(crate) fn wait_for(&self, metric: &str) {
        self.wait_until(metric, |seen| seen.names.contains(metric));
    }

    /// How many requests have arrived.
    pub(crate) fn requests(&self) -> usize {
        self.seen.lock().unwrap().requests
    }

    /// Waits until `count` requests have arrived.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        self.wait_until("more requests", |seen| seen.requests >= count);
    }

    fn wait_until(&self, what: &str, done: impl Fn(&Seen) -> bool) {
        let start = Instant::now();
        while !done(&self.seen.lock().unwrap()) {
            assert!(start.elapsed() < PATIENCE, "{what} did not arrive");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Serves every connection to a new port of loopback on a thread of its own; they end with the test's process.
pub(crate) fn listen(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream.unwrap()));
        }
    });
    address
}

/// An endpoint on which nobody listens.
pub(crate) fn closed_endpoint() -> String {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("http://{free}")
}

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: i32 = 2;

/// Every metric of a request.
pub(crate) fn metrics(request: &ExportMetricsServiceRequest) -> impl Iterator<Item = &Metric> {
    let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    scopes.flat_map(|scope| &scope.metrics)
}

fn serve(stream: TcpStream, seen: &Mutex<Seen>, answer: bool) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(body) = request_body(&mut reader) {
        let request = ExportMetricsServiceRequest::decode(&*body).expect("OTLP");
        seen.lock().unwrap().note(&request);
        if answer {
            let _ = writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        }
    }
}

fn point(point: &NumberDataPoint) -> Point {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Text::StringValue(text)) => text.clone(),
        other => format!("{other:?}"),
    };
    let attributes = point.attributes.iter().map(|pair| (pair.key.clone(), text(&pair.value)));
    let value = match point.value {
        Some(Number::AsInt(value)) => u64::try_from(value).unwrap(),
        _ => 0,
    };
    Point { attributes: attributes.collect(), value, start: point.start_time_unix_nano }
}

/// The decompressed body of the next request; `None` at the end of the connection.
fn request_body(reader: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let (mut length, mut gzip, mut line) = (0, false, String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        gzip |= header == "content-encoding: gzip";
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if !gzip {
        return Some(body);
    }
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(&*body).read_to_end(&mut plain).unwrap();
    Some(plain)
}

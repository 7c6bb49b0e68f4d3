//! An OTLP/HTTP receiver of a few lines: it decodes each request and remembers the metrics' names.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message as _;

use crate::process::PATIENCE;

#[derive(Default)]
struct Seen {
    names: BTreeSet<String>,
    requests: usize,
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
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream.unwrap(), &shared, answer));
            }
        });
        Self { address, seen }
    }

    /// What to write into the configuration.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whether the metric has arrived.
    pub(crate) fn saw(&self, metric: &str) -> bool {
        self.seen.lock().unwrap().names.contains(metric)
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

/// An endpoint on which nobody listens.
pub(crate) fn closed_endpoint() -> String {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("http://{free}")
}

fn serve(stream: TcpStream, seen: &Mutex<Seen>, answer: bool) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(body) = request_body(&mut reader) {
        let request = ExportMetricsServiceRequest::decode(&*body).expect("OTLP");
        let metrics = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
        {
            let mut seen = seen.lock().unwrap();
            seen.names.extend(metrics.flat_map(|scope| &scope.metrics).map(|metric| metric.name.clone()));
            seen.requests += 1;
        }
        if answer {
            let _ = writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        }
    }
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

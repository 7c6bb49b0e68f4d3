use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Mutex;

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};

use super::*;

struct Bench {
    receiver: Receiver,
    seen: Arc<Mutex<Vec<Received>>>,
}

fn bench() -> Bench {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let receiver = Receiver::loopback(move |received| sink.lock().unwrap().push(received)).unwrap();
    Bench { receiver, seen }
}

impl Bench {
    /// Sends one request and returns the answer's status line.
    fn send(&self, head: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.receiver.local_addr()).unwrap();
        let head =
            format!("{head}\r\nHost: t\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.lines().next().unwrap_or_default().to_owned()
    }
}

const POST: &str = "POST /v1/metrics HTTP/1.1\r\nContent-Type: application/x-protobuf";

fn request() -> ExportMetricsServiceRequest {
    let metric = Metric { name: "system.uptime".into(), ..Metric::default() };
    let scope = ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() };
    let resource = ResourceMetrics { scope_metrics: vec![scope], ..ResourceMetrics::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![resource] }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn plain_and_gzip_requests_reach_the_sink_whole() {
    let bench = bench();
    let plain = request().encode_to_vec();
    let packed = gzip(&plain);
    assert!(bench.send(POST, &plain).contains("200"));
    assert!(bench.send(&format!("{POST}\r\nContent-Encoding: gzip"), &packed).contains("200"));
    let seen = bench.seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|one| one.request == request() && one.body_bytes == plain.len()));
    assert_eq!(seen.iter().map(|one| one.wire_bytes).collect::<Vec<_>>(), [plain.len(), packed.len()]);
    let totals = bench.receiver.totals();
    assert_eq!((totals.requests, totals.refused), (2, 0));
    assert_eq!(totals.wire_bytes, (plain.len() + packed.len()) as u64);
    assert!(totals.socket_bytes > totals.wire_bytes);
}

#[test]
fn what_is_not_otlp_metrics_is_refused_with_its_reason_and_counted() {
    let bench = bench();
    let plain = request().encode_to_vec();
    let cases: [(&str, &[u8], &str); 6] = [
        ("POST /v1/traces HTTP/1.1\r\nContent-Type: application/x-protobuf", &plain, "404"),
        ("GET /v1/metrics HTTP/1.1\r\nContent-Type: application/x-protobuf", b"", "405"),
        ("POST /v1/metrics HTTP/1.1\r\nContent-Type: application/json", &plain, "415"),
        (&format!("{POST}\r\nContent-Encoding: zstd"), &plain, "415"),
        (&format!("{POST}\r\nContent-Encoding: gzip"), &plain, "400"),
        (POST, b"\xff\xff\xff", "400"),
    ];
    for (head, body, status) in cases {
        let answer = bench.send(head, body);
        assert!(answer.contains(status), "{head:?} was answered {answer:?}");
    }
    assert_eq!(bench.receiver.totals().refused, 6);
    assert!(bench.seen.lock().unwrap().is_empty());
}

#[test]
fn a_body_that_inflates_beyond_the_limit_is_refused() {
    let bomb = gzip(&vec![0; 4096]);
    assert_eq!(inflate(&bomb, 4096).map(|plain| plain.len()), Ok(4096));
    assert_eq!(inflate(&bomb, 4095).map_err(|(status, _)| status), Err(StatusCode::PAYLOAD_TOO_LARGE));
}

#[test]
fn a_request_cut_short_never_reaches_the_sink() {
    let bench = bench();
    let plain = request().encode_to_vec();
    let mut stream = TcpStream::connect(bench.receiver.local_addr()).unwrap();
    write!(stream, "{POST}\r\nHost: t\r\nContent-Length: {}\r\n\r\n", plain.len() + 1).unwrap();
    stream.write_all(&plain).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    assert!(bench.seen.lock().unwrap().is_empty());
}

#[test]
fn a_dropped_receiver_gives_its_port_back() {
    let bench = bench();
    let address = bench.receiver.local_addr();
    drop(bench);
    assert!(TcpStream::connect(address).is_err());
}

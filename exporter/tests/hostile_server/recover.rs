//! What an output does about refusals that it can do something about, over both protocols: it halves what is
//! too large, reads credentials anew, and begins again where a connection was cut under it.

use std::fs;
use std::future::poll_fn;
use std::path::Path;
use std::pin::pin;

use exporter::output::{Protocol, Settings};
use exporter::queue::DropReason;
use exporter::retry::Failure;
use exporter::stats::Count;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderName};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric,
};
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::client::{self, PATIENCE, Report, deliver, grpc, item, settings};
use crate::http2::{self, Then, act, goaway, message, ok, trailers_only};
use crate::server::{self, Received, answer};

const BOTH: [Protocol; 2] = [Protocol::HttpProtobuf, Protocol::Grpc];

/// The words of a receiver for Go.
pub(crate) const TOO_LARGE: [(&str, &str); 2] =
    [("grpc-status", "8"), ("grpc-message", "grpc: received message larger than max (9 vs. 4)")];

/// A request with so many resources of one point each.
pub(crate) fn request(resources: u64) -> Vec<u8> {
    let resource = |number| {
        let point = NumberDataPoint { time_unix_nano: number, ..NumberDataPoint::default() };
        let data = Some(metric::Data::Gauge(Gauge { data_points: vec![point] }));
        let metrics = vec![Metric { name: "m".to_owned(), data, ..Metric::default() }];
        let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
        ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }
    };
    let resource_metrics = (1..=resources).map(resource).collect();
    ExportMetricsServiceRequest { resource_metrics }.encode_to_vec()
}

/// The times of the points of a request, in order.
pub(crate) fn times(received: &Received) -> Vec<u64> {
    let request = ExportMetricsServiceRequest::decode(&received.body[..]).expect("OTLP");
    let metrics = request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
    let data = metrics.flat_map(|scope| scope.metrics).filter_map(|metric| metric.data);
    data.flat_map(|data| match data {
        metric::Data::Gauge(gauge) => gauge.data_points,
        other => panic!("not sent: {other:?}"),
    })
    .map(|point| point.time_unix_nano)
    .collect()
}

/// A request of ten points to a server that finds it too large where the script says so.
async fn sized(protocol: Protocol, script: &[bool]) -> (Report, Vec<Vec<u64>>) {
    let (seen, url, serve): (_, _, client::Serving) = match protocol {
        Protocol::Stdout => unreachable!("it has no server"),
        Protocol::HttpProtobuf => {
            let refusal = answer("413 Content Too Large", "text/plain", "", b"");
            let acts = script.iter().map(|large| if *large { refusal.clone() } else { server::ok() });
            let server = server::Server::bind(acts.map(server::Act::Answer)).await;
            (server.seen(), server.url(), Box::pin(server.serve()))
        }
        Protocol::Grpc => {
            let acts = script.iter().map(|large| {
                let large = *large;
                act(move |id| if large { trailers_only(id, &TOO_LARGE) } else { ok(id) }, Then::GoOn)
            });
            let server = http2::Server::bind(acts).await;
            (server.seen(), server.url(), Box::pin(server.serve()))
        }
    };
    let settings = Settings { protocol, ..settings(&url) };
    let got = deliver(&settings, vec![item(request(10), 10)], PATIENCE, serve).await;
    let times = seen.lock().expect("sound").requests.iter().map(times).collect();
    (got, times)
}

#[tokio::test]
async fn what_a_backend_finds_too_large_is_sent_in_two_halves_and_no_smaller() {
    for protocol in BOTH {
        let (got, times) = sized(protocol, &[true]).await;
        let halves: [Vec<u64>; 3] = [(1..=10).collect(), (1..=5).collect(), (6..=10).collect()];
        assert_eq!(times, halves, "{protocol:?}");
        assert_eq!(got.totals.sent, Count { requests: 2, points: 10 }, "{protocol:?}");
        assert_eq!((got.totals.failures(Failure::TooLarge), got.totals.retries), (1, 0));

        let (got, times) = sized(protocol, &[true, true, false]).await;
        assert_eq!(times, halves, "{protocol:?}");
        let lost = got.totals.dropped.of(DropReason::TooLarge);
        assert_eq!((got.totals.sent.points, lost), (5, Count { requests: 1, points: 5 }), "{protocol:?}");
    }
}

/// A receiver over gRPC that refuses with `code` whoever does not bear the new token, and at whose first refusal
/// the token rotates.
async fn guarded(listener: &TcpListener, token: &Path, code: &'static str) {
    loop {
        let (stream, _) = listener.accept().await.expect("accepts");
        let mut connection = h2::server::handshake(stream).await.expect("HTTP/2");
        while let Some(Ok((request, respond))) = connection.accept().await {
            let right = request.headers().get("authorization").is_some_and(|value| value == "new");
            let mut call = pin!(respond_to(request.into_body(), respond, if right { "0" } else { code }));
            poll_fn(|context| {
                let _ = connection.poll_closed(context);
                call.as_mut().poll(context)
            })
            .await;
            fs::write(token, "new\n").expect("written");
        }
    }
}

async fn respond_to(mut body: h2::RecvStream, mut respond: SendResponse<bytes::Bytes>, code: &'static str) {
    while let Some(data) = body.data().await {
        let length = data.expect("data").len();
        let _ = body.flow_control().release_capacity(length);
    }
    let mut stream = respond.send_response(http::Response::new(()), false).expect("sent");
    stream.send_data(message(false, b"").into(), false).expect("sent");
    let trailers = [(HeaderName::from_static("grpc-status"), code.parse().expect("a value"))];
    stream.send_trailers(HeaderMap::from_iter(trailers)).expect("sent");
}

#[tokio::test]
async fn over_grpc_a_token_is_read_anew_when_the_backend_does_not_accept_the_old_one() {
    // UNAUTHENTICATED, PERMISSION_DENIED, and INVALID_ARGUMENT, which has nothing to do with it.
    for (code, renewed) in [("16", true), ("7", true), ("3", false)] {
        let folder = tempfile::TempDir::new().expect("a folder");
        let token = folder.path().join("token");
        fs::write(&token, "old").expect("written");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let headers_from_files = vec![("authorization".to_owned(), token.clone())];
        let settings = Settings { headers_from_files, ..grpc(&url) };
        let items = vec![item("a", 1), item("b", 1)];
        let got = deliver(&settings, items, PATIENCE, guarded(&listener, &token, code)).await;
        let sent = if renewed { 2 } else { 1 };
        assert_eq!((got.totals.sent.points, got.totals.retries), (sent, u64::from(renewed)), "{code}");
        assert_eq!(got.totals.failures(Failure::Unauthorized), u64::from(renewed), "{code}");
        assert_eq!(got.totals.dropped.of(DropReason::Rejected).points, 2 - sent, "{code}");
    }
}

#[tokio::test]
async fn without_credentials_that_can_change_a_refusal_over_grpc_is_not_repeated() {
    for code in ["16", "7"] {
        let folder = tempfile::TempDir::new().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let settings =
            Settings { headers: vec![("authorization".to_owned(), "old".to_owned())], ..grpc(&url) };
        let token = folder.path().join("token");
        let serve = guarded(&listener, &token, code);
        let got = deliver(&settings, vec![item("a", 1)], PATIENCE, serve).await;
        assert_eq!((got.totals.attempts, got.totals.dropped.of(DropReason::Rejected).points), (1, 1));
    }
}

#[tokio::test]
async fn a_storm_of_goaway_costs_attempts_and_connections_and_no_point() {
    for (last, code) in [(0, 0), (0, 11), (0x7fff_ffff, 2)] {
        let storm = (0..100).map(|_| act(move |_| goaway(last, code), Then::Close));
        let server = http2::Server::bind(storm).await;
        let seen = server.seen();
        let items = (0..10).map(|number| item(vec![number], 10)).collect();
        let got = deliver(&grpc(&server.url()), items, PATIENCE, server.serve()).await;
        assert_eq!(got.totals.sent, Count { requests: 10, points: 100 }, "{}", got.says());
        assert_eq!((got.totals.retries, got.totals.failures(Failure::Disconnected)), (100, 100));
        let seen = seen.lock().expect("sound");
        assert_eq!((seen.connections, seen.requests.len()), (101, 110));
    }
}

#[tokio::test]
async fn a_connection_that_goes_away_after_each_answer_costs_a_connection_each_and_no_failure_of_a_call() {
    let graceful = (0..50).map(|_| act(|id| [goaway(id, 0), ok(id)].concat(), Then::Close));
    let server = http2::Server::bind(graceful).await;
    let seen = server.seen();
    let items = (0..50).map(|number| item(vec![number], 10)).collect();
    let got = deliver(&grpc(&server.url()), items, PATIENCE, server.serve()).await;
    assert_eq!((got.totals.sent.points, got.totals.dropped.total().points), (500, 0), "{}", got.says());
    // The client is told not to use it again together with the answer: no call is lost to that.
    assert_eq!((seen.lock().expect("sound").requests.len(), got.totals.attempts), (50, 50));
}

/// Takes one connection, speaks first where the protocol wants that, and cuts the connection with a reset when it has
/// brought the beginning of a request.
async fn cut_short(listener: &TcpListener, beginning: &[u8]) {
    let (mut stream, _) = listener.accept().await.expect("accepts");
    stream.write_all(beginning).await.expect("its beginning");
    stream.read_exact(&mut [0; 1_000]).await.expect("the beginning");
    stream.set_zero_linger().expect("set");
}

#[tokio::test]
async fn a_reset_in_the_middle_of_an_upload_is_retried_and_the_whole_arrives() {
    let mut random = fastrand::Rng::with_seed(4);
    let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(2 << 20).collect();
    for protocol in BOTH {
        let (seen, url, serve): (_, _, client::Serving) = match protocol {
            Protocol::Stdout => unreachable!("it has no server"),
            Protocol::HttpProtobuf => {
                let server = server::Server::bind([]).await;
                let (seen, url) = (server.seen(), server.url());
                let serve = async move {
                    cut_short(server.listener(), b"").await;
                    server.serve().await;
                };
                (seen, url, Box::pin(serve))
            }
            Protocol::Grpc => {
                let server = http2::Server::bind([]).await;
                let (seen, url) = (server.seen(), server.url());
                let serve = async move {
                    cut_short(server.listener(), &http2::settings()).await;
                    server.serve().await;
                };
                (seen, url, Box::pin(serve))
            }
        };
        let settings = Settings { protocol, ..settings(&url) };
        let got = deliver(&settings, vec![item(noise.clone(), 10)], PATIENCE, serve).await;
        assert_eq!((got.totals.sent.points, got.totals.retries), (10, 1), "{protocol:?}: {}", got.says());
        assert_eq!(got.totals.failures(Failure::Disconnected), 1, "{protocol:?}: {}", got.says());
        let seen = seen.lock().expect("sound");
        assert!(seen.requests.len() == 1 && seen.requests[0].body == noise, "{protocol:?}: changed");
    }
}

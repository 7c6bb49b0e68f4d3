//! OTLP/gRPC against a sound server, and against every way in which one can misbehave: what comes of the
//! request, under which counter, within which bounds; and then delivery works again.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use exporter::compress::Compression;
use exporter::output::Settings;
use exporter::queue::DropReason;
use exporter::retry::Failure;
use http::HeaderMap;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceResponse,
};
use prost::Message as _;
use tokio::net::TcpListener;

use crate::client::{self, Case, PATIENCE, deliver, grpc, item};
use crate::http2::{
    Act, CONTINUATION, END_HEADERS, END_STREAM, HEADERS, RST_STREAM, Server, Then, act, answer, block, data,
    endless, foreign, frame, goaway, head, headers, message, ok, trailers_only,
};

fn case(name: &'static str, act: Act, says: &'static str) -> Case<Server> {
    client::case(name, act, says)
}

fn status(fields: &'static [(&'static str, &'static str)]) -> Act {
    act(move |stream| trailers_only(stream, fields), Then::GoOn)
}

fn acknowledged(body: Vec<u8>) -> Act {
    act(move |stream| answer(stream, &body, &[("grpc-status", "0")]), Then::GoOn)
}

/// What a sound server saw of one call.
async fn received(compression: Compression, body: &'static [u8]) -> (http::request::Parts, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let folder = tempfile::TempDir::new().expect("a folder");
    let token = folder.path().join("token");
    fs::write(&token, "Bearer t0\n").expect("written");
    let settings = Settings {
        compression,
        timeout: Duration::from_secs(30),
        headers: vec![("X-Scope".to_owned(), "one".to_owned())],
        headers_from_files: vec![("authorization".to_owned(), token)],
        ..grpc(&url)
    };
    let (keep, mut kept) = tokio::sync::mpsc::channel(1);
    let serve = async move {
        let (stream, _) = listener.accept().await.expect("accepts");
        let mut connection = h2::server::handshake(stream).await.expect("HTTP/2");
        while let Some(call) = connection.accept().await {
            let (request, mut respond) = call.expect("a call");
            let (parts, mut incoming) = request.into_parts();
            let keep = keep.clone();
            let work = async move {
                let mut bytes = Vec::new();
                while let Some(data) = incoming.data().await {
                    bytes.extend_from_slice(&data.expect("data"));
                    let _ = incoming.flow_control().release_capacity(bytes.len().min(1));
                }
                let mut stream = respond.send_response(http::Response::new(()), false).expect("sent");
                stream.send_data(message(false, b"").into(), false).expect("sent");
                let trailers = [(http::HeaderName::from_static("grpc-status"), "0".parse().expect("value"))];
                stream.send_trailers(HeaderMap::from_iter(trailers)).expect("sent");
                keep.send((parts, bytes)).await.expect("kept");
            };
            let mut work = std::pin::pin!(work);
            std::future::poll_fn(|context| {
                let _ = connection.poll_closed(context);
                work.as_mut().poll(context)
            })
            .await;
        }
        std::future::pending::<()>().await;
    };
    let got = deliver(&settings, vec![item(body, 10)], PATIENCE, serve).await;
    assert_eq!(got.totals.sent.points, 10, "{}", got.says());
    assert_eq!(got.status.endpoint, url);
    kept.recv().await.expect("one call")
}

#[tokio::test]
async fn a_request_is_a_call_of_the_export_method_with_the_configured_metadata() {
    let (parts, body) = received(Compression::None, b"telemetry").await;
    assert_eq!((parts.method.as_str(), parts.version), ("POST", http::Version::HTTP_2));
    assert_eq!(parts.uri.path(), "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export");
    assert_eq!(parts.uri.scheme_str(), Some("http"));
    assert!(parts.uri.authority().is_some_and(|authority| authority.host() == "127.0.0.1"));
    for (name, value) in [
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("grpc-accept-encoding", "identity"),
        ("grpc-timeout", "30000m"),
        ("user-agent", concat!("tare/", env!("CARGO_PKG_VERSION"))),
        ("x-scope", "one"),
        ("authorization", "Bearer t0"),
    ] {
        assert_eq!(
            parts.headers.get(name).map(http::HeaderValue::as_bytes),
            Some(value.as_bytes()),
            "{name}"
        );
    }
    assert!(!parts.headers.contains_key("grpc-encoding"));
    assert_eq!(body, message(false, b"telemetry"));
    let (parts, body) = received(Compression::Gzip, b"telemetry").await;
    assert_eq!(parts.headers["grpc-encoding"], "gzip");
    assert_eq!(parts.headers["grpc-accept-encoding"], "gzip, identity");
    assert_eq!((body[0], &body[5..7]), (1, &b"\x1f\x8b"[..]), "the message is compressed, not the stream");
}

#[tokio::test]
async fn calls_and_their_repetitions_share_one_connection_and_large_messages_arrive_whole() {
    let server = Server::bind([act(ok, Then::GoOn), status(&[("grpc-status", "14")])]).await;
    let seen = server.seen();
    let mut random = fastrand::Rng::with_seed(3);
    let large: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(2 << 20).collect();
    let items = vec![item("a", 1), item(large.clone(), 1), item("c", 1)];
    let got = deliver(&grpc(&server.url()), items, PATIENCE, server.serve()).await;
    let seen = seen.lock().expect("sound");
    assert_eq!((seen.connections, seen.requests.len(), got.totals.retries), (1, 4, 1), "{}", got.says());
    assert!(seen.requests[1].body == large && seen.requests[2].body == large, "changed on its way");
}

#[tokio::test]
async fn codes_that_must_not_be_retried_drop_the_request_and_say_why() {
    let rejected = |name, act, says| case(name, act, says).dropped(Failure::Rejected, DropReason::Rejected);
    let message = status(&[("grpc-status", "3"), ("grpc-message", "bad%0D%0A%1b[31mpoint")]);
    rejected("3", message, "answered INVALID_ARGUMENT: bad [31mpoint").check().await;
    rejected("8", status(&[("grpc-status", "8")]), "answered RESOURCE_EXHAUSTED").check().await;
    rejected("12", status(&[("grpc-status", "12")]), "answered UNIMPLEMENTED").check().await;
    rejected("99", status(&[("grpc-status", "99")]), "answered UNKNOWN").check().await;
    case("16", status(&[("grpc-status", "16")]), "answered UNAUTHENTICATED")
        .dropped(Failure::Unauthorized, DropReason::Rejected)
        .check()
        .await;
    let large = status(&[("grpc-status", "8"), ("grpc-message", "grpc: received message larger than max")]);
    case("too large", large, "larger than max")
        .dropped(Failure::TooLarge, DropReason::TooLarge)
        .check()
        .await;
    let behind = act(|stream| answer(stream, b"", &[("grpc-status", "13")]), Then::GoOn);
    rejected("a status in trailers", behind, "INTERNAL").check().await;
}

#[tokio::test]
async fn codes_of_a_backend_in_trouble_are_retried_and_throttling_is_obeyed() {
    for fields in [&[("grpc-status", "14")], &[("grpc-status", "1")], &[("grpc-status", "15")]] {
        case("unavailable", status(fields), "answered").retried(Failure::Unavailable).check().await;
    }
    // google.rpc.Status with RetryInfo of no time: the answer of a receiver that throttles.
    let details = "CAgaLAoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIA";
    let throttled = act(
        move |id| trailers_only(id, &[("grpc-status", "8"), ("grpc-status-details-bin", details)]),
        Then::GoOn,
    );
    case("throttled", throttled, "RESOURCE_EXHAUSTED").retried(Failure::Throttled).check().await;
}

#[tokio::test]
async fn a_partial_success_is_counted_told_and_never_retried() {
    let partial = |rejected_data_points, text: &str| {
        let error_message = text.to_owned();
        let partial_success = Some(ExportMetricsPartialSuccess { rejected_data_points, error_message });
        acknowledged(message(false, &ExportMetricsServiceResponse { partial_success }.encode_to_vec()))
    };
    case("some", partial(3, "out of\norder"), "rejected 3 points: out of order").partly(7).check().await;
    case("all", partial(10, ""), "rejected 10 points").partly(0).check().await;
    case("more than there are", partial(99, ""), "rejected 99 points").partly(0).check().await;
    case("a warning", partial(0, "use cumulative"), "rejected 0 points: use").check().await;
    case("a long remark", partial(2, &"x".repeat(15_000)), "2 points: xxx").partly(8).check().await;
}

#[tokio::test]
async fn an_acknowledgement_that_cannot_be_understood_is_delivered_and_counted() {
    let unreadable = |name, body, says| case(name, acknowledged(body), says).unreadable();
    unreadable("no message", Vec::new(), "holds no message").check().await;
    unreadable("half a prefix", vec![0; 3], "holds no message").check().await;
    unreadable("two messages", message(false, b"").repeat(2), "not one message").check().await;
    unreadable("a length that lies", vec![0, 0xff, 0xff, 0xff, 0xff, 0], "not one message").check().await;
    unreadable("no protobuf", message(false, b"OK"), "not OTLP").check().await;
    case("an answer in headers alone", status(&[("grpc-status", "0")]), "holds no message")
        .unreadable()
        .check()
        .await;
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).expect("in memory");
    encoder.finish().expect("in memory")
}

/// An acknowledgement whose message is marked as compressed, with this `grpc-encoding`.
fn compressed(encoding: Option<&'static str>, body: Vec<u8>) -> Act {
    let bytes = move |id| {
        let mut fields = vec![(":status", "200"), ("content-type", "application/grpc")];
        fields.extend(encoding.map(|encoding| ("grpc-encoding", encoding)));
        let frames = message(true, &body);
        let body = frames.chunks(16_384).flat_map(|part| data(id, part)).collect();
        [headers(0, id, &fields), body, headers(END_STREAM, id, &[("grpc-status", "0")])].concat()
    };
    act(bytes, Then::GoOn)
}

#[tokio::test]
async fn an_answer_in_gzip_is_read_like_a_plain_one() {
    let partial = |rejected_data_points, text: &str| {
        let error_message = text.to_owned();
        let partial_success = Some(ExportMetricsPartialSuccess { rejected_data_points, error_message });
        let plain = ExportMetricsServiceResponse { partial_success }.encode_to_vec();
        compressed(Some("gzip"), gzip(&plain))
    };
    let nothing = compressed(Some("gzip"), gzip(b""));
    case("nothing", nothing, "").check().await;
    case("some", partial(3, "out of order"), "rejected 3 points: out of order").partly(7).check().await;
    // Longer than what is kept of it, both ways.
    case("a long remark", partial(2, &"x".repeat(4_000_000)), "2 points: xxx").partly(8).check().await;
}

#[tokio::test]
async fn an_answer_that_is_compressed_wrongly_or_into_a_bomb_is_delivered_and_counted() {
    let unreadable = |name, encoding, body, says| case(name, compressed(encoding, body), says).unreadable();
    unreadable("no encoding", None, gzip(b""), "does not say how").check().await;
    unreadable("identity", Some("identity"), gzip(b""), "does not say how").check().await;
    unreadable("another encoding", Some("br"), gzip(b""), "compressed as br").check().await;
    unreadable("a bomb", Some("gzip"), gzip(&vec![0; 64 << 20]), "when decompressed").check().await;
    unreadable("no gzip", Some("gzip"), b"plain".to_vec(), "damaged gzip").check().await;
    let mut cut = gzip(b"\x0a\x02\x08\x03");
    cut.truncate(cut.len() - 4);
    unreadable("half of it", Some("gzip"), cut, "damaged gzip").check().await;
    unreadable("no protobuf", Some("gzip"), gzip(b"OK"), "not OTLP").check().await;
}

#[tokio::test]
async fn what_acknowledges_nothing_is_retried_under_a_class_of_its_own() {
    let then = |bytes: fn(u32) -> Vec<u8>| act(bytes, Then::GoOn);
    let missing = then(|id| [head(id), frame(0, END_STREAM, id, &message(false, b""))].concat());
    case("missing trailers", missing, "without a status").retried(Failure::Protocol).check().await;
    let odd = status(&[("grpc-status", "fine")]);
    case("a status that is no number", odd, "without a status").retried(Failure::Protocol).check().await;
    let page = then(|id| {
        let head = headers(0, id, &[(":status", "200"), ("content-type", "text/html")]);
        [head, frame(0, END_STREAM, id, b"<html>")].concat()
    });
    case("wrong content type", page, "text/html without a status").retried(Failure::Protocol).check().await;
    let proxy = |status| act(move |id| headers(END_STREAM, id, &[(":status", status)]), Then::GoOn);
    case("503 of a proxy", proxy("503"), "503").retried(Failure::Unavailable).check().await;
    case("404 of a proxy", proxy("404"), "404")
        .dropped(Failure::Rejected, DropReason::Rejected)
        .check()
        .await;
    case("307 of a proxy", proxy("307"), "307 Temporary Redirect")
        .dropped(Failure::Redirect, DropReason::Rejected)
        .check()
        .await;
    case("403 of a proxy", proxy("403"), "403")
        .dropped(Failure::Unauthorized, DropReason::Rejected)
        .check()
        .await;
}

#[tokio::test]
async fn a_stream_or_connection_that_is_cut_is_retried() {
    let reset = |code: u32| {
        act(
            move |id| [head(id), data(id, b"\0\0"), frame(RST_STREAM, 0, id, &code.to_be_bytes())].concat(),
            Then::GoOn,
        )
    };
    for code in [0, 2, 7, 8, 11] {
        case("RST_STREAM after half a body", reset(code), "before it answered")
            .retried(Failure::Disconnected)
            .check()
            .await;
    }
    for then in [Then::Close, Then::Cut] {
        let half = act(|id| [head(id), data(id, b"\0\0")].concat(), then);
        case("half a body", half, "before it answered").retried(Failure::Disconnected).check().await;
        case("nothing", act(|_| Vec::new(), then), "before it answered")
            .retried(Failure::Disconnected)
            .check()
            .await;
    }
    let refuses = act(|_| goaway(0, 0), Then::Close);
    case("GOAWAY", refuses, "before it answered").retried(Failure::Disconnected).check().await;
    let graceful = act(|id| [goaway(id, 0), ok(id)].concat(), Then::Close);
    case("GOAWAY that lets the call end", graceful, "").check().await;
}

#[tokio::test]
async fn floods_of_every_kind_are_cut_off_within_bounds() {
    let protocol = |name, act| case(name, act, "").retried(Failure::Protocol);
    let many = || block(&[("a", "b"); 500]);
    let open = move |id| frame(HEADERS, 0, id, &block(&[(":status", "200")]));
    let more = move |id| frame(CONTINUATION, 0, id, &many());
    protocol("endless headers", endless(open, more)).check().await;
    let large = |id, flags, first: &[(&'static str, &'static str)]| {
        let fields = [first, &vec![("a", "b"); 1_000]].concat();
        frame(HEADERS, flags | END_HEADERS, id, &block(&fields))
    };
    protocol(
        "headers beyond the bound",
        act(move |id| large(id, END_STREAM, &[(":status", "200")]), Then::GoOn),
    )
    .check()
    .await;
    // What is beyond the bound of trailers is left out: what comes first is a status, or is none.
    let trailers = |first: &'static [(&str, &str)]| {
        act(
            move |id| [head(id), data(id, &message(false, b"")), large(id, END_STREAM, first)].concat(),
            Then::GoOn,
        )
    };
    case("a status before trailers beyond the bound", trailers(&[("grpc-status", "0")]), "").check().await;
    protocol("trailers beyond the bound without one", trailers(&[])).check().await;
    let open = move |id| [head(id), frame(HEADERS, END_STREAM, id, &block(&[("grpc-status", "0")]))].concat();
    let more = move |id| frame(CONTINUATION, 0, id, &many());
    protocol("endless trailers", endless(open, more)).check().await;
    let body = endless(head, |id| data(id, &[0; 16_384]));
    protocol("a body without end that minds no window", body).check().await;
    let interim = endless(|_| Vec::new(), |id| headers(0, id, &[(":status", "103")]));
    case("interim answers without end", interim, "interim").retried(Failure::Protocol).check().await;
    let storm = endless(|_| Vec::new(), |_| goaway(0, 11));
    case("a storm of GOAWAY", storm, "before it answered").retried(Failure::Disconnected).check().await;
    case("silence", act(|_| Vec::new(), Then::Stall), "did not answer within 300ms")
        .times_out()
        .check()
        .await;
    case("half an answer", act(head, Then::Stall), "did not answer").times_out().check().await;
}

#[tokio::test]
async fn a_server_that_speaks_something_else_is_told_from_one_that_is_away() {
    for bytes in [
        &b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n"[..],
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46\0\0\0\0",
    ] {
        let server = Server::bind([]).await;
        let url = server.url();
        let got = deliver(&grpc(&url), vec![item("x", 10)], PATIENCE, async {
            foreign(server.listener(), bytes).await;
            server.serve().await;
        })
        .await;
        assert_eq!((got.totals.sent.points, got.totals.retries), (10, 1), "{}", got.says());
        assert_eq!(got.totals.failures(Failure::Protocol), 1, "{}", got.says());
        assert!(got.says().contains("does not answer as a gRPC server"), "{}", got.says());
    }
}

#[tokio::test]
async fn a_storm_of_every_kind_costs_attempts_and_the_rest_is_accounted_for() {
    let acts = [
        act(|_| goaway(0, 11), Then::Close),
        act(|id| frame(RST_STREAM, 0, id, &[0, 0, 0, 8]), Then::GoOn),
        status(&[("grpc-status", "14")]),
        status(&[("grpc-status", "3")]),
        act(|id| [goaway(id, 0), ok(id)].concat(), Then::Close),
    ];
    let script: Vec<Act> = acts.iter().cycle().take(500).cloned().collect();
    let server = Server::bind(script).await;
    let items = (0..200).map(|number| item(vec![0; number], 10)).collect();
    let got = deliver(&grpc(&server.url()), items, PATIENCE, server.serve()).await;
    // Of each five calls three are repeated and two settle a request.
    assert_eq!(got.totals.dropped.of(DropReason::Rejected).points, 1_000, "{}", got.says());
    assert_eq!((got.totals.sent.points, got.totals.attempts - got.totals.retries), (1_000, 200));
}

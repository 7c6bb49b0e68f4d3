//! Every way in which a backend can misbehave: what comes of the request, under which counter, within
//! which bounds; and then delivery works again.

use std::time::Duration;

use crate::client::{self, Case, PATIENCE, deliver, item, settings};
use crate::server::{Act, Server, answer, ok};
use exporter::output::Output;
use exporter::queue::DropReason;
use exporter::retry::Failure;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceResponse,
};
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

const PROTOBUF: &str = "application/x-protobuf";
const TEXT: &str = "text/plain";

fn case(name: &'static str, act: Act, says: &'static str) -> Case<Server> {
    client::case(name, act, says)
}

fn status(line: &str, extra: &str, body: &str) -> Act {
    Act::Answer(answer(line, TEXT, extra, body.as_bytes()))
}

fn partial(rejected: i64, message: &str) -> Act {
    let partial_success =
        ExportMetricsPartialSuccess { rejected_data_points: rejected, error_message: message.to_owned() };
    let body = ExportMetricsServiceResponse { partial_success: Some(partial_success) };
    Act::Answer(answer("200 OK", PROTOBUF, "", &body.encode_to_vec()))
}

#[tokio::test]
async fn statuses_that_must_not_be_retried_drop_the_request_and_say_why() {
    let rejected = |name, line, says| {
        case(name, status(line, "", "no"), says).dropped(Failure::Rejected, DropReason::Rejected)
    };
    rejected("400", "400 Bad Request", "/v1/metrics answered 400 Bad Request: no").check().await;
    rejected("404", "404 Not Found", "answered 404 Not Found").check().await;
    rejected("500", "500 Internal Server Error", "answered 500").check().await;
    for line in ["401 Unauthorized", "403 Forbidden"] {
        case("credentials", status(line, "", "bad\r\n\u{1b}[31mtoken"), "bad [31mtoken")
            .dropped(Failure::Unauthorized, DropReason::Rejected)
            .check()
            .await;
    }
    case("413", status("413 Content Too Large", "", ""), "413")
        .dropped(Failure::TooLarge, DropReason::TooLarge)
        .check()
        .await;
    // google.rpc.Status { code: 3, message: "metric too old" }
    let rpc = answer("400 Bad Request", PROTOBUF, "", b"\x08\x03\x12\x0emetric too old");
    case("google.rpc.Status", Act::Answer(rpc), "400 Bad Request: metric too old")
        .dropped(Failure::Rejected, DropReason::Rejected)
        .check()
        .await;
}

#[tokio::test]
async fn redirects_are_refused_and_their_target_is_named() {
    for line in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        case(
            "redirect",
            status(line, "location: http://127.0.0.1:1/steal\r\n", ""),
            "here to http://127.0.0.1:1/steal",
        )
        .dropped(Failure::Redirect, DropReason::Rejected)
        .check()
        .await;
    }
}

#[tokio::test]
async fn statuses_of_a_backend_in_trouble_are_retried() {
    for line in ["502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"] {
        case("unavailable", status(line, "", ""), line).retried(Failure::Unavailable).check().await;
    }
    case("429", status("429 Too Many Requests", "retry-after: 0\r\n", ""), "429")
        .retried(Failure::Throttled)
        .check()
        .await;
    case(
        "a date that is past",
        status("503 Busy", "retry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\n", ""),
        "503",
    )
    .retried(Failure::Unavailable)
    .check()
    .await;
    case("nonsense", status("429 Too Many Requests", "retry-after: soon\r\n", ""), "429")
        .retried(Failure::Throttled)
        .check()
        .await;
}

#[tokio::test]
async fn a_wish_beyond_the_shutdown_is_respected_in_seconds_and_as_a_date() {
    let date = httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_hours(1));
    for wish in ["3600".to_owned(), date] {
        let act = status("429 Too Many Requests", &format!("retry-after: {wish}\r\n"), "");
        let server = Server::bind([act]).await;
        let settings = settings(&server.url());
        let items = vec![item("first", 10), item("second", 5)];
        // The wish is bounded by five minutes, which is more than the deadline: nothing is tried again.
        let got = deliver(&settings, items, PATIENCE, server.serve()).await;
        assert_eq!((got.totals.attempts, got.totals.sent.points), (1, 0), "{wish}");
        assert_eq!(got.totals.dropped.of(DropReason::Shutdown).points, 15, "{wish}");
    }
}

#[tokio::test]
async fn a_connection_that_is_refused_is_tried_until_it_is_not() {
    // Bound but not listening: the port is ours and refuses.
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let url = format!("http://{}/", socket.local_addr().expect("bound"));
    let (queue, output) = Output::new(&settings(&url)).expect("sound settings");
    let monitor = output.monitor();
    client::push_all(&queue, vec![item("first", 10), item("second", 5)]);
    let backend = async {
        while monitor.stats().totals().failures(Failure::Connect) < 3 {
            tokio::task::yield_now().await;
        }
        Server::on(socket.listen(8).expect("listens"), []).serve().await;
    };
    tokio::select! {
        () = output.run(async { Instant::now() + PATIENCE }) => {}
        () = backend => panic!("the server never ends"),
    }
    let got = client::report(&monitor);
    assert_eq!((got.totals.sent.points, got.totals.dropped.total().points), (15, 0));
    assert!(got.says().contains("Connection refused"), "{}", got.says());
}

#[tokio::test]
async fn what_is_no_answer_is_retried_under_a_class_of_its_own() {
    let chunked = b"HTTP/1.1 503 Busy\r\nx: ";
    case(
        "garbage",
        Act::AnswerAndClose(b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec()),
        "does not answer as an HTTP",
    )
    .retried(Failure::Protocol)
    .check()
    .await;
    case("TLS", Act::AnswerAndClose(b"\x15\x03\x01\x00\x02\x02\x46".to_vec()), "HTTP")
        .retried(Failure::Protocol)
        .check()
        .await;
    case("nothing", Act::AnswerAndClose(Vec::new()), "ended the connection before it answered")
        .retried(Failure::Disconnected)
        .check()
        .await;
    case("RST", Act::AnswerAndReset(Vec::new()), "ended the connection before it answered")
        .retried(Failure::Disconnected)
        .check()
        .await;
    case("half a head", Act::AnswerAndClose(b"HTTP/1.1 200 OK\r\ncontent-".to_vec()), "ended the connection")
        .retried(Failure::Disconnected)
        .check()
        .await;
    case("one endless header", Act::Endless(chunked.to_vec(), vec![b'x'; 4096]), "HTTP")
        .retried(Failure::Protocol)
        .check()
        .await;
    case("endless headers", Act::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), b"a: b\r\n".repeat(500)), "HTTP")
        .retried(Failure::Protocol)
        .check()
        .await;
}

#[tokio::test]
async fn an_answer_with_a_head_beyond_the_bounds_is_refused() {
    let with = |extra: &str| Act::AnswerAndClose(answer("200 OK", PROTOBUF, extra, b""));
    let headers = |count| "a: b\r\n".repeat(count);
    case("62 headers and two", with(&headers(62)), "").check().await;
    for (name, extra) in [("65 headers", headers(63)), ("17 KiB", format!("a: {}\r\n", "b".repeat(17 << 10)))]
    {
        case(name, with(&extra), "HTTP").retried(Failure::Protocol).check().await;
    }
}

#[tokio::test]
async fn a_refusal_in_the_middle_of_a_large_upload_is_heard() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    let backend = async {
        let (mut stream, _) = listener.accept().await.expect("accepts");
        stream.read_exact(&mut [0; 1_000]).await.expect("the beginning");
        let refusal = answer("413 Content Too Large", TEXT, "connection: close\r\n", b"2 MiB at most");
        stream.write_all(&refusal).await.expect("written");
        while stream.read(&mut [0; 4_096]).await.is_ok_and(|read| read > 0) {}
        std::future::pending::<()>().await;
    };
    let mut random = fastrand::Rng::with_seed(9);
    let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(8 << 20).collect();
    let mut settings = settings(&url);
    settings.queue.max_bytes = 32 << 20;
    let got = deliver(&settings, vec![item(noise, 10)], PATIENCE, backend).await;
    assert_eq!(got.totals.dropped.of(DropReason::TooLarge).points, 10, "{}", got.says());
    assert!(got.says().ends_with("413 Payload Too Large: 2 MiB at most"), "{}", got.says());
}

#[tokio::test]
async fn a_peer_that_never_comes_to_the_point_is_cut_off_by_the_time_limit() {
    let go_on = b"HTTP/1.1 100 Continue\r\n\r\n".to_vec();
    case("stall", Act::AnswerAndStall(Vec::new()), "did not answer within 300ms").times_out().check().await;
    case("half a head, then nothing", Act::AnswerAndStall(b"HTTP/1.1 200 OK\r\n".to_vec()), "did not answer")
        .times_out()
        .check()
        .await;
    // Endless interim answers are small, so the bound on bytes is the time limit's: none is claimed here.
    let server = Server::bind([Act::Endless(Vec::new(), go_on)]).await;
    let mut settings = settings(&server.url());
    settings.timeout = Duration::from_millis(300);
    let got = deliver(&settings, vec![item("first", 10)], PATIENCE, server.serve()).await;
    assert_eq!((got.totals.failures(Failure::Timeout), got.totals.sent.points), (1, 10), "{}", got.says());
}

#[tokio::test]
async fn a_partial_success_is_counted_told_and_never_retried() {
    case("some", partial(3, "out of\norder"), "rejected 3 points: out of order").partly(7).check().await;
    case("all", partial(10, ""), "rejected 10 points").partly(0).check().await;
    case("more than there are", partial(99, ""), "rejected 99 points").partly(0).check().await;
    case("a warning", partial(0, "use cumulative"), "rejected 0 points: use cumulative").check().await;
    case("negative", partial(-5, ""), "").check().await;
    case("a long remark", partial(2, &"x".repeat(1 << 20)), "rejected 2 points: xxx").partly(8).check().await;
}

#[tokio::test]
async fn an_acknowledgement_that_cannot_be_understood_is_delivered_and_counted() {
    let with = |content_type, body: &[u8]| Act::Answer(answer("200 OK", content_type, "", body));
    let unreadable = |name, act, says| case(name, act, says).unreadable();
    unreadable("a web page", with("text/html", b"<html>"), "text/html, not application/x-protobuf")
        .check()
        .await;
    unreadable("JSON", with("application/json", b"{}"), "application/json").check().await;
    unreadable("no protobuf", with(PROTOBUF, b"OK"), "not OTLP").check().await;
    unreadable("a cut message", with(PROTOBUF, b"\x0a\x7f\x08"), "not OTLP").check().await;
    unreadable("gzip, not asked for", with(PROTOBUF, &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0]), "not OTLP")
        .check()
        .await;
    case("no body at all", with("text/html", b""), "").check().await;
    case("204", Act::Answer(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()), "").check().await;
}

#[tokio::test]
async fn an_acknowledgement_whose_body_never_ends_well_is_delivered_within_bounds() {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {PROTOBUF}\r\n");
    let of = |length: &str| format!("{head}{length}\r\n\r\n").into_bytes();
    let chunked = of("transfer-encoding: chunked");
    let chunk = [&b"10000\r\n"[..], &vec![0; 0x1_0000], b"\r\n"].concat();
    let unreadable = |name, act, says| case(name, act, says).unreadable();
    unreadable("endless chunks", Act::Endless(chunked.clone(), chunk), "longer than 4194304 bytes")
        .check()
        .await;
    let endless = Act::Endless(of("content-length: 9999999999999"), vec![0; 0x1_0000]);
    unreadable("endless length", endless, "longer than 4194304 bytes").check().await;
    let until_close = Act::Endless(of("connection: close"), vec![0; 0x1_0000]);
    unreadable("endless until close", until_close, "longer than 4194304 bytes").check().await;
    let extension = Act::Endless([&chunked[..], b"1;"].concat(), vec![b'x'; 4096]);
    unreadable("endless chunk extension", extension, "cut off").check().await;
    let trailers = Act::Endless([&chunked[..], b"0\r\n"].concat(), b"a: b\r\n".repeat(500));
    unreadable("endless trailers", trailers, "cut off").check().await;
    let half = [&of("content-length: 100")[..], b"\x0a\x02"].concat();
    unreadable("half a body", Act::AnswerAndClose(half.clone()), "cut off").check().await;
    unreadable("half a body and RST", Act::AnswerAndReset(half.clone()), "cut off").check().await;
    let stalls = unreadable("half a body and silence", Act::AnswerAndStall(half), "did not end in time");
    stalls.with_short_limit().check().await;
}

#[tokio::test]
async fn an_error_whose_body_never_ends_is_judged_by_its_status() {
    let head = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\n\r\n".to_vec();
    case("endless", Act::Endless(head, b"no! ".repeat(1000)), "400 Bad Request: no! no!")
        .dropped(Failure::Rejected, DropReason::Rejected)
        .check()
        .await;
}

#[tokio::test]
async fn a_server_that_is_hostile_for_ever_costs_the_data_and_nothing_else() {
    let acts = [
        Act::AnswerAndReset(Vec::new()),
        Act::AnswerAndClose(b"garbage\r\n\r\n".to_vec()),
        status("503 Busy", "", ""),
        status("418 I'm a teapot", "", ""),
        partial(4, "no"),
        Act::AnswerAndClose(ok()),
    ];
    let script: Vec<Act> = acts.iter().cycle().take(600).cloned().collect();
    let server = Server::bind(script).await;
    let items = (0..300).map(|number| item(vec![0; number], 10)).collect();
    let got = deliver(&settings(&server.url()), items, PATIENCE, server.serve()).await;
    // Of each six exchanges three are repeated and three settle a request: rejected, partly, fully.
    assert_eq!(got.totals.attempts, 600);
    assert_eq!(got.totals.dropped.of(DropReason::Rejected).points, 1_000);
    assert_eq!(got.totals.dropped.of(DropReason::PartialSuccess).points, 400);
    assert_eq!(got.totals.sent.points, 1_600);
}

//! What a sound backend receives, and over how many connections.

use bytes::Bytes;
use exporter::compress::Compression;
use exporter::output::{Output, Settings};
use exporter::queue::{Class, DropReason, Item, Limits};
use exporter::retry::Failure;
use exporter::stats::Count;
use tokio::time::Instant;

use crate::client::{self, PATIENCE, deliver, fail, item, settings};
use crate::server::{Act, Server, answer, ok};

#[tokio::test]
async fn a_request_is_an_otlp_post_with_the_configured_headers() {
    let server = Server::bind([]).await;
    let (address, seen) = (server.address(), server.seen());
    let mut settings = settings(&format!("http://{address}/otlp/v1/metrics?tenant=a"));
    settings.headers =
        vec![("X-Scope".to_owned(), "one".to_owned()), ("authorization".to_owned(), "t0".to_owned())];
    let body = b"telemetry ".repeat(1_000);
    let got = deliver(&settings, vec![item(body.clone(), 10)], PATIENCE, server.serve()).await;

    let seen = seen.lock().expect("sound");
    let [request] = &seen.requests[..] else { panic!("one request, not {}", seen.requests.len()) };
    assert!(request.head.starts_with("POST /otlp/v1/metrics?tenant=a HTTP/1.1\r\n"), "{}", request.head);
    for (name, value) in [
        ("host", address.to_string().as_str()),
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "gzip"),
        ("accept-encoding", "identity"),
        ("user-agent", concat!("tare/", env!("CARGO_PKG_VERSION"))),
        ("x-scope", "one"),
        ("authorization", "t0"),
    ] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
    assert_eq!(request.body, body);
    let length: u64 = request.header("content-length").expect("a length").parse().expect("a number");
    assert_eq!((got.totals.encoded_bytes, got.totals.wire_bytes), (10_000, length));
    assert!(length < 1_000, "{length} bytes are not compressed");
    assert_eq!(
        got.status.endpoint,
        format!("http://{address}/otlp/v1/metrics"),
        "the query may hold a secret"
    );
}

#[tokio::test]
async fn without_compression_the_body_goes_as_it_is() {
    let server = Server::bind([]).await;
    let seen = server.seen();
    let settings = Settings { compression: Compression::None, ..settings(&server.url()) };
    let got = deliver(&settings, vec![item("plain", 1)], PATIENCE, server.serve()).await;
    let seen = seen.lock().expect("sound");
    assert_eq!(seen.requests[0].header("content-encoding"), None);
    assert_eq!((&seen.requests[0].body[..], got.totals.wire_bytes), (&b"plain"[..], 5));
}

#[tokio::test]
async fn requests_and_their_repetitions_share_one_connection_while_the_answers_are_sound() {
    let busy = answer("503 Busy", "text/plain", "", b"later");
    let server = Server::bind([Act::Answer(ok()), Act::Answer(busy)]).await;
    let seen = server.seen();
    let items = (0..5).map(|number| item(vec![number], 1)).collect();
    let got = deliver(&settings(&server.url()), items, PATIENCE, server.serve()).await;
    let seen = seen.lock().expect("sound");
    assert_eq!((seen.connections, seen.requests.len(), got.totals.retries), (1, 6, 1));
    let bodies: Vec<u8> = seen.requests.iter().map(|request| request.body[0]).collect();
    assert_eq!(bodies, [0, 1, 1, 2, 3, 4], "in order, the second one twice");
}

#[tokio::test]
async fn a_kept_connection_that_the_peer_ended_is_replaced_without_a_failure() {
    let server = Server::bind([Act::AnswerAndClose(ok()), Act::AnswerAndClose(ok())]).await;
    let seen = server.seen();
    let items = (0..3).map(|number| item(vec![number], 1)).collect();
    let got = deliver(&settings(&server.url()), items, PATIENCE, server.serve()).await;
    assert_eq!((got.totals.sent.points, seen.lock().expect("sound").connections), (3, 3));
    // The close may race with the next request, which is then repeated; nothing is lost either way.
    assert_eq!(got.totals.retries, got.totals.failures(Failure::Disconnected));
}

#[tokio::test]
async fn a_large_body_arrives_whole_even_if_the_backend_answers_slowly_in_pieces() {
    let mut random = fastrand::Rng::with_seed(3);
    let body: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(2 << 20).collect();
    let server = Server::bind([]).await;
    let seen = server.seen();
    let got = deliver(&settings(&server.url()), vec![item(body.clone(), 1)], PATIENCE, server.serve()).await;
    assert_eq!(got.totals.sent.points, 1);
    assert!(seen.lock().expect("sound").requests[0].body == body, "the body was changed on its way");
}

#[tokio::test]
async fn a_name_is_resolved_and_one_without_an_address_is_a_failure_of_its_own() {
    let server = Server::bind([]).await;
    let settings_of = |host: &str| settings(&format!("http://{host}:{}/", server.address().port()));
    // A label of more than 63 characters is refused before any name server is asked.
    let (good, bad) = (settings_of("localhost"), settings_of(&"x".repeat(64)));
    let serve = server.serve();
    let mut serve = std::pin::pin!(serve);
    let got = deliver(&good, vec![item("x", 1)], PATIENCE, serve.as_mut()).await;
    assert_eq!(got.totals.sent.points, 1);
    let got = fail(&bad, vec![item("x", 1)], Failure::Resolve, serve).await;
    assert_eq!(got.totals.dropped.of(DropReason::Shutdown).points, 1);
    assert_eq!(got.totals.wire_bytes, 0);
    assert!(got.says().starts_with("cannot resolve xxx"), "{}", got.says());
}

#[tokio::test]
async fn both_classes_and_every_loss_of_a_flood_add_up() {
    let server = Server::bind([]).await;
    let mut settings = settings(&server.url());
    settings.queue = Limits { max_bytes: 20_000, reserved_bytes: 4_000, ..Limits::default() };
    let items = (0..200_u64).map(|number| Item {
        class: if number % 10 == 0 { Class::SelfTelemetry } else { Class::Data },
        ..item(Bytes::from(vec![0; 1_000]), number)
    });
    let got =
        deliver(&settings, items.chain([item(vec![0; 30_000], 7)]).collect(), PATIENCE, server.serve()).await;
    // A lane holds 14 and 3 items of 1,128 bytes.
    assert_eq!(got.totals.sent.requests, 17);
    assert_eq!(got.totals.dropped.of(DropReason::QueueFull).requests, 183);
    assert_eq!(got.totals.dropped.of(DropReason::TooLarge), Count { requests: 1, points: 7 });
}

#[tokio::test]
async fn an_output_that_is_dropped_or_never_run_counts_what_it_held() {
    let (queue, output) = Output::new(&settings("http://127.0.0.1:1/")).expect("sound settings");
    let monitor = output.monitor();
    queue.push(item("x", 3));
    drop(output);
    queue.push(item("y", 4));
    assert_eq!(client::report(&monitor).totals.dropped.of(DropReason::Shutdown).points, 7);

    let server = Server::bind([Act::AnswerAndStall(Vec::new())]).await;
    let seen = server.seen();
    let (queue, output) = Output::new(&settings(&server.url())).expect("sound settings");
    let monitor = output.monitor();
    client::push_all(&queue, vec![item("in flight", 3), item("waits", 4)]);
    let arrived = async {
        while seen.lock().expect("sound").requests.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = output.run(std::future::pending::<Instant>()) => panic!("nobody asked for a shutdown"),
        () = server.serve() => panic!("the server never ends"),
        () = arrived => {}
    }
    assert_eq!(client::report(&monitor).totals.dropped.of(DropReason::Shutdown).points, 7);
}

//! Every failure that a server can produce, for each of the requests: one request in its turn, counted as what it was,
//! and the next own turn finds the agent as well as before.

use shared_informer::counts::{Reason, Status};
use shared_informer::distress::State;
use shared_informer::wire::Bounds;

use crate::answers::{JSON, answer, chunk, chunked, daemon_set, list, ok, pod, status};
use crate::requests::healthy;
use crate::server::{Answer, Kind};
use crate::world::{Setup, World};

/// A failure, and what a request that meets it is counted as.
struct Failure {
    name: &'static str,
    answer: fn(Kind) -> Answer,
    counted: Status,
}

/// An honest body for this kind of request.
fn body(kind: Kind) -> String {
    match kind {
        Kind::Size => daemon_set(1),
        Kind::List | Kind::Watch => list(100, &[pod("web", 90)]),
    }
}

fn said(code: u16) -> Answer {
    Answer::Whole(answer(code, &[JSON], &status(code, "no")))
}

/// Failures before or instead of a body, which every request can meet.
const HEADS: &[Failure] = &[
    Failure { name: "401", answer: |_| said(401), counted: Status::Unauthorized },
    Failure { name: "403", answer: |_| said(403), counted: Status::Forbidden },
    Failure { name: "404", answer: |_| said(404), counted: Status::NotFound },
    Failure { name: "410", answer: |_| said(410), counted: Status::Gone },
    Failure { name: "429", answer: |_| said(429), counted: Status::TooManyRequests },
    Failure { name: "500", answer: |_| said(500), counted: Status::Internal },
    Failure { name: "503", answer: |_| said(503), counted: Status::Unavailable },
    Failure { name: "504", answer: |_| said(504), counted: Status::GatewayTimeout },
    Failure { name: "a status nobody knows", answer: |_| said(299), counted: Status::Other },
    Failure {
        name: "503 whose words never come",
        answer: |_| Answer::Stall(b"HTTP/1.1 503 x\r\ncontent-length: 10\r\n\r\n".to_vec()),
        counted: Status::Unavailable,
    },
    Failure {
        name: "500 whose words never end",
        answer: |_| Answer::Endless(b"HTTP/1.1 500 x\r\n\r\n".to_vec(), vec![b'x'; 1 << 14]),
        counted: Status::Internal,
    },
    Failure {
        name: "a redirect to the server itself",
        answer: |_| Answer::Whole(answer(302, &["location: /api/v1/pods"], "")),
        counted: Status::None,
    },
    Failure { name: "a reset", answer: |_| Answer::Reset(vec![]), counted: Status::None },
    Failure { name: "a close", answer: |_| Answer::Cut(vec![]), counted: Status::None },
    Failure {
        name: "a head cut off",
        answer: |_| Answer::Cut(b"HTTP/1.1 20".to_vec()),
        counted: Status::None,
    },
    Failure {
        name: "no HTTP",
        answer: |_| Answer::Cut(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()),
        counted: Status::None,
    },
    Failure { name: "a stall", answer: |_| Answer::Stall(vec![]), counted: Status::None },
    Failure {
        name: "a head that never ends",
        answer: |_| Answer::Loris(b"HTTP/1.1 200 OK\r\nx-y: ".to_vec(), b'z'),
        counted: Status::None,
    },
    Failure {
        name: "headers without end",
        answer: |_| Answer::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x-y: z\r\n".repeat(100)),
        counted: Status::None,
    },
    Failure {
        name: "HTML",
        answer: |kind| Answer::Whole(answer(200, &["content-type: text/html"], &body(kind))),
        counted: Status::Ok,
    },
    Failure {
        name: "no content type",
        answer: |kind| Answer::Whole(answer(200, &[], &body(kind))),
        counted: Status::Ok,
    },
    Failure {
        name: "an encoding nobody asked for",
        answer: |kind| Answer::Whole(answer(200, &[JSON, "content-encoding: br"], &body(kind))),
        counted: Status::Ok,
    },
];

/// Failures within a body that has to be complete.
const BODIES: &[Failure] = &[
    Failure {
        name: "JSON cut off, in good order",
        answer: |kind| Answer::Whole(ok(body(kind).strip_suffix('}').unwrap())),
        counted: Status::Ok,
    },
    Failure {
        name: "JSON cut off by a missing last chunk",
        answer: |kind| Answer::Cut([chunked(), chunk(&body(kind))].concat()),
        counted: Status::Ok,
    },
    Failure {
        name: "a body shorter than was promised",
        answer: |kind| Answer::Cut(ok(&body(kind)).split_last().unwrap().1.to_vec()),
        counted: Status::Ok,
    },
    Failure {
        name: "a reset within the body",
        answer: |kind| Answer::Reset([chunked(), chunk(&body(kind))].concat()),
        counted: Status::Ok,
    },
    Failure {
        name: "a body that stalls",
        answer: |kind| Answer::Stall([chunked(), chunk(&body(kind))].concat()),
        counted: Status::None,
    },
    Failure {
        name: "a body that drips",
        answer: |_| Answer::Loris(format!("HTTP/1.1 200 OK\r\n{JSON}\r\n\r\n{{").into_bytes(), b' '),
        counted: Status::None,
    },
    Failure {
        name: "a body without end",
        answer: |_| {
            Answer::Endless(format!("HTTP/1.1 200 OK\r\n{JSON}\r\n\r\n{{").into_bytes(), vec![b' '; 1 << 16])
        },
        counted: Status::Ok,
    },
    Failure { name: "another object", answer: |_| Answer::Whole(ok(&status(200, "x"))), counted: Status::Ok },
    Failure { name: "no JSON", answer: |_| Answer::Whole(ok("<html>")), counted: Status::Ok },
];

/// Small enough that what never ends ends soon.
fn setup(nodes: Option<u32>) -> Setup {
    let bounds = Bounds { list_bytes: 4 << 20, object_bytes: 4 << 20, ..Bounds::default() };
    Setup { nodes, bounds, ..Setup::default() }
}

/// `kind` meets a failure in its turn, in which `before` other requests went well.
async fn meets(failure: &Failure, kind: Kind, before: usize) {
    let what = format!("{kind:?} that meets {}", failure.name);
    let nodes = if kind == Kind::Size { None } else { Some(1) };
    let world = World::start(setup(nodes)).await;
    let answer = failure.answer;
    world.server.answers(move |seen| if seen.kind() == kind { answer(kind) } else { healthy(seen) });
    world.turn().await;
    let seen = |number| {
        let server = &world.server;
        move || async move { server.kinds().len() == number }
    };
    world.until(&what, seen(before + 1)).await;
    if failure.counted != Status::None {
        // What is known is told at once, or once nothing more is to be expected.
        world
            .until("its answer is counted", || async {
                world.clocks.pass(std::time::Duration::from_millis(2));
                world.report().await.requests.total() == before as u64 + 1
            })
            .await;
    }
    world.end_turn().await;
    world.counted(before as u64 + 1).await;
    let reason = match kind {
        Kind::Size => Reason::Size,
        Kind::List => Reason::List,
        Kind::Watch => Reason::Watch,
    };
    assert_eq!(world.status_count(reason, failure.counted).await, 1, "{what}: {:?}", world.report().await);
    assert_eq!(world.server.kinds().len(), before + 1, "{what}: a second request after a failure");
    world.assert_counts_agree().await;
    // Nothing is left of it: the next own turn does what this one was to do.
    let already = world.server.kinds().len();
    world.server.answers(healthy);
    world.turn().await;
    world.until(&what, || async { world.server.kinds().len() > already }).await;
    world
        .until("a success", || async {
            let report = world.report().await;
            report.watch_open.is_some() || report.nodes_probed.is_some()
        })
        .await;
    world.assert_counts_agree().await;
}

async fn all_meet(failures: &[Failure], kind: Kind, before: usize) {
    for failure in failures {
        meets(failure, kind, before).await;
    }
}

#[tokio::test]
async fn a_list_that_fails_is_one_request_in_its_turn_and_counted_as_what_it_was() {
    all_meet(HEADS, Kind::List, 0).await;
    all_meet(BODIES, Kind::List, 0).await;
}

#[tokio::test]
async fn a_size_probe_that_fails_is_one_request_in_its_turn_and_counted_as_what_it_was() {
    all_meet(HEADS, Kind::Size, 0).await;
    all_meet(BODIES, Kind::Size, 0).await;
}

#[tokio::test]
async fn a_watch_that_does_not_open_is_one_request_in_its_turn_and_counted_as_what_it_was() {
    all_meet(HEADS, Kind::Watch, 1).await;
}

#[tokio::test]
async fn a_refused_connection_is_counted_and_stretches_nothing() {
    let mut world = World::start(Setup::default()).await;
    let address = world.server.address();
    drop(std::mem::replace(&mut world.server, crate::server::Server::start(None).await));
    let period = world.report().await.turn_period;
    // The first server and its port are gone.
    world
        .until("its port is closed", || async { tokio::net::TcpStream::connect(address).await.is_err() })
        .await;
    world.turn().await;
    world.counted(1).await;
    world.end_turn().await;
    assert_eq!(world.status_count(Reason::List, Status::None).await, 1);
    let report = world.report().await;
    assert_eq!((report.turn_period, report.state), (period, State::Ok));
}

#[tokio::test]
async fn trouble_is_told_to_the_log_and_a_wish_to_be_left_alone_is_kept() {
    let world = World::start(Setup::default()).await;
    world
        .server
        .answers(|_| Answer::Whole(answer(429, &[JSON, "retry-after: 600"], &status(429, "slow\\ndown"))));
    world.turn().await;
    world.counted(1).await;
    let failed = world.report().await.trouble.unwrap();
    assert!(failed.what.contains("429") && failed.what.contains("slow down"), "{failed:?}");
    world.until("a change of state", || async { !world.kept.lock().unwrap().changes.is_empty() }).await;
    world.server.answers(healthy);
    for _ in 0..59 {
        world.clocks.pass(std::time::Duration::from_secs(10));
        world.report().await;
    }
    assert_eq!(world.server.kinds().len(), 1, "within the 600 s");
    world.turn().await;
    world.counted(3).await;
    world.assert_counts_agree().await;
}

#[tokio::test]
async fn a_pod_of_five_megabytes_costs_itself_and_not_its_neighbours() {
    let world = World::start(Setup::default()).await;
    let large =
        pod("large", 80).replace("\"phase\"", &format!("\"x\":\"{}\",\"phase\"", "y".repeat(5 << 20)));
    let body = list(100, &[pod("a", 70), large, pod("b", 90)]);
    world.server.answers(move |seen| match seen.kind() {
        Kind::List => Answer::Whole(ok(&body)),
        _ => healthy(seen),
    });
    world.turn().await;
    world.counted(2).await;
    let report = world.report().await;
    assert_eq!((report.pods, report.refused.values().sum::<u64>()), (2, 1));
    world.assert_counts_agree().await;
}

#[tokio::test]
async fn a_list_without_end_takes_no_more_than_its_bound() {
    let world = World::start(setup(Some(1))).await;
    let head = [format!("HTTP/1.1 200 OK\r\n{JSON}\r\n\r\n").as_bytes(), br#"{"kind":"PodList","items":[7"#]
        .concat();
    world.server.answers(move |_| Answer::Endless(head.clone(), b",{\"a\":[]}".repeat(1_000)));
    world.turn().await;
    world.counted(1).await;
    world.until("the connection is closed", || async { world.server.is_closed(0) }).await;
    // What was not read stays in the buffers of the sockets.
    let read = world.report().await.list_bytes;
    assert!(read < 5 << 20, "{read}");
    assert_eq!(world.report().await.pods, 0);
    assert!(read <= world.server.written() + (16 << 10), "{read}");
}

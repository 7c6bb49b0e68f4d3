//! What is asked, letter by letter, and when.

use std::time::Duration;

use shared_informer::counts::{Reason, Status};
use shared_informer::gate::{Denied, GateError};

use crate::answers::{bookmark, chunk, chunked, daemon_set, list, ok, pod};
use crate::server::{Answer, Kind, Seen};
use crate::world::{Setup, World};

const SELECTOR: &str =
    "fieldSelector=spec.nodeName%3Dnode-1%2Cstatus.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed";

/// An API server in good health with one pod; its watches stay open and bring a bookmark at once.
pub(crate) fn healthy(seen: &Seen) -> Answer {
    match seen.kind() {
        Kind::Size => Answer::Whole(ok(&daemon_set(1))),
        Kind::List => Answer::Whole(ok(&list(1_000, &[pod("web", 90)]))),
        Kind::Watch => Answer::Stall([chunked(), chunk(&bookmark(1_000))].concat()),
    }
}

#[tokio::test]
async fn paths_parameters_and_headers_are_exactly_those_of_the_design() {
    let setup = Setup { nodes: None, user: "token: secret".to_owned(), ..Setup::default() };
    let world = World::start(setup).await;
    world.server.answers(healthy);
    world.turn().await;
    world.counted(1).await;
    world.end_turn().await;
    world.turn().await;
    world.counted(3).await;
    let seen = world.server.seen();
    let timeout: u64 = seen[2].line().rsplit_once('=').unwrap().1.parse().unwrap();
    assert!((30 * 60..=86_400).contains(&timeout), "{timeout}");
    assert_eq!(
        seen.iter().map(Seen::line).collect::<Vec<_>>(),
        [
            "GET /apis/apps/v1/namespaces/monitoring/daemonsets/tare?resourceVersion=0".to_owned(),
            format!("GET /api/v1/pods?{SELECTOR}&resourceVersion=0&limit=110"),
            format!(
                "GET /api/v1/pods?watch=true&{SELECTOR}&resourceVersion=1000&allowWatchBookmarks=true&timeoutSeconds={timeout}"
            ),
        ]
    );
    let host = world.server.address().to_string();
    for (seen, encoding) in seen.iter().zip(["identity", "gzip", "identity"]) {
        assert_eq!(seen.header("user-agent"), Some("tare/0.1.0 (node-1)"));
        assert_eq!(seen.header("authorization"), Some("Bearer secret"));
        assert_eq!(seen.header("accept"), Some("application/json"));
        assert_eq!(seen.header("accept-encoding"), Some(encoding));
        assert_eq!(seen.header("host"), Some(&*host));
        assert_eq!(seen.head.lines().filter(|line| !line.is_empty()).count(), 6, "{}", seen.head);
    }
    assert_eq!(
        seen[1].connection, seen[2].connection,
        "the second request of a turn finds the first one's connection"
    );
    world.assert_counts_agree().await;
}

#[tokio::test]
async fn no_request_without_a_turn_and_none_beside_an_open_watch() {
    let world = World::start(Setup::default()).await;
    world.server.answers(healthy);
    // The process is younger than ten seconds.
    for _ in 0..9 {
        world.clocks.pass(Duration::from_secs(1));
        world.report().await;
    }
    assert_eq!(world.server.opened(), 0);
    world.turn().await;
    world.counted(2).await;
    world.until("a pod", || async { world.handle.reader().snapshot().len() == 1 }).await;
    // Turns go by, and the watch is well. (It is dead without a bookmark in 130 s.)
    for _ in 0..12 {
        world.clocks.pass(Duration::from_secs(10));
        world.report().await;
    }
    assert_eq!(world.server.kinds(), [Kind::List, Kind::Watch]);
    assert_eq!(world.server.opened(), 1);
    world.assert_counts_agree().await;
}

#[tokio::test]
async fn the_books_are_saved_before_each_request_and_the_index_after_a_list() {
    let world = World::start(Setup::default()).await;
    let kept = std::sync::Arc::clone(&world.kept);
    world.server.answers(move |seen| {
        let spend = kept.lock().unwrap().spends.last().unwrap().clone();
        let reason = if seen.kind() == Kind::List { Reason::List } else { Reason::Watch };
        assert_eq!(spend.outstanding.iter().map(|(asked, _)| asked.reason).collect::<Vec<_>>(), [reason]);
        healthy(seen)
    });
    world.turn().await;
    world.counted(2).await;
    world
        .until("a saved bookmark", || async {
            let kept = world.kept.lock().unwrap();
            kept.indexes.len() > 1
                && kept
                    .indexes
                    .last()
                    .is_some_and(|(header, pods)| (&*header.resource_version, *pods) == ("1000", 1))
        })
        .await;
    assert_eq!(world.server.kinds(), [Kind::List, Kind::Watch], "the server's own checks held");
}

#[tokio::test]
async fn the_bytes_of_a_list_are_those_on_the_wire_packed_ones_included() {
    use std::io::Write as _;
    let world = World::start(Setup::default()).await;
    let body = list(100, &(0..100).map(|n| pod(&format!("web-{n}"), 90)).collect::<Vec<_>>());
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    assert!(packed.len() * 5 < body.len());
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        packed.len()
    );
    let answer = [head.as_bytes(), &packed].concat();
    let size = answer.len() as u64;
    world.server.answers(move |seen| match seen.kind() {
        Kind::List => Answer::Whole(answer.clone()),
        _ => Answer::Whole(crate::answers::answer(500, &[], "")),
    });
    world.turn().await;
    world.counted(2).await;
    assert_eq!(world.handle.reader().snapshot().len(), 100);
    assert_eq!(world.report().await.list_bytes, size);
}

#[tokio::test]
async fn kubes_own_calls_do_not_pass_the_gate() {
    let world = World::start(Setup::default()).await;
    world.server.answers(healthy);
    let api = world.connector.connect().unwrap();
    let Err(kube::Error::Service(error)) = api.client().apiserver_version().await else {
        panic!("it passed")
    };
    assert_eq!(*error.downcast::<GateError>().unwrap(), GateError(Denied::Missing));
    assert_eq!(api.client().list_core_api_versions().await.err().map(|_| ()), Some(()));
    assert_eq!((world.server.opened(), world.denied.get(Denied::Missing)), (0, 2));
}

#[tokio::test]
async fn a_watch_is_renewed_by_a_second_one_before_the_first_one_closes() {
    let world = World::start(Setup::default()).await;
    let (sender, receiver) = tokio::sync::mpsc::channel(8);
    let mut first = Some(receiver);
    world.server.answers(move |seen| match (seen.kind(), first.take_if(|_| seen.kind() == Kind::Watch)) {
        (Kind::Watch, Some(pieces)) => Answer::Stream([chunked(), chunk(&bookmark(1_001))].concat(), pieces),
        _ => healthy(seen),
    });
    world.turn().await;
    world.counted(2).await;
    let mut version = 1_001;
    while world.server.kinds().len() < 3 {
        version += 1;
        // Not in a turn of its own, so that the newest bookmark is known when that begins.
        world.clocks.pass(Duration::from_secs(63));
        sender.send(chunk(&bookmark(version))).await.unwrap();
        world
            .until("a bookmark", || async {
                world
                    .kept
                    .lock()
                    .unwrap()
                    .indexes
                    .last()
                    .is_some_and(|(header, _)| *header.resource_version == *version.to_string())
            })
            .await;
        assert!(version < 1_001 + 40, "never renewed");
        if version > 1_001 + 27 {
            world.to_turn().await;
            world.report().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    world.counted(3).await;
    assert!(world.server.seen()[2].line().contains(&format!("&resourceVersion={version}&")));
    world.until("the first watch is closed", || async { world.server.is_closed(0) }).await;
    assert!(!world.server.is_closed(1));
    assert_eq!(world.status_count(Reason::Watch, Status::Ok).await, 2);
    world.assert_counts_agree().await;
}

//! What an open watch brings, and every way in which it ends: nothing is asked before the next own turn.

use shared_informer::counts::Status;
use shared_informer::informer::report::Restart;
use shared_informer::wire::Bounds;
use tokio::sync::mpsc;

use crate::answers::{LAST_CHUNK, bookmark, chunk, chunked, event, pod, status};
use crate::requests::healthy;
use crate::server::{Answer, Kind};
use crate::world::{Setup, World};

/// A world with an open watch, and what the server says on it.
async fn watching() -> (World, mpsc::Sender<Vec<u8>>) {
    let bounds = Bounds { line_bytes: 64 << 10, ..Bounds::default() };
    let world = World::start(Setup { bounds, ..Setup::default() }).await;
    let (sender, receiver) = mpsc::channel(8);
    let mut pieces = Some(receiver);
    world.server.answers(move |seen| match seen.kind() {
        Kind::Watch => {
            pieces.take().map_or_else(|| healthy(seen), |pieces| Answer::Stream(chunked(), pieces))
        }
        _ => healthy(seen),
    });
    world.turn().await;
    world.counted(2).await;
    (world, sender)
}

fn names(world: &World) -> Vec<String> {
    let snapshot = world.handle.reader().snapshot();
    let mut names: Vec<_> = snapshot.pods().map(|found| found.pod.name.to_string()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn events_reach_the_readers_however_they_are_cut() {
    let (world, sender) = watching().await;
    let text = [
        event("ADDED", &pod("api", 102)),
        event("MODIFIED", &pod("web", 103)),
        event("ADDED", "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"broken\"}}"),
        event("DELETED", &pod("web", 104)),
        event("ADDED", &pod("db", 105)),
        bookmark(106),
    ]
    .concat();
    for piece in text.as_bytes().chunks(37) {
        sender.send(chunk(std::str::from_utf8(piece).unwrap())).await.unwrap();
    }
    world
        .until("the last bookmark", || async {
            world
                .kept
                .lock()
                .unwrap()
                .indexes
                .last()
                .is_some_and(|(header, _)| &*header.resource_version == "106")
        })
        .await;
    assert_eq!(names(&world), ["api", "db"]);
    let report = world.report().await;
    assert_eq!(report.refused.values().sum::<u64>(), 1);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    assert_eq!(report.carried_bytes, (head.len() + text.len()) as u64);
    world.assert_counts_agree().await;
}

/// The server says this on an open watch, and then nothing, or ends the connection.
async fn ends(name: &str, pieces: Vec<Vec<u8>>, close: bool, why: Restart, relist: bool) {
    let (world, sender) = watching().await;
    for piece in pieces {
        sender.send(piece).await.unwrap();
    }
    let sender = (!close).then_some(sender);
    world.until(name, || async { world.report().await.restarts.get(&why) == Some(&1) }).await;
    assert_eq!(names(&world), ["web"], "{name}: what was known stays known");
    world.until(name, || async { world.server.is_closed(0) }).await;
    drop(sender);
    world.end_turn().await;
    assert_eq!(world.server.kinds(), [Kind::List, Kind::Watch], "{name}: a request outside a turn");
    world.server.answers(healthy);
    world.turn().await;
    world.until(name, || async { world.report().await.watch_open.is_some() }).await;
    let kinds = world.server.kinds();
    assert_eq!(kinds.contains(&Kind::List) && kinds.len() == 4, relist, "{name}: {kinds:?}");
    assert_eq!(world.report().await.restarts.values().sum::<u64>(), 1, "{name}");
    assert_eq!(world.report().await.requests.iter().filter(|(key, _)| key.status != Status::Ok).count(), 0);
    world.assert_counts_agree().await;
}

#[tokio::test]
async fn every_end_of_a_watch_is_told_apart_and_followed_by_nothing_until_the_next_turn() {
    let event_of = |object: &str| chunk(&event("ERROR", object));
    let gone = status(410, "too old resource version");
    ends("a clean end", vec![chunk(&bookmark(101)), LAST_CHUNK.to_vec()], false, Restart::Closed, false)
        .await;
    ends("a missing last chunk", vec![chunk(&bookmark(101))], true, Restart::Broken, false).await;
    let cut = bookmark(101).trim_end().to_owned();
    ends("cut in a line", vec![chunk(&cut), LAST_CHUNK.to_vec()], false, Restart::Broken, false).await;
    ends("410 as an event", vec![event_of(&gone)], false, Restart::Gone, true).await;
    let busy = status(500, "etcd has no leader");
    ends("another ERROR", vec![event_of(&busy)], false, Restart::Error, false).await;
    ends("no event", vec![chunk("{\"type\":7}\n")], false, Restart::Unusable, false).await;
    ends("an unknown event", vec![chunk(&event("SYNCED", &pod("x", 1)))], false, Restart::Unusable, false)
        .await;
    let long = "x".repeat(65 << 10);
    ends("a line without end", vec![chunk(&long)], false, Restart::Unusable, false).await;
    ends("a line too long", vec![chunk(&event("ADDED", &long))], false, Restart::Unusable, false).await;
}

#[tokio::test]
async fn a_watch_without_bookmarks_is_dropped_with_its_version_and_its_connection() {
    let (world, _sender) = watching().await;
    world.clocks.pass(std::time::Duration::from_secs(195));
    world
        .until("the watch is dropped", || async {
            world.report().await.restarts.contains_key(&Restart::MissedBookmarks)
        })
        .await;
    world.until("its connection is closed", || async { world.server.is_closed(0) }).await;
    world.server.answers(healthy);
    world.turn().await;
    world.counted(4).await;
    assert_eq!(world.server.kinds()[2..], [Kind::List, Kind::Watch]);
    world.assert_counts_agree().await;
}

#[tokio::test]
async fn a_watch_that_carries_too_much_is_closed() {
    let (world, sender) = watching().await;
    let bound = shared_informer::carried::DEFAULT_BOUND;
    let mut version = 200_u64;
    let padding = "y".repeat(60_000);
    while !world.report().await.restarts.contains_key(&Restart::Carried) {
        version += 1;
        let large = pod("web", version).replace("\"phase\"", &format!("\"x\":\"{padding}\",\"phase\""));
        if sender.send(chunk(&event("MODIFIED", &large))).await.is_err() {
            break;
        }
        assert!((version - 200) * 60_000 < bound + (4 << 20), "never closed");
    }
    world.until("its connection is closed", || async { world.server.is_closed(0) }).await;
    world.to_turn().await;
    world.end_turn().await;
    assert_eq!(world.server.kinds(), [Kind::List, Kind::Watch], "it comes back when that is repaid");
}

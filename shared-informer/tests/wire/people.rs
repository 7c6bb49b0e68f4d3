//! Stop means stop: whatever the server does, the connections are closed and nothing is asked until a person says go on.

use std::time::Duration;

use shared_informer::clocks::Clocks as _;
use shared_informer::distress::State;
use shared_informer::informer::LOOK;

use crate::answers::{JSON, chunked, list, pod};
use crate::requests::healthy;
use crate::server::{Answer, Kind, Seen, Server};
use crate::world::{Setup, World};

/// Pauses a world with this server after `requests` requests, and looks at it from the server's side.
async fn stops(requests: usize, server: fn(&Seen) -> Answer) {
    let world = World::start(Setup::default()).await;
    world.server.answers(server);
    world.turn().await;
    world.until("the requests", || async { world.server.kinds().len() == requests }).await;
    world.handle.pause(true).await.unwrap();
    world
        .until("every connection is closed", || async {
            (0..world.server.opened()).all(|connection| world.server.is_closed(connection))
        })
        .await;
    assert_eq!(world.report().await.state, State::Paused);
    for _ in 0..30 {
        world.clocks.pass(Duration::from_secs(10));
        world.report().await;
    }
    assert_eq!(world.server.kinds().len(), requests, "asked while paused");
    world.assert_counts_agree().await;
    world.server.answers(healthy);
    world.handle.pause(false).await.unwrap();
    world.turn().await;
    world.until("an open watch", || async { world.report().await.watch_open.is_some() }).await;
    world.assert_counts_agree().await;
}

#[tokio::test]
async fn a_pause_closes_an_open_watch() {
    stops(2, healthy).await;
}

#[tokio::test]
async fn a_pause_lets_go_of_a_request_without_an_answer() {
    stops(1, |_| Answer::Stall(vec![])).await;
}

#[tokio::test]
async fn a_pause_lets_go_of_a_body_that_never_ends() {
    stops(1, |_| {
        let head = format!("HTTP/1.1 200 OK\r\n{JSON}\r\n\r\n");
        Answer::Loris([head.as_bytes(), list(1, &[pod("a", 1)]).as_bytes()].concat(), b' ')
    })
    .await;
}

#[tokio::test]
async fn a_pause_is_heard_while_a_watch_floods() {
    stops(2, |seen| match seen.kind() {
        Kind::Watch => {
            let event = crate::answers::chunk(&crate::answers::event("MODIFIED", &pod("web", 500)));
            Answer::Endless(chunked(), event.repeat(50))
        }
        _ => healthy(seen),
    })
    .await;
}

#[tokio::test]
async fn a_handshake_without_an_answer_is_cut_off_with_its_turn_and_by_a_pause() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), crate::credentials::authority()).unwrap();
    let setup = Setup { cluster: "certificate-authority: ca.pem".to_owned(), ..Setup::default() };
    // It does not speak TLS and waits for the end of what it takes for a request.
    let world = World::with_server(Server::start(None).await, "https", folder, &setup);
    world.turn().await;
    world.until("a connection", || async { world.server.opened() == 1 }).await;
    world.end_turn().await;
    world.until("its end", || async { world.server.is_closed(0) }).await;
    world.turn().await;
    world.until("another connection", || async { world.server.opened() == 2 }).await;
    world.handle.pause(true).await.unwrap();
    world.until("its end", || async { world.server.is_closed(1) }).await;
    assert_eq!(world.report().await.requests.total(), 2);
}

#[tokio::test]
async fn stopping_saves_the_books_and_the_index_and_closes_everything() {
    let mut world = World::start(Setup::default()).await;
    world.server.answers(healthy);
    world.turn().await;
    world.counted(2).await;
    world.kept.lock().unwrap().indexes.clear();
    world.handle.stop().await.unwrap();
    world.driver.join_next().await.unwrap().unwrap();
    world.until("every connection is closed", || async { world.server.is_closed(0) }).await;
    let kept = world.kept.lock().unwrap();
    assert_eq!(kept.indexes.last().unwrap().1, 1);
    assert_eq!(kept.spends.last().unwrap().counts.total(), 2);
    assert!(kept.sizes > 0 && kept.troubles.is_empty());
}

#[tokio::test]
async fn a_driver_that_is_dropped_leaves_no_connection() {
    let mut world = World::start(Setup::default()).await;
    world.server.answers(healthy);
    world.turn().await;
    world.counted(2).await;
    world.driver.shutdown().await;
    while !world.server.is_closed(0) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(world.handle.report().await.is_err());
}

#[tokio::test]
async fn a_wall_clock_that_is_set_forward_while_nothing_happens_does_not_cost_the_first_turn() {
    let silence = Some(Duration::from_hours(24));
    let world = World::start(Setup { nodes: Some(100_000), silence, ..Setup::default() }).await;
    world.server.answers(healthy);
    let until_turn = world.report().await.next_turn.since(world.clocks.now().wall);
    assert!(until_turn > Duration::from_mins(5), "{until_turn:?}");
    world.clocks.set_wall_forward(until_turn.saturating_sub(LOOK + Duration::from_secs(10)));
    // Nobody looks at the agent meanwhile: that would wake it.
    for _ in 0..LOOK.as_secs() + 10 {
        world.clocks.pass(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.until("a request in that turn", || async { !world.server.kinds().is_empty() }).await;
}

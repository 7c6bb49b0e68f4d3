//! What is sent, and when nothing is.

use std::time::Duration;

use shared_informer::reviews::{Answer as Reviewed, Subresource};

use crate::server::{Answer, JSON, SUMMARY, answer, well};
use crate::world::{Said, Setup, World};

const BOTH: [Subresource; 2] = [Subresource::Stats, Subresource::Pods];

fn both() -> Setup {
    Setup { subresources: BOTH.to_vec(), ..Setup::default() }
}

fn is_ok(said: Said) -> bool {
    matches!(said, Said::Settled(Reviewed::Status { code: 200, .. }))
}

#[tokio::test]
async fn a_scrape_asks_each_subresource_once_on_one_connection_with_a_permit_each() {
    let mut world = World::start(both()).await;
    world.server.answers(well);
    let said = world.scrape().await;
    assert!(
        matches!(*said, [Said::Granted(Subresource::Stats), first, Said::Granted(Subresource::Pods), second]
            if is_ok(first) && is_ok(second)),
        "{said:?}"
    );
    assert_eq!(world.server.paths(), ["/stats/summary", "/pods"]);
    assert_eq!(world.server.opened(), 1);
    for seen in world.server.seen() {
        assert!(seen.head.starts_with("GET ") && seen.head.contains(" HTTP/1.1\r\n"), "{}", seen.head);
        assert_eq!(seen.header("host"), Some(&*world.server.address().to_string()));
        assert_eq!(seen.header("authorization"), Some("Bearer first"));
        assert_eq!(seen.header("user-agent"), Some(concat!("tare/", env!("CARGO_PKG_VERSION"), " (node-1)")));
        assert_eq!(seen.header("accept"), Some("application/json"));
        assert_eq!(seen.header("accept-encoding"), Some("identity"));
        assert_eq!(seen.head.lines().count(), 7, "{}", seen.head);
    }
    let latest = world.desk.latest();
    let summary = latest.summary().unwrap();
    assert_eq!((summary.sequence, &*summary.node.name, summary.pods.len()), (1, "node-0", 30));
    assert!(latest.pods().unwrap().len() >= 30);
    assert_eq!(world.outcomes(), [("200", 1), ("200", 1)]);
    let status = world.desk.status().unwrap();
    assert_eq!((status.summary_up, status.pods_up, &*status.mode), (Some(true), Some(true), "slots"));
}

#[tokio::test]
async fn each_answer_has_a_number_of_its_own_and_the_connection_is_kept() {
    let mut world = World::start(both()).await;
    world.server.answers(well);
    for sequence in 1..=3 {
        let said = world.scrape().await;
        assert!(!said.contains(&Said::Forgot), "{said:?}");
        assert_eq!(world.sequence(), Some(sequence));
    }
    assert_eq!((world.server.opened(), world.server.seen().len()), (1, 6));
}

#[tokio::test]
async fn without_a_permit_nothing_is_sent_and_no_connection_is_opened() {
    let mut world = World::start(both()).await;
    world.server.answers(well);
    world.deny(true);
    let denied = BOTH.map(Said::Denied);
    assert_eq!(world.scrape().await, denied);
    assert_eq!((world.server.opened(), world.sequence()), (0, None));
    world.deny(false);
    world.scrape().await;
    assert_eq!(world.sequence(), Some(1));
}

#[tokio::test]
async fn a_rotated_token_is_used_from_the_next_scrape_on_and_the_ledger_hears_of_it() {
    let mut world = World::start(Setup::default()).await;
    world.server.answers(well);
    world.ask().await;
    world.write("token", "second\n");
    let said = world.scrape().await;
    assert!(matches!(*said, [Said::Granted(_), Said::Forgot, ok] if is_ok(ok)), "{said:?}");
    let tokens: Vec<_> =
        world.server.seen().iter().map(|seen| seen.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(tokens, ["Bearer first", "Bearer second"]);
    world.ask().await;
}

#[tokio::test]
async fn a_token_that_cannot_be_used_costs_nothing_and_comes_back_by_itself() {
    let mut world = World::start(Setup::default()).await;
    world.server.answers(well);
    for bad in ["", "a\nb", " \n"] {
        world.write("token", bad);
        assert_eq!(world.scrape().await, [], "{bad:?}");
        assert!(world.error().contains("holds no token"), "{}", world.error());
    }
    std::fs::remove_file(world.folder.path().join("token")).unwrap();
    assert_eq!(world.scrape().await, []);
    assert!(world.error().contains("No such file"), "{}", world.error());
    assert_eq!((world.server.opened(), world.desk.counts().unasked), (0, 4));
    world.write("token", "back");
    world.ask().await;
    assert_eq!(world.sequence(), Some(1));
}

#[tokio::test]
async fn a_kubelet_that_closed_in_good_order_is_the_same_and_one_that_restarted_has_forgotten() {
    let mut world = World::start(Setup::default()).await;
    world.server.answers(|_| Answer::Cut(answer(200, JSON, SUMMARY)));
    world.ask().await;
    world.ask().await;
    assert_eq!(world.server.opened(), 2, "a second connection, and the same process");
    world.server.restart(world.certificate.acceptor(None));
    let said = world.scrape().await;
    assert!(matches!(*said, [Said::Granted(_), Said::Forgot, ok] if is_ok(ok)), "{said:?}");
    world.ask().await;
    assert_eq!(world.server.opened(), 4);
}

#[tokio::test]
async fn what_is_denied_beside_the_summary_is_left_out_and_the_summary_goes_on() {
    let mut world = World::start(both()).await;
    world.server.answers(|seen| match seen.path() {
        "/pods" => Answer::Whole(answer(403, JSON, "{}")),
        _ => Answer::Whole(answer(200, JSON, SUMMARY)),
    });
    let said = world.scrape().await;
    assert!(matches!(*said, [.., Said::Settled(Reviewed::Status { code: 403, .. })]), "{said:?}");
    assert!(world.error().contains("nodes/pods"), "{}", world.error());
    for _ in 0..3 {
        world.ask().await;
    }
    assert_eq!(world.server.paths().iter().filter(|path| *path == "/pods").count(), 1);
    assert_eq!(world.sequence(), Some(4));
    let status = world.desk.status().unwrap();
    assert_eq!((status.summary_up, status.pods_up, &*status.mode), (Some(true), Some(false), "slots"));
}

#[tokio::test]
async fn the_read_only_port_is_asked_without_tls_and_without_a_credential() {
    let mut world = World::plain().await;
    world.server.answers(well);
    world.ask().await;
    assert_eq!(world.server.seen()[0].header("authorization"), None);
    assert_eq!((world.sequence(), world.desk.insecure()), (Some(1), Some(false)));
}

#[tokio::test]
async fn a_rung_that_was_not_heard_of_for_two_intervals_is_down_and_the_next_answer_lifts_it() {
    let mut world = World::start(Setup::default()).await;
    world.desk.set_periods(Some(Duration::from_mins(1)), None);
    world.server.answers(well);
    world.ask().await;
    let up = |world: &World| world.desk.status().unwrap().summary_up;
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(119)).await;
    assert_eq!(up(&world), Some(true));
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!((up(&world), world.sequence()), (Some(false), Some(1)));
    tokio::time::resume();
    world.scrape().await;
    assert_eq!((up(&world), world.sequence()), (Some(true), Some(2)));
    assert_eq!(world.server.opened(), 2, "a connection that was idle for so long is not used");
}

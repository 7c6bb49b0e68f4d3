//! Whatever a kubelet can do wrong: it is asked once, settled with what happened, and nothing is made of it.

use std::net::SocketAddr;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};
use shared_informer::reviews::{Answer as Reviewed, Subresource};

use crate::server::{Answer, JSON, SUMMARY, answer, well};
use crate::world::{Said, Setup, World};

/// How bytes are given.
type How = fn(Vec<u8>) -> Answer;

fn code(answer: Reviewed) -> u16 {
    match answer {
        Reviewed::Status { code, after } if after < Duration::from_secs(5) => code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn any_other_status_than_200_ends_the_scrape_and_gives_nothing() {
    let mut world =
        World::start(Setup { subresources: vec![Subresource::Stats, Subresource::Pods], ..Setup::default() })
            .await;
    for (status, outcome, words) in [
        (401, "401", "does not accept the credential"),
        (403, "403", "nodes/stats"),
        (500, "5xx", "on fire"),
        (429, "4xx", "on fire"),
        (302, "redirect", "not followed"),
        (204, "5xx", "204"),
    ] {
        world.server.answers(move |_| {
            Answer::Whole(answer(
                status,
                "location: /elsewhere\r\n",
                if status == 204 { "" } else { "on fire" },
            ))
        });
        let before = world.server.seen().len();
        assert_eq!(code(world.ask().await), status);
        assert_eq!(world.server.seen().len(), before + 1, "nothing else is asked after {status}");
        assert!(world.error().contains(words), "{status}: {}", world.error());
        assert!(world.outcomes().iter().any(|(name, _)| *name == outcome), "{:?}", world.outcomes());
        assert_eq!(&*world.desk.status().unwrap().mode, "stopped");
    }
    assert_eq!(world.sequence(), None);
    world.server.answers(well);
    world.scrape().await;
    assert_eq!((world.sequence(), &*world.desk.status().unwrap().mode), (Some(1), "slots"));
}

#[tokio::test]
async fn an_answer_that_is_no_summary_is_a_200_of_which_nothing_is_made() {
    let mut world = World::start(Setup::default()).await;
    let half = SUMMARY.get(..SUMMARY.len() / 2).unwrap();
    let cut = [
        &b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999999\r\n\r\n"[..],
        half.as_bytes(),
    ];
    let chunked = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"nod\r\nzz";
    let gzip = format!("{JSON}content-encoding: gzip\r\n");
    let answers: [(How, Vec<u8>, &str); 8] = [
        (Answer::Whole, answer(200, JSON, half), "cut short after"),
        (Answer::Cut, cut.concat(), "lost"),
        (Answer::Reset, cut.concat(), "lost"),
        (Answer::Whole, chunked.to_vec(), "lost"),
        (Answer::Whole, answer(200, JSON, "{}"), "no `node`"),
        (Answer::Whole, answer(200, "content-type: text/html\r\n", "<html>"), "not application/json"),
        (Answer::Whole, answer(200, "", SUMMARY), "not application/json"),
        (Answer::Whole, answer(200, &gzip, SUMMARY), "was not asked for"),
    ];
    for (how, bytes, words) in answers {
        world.server.answers(move |_| how(bytes.clone()));
        assert_eq!(code(world.ask().await), 200, "{words}");
        assert!(world.error().contains(words), "{words}: {}", world.error());
        assert_eq!(world.desk.status().unwrap().summary_up, Some(false));
    }
    assert_eq!((world.sequence(), world.outcomes()), (None, vec![("unusable", 8)]));
    world.server.answers(well);
    world.ask().await;
    assert_eq!(world.sequence(), Some(1));
}

#[tokio::test]
async fn a_bad_answer_does_not_take_the_last_good_one_away_nor_show_it_anew() {
    let mut world = World::start(Setup::default()).await;
    world.server.answers(well);
    world.ask().await;
    let first = world.desk.latest().summary().unwrap();
    world.server.answers(|_| Answer::Whole(answer(500, "", "")));
    world.ask().await;
    let second = world.desk.latest().summary().unwrap();
    assert_eq!((first.sequence, first.received), (second.sequence, second.received));
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_answer_may_have_cost_anything() {
    let mut world = World::start(Setup::default()).await;
    for answer in [Answer::Cut as How, Answer::Reset] {
        world.server.answers(move |_| answer(Vec::new()));
        let said = world.scrape().await;
        assert!(matches!(*said, [Said::Granted(_), Said::Settled(Reviewed::None)]), "{said:?}");
        assert!(world.error().contains("lost"), "{}", world.error());
    }
    assert_eq!(world.server.seen().len(), 2, "nothing is asked twice");
    assert_eq!(world.outcomes(), [("none", 2)]);
}

#[tokio::test]
async fn a_head_beyond_its_bounds_is_no_answer() {
    let mut world = World::start(Setup::default()).await;
    let many = format!("{JSON}{}", "x: y\r\n".repeat(100));
    world.server.answers(move |_| Answer::Whole(answer(200, &many, SUMMARY)));
    assert_eq!(world.ask().await, Reviewed::None);
    let long = format!("{JSON}x: {}\r\n", "y".repeat(100 << 10));
    world.server.answers(move |_| Answer::Whole(answer(200, &long, SUMMARY)));
    assert_eq!(world.ask().await, Reviewed::None);
    assert_eq!(world.sequence(), None);
}

#[tokio::test]
async fn nobody_there_costs_nothing() {
    // Bound, but nobody listens: who connects is refused, and nobody else can take the port.
    let bound = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&bound, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let mut world = World::at(getsockname(&bound).unwrap().try_into().unwrap()).await;
    assert_eq!(world.ask().await, Reviewed::Refused);
    assert!(world.error().contains("not there"), "{}", world.error());
    assert_eq!(world.outcomes(), [("unsent", 1)]);
}

/// Each of them takes the whole time of a scrape, so they are done side by side.
#[tokio::test]
async fn who_is_too_slow_is_let_go_of_within_the_slot() {
    let head = format!("HTTP/1.1 200 OK\r\n{JSON}transfer-encoding: chunked\r\n\r\n");
    let stalls = async {
        let mut world = World::plain().await;
        world.server.answers(|_| Answer::Stall(Vec::new()));
        (world.ask().await, world.error(), world.outcomes())
    };
    let dribbles = async {
        let mut world = World::plain().await;
        world.server.answers(|_| Answer::Loris(b"HTTP/1.1 200 OK\r\nx: ".to_vec()));
        (world.ask().await, world.error(), world.outcomes())
    };
    let body = async {
        let mut world = World::plain().await;
        let stalled = [head.as_bytes(), b"5\r\n{\"nod\r\n"].concat();
        world.server.answers(move |_| Answer::Stall(stalled.clone()));
        (world.ask().await, world.error(), world.outcomes())
    };
    let (stalls, dribbles, body) = tokio::join!(stalls, dribbles, body);
    for (answer, error, outcomes) in [stalls, dribbles] {
        assert_eq!((answer, outcomes), (Reviewed::None, vec![("none", 1)]));
        assert!(error.contains("in time"), "{error}");
    }
    assert_eq!((code(body.0), body.2), (200, vec![("unusable", 1)]));
    assert!(body.1.contains("in time"), "{}", body.1);
}

#[tokio::test]
async fn an_answer_without_end_is_let_go_of_at_its_bound() {
    let mut world = World::plain().await;
    world.server.answers(|_| {
        let head = format!("HTTP/1.1 200 OK\r\n{JSON}\r\n{{");
        Answer::Endless(head.into_bytes(), vec![b' '; 1 << 16])
    });
    assert_eq!(code(world.ask().await), 200);
    assert!(world.error().contains("longer than") || world.error().contains("in time"), "{}", world.error());
    let bytes = world.desk.counts().bytes[&Subresource::Stats];
    assert!(bytes <= (32 << 20) + (1 << 20), "{bytes} bytes were read");
    assert_eq!(world.sequence(), None);
}

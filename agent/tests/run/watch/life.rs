//! From a cold start over a stop, a restart and a kill.

use serde_json::Value;

use super::server::{Answers, FIRST_VERSION, Kind, Server};
use super::{DAEMON_SET, ONE_NODE, World, counts, total};
use crate::receiver::Point;

const SELECTOR: &str =
    "fieldSelector=spec.nodeName%3Dnode-1%2Cstatus.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed";

/// The points of `tare.kube_api.requests` that have arrived, as [`counts`] writes those of a status.
fn arrived(world: &World) -> Vec<(String, u64)> {
    let mut points: Vec<_> = world
        .receiver
        .points("tare.kube_api.requests")
        .iter()
        .filter(|point| point.value > 0)
        .map(|point| {
            let keys = ["verb", "resource", "reason", "status"];
            (keys.map(|key| &*point.attributes[key]).join(" "), point.value)
        })
        .collect();
    points.sort();
    points
}

/// The starts of the series that have arrived.
fn starts(world: &World) -> Vec<u64> {
    let mut starts: Vec<_> =
        world.receiver.points("tare.kube_api.requests").iter().map(|point: &Point| point.start).collect();
    starts.dedup();
    starts
}

#[test]
fn a_life_begins_with_the_size_then_the_pods_and_the_next_one_goes_on_where_it_ended() {
    let kube = ", namespace: monitoring, daemonset: tare";
    let mut world = World::start(Server::start(Answers::Well), DAEMON_SET, kube);
    world.in_sync();
    let version = world.server.add_pod();
    let budget = world.budget("the event", |budget| budget["watch"]["pods"] == 2);
    assert_eq!((&budget["state"], &budget["nodes_source"]), (&"ok".into(), &"probed".into()), "{budget}");
    let lines: Vec<_> = world.server.seen().iter().map(|seen| seen.line().to_owned()).collect();
    assert_eq!(
        lines[..2],
        [
            "GET /apis/apps/v1/namespaces/monitoring/daemonsets/tare?resourceVersion=0".to_owned(),
            format!("GET /api/v1/pods?{SELECTOR}&resourceVersion=0&limit=256"),
        ]
    );
    let watch = format!(
        "GET /api/v1/pods?watch=true&{SELECTOR}&resourceVersion={FIRST_VERSION}&allowWatchBookmarks=true"
    );
    assert!(lines[2].starts_with(&watch) && lines.len() == 3, "{lines:#?}");
    let first = [
        ("get daemonsets size 200".to_owned(), 1),
        ("list pods list 200".to_owned(), 1),
        ("watch pods watch 200".to_owned(), 1),
    ];
    assert_eq!(counts(&budget), first);
    world.until("the same counts at the receiver", || arrived(&world) == first);
    let began = starts(&world);
    assert_eq!(began.len(), 1);

    world.agent.signal("TERM");
    assert_eq!(world.agent.wait(), Some(0), "{}", world.agent.log());
    for file in ["spend.v1", "index.v1", "size.v1"] {
        assert!(world.agent.path("state").join(file).exists(), "{file}");
    }
    world.until("end of the watch", || world.server.open() == 0);
    world.agent.start_again();
    let budget = world.budget("two pods", |budget| budget["watch"]["pods"] == 2);
    assert_eq!(budget["watch"]["confirmed"], false, "{budget}");
    world.until("a watch", || world.server.watches() == 1);
    let later = world.server.seen().split_off(3);
    assert!(later.iter().all(|seen| seen.kind() != Kind::List), "{later:#?}");
    let watch = later.iter().find(|seen| seen.kind() == Kind::Watch).unwrap();
    assert!(watch.line().contains(&format!("resourceVersion={version}&")), "{watch:?}");
    let agree = |budget: &Value| total(budget) == seen(&world);
    let budget = world.budget("what the server has seen in both lives", agree);
    let counted = counts(&budget);
    assert!(counted.contains(&("watch pods watch 200".to_owned(), 2)), "{counted:?}");
    assert!(counted.contains(&("list pods list 200".to_owned(), 1)), "{counted:?}");
    world.until("the counts of both lives at the receiver", || {
        arrived(&world).iter().map(|(_, count)| count).sum::<u64>() == seen(&world)
    });
    assert_eq!(starts(&world), began, "one sum over both lives");
}

fn seen(world: &World) -> u64 {
    world.server.seen().len() as u64
}

#[test]
fn a_request_that_was_under_way_at_a_kill_is_told_of_by_the_next_life() {
    let mut world = World::start(Server::start(Answers::Never), ONE_NODE, "");
    world.until("a request", || !world.server.seen().is_empty());
    world.agent.signal("KILL");
    world.agent.wait();
    assert_eq!(world.server.kinds(), [Kind::List]);
    // Nothing more is to be asked: all that is told was asked by the life that was killed.
    std::fs::write(world.agent.path("state/pause"), "").unwrap();
    world.agent.start_again();
    let budget = world.budget("a request", |budget| budget["requests"][0].is_object());
    assert_eq!(counts(&budget), [("list pods list none".to_owned(), 1)]);
    assert_eq!(world.server.kinds(), [Kind::List]);
}

#[test]
fn a_second_agent_on_the_same_state_directory_ends_without_a_request() {
    let first = World::start(Server::start(Answers::Well), ONE_NODE, "");
    first.budget("a budget", |budget| budget["state"] == "ok");
    let state = first.agent.path("state");
    let more = ["--state-dir", state.to_str().unwrap()];
    let mut second = World::start_with(Server::start(Answers::Well), ONE_NODE, "", &more);
    assert_eq!(second.agent.wait(), Some(69), "{}", second.agent.log());
    assert_eq!(second.server.opened(), 0);
}

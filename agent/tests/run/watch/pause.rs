//! Stop means stop, as the API server sees it: by command, by file and by signal; while it is well, stalls or is dead.

use std::time::Duration;

use serde_json::Value;

use super::server::{Answers, Server};
use super::{ONE_NODE, World};

/// A way to say stop, and the way to take it back.
#[derive(Debug, Clone, Copy)]
enum By {
    Socket,
    File,
    Signal,
}

/// How the API server does when that is said.
#[derive(Debug, Clone, Copy)]
enum Health {
    Well,
    Stalled,
    Dead,
}

/// Two of the shortest periods: a node that is not paused has two turns in it.
const TWO_PERIODS: Duration = Duration::from_secs(20);

fn press(world: &World, by: By, paused: bool) {
    let file = world.agent.path("state/pause");
    match by {
        By::Socket => {
            assert_eq!(world.agent.tare(&[if paused { "pause" } else { "resume" }]).code, Some(0));
        }
        By::Signal => world.agent.signal(if paused { "USR1" } else { "USR2" }),
        By::File if paused => std::fs::write(file, "").unwrap(),
        By::File => std::fs::remove_file(file).unwrap(),
    }
}

/// An agent that has something under way, or tries to.
fn busy(health: Health) -> World {
    match health {
        Health::Well => {
            let world = World::start(Server::start(Answers::Well), ONE_NODE, "");
            world.in_sync();
            world
        }
        Health::Stalled => {
            let world = World::start(Server::start(Answers::Never), ONE_NODE, "");
            world.until("a request", || !world.server.seen().is_empty());
            world
        }
        Health::Dead => {
            let world = World::start(Server::dead(Answers::Well), ONE_NODE, "");
            let refused = |budget: &Value| {
                budget["last_error"]["text"].as_str().is_some_and(|text| text.contains("refused"))
            };
            world.budget("a refused connection", refused);
            world
        }
    }
}

fn stops(by: By, health: Health) {
    let mut world = busy(health);
    press(&world, by, true);
    let paused = |budget: &Value| budget["state"] == "paused" && budget["watch"]["open_s"].is_null();
    world.budget("a pause", paused);
    world.until("end of every connection", || world.server.open() == 0);
    // Had it refused to be heard, it would be seen now.
    world.server.revive();
    world.server.answer(Answers::Well);
    let before = world.server.opened();
    std::thread::sleep(TWO_PERIODS);
    assert_eq!(world.server.opened(), before, "{by:?}, {health:?}: {:#?}", world.server.seen());
    if matches!(health, Health::Well) {
        // A pause outlives a restart.
        world.agent.signal("TERM");
        assert_eq!(world.agent.wait(), Some(0), "{}", world.agent.log());
        world.agent.start_again();
        world.budget("a pause in the next life", paused);
        std::thread::sleep(TWO_PERIODS);
        assert_eq!(world.server.opened(), before, "{by:?}, {health:?}: {:#?}", world.server.seen());
    }
    press(&world, by, false);
    world.in_sync();
    assert!(world.receiver.saw("system.memory.usage"), "local metrics go on");
}

#[test]
fn each_way_to_pause_stops_all_traffic_and_each_way_back_lets_it_go_on_whatever_the_server_does() {
    std::thread::scope(|scope| {
        for by in [By::Socket, By::File, By::Signal] {
            for health in [Health::Well, Health::Stalled, Health::Dead] {
                scope.spawn(move || stops(by, health));
            }
        }
    });
}

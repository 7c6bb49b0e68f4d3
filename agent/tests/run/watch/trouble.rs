//! What goes wrong is said in plain words, and local metrics go on; what changes takes effect.

use serde_json::Value;

use super::server::{Answers, Kind, Server};
use super::{ONE_NODE, World, config, total};
use crate::process::Agent;
use crate::receiver::Receiver;

/// Whether the last trouble contains the text.
fn says(text: &str) -> impl Fn(&Value) -> bool + '_ {
    move |budget| budget["last_error"]["text"].as_str().is_some_and(|found| found.contains(text))
}

/// Waits until local metrics have arrived that were sent after now.
fn local_metrics_go_on(receiver: &Receiver) {
    let before = receiver.requests();
    receiver.wait_for("system.memory.usage");
    receiver.wait_for_requests(before + 3);
}

fn refused_with(code: u16, words: &str) {
    let world = World::start(Server::start(Answers::Status(code)), ONE_NODE, "");
    world.budget("its status in words", says(words));
    local_metrics_go_on(&world.receiver);
    // No second request of that turn.
    assert_eq!(world.server.kinds()[0], Kind::List);
    assert!(!world.server.kinds().contains(&Kind::Watch));
    world.server.answer(Answers::Well);
    world.in_sync();
}

fn without_kubeconfig() {
    let server = Server::start(Answers::Well);
    let (receiver, folder) = (Receiver::start(), tempfile::tempdir().unwrap());
    let text = config(folder.path().to_str().unwrap(), &receiver, ONE_NODE, "");
    let mut agent = Agent::start(&text);
    // The log names the file.
    agent.wait_for_log(folder.path().to_str().unwrap());
    let path = folder.path().to_str().unwrap();
    agent.wait_long_for_status("the missing file", |status| {
        status["budget"]["state"] == "off"
            && status["budget"]["why"].as_str().is_some_and(|why| why.contains(path))
    });
    local_metrics_go_on(&receiver);
    assert_eq!(agent.tare(&["health", "--ready"]).code, Some(0));
    // The file is looked for again and again.
    server.write_kubeconfig(&folder.path().join("kubeconfig"));
    agent.wait_long_for_status("an open watch", |status| status["budget"]["watch"]["open_s"].is_u64());
}

#[test]
fn a_server_that_refuses_and_a_file_that_is_missing_are_named_in_plain_words_and_local_metrics_go_on() {
    std::thread::scope(|scope| {
        scope.spawn(|| refused_with(403, "ClusterRole"));
        scope.spawn(|| refused_with(401, "does not accept the token"));
        scope.spawn(without_kubeconfig);
    });
}

/// Fewer nodes than need the steps of a rollout, and a ceiling for all of them.
fn ninety_nodes(requests_per_second: u32) -> String {
    format!("cluster: {{size: 90}}\nslo: {{control_plane: {{requests_per_second: {requests_per_second}}}}}")
}

#[test]
fn a_reload_turns_the_api_off_and_on_and_follows_another_size_and_a_dry_run() {
    let high = ninety_nodes(100);
    let world = World::start(Server::start(Answers::Well), &high, "");
    world.in_sync();
    world.reload(&high, ", enabled: false");
    let budget = world.budget("an end", |budget| budget["state"] == "off");
    assert!(budget["why"].as_str().unwrap().contains("kube.enabled"), "{budget}");
    world.until("end of every connection", || world.server.open() == 0);
    local_metrics_go_on(&world.receiver);
    assert_eq!(world.server.open(), 0);
    world.reload(&high, "");
    world.in_sync();
    let counted = |budget: &Value| total(budget) == world.server.seen().len() as u64;
    world.budget("what the server has seen", counted);
    // What is only known at the start takes effect as well: another size, and asking nobody.
    world.reload(ONE_NODE, "");
    world.budget("another size", |budget| budget["nodes"] == 1);
    world.in_sync();
    world.reload(&format!("{ONE_NODE}\ndry_run: true"), "");
    world.budget("a dry run", |budget| budget["dry_run"] == true && total(budget) == 2);
    world.until("end of every connection", || world.server.open() == 0);
    world.reload(ONE_NODE, "");
    world.budget("only what was really asked", |budget| {
        budget["dry_run"] == false && total(budget) == world.server.seen().len() as u64
    });
    world.in_sync();
}

#[test]
fn a_lower_ceiling_holds_at_once_and_the_watch_stays() {
    let world = World::start(Server::start(Answers::Well), &ninety_nodes(100), "");
    let period = |budget: &Value| budget["turn_period_s"].as_u64().unwrap();
    assert_eq!(period(&world.in_sync()), 10);
    let asked = world.server.seen().len();
    world.reload(&ninety_nodes(1), "");
    let budget = world.budget("a longer period", |budget| period(budget) > 10);
    assert!(budget["watch"]["open_s"].is_u64() && world.server.watches() == 1, "{budget}");
    assert_eq!((&budget["requests_per_second"], world.server.seen().len()), (&1.0.into(), asked));
}

#[test]
fn a_supervised_agent_with_a_broken_configuration_is_alive_not_ready_and_asks_nothing() {
    let mut world =
        World::start_with(Server::start(Answers::Well), ONE_NODE, ", nodename: x", &["--supervised"]);
    let reason = |status: &Value| {
        status["health"]["ready"] == false
            && status["health"]["reason"].as_str().is_some_and(|why| why.contains("nodename"))
    };
    world.agent.wait_long_for_status("the reason", reason);
    world
        .until("answer of the one that is alive", || world.agent.tare(&["health", "--live"]).code == Some(0));
    world.until("restarts", || world.agent.log().matches("nodename").count() >= 3);
    assert_eq!(world.server.opened(), 0);
    assert!(world.agent.running());
    world.reload(ONE_NODE, "");
    world.in_sync();
}

//! The kubelet's reader in a running agent, beside the shared watch and without one.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::process::Agent;
use crate::receiver::Receiver;
use crate::watch::server::{Answers, Server};
use crate::watch::{ONE_NODE, World, counts};

mod server;

use server::Kubelet;

/// Two of the shortest periods.
const TWO_PERIODS: Duration = Duration::from_secs(20);

/// An agent whose budget is so large that the kubelet's slots come every 10 s.
fn with_token(kubelet: &Kubelet, folder: &tempfile::TempDir, more: &str) -> (World, String) {
    let (token, pinned) = (folder.path().join("token"), folder.path().join("kubelet.crt"));
    std::fs::write(&token, "secret").unwrap();
    std::fs::write(&pinned, &kubelet.certificate).unwrap();
    let section = format!(
        "{ONE_NODE}\nkubelet: {{access: token, address: 127.0.0.1, port: {}, period: 10s, token_file: {}, pinned_cert_file: {}{more}}}",
        kubelet.address.port(),
        token.display(),
        pinned.display()
    );
    (World::start(Server::start(Answers::Well), &section, ""), section)
}

/// The reviews that a status tells of, by status.
fn reviews(budget: &Value) -> BTreeMap<String, u64> {
    counts(budget).into_iter().filter(|(key, _)| key.starts_with("create ")).collect()
}

#[test]
fn token_scrapes_come_in_slots_are_charged_their_reviews_and_stop_with_a_pause() {
    let (kubelet, folder) = (Kubelet::start(), tempfile::tempdir().unwrap());
    let (world, section) = with_token(&kubelet, &folder, ", subresources: [stats, pods]");
    world.until("three scrapes", || kubelet.count("/pods") >= 3);
    let secret = Some("Bearer secret".to_owned());
    assert!(kubelet.seen().iter().all(|(_, credential)| *credential == secret), "{:?}", kubelet.seen());
    let charged = world.budget("the reviews", |budget| !reviews(budget).is_empty());
    let expected = [
        ("create subjectaccessreviews access_review 201".to_owned(), 2),
        ("create tokenreviews token_review 201".to_owned(), 1),
    ];
    assert_eq!(reviews(&charged), BTreeMap::from(expected), "the kubelet remembers what it has asked");
    let status = world.agent.wait_for_status("a kubelet", |status| status["kubelet"]["summary_up"] == true);
    let told = &status["kubelet"];
    assert_eq!(
        (&told["mode"], &told["interval_s"], &told["access"]),
        (&"slots".into(), &10.into(), &"token".into())
    );
    assert_eq!((&told["pods_up"], &told["last_error"]), (&true.into(), &Value::Null), "{told}");
    world.receiver.wait_for("tare.kubelet.requests");
    world.receiver.wait_for("tare.kubelet.insecure");
    world.receiver.wait_for("tare.rung.up");

    assert_eq!(world.agent.tare(&["pause"]).code, Some(0));
    world.budget("a pause", |budget| budget["state"] == "paused");
    let before = kubelet.seen().len();
    std::thread::sleep(TWO_PERIODS);
    assert_eq!(kubelet.seen().len(), before, "a paused agent scrapes nothing that causes reviews");
    assert_eq!(world.agent.tare(&["resume"]).code, Some(0));
    world.until("a scrape", || kubelet.seen().len() > before);

    // Only the summary from now on: the reader follows the configuration, the watch stays.
    let watches = world.server.opened();
    world.reload(&section.replace("[stats, pods]", "[stats]"), "");
    world.agent.wait_for_status("another reader", |status| status["kubelet"]["pods_up"].is_null());
    let pods = kubelet.count("/pods");
    let stats = kubelet.count("/stats/summary");
    world.until("two scrapes", || kubelet.count("/stats/summary") >= stats + 2);
    assert_eq!(kubelet.count("/pods"), pods);
    assert_eq!(world.server.opened(), watches);
}

#[test]
fn a_refused_token_stops_the_scrapes_and_a_probe_brings_them_back() {
    let (kubelet, folder) = (Kubelet::start(), tempfile::tempdir().unwrap());
    kubelet.answer(Some(401));
    let (world, _) = with_token(&kubelet, &folder, ", subresources: [stats, pods]");
    world.until("a scrape", || !kubelet.seen().is_empty());
    let status = world.agent.wait_for_status("a stop", |status| status["kubelet"]["mode"] == "stopped");
    let told = &status["kubelet"]["last_error"]["text"];
    assert!(told.as_str().unwrap().contains("does not accept the credential"), "{told}");
    assert_eq!(status["kubelet"]["summary_up"], false);
    assert_eq!(kubelet.count("/pods"), 0, "nothing else is asked after a failure");
    let charged = world.budget("the reviews", |budget| !reviews(budget).is_empty());
    let tried = reviews(&charged)["create tokenreviews token_review none"];
    assert_eq!(tried, 5 * kubelet.seen().len() as u64, "as many as the kubelet may have tried");
    kubelet.answer(None);
    world.until("slots again", || kubelet.count("/pods") > 0);
    world.agent.wait_for_status("slots", |status| status["kubelet"]["mode"] == "slots");
}

#[test]
fn the_read_only_port_is_read_without_an_api_server_until_the_configuration_says_no() {
    let (kubelet, receiver) = (Kubelet::read_only(), Receiver::start());
    let config = |kubelet: &str| {
        format!(
            "host: {{interval: 1s, scrapers: {{memory: {{}}}}}}\n\
             outputs: [{{name: t, otlp: {{endpoint: \"{}\"}}}}]\n{kubelet}\n",
            receiver.endpoint()
        )
    };
    let port = kubelet.address.port();
    let on = format!("kubelet: {{access: read_only, address: 127.0.0.1, port: {port}, period: 10s}}");
    let mut agent = Agent::start(&config(&on));
    let up = |status: &Value| status["kubelet"]["summary_up"] == true;
    let status = agent.wait_long_for_status("a summary", up);
    let told = &status["kubelet"];
    assert_eq!((&told["mode"], &told["interval_s"]), (&"slots".into(), &10.into()), "{told}");
    assert_eq!(status["budget"]["state"], "off");
    assert_eq!(kubelet.seen().first(), Some(&("/stats/summary".to_owned(), None)));
    assert_eq!(agent.tare(&["pause"]).code, Some(0));
    let before = kubelet.seen().len();
    agent.wait_long_for_status("a later success", |later| {
        later["kubelet"]["last_success"] != told["last_success"] && kubelet.seen().len() > before
    });
    agent.rewrite(&config(""));
    agent.signal("HUP");
    agent.wait_for_status("no kubelet", |status| status["kubelet"].is_null());
    // Asking the API server's permission takes an API server.
    agent.rewrite(&config(&on.replace("read_only", "token")));
    agent.signal("HUP");
    let status = agent.wait_for_status("a reason", |status| status["kubelet"]["mode"] == "off");
    assert!(status["kubelet"]["why"].as_str().unwrap().contains("no budget"), "{status}");
    agent.signal("TERM");
    assert_eq!(agent.wait(), Some(0), "{}", agent.log());
}

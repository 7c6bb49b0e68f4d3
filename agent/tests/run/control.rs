//! A running agent and those who ask it: status, health, pause, the lock.

use std::fs;

use crate::config;
use crate::process::{Agent, tare, wait_until};
use crate::receiver::{Receiver, closed_endpoint};

/// An agent that runs, beside a backend that does not.
fn agent() -> Agent {
    let agent = Agent::start(&config(&closed_endpoint(), "control: {shutdown_timeout: 1s}"));
    agent.wait_for_status("ready", |status| status["health"]["ready"] == true);
    agent
}

#[test]
fn a_running_agent_tells_everything_about_itself_to_people_and_programs() {
    let receiver = Receiver::start();
    let agent = Agent::start(&config(&receiver.endpoint(), ""));
    let status =
        agent.wait_for_status("a success", |status| status["outputs"][0]["last_success"].is_string());
    assert_eq!(status["schema"], "tare.status/v1");
    assert_eq!(status["process"]["role"], "agent");
    assert_eq!(status["process"]["pid"], agent.pid());
    assert_eq!(status["process"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["config"]["source"], agent.path("tare.yaml").to_str().unwrap());
    assert!(status["config"]["hash"].as_str().unwrap().starts_with("crc32c:"));
    assert_eq!(status["pause"]["paused"], false);
    assert_eq!(status["budget"]["state"], "off");
    assert!(status["budget"]["why"].as_str().unwrap().contains("no cluster"), "{status}");
    let collectors = status["collectors"].as_array().unwrap();
    assert!(collectors.iter().any(|collector| collector["name"] == "memory"));
    assert_eq!(status["state_dir"]["locked"], true);
    assert_eq!(status["supervisor"], serde_json::Value::Null);
    let table = agent.tare(&["status"]);
    assert!(table.out.starts_with("health       ready\n") && table.out.contains("last success"), "{table:?}");
    for probe in ["--live", "--ready"] {
        assert_eq!(agent.tare(&["health", probe]).code, Some(0));
    }
}

#[test]
fn a_dead_backend_shows_in_plain_words_and_makes_no_agent_unready() {
    let agent = agent();
    let failed = |status: &serde_json::Value| {
        status["outputs"][0]["last_error"]["text"].as_str().is_some_and(|text| text.contains("refused"))
    };
    agent.wait_for_status("a refused connection", failed);
    assert_eq!(agent.tare(&["health", "--ready"]).code, Some(0));
}

#[test]
fn the_socket_a_signal_and_a_hand_all_press_the_same_switch() {
    let agent = agent();
    let (file, paused) = (agent.path("state/pause"), |paused: bool| {
        move |status: &serde_json::Value| status["pause"]["paused"] == paused
    });
    let answer = agent.tare(&["pause", "--for", "1h"]);
    assert!(answer.code == Some(0) && answer.out.starts_with("paused until 2"), "{answer:?}");
    assert!(fs::read_to_string(&file).unwrap().starts_with("until 2"));
    let answer = agent.tare(&["resume"]);
    assert_eq!((answer.code, answer.out.as_str()), (Some(0), "running\n"));
    assert!(!file.exists());
    agent.signal("USR1");
    agent.wait_for_status("the signal's pause", paused(true));
    assert!(file.exists());
    agent.signal("USR2");
    agent.wait_for_status("the signal's end of it", paused(false));
    assert!(!file.exists());
    fs::write(&file, "").unwrap();
    agent.wait_for_status("the pause by hand", paused(true));
    fs::remove_file(&file).unwrap();
    agent.wait_for_status("the end of it by hand", paused(false));
}

#[test]
fn a_pause_outlives_a_killed_agent() {
    let mut agent = agent();
    assert_eq!(agent.tare(&["pause"]).code, Some(0));
    agent.signal("KILL");
    agent.start_again();
    let status = agent.wait_for_status("ready", |status| status["health"]["ready"] == true);
    assert_eq!((&status["pause"]["paused"], &status["pause"]["cause"]), (&true.into(), &"file".into()));
}

#[test]
fn a_second_agent_is_refused_by_the_directory_and_by_the_socket_and_the_first_goes_on() {
    let first = agent();
    let state = first.path("state");
    let mut second = Agent::start_with("", &["--state-dir", state.to_str().unwrap()]);
    assert_eq!(second.wait(), Some(69), "{}", second.log());
    assert!(second.log().contains(state.to_str().unwrap()), "{}", second.log());
    let elsewhere = second.path("elsewhere");
    let third = ["run", "--state-dir", elsewhere.to_str().unwrap()];
    let third = tare(&third, &first.path("tare.sock"));
    assert_eq!(third.code, Some(69), "{third:?}");
    assert!(third.err.contains(first.path("tare.sock").to_str().unwrap()), "{third:?}");
    assert_eq!(first.tare(&["health", "--ready"]).code, Some(0));
}

#[test]
fn where_no_agent_answers_every_command_names_the_socket_and_ends_with_69() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("nobody.sock");
    let commands: [&[&str]; 5] =
        [&["status"], &["pause"], &["resume"], &["health", "--live"], &["health", "--ready"]];
    for command in commands {
        let answer = tare(command, &socket);
        assert_eq!(answer.code, Some(69), "{answer:?}");
        assert!(answer.err.contains(socket.to_str().unwrap()), "{answer:?}");
    }
    assert_eq!(tare(&["health"], &socket).code, Some(64), "a probe has to be named");
    assert_eq!(tare(&["pause", "--for", "an hour"], &socket).code, Some(64));
}

#[test]
fn without_a_state_directory_the_agent_runs_and_a_pause_holds_in_memory_and_says_so() {
    let agent = Agent::start_with(&config(&closed_endpoint(), ""), &["--state-dir", "/dev/null/state"]);
    let status = agent.wait_for_status("ready", |status| status["health"]["ready"] == true);
    assert_eq!(status["state_dir"]["locked"], false);
    assert_eq!(status["state_dir"]["trouble"], "missing");
    assert_eq!(status["state_dir"]["errors"][0]["file"], "lock");
    let answer = agent.tare(&["pause"]);
    assert!(answer.code == Some(0) && answer.out.contains("memory only"), "{answer:?}");
    let cause = |status: &serde_json::Value| status["pause"]["cause"] == "memory";
    agent.wait_for_status("a pause in memory", cause);
    assert_eq!(agent.tare(&["resume"]).out, "running\n");
}

#[test]
fn a_reload_shows_the_new_configuration_or_why_it_was_refused() {
    let agent = agent();
    let hash = agent.wait_for_status("a hash", |_| true)["config"]["hash"].clone();
    agent.rewrite("host: {intervall: 1s}\n");
    agent.signal("HUP");
    let refused = |status: &serde_json::Value| {
        status["config"]["refused"].as_str().is_some_and(|why| why.contains("intervall"))
    };
    let status = agent.wait_for_status("a refusal", refused);
    assert_eq!((&status["config"]["hash"], &status["health"]["ready"]), (&hash, &true.into()));
    agent.rewrite(&config(&closed_endpoint(), "control: {shutdown_timeout: 2s}"));
    agent.signal("HUP");
    let status = agent.wait_for_status("a new hash", |status| status["config"]["hash"] != hash);
    assert_eq!(status["config"]["refused"], serde_json::Value::Null);
}

#[test]
fn an_agent_that_ends_takes_its_socket_along_and_one_that_was_killed_is_replaced() {
    let mut agent = agent();
    agent.signal("KILL");
    agent.wait();
    assert!(agent.path("tare.sock").exists());
    agent.start_again();
    agent.wait_for_status("ready", |status| status["health"]["ready"] == true);
    agent.signal("TERM");
    assert_eq!(agent.wait(), Some(0), "{}", agent.log());
    wait_until(|| !agent.path("tare.sock").exists(), || "the socket stays".to_owned());
}

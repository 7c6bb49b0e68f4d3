//! `tare run` as a process: start, reload, drain, end. Each test has a receiver of its own on loopback.

#[cfg(test)]
mod control;
#[cfg(test)]
mod grpc;
#[cfg(test)]
mod kubelet;
#[cfg(test)]
mod outputs;
#[cfg(test)]
mod process;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod receiver;
#[cfg(test)]
mod supervised;
#[cfg(test)]
mod watch;

use process::Agent;
use receiver::{Receiver, closed_endpoint};

/// A configuration with one quick collector that sends to `endpoint`.
fn config(endpoint: &str, more: &str) -> String {
    format!(
        "host: {{interval: 1s, scrapers: {{load: {{}}, memory: {{}}}}}}\n\
         outputs: [{{name: t, otlp: {{endpoint: \"{endpoint}\"}}}}]\n{more}\n"
    )
}

#[test]
fn sigterm_sends_what_is_queued_and_the_last_self_telemetry_then_ends_with_zero() {
    let receiver = Receiver::start();
    let mut agent = Agent::start(&config(&receiver.endpoint(), ""));
    receiver.wait_for("system.memory.usage");
    // The default interval of self-telemetry is a minute: what arrives here was sent by the shutdown.
    assert!(!receiver.saw("tare.collector.scrapes"));
    agent.signal("TERM");
    assert_eq!(agent.wait(), Some(0), "{}", agent.log());
    receiver.wait_for("tare.collector.scrapes");
}

#[test]
fn sigint_ends_like_sigterm() {
    let receiver = Receiver::start();
    let mut agent = Agent::start(&config(&receiver.endpoint(), ""));
    receiver.wait_for("system.memory.usage");
    agent.signal("INT");
    assert_eq!(agent.wait(), Some(0), "{}", agent.log());
}

#[test]
fn a_second_signal_ends_at_once_and_not_with_zero() {
    let stalled = Receiver::that_never_answers();
    let more = "control: {shutdown_timeout: 5m}";
    let mut agent = Agent::start(&config(&stalled.endpoint(), more));
    stalled.wait_for("system.memory.usage");
    agent.signal("TERM");
    agent.wait_for_log("stopping");
    assert!(agent.running());
    agent.signal("TERM");
    assert_eq!(agent.wait(), Some(70), "{}", agent.log());
    assert!(agent.log().contains("second signal"));
}

#[test]
fn a_dead_endpoint_neither_stops_the_agent_nor_its_end_and_the_loss_is_told() {
    let mut agent = Agent::start(&config(&closed_endpoint(), "control: {shutdown_timeout: 1s}"));
    agent.wait_for_log("refused");
    assert!(agent.running());
    agent.signal("TERM");
    assert_eq!(agent.wait(), Some(0), "{}", agent.log());
    let log = agent.log();
    assert!(log.contains("telemetry was dropped") && log.contains("shutdown"), "{log}");
}

#[test]
fn sighup_with_a_wrong_configuration_keeps_the_old_one() {
    let receiver = Receiver::start();
    let mut agent = Agent::start(&config(&receiver.endpoint(), ""));
    receiver.wait_for("system.memory.usage");
    agent.rewrite("host: {intervall: 1s}\n");
    agent.signal("HUP");
    agent.wait_for_log("the old one stays");
    assert!(agent.log().contains("intervall"), "{}", agent.log());
    let before = receiver.requests();
    receiver.wait_for_requests(before + 2);
    agent.signal("TERM");
    assert_eq!(agent.wait(), Some(0), "{}", agent.log());
}

#[test]
fn sighup_takes_over_new_collectors_metrics_and_outputs() {
    let (first, second) = (Receiver::start(), Receiver::start());
    let mut agent = Agent::start(&config(&first.endpoint(), ""));
    first.wait_for("system.memory.usage");
    agent.rewrite(&config(&second.endpoint(), "metrics: {system.memory.limit: {enabled: true}}"));
    agent.signal("HUP");
    second.wait_for("system.memory.limit");
    assert!(!first.saw("system.memory.limit"));
    agent.signal("TERM");
    assert_eq!(agent.wait(), Some(0), "{}", agent.log());
}

#[test]
fn an_output_whose_certificate_cannot_be_read_is_refused_before_anything_starts() {
    let config = config("https://127.0.0.1:1", "").replace("1\"}}", "1\", tls: {ca_file: /nowhere/ca.pem}}}");
    let mut agent = Agent::start(&config);
    assert_eq!(agent.wait(), Some(64), "{}", agent.log());
    assert!(agent.log().contains("/nowhere/ca.pem"), "{}", agent.log());
}

#[test]
fn a_log_that_is_no_terminal_is_one_json_object_a_line_from_the_first_to_the_last() {
    let mut agent =
        Agent::start(&config(&closed_endpoint(), "control: {shutdown_timeout: 1s, log_level: debug}"));
    agent.wait_for_log("refused");
    agent.signal("TERM");
    assert_eq!(agent.wait(), Some(0), "{}", agent.log());
    let log = agent.log();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert!(lines.len() >= 3, "started, refused, stopping: {log}");
    for line in lines {
        for key in ["timestamp", "level", "message", "target"] {
            assert!(line[key].is_string(), "{key}: {line}");
        }
    }
}

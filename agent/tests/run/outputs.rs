//! Several outputs beside each other, and what each of them does when its peer does not.

use std::io::{BufRead as _, BufReader, PipeReader, Write as _};
use std::process::{Command, Stdio};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;

use crate::process::Agent;
use crate::receiver::{Receiver, closed_endpoint, metrics};

/// Whatever pods this machine may run.
const SCRAPERS: &str =
    "host: {interval: 1s, scrapers: {load: {}, memory: {}}}\ncontainers: {enabled: false}\n";

fn otlp(name: &str, endpoint: &str, more: &str) -> String {
    format!("- {{name: {name}, otlp: {{endpoint: \"{endpoint}\"{more}}}}}\n")
}

/// The next line as the request that it is.
fn request(lines: &mut BufReader<PipeReader>) -> ExportMetricsServiceRequest {
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

fn names(request: &ExportMetricsServiceRequest) -> Vec<&str> {
    metrics(request).map(|metric| metric.name.as_str()).collect()
}

#[test]
fn outputs_that_are_dead_slow_or_not_read_do_not_touch_the_one_that_works() {
    let (works, stalled) = (Receiver::start(), Receiver::that_never_answers());
    let (reader, mut writer) = std::io::pipe().unwrap();
    // A pipe of the usual size is full before the agent starts.
    writer.write_all(&vec![b' '; 65_536]).unwrap();
    let config = format!(
        "{SCRAPERS}outputs:\n{}{}- {{name: unread, stdout: }}\n{}control: {{shutdown_timeout: 2s}}\n",
        otlp("stalled", &stalled.endpoint(), ""),
        otlp("dead", &closed_endpoint(), ""),
        otlp("works", &works.endpoint(), ""),
    );
    let mut agent = Agent::start_in(&config, &[], &[], writer);
    stalled.wait_for("system.memory.usage");
    works.wait_for_requests(4);
    assert_eq!(stalled.requests(), 1, "it has not answered the first");
    agent.signal("TERM");
    assert_eq!(agent.wait(), Some(0), "{}", agent.log());
    // What self-telemetry says at the end reaches the one that works, and it tells of the others.
    works.wait_for("tare.dropped");
    let log = agent.log();
    for lost in ["stalled", "dead", "unread"] {
        let told = |line: &&str| line.contains("telemetry was dropped") && line.contains(lost);
        assert!(log.lines().any(|line| told(&line)), "{lost}: {log}");
    }
    drop(reader);
}

#[test]
fn standard_output_gets_every_request_as_a_line_and_self_telemetry_at_the_end() {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut agent = Agent::start_in(&format!("{SCRAPERS}outputs: [{{stdout: }}]\n"), &[], &[], writer);
    let mut lines = BufReader::new(reader);
    let first = request(&mut lines);
    assert!(names(&first).contains(&"system.memory.usage"), "{first:?}");
    assert!(names(&request(&mut lines)).contains(&"system.memory.usage"));
    agent.signal("TERM");
    assert_eq!(agent.wait(), Some(0), "{}", agent.log());
    drop(agent);
    let mut own = false;
    for line in lines.lines() {
        let request: ExportMetricsServiceRequest = serde_json::from_str(&line.unwrap()).unwrap();
        own |= names(&request).contains(&"tare.collector.duration");
    }
    assert!(own, "the histogram among tare's own metrics is written too");
}

#[test]
fn what_collect_prints_and_what_standard_output_gets_have_one_form() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tare.yaml");
    let config = format!("{SCRAPERS}outputs: [{{stdout: }}]\n");
    std::fs::write(&path, &config).unwrap();
    let collected = Command::new(env!("CARGO_BIN_EXE_tare"))
        .args(["collect", "--config"])
        .arg(&path)
        .env_clear()
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    let _agent = Agent::start_in(&config, &[], &[], writer);
    let mut line = String::new();
    BufReader::new(reader).read_line(&mut line).unwrap();
    let shape = |text: &str| {
        let mut value: serde_json::Value = serde_json::from_str(text).unwrap();
        without_values(&mut value);
        value
    };
    let collected = String::from_utf8(collected.stdout).unwrap();
    assert_eq!(shape(&line), shape(collected.lines().next().unwrap()));
}

/// Blanks what differs between two reads of the same figure.
fn without_values(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Array(items) => items.iter_mut().for_each(without_values),
        serde_json::Value::Object(members) => {
            for (key, member) in members {
                match key.as_str() {
                    "timeUnixNano" | "startTimeUnixNano" | "asInt" | "asDouble" => *member = "".into(),
                    _ => without_values(member),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn what_one_life_wrote_to_the_disk_log_the_next_one_delivers() {
    let folder = tempfile::tempdir().unwrap();
    let disk = format!(", disk_log: {{directory: {:?}}}", folder.path().join("queue"));
    let config = |scraper: &str, endpoint: &str| {
        let output = otlp("t", endpoint, &disk);
        format!("host: {{interval: 1s, scrapers: {{{scraper}: }}}}\noutputs:\n{output}")
    };
    let mut agent = Agent::start(&config("memory", &closed_endpoint()));
    agent.wait_for_log("refused");
    agent.signal("TERM");
    assert_eq!(agent.wait(), Some(0), "{}", agent.log());
    assert!(!agent.log().contains("telemetry was dropped"), "{}", agent.log());
    let receiver = Receiver::start();
    let _agent = Agent::start(&config("load", &receiver.endpoint()));
    receiver.wait_for("system.memory.usage");
}

#[test]
fn variables_that_are_meant_for_another_output_do_not_reach_self_telemetry() {
    let receiver = Receiver::start();
    let config = format!("{SCRAPERS}outputs:\n{}", otlp("t", &receiver.endpoint(), ""));
    let variables = [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "nonsense"),
    ];
    let mut agent = Agent::start_in(&config, &[], &variables, Stdio::null());
    receiver.wait_for("system.memory.usage");
    agent.signal("TERM");
    assert_eq!(agent.wait(), Some(0), "{}", agent.log());
    receiver.wait_for("tare.collector.duration");
    assert!(!receiver.saw_delta());
}

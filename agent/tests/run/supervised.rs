//! `tare run --supervised` with real agents, and the supervisor over shells where an agent would be too well-behaved.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tare::supervisor::core::Limits;
use tare::supervisor::record::{self, Last};
use tare::supervisor::{Launch, run};

use crate::config;
use crate::process::{Agent, runs, signal, wait_until};
use crate::receiver::{Receiver, closed_endpoint};

const QUICK: &str = "control: {shutdown_timeout: 1s}";

fn ready(agent: &Agent) -> u64 {
    let ready = |status: &Value| status["process"]["role"] == "agent" && status["health"]["ready"] == true;
    agent.wait_for_status("ready", ready)["process"]["pid"].as_u64().unwrap()
}

#[test]
fn an_agent_that_is_killed_comes_back_under_the_same_supervisor_which_tells_how_it_ended() {
    let mut supervised = Agent::supervised(&config(&closed_endpoint(), QUICK));
    let first = ready(&supervised);
    assert_ne!(first, u64::from(supervised.pid()));
    signal(u32::try_from(first).unwrap(), "KILL");
    let again = |status: &Value| status["supervisor"]["restarts"] == 1 && status["health"]["ready"] == true;
    let status = supervised.wait_for_status("a second life", again);
    let second = status["process"]["pid"].as_u64().unwrap();
    assert_ne!(second, first);
    assert_eq!(status["supervisor"]["pid"], supervised.pid());
    assert!(status["supervisor"]["last_end"].as_str().unwrap().contains("signal 9"), "{status}");
    print_memory(supervised.pid(), "supervisor");
    print_memory(u32::try_from(second).unwrap(), "agent");
    supervised.signal("TERM");
    assert_eq!(supervised.wait(), Some(0), "{}", supervised.log());
    assert!(!runs(second));
}

#[test]
fn a_refused_configuration_is_alive_and_not_ready_with_the_reason_until_it_is_mended() {
    let mut supervised = Agent::supervised("host: {intervall: 1s}\n");
    let refused = |status: &Value| status["process"]["role"] == "supervisor";
    let status = supervised.wait_for_status("the supervisor's answer", refused);
    assert!(status["health"]["reason"].as_str().unwrap().contains("intervall"), "{status}");
    // Its agent is tried again and again; the probes are asked while there is none.
    wait_until(
        || supervised.tare(&["health", "--live"]).code == Some(0),
        || format!("never alive: {}", supervised.log()),
    );
    wait_until(
        || {
            let answer = supervised.tare(&["health", "--ready"]);
            answer.code == Some(1) && answer.err.contains("intervall")
        },
        || format!("no reason: {}", supervised.log()),
    );
    assert!(supervised.running());
    supervised.rewrite(&config(&closed_endpoint(), QUICK));
    supervised.signal("HUP");
    ready(&supervised);
    supervised.signal("INT");
    assert_eq!(supervised.wait(), Some(0), "{}", supervised.log());
}

#[test]
fn reload_and_pause_reach_the_agent_and_a_stop_drains_it() {
    let receiver = Receiver::start();
    let mut supervised = Agent::supervised(&config(&receiver.endpoint(), ""));
    let pid = ready(&supervised);
    supervised.rewrite(&config(&receiver.endpoint(), "metrics: {system.memory.limit: {enabled: true}}"));
    supervised.signal("HUP");
    receiver.wait_for("system.memory.limit");
    supervised.signal("USR1");
    supervised.wait_for_status("a pause", |status| status["pause"]["paused"] == true);
    supervised.signal("USR2");
    supervised.wait_for_status("its end", |status| status["pause"]["paused"] == false);
    assert_eq!(ready(&supervised), pid, "none of these ended the agent");
    assert!(!receiver.saw("tare.collector.scrapes"));
    supervised.signal("TERM");
    assert_eq!(supervised.wait(), Some(0), "{}", supervised.log());
    receiver.wait_for("tare.collector.scrapes");
}

#[test]
fn a_second_stop_reaches_the_agent_too_and_ends_both_at_once() {
    let stalled = Receiver::that_never_answers();
    let mut supervised = Agent::supervised(&config(&stalled.endpoint(), "control: {shutdown_timeout: 5m}"));
    stalled.wait_for("system.memory.usage");
    supervised.signal("TERM");
    supervised.wait_for_log("stopping");
    supervised.signal("TERM");
    assert_eq!(supervised.wait(), Some(70), "{}", supervised.log());
    assert!(supervised.log().contains("second signal"));
}

#[test]
fn an_agent_does_not_outlive_a_supervisor_that_was_killed() {
    let mut supervised = Agent::supervised(&config(&closed_endpoint(), QUICK));
    let pid = ready(&supervised);
    supervised.signal("KILL");
    assert_eq!(supervised.wait(), None);
    wait_until(|| !runs(pid), || "the agent lives on".to_owned());
}

#[test]
fn a_configuration_on_standard_input_cannot_be_supervised() {
    let output = Command::new(env!("CARGO_BIN_EXE_tare"))
        .args(["run", "--supervised", "--config", "-"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
}

fn print_memory(pid: u32, role: &str) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    for line in status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("RssAnon")) {
        println!("{role}: {line}");
    }
}

/// Not a test: the process of [`Shell`], which is this program once more.
#[test]
#[ignore = "a supervisor of a shell, for the tests below"]
#[expect(clippy::exit, reason = "the exit code is the supervisor's")]
fn supervisor_of_a_shell() {
    let (Ok(script), Ok(folder)) = (std::env::var("TARE_TEST_SCRIPT"), std::env::var("TARE_TEST_FOLDER"))
    else {
        return;
    };
    let folder = Path::new(&folder);
    let launch = Launch {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        config: "none".to_owned(),
        state_dir: folder.to_owned(),
        socket: folder.join("tare.sock"),
        limits: Limits {
            stop: Duration::from_millis(if std::env::var_os("TARE_TEST_PATIENT").is_some() {
                3_600_000
            } else {
                300
            }),
            margin: Duration::from_millis(300),
            ..Limits::default()
        },
    };
    std::process::exit(run(&launch).unwrap().into());
}

/// A supervisor whose agent is a script.
struct Shell {
    child: Child,
    folder: tempfile::TempDir,
}

impl Shell {
    fn start(script: &str) -> Self {
        Self::start_with(script, &[])
    }

    fn start_with(script: &str, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "supervised::supervisor_of_a_shell", "--test-threads=1"])
            .env("TARE_TEST_SCRIPT", script)
            .env("TARE_TEST_FOLDER", folder.path())
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, folder }
    }

    /// The number in a file of the folder, once it is there.
    fn wait_for_number(&self, name: &str) -> u64 {
        let path = self.folder.path().join(name);
        let read = || fs::read_to_string(&path).ok()?.strip_suffix('\n')?.trim().parse().ok();
        wait_until(|| read().is_some(), || format!("no {name}"));
        read().unwrap()
    }

    fn record(&self) -> Option<record::Record> {
        record::decode(&fs::read(self.folder.path().join("supervisor.v1")).ok()?).ok()
    }

    fn wait(&mut self) -> Option<i32> {
        let mut code = None;
        wait_until(
            || {
                code = self.child.try_wait().unwrap().map(|status| status.code());
                code.is_some()
            },
            || "the supervisor does not end".to_owned(),
        );
        code.flatten()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // Its own stop ends the script too.
        let _ = Command::new("kill").arg(self.child.id().to_string()).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

#[test]
fn orphans_are_reaped() {
    let script = "(sh -c 'echo $$ > $TARE_TEST_FOLDER/orphan; sleep 0.2' &); exec sleep 1000";
    let shell = Shell::start(script);
    let orphan = shell.wait_for_number("orphan");
    // A zombie that nobody reaps stays in /proc.
    let gone = || !Path::new(&format!("/proc/{orphan}")).exists();
    wait_until(gone, || "the orphan was not reaped".to_owned());
}

#[test]
fn an_agent_that_does_not_listen_is_killed_when_its_time_is_over() {
    let script = "trap '' TERM; echo $$ > $TARE_TEST_FOLDER/agent; while :; do sleep 0.05; done";
    let mut shell = Shell::start(script);
    let agent = shell.wait_for_number("agent");
    signal(shell.child.id(), "TERM");
    assert_eq!(shell.wait(), Some(70));
    assert!(!runs(agent));
    assert_eq!(shell.record().unwrap().last, Last::Stopped);
}

#[test]
fn an_agent_that_hangs_when_it_is_to_stop_is_killed_soon_after_the_time_that_it_said_it_takes() {
    // The supervisor would wait an hour for an agent that has said nothing. This one says it, and stops as one in a hanging
    // write does: not at all.
    let script =
        "trap '' TERM; echo ready 200 >&0; echo $$ > $TARE_TEST_FOLDER/agent; while :; do sleep 0.05; done";
    let mut shell = Shell::start_with(script, &[("TARE_TEST_PATIENT", "1")]);
    let agent = shell.wait_for_number("agent");
    signal(shell.child.id(), "TERM");
    assert_eq!(shell.wait(), Some(70));
    assert!(!runs(agent));
}

#[test]
fn failures_are_counted_on_the_disk_and_a_stop_ends_the_waiting_for_the_next_agent() {
    let mut shell = Shell::start("exit 7");
    let counted = || shell.record().is_some_and(|record| record.failures >= 2 && record.last == Last::Failed);
    wait_until(counted, || "no second failure".to_owned());
    signal(shell.child.id(), "TERM");
    assert_eq!(shell.wait(), Some(0));
    assert_eq!(shell.record().unwrap().last, Last::Stopped);
}

#[test]
fn a_pause_that_comes_before_the_agent_listens_does_not_end_it() {
    let script =
        "echo $$ > $TARE_TEST_FOLDER/agent; while [ ! -e $TARE_TEST_FOLDER/go ]; do sleep 0.05; done; exit 7";
    let shell = Shell::start(script);
    let agent = shell.wait_for_number("agent");
    for name in ["USR1", "HUP"] {
        signal(shell.child.id(), name);
    }
    assert!(runs(agent));
    fs::write(shell.folder.path().join("go"), "").unwrap();
    let paused = shell.folder.path().join("pause");
    wait_until(|| paused.exists(), || "the pause was lost".to_owned());
}

//! The binary under test as a child process that never outlives its test.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a test waits for anything before it fails: far above what is needed on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// The same for what takes turns: they come every 10 s, and a machine that stalls for a second misses one.
const TURNS: Duration = Duration::from_mins(5);

/// A running `tare run`.
pub(crate) struct Agent {
    child: Child,
    arguments: Vec<OsString>,
    config: PathBuf,
    log: PathBuf,
    folder: tempfile::TempDir,
}

impl Agent {
    /// Starts the agent with this configuration, and an environment and folders of its own.
    pub(crate) fn start(config: &str) -> Self {
        Self::start_with(config, &[])
    }

    /// The same with a supervisor.
    pub(crate) fn supervised(config: &str) -> Self {
        Self::start_with(config, &["--supervised"])
    }

    /// The same with further arguments.
    pub(crate) fn start_with(config: &str, more: &[&str]) -> Self {
        Self::start_in(config, more, &[], Stdio::null())
    }

    /// The same with further arguments, an environment and a standard output.
    pub(crate) fn start_in(
        config: &str,
        more: &[&str],
        variables: &[(&str, &str)],
        out: impl Into<Stdio>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (path, log) = (folder.path().join("tare.yaml"), folder.path().join("log"));
        std::fs::write(&path, config).unwrap();
        let mut arguments: Vec<OsString> = vec!["run".into(), "--config".into(), path.clone().into()];
        arguments.extend(more.iter().map(OsString::from));
        if !more.contains(&"--state-dir") {
            arguments.extend(["--state-dir".into(), folder.path().join("state").into()]);
        }
        arguments.extend(["--socket".into(), folder.path().join("tare.sock").into()]);
        let child = spawn(&arguments, &log, variables, out);
        Self { child, arguments, config: path, log, folder }
    }

    /// Starts it again in the same folders, after an end.
    pub(crate) fn start_again(&mut self) {
        self.wait();
        self.child = spawn(&self.arguments, &self.log, &[], Stdio::null());
    }

    /// A file or folder of this agent's.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs another command of tare's against this agent's socket.
    pub(crate) fn tare(&self, arguments: &[&str]) -> Answer {
        tare(arguments, &self.path("tare.sock"))
    }

    /// The status as JSON, once there is one that `fits`.
    pub(crate) fn wait_for_status(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.wait_for_status_within(PATIENCE, what, fits)
    }

    /// The same for what takes turns.
    pub(crate) fn wait_long_for_status(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.wait_for_status_within(TURNS, what, fits)
    }

    fn wait_for_status_within(&self, patience: Duration, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let last = RefCell::new(Value::Null);
        wait(
            patience,
            || {
                let answer = self.tare(&["status", "--format", "json"]);
                let status = serde_json::from_str(&answer.out).unwrap_or_default();
                let fits = answer.code == Some(0) && fits(&status);
                last.replace(status);
                fits
            },
            || format!("no status with {what}: {} {}", last.borrow(), self.log()),
        );
        last.into_inner()
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Replaces the configuration file.
    pub(crate) fn rewrite(&self, config: &str) {
        std::fs::write(&self.config, config).unwrap();
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Everything logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until the log contains `text`.
    pub(crate) fn wait_for_log(&mut self, text: &str) {
        let start = Instant::now();
        while !self.log().contains(text) {
            assert!(start.elapsed() < PATIENCE, "no {text:?} in the log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether the process runs.
    pub(crate) fn running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for the end; the exit code, or `None` for an end by a signal.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(start.elapsed() < PATIENCE, "the agent does not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // A supervisor that is killed takes its agent along: that agent ends by itself, as another test shows.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a command answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a command of tare's that uses this socket.
pub(crate) fn tare(arguments: &[&str], socket: &Path) -> Answer {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tare"));
    let output = command.args(arguments).arg("--socket").arg(socket).env_clear().output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Answer { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Sends a signal by name.
pub(crate) fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status();
    assert!(status.unwrap().success());
}

/// Waits until `done`, within [`PATIENCE`].
pub(crate) fn wait_until(done: impl FnMut() -> bool, complaint: impl Fn() -> String) {
    wait(PATIENCE, done, complaint);
}

/// The same for what takes turns.
pub(crate) fn wait_long(done: impl FnMut() -> bool, complaint: impl Fn() -> String) {
    wait(TURNS, done, complaint);
}

fn wait(patience: Duration, mut done: impl FnMut() -> bool, complaint: impl Fn() -> String) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < patience, "{}", complaint());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether the process is there and has not ended.
pub(crate) fn runs(pid: u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

fn spawn(arguments: &[OsString], log: &Path, variables: &[(&str, &str)], out: impl Into<Stdio>) -> Child {
    Command::new(env!("CARGO_BIN_EXE_tare"))
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(File::options().create(true).append(true).open(log).unwrap())
        .spawn()
        .unwrap()
}

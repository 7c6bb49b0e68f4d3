//! The agent of the demo: this binary again, as a child process with a configuration of its own.

use std::ffi::OsString;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::{Child, Command};

/// The first argument that turns the demo's binary into the agent.
pub(super) const MARK: &str = "--as-agent";
/// How long the agent may take to drain and end.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Whether this process was started as the agent.
pub(super) fn is_child() -> bool {
    std::env::args_os().nth(1).is_some_and(|argument| argument == MARK)
}

/// The agent's command line.
pub(super) fn child_arguments() -> impl Iterator<Item = OsString> {
    std::iter::once(OsString::from("tare")).chain(std::env::args_os().skip(2))
}

/// The running agent; it is ended when this is dropped.
#[derive(Debug)]
pub(super) struct AgentProcess {
    child: Child,
    pid: u32,
    // The folder holds the configuration, the state and the log until the agent has ended.
    folder: tempfile::TempDir,
}

/// CPU time and memory of the agent so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Cost {
    /// User and system time in seconds.
    pub(super) cpu_s: f64,
    /// Proportional set size in bytes; zero where the kernel does not tell.
    pub(super) pss: u64,
}

impl AgentProcess {
    /// Starts the agent: every collector that needs no naming, plus the agent's own metrics, to `receiver`. `cluster` is the
    /// configuration of what it finds beyond this machine.
    pub(super) fn start(receiver: SocketAddr, interval: Duration, cluster: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let config = folder.path().join("tare.yaml");
        let mut file = std::fs::File::create(&config)?;
        writeln!(
            file,
            "host: {{interval: {interval}}}\n\
             outputs: [{{name: demo, otlp: {{endpoint: \"http://{receiver}\"}}}}]\n\
             control: {{self_telemetry_interval: 2s}}\n{cluster}",
            interval = humantime::format_duration(interval),
        )?;
        let log = std::fs::File::create(folder.path().join("agent.log"))?;
        let child = Command::new(std::env::current_exe()?)
            .args([MARK, "run", "--config"])
            .arg(&config)
            .arg("--state-dir")
            .arg(folder.path().join("state"))
            .arg("--socket")
            .arg(folder.path().join("tare.sock"))
            .env_remove("OTEL_EXPORTER_OTLP_ENDPOINT")
            .env_remove("KUBERNETES_SERVICE_HOST")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("the agent does not start")?;
        let pid = child.id().context("the agent ended at once")?;
        Ok(Self { child, pid, folder })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether the agent has ended.
    pub(super) fn gone(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        stat.is_empty() || stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
    }

    /// Makes the file that pauses it, as a person on the node would.
    pub(super) fn pause(&self) -> std::io::Result<()> {
        std::fs::write(self.pause_file(), "")
    }

    /// Removes that file.
    pub(super) fn resume(&self) -> std::io::Result<()> {
        std::fs::remove_file(self.pause_file())
    }

    fn pause_file(&self) -> PathBuf {
        self.folder.path().join("state/pause")
    }

    /// Where it can be asked how it does.
    pub(super) fn socket(&self) -> PathBuf {
        self.folder.path().join("tare.sock")
    }

    /// What the agent has used until now.
    pub(super) fn cost(&self) -> Cost {
        Cost {
            cpu_s: cpu_seconds(self.pid).unwrap_or_default(),
            pss: pss_bytes(self.pid).unwrap_or_default(),
        }
    }

    /// The last lines that the agent logged.
    pub(super) fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("agent.log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    /// Asks the agent to drain and end, and waits for it.
    pub(super) async fn stop(mut self) -> anyhow::Result<(ExitStatus, String)> {
        if let Some(pid) = self.child.id().and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed())) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        }
        let status =
            tokio::time::timeout(STOP_LIMIT, self.child.wait()).await.context("the agent does not end")??;
        Ok((status, self.log_tail()))
    }
}

/// `schedstat` counts nanoseconds on the CPU, unlike the 10 ms ticks of `stat`.
fn cpu_seconds(pid: u32) -> Option<f64> {
    let mut total = 0_u64;
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        total += text.split(' ').next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(total).as_secs_f64())
}

fn pss_bytes(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    Some(line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()? << 10)
}

//! Namespaces in which a check or a build runs, and the process that is first in them.
//!
//! `unshare(1)` makes new pid, mount and (for checks) network namespaces and starts this binary as
//! `__init COST -- PROGRAM...` in them. `__init` starts PROGRAM, reaps whatever is left to it and ends with
//! PROGRAM's status. Its standard input is the lifeline: a pipe whose other end only the runner holds. When
//! that closes, `__init` exits at once and the kernel ends everything in the namespaces.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitCode, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{WaitOptions, wait};

use super::program::{self, Stat};

/// The word that makes the binary the first process of a sandbox.
pub(super) const INIT: &str = "__init";

/// What the sandbox has of its own besides processes and mounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Network {
    /// The machine's: builds fetch their sources.
    Shared,
    /// Its own, with nothing but a loopback interface.
    Own,
}

/// What everything in a sandbox took together.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Cost {
    /// CPU seconds, user and system, of all that ended in the sandbox.
    pub(super) cpu_s: f64,
    /// The most memory that all its processes together held, sampled each second, in bytes.
    pub(super) max_rss_bytes: u64,
}

/// A running sandbox. Dropping it ends everything inside.
#[derive(Debug)]
pub(super) struct Sandbox {
    child: Child,
    lifeline: Option<ChildStdin>,
}

impl Sandbox {
    /// Starts `role` of this binary with `arguments`; output goes to `log`, the cost to `cost`.
    ///
    /// # Errors
    /// When `unshare` cannot be run.
    pub(super) fn start<I: AsRef<OsStr>>(
        network: Network,
        role: &str,
        arguments: impl IntoIterator<Item = I>,
        log: &Path,
        cost: &Path,
    ) -> anyhow::Result<Self> {
        let this = std::env::current_exe()?;
        let mut command = Command::new("unshare");
        command.args(["--fork", "--pid", "--kill-child=KILL", "--mount", "--mount-proc"]);
        if network == Network::Own {
            command.arg("--net");
        }
        if !rustix::process::geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.arg("--").arg(&this).arg(INIT).arg(cost).arg("--").arg(&this).arg(role).args(arguments);
        let log = fs::File::create(log).with_context(|| format!("creating {}", log.display()))?;
        // A group of its own: a signal to the runner's group is for the runner, which then ends this.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("running unshare(1) of util-linux")?;
        let lifeline = child.stdin.take();
        Ok(Self { child, lifeline })
    }

    /// The status of the program inside, once it has ended.
    ///
    /// # Errors
    /// When the kernel does not know the child.
    pub(super) fn ended(&mut self) -> std::io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.lifeline = None;
        for _ in 0..250 {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // `__init` did not get to run; `--kill-child` ends it with its parent.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// `__init COST -- PROGRAM ARGUMENT...`
pub(super) fn init(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    let [cost, _, program, rest @ ..] = arguments else { bail!("{INIT} COST -- PROGRAM...") };
    std::thread::Builder::new().name("lifeline".into()).spawn(hold_lifeline)?;
    let child = Command::new(program).args(rest).stdin(Stdio::null()).spawn().context("the program")?;
    let peak = Arc::new(AtomicU64::new(0));
    let sampled = Arc::clone(&peak);
    std::thread::Builder::new().name("memory".into()).spawn(move || sample_memory(&sampled))?;
    let code = reap_until(child.id())?;
    let own = Stat::of(std::process::id())?;
    let spent = Cost { cpu_s: own.cpu_with_children_s(), max_rss_bytes: peak.load(Ordering::Relaxed) };
    super::cache::write_whole(Path::new(cost), &serde_json::to_vec(&spent)?)?;
    Ok(ExitCode::from(code))
}

/// Waits for the runner's end of the pipe to close, which is the end of everything here.
#[expect(clippy::exit, reason = "the end of a namespace's first process is what ends the namespace")]
fn hold_lifeline() {
    drop(std::io::stdin().read_to_end(&mut Vec::new()));
    std::process::exit(137);
}

/// Reaps children, own and inherited, until `pid` has ended; gives its status as a shell would.
fn reap_until(pid: u32) -> anyhow::Result<u8> {
    loop {
        let Some((ended, status)) = wait(WaitOptions::empty()).context("waiting for children")? else {
            continue;
        };
        if u32::try_from(ended.as_raw_nonzero().get()) == Ok(pid) {
            let code = status.exit_status().or(status.terminating_signal().map(|signal| 128 + signal));
            return Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(255));
        }
    }
}

fn sample_memory(peak: &AtomicU64) {
    loop {
        let held = program::all().iter().filter_map(|pid| program::resident_bytes(*pid)).sum();
        peak.fetch_max(held, Ordering::Relaxed);
        std::thread::sleep(Duration::from_secs(1));
    }
}

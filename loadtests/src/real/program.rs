//! Programs that a check starts, and what `/proc` says about them.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::cache::tail;

/// A program started by a check; dropping it kills and reaps it.
#[derive(Debug)]
pub(super) struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts `command` with its output in `log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start(name: &str, mut command: Command, log: PathBuf) -> anyhow::Result<Self> {
        let file = File::create(&log).with_context(|| format!("creating {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        Ok(Self { name: name.to_owned(), child, log })
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Fails if it has ended, with the end of its log.
    ///
    /// # Errors
    /// When it has ended.
    pub(super) fn alive(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("{} ended by itself: {status}\n{}", self.name, self.log_tail());
        }
        Ok(())
    }

    /// Sends SIGTERM and waits; after `patience` it is killed and that is an error.
    ///
    /// # Errors
    /// When it does not end in time.
    pub(super) fn terminate(&mut self, patience: Duration) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.wait(patience)
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it no longer exists.
    pub(super) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).context("a process id")?;
        kill_process(pid, signal).with_context(|| format!("signalling {}", self.name))
    }

    /// Waits until it ends.
    ///
    /// # Errors
    /// When it does not end in time; it is then killed.
    pub(super) fn wait(&mut self, patience: Duration) -> anyhow::Result<ExitStatus> {
        let until = Instant::now() + patience;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.child.kill()?;
        self.child.wait()?;
        bail!("{} did not end within {patience:?}\n{}", self.name, self.log_tail());
    }

    /// The end of its log.
    pub(super) fn log_tail(&self) -> String {
        tail(&fs::read_to_string(&self.log).unwrap_or_default(), 20)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only if it has been reaped already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Whether a program ended as one that was asked to stop and did so in order.
pub(super) fn ended_cleanly(status: ExitStatus) -> bool {
    status.code() == Some(0) && status.signal().is_none()
}

/// Fields of `/proc/<pid>/stat`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stat {
    own_ticks: u64,
    children_ticks: u64,
}

impl Stat {
    /// Reads the process `pid`.
    ///
    /// # Errors
    /// When it is gone or the file has another form.
    pub(super) fn of(pid: u32) -> anyhow::Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name may hold spaces and brackets; the fields after it count from the third.
        let (_, fields) = text.rsplit_once(')').context("no name in stat")?;
        let field = |number: usize| -> anyhow::Result<u64> {
            Ok(fields.split_whitespace().nth(number - 3).context("stat is short")?.parse()?)
        };
        Ok(Self { own_ticks: field(14)? + field(15)?, children_ticks: field(16)? + field(17)? })
    }

    /// CPU seconds of the process and of the children it has waited for.
    pub(super) fn cpu_with_children_s(self) -> f64 {
        float(self.own_ticks + self.children_ticks) / float(rustix::param::clock_ticks_per_second())
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people; 2^53 of anything here is centuries")]
pub(super) fn float(value: u64) -> f64 {
    value as f64
}

/// CPU nanoseconds of all threads of `pid`: `/proc/<pid>/task/*/schedstat`, which counts to the nanosecond
/// where `stat` counts ticks. A thread that ended between two reads takes its time with it, so it is only for
/// programs that keep their threads; `stat` is the check on that.
///
/// # Errors
/// When the process is gone.
pub(super) fn cpu_ns(pid: u32) -> anyhow::Result<u64> {
    let mut total = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
        total += text.split(' ').next().unwrap_or_default().parse::<u64>().context("schedstat")?;
    }
    Ok(total)
}

/// What a process holds in memory, in bytes.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub(super) struct Memory {
    /// Resident set.
    pub(super) rss: u64,
    /// Proportional set: shared pages divided among those who map them.
    pub(super) pss: u64,
    /// Anonymous part of the resident set.
    pub(super) anonymous: u64,
    /// The highest resident set so far.
    pub(super) peak_rss: u64,
}

impl Memory {
    /// Reads `smaps_rollup` and `status` of `pid`.
    ///
    /// # Errors
    /// When the process is gone or may not be read.
    pub(super) fn of(pid: u32) -> anyhow::Result<Self> {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let kib = |text: &str, name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) * 1024
        };
        Ok(Self {
            rss: kib(&rollup, "Rss:"),
            pss: kib(&rollup, "Pss:"),
            anonymous: kib(&rollup, "Anonymous:"),
            peak_rss: kib(&status, "VmHWM:"),
        })
    }
}

/// The resident set of `pid` in bytes, cheaply.
pub(super) fn resident_bytes(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// Every process that this one can see.
pub(super) fn all() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

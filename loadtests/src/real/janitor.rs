//! A process that outlives the runner by a moment: it removes what only a living process can remove.
//!
//! The runner holds the only write end of the janitor's standard input. When the runner is gone, for whatever
//! reason, the read ends, the janitor sweeps the run and exits. It leads a session of its own, so that a signal
//! to the runner's process group does not reach it.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};

use anyhow::{Context, bail};

use super::runs::Run;

/// The word that makes the binary a janitor.
pub(super) const ROLE: &str = "__janitor";

/// The runner's end.
#[derive(Debug)]
pub(super) struct Janitor {
    child: Child,
    lifeline: Option<ChildStdin>,
}

impl Janitor {
    /// Starts it and waits until it holds the run's lock.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start(cache: &Path, run: &Run) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(ROLE)
            .args([cache.as_os_str(), run.id().as_ref()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the janitor")?;
        let lifeline = child.stdin.take();
        let mut ready = [0];
        child.stdout.take().context("the janitor's output")?.read_exact(&mut ready).context("the janitor")?;
        Ok(Self { child, lifeline })
    }

    /// Lets it sweep and waits for its end.
    pub(super) fn finish(mut self) {
        self.lifeline = None;
        drop(self.child.wait());
    }
}

/// `__janitor CACHE RUN`.
pub(super) fn run(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    let [cache, id] = arguments else { bail!("{ROLE} CACHE RUN") };
    rustix::process::setsid().context("a session of its own")?;
    let cache = Path::new(cache);
    let run = Run::join(cache, &id.to_string_lossy())?;
    let mut stdout = std::io::stdout();
    stdout.write_all(b"r").and_then(|()| stdout.flush()).context("saying that it is ready")?;
    // Nothing is ever sent: the read returns when the runner is gone.
    std::io::stdin().read_to_end(&mut Vec::new()).context("waiting for the runner's end")?;
    let left = run.end(cache);
    if !left.is_empty() {
        bail!("could not remove {}", left.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}

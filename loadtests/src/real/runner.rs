//! One run: sweep, build, run each check in its sandbox, report; ended at any point by SIGINT or SIGTERM.
//!
//! Checks that measure run alone; the others, which mostly wait, run in a few lanes at the same time.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::janitor::Janitor;
use super::registry::{self, Check, Lane, Outcome, Tier};
use super::results::{CheckResult, Results};
use super::runs::{self, Run};
use super::sandbox::{Cost, Network, Sandbox};
use super::{build, cache, complain, say};
use crate::rows;

/// Cold, the slowest recipe takes minutes on two cores; an hour means that something hangs.
const BUILD_LIMIT: Duration = Duration::from_hours(1);

/// How often a running sandbox is looked at.
const POLL: Duration = Duration::from_millis(50);

/// Runs `checks` and reports: exit code 0 if all held, 1 if not, 128 + signal if interrupted.
///
/// # Errors
/// When the runner itself cannot work.
pub(super) fn run(checks: &[&'static Check], tier: Tier, keep: bool) -> anyhow::Result<ExitCode> {
    let cache = cache::folder()?;
    let remains = runs::sweep_dead(&cache);
    if !remains.is_empty() {
        complain(&format!("an earlier run left what cannot be removed: {}", remains.join(", ")));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // From here on a signal ends a sandbox, not this process.
        let interrupts = Interrupts::install()?;
        let run = Run::begin(&cache)?;
        let janitor = Janitor::start(&cache, &run)?;
        let scratch = cache::scratch(run.id());
        fs::create_dir_all(&scratch).with_context(|| format!("creating {}", scratch.display()))?;
        let session = Session { cache: &cache, run: &run, scratch, keep };
        let outcome = tokio::select! {
            number = interrupts.next() => {
                session.forget(checks);
                Err(Stop::Interrupted(number))
            }
            outcome = session.run(checks, tier) => outcome.map_err(Stop::Failed),
        };
        let kept = session.finish();
        drop(run);
        janitor.finish();
        if let Some(kept) = kept {
            say(&format!("kept {}", kept.display()));
        }
        match outcome {
            Ok(held) => Ok(ExitCode::from(u8::from(!held))),
            Err(Stop::Interrupted(number)) => {
                complain("interrupted; everything that was started has been ended");
                Ok(ExitCode::from(128 + number))
            }
            Err(Stop::Failed(error)) => Err(error),
        }
    })
}

/// Why a run stops before its end.
enum Stop {
    Interrupted(u8),
    Failed(anyhow::Error),
}

struct Interrupts {
    int: Signal,
    term: Signal,
    hangup: Signal,
}

impl Interrupts {
    fn install() -> anyhow::Result<Self> {
        Ok(Self {
            int: signal(SignalKind::interrupt())?,
            term: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The number of the next signal.
    async fn next(mut self) -> u8 {
        tokio::select! {
            _ = self.int.recv() => 2,
            _ = self.term.recv() => 15,
            _ = self.hangup.recv() => 1,
        }
    }
}

/// A check that ran: what is told of it, and its report by file name.
type Done = (CheckResult, Option<(String, serde_json::Value)>);

struct Session<'a> {
    cache: &'a Path,
    run: &'a Run,
    scratch: PathBuf,
    keep: bool,
}

impl Session<'_> {
    async fn run(&self, checks: &[&'static Check], tier: Tier) -> anyhow::Result<bool> {
        let begin = Instant::now();
        self.build(checks).await?;
        let build_s = begin.elapsed().as_secs_f64();
        let of = |lane| checks.iter().copied().filter(move |check: &&Check| check.lane == lane);
        // What measures has the machine for itself; of the rest one check of each lane runs at a time.
        let mut done = self.lane(of(Lane::Alone)).await?;
        let (nodes, servers, beside, computing) = tokio::try_join!(
            self.lane(of(Lane::Node)),
            self.lane(of(Lane::Servers)),
            self.lane(of(Lane::Beside)),
            self.lane(of(Lane::Computing)),
        )?;
        done.extend(nodes.into_iter().chain(servers).chain(beside).chain(computing));
        done.sort_by_key(|(result, _)| checks.iter().position(|check| check.name == result.name));
        let mut results = Vec::new();
        for (result, report) in done {
            if let Some((name, report)) = report {
                cache::write_whole(&cache::output().join(name), rows::text(&report)?.as_bytes())?;
            }
            results.push(result);
        }
        let results = Results::new(tier, build_s, results);
        results.write(&cache::output())?;
        say(&format!("\n{}", results.table()));
        Ok(results.held())
    }

    /// Runs one check after the other.
    async fn lane(&self, checks: impl Iterator<Item = &'static Check>) -> anyhow::Result<Vec<Done>> {
        let mut done = Vec::new();
        for check in checks {
            let (mut result, mut outcome) = self.told(check, check.name).await?;
            // What measures cannot see who else uses the machine below this one. It may measure a second time, and says
            // so; what counts, in every other lane, is judged once.
            if !result.held && check.lane == Lane::Alone {
                say(&format!("{} is measured again", check.name));
                let at_first = std::mem::take(&mut result.failures);
                (result, outcome) = self.told(check, &format!("{}-again", check.name)).await?;
                result.at_first = at_first;
            }
            done.push((result, outcome.report));
        }
        Ok(done)
    }

    /// Runs one check in the scratch folder `folder` and prints what it found.
    async fn told(&self, check: &'static Check, folder: &str) -> anyhow::Result<(CheckResult, Outcome)> {
        say(&format!(".. {}", check.name));
        let (result, outcome) = self.check(check, folder).await?;
        say(&format!("== {}: {}", check.name, check.about));
        say(outcome.text.trim_end());
        for failure in &result.failures {
            say(&format!("DOES NOT HOLD: {failure}"));
        }
        Ok((result, outcome))
    }

    /// Removes what checks that were ended in the middle have left.
    fn forget(&self, checks: &[&Check]) {
        for check in checks {
            drop(fs::remove_dir_all(self.scratch.join(check.name)));
            drop(fs::remove_dir_all(self.scratch.join(format!("{}-again", check.name))));
        }
    }

    /// Moves what is to be kept away from where the janitor sweeps.
    fn finish(&self) -> Option<PathBuf> {
        drop(fs::remove_file(self.scratch.join("programs.json")));
        // An empty folder goes, one with anything in it stays.
        if fs::remove_dir(&self.scratch).is_ok() {
            return None;
        }
        let kept = cache::output().join("kept").join(self.run.id());
        fs::create_dir_all(kept.parent()?).and_then(|()| fs::rename(&self.scratch, &kept)).ok()?;
        Some(kept)
    }

    /// Builds what the checks need; afterwards `programs.json` lists where it is.
    async fn build(&self, checks: &[&'static Check]) -> anyhow::Result<()> {
        let programs = self.scratch.join("programs.json");
        if checks.iter().all(|check| check.needs.is_empty()) {
            fs::write(&programs, "{}")?;
            return Ok(());
        }
        say("building what is missing (cold: minutes)");
        let log = self.scratch.join("build.log");
        let mut arguments = vec![self.cache.into(), OsString::from(self.run.id()), programs.clone().into()];
        arguments.extend(checks.iter().map(|check| check.name.into()));
        let cost = self.scratch.join("build.cost");
        let sandbox = Sandbox::start(Network::Shared, build::ROLE, arguments, &log, &cost)?;
        let status = watch(sandbox, BUILD_LIMIT).await?;
        drop(fs::remove_file(cost));
        if !programs.exists() {
            let text = fs::read_to_string(&log).unwrap_or_default();
            anyhow::bail!("build: {status:?}\n{}", cache::tail(&text, 40));
        }
        fs::remove_file(log)?;
        Ok(())
    }

    async fn check(&self, check: &'static Check, folder: &str) -> anyhow::Result<(CheckResult, Outcome)> {
        let scratch = self.scratch.join(folder);
        fs::create_dir_all(&scratch)?;
        let begin = Instant::now();
        let log = scratch.join("check.log");
        let cost = scratch.join("cost.json");
        let arguments = [check.name.as_ref(), scratch.as_os_str(), self.run.id().as_ref()];
        let sandbox = Sandbox::start(Network::Own, registry::ROLE, arguments, &log, &cost)?;
        let status = watch(sandbox, check.limit).await?;
        let remains = self.run.end_check(folder);
        if !remains.is_empty() {
            complain(&format!("{folder} left cgroups that cannot be removed: {}", remains.join(", ")));
        }
        let wall_s = begin.elapsed().as_secs_f64();
        let cost: Cost = read(&cost).unwrap_or_default();
        let outcome = read(&scratch.join("outcome.json")).unwrap_or_else(|| Outcome {
            failures: vec![match &status {
                Some(status) => format!("ended without an outcome: {status}"),
                None => format!("did not end within {:?}", check.limit),
            }],
            ..Outcome::default()
        });
        let held = outcome.failures.is_empty();
        if !held {
            print_logs(&scratch);
        }
        if held && !self.keep {
            fs::remove_dir_all(&scratch)?;
        }
        let result = CheckResult {
            name: check.name,
            tier: check.tier,
            held,
            wall_s,
            cpu_s: cost.cpu_s,
            max_rss_bytes: cost.max_rss_bytes,
            failures: outcome.failures.clone(),
            at_first: Vec::new(),
        };
        Ok((result, outcome))
    }
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Waits for the end of what runs in `sandbox`; `None`: it took longer than `limit` and was ended.
async fn watch(mut sandbox: Sandbox, limit: Duration) -> anyhow::Result<Option<ExitStatus>> {
    let until = Instant::now() + limit;
    loop {
        if let Some(status) = sandbox.ended()? {
            return Ok(Some(status));
        }
        if Instant::now() > until {
            return Ok(None);
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The end of every log in `scratch`.
fn print_logs(scratch: &Path) {
    for entry in fs::read_dir(scratch).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let text = fs::read_to_string(&path).unwrap_or_default();
            if !text.trim().is_empty() {
                say(&format!("-- the end of {}\n{}", entry.file_name().display(), cache::tail(&text, 20)));
            }
        }
    }
}

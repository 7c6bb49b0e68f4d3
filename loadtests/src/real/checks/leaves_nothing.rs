//! `runner-leaves-nothing`: a runner killed at any moment leaves no process, mount, interface or cgroup.
//!
//! A runner with a cache of its own is started on [`leave`], a check that makes one of everything, and killed
//! by each signal at several moments: random ones, and one when everything exists. This check runs in
//! namespaces of its own, so what appears in them came from that runner.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::real::env::Env;
use crate::real::registry::Outcome;
use crate::real::{program, runs};

const SIGNALS: [Signal; 3] = [Signal::INT, Signal::TERM, Signal::KILL];

/// Random moments for each signal, beside the one at which everything exists.
const MOMENTS: usize = 4;

/// About twice what an idle machine takes to make everything, so that about half of the kills come before.
const LATEST: Duration = Duration::from_millis(200);

/// How long a killed runner's janitor may take.
const PATIENCE: Duration = Duration::from_secs(15);

const COMPLETE: &str = "complete";

/// What can be left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Inventory {
    processes: BTreeSet<String>,
    mounts: BTreeSet<String>,
    interfaces: BTreeSet<String>,
    files: BTreeSet<PathBuf>,
    cgroups: BTreeSet<PathBuf>,
}

impl Inventory {
    fn take(cache: &Path) -> Self {
        let scratch = crate::real::cache::output().join("scratch");
        let name = |pid: u32| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
            Some(format!("{pid} {}", name.trim()))
        };
        let lines = |path: &str, part: fn(&str) -> &str| {
            fs::read_to_string(path).unwrap_or_default().lines().map(part).map(str::to_owned).collect()
        };
        Self {
            processes: program::all().into_iter().filter_map(name).collect(),
            mounts: lines("/proc/self/mountinfo", |line| line),
            interfaces: lines("/proc/net/dev", |line| line.split(':').next().unwrap_or_default()),
            files: [cache, &scratch].into_iter().flat_map(entries).collect(),
            cgroups: runs::hierarchies()
                .iter()
                .flat_map(|root| entries(root))
                .filter(|path| path.is_dir())
                .collect(),
        }
    }

    /// What is here and was not in `before`; cgroups only of the runs in `cache`.
    fn beyond(&self, before: &Self) -> Vec<String> {
        let paths = |now: &BTreeSet<PathBuf>, then: &BTreeSet<PathBuf>| {
            now.difference(then).map(|path| path.display().to_string()).collect::<Vec<_>>()
        };
        let ours = |path: &String| path.contains(runs::CGROUP_PREFIX);
        let mut left: Vec<String> = self.processes.difference(&before.processes).cloned().collect();
        left.extend(self.mounts.difference(&before.mounts).cloned());
        left.extend(self.interfaces.difference(&before.interfaces).cloned());
        left.extend(paths(&self.files, &before.files));
        left.extend(paths(&self.cgroups, &before.cgroups).into_iter().filter(ours));
        left
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// Kills runners and looks at what they leave.
pub(in crate::real) fn run(env: &mut Env) -> anyhow::Result<Outcome> {
    let cache = env.path("cache");
    fs::create_dir_all(cache.join("runs"))?;
    let mut outcome = Outcome::default();
    let mut complete = 0;
    for signal in SIGNALS {
        for moment in 0..=MOMENTS {
            let delay = (moment > 0).then(random_delay);
            let trial = trial(env, &cache, signal, delay)?;
            complete += usize::from(trial.complete);
            if !trial.left.is_empty() {
                let left = trial.left.join("; ");
                outcome.failures.push(format!("killed by {signal:?} {}: left {left}", trial.when));
            }
        }
    }
    // The note that a run exists comes before its janitor: a runner that is killed between the two leaves it to
    // the next one. So one more is ended in good order, and then there is none.
    let last = trial(env, &cache, Signal::TERM, None)?;
    complete += usize::from(last.complete);
    outcome.failures.extend(last.left);
    outcome.failures.extend(entries(&cache.join("runs")).map(|note| format!("left {}", note.display())));
    let kills = SIGNALS.len() * (MOMENTS + 1) + 1;
    outcome.text = format!("{kills} runners killed, {complete} of them when one of everything existed");
    if complete <= SIGNALS.len() {
        outcome.failures.push("the inner check did not get to make one of everything".to_owned());
    }
    Ok(outcome)
}

struct Trial {
    when: String,
    /// Everything existed at the moment of the kill.
    complete: bool,
    left: Vec<String>,
}

fn trial(env: &Env, cache: &Path, signal: Signal, delay: Option<Duration>) -> anyhow::Result<Trial> {
    let marker = cache.join(COMPLETE);
    drop(fs::remove_file(&marker));
    let before = Inventory::take(cache);
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--only", "leave-things"]).env("TARE_REAL_CACHE", cache);
    let mut runner = env.start("runner", command)?;
    match delay {
        Some(delay) => std::thread::sleep(delay),
        None => wait_for(PATIENCE, || marker.exists()),
    }
    let complete = marker.exists();
    drop(fs::remove_file(&marker));
    runner.signal(signal)?;
    // Reaped here: what is looked at afterwards is what it started, not the runner itself.
    drop(runner.wait(PATIENCE));
    drop(fs::remove_file(&marker));
    let mut left = Inventory::take(cache).beyond(&before);
    if signal == Signal::KILL {
        wait_for(PATIENCE, || {
            left = Inventory::take(cache).beyond(&before);
            left.is_empty()
        });
    }
    let when = delay.map_or("when everything existed".to_owned(), |delay| format!("after {delay:?}"));
    Ok(Trial { when, complete, left })
}

fn wait_for(patience: Duration, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + patience;
    while !done() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A moment of the standard library's own randomness; a failure prints it.
fn random_delay() -> Duration {
    let random = RandomState::new().hash_one(());
    Duration::from_micros(random % u64::try_from(LATEST.as_micros()).unwrap_or(u64::MAX))
}

/// Makes a process that has left its session, a mount, an interface and a cgroup with a process in it, and
/// waits to be killed.
pub(in crate::real) fn leave(env: &mut Env) -> anyhow::Result<Outcome> {
    env.execute("ip", ["link", "add", "tare-left", "type", "veth", "peer", "name", "tare-left-1"])?;
    let mount = env.path("mount");
    fs::create_dir_all(&mount)?;
    env.execute("mount", ["-t", "tmpfs", "tare-left", &mount.to_string_lossy()])?;
    env.execute("sh", ["-c", "setsid sleep 1000 >/dev/null 2>&1 </dev/null &"])?;
    let mut sleeper = Command::new("sleep");
    sleeper.arg("1000");
    let sleeper = env.start("sleeper", sleeper)?;
    for group in env.cgroup() {
        // A hierarchy with constraints (cpuset without CPUs) refuses members; the empty group is enough.
        drop(fs::write(group.join("cgroup.procs"), sleeper.pid().to_string()));
    }
    // Beside the runs: where the killing check looks.
    if let Some(cache) = std::env::var_os("TARE_REAL_CACHE") {
        fs::write(Path::new(&cache).join(COMPLETE), "")?;
    }
    loop {
        std::thread::sleep(Duration::from_hours(1));
    }
}

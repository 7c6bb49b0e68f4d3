//! `systemd-unit`: the unit is one that systemd takes without a word, and its command does its work as a user of its own without
//! capabilities, on a file system that it cannot write to.
//!
//! There is no systemd here: user, capabilities and the file system are made as the unit says. Its filters of system calls,
//! address families and namespaces are only verified as text.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use rustix::process::Signal;

use super::cgroup_v2::loads::wait_until;
use super::facts::{self, Fact};
use crate::real::cache;
use crate::real::env::Env;
use crate::real::program::ended_cleanly;
use crate::real::recipes;
use crate::real::registry::{Check, Lane, Outcome, Tier};
use crate::receiver::{Received, Receiver};

/// One of those that `DynamicUser` takes.
const USER: &str = "61500";

/// Where the unit looks for the program and its configuration, and the folders that systemd makes for it.
const PROGRAM: &str = "/usr/local/bin";
const CONFIG: &str = "/etc/tare/tare.yaml";
const FOLDERS: [&str; 2] = ["/var/lib/tare", "/run/tare"];

/// How long the unit lets it take to end (`TimeoutStopSec`).
const STOP: Duration = Duration::from_secs(15);

/// The entry of the registry.
pub(in crate::real) const CHECK: Check = Check {
    name: "systemd-unit",
    tier: Tier::Ci,
    about: "systemd-analyze accepts the unit, whose command reports, reloads and ends as a user without capabilities",
    needs: &[recipes::TARE],
    limit: Duration::from_mins(3),
    lane: Lane::Servers,
    hidden: false,
    run: |env| run(env),
};

fn run(env: &Env) -> anyhow::Result<Outcome> {
    let unit = cache::repository().join("deploy/systemd/tare.service");
    let text = fs::read_to_string(&unit)?;
    machine(env)?;
    let verified =
        Command::new("systemd-analyze").arg("verify").arg(&unit).output().context("systemd-analyze")?;
    let said = String::from_utf8_lossy(&verified.stderr).trim().to_owned();
    let mut facts = vec![Fact::new(
        "systemd-analyze verify",
        "no word",
        said.clone(),
        verified.status.success() && said.is_empty(),
    )];
    let seen: Arc<Mutex<Vec<Received>>> = Arc::default();
    let sink = Arc::clone(&seen);
    let receiver = Receiver::loopback(move |received| {
        sink.lock().unwrap_or_else(PoisonError::into_inner).push(received);
    })?;
    fs::write(
        CONFIG,
        format!("outputs: [{{name: default, otlp: {{endpoint: \"{}\"}}}}]\n", receiver.endpoint()),
    )?;
    // What the check itself writes to stays as it is.
    let own = env.path("");
    let own = own.parent().context("a scratch folder")?.to_string_lossy();
    env.execute("mount", ["--bind", &own, &own])?;
    env.execute("mount", ["-o", "remount,bind,ro", "/"])?;

    let command = text.lines().find_map(|line| line.strip_prefix("ExecStart=")).context("no ExecStart")?;
    let words: Vec<_> = command.split_whitespace().collect();
    let mut agent = env.start("tare", confined(&words))?;
    let arrived = || seen.lock().is_ok_and(|seen| !seen.is_empty());
    facts.push(Fact::equal("figures arrive", &true, &wait_until(Duration::from_mins(1), arrived)));
    let status = fs::read_to_string(format!("/proc/{}/status", agent.pid()))?;
    let line = |key: &str| {
        status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim().to_owned()
    };
    facts.push(Fact::equal("capabilities", &"0000000000000000".to_owned(), &line("CapEff:")));
    facts.push(Fact::equal("new privileges are ruled out", &"1".to_owned(), &line("NoNewPrivs:")));
    let live = || confined(&[words[0], "health", "--live"]).status().is_ok_and(|status| status.success());
    facts.push(Fact::equal("it is live over its socket", &true, &wait_until(Duration::from_secs(20), live)));
    agent.signal(Signal::HUP)?;
    std::thread::sleep(Duration::from_secs(1));
    facts.push(Fact::equal("a reload keeps it running", &true, &agent.alive().is_ok()));
    let ended = agent.terminate(STOP)?;
    facts.push(Fact::equal("it ends in order", &true, &ended_cleanly(ended)));
    let state = fs::read_dir(FOLDERS[0])?.count();
    facts.push(Fact::new("files in its state folder", "some", state.to_string(), state > 0));
    Ok(facts::outcome(CHECK.name, &facts))
}

/// The places of the unit, all of them the check's own.
fn machine(env: &Env) -> anyhow::Result<()> {
    for place in ["/run", PROGRAM, "/var/lib"] {
        env.execute("mount", ["-t", "tmpfs", "tare-real", place])?;
    }
    let (upper, work) = (env.path("etc"), env.path("etc-work"));
    // The scratch folder's file system may not be one that an overlay can be on.
    for folder in [&upper, &work] {
        fs::create_dir_all(folder)?;
    }
    let layers = format!("lowerdir=/etc,upperdir={},workdir={}", upper.display(), work.display());
    env.execute("mount", ["-t", "overlay", "-o", &layers, "tare-real", "/etc"])?;
    fs::create_dir_all(Path::new(CONFIG).parent().context("a folder")?)?;
    fs::copy(env.program("tare")?, Path::new(PROGRAM).join("tare"))?;
    for folder in FOLDERS {
        fs::create_dir_all(folder)?;
        env.execute("chown", [&format!("{USER}:{USER}"), folder])?;
    }
    Ok(())
}

fn confined(words: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args([format!("--reuid={USER}"), format!("--regid={USER}")])
        .args(["--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"])
        .args(words)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

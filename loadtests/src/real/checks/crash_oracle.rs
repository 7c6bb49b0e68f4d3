//! `crash-oracle`: what the disk log acknowledged arrives, whatever kills the process and whatever the disk does.
//!
//! The rounds and the judge are in `exporter/tests/crash_oracle`. This check gives them what a test must not ask
//! for: a small file system that can be filled, mounted in the sandbox only, and many rounds.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::real::cache;
use crate::real::env::Env;
use crate::real::recipes;
use crate::real::registry::{Check, Lane, Outcome, Tier};

/// The entries of the registry.
pub(in crate::real) const CHECK: Check = Check {
    name: "crash-oracle",
    tier: Tier::Ci,
    about: "100 SIGKILLs, EIO, a full disk and flipped bits lose no acknowledged request of the disk log",
    needs: &[recipes::CRASH_ORACLE],
    limit: Duration::from_mins(15),
    lane: Lane::Computing,
    hidden: false,
    run: |env| rounds(env, 100),
};

pub(in crate::real) const FULL_CHECK: Check = Check {
    name: "crash-oracle-full",
    tier: Tier::Full,
    about: "the same with 500 SIGKILLs",
    limit: Duration::from_hours(1),
    run: |env| rounds(env, 500),
    ..CHECK
};

/// The size of the file system that is filled: less than the log's bound.
const SMALL: &str = "size=6m";

fn rounds(env: &mut Env, count: u32) -> anyhow::Result<Outcome> {
    let small = env.path("small");
    std::fs::create_dir_all(&small)?;
    // In this sandbox's mount namespace only: it is gone with it.
    env.execute("mount", ["-t", "tmpfs", "-o", SMALL, "tare-crash", &small.to_string_lossy()])?;
    let output = Command::new(env.program("crash_oracle")?)
        .env("TARE_CRASH_ROUNDS", count.to_string())
        .env("TARE_CRASH_SMALL", &small)
        .env_remove("TARE_CRASH_SEED")
        .stdin(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut failures: Vec<String> = text.lines().filter(|line| !is_sound(line)).map(str::to_owned).collect();
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        failures.push(format!("the oracle: {}\n{}", output.status, cache::tail(&why, 20)));
    }
    let scenarios = text.lines().filter(|line| is_sound(line)).count();
    if scenarios != SCENARIOS {
        failures.push(format!("{scenarios} sound verdicts instead of {SCENARIOS}"));
    }
    Ok(Outcome { failures, text, report: None })
}

/// Five scenarios and four crimes that the judge has to see.
const SCENARIOS: usize = 9;

fn is_sound(line: &str) -> bool {
    line.contains("): sound: ") || line.contains(": seen, as it must be: ")
}

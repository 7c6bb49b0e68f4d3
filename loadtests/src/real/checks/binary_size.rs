//! `binary-size`: how large the shipped binary is without its symbols.
//!
//! It is the static one of the image, which has the C library in it.

use std::fs;
use std::time::Duration;

use crate::real::env::Env;
use crate::real::program::float;
use crate::real::recipes;
use crate::real::registry::{Check, Lane, Outcome, Tier};

/// The bound of the project, bytes.
const BOUND: u64 = 12 << 20;

pub(in crate::real) const CHECK: Check = Check {
    name: "binary-size",
    tier: Tier::Full,
    about: "the shipped binary without symbols is smaller than 12 MiB",
    needs: &[recipes::TARE_STATIC],
    limit: Duration::from_mins(1),
    lane: Lane::Alone,
    hidden: false,
    run,
};

fn run(env: &mut Env) -> anyhow::Result<Outcome> {
    let to = env.path("tare-stripped");
    env.execute("strip", ["-o", &to.to_string_lossy(), &env.program("tare-static")?.to_string_lossy()])?;
    let bytes = fs::metadata(to)?.len();
    let text = format!("{bytes} bytes, {:.2} MiB; bound {BOUND}\n", float(bytes) / 1_048_576.0);
    let failures = if bytes < BOUND {
        Vec::new()
    } else {
        vec![format!("{bytes} bytes, less than {BOUND} are allowed")]
    };
    Ok(Outcome { failures, text, report: None })
}

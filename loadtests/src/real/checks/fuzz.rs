//! `fuzz`: every fuzz target holds for a minute, from its committed corpus.
//!
//! The check runs `fuzz/run`, which builds the targets. A sandbox has no network, so what the build needs is
//! fetched before, as a need of the check.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::real::cache;
use crate::real::env::Env;
use crate::real::recipes::{Need, Recipe};
use crate::real::registry::{Check, Lane, Outcome, Tier};

/// How long each target runs, in seconds.
const SECONDS: &str = "60";

/// A cold build of instrumented dependencies takes most of this.
const LIMIT: Duration = Duration::from_mins(45);

/// The manifest of the fuzz targets.
const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/Cargo.toml");

/// The tool that builds the targets.
const CARGO_FUZZ: Need = Need::Recipe(&Recipe {
    name: "cargo-fuzz",
    tool: "cargo",
    files: &[],
    env: &[],
    steps: &[&[
        "cargo",
        "install",
        "--quiet",
        "--locked",
        "--version",
        "0.13.2",
        "--root",
        ".",
        "cargo-fuzz",
    ]],
    built: "bin/cargo-fuzz",
    output: "cargo-fuzz",
});

/// The sources of the targets' dependencies in cargo's own cache. The lock file is here so that another one is
/// fetched anew; it also stands for the result.
const SOURCES: Need = Need::Recipe(&Recipe {
    name: "fuzz-sources",
    tool: "cargo",
    files: &[("Cargo.lock", include_str!("../../../../fuzz/Cargo.lock"))],
    env: &[],
    steps: &[&["cargo", "+nightly", "fetch", "--quiet", "--locked", "--manifest-path", MANIFEST]],
    built: "Cargo.lock",
    output: "fuzz-sources",
});

/// The entry of the registry.
pub(in crate::real) const CHECK: Check = Check {
    name: "fuzz",
    tier: Tier::Full,
    about: "a minute of each fuzz target finds no panic, no wrong sample and no unbounded memory",
    needs: &[CARGO_FUZZ, SOURCES],
    limit: LIMIT,
    lane: Lane::Computing,
    hidden: false,
    run,
};

/// Runs all targets.
fn run(env: &mut Env) -> anyhow::Result<Outcome> {
    // In this sandbox's mount namespace only: it is gone with it.
    let memory = env.path("memory");
    std::fs::create_dir_all(&memory)?;
    env.execute("mount", ["-t", "tmpfs", "tare-fuzz", &memory.to_string_lossy()])?;
    let tools = env.program("cargo-fuzz")?.parent().unwrap_or(Path::new("/")).to_path_buf();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(tools).chain(std::env::split_paths(&path)))?;
    let output = Command::new(cache::repository().join("fuzz/run"))
        .arg(SECONDS)
        .env("PATH", path)
        .env("TMPDIR", &memory)
        .env("CARGO_NET_OFFLINE", "true")
        // Set by the cargo that started the runner; the targets have a compiler of their own.
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO_TARGET_DIR")
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut failures = Vec::new();
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        failures.push(format!("fuzz/run: {}\n{}", output.status, cache::tail(&why, 20)));
    }
    Ok(Outcome { failures, text, report: None })
}

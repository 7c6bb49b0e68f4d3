//! The real tier: one runner for every check against real software.
//!
//! `loadtests/real/run` builds and executes the binary `real`, whose whole code is here. The runner builds what
//! a check needs ([`recipes`], [`cache`]), runs the check in namespaces of its own ([`sandbox`]) and prints
//! what held. Invariant: whatever kills the runner, and whenever, nothing that it started stays behind:
//! processes, mounts and interfaces end with their namespaces, whose first process dies when the runner's end
//! of a pipe closes; cgroups and temporary folders are removed by the [`janitor`].

mod build;
mod cache;
mod checks;
mod cli;
pub(crate) mod cluster;
mod env;
mod janitor;
mod load;
mod program;
mod recipes;
mod registry;
mod results;
mod runner;
mod runs;
mod sandbox;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::command_line::EXIT_SOFTWARE;

/// The entry point of the binary `real`. The first word selects a role that the runner starts itself
/// in (words that begin with two underscores), otherwise it is the command line of the runner.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let rest = arguments.get(2..).unwrap_or_default();
    let outcome = match arguments.get(1).and_then(|word| word.to_str()) {
        Some(sandbox::INIT) => sandbox::init(rest),
        Some(registry::ROLE) => registry::run_one(rest),
        Some(build::ROLE) => build::run(rest),
        Some(janitor::ROLE) => janitor::run(rest),
        Some(load::ROLE) => load::run(rest),
        Some(checks::others_requests::clients::ROLE) => checks::others_requests::clients::run(rest),
        Some(checks::cgroup_v2::guest::ROLE) => checks::cgroup_v2::guest::run(rest),
        Some(checks::cgroup_v2::loads::ROLE) => checks::cgroup_v2::loads::run(rest),
        _ => cli::run(&arguments),
    };
    outcome.unwrap_or_else(|error| {
        complain(&format!("real: {error:#}"));
        ExitCode::from(EXIT_SOFTWARE)
    })
}

/// Prints a line for the person who runs the checks.
#[expect(clippy::print_stdout, reason = "this is the runner's command line")]
fn say(text: &str) {
    println!("{text}");
}

/// Prints a line about what went wrong.
#[expect(clippy::print_stderr, reason = "this is the runner's command line")]
fn complain(text: &str) {
    eprintln!("{text}");
}

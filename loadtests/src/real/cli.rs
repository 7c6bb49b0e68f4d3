//! The runner's command line.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use super::registry::{self, Check, Lane, Tier};
use super::runner;
use crate::command_line::{self, EXIT_USAGE};

/// Runs the checks against real software and prints what held and what each cost.
#[derive(Debug, Parser)]
#[command(name = "loadtests/real/run")]
struct Arguments {
    /// Print the checks and run none.
    #[arg(long)]
    list: bool,
    /// Run only this check, whatever its tier (may be repeated).
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Run the checks of this tier; `full` includes those of `ci`, in their longer form where there is one.
    #[arg(long, value_enum, default_value = "ci")]
    tier: Tier,
    /// Run only the checks of this lane (may be repeated): a part of a tier, for more machines than one.
    #[arg(long, value_enum, value_name = "LANE", conflicts_with = "only")]
    lane: Vec<Lane>,
    /// Keep every check's scratch folder, not only those of checks that did not hold.
    #[arg(long)]
    keep: bool,
}

/// Parses the command line and does what it says: 0 all held, 1 some did not, 64 bad usage.
///
/// # Errors
/// When the runner itself cannot work.
pub(super) fn run(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    let arguments = match command_line::parsed(Arguments::try_parse_from(arguments)) {
        Ok(arguments) => arguments,
        Err(code) => return Ok(code),
    };
    if arguments.list {
        for check in registry::CHECKS.iter().filter(|check| !check.hidden) {
            super::say(&format!("{:24} {:5} {}", check.name, check.tier.name(), check.about));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let unknown: Vec<_> = arguments.only.iter().filter(|name| registry::find(name).is_none()).collect();
    if !unknown.is_empty() {
        super::complain(&format!("no check named {unknown:?}; --list prints them"));
        return Ok(ExitCode::from(EXIT_USAGE));
    }
    let selected: Vec<&'static Check> = if arguments.only.is_empty() {
        let lanes = &arguments.lane;
        let of_lanes = |check: &&Check| lanes.is_empty() || lanes.contains(&check.lane);
        registry::of_tier(arguments.tier).into_iter().filter(of_lanes).collect()
    } else {
        arguments.only.iter().filter_map(|name| registry::find(name)).collect()
    };
    runner::run(&selected, arguments.tier, arguments.keep)
}

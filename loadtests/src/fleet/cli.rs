//! The command line of the binary `fleet`.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;

use super::batch::Job;
use super::catalogue::{self, Entry, SCENARIOS};
use super::{batch, table};
use crate::command_line::{self, EXIT_USAGE};

/// The clusters of the certificate.
const SIZES: [u32; 7] = [1, 10, 125, 1_000, 5_000, 20_000, 100_000];

/// Runs fleets of agents in virtual time and compares what a simulated API server counts with what was declared.
#[derive(Debug, Parser)]
#[command(name = "fleet")]
struct Arguments {
    /// Print the scenarios and run none.
    #[arg(long)]
    list: bool,
    /// Run only this scenario (may be repeated).
    #[arg(long, value_name = "NAME")]
    scenario: Vec<String>,
    /// How many nodes there are.
    #[arg(long, value_delimiter = ',', value_name = "N,...", default_values_t = SIZES, value_parser = command_line::nodes())]
    nodes: Vec<u32>,
    /// The random numbers begin here.
    #[arg(long, default_value_t = super::SEED)]
    seed: u64,
    /// Write the rows to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// 0: nothing broke the promise; 1: something did; 64: bad usage; 70: the simulation itself cannot work.
pub(super) fn main() -> ExitCode {
    command_line::main("fleet", run)
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout();
    if arguments.list {
        for entry in SCENARIOS {
            writeln!(out, "{:28} {}", entry.name, entry.about)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut entries: Vec<&Entry> = Vec::new();
    for name in &arguments.scenario {
        let Some(entry) = catalogue::find(name) else {
            writeln!(std::io::stderr(), "fleet: no scenario named {name}; --list prints them")?;
            return Ok(ExitCode::from(EXIT_USAGE));
        };
        entries.push(entry);
    }
    if entries.is_empty() {
        entries.extend(SCENARIOS);
    }
    let pairs = entries.iter().flat_map(|entry| arguments.nodes.iter().map(|nodes| (*entry, *nodes)));
    let jobs = pairs.map(|(entry, nodes)| Job::new(entry, nodes)).collect::<anyhow::Result<Vec<_>>>()?;
    writeln!(out, "{}", table::head())?;
    // Whoever does not want to see the rows any more still wants the exit code.
    let rows = batch::run(&jobs, arguments.seed, |row| drop(writeln!(out, "{}", table::line(row))));
    if let Some(file) = &arguments.json {
        fs::write(file, serde_json::to_vec_pretty(&table::json(&rows, arguments.seed))?)
            .with_context(|| file.display().to_string())?;
    }
    let breached = rows.iter().any(|row| !row.breaches.is_empty());
    Ok(if breached { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

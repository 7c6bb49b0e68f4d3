//! The command line of `cargo certify`: what is run, what is written, the exit code.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;

use super::certificate::{Certificate, Line, Origin};
use super::plan::{self, Depth, Planned};
use super::progress::Progress;
use super::{compare, markdown, plots, today};
use crate::command_line;
use crate::fleet::{self, Row};

/// Where the report goes unless somebody says otherwise.
const OUT: &str = "target/certificate";
/// The committed certificate.
const COMMITTED: &str = "docs/certificate/scale/certificate.json";

/// Runs virtual fleets of 10 to 100,000 agents and certifies what they cost the control plane: certificate.json,
/// certificate.md and plots. Exit code 1: a figure breaks the declaration, or became worse than the committed one.
#[derive(Debug, Parser)]
#[command(name = "certify")]
struct Arguments {
    /// Only what runs on every push.
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Every scenario at every size: takes the longest.
    #[arg(long)]
    full: bool,
    /// Only these numbers of nodes.
    #[arg(long, value_delimiter = ',', value_name = "N,...", value_parser = command_line::nodes())]
    nodes: Vec<u32>,
    /// The random numbers begin here.
    #[arg(long, default_value_t = fleet::SEED)]
    seed: u64,
    /// Write the report into this folder.
    #[arg(long, value_name = "DIR", default_value = OUT)]
    out: PathBuf,
    /// Fail where a figure is worse than in this certificate.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = COMMITTED, conflicts_with = "nodes")]
    compare: Option<PathBuf>,
    /// Take rows of the same seed from a certificate or from what `fleet --json` wrote, and do not run them again.
    #[arg(long, value_name = "FILE")]
    rows: Vec<PathBuf>,
    /// In every run one agent sends one request past the gate: the certificate must not hold.
    #[arg(long, hide = true)]
    rogue: bool,
}

/// 0: the declaration holds; 1: it does not, or something became worse; 64: bad usage; 70: the simulation cannot work.
pub(super) fn main() -> ExitCode {
    command_line::main("certify", |arguments| Ok(ExitCode::from(u8::from(!run(arguments)?))))
}

fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let joined = today::joined()?;
    let depth = match (arguments.quick, arguments.full) {
        (true, _) => Depth::Quick,
        (_, true) => Depth::Full,
        _ => Depth::Default,
    };
    let planned =
        if arguments.nodes.is_empty() { plan::rows(depth) } else { plan::rows_of(depth, &arguments.nodes) };
    let mut known = Vec::new();
    for file in &arguments.rows {
        known.extend(rows_of(&read(file)?, arguments.seed).with_context(|| file.display().to_string())?);
    }
    let lines = simulate(&planned, &known, arguments.seed, arguments.rogue)?;
    // What is reported has the figures of the file, which are rounded: whoever reads it gets the same report.
    let certificate = Certificate::parse(&Certificate::of(arguments.seed, lines, joined.peers)?.text()?)?;
    write(&arguments.out, &certificate, joined.outage.as_deref())?;
    let mut out = std::io::stdout();
    writeln!(out, "\n{}", markdown::summary(&certificate))?;
    let mut failures = certificate.breaches.clone();
    if let Some(file) = &arguments.compare {
        let committed = Certificate::parse(&read(file)?).with_context(|| file.display().to_string())?;
        failures.extend(compare::worse(&certificate, &committed, &planned)?);
    }
    for failure in &failures {
        writeln!(out, "FAILED: {failure}")?;
    }
    writeln!(out, "{} rows, report in {}", certificate.rows.len(), arguments.out.display())?;
    Ok(failures.is_empty())
}

/// Runs what is not known yet; the dearest rows first, so that no processor is left with one of them at the end.
pub(super) fn simulate(
    planned: &[Planned],
    known: &[Row],
    seed: u64,
    rogue: bool,
) -> anyhow::Result<Vec<Line>> {
    let find = |rows: &[Row], of: &Planned| {
        rows.iter().find(|row| row.scenario == of.scenario && row.nodes == of.nodes).cloned()
    };
    let missing = planned.iter().filter(|row| find(known, row).is_none());
    let mut pairs: Vec<_> = missing.map(|row| (row.scenario, row.nodes)).collect();
    pairs.sort_by_key(|(_, nodes)| std::cmp::Reverse(*nodes));
    let progress = Progress::new(pairs.iter().map(|(_, nodes)| u64::from(*nodes)).sum());
    let rows = fleet::rows(&pairs, seed, rogue, |row| progress.row(row))?;
    progress.done();
    let lines = planned.iter().filter_map(|of| {
        let row = find(known, of).or_else(|| find(&rows, of))?;
        Some(Line { origin: Origin::Simulated, depth: of.depth, row })
    });
    Ok(lines.collect())
}

fn read(file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(file).with_context(|| file.display().to_string())
}

/// The rows of a certificate or of a table of the binary `fleet`.
fn rows_of(text: &str, seed: u64) -> anyhow::Result<Vec<Row>> {
    let mut value: serde_json::Value = serde_json::from_str(text)?;
    anyhow::ensure!(value["seed"] == seed, "it is of another seed than {seed}");
    let serde_json::Value::Array(rows) = value["rows"].take() else { anyhow::bail!("it has no rows") };
    let row = |mut value: serde_json::Value| {
        let value = if value.get("row").is_some() { value["row"].take() } else { value };
        Ok(serde_json::from_value(value)?)
    };
    rows.into_iter().map(row).collect()
}

fn write(out: &Path, certificate: &Certificate, outage: Option<&str>) -> anyhow::Result<()> {
    fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    let mut files = vec![("certificate.json".to_owned(), certificate.text()?)];
    files.push(("certificate.md".to_owned(), markdown::report(certificate, outage)));
    files.extend(plots::all(certificate)?);
    for (name, text) in files {
        let path = out.join(name);
        fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

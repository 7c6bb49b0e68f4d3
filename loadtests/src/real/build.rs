//! Builds what the selected checks need, in a sandbox of its own so that an interrupted build leaves nothing.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, bail};

use super::recipes::Need;
use super::{cache, registry};

/// The word that makes the binary build.
pub(super) const ROLE: &str = "__build";

/// Where each needed program is, by its name.
pub(super) type Programs = BTreeMap<String, PathBuf>;

/// `__build CACHE RUN TO NAME...`: builds what the named checks need and writes [`Programs`] to the file TO.
pub(super) fn run(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    let [cache, run, to, names @ ..] = arguments else { bail!("{ROLE} CACHE RUN TO NAME...") };
    let mut programs = Programs::new();
    for check in names.iter().filter_map(|name| registry::find(&name.to_string_lossy())) {
        for need in check.needs {
            if programs.contains_key(need.name()) {
                continue;
            }
            let program = match need {
                Need::Recipe(recipe) => cache::program(Path::new(cache), recipe, &run.to_string_lossy())?,
                Need::Cargo { package, bin } => cargo(package, bin)?,
            };
            programs.insert(need.name().to_owned(), program);
        }
    }
    cache::write_whole(Path::new(to), &serde_json::to_vec(&programs)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds a binary of the workspace; cargo itself says where it is.
fn cargo(package: &str, bin: &str) -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--profile", "fast", "--package", package, "--bin", bin])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(cache::repository())
        .stdin(Stdio::null())
        .output()
        .context("running cargo")?;
    if !output.status.success() {
        bail!("building {bin}:\n{}", cache::tail(&String::from_utf8_lossy(&output.stderr), 30));
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == bin)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .with_context(|| format!("cargo did not say where {bin} is"))
}

//! Builds what the selected checks need, in a sandbox of its own so that an interrupted build leaves nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
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
    let checks: Vec<_> = names.iter().filter_map(|name| registry::find(&name.to_string_lossy())).collect();
    // Before minutes of building, not after them.
    let missing =
        missing(checks.iter().flat_map(|check| check.needs), &std::env::var_os("PATH").unwrap_or_default());
    if !missing.is_empty() {
        bail!("not installed: {}", missing.into_iter().collect::<Vec<_>>().join(", "));
    }
    let mut programs = Programs::new();
    for check in checks {
        for need in check.needs {
            if programs.contains_key(need.name()) {
                continue;
            }
            let program = match need {
                Need::Recipe(recipe) => cache::program(Path::new(cache), recipe, &run.to_string_lossy())?,
                Need::Cargo { package, bin } => cargo(package, ["--bin", bin], "fast")?,
                Need::Static { profile, .. } => image(profile)?,
                Need::Test { package, test } => cargo(package, ["--test", test], "dev")?,
            };
            programs.insert(need.name().to_owned(), program);
        }
    }
    cache::write_whole(Path::new(to), &serde_json::to_vec(&programs)?)?;
    Ok(ExitCode::SUCCESS)
}

/// What has to be installed for `needs` to run and is neither where it has to be nor in one of the folders of `path`: each
/// with the package that has it.
fn missing<'a>(needs: impl Iterator<Item = &'a Need>, path: &OsStr) -> BTreeSet<String> {
    let found = |program: &str| std::env::split_paths(path).any(|folder| folder.join(program).is_file());
    needs
        .flat_map(|need| need.runs_with())
        .filter(|(program, _)| !found(program))
        .map(|(program, package)| format!("{program} (Debian's package {package})"))
        .collect()
}

/// Another profile for the static tare than the one that ships: `fast` is built sooner, and does the same.
/// What a check says about size, memory or CPU is then not about what ships.
const PROFILE: &str = "TARE_REAL_PROFILE";

/// Builds the static tare; the script says where it is.
fn image(profile: &str) -> anyhow::Result<PathBuf> {
    let script = cache::repository().join("deploy/image/build");
    let profile = std::env::var(PROFILE).unwrap_or_else(|_| profile.to_owned());
    let output = Command::new(script).args(["--profile", &profile]).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        bail!("the static build:\n{}", cache::tail(&String::from_utf8_lossy(&output.stderr), 30));
    }
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

/// Builds a program of the workspace, such as `--bin NAME`; cargo itself says where it is.
fn cargo(package: &str, target: [&str; 2], profile: &str) -> anyhow::Result<PathBuf> {
    let [_, name] = target;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // What the cargo that started the runner says about this package: some build scripts ask to run again when it
    // changes, and everything above them would be built anew each time.
    for (variable, _) in std::env::vars_os() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|of| variable.to_string_lossy().starts_with(of)) {
            command.env_remove(variable);
        }
    }
    let output = command
        .args(["build", "--profile", profile, "--package", package])
        .args(target)
        .arg("--message-format=json-render-diagnostics")
        .current_dir(cache::repository())
        .stdin(Stdio::null())
        .output()
        .context("running cargo")?;
    if !output.status.success() {
        bail!("building {name}:\n{}", cache::tail(&String::from_utf8_lossy(&output.stderr), 30));
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .with_context(|| format!("cargo did not say where {name} is"))
}

#[cfg(test)]
mod tests {
    use super::super::recipes;
    use super::*;

    #[test]
    fn what_is_not_installed_is_told_once_with_its_package() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("containerd"), "").unwrap();
        let needs = [recipes::KUBELET, recipes::ETCD, recipes::KUBELET, recipes::LINUX];
        let told = missing(needs.iter(), folder.path().as_os_str());
        assert!(told.contains("qemu-system-x86_64 (Debian's package qemu-system-x86)"), "{told:?}");
        assert_eq!(told.iter().filter(|line| line.starts_with("runc ")).count(), 1);
        assert!(!told.iter().any(|line| line.starts_with("containerd ")), "{told:?}");
        assert!(missing([recipes::ETCD].iter(), folder.path().as_os_str()).is_empty());
    }
}

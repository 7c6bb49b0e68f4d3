//! What a check has at hand: its scratch folder, the programs it needs, and what it makes on the machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use super::build::Programs;
use super::program::Program;
use super::runs;

/// The surroundings of one check, inside its sandbox.
#[derive(Debug)]
pub(super) struct Env {
    scratch: PathBuf,
    run: String,
    programs: Programs,
}

impl Env {
    /// Takes over the sandbox: brings its loopback interface up and reads where the programs are.
    pub(super) fn enter(scratch: &Path, run: &str) -> anyhow::Result<Self> {
        let programs = fs::read(scratch.with_file_name("programs.json")).context("the list of programs")?;
        let env = Self {
            scratch: scratch.to_path_buf(),
            run: run.to_owned(),
            programs: serde_json::from_slice(&programs)?,
        };
        env.execute("ip", ["link", "set", "lo", "up"])?;
        Ok(env)
    }

    /// A file or folder of this check's own, kept with `--keep`.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    /// Writes a file into the scratch folder and gives its path.
    pub(super) fn file(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.path(name);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// A program that the check declared as a need.
    pub(super) fn program(&self, name: &str) -> anyhow::Result<&Path> {
        self.programs
            .get(name)
            .map(PathBuf::as_path)
            .with_context(|| format!("{name} is not among the needs"))
    }

    /// Starts a program; its output goes to `NAME.log` in the scratch folder.
    pub(super) fn start(&self, name: &str, command: Command) -> anyhow::Result<Program> {
        Program::start(name, command, self.path(&format!("{name}.log")))
    }

    /// Runs a command to its end.
    pub(super) fn execute<const N: usize>(&self, program: &str, arguments: [&str; N]) -> anyhow::Result<()> {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(&self.scratch)
            .output()
            .with_context(|| format!("{program} is needed"))?;
        if !output.status.success() {
            bail!("{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }

    /// The check's own cgroup, as a path within each hierarchy. Kubelets that shared one would remove each other's pods as
    /// orphans.
    pub(super) fn cgroup_name(&self) -> String {
        format!(
            "/{}{}/{}",
            runs::CGROUP_PREFIX,
            self.run,
            self.scratch.file_name().unwrap_or_default().display()
        )
    }

    /// Makes the check's own cgroup in every hierarchy that can be written; removed when the check has ended.
    pub(super) fn cgroup(&self) -> Vec<PathBuf> {
        let name = self.cgroup_name();
        let groups = runs::hierarchies().into_iter().map(|root| root.join(name.trim_start_matches('/')));
        groups.filter(|group| fs::create_dir_all(group).is_ok()).collect()
    }
}

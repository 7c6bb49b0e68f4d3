//! `cgroup-v2`: what tare says of pods on a kernel with cgroup v2 alone.
//!
//! The machine that runs the checks may have version 1, so this one boots Debian's kernel in an emulator without
//! acceleration, with this very binary as process 1 ([`guest`]). That makes the cgroups of pods as a kubelet with
//! the systemd driver and containerd does ([`pods`]): one grows, one is throttled, one is killed for want of memory,
//! one forks up to its limit, one writes to a disk, one sleeps, one is static. The static tare reads them as an
//! unprivileged user while the guest reads the same files itself; [`judge`] compares.

mod effects;
mod figures;
pub(in crate::real) mod guest;
mod initrd;
mod judge;
pub(in crate::real) mod loads;
mod pods;
mod report;
mod samples;
mod usage;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::real::env::Env;
use crate::real::recipes;
use crate::real::registry::{Check, Lane, Outcome, Tier};

pub(in crate::real) const CHECK: Check = Check {
    name: "cgroup-v2",
    tier: Tier::Ci,
    about: "on a kernel with cgroup v2 alone, what the static tare says of pods equals their files",
    needs: &[recipes::LINUX, recipes::TARE_STATIC],
    limit: Duration::from_mins(5),
    lane: Lane::Servers,
    hidden: false,
    run,
};

/// The guest's name as a node.
const NODE: &str = "v2-node";
/// How long the guest may take from power on to power off.
const PATIENCE: Duration = Duration::from_mins(4);

fn run(env: &mut Env) -> anyhow::Result<Outcome> {
    let image = env.path("initrd");
    initial_file_system(env, &image)?;
    for (name, size) in [("work.img", 16 << 20), ("report.img", report::SIZE)] {
        File::create(env.path(name))?.set_len(size)?;
    }
    let began = Instant::now();
    let mut machine = env.start("machine", emulator(env, &image)?)?;
    let status = machine.wait(PATIENCE)?;
    let took = began.elapsed();
    if !status.success() {
        bail!("the emulator: {status}\n{}", machine.log_tail());
    }
    let lines = report::read(&env.path("report.img")).with_context(|| machine.log_tail())?;
    let verdict = judge::judge(&lines)?;
    let machine = machine_text(&lines);
    let text = format!("{machine}{}{:.1} s from power on to power off\n", verdict.text(), took.as_secs_f64());
    let report = serde_json::json!({
        "schema": "tare.real.cgroup-v2/v1",
        "holds": verdict.failures.is_empty(),
        "machine": machine.trim(),
        "metrics": verdict.metrics,
        "equal": verdict.equal,
        "between": verdict.between,
        "moved": verdict.moved,
        "wall_s": took.as_secs_f64(),
    });
    Ok(Outcome { failures: verdict.failures, text, report: Some(("cgroup-v2.json".into(), report)) })
}

fn machine_text(lines: &[report::Line]) -> String {
    let machine = lines.iter().find_map(|line| match line {
        report::Line::Machine { kernel, mounted, controllers } => {
            Some(format!("Linux {kernel}; {mounted}; controllers {controllers}\n"))
        }
        _ => None,
    });
    machine.unwrap_or_default()
}

/// Two CPUs without acceleration, two disks, a serial line for the kernel's last words, and no network.
fn emulator(env: &Env, image: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new("qemu-system-x86_64");
    command.args(["-accel", "tcg,thread=multi", "-smp", "2", "-m", "768", "-nodefaults", "-no-user-config"]);
    command.args(["-display", "none", "-serial", "stdio", "-no-reboot"]);
    command.arg("-kernel").arg(env.program("linux")?.join("vmlinuz")).arg("-initrd").arg(image);
    command.arg("-append").arg(format!(
        "console=ttyS0 loglevel=4 panic=-1 psi=1 cgroup_no_v1=all rdinit=/real -- {}",
        guest::ROLE
    ));
    for disk in ["work.img", "report.img"] {
        let file = env.path(disk);
        command.arg("-drive").arg(format!("file={},if=virtio,format=raw,cache=unsafe", file.display()));
    }
    Ok(command)
}

/// This binary with the libraries it was linked with, the static tare, its configuration, and drivers.
fn initial_file_system(env: &Env, image: &Path) -> anyhow::Result<()> {
    let this = env.path("real");
    let from = std::env::current_exe()?;
    env.execute("strip", ["-o", &this.to_string_lossy(), &from.to_string_lossy()])?;
    let mut files =
        vec![(PathBuf::from("real"), this), (below(guest::TARE), env.program("tare-static")?.into())];
    files.extend(libraries(&from)?.into_iter().map(|library| (below(&library.to_string_lossy()), library)));
    let modules = env.program("linux")?.join("modules");
    for module in guest::MODULES {
        let file = format!("{module}.ko");
        files.push((Path::new("modules").join(&file), modules.join(&file)));
    }
    let mut archive = initrd::Archive::new(std::io::BufWriter::new(File::create(image)?));
    let around = files.iter().flat_map(|(path, _)| path.ancestors().skip(1));
    // Sorted, so that a folder comes before what is in it.
    let folders: BTreeSet<_> = around.filter(|folder| !folder.as_os_str().is_empty()).collect();
    for folder in folders {
        archive.folder(&folder.to_string_lossy())?;
    }
    for (path, from) in &files {
        archive.program(&path.to_string_lossy(), from)?;
    }
    archive.file(&below(guest::CONFIG).to_string_lossy(), &configuration())?;
    Ok(archive.finish()?)
}

/// A path of the guest as an archive has it.
fn below(path: &str) -> PathBuf {
    PathBuf::from(path.trim_start_matches('/'))
}

/// The shared libraries of a program and its loader, as the loader itself finds them.
fn libraries(program: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(program).output().context("ldd is needed")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let paths = text.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from);
    Ok(paths.filter(|path| fs::exists(path).unwrap_or(false)).collect())
}

/// Pods alone, with every row of tare's own that a cgroup gives.
fn configuration() -> String {
    let own = tare::catalog::metrics().map(|metric| metric.name).filter(|name| {
        name.starts_with("tare.container.") || name.starts_with("tare.pod.") || *name == "container.disk.io"
    });
    // As with the collector, a container's resource has its ID only where that is asked for.
    let mut text = String::from(
        "host:\n  scrapers:\n    system: {}\ncontainers:\n  extra_metadata_labels: [container.id]\n",
    );
    for (number, name) in own.enumerate() {
        let heading = if number == 0 { "metrics:\n" } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{heading}  {name}: {{enabled: true}}");
    }
    text
}

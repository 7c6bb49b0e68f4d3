//! Process 1 of the guest: mounts, pods, tare, readings, power off. Nothing here judges.

use std::collections::BTreeMap;
use std::ffi::{CStr, OsString};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use rustix::mount::{MountFlags, mount};
use rustix::system::{RebootCommand, finit_module, reboot, uname};

use super::effects::{self, Effect};
use super::loads::{self, wait_until};
use super::pods::{self, PODS};
use super::report::{self, Line, Phase, Reading, Writer};

/// The word that makes the binary process 1.
pub(in crate::real) const ROLE: &str = "__v2guest";
/// Where the host put tare and its configuration.
pub(super) const TARE: &str = "/tare";
pub(super) const CONFIG: &str = "/tare.yaml";
/// The drivers of the disks, in the order of their dependence.
pub(super) const MODULES: [&str; 6] =
    ["virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "virtio_blk"];
/// Nobody in particular, as in the image.
const USER: u32 = 65_532;

/// What is read of each cgroup: everything that a figure of tare's is made of.
const FILES: [&str; 14] = [
    "cpu.stat",
    "cpu.max",
    "memory.current",
    "memory.stat",
    "memory.max",
    "memory.swap.current",
    "memory.events",
    "pids.current",
    "pids.max",
    "io.stat",
    "cpu.pressure",
    "memory.pressure",
    "io.pressure",
    "cgroup.events",
];

/// `__v2guest`: as process 1 it does not return while the machine runs.
pub(in crate::real) fn run(_: &[OsString]) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(std::process::id() == 1, "{ROLE} is for the guest's process 1");
    let outcome = mounts().and_then(|()| {
        let mut writer = Writer::open(report::DISK)?;
        let error = work(&mut writer).err().map(|error| format!("{error:#}"));
        writer.line(&Line::End { error })?;
        writer.finish()
    });
    if let Err(error) = outcome {
        // The console is all that is left.
        crate::real::complain(&format!("guest: {error:#}"));
    }
    reboot(RebootCommand::PowerOff)?;
    Ok(ExitCode::SUCCESS)
}

/// File systems and disks.
fn mounts() -> anyhow::Result<()> {
    for (kind, place) in [
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("devtmpfs", "/dev"),
        ("tmpfs", "/tmp"),
        ("cgroup2", pods::MOUNT),
    ] {
        fs::create_dir_all(place)?;
        mount(kind, place, kind, MountFlags::empty(), None::<&CStr>)
            .with_context(|| format!("mounting {place}"))?;
    }
    for module in MODULES {
        let file = File::open(format!("/modules/{module}.ko"))?;
        finit_module(&file, c"", 0).with_context(|| format!("loading {module}"))?;
    }
    let there = || [loads::DISK, report::DISK].iter().all(|disk| fs::exists(disk).unwrap_or(false));
    anyhow::ensure!(wait_until(Duration::from_secs(20), there), "the disks did not appear");
    Ok(())
}

fn work(writer: &mut Writer) -> anyhow::Result<()> {
    writer.line(&machine()?)?;
    pods::make_classes()?;
    for pod in PODS {
        pod.make()?;
        start(&pod.sandbox_group(), "idle")?;
        start(&pod.container_group(), pod.load)?;
    }
    collect(writer, Phase::Moving, 6)?;
    // An emulator on a busy machine is slow. Where a load never gets there, the judge says which.
    wait_until(Duration::from_mins(1), || effects::ALL.iter().all(|effect| shows(effect).unwrap_or(false)));

    pods::write(pods::ROOT, "cgroup.freeze", "1")?;
    let frozen = || {
        let events = fs::read_to_string(pods::folder(pods::ROOT).join("cgroup.events"));
        events.is_ok_and(|text| text.contains("frozen 1"))
    };
    anyhow::ensure!(wait_until(Duration::from_secs(20), frozen), "the pods could not be frozen");
    // The kernel brings the figures of its CPUs together every 2 s.
    std::thread::sleep(Duration::from_secs(5));
    read_all(writer, Phase::Still)?;
    collect(writer, Phase::Still, 2)?;
    read_all(writer, Phase::Still)
}

fn machine() -> anyhow::Result<Line> {
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let mounted = mounts.lines().find(|line| line.contains(pods::MOUNT)).context("no cgroups")?.to_owned();
    Ok(Line::Machine {
        kernel: uname().release().to_string_lossy().into_owned(),
        mounted,
        controllers: fs::read_to_string(pods::folder("cgroup.controllers"))?.trim().to_owned(),
    })
}

/// Starts a load as a member of `group` from its first moment: this process goes there, forks, and comes back.
fn start(group: &str, load: &str) -> anyhow::Result<()> {
    pods::write(group, "cgroup.procs", "0")?;
    let started = Command::new("/proc/self/exe")
        .args([loads::ROLE, load])
        .stdin(Stdio::null())
        .spawn()
        .context("a load");
    pods::write("", "cgroup.procs", "0")?;
    // It ends with the machine.
    drop(started?);
    Ok(())
}

/// Lets tare collect while every file is read again and again.
fn collect(writer: &mut Writer, phase: Phase, rounds: u32) -> anyhow::Result<()> {
    read_all(writer, phase)?;
    let complaints = "/tmp/complaints";
    let mut agent = Command::new(TARE)
        .args(["collect", "--config", CONFIG, "--interval", "1s", "--count", &rounds.to_string()])
        .env("NODE_NAME", super::NODE)
        .uid(USER)
        .gid(USER)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(complaints)?)
        .spawn()
        .context("starting tare")?;
    let printed = agent.stdout.take().context("standard output")?;
    // Emptied all the time, so that tare never waits for its reader.
    let reader = std::thread::Builder::new().name("printed".into());
    let reader = reader.spawn(move || BufReader::new(printed).lines().collect::<Result<Vec<_>, _>>())?;
    let status = loop {
        let ended = agent.try_wait()?;
        if phase == Phase::Moving {
            read_all(writer, phase)?;
        }
        if let Some(status) = ended {
            break status;
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    let lines = reader.join().map_err(|_| anyhow::anyhow!("the reader of tare's output"))?;
    for text in lines? {
        writer.line(&Line::Request { phase, text })?;
    }
    let complaints = fs::read_to_string(complaints)?;
    writer.line(&Line::Agent { phase, status: status.to_string(), complaints })
}

/// Whether a load has done by now what it is there for.
fn shows(effect: &Effect) -> anyhow::Result<bool> {
    let group = effect.group().context("no such load")?;
    Ok(effect.of(&read(Phase::Moving, group)?) >= effect.least)
}

/// Reads every pod's and every container's files.
fn read_all(writer: &mut Writer, phase: Phase) -> anyhow::Result<()> {
    for pod in PODS {
        for group in [pod.group(), pod.container_group()] {
            writer.line(&Line::Reading(read(phase, group)?))?;
        }
    }
    Ok(())
}

/// Reads the files of one cgroup.
fn read(phase: Phase, group: String) -> anyhow::Result<Reading> {
    let folder = pods::folder(&group);
    let began = now()?;
    let mut files = BTreeMap::new();
    for name in FILES {
        let mut text = String::new();
        // Not every kernel has every file.
        if let Ok(mut file) = File::open(folder.join(name)) {
            file.read_to_string(&mut text)?;
            files.insert(name.to_owned(), text);
        }
    }
    Ok(Reading { phase, group, began, ended: now()?, files })
}

/// Nanoseconds since 1970.
fn now() -> anyhow::Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos().try_into()?)
}

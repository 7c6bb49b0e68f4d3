//! What runs in the guest's containers. `__v2load KIND` runs until it is killed or the machine stops.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::bail;
use rustix::fs::OFlags;

/// The word that makes the binary a load.
pub(in crate::real) const ROLE: &str = "__v2load";
/// The disk that the loads read and write.
pub(super) const DISK: &str = "/dev/vda";
/// The part of the disk that is read through the page cache, bytes.
const CACHED: usize = 12 << 20;
const MIB: usize = 1 << 20;

/// `__v2load KIND`.
pub(in crate::real) fn run(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    match arguments.first().and_then(|kind| kind.to_str()) {
        Some("idle") => loop {
            std::thread::sleep(Duration::from_hours(1));
        },
        Some("burn") => burn(),
        Some("hog") => hog(),
        Some("oom") => oom(),
        Some("eat") => eat(),
        Some("forks") => forks(),
        Some("disk") => disk(),
        other => bail!("no load {other:?}"),
    }
}

/// As much CPU as there is.
fn burn() -> anyhow::Result<ExitCode> {
    let mut number = 1_u64;
    loop {
        number = std::hint::black_box(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
}

/// Page cache of a file that nobody maps, then anonymous memory that grows steadily.
fn hog() -> anyhow::Result<ExitCode> {
    let mut cached = vec![0; MIB];
    let mut disk = File::open(DISK)?;
    for _ in 0..CACHED / MIB {
        disk.read_exact(&mut cached)?;
    }
    let mut held = Vec::new();
    while held.len() < 64 {
        held.push(vec![0x5a_u8; MIB]);
        std::thread::sleep(Duration::from_millis(100));
    }
    loop {
        std::hint::black_box(&held);
        std::thread::sleep(Duration::from_hours(1));
    }
}

/// A parent whose child is killed for want of memory, again and again.
fn oom() -> anyhow::Result<ExitCode> {
    loop {
        itself("eat")?.wait()?;
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Takes memory until it is killed.
fn eat() -> anyhow::Result<ExitCode> {
    let mut held = Vec::new();
    loop {
        held.push(vec![0x5a_u8; MIB]);
        std::hint::black_box(&held);
    }
}

/// Children until there may be no more, and then attempts at more.
fn forks() -> anyhow::Result<ExitCode> {
    let mut children = Vec::new();
    loop {
        match itself("idle") {
            Ok(child) => children.push(child),
            Err(_) => std::thread::sleep(Duration::from_millis(200)),
        }
    }
}

/// Writes and reads past the page cache: counted where and when they happen.
fn disk() -> anyhow::Result<ExitCode> {
    const BLOCK: usize = 64 << 10;
    let direct = i32::from_ne_bytes(OFlags::DIRECT.bits().to_ne_bytes());
    let disk = OpenOptions::new().read(true).write(true).custom_flags(direct).open(DISK)?;
    // Direct I/O asks for aligned memory, which a vector alone does not promise.
    let mut memory = vec![0x5a_u8; BLOCK + 4096];
    let offset = memory.as_ptr().align_offset(4096);
    let Some(block) = memory.get_mut(offset..offset + BLOCK) else { bail!("no aligned memory") };
    for round in 0_u64.. {
        let place = CACHED as u64 + round % 16 * BLOCK as u64;
        disk.write_all_at(block, place)?;
        if round % 2 == 0 {
            disk.read_exact_at(block, place)?;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(ExitCode::SUCCESS)
}

fn itself(kind: &str) -> std::io::Result<std::process::Child> {
    Command::new("/proc/self/exe").args([ROLE, kind]).stdin(Stdio::null()).spawn()
}

/// Waits until `ready` or for `patience`; gives whether it became so.
pub(in crate::real) fn wait_until(patience: Duration, mut ready: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + patience;
    while !ready() {
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    true
}

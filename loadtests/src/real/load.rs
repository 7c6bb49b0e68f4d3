//! Programs with a known load, so that figures move while two agents watch them.
//!
//! `__load KIND` runs until it is killed. `busy` computes a little, writes and reads a file beside itself and
//! sleeps; `idle` only sleeps; `net` sends datagrams to itself over loopback and the test interface; `forks`
//! starts short-lived processes. The pace is fixed, so that two windows of the same length see about the same.

use std::ffi::OsString;
use std::fs::File;
use std::net::UdpSocket;
use std::os::unix::fs::FileExt;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// The word that makes the binary a load.
pub(super) const ROLE: &str = "__load";

/// `__load KIND`.
pub(super) fn run(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    match arguments.first().and_then(|kind| kind.to_str()) {
        Some("busy") => busy(),
        Some("idle") => loop {
            std::thread::sleep(Duration::from_hours(1));
        },
        Some("net") => net(),
        Some("forks") => forks(),
        other => bail!("no load {other:?}"),
    }
}

/// One fiftieth of a CPU, 20 writes of 16 KiB a second that reach the disk, and new pages touched.
fn busy() -> anyhow::Result<ExitCode> {
    let path = std::env::current_exe()?.with_extension("data");
    let file = File::options().create(true).truncate(true).read(true).write(true).open(&path)?;
    let mut block = vec![0x5a; 16 << 10];
    for round in 0_u64.. {
        let until = Instant::now() + Duration::from_millis(2);
        while Instant::now() < until {
            std::hint::black_box(block.iter().map(|byte| u64::from(*byte)).sum::<u64>());
        }
        let offset = (round % 64) * block.len() as u64;
        file.write_all_at(&block, offset)?;
        file.sync_data()?;
        file.read_exact_at(&mut block, offset)?;
        // Pages that are given back are faulted in again: the process's fault counters move.
        std::hint::black_box(vec![1_u8; 256 << 10]);
        std::thread::sleep(Duration::from_millis(48));
    }
    Ok(ExitCode::SUCCESS)
}

fn net() -> anyhow::Result<ExitCode> {
    let receiver = UdpSocket::bind("127.0.0.1:0")?;
    receiver.set_nonblocking(true)?;
    let sender = UdpSocket::bind("0.0.0.0:0")?;
    sender.set_broadcast(true)?;
    let to = receiver.local_addr()?;
    let mut buffer = [0; 2048];
    loop {
        sender.send_to(&[7; 700], to).context("loopback")?;
        // The test interface exists only where the check made it.
        drop(sender.send_to(&[7; 300], "198.51.100.2:9"));
        while receiver.recv(&mut buffer).is_ok() {}
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn forks() -> anyhow::Result<ExitCode> {
    loop {
        Command::new("true").stdin(Stdio::null()).status().context("true(1)")?;
        std::thread::sleep(Duration::from_millis(100));
    }
}

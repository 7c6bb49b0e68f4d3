//! What the guest tells the host: lines of JSON on a disk of their own, since a serial line is too slow for them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;

/// The disk that the report is written to, and its size in bytes.
pub(super) const DISK: &str = "/dev/vdb";
pub(super) const SIZE: u64 = 64 << 20;

/// The two parts of the guest's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// The loads run, the files move.
    Moving,
    /// Every pod is frozen.
    Still,
}

/// The files of one cgroup, read one after the other.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct Reading {
    pub(super) phase: Phase,
    /// The cgroup, relative to the mount.
    pub(super) group: String,
    /// Before the first file was opened, in nanoseconds since 1970.
    pub(super) began: u64,
    /// After the last one was read.
    pub(super) ended: u64,
    /// By name; a file that is not there is left out.
    pub(super) files: BTreeMap<String, String>,
}

/// One line.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The kernel, the file system type of `/sys/fs/cgroup` and its controllers.
    Machine {
        kernel: String,
        mounted: String,
        controllers: String,
    },
    Reading(Reading),
    /// What tare printed in one round.
    Request {
        phase: Phase,
        text: String,
    },
    /// How tare ended, and what it said on standard error.
    Agent {
        phase: Phase,
        status: String,
        complaints: String,
    },
    /// The last line; with what went wrong in the guest itself, if anything did.
    End {
        error: Option<String>,
    },
}

/// Writes lines.
pub(super) struct Writer {
    out: BufWriter<File>,
}

impl Writer {
    pub(super) fn open(path: &str) -> anyhow::Result<Self> {
        let file = File::options().write(true).open(path).with_context(|| format!("opening {path}"))?;
        Ok(Self { out: BufWriter::new(file) })
    }

    pub(super) fn line(&mut self, line: &Line) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        Ok(self.out.write_all(b"\n")?)
    }

    /// Everything is on the disk when this returns.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.out.flush()?;
        Ok(self.out.get_ref().sync_all()?)
    }
}

/// Reads the lines back.
///
/// # Errors
/// Where there is no last line: the guest did not get to its end.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<Line>> {
    let content = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let lines: Result<Vec<Line>, _> = content
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty() && line.first() != Some(&0))
        .map(serde_json::from_slice)
        .collect();
    let lines = lines.context("the guest's report")?;
    anyhow::ensure!(matches!(lines.last(), Some(Line::End { .. })), "the guest did not get to its end");
    Ok(lines)
}

//! The rows of `/proc/diskstats`. Pure.

use crate::collectors::faults::Malformed;
use crate::scan::{self, Words};

/// The sector of the block layer, which is not that of the device.
const SECTOR: u64 = 512;

/// The counters of one block device since it appeared.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) reads: u64,
    pub(super) reads_merged: u64,
    pub(super) sectors_read: u64,
    pub(super) read_ms: u64,
    pub(super) writes: u64,
    pub(super) writes_merged: u64,
    pub(super) sectors_written: u64,
    pub(super) write_ms: u64,
    pub(super) in_flight: u64,
    pub(super) busy_ms: u64,
    pub(super) weighted_ms: u64,
}

impl Stat {
    /// Bytes read; `None` above 2^64.
    pub(super) const fn bytes_read(&self) -> Option<u64> {
        self.sectors_read.checked_mul(SECTOR)
    }

    /// Bytes written; `None` above 2^64.
    pub(super) const fn bytes_written(&self) -> Option<u64> {
        self.sectors_written.checked_mul(SECTOR)
    }
}

/// The devices by name, in the file's order.
pub(super) fn rows(text: &[u8]) -> impl Iterator<Item = Result<(&[u8], Stat), Malformed>> {
    scan::lines(text).map(move |line| {
        row(line).ok_or(Malformed { what: "no row of a block device", at: scan::offset(text, line) })
    })
}

/// Major, minor, name and eleven counters; newer kernels write more, which are of no interest.
fn row(line: &[u8]) -> Option<(&[u8], Stat)> {
    let mut words = Words::new(line);
    words.u64()?;
    words.u64()?;
    let name = words.next()?;
    let stat = Stat {
        reads: words.u64()?,
        reads_merged: words.u64()?,
        sectors_read: words.u64()?,
        read_ms: words.u64()?,
        writes: words.u64()?,
        writes_merged: words.u64()?,
        sectors_written: words.u64()?,
        write_ms: words.u64()?,
        in_flight: words.u64()?,
        busy_ms: words.u64()?,
        weighted_ms: words.u64()?,
    };
    Some((name, stat))
}

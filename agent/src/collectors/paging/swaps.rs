//! The rows of `/proc/swaps`. Pure.
//!
//! A name is reported as the kernel escapes it (`\040` for a blank), as the collector does.

use crate::collectors::faults::Malformed;
use crate::scan::{self, Words};

/// Swap space in bytes; `used` is at most `total`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Swap {
    pub(super) total: u64,
    pub(super) used: u64,
}

impl Swap {
    /// What is not used.
    pub(super) const fn free(&self) -> u64 {
        self.total.saturating_sub(self.used)
    }
}

/// The devices and files by name. Without the header that the columns are known by, nothing but a fault.
pub(super) fn rows(text: &[u8]) -> impl Iterator<Item = Result<(&[u8], Swap), Malformed>> {
    let mut lines = scan::lines(text);
    let header: [_; 4] = {
        let mut words = Words::new(lines.next().unwrap_or_default());
        std::array::from_fn(|_| words.next().unwrap_or_default())
    };
    let known = matches!(header, [b"Filename", _, b"Size", b"Used"]);
    let missing = (!known).then_some(Err(Malformed { what: "no header of swap devices", at: 0 }));
    let rows = lines.take(if known { usize::MAX } else { 0 });
    missing.into_iter().chain(rows.map(move |line| {
        row(line).ok_or(Malformed { what: "no row of a swap device", at: scan::offset(text, line) })
    }))
}

/// Name, type, size and used space in KiB; the priority is of no interest.
fn row(line: &[u8]) -> Option<(&[u8], Swap)> {
    let mut words = Words::new(line);
    let name = words.next()?;
    words.next()?;
    let total = words.u64()?.checked_mul(1024)?;
    let used = words.u64()?.checked_mul(1024)?;
    (used <= total).then_some((name, Swap { total, used }))
}

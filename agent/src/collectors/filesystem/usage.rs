//! From what `statfs` answers to what is reported: pure arithmetic.
//!
//! Bytes: `used = (blocks - bfree) * bsize`, `free = bavail * bsize`, `reserved` is the rest of `blocks * bsize`
//! (for root alone). Inodes: `used = files - ffree`, zero where a filesystem claims more free than it has. A figure
//! that does not fit a signed 64-bit integer makes the whole answer unusable.

#[cfg(test)]
mod tests;

/// The answer of `statfs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Figures {
    /// Bytes in a block (`f_bsize`).
    pub(super) block_size: u64,
    /// Blocks (`f_blocks`).
    pub(super) blocks: u64,
    /// Free blocks (`f_bfree`).
    pub(super) free: u64,
    /// Blocks that unprivileged users may take (`f_bavail`).
    pub(super) available: u64,
    /// Inodes (`f_files`).
    pub(super) files: u64,
    /// Free inodes (`f_ffree`).
    pub(super) files_free: u64,
}

/// What is reported of a filesystem.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Usage {
    /// Bytes used, free for everyone, and reserved for root.
    pub(super) bytes: [i64; 3],
    /// Inodes used and free.
    pub(super) inodes: [i64; 2],
    /// The used part of what everyone may use; absent for a filesystem without blocks.
    pub(super) utilization: Option<f64>,
}

impl Figures {
    /// The figures to report; `None` where one does not fit.
    pub(super) fn usage(&self) -> Option<Usage> {
        let bytes =
            |blocks: u64| blocks.checked_mul(self.block_size).and_then(|bytes| i64::try_from(bytes).ok());
        let total = bytes(self.blocks)?;
        let used = bytes(self.blocks.checked_sub(self.free)?)?;
        let free = bytes(self.available)?;
        let reserved = total.checked_sub(used)?.checked_sub(free)?;
        let files_used = self.files.saturating_sub(self.files_free);
        let inodes = [i64::try_from(files_used).ok()?, i64::try_from(self.files_free).ok()?];
        let utilization = ratio(used.unsigned_abs(), used.checked_add(free)?.unsigned_abs());
        Some(Usage { bytes: [used, free, reserved], inodes, utilization })
    }
}

/// `part / whole`, rounded to as many decimals as `whole` has digits, as the collector does.
#[expect(clippy::cast_precision_loss, reason = "the collector divides the same doubles")]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    if whole == 0 {
        return None;
    }
    let larger = part.max(whole) as f64;
    let scale = 10_f64.powf(larger.log10().floor() + 1.0);
    Some((part as f64 / whole as f64 * scale).round() / scale)
}

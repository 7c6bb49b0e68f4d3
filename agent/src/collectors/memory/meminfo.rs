//! The lines of `/proc/meminfo` that are reported. Pure.

use crate::collectors::faults::{Faults, Malformed};
use crate::scan::{self, Words};

/// Sizes in bytes, huge pages in pages. `None` where the file has no such line or no number in it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Meminfo {
    pub(super) total: Option<u64>,
    pub(super) free: Option<u64>,
    pub(super) available: Option<u64>,
    pub(super) buffers: Option<u64>,
    pub(super) page_cache: Option<u64>,
    pub(super) dirty: Option<u64>,
    pub(super) shared: Option<u64>,
    pub(super) slab_reclaimable: Option<u64>,
    pub(super) slab_unreclaimable: Option<u64>,
    pub(super) huge_total: Option<u64>,
    pub(super) huge_free: Option<u64>,
    pub(super) huge_reserved: Option<u64>,
    pub(super) huge_surplus: Option<u64>,
    pub(super) huge_page_size: Option<u64>,
}

impl Meminfo {
    /// What is not available to new applications.
    pub(super) fn used(&self) -> Option<u64> {
        self.total?.checked_sub(self.available?)
    }

    /// The page cache and the slab that can be reclaimed.
    pub(super) fn cached(&self) -> Option<u64> {
        self.page_cache?.checked_add(self.slab_reclaimable?)
    }

    /// Huge pages that are handed out.
    pub(super) fn huge_used(&self) -> Option<u64> {
        self.huge_total?.checked_sub(self.huge_free?)
    }

    /// The field of a line's name.
    fn field(&mut self, name: &[u8]) -> Option<&mut Option<u64>> {
        Some(match name {
            b"MemTotal" => &mut self.total,
            b"MemFree" => &mut self.free,
            b"MemAvailable" => &mut self.available,
            b"Buffers" => &mut self.buffers,
            b"Cached" => &mut self.page_cache,
            b"Dirty" => &mut self.dirty,
            b"Shmem" => &mut self.shared,
            b"SReclaimable" => &mut self.slab_reclaimable,
            b"SUnreclaim" => &mut self.slab_unreclaimable,
            b"HugePages_Total" => &mut self.huge_total,
            b"HugePages_Free" => &mut self.huge_free,
            b"HugePages_Rsvd" => &mut self.huge_reserved,
            b"HugePages_Surp" => &mut self.huge_surplus,
            b"Hugepagesize" => &mut self.huge_page_size,
            _ => return None,
        })
    }

    /// Whether every line is there that all kernels since 3.14 write.
    fn is_complete(&self) -> bool {
        let required = [
            self.total,
            self.free,
            self.available,
            self.buffers,
            self.page_cache,
            self.dirty,
            self.shared,
            self.slab_reclaimable,
            self.slab_unreclaimable,
        ];
        required.iter().all(Option::is_some)
    }
}

/// Reads `text`. A reported line without a number of at most 64 bits (in bytes) gives nothing and is a fault;
/// so is a file that lacks a line which every kernel writes, once.
pub(super) fn parse(text: &[u8], faults: &mut Faults) -> Meminfo {
    let mut info = Meminfo::default();
    for line in scan::lines(text) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        if let Some(field) = info.field(&line[..colon]) {
            *field = number(&line[colon + 1..]);
            if field.is_none() {
                faults.add(Malformed { what: "no number", at: scan::offset(text, line) });
            }
        }
    }
    if faults.is_empty() && !info.is_complete() {
        faults.add(Malformed { what: "a line is missing", at: text.len() });
    }
    info
}

/// A value with its unit: `kB` (1024 bytes) or none.
fn number(value: &[u8]) -> Option<u64> {
    let mut words = Words::new(value);
    let number = words.u64()?;
    match words.next() {
        None => Some(number),
        Some(b"kB") => number.checked_mul(1024),
        Some(_) => None,
    }
}

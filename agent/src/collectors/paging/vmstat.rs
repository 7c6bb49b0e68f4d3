//! The counters of `/proc/vmstat` that are reported. Pure.

use crate::collectors::faults::{Faults, Malformed};
use crate::scan::{self, Words};

/// What the collector multiplies every count by (see the parent module).
const FACTOR: u64 = 4096;

/// Counts since boot, times [`FACTOR`]. `None` where the file has no such line or no usable number in it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct VmStat {
    /// `pswpin`; absent in kernels without swap.
    pub(super) swapped_in: Option<u64>,
    /// `pswpout`; absent in kernels without swap.
    pub(super) swapped_out: Option<u64>,
    /// `pgpgin`
    pub(super) paged_in: Option<u64>,
    /// `pgpgout`
    pub(super) paged_out: Option<u64>,
    /// `pgfault`
    pub(super) faults: Option<u64>,
    /// `pgmajfault`
    pub(super) major_faults: Option<u64>,
}

impl VmStat {
    /// Faults that needed no disk.
    pub(super) fn minor_faults(&self) -> Option<u64> {
        self.faults?.checked_sub(self.major_faults?)
    }

    fn field(&mut self, name: &[u8]) -> Option<&mut Option<u64>> {
        Some(match name {
            b"pswpin" => &mut self.swapped_in,
            b"pswpout" => &mut self.swapped_out,
            b"pgpgin" => &mut self.paged_in,
            b"pgpgout" => &mut self.paged_out,
            b"pgfault" => &mut self.faults,
            b"pgmajfault" => &mut self.major_faults,
            _ => return None,
        })
    }

    /// Whether every line is there that all kernels write.
    fn is_complete(&self) -> bool {
        [self.paged_in, self.paged_out, self.faults, self.major_faults].iter().all(Option::is_some)
    }
}

/// Reads `text`. A reported line without a usable number gives nothing and is a fault; so is a file that
/// lacks a line which every kernel writes, once.
pub(super) fn parse(text: &[u8], faults: &mut Faults) -> VmStat {
    let mut stat = VmStat::default();
    for line in scan::lines(text) {
        let mut words = Words::new(line);
        if let Some(field) = words.next().and_then(|name| stat.field(name)) {
            *field = words.u64().and_then(|count| count.checked_mul(FACTOR));
            if field.is_none() {
                faults.add(Malformed { what: "no number", at: scan::offset(text, line) });
            }
        }
    }
    if faults.is_empty() && !stat.is_complete() {
        faults.add(Malformed { what: "a line is missing", at: text.len() });
    }
    stat
}

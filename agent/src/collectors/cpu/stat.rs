//! The CPU lines of `/proc/stat`. Pure.

use crate::collectors::faults::Malformed;
use crate::collectors::points::float;
use crate::scan::{self, Words};

/// Clock ticks since boot that one CPU spent in each state. Guest time is also contained in `user` and `nice`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Ticks {
    pub(super) user: u64,
    pub(super) nice: u64,
    pub(super) system: u64,
    pub(super) idle: u64,
    pub(super) iowait: u64,
    pub(super) irq: u64,
    pub(super) softirq: u64,
    pub(super) steal: u64,
    pub(super) guest: u64,
    pub(super) guest_nice: u64,
}

impl Ticks {
    /// All ten columns together; guest time counts twice, as in the collector.
    pub(super) fn total(&self) -> f64 {
        [
            self.user,
            self.nice,
            self.system,
            self.idle,
            self.iowait,
            self.irq,
            self.softirq,
            self.steal,
            self.guest,
            self.guest_nice,
        ]
        .into_iter()
        .map(float)
        .sum()
    }
}

/// The CPUs by name (`cpu0`), in the file's order. The line that adds them up is left out, and reading ends
/// where the interrupts begin: those lines are long.
pub(super) fn rows(text: &[u8]) -> impl Iterator<Item = Result<(&[u8], Ticks), Malformed>> {
    let empty = text.is_empty().then_some(Err(Malformed { what: "no CPUs", at: 0 }));
    let lines = scan::lines(text).take_while(|line| !line.starts_with(b"intr "));
    empty.into_iter().chain(lines.filter(|line| !line.starts_with(b"cpu ")).map(move |line| {
        row(line).ok_or(Malformed { what: "no row of a CPU", at: scan::offset(text, line) })
    }))
}

/// Seven columns that every kernel writes, and three that newer ones add.
fn row(line: &[u8]) -> Option<(&[u8], Ticks)> {
    let mut words = Words::new(line);
    let name = words.next()?;
    scan::decimal(name.strip_prefix(b"cpu")?)?;
    let ticks = Ticks {
        user: words.u64()?,
        nice: words.u64()?,
        system: words.u64()?,
        idle: words.u64()?,
        iowait: words.u64()?,
        irq: words.u64()?,
        softirq: words.u64()?,
        steal: newer(&mut words)?,
        guest: newer(&mut words)?,
        guest_nice: newer(&mut words)?,
    };
    Some((name, ticks))
}

/// The next column, or zero where the line ends; `None` where it is no number.
fn newer(words: &mut Words<'_>) -> Option<u64> {
    words.next().map_or(Some(0), scan::decimal)
}

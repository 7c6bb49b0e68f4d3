//! What is read from `/proc/cpuinfo`. Pure.
//!
//! The file's form depends on the architecture: x86 and riscv write `processor : 0`, s390 `cpu number : 0`;
//! the clock is `cpu MHz` on x86, `clock : 3425.000000MHz` on POWER, `cpu MHz dynamic` on s390 and absent on
//! arm64.

use std::ops::ControlFlow;

use crate::collectors::faults::{Faults, Malformed};
use crate::scan;

/// The most CPU packages that are told apart; more are not counted, so the number of cores is then unknown.
const PACKAGE_LIMIT: usize = 256;

/// How many CPUs the file lists.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Counts {
    /// Logical CPUs; `None` where the file lists none in a known form.
    pub(super) logical: Option<u64>,
    /// Cores, from the packages' own figures; `None` where they are not given.
    pub(super) physical: Option<u64>,
}

/// A line `key : value`, both without surrounding blanks.
#[derive(Debug)]
struct Field<'a> {
    line: &'a [u8],
    key: &'a [u8],
    value: &'a [u8],
}

fn fields(text: &[u8]) -> impl Iterator<Item = Field<'_>> {
    scan::lines(text).filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let key = line[..colon].trim_ascii();
        Some(Field { line, key, value: line[colon + 1..].trim_ascii() })
    })
}

/// Counts the CPUs and the cores.
pub(super) fn counts(text: &[u8]) -> Counts {
    let mut logical = 0_u64;
    let mut packages = Packages::default();
    let mut package = None;
    for Field { key, value, .. } in fields(text) {
        match key {
            b"processor" | b"cpu number" => {
                logical += u64::from(scan::decimal(value).is_some());
                package = None;
            }
            b"physical id" => package = scan::decimal(value),
            b"cpu cores" => {
                if let (Some(package), Some(cores)) = (package, scan::decimal(value)) {
                    packages.add(package, cores);
                }
            }
            _ => {}
        }
    }
    Counts { logical: (logical > 0).then_some(logical), physical: packages.cores() }
}

/// The cores of each package, without allocation.
#[derive(Debug)]
struct Packages {
    known: [(u64, u64); PACKAGE_LIMIT],
    count: usize,
    overflow: bool,
}

impl Default for Packages {
    fn default() -> Self {
        Self { known: [(0, 0); PACKAGE_LIMIT], count: 0, overflow: false }
    }
}

impl Packages {
    fn add(&mut self, package: u64, cores: u64) {
        if let Some(entry) = self.known[..self.count].iter_mut().find(|(known, _)| *known == package) {
            entry.1 = cores;
        } else if let Some(entry) = self.known.get_mut(self.count) {
            *entry = (package, cores);
            self.count += 1;
        } else {
            self.overflow = true;
        }
    }

    fn cores(&self) -> Option<u64> {
        let sum = self.known[..self.count].iter().try_fold(0_u64, |sum, (_, cores)| sum.checked_add(*cores));
        sum.filter(|cores| *cores > 0 && !self.overflow)
    }
}

/// Calls `visit` with the number of each CPU, as text, and its clock in MHz, where the file tells it.
pub(super) fn clocks<'a>(text: &'a [u8], faults: &mut Faults, mut visit: impl FnMut(&'a [u8], Option<f64>)) {
    let mut pending: Option<(&[u8], Option<f64>)> = None;
    for Field { line, key, value } in fields(text) {
        match clock_field(key, value) {
            ControlFlow::Continue(()) => {}
            ControlFlow::Break(Some(ClockField::Cpu)) => {
                if let Some((cpu, clock)) = pending.replace((value, None)) {
                    visit(cpu, clock);
                }
            }
            ControlFlow::Break(Some(ClockField::Clock(clock))) => {
                if let Some((_, pending)) = &mut pending {
                    *pending = Some(clock);
                }
            }
            ControlFlow::Break(None) => {
                faults.add(Malformed { what: "no number", at: scan::offset(text, line) });
            }
        }
    }
    match pending {
        Some((cpu, clock)) => visit(cpu, clock),
        None if faults.is_empty() => faults.add(Malformed { what: "no CPUs", at: text.len() }),
        None => {}
    }
}

enum ClockField {
    Cpu,
    Clock(f64),
}

/// What a field says about clocks; `Break(None)` where it should but its value is no number.
fn clock_field(key: &[u8], value: &[u8]) -> ControlFlow<Option<ClockField>> {
    ControlFlow::Break(match key {
        b"processor" | b"cpu number" => scan::decimal(value).map(|_| ClockField::Cpu),
        b"cpu MHz" | b"cpu MHz dynamic" | b"clock" => {
            let number = value.strip_suffix(b"MHz").unwrap_or(value);
            scan::fraction(number).map(ClockField::Clock)
        }
        _ => return ControlFlow::Continue(()),
    })
}

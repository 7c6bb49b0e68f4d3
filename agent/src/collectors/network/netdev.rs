//! The rows of `/proc/net/dev`. Pure.

use crate::collectors::faults::Malformed;
use crate::scan::{self, Words};

/// The counters of one interface since it appeared.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) received: Direction,
    pub(crate) transmitted: Direction,
}

/// The counters of one direction.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Direction {
    pub(crate) bytes: u64,
    pub(crate) packets: u64,
    pub(crate) errors: u64,
    pub(crate) dropped: u64,
}

/// The interfaces by name, in the file's order, after the two lines of the header.
pub(crate) fn rows(text: &[u8]) -> impl Iterator<Item = Result<(&[u8], Stat), Malformed>> {
    let mut lines = scan::lines(text);
    let known = [lines.next(), lines.next()].iter().all(|line| line.is_some_and(|line| line.contains(&b'|')));
    let missing = (!known).then_some(Err(Malformed { what: "no header of interfaces", at: 0 }));
    let rows = lines.take(if known { usize::MAX } else { 0 });
    missing.into_iter().chain(rows.map(move |line| {
        row(line).ok_or(Malformed { what: "no row of an interface", at: scan::offset(text, line) })
    }))
}

/// The name up to the last colon (an alias has one of its own, and old kernels write no blank after it), and
/// two times eight counters, of which the first four are of interest.
fn row(line: &[u8]) -> Option<(&[u8], Stat)> {
    let colon = line.iter().rposition(|byte| *byte == b':')?;
    let name = line[..colon].trim_ascii();
    if name.is_empty() {
        return None;
    }
    let mut words = Words::new(&line[colon + 1..]);
    Some((name, Stat { received: direction(&mut words)?, transmitted: direction(&mut words)? }))
}

fn direction(words: &mut Words<'_>) -> Option<Direction> {
    let direction =
        Direction { bytes: words.u64()?, packets: words.u64()?, errors: words.u64()?, dropped: words.u64()? };
    for _ in 4..8 {
        words.u64()?;
    }
    Some(direction)
}

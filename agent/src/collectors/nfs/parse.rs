//! Parser of `/proc/net/rpc/{nfs,nfsd}`: a pure function over bytes.
//!
//! As in the collector, one malformed line spoils the file, and lines of an unknown kind are left alone. The
//! numbers of a line go into one list; a [`Line`] says which part of it is whose.

use crate::scan::{Words, decimal, lines};

#[cfg(test)]
mod tests;

/// The most figures of one line that are kept; Linux 6.12 has 76 at most.
pub(super) const MAX_FIGURES: usize = 128;

/// One line: its kind and its figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// The first word, for example `rpc`.
    pub(super) kind: &'a [u8],
    figures: [u64; MAX_FIGURES],
    length: usize,
}

impl Line<'_> {
    /// The figures of the line, for a line of calls without their leading number.
    pub(super) fn figures(&self) -> &[u64] {
        &self.figures[..self.length]
    }
}

/// How the figures of a line are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// At least so many figures; further ones are left alone.
    AtLeast(usize),
    /// The first word only: `th` goes on with obsolete fractions.
    First,
    /// The number of calls, then exactly so many counts.
    Calls,
}

/// Calls `visit` for each line whose kind `layout_of` knows.
///
/// # Errors
/// What was expected, and the line's offset in bytes, of the first malformed line; earlier lines were visited.
pub(super) fn each_line<'a>(
    text: &'a [u8],
    layout_of: impl Fn(&[u8]) -> Option<Layout>,
    mut visit: impl FnMut(Line<'a>),
) -> Result<(), (&'static str, usize)> {
    let mut at = 0;
    for line in lines(text) {
        if let Some(parsed) = parse_line(line, &layout_of).map_err(|what| (what, at))? {
            visit(parsed);
        }
        at += line.len() + 1;
    }
    Ok(())
}

fn parse_line<'a>(
    line: &'a [u8],
    layout_of: &impl Fn(&[u8]) -> Option<Layout>,
) -> Result<Option<Line<'a>>, &'static str> {
    let mut words = Words::new(line);
    let (Some(kind), Some(first)) = (words.next(), words.next()) else {
        return Err("a kind and a figure");
    };
    let Some(layout) = layout_of(kind) else { return Ok(None) };
    let first = decimal(first).ok_or("a figure below 2^64")?;
    let mut parsed = Line { kind, figures: [0; MAX_FIGURES], length: 0 };
    let mut count = 0_u64;
    if layout != Layout::Calls {
        parsed.push(first);
        count = 1;
    }
    if layout != Layout::First {
        for word in words {
            parsed.push(decimal(word).ok_or("a figure below 2^64")?);
            count += 1;
        }
    }
    match layout {
        Layout::AtLeast(least) if parsed.length < least => Err("more figures"),
        Layout::Calls if count == 0 || count != first => Err("as many counts as the line announces"),
        _ => Ok(Some(parsed)),
    }
}

impl Line<'_> {
    fn push(&mut self, figure: u64) {
        if let Some(slot) = self.figures.get_mut(self.length) {
            *slot = figure;
            self.length += 1;
        }
    }
}

//! What a pure parser says about a part of a file that it cannot use, and how a collector counts it.
//!
//! Parsers do not know paths: they answer [`Malformed`] with a byte offset. A collector adds them up in
//! [`Faults`] while the file's text is borrowed, and reports them once it is not.

use super::Scrape;
use crate::source::KeptFile;

/// A part of a file that does not have its source's format. What it would have given is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// What was expected or missing.
    pub(crate) what: &'static str,
    /// Where in the file, in bytes from its beginning.
    pub(crate) at: usize,
}

/// The malformed parts of one read: how many, and the first.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    count: u64,
    first: Option<Malformed>,
}

impl Faults {
    /// Counts one malformed part.
    pub(crate) fn add(&mut self, fault: Malformed) {
        self.count += 1;
        self.first.get_or_insert(fault);
    }

    /// The value of a well-formed part; counts a malformed one.
    pub(crate) fn check<T>(&mut self, parsed: Result<T, Malformed>) -> Option<T> {
        parsed.map_err(|fault| self.add(fault)).ok()
    }

    /// Whether nothing was malformed so far.
    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Counts everything in `scrape` as class `parse` of `file`.
    pub(crate) fn report(self, scrape: &mut Scrape<'_>, file: &KeptFile) {
        if let Some(Malformed { what, at }) = self.first {
            scrape.fail_times(&file.malformed(what, at), self.count);
        }
    }
}

/// What `parse` makes of the text of `file`; counts why there is nothing, and each malformed part.
pub(crate) fn read<T>(
    file: &mut KeptFile,
    scrape: &mut Scrape<'_>,
    parse: impl FnOnce(&[u8], &mut Faults) -> Option<T>,
) -> Option<T> {
    let mut faults = Faults::default();
    let value = match file.read(scrape.buffer) {
        Ok(text) => parse(text, &mut faults),
        Err(error) => {
            scrape.fail(&error);
            None
        }
    };
    faults.report(scrape, file);
    value
}

//! The objects that a file lists (devices, interfaces, CPUs), found again by name at each scrape.
//!
//! Rows are kept in the file's order, so a steady scrape compares each name once, with the row where it is
//! expected. A row that moved is found through an index and swapped into its place. Hence the invariant:
//! during a scrape the rows before the cursor are those seen in this scrape, in the file's order; at its end
//! the rest are those that are gone. They are forgotten after [`KEPT_SCRAPES`] scrapes.

use std::collections::HashMap;

use super::Scrape;
use crate::error::SourceError;
use crate::source::KeptFile;

#[cfg(test)]
mod tests;

/// How many scrapes in a row an object may be missing before its series are dropped.
const KEPT_SCRAPES: u8 = 10;
/// The longest name that is followed, in bytes (`PATH_MAX`: swap files are named by their path).
const NAME_LIMIT: usize = 4096;

/// Rows of type `T` by name. Names that are not followed because the table is full are counted.
#[derive(Debug)]
pub(crate) struct Table<T> {
    rows: Vec<Row<T>>,
    index: HashMap<Box<[u8]>, usize>,
    limit: usize,
    /// The number of rows seen in this scrape: the place of the next one.
    cursor: usize,
    /// The same at the end of the previous scrape.
    seen_before: usize,
    moved: bool,
    refused: u64,
}

#[derive(Debug)]
struct Row<T> {
    name: Box<[u8]>,
    value: T,
    missed: u8,
}

impl<T> Table<T> {
    /// An empty table of at most `limit` rows.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            rows: Vec::new(),
            index: HashMap::new(),
            limit,
            cursor: 0,
            seen_before: 0,
            moved: false,
            refused: 0,
        }
    }

    /// Starts a scrape. Call it only once the file was read: a failed read says nothing about its objects.
    pub(crate) fn begin(&mut self) {
        self.seen_before = self.cursor;
        self.cursor = 0;
        self.moved = false;
        self.refused = 0;
    }

    /// The row of `name`, made by `make` if there is none; `None` if the table is full or the name too long.
    /// `make` gets the name as UTF-8, with the replacement character for what is not.
    pub(crate) fn row(&mut self, name: &[u8], make: impl FnOnce(&str) -> T) -> Option<&mut T> {
        let at = if self.rows.get(self.cursor).is_some_and(|row| *row.name == *name) {
            self.cursor
        } else if let Some(at) = self.index.get(name).copied().or_else(|| self.insert(name, make)) {
            at
        } else {
            self.refused += 1;
            return None;
        };
        // A name that the file lists twice stays where it is.
        let place = at.min(self.cursor);
        if at > place {
            self.swap(place, at);
        }
        if at >= self.cursor {
            self.cursor += 1;
        }
        let row = self.rows.get_mut(place)?;
        row.missed = 0;
        Some(&mut row.value)
    }

    fn insert(&mut self, name: &[u8], make: impl FnOnce(&str) -> T) -> Option<usize> {
        if self.rows.len() >= self.limit || name.len() > NAME_LIMIT {
            return None;
        }
        self.moved = true;
        self.rows.push(Row { name: name.into(), value: make(&String::from_utf8_lossy(name)), missed: 0 });
        let at = self.rows.len() - 1;
        self.index.insert(name.into(), at);
        Some(at)
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.moved = true;
        self.rows.swap(one, other);
        for at in [one, other] {
            if let Some(place) = self.index.get_mut(&self.rows[at].name) {
                *place = at;
            }
        }
    }

    /// Ends a scrape: hands rows that were missing for [`KEPT_SCRAPES`] scrapes to `forget`. Answers whether
    /// the scrape saw other rows, or another order, than the one before.
    pub(crate) fn finish(&mut self, mut forget: impl FnMut(T)) -> bool {
        let changed = self.moved || self.cursor != self.seen_before;
        let mut at = self.rows.len();
        while at > self.cursor {
            at -= 1;
            self.rows[at].missed += 1;
            if self.rows[at].missed >= KEPT_SCRAPES {
                let last = self.rows.len() - 1;
                self.swap(at, last);
                if let Some(row) = self.rows.pop() {
                    self.index.remove(&row.name);
                    forget(row.value);
                }
            }
        }
        changed
    }

    /// The names that this scrape saw, in the file's order.
    pub(crate) fn seen(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.rows[..self.cursor].iter().map(|row| &*row.name)
    }

    /// Every row, those included that were not seen lately.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &T> {
        self.rows.iter().map(|row| &row.value)
    }

    /// Counts in `scrape` the names of `file` that this scrape did not follow, as class `refused`.
    pub(crate) fn report(&self, scrape: &mut Scrape<'_>, file: &KeptFile, what: &'static str) {
        if self.refused > 0 {
            let error = SourceError::TooMany { path: file.path().to_owned(), what, limit: self.limit };
            scrape.fail_times(&error, self.refused);
        }
    }
}

//! Failed reads of one scrape over many processes, summed before they are reported.
//!
//! An unprivileged agent may be refused `io` and `fd` of every other user's process at every scrape: the path and
//! message of only the first failure of each class is built.

use rustix::io::Errno;

use super::Subject;
use super::dir::ProcDir;
use crate::collectors::Scrape;
use crate::error::{ErrorClass, SourceError};

/// Failures by class, with one message each.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: [u64; ErrorClass::ALL.len()],
    first: [Option<SourceError>; ErrorClass::ALL.len()],
}

impl Tally {
    /// Counts a failure whose message is only made if it is the first of its class.
    pub(super) fn add(&mut self, class: ErrorClass, error: impl FnOnce() -> SourceError) {
        let slot = class as usize;
        self.counts[slot] += 1;
        self.first[slot].get_or_insert_with(error);
    }

    /// Counts the kernel's refusal to give a file of a process.
    pub(super) fn refused(&mut self, dir: &ProcDir, pid: u32, subject: Subject, errno: Errno) {
        let class = ErrorClass::of(&errno.into());
        self.add(class, || SourceError::Read { path: dir.path_of(pid, subject.file()), error: errno.into() });
    }

    /// Counts a file of a process that does not have its format.
    pub(super) fn malformed(&mut self, dir: &ProcDir, pid: u32, file: &str, what: &'static str) {
        self.add(ErrorClass::Parse, || SourceError::Parse { path: dir.path_of(pid, file), what, at: 0 });
    }

    /// Hands everything to the scrape and starts anew.
    pub(super) fn report(&mut self, scrape: &mut Scrape<'_>) {
        for slot in 0..self.counts.len() {
            let Some(error) = self.first[slot].take() else { continue };
            for _ in 0..std::mem::take(&mut self.counts[slot]) {
                scrape.fail(&error);
            }
        }
    }
}

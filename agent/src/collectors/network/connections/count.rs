//! Counts the states in `net/tcp` and `net/tcp6` from chunks that may end anywhere. Pure; allocates only while
//! there are more listeners than ever before.
//!
//! The collector counts sockets that share addresses, ports and state once. That can only be listeners
//! (`SO_REUSEPORT`): the kernel keeps every other socket's four-tuple unique. So listeners are told apart by
//! their local address here, up to [`LISTENER_LIMIT`] of them; lines of any further ones all count.

use std::collections::HashSet;
use std::ops::Index;

use super::lines::Lines;
use crate::collectors::faults::{Faults, Malformed};
use crate::scan::Words;

/// The most listeners that are told apart.
const LISTENER_LIMIT: usize = 16_384;
/// The length of an IPv4 address and port in hexadecimal, and of an IPv6 one.
const ADDRESS: [usize; 2] = [13, 37];

/// The kernel's states of a TCP socket, with the kernel's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Established = 1,
    SynSent,
    SynRecv,
    FinWait1,
    FinWait2,
    TimeWait,
    Close,
    CloseWait,
    LastAck,
    Listen,
    Closing,
}

impl State {
    /// The state of this number.
    pub(super) const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Established,
            2 => Self::SynSent,
            3 => Self::SynRecv,
            4 => Self::FinWait1,
            5 => Self::FinWait2,
            6 => Self::TimeWait,
            7 => Self::Close,
            8 => Self::CloseWait,
            9 => Self::LastAck,
            10 => Self::Listen,
            11 => Self::Closing,
            _ => return None,
        })
    }

    /// The state of a two-digit hexadecimal number.
    fn parse(word: &[u8]) -> Option<Self> {
        match word {
            [b'0', low @ b'0'..=b'9'] => Self::from_number(low - b'0'),
            [b'0', low @ b'A'..=b'F'] => Self::from_number(low - b'A' + 10),
            _ => None,
        }
    }
}

/// The number of sockets by [`State`].
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Counts([u64; 12]);

impl Index<State> for Counts {
    type Output = u64;

    fn index(&self, state: State) -> &u64 {
        &self.0[state as usize]
    }
}

/// Which file is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Family {
    #[default]
    V4,
    V6,
}

/// A local address and port as the kernel writes them, an IPv4 one filled up with zero bytes.
type Listener = [u8; ADDRESS[1]];

/// The counts of one scrape so far, over both files.
#[derive(Debug)]
pub(super) struct Counter {
    lines: Lines,
    tally: Tally,
}

#[derive(Debug, Default)]
struct Tally {
    counts: Counts,
    listeners: HashSet<Listener>,
    family: Family,
    faults: Faults,
    /// The header of the present file was seen.
    header: bool,
}

impl Counter {
    /// No sockets.
    pub(super) fn new() -> Self {
        Self { lines: Lines::new(), tally: Tally::default() }
    }

    /// Forgets all counts, for the next scrape.
    pub(super) fn clear(&mut self) {
        self.tally.counts = Counts::default();
        self.tally.listeners.clear();
    }

    /// Starts a file.
    pub(super) fn begin(&mut self, family: Family) {
        // A file that could not be read to its end may have left a line behind.
        self.lines.finish(|_, _| {});
        self.tally.family = family;
        self.tally.faults = Faults::default();
        self.tally.header = false;
    }

    /// Counts the lines that `chunk`, the next part of the file, completes.
    pub(super) fn feed(&mut self, chunk: &[u8]) {
        self.lines.feed(chunk, |at, line| self.tally.line(at, line));
    }

    /// Ends a file: a last line without a newline counts. Answers what was malformed; an empty file is.
    pub(super) fn finish(&mut self) -> Faults {
        let Self { lines, tally } = self;
        lines.finish(|at, line| tally.line(at, line));
        if !tally.header {
            tally.faults.add(Malformed { what: "no header of sockets", at: 0 });
        }
        std::mem::take(&mut tally.faults)
    }

    /// Counts one socket; `own` tells its end of the connection, as whoever dumps sockets has it.
    pub(super) fn socket(&mut self, family: Family, state: State, own: &[u8; 20]) {
        let mut local = [0; ADDRESS[1]];
        local[0] = family as u8;
        local[1..=own.len()].copy_from_slice(own);
        self.tally.count(state, local);
    }

    /// What was counted since [`Counter::clear`].
    pub(super) const fn counts(&self) -> &Counts {
        &self.tally.counts
    }
}

impl Tally {
    fn line(&mut self, at: usize, line: Option<&[u8]>) {
        if !self.header {
            self.header = true;
        } else if line.and_then(|line| self.socket(line)).is_none() {
            self.faults.add(Malformed { what: "no row of a socket", at });
        }
    }

    /// Number, local and remote address, state, and at least six more columns.
    fn socket(&mut self, line: &[u8]) -> Option<()> {
        let mut words = Words::new(line);
        words.next()?;
        let local = self.local(words.next()?)?;
        words.next()?;
        let state = State::parse(words.next()?)?;
        words.nth(5)?;
        self.count(state, local);
        Some(())
    }

    fn count(&mut self, state: State, local: Listener) {
        if state != State::Listen || !self.knows(local) {
            self.counts.0[state as usize] += 1;
        }
    }

    /// Whether this listener was counted already.
    fn knows(&mut self, listener: Listener) -> bool {
        if self.listeners.len() < LISTENER_LIMIT {
            !self.listeners.insert(listener)
        } else {
            self.listeners.contains(&listener)
        }
    }

    /// The local address, which tells the family by its length.
    fn local(&self, word: &[u8]) -> Option<Listener> {
        if word.len() != ADDRESS[self.family as usize] || word.get(word.len() - 5) != Some(&b':') {
            return None;
        }
        let mut listener = [0; ADDRESS[1]];
        listener[..word.len()].copy_from_slice(word);
        Some(listener)
    }
}

//! What the server was asked, counted where requests arrive. It shares no code with the ledger that it judges.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::real::cluster::audit::busiest;

#[cfg(test)]
mod tests;

/// No more of a client's name is kept, in characters.
const NAME: usize = 200;

/// What requests are told apart by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// As the server names it: get, list, watch, create and so on.
    pub verb: String,
    /// As in `pods`, `daemonsets`, `pods/log`; empty for paths that are no resource.
    pub resource: String,
    /// As the client named itself.
    pub user_agent: String,
    /// Who the server took the client for; empty: it was not admitted.
    pub user: String,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// When it had been read.
    pub at: SystemTime,
    /// What it asked.
    pub kind: Arc<Kind>,
    /// The HTTP status of the answer; none while there is none, and for ever if the client has gone before.
    pub status: Option<u16>,
    /// What has been handed over of the answer's body, in bytes.
    pub bytes: u64,
}

/// Counts. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Counter(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    kinds: BTreeMap<Kind, Arc<Kind>>,
    arrivals: Vec<Arrival>,
}

/// One request's place in the book.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    counter: Counter,
    at: usize,
}

impl Counter {
    /// A request has arrived.
    pub(super) fn arrived(&self, at: SystemTime, mut kind: Kind) -> Entry {
        if let Some((end, _)) = kind.user_agent.char_indices().nth(NAME) {
            kind.user_agent.truncate(end);
        }
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = match book.kinds.get(&kind) {
            Some(known) => Arc::clone(known),
            None => Arc::clone(book.kinds.entry(kind.clone()).or_insert_with(|| Arc::new(kind))),
        };
        book.arrivals.push(Arrival { at, kind, status: None, bytes: 0 });
        Entry { counter: self.clone(), at: book.arrivals.len() - 1 }
    }

    /// How many have arrived.
    pub(super) fn total(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).arrivals.len()
    }

    /// Everything so far.
    pub(super) fn snapshot(&self) -> Counts {
        let book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Counts { arrivals: book.arrivals.clone() }
    }
}

impl Entry {
    /// It is being answered.
    pub(super) fn answered(&self, status: u16) {
        self.change(|arrival| arrival.status = Some(status));
    }

    /// So much of its answer is under way.
    pub(super) fn sent(&self, bytes: usize) {
        self.change(|arrival| arrival.bytes += bytes as u64);
    }

    fn change(&self, change: impl FnOnce(&mut Arrival)) {
        let mut book = self.counter.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(arrival) = book.arrivals.get_mut(self.at) {
            change(arrival);
        }
    }
}

/// What was counted up to a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    arrivals: Vec<Arrival>,
}

impl Counts {
    /// Every request in the order of arrival.
    pub fn arrivals(&self) -> &[Arrival] {
        &self.arrivals
    }

    /// How many there were.
    pub fn total(&self) -> usize {
        self.arrivals.len()
    }

    /// Only those that `wanted` selects.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(&Arrival) -> bool) -> Self {
        Self { arrivals: self.arrivals.iter().filter(|arrival| wanted(arrival)).cloned().collect() }
    }

    /// How many by something of theirs: `by(|arrival| arrival.kind.verb.clone())`.
    pub fn by<K: Ord>(&self, key: impl Fn(&Arrival) -> K) -> BTreeMap<K, usize> {
        let mut counts = BTreeMap::new();
        for arrival in &self.arrivals {
            *counts.entry(key(arrival)).or_default() += 1;
        }
        counts
    }

    /// How many by verb, resource and status.
    pub fn by_answer(&self) -> BTreeMap<(String, String, Option<u16>), usize> {
        self.by(|arrival| (arrival.kind.verb.clone(), arrival.kind.resource.clone(), arrival.status))
    }

    /// The bodies of all answers, in bytes.
    pub fn bytes(&self) -> u64 {
        self.arrivals.iter().map(|arrival| arrival.bytes).sum()
    }

    /// The most that arrived within `window`, wherever it begins.
    pub fn busiest(&self, window: Duration) -> usize {
        busiest(self.arrivals.iter().map(|arrival| arrival.at).collect(), window)
    }
}

//! The body of a watch: lines of JSON, bookmarks, and its end in good order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::counts::Entry;
use super::fairness::Fairness;
use super::health::Health;
use super::status;
use super::store::{Opened, Store};
use crate::prices::Kind;

#[cfg(test)]
mod tests;

/// The last bookmark comes this long before the end.
const BEFORE_THE_END: Duration = Duration::from_secs(2);

/// What a watch asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    /// When the server ends it.
    pub(super) ends: Instant,
    /// How often it has a bookmark; none: not at all.
    pub(super) bookmarks: Option<Duration>,
    /// Whether a bookmark tells where what was there before ends.
    pub(super) initial_events: bool,
    /// No bookmark is sent before the store has this version.
    pub(super) from: u64,
}

/// An open watch.
pub(super) struct Watching {
    store: Store,
    fairness: Arc<Fairness>,
    health: watch::Receiver<Health>,
    entry: Entry,
    wish: Wish,
    first: VecDeque<Bytes>,
    later: mpsc::Receiver<Bytes>,
    next_bookmark: Option<Instant>,
}

impl Watching {
    pub(super) fn new(
        store: Store,
        fairness: Arc<Fairness>,
        health: watch::Receiver<Health>,
        entry: Entry,
        wish: Wish,
        opened: Opened,
    ) -> Self {
        let mut first: VecDeque<_> = opened.first.into();
        if wish.initial_events {
            first.push_back(bookmark(opened.version, true));
        }
        let mut watching =
            Self { store, fairness, health, entry, wish, first, later: opened.later, next_bookmark: None };
        watching.schedule(Instant::now());
        watching
    }

    /// When the next bookmark is due: in its time, or a little before the end.
    fn schedule(&mut self, now: Instant) {
        let last = self.wish.ends.checked_sub(BEFORE_THE_END).unwrap_or(now);
        let due = self.wish.bookmarks.map(|every| (now + every).min(last));
        self.next_bookmark = due.filter(|due| *due > now);
    }

    /// The next line; none at the end.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        let line = self.wait().await?;
        self.entry.sent(line.len());
        Some(line)
    }

    async fn wait(&mut self) -> Option<Bytes> {
        loop {
            let health = *self.health.borrow_and_update();
            if health.ends_watches() {
                return None;
            }
            if !health.carries() {
                self.health.changed().await.ok()?;
                continue;
            }
            if let Some(line) = self.first.pop_front() {
                return Some(line);
            }
            let bookmark_due = self.next_bookmark.unwrap_or(self.wish.ends);
            tokio::select! {
                biased;
                changed = self.health.changed() => changed.ok()?,
                line = self.later.recv() => {
                    // The client does not wait for it, but the next request may.
                    let _ = self.fairness.charge(Kind::WatchEvent, 0);
                    return line;
                }
                () = sleep_until(self.wish.ends) => return None,
                () = sleep_until(bookmark_due), if self.next_bookmark.is_some() => {
                    self.schedule(Instant::now());
                    if self.store.version() >= self.wish.from {
                        return Some(bookmark(self.store.bookmark(), false));
                    }
                }
            }
        }
    }
}

/// A line that tells of a version.
fn bookmark(version: u64, ends_initial_events: bool) -> Bytes {
    let mut metadata = json!({"resourceVersion": version.to_string()});
    if ends_initial_events {
        metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
    }
    let spec = json!({"containers": null});
    let object = json!({"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": spec, "status": {}});
    format!("{}\n", json!({"type": "BOOKMARK", "object": object})).into()
}

/// The only line of a watch from a version that is too old.
pub(super) fn gone(asked: u64, oldest: u64) -> Bytes {
    format!("{}\n", json!({"type": "ERROR", "object": status::expired(asked, oldest)})).into()
}

//! The open watch: its signs of life, and when its successor is due.

use std::time::Duration;

use super::event::RequestId;
use crate::clock::{Mono, Now, Wall};
use crate::renewal::{AFTER_TURN, Renewal};

/// The API server sends a bookmark about once a minute (measured): two of them missing, with room for the server's own
/// jitter, mean that the watch is dead, whatever the connection says.
pub const SILENCE: Duration = Duration::from_secs(130);
/// Where nothing changes in the whole cluster and etcd tells of its progress only every ten minutes (its default), the first
/// bookmark of a watch came after two minutes (measured by `apiserver-quiet`): a minute more than [`SILENCE`] for that one.
pub const FIRST_SILENCE: Duration = Duration::from_secs(190);
/// A version older than this is not tried: the server keeps 75 to 300 s of history.
pub const FRESH: Duration = Duration::from_mins(1);

/// A watch that was answered 200.
#[derive(Debug)]
pub(super) struct Watch {
    /// None in a dry run: there is no stream.
    pub(super) id: Option<RequestId>,
    pub(super) renewal: Renewal,
    pub(super) opened: Mono,
    last_bookmark: Mono,
    pub(super) bookmarks: u64,
}

impl Watch {
    pub(super) const fn open(id: Option<RequestId>, renewal: Renewal, now: Mono) -> Self {
        Self { id, renewal, opened: now, last_bookmark: now, bookmarks: 0 }
    }

    pub(super) const fn bookmark(&mut self, now: Mono) {
        self.last_bookmark = now;
        self.bookmarks += 1;
    }

    /// When it counts as dead.
    pub(super) fn dead_at(&self) -> Mono {
        match self.id {
            None => Mono::new(Duration::MAX),
            Some(_) if self.bookmarks == 0 => self.last_bookmark.plus(FIRST_SILENCE),
            Some(_) => self.last_bookmark.plus(SILENCE),
        }
    }

    /// Whether its successor is to be opened in the own turn that runs at `now`: it is the one that was planned, or the last
    /// one before the server closes the watch. That may be an earlier one than planned, where the period is another one since
    /// the watch was opened. `next` is how far the next own turn is.
    pub(super) fn is_ending(&self, now: Now, next: Duration) -> bool {
        let outlasts_next = self.opened.plus(self.renewal.timeout) >= now.mono.plus(next + AFTER_TURN);
        now.wall >= self.renewal.turn || !outlasts_next
    }
}

/// The newest version of the pods that is known, and when it was known to be the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) text: Box<str>,
    wall: Wall,
    /// None if it is of an earlier life.
    mono: Option<Mono>,
}

impl Version {
    pub(super) const fn of(text: Box<str>, now: Now) -> Self {
        Self { text, wall: now.wall, mono: Some(now.mono) }
    }

    /// One that an earlier life knew at `saved`.
    pub(super) const fn remembered(text: Box<str>, saved: Wall) -> Self {
        Self { text, wall: saved, mono: None }
    }

    /// The version's age; none if the clocks contradict each other. The longer one of both clocks counts: the
    /// monotonic one stands still in a suspend, the wall clock may have been set back.
    pub(super) fn age(&self, now: Now) -> Option<Duration> {
        match self.mono {
            Some(mono) => Some(now.mono.since(mono).max(now.wall.since(self.wall))),
            None => (now.wall >= self.wall).then(|| now.wall.since(self.wall)),
        }
    }

    pub(super) fn is_fresh(&self, now: Now) -> bool {
        self.age(now).is_some_and(|age| age < FRESH)
    }

    /// When it was known to be the newest, by the wall clock.
    pub(super) const fn known_at(&self) -> Wall {
        self.wall
    }

    /// Whether `other` is an older one; versions that are no numbers compare with nothing.
    pub(super) fn is_newer_than(&self, other: &str) -> bool {
        let numbers = (self.text.parse::<u64>(), other.parse::<u64>());
        matches!(numbers, (Ok(own), Ok(other)) if other < own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(wall: u64, mono: u64) -> Now {
        Now { wall: Wall::new(Duration::from_secs(wall)), mono: Mono::new(Duration::from_secs(mono)) }
    }

    #[test]
    fn a_version_ages_by_the_clock_that_went_further() {
        let version = Version::of("7".into(), now(1_000, 10));
        assert!(version.is_fresh(now(1_059, 69)));
        assert!(!version.is_fresh(now(1_060, 11)), "a suspend");
        assert!(!version.is_fresh(now(900, 70)), "a clock that was set back");
    }

    #[test]
    fn a_remembered_version_from_the_future_is_not_believed() {
        let version = Version::remembered("7".into(), now(1_000, 0).wall);
        assert!(version.is_fresh(now(1_059, 0)));
        assert_eq!(version.age(now(999, 0)), None);
        assert!(!version.is_fresh(now(999, 0)));
    }

    #[test]
    fn versions_compare_as_numbers_and_anything_else_with_nothing() {
        let version = Version::of("100".into(), now(0, 0));
        assert!(
            version.is_newer_than("99") && !version.is_newer_than("100") && !version.is_newer_than("101")
        );
        assert!(!version.is_newer_than("x"));
    }
}

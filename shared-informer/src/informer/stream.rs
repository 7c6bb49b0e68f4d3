//! What an open watch brings, and how it ends.

use super::Informer;
use super::command::Command;
use super::event::{End, Item, Rejection, RequestId};
use super::report::{Refused, Restart};
use super::watches::Version;
use crate::carried::Verdict;
use crate::clock::Now;
use crate::distress::Signal;
use crate::index::Applied;
use crate::pod::Head;

impl Informer {
    /// The open watch brought something.
    pub(super) fn item(&mut self, now: Now, id: RequestId, bytes: u64, item: Item) {
        if self.watch.as_ref().is_none_or(|watch| watch.id != Some(id)) {
            return;
        }
        match item {
            Item::Applied(pod) => {
                self.advance(now, pod.resource_version.clone());
                let outcome = self.pods.index.apply(*pod, now.mono.since_origin());
                self.refuse(Refused::NoRoom, u64::from(outcome == Applied::Refused));
            }
            Item::Refused(_, head) => {
                self.refuse(Refused::Pod, 1);
                if let Some(head) = head {
                    self.advance(now, head.resource_version);
                }
            }
            Item::Deleted(head) => self.deleted(now, *head),
            Item::Bookmark(version) => self.bookmark(now, version),
            Item::Error(rejection) => return self.error(now, &rejection),
        }
        if let Verdict::CloseUntil(_) = self.ledger.carried(now, bytes) {
            self.complain(now, "the watch carried more than its bound; it is closed until that is repaid");
            self.close_watch(Restart::Carried);
        }
    }

    fn deleted(&mut self, now: Now, head: Head) {
        if let Some(uid) = &head.uid {
            self.pods.index.delete(uid, head.resource_version.as_deref(), now.mono.since_origin());
        }
        self.advance(now, head.resource_version);
    }

    fn bookmark(&mut self, now: Now, version: Box<str>) {
        if let Some(watch) = &mut self.watch {
            watch.bookmark(now.mono);
        }
        self.pods.index.confirm();
        self.pods.confirmed = true;
        self.pods.version = Some(Version::of(version, now));
        self.commands.push_back(Command::SaveIndex);
    }

    /// The version of an event is the newest one that is known.
    fn advance(&mut self, now: Now, version: Option<Box<str>>) {
        if let Some(version) = version {
            self.pods.version = Some(Version::of(version, now));
        }
    }

    fn error(&mut self, now: Now, rejection: &Rejection) {
        if rejection.code == 410 {
            self.pods.version = None;
            self.close_watch(Restart::Gone);
        } else {
            self.complain(
                now,
                &format!("the watch ended with an error ({}): {}", rejection.code, rejection.message),
            );
            self.close_watch(Restart::Error);
            self.signal(now, Signal::Trouble(rejection.retry_after));
        }
    }

    /// An open watch ended by itself.
    pub(super) fn ended(&mut self, now: Now, id: RequestId, bytes: u64, end: End) {
        if self.watch.as_ref().is_none_or(|watch| watch.id != Some(id)) {
            return;
        }
        self.ledger.carried(now, bytes);
        match end {
            End::Closed => self.close_watch(Restart::Closed),
            End::Broken => self.close_watch(Restart::Broken),
            End::TooLarge | End::Malformed => {
                self.complain(now, &format!("a line of the watch cannot be used: {}", end.as_str()));
                self.refuse(Refused::Unusable, 1);
                self.close_watch(Restart::Unusable);
                self.signal(now, Signal::Trouble(None));
            }
        }
    }

    /// A watch without two bookmarks in a row is dead, and its version may be one from the future.
    pub(super) fn check_watch(&mut self, now: Now) {
        if self.watch.as_ref().is_some_and(|watch| now.mono >= watch.dead_at()) {
            self.complain(now, "two bookmarks in a row did not come: the watch and its version are dropped");
            self.pods.version = None;
            self.close_watch(Restart::MissedBookmarks);
            self.signal(now, Signal::MissedBookmarks);
        }
    }

    pub(super) fn close_watch(&mut self, why: Restart) {
        let Some(watch) = self.watch.take() else { return };
        if let Some(id) = watch.id {
            self.commands.push_back(Command::Abort(id));
        }
        self.restarted(why);
    }
}

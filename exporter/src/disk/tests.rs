//! The whole log on a real folder, and what other tests of the crate need of it.

use std::fs;
use std::io::Read as _;
use std::sync::Arc;

use bytes::Bytes;

use super::actor::{Actor, Opener};
use super::files::{Files, Folder};
use super::log::tests::{Fault, Faulty};
use super::*;
use crate::compress::Compression;
use crate::queue::{Class, DropReason, Item, Limits, Queue};
use crate::stats::Totals;

/// A log in memory that works on the caller's thread, in virtual time, and its folder.
pub(crate) fn inline(queue: &Arc<Queue>, max_bytes: u64) -> (Handle, Broken) {
    let files = Faulty::default();
    let folder = files.clone();
    let opener: Opener = Box::new(move || Ok(Box::new(folder.clone()) as Box<dyn Files>));
    let shared = Arc::<Shared>::default();
    let actor = Actor::new(opener, max_bytes, Compression::None, Arc::clone(queue), Arc::clone(&shared));
    (Handle::inline(actor, shared), Broken(files))
}

/// The folder below [`inline`].
pub(crate) struct Broken(Faulty);

impl Broken {
    /// ENOSPC from now on.
    pub(crate) fn fill(&self) {
        self.0.set(Fault::Full);
    }

    /// It works again.
    pub(crate) fn heal(&self) {
        self.0.set(Fault::None);
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.bytes()
    }
}

fn queue() -> Arc<Queue> {
    Queue::new("test", Limits::default(), Arc::default())
}

fn push(queue: &Arc<Queue>, name: u8) -> crate::queue::InFlight {
    let body = Bytes::from(vec![name; 2_000]);
    let created = Timestamp(u64::from(name));
    queue.push(Item { body, points: 10, class: Class::SelfTelemetry, created });
    queue.try_pop().expect("just pushed")
}

#[track_caller]
fn balanced(queue: &Queue, status: &Status) -> Totals {
    let totals = queue.stats().totals();
    let (mut left, mut right) = (totals.produced, totals.sent);
    left.add(totals.recovered);
    right.add(totals.dropped.total());
    right.add(queue.level().count);
    right.add(status.count);
    assert_eq!(left, right, "{totals:?} {status:?}");
    totals
}

#[tokio::test]
async fn a_request_survives_the_log_and_comes_back_as_it_was_compressed() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings::new(folder.path().join("made/by/us"));
    let first = queue();
    let log = Handle::start(&settings, Compression::Gzip, &first).expect("a thread");
    for name in 1..4 {
        assert!(log.append(push(&first, name), None, false).await.is_ok());
    }
    let status = log.status();
    assert_eq!((status.newest, status.trouble), (Some(Timestamp(3)), None));
    log.close().await;
    assert_eq!(balanced(&first, &log.status()).stored, Count { requests: 3, points: 30 });

    let second = queue();
    let log = Handle::start(&settings, Compression::None, &second).expect("a thread");
    log.filled().await;
    for name in 1..4 {
        let replayed = log.next().await.ok().flatten().expect("it waits");
        let mut plain = Vec::new();
        let mut decoder = flate2::read::GzDecoder::new(&replayed.payload.bytes[..]);
        decoder.read_to_end(&mut plain).expect("gzip");
        assert_eq!((plain, replayed.payload.compression), (vec![name; 2_000], Compression::Gzip));
        match name {
            1 => replayed.ended(End::Sent { rejected: 4 }),
            2 => replayed.ended(End::Dropped(DropReason::Rejected)),
            _ => drop(replayed),
        }
    }
    log.close().await;
    let totals = balanced(&second, &log.status());
    assert_eq!((totals.sent.points, totals.recovered.points), (6, 30));
    assert_eq!(totals.dropped.of(DropReason::PartialSuccess).points, 4);
    assert_eq!(totals.dropped.of(DropReason::Rejected).points, 10);
    assert_eq!(log.status().count.points, 10, "what was dropped without a word still waits");
}

#[test]
fn a_folder_in_use_is_refused_to_others_and_free_again_afterwards() {
    let folder = tempfile::tempdir().expect("a folder");
    let held = Folder::open(folder.path()).expect("free");
    assert!(matches!(Folder::open(folder.path()), Err(Error::InUse)));
    drop(held);
    assert!(Folder::open(folder.path()).is_ok());
}

#[tokio::test]
async fn where_the_folder_is_taken_requests_stay_in_memory_and_the_status_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let held = Folder::open(folder.path()).expect("free");
    let queue = queue();
    let log = Handle::start(&Settings::new(folder.path()), Compression::None, &queue).expect("a thread");
    let kept = log.append(push(&queue, 1), None, false).await.err().flatten().expect("it stays");
    assert_eq!(log.status().trouble.as_deref(), Some("another process uses the folder"));
    drop(held);
    assert!(log.append(kept.item, None, true).await.is_ok(), "it recovers by itself");
    assert_eq!(log.status().trouble, None);
    balanced(&queue, &log.status());
    log.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_asked_again_ever_less_often_and_recovers_by_itself() {
    let queue = queue();
    let (log, folder) = inline(&queue, MIN_BYTES);
    folder.fill();
    let mut waits = Vec::new();
    for _ in 0..8 {
        let kept = log.append(push(&queue, 1), None, false).await.err().flatten().expect("it stays");
        kept.item.put_back();
        let again = kept.again.expect("it may work later");
        waits.push(again.as_secs());
        tokio::time::advance(again / 2).await;
        let kept = log.append(queue.try_pop().expect("one"), None, false).await.err().flatten();
        kept.expect("too early").item.dropped(DropReason::QueueFull);
        tokio::time::advance(again.saturating_sub(again / 2)).await;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    assert!(log.status().trouble.expect("full").contains("No space left"), "in plain words");
    folder.heal();
    assert!(log.append(push(&queue, 2), None, false).await.is_ok());
    assert_eq!(log.status().trouble, None);
    balanced(&queue, &log.status());
}

#[test]
fn the_real_folder_writes_cuts_replaces_and_forgets() {
    let path = tempfile::tempdir().expect("a folder");
    let mut folder = Folder::open(path.path()).expect("free");
    folder.append("a", b"hello ").expect("writes");
    folder.append("b", b"other").expect("writes");
    folder.append("a", b"world").expect("writes");
    folder.sync("a").expect("syncs");
    assert_eq!(folder.read("a", 11).expect("reads"), b"hello world");
    assert_eq!(folder.read("a", 10).expect_err("too long").kind(), io::ErrorKind::FileTooLarge);
    folder.truncate("a", 5).expect("cuts");
    folder.append("a", b"!").expect("writes at the new end");
    assert_eq!(folder.read("a", 99).expect("reads"), b"hello!");
    folder.remove("a").expect("removes");
    folder.remove("a").expect("nothing to do");
    folder.append("a", b"new").expect("a new file, not the deleted one");
    assert_eq!(fs::read(path.path().join("a")).expect("reads"), b"new");
    folder.replace("c", b"1").expect("writes");
    folder.replace("c", b"22").expect("replaces");
    let mut names = folder.list().expect("lists");
    names.sort();
    let expected = [("a", 3), ("b", 5), ("c", 2), ("lock", 0)];
    assert_eq!(names, expected.map(|(name, length)| (name.to_owned(), length)));
}

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::compress::Compression;
use crate::queue::Class;

mod faulty;
mod model;

pub(in crate::disk) use self::faulty::{Fault, Faulty};

pub(super) fn body(id: u64, length: usize) -> Bytes {
    let mut random = fastrand::Rng::with_seed(id);
    let mut body = id.to_le_bytes().to_vec();
    body.extend(std::iter::repeat_with(|| random.u8(..)).take(length));
    body.into()
}

pub(super) fn record(id: u64, length: usize) -> Record {
    Record {
        number: 0,
        class: Class::Data,
        compression: Compression::Gzip,
        points: id % 7,
        first: Timestamp(id),
        last: Timestamp(id),
        payload: body(id, length),
    }
}

pub(super) fn open(files: &Faulty, max_bytes: u64) -> Log {
    Log::open(Box::new(files.clone()), max_bytes, fastrand::Rng::with_seed(7), false).expect("opens")
}

const CAP: u64 = 64 << 20;
const NOW: Duration = Duration::ZERO;

fn fill(log: &mut Log, ids: std::ops::Range<u64>, length: usize) {
    for id in ids {
        log.append(record(id, length), NOW).expect("written");
    }
}

/// Takes everything out; the first sample's time is the id.
pub(super) fn drain(log: &mut Log) -> Vec<u64> {
    let mut ids = Vec::new();
    while let Some(got) = log.next().expect("readable") {
        let id = got.first.0;
        assert_eq!(got.payload, body(id, got.payload.len() - 8), "the content of {id}");
        ids.push(id);
        assert!(log.done(got.number).expect("cursor"));
    }
    ids
}

#[test]
fn what_was_appended_comes_out_in_order_and_again_until_it_is_done_also_in_the_next_life() {
    let files = Faulty::default();
    let mut log = open(&files, CAP);
    fill(&mut log, 0..10, 400_000);
    assert!(files.names().len() > 3, "several segments");
    for id in 0..4 {
        assert_eq!(log.next().expect("readable").expect("waits").first.0, id);
        let again = log.next().expect("readable").expect("waits");
        assert_eq!(again.first.0, id);
        assert!(log.done(again.number).expect("cursor"));
        assert!(!log.done(again.number).expect("nothing to do"), "only once");
    }
    drop(log);
    let mut log = open(&files, CAP);
    assert_eq!(log.recovered().requests, 6);
    fill(&mut log, 10..12, 10);
    assert_eq!(drain(&mut log), (4..12).collect::<Vec<_>>());
    assert_eq!((log.level().count, log.take_lost()), (Count::default(), Lost::default()));
    drop(log);
    assert_eq!(open(&files, CAP).recovered(), Count::default());
    assert_eq!(files.names(), [names::CURSOR], "no segment is left behind");
}

#[test]
fn the_bound_holds_at_every_moment_and_the_oldest_segments_go_counted() {
    let files = Faulty::default();
    let mut log = open(&files, 4 << 20);
    let mut gone = Count::default();
    for id in 0..60 {
        log.append(record(id, 200_000), NOW).expect("written");
        let lost = log.take_lost();
        assert_eq!(lost.evicted, lost.count, "nothing else happened to them");
        gone.add(lost.count);
        assert!(files.bytes() <= 4 << 20 && log.level().bytes <= 4 << 20);
    }
    let left = drain(&mut log);
    assert_eq!(left, (60 - left.len() as u64..60).collect::<Vec<_>>(), "the newest");
    assert_eq!(gone.requests, 60 - left.len() as u64);
    assert_eq!(gone.points, (0..gone.requests).map(|id| id % 7).sum::<u64>());
    assert!(left.len() >= 14, "at most one segment of slack: {}", left.len());
}

#[test]
fn a_record_that_is_under_way_when_its_segment_goes_is_counted_once_whatever_comes_of_it() {
    for delivered in [true, false] {
        let files = Faulty::default();
        let mut log = open(&files, 4 << 20);
        fill(&mut log, 0..4, 900_000);
        let lent = log.next().expect("readable").expect("waits");
        fill(&mut log, 4..8, 900_000);
        assert_eq!((log.take_lost().count.requests, log.level().count.requests), (3, 5));
        if delivered {
            assert!(log.done(lent.number).expect("cursor"));
        }
        log.release();
        let lost = log.take_lost();
        assert_eq!((lost.count.requests, lost.evicted), (u64::from(!delivered), lost.count));
        assert_eq!(drain(&mut log), [4, 5, 6, 7]);
    }
}

#[test]
fn a_torn_tail_is_truncated_and_noted_without_a_complaint_and_nothing_before_it_is_touched() {
    let files = Faulty::default();
    let mut log = open(&files, CAP);
    fill(&mut log, 0..3, 100);
    let name = files.names()[0].clone();
    drop(log);
    files.edit(&name, |data| data.truncate(data.len() - 50));
    let mut log = open(&files, CAP);
    assert_eq!((log.recovered().requests, log.take_lost()), (2, Lost { torn: 1, ..Lost::default() }));
    assert_eq!(files.edit(&name, |data| data.len()), 2 * (HEADER + 108));
    assert_eq!(drain(&mut log), [0, 1]);
}

#[test]
fn rot_is_skipped_and_counted_whether_it_is_found_at_opening_or_later() {
    for reopened in [true, false] {
        let files = Faulty::default();
        let mut log = open(&files, CAP);
        fill(&mut log, 0..6, 100);
        let name = files.names()[0].clone();
        // The body of record 1 and the header of record 3.
        let size = HEADER + 108;
        files.edit(&name, |data| {
            data[size + HEADER + 5] ^= 1;
            data[3 * size + 30] ^= 1;
        });
        if reopened {
            log = open(&files, CAP);
            let lost = log.take_lost();
            assert_eq!((lost.count, lost.damaged), (Count { requests: 1, points: 1 }, 2));
        }
        assert_eq!(drain(&mut log), [0, 2, 4, 5]);
        let lost = log.take_lost();
        if !reopened {
            assert_eq!((lost.count, lost.damaged), (Count { requests: 2, points: 4 }, 1));
        }
        assert_eq!(log.level().count, Count::default());
    }
}

#[test]
fn a_write_that_failed_and_could_not_be_taken_back_is_neither_delivered_nor_in_the_way() {
    for rotten in [false, true] {
        let files = Faulty::default();
        let mut log = open(&files, CAP);
        fill(&mut log, 0..2, 100);
        // All of it arrives, but the answer is an error, and truncating fails as well.
        files.set(Fault::Lying);
        assert!(log.append(record(2, 100), NOW).is_err());
        files.set(Fault::None);
        fill(&mut log, 3..5, 100);
        if rotten {
            // Looking for this one, the reader comes past the one that was not acknowledged.
            files.edit(&files.names()[0].clone(), |data| data[2 * HEADER + 150] ^= 1);
        }
        let expected: &[u64] = if rotten { &[0, 3, 4] } else { &[0, 1, 3, 4] };
        assert_eq!(drain(&mut log), expected);
        assert_eq!(log.take_lost().count.requests, u64::from(rotten));
        assert_eq!(log.level().count, Count::default());
    }
}

#[test]
fn a_segment_that_stays_unreadable_is_given_up_and_counted_and_the_others_come_out() {
    let files = Faulty::default();
    let mut log = open(&files, CAP);
    fill(&mut log, 0..4, 900_000);
    let first = files.names()[0].clone();
    files.set(Fault::Unreadable(first.clone()));
    for _ in 0..READS {
        assert!(log.next().is_err());
    }
    assert_eq!(drain(&mut log), [1, 2, 3]);
    let count = Count { requests: 1, points: 0 };
    assert_eq!(log.take_lost(), Lost { count, damaged: 1, ..Lost::default() });
    assert!(!files.names().contains(&first));

    let second = open(&files, CAP);
    drop(second);
    let mut log = open(&files, CAP);
    fill(&mut log, 4..5, 10);
    drop(log);
    files.set(Fault::Unreadable(files.names()[0].clone()));
    let open = |give_up| Log::open(Box::new(files.clone()), CAP, fastrand::Rng::new(), give_up);
    assert!(open(false).is_err());
    let mut log = open(true).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((log.take_lost().damaged, log.level().count), (1, Count::default()));
}

#[test]
fn what_was_synced_survives_a_loss_of_power() {
    let files = Faulty::default();
    let mut log = open(&files, CAP);
    fill(&mut log, 0..3, 100);
    log.sync(SYNC_INTERVAL.saturating_sub(Duration::from_millis(1))).expect("not due");
    files.lose_power();
    assert_eq!(drain(&mut open(&files, CAP)), Vec::<u64>::new());

    let mut log = open(&files, CAP);
    fill(&mut log, 0..3, 100);
    log.sync(SYNC_INTERVAL).expect("due");
    fill(&mut log, 3..4, 100);
    files.lose_power();
    assert_eq!(drain(&mut open(&files, CAP)), [0, 1, 2]);
}

#[test]
fn files_of_others_and_a_damaged_cursor_do_no_harm() {
    let files = Faulty::default();
    let mut log = open(&files, CAP);
    fill(&mut log, 0..2, 10);
    assert!(log.next().expect("readable").is_some_and(|got| log.done(got.number).is_ok()));
    drop(log);
    for name in ["notes.txt", "0-0.seg", "000000000000000g-0000000000000000.seg", "cursor.tmp"] {
        files.append_all(name, b"not ours");
    }
    files.append_all("0000000000000000-0000000000000000.seg", &[0xb1; 9_000]);
    files.edit(names::CURSOR, |data| data[9] ^= 1);
    assert_eq!(drain(&mut open(&files, CAP)), [0, 1], "again rather than never");
    assert!(files.names().contains(&"notes.txt".to_owned()));
}

#[test]
fn a_request_that_can_never_fit_is_refused() {
    let mut log = open(&Faulty::default(), 4 << 20);
    assert!(matches!(log.append(record(0, 2 << 20), NOW), Err(Error::TooLarge)));
    fill(&mut log, 1..2, (2 << 20) - 100);
    assert_eq!(drain(&mut log), [1]);
}

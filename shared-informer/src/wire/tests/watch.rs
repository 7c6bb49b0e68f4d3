//! Lines of a WATCH, however the stream is cut.

use proptest::prelude::*;

use super::super::lines::Lines;
use super::super::watch::item;
use super::*;
use crate::distress::RetryAfter;
use crate::informer::event::{End, Item};
use crate::pod::{self, Refusal};
use std::time::Duration;

fn event(kind: &str, object: &str) -> String {
    format!("{{\"type\":\"{kind}\",\"object\":{}}}\n", compact(object))
}

fn one(line: &str) -> Result<Item, End> {
    item(line.as_bytes(), &keep())
}

#[test]
fn each_type_of_event_is_the_item_it_means() {
    let expected = pod::parse(RECORDED[0].as_bytes(), &keep()).unwrap();
    for kind in ["ADDED", "MODIFIED"] {
        let Ok(Item::Applied(pod)) = one(&event(kind, RECORDED[0])) else { panic!("{kind}") };
        assert_eq!(*pod, expected);
    }
    let Ok(Item::Deleted(head)) = one(&event("DELETED", RECORDED[0])) else { panic!("no deletion") };
    assert_eq!((head.uid.unwrap(), head.resource_version.unwrap()), (expected.uid, "1985".into()));
    let bookmark = r#"{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"12746","creationTimestamp":null},"spec":{"containers":null},"status":{}}"#;
    let Ok(Item::Bookmark(version)) = one(&event("BOOKMARK", bookmark)) else { panic!("no bookmark") };
    assert_eq!(&*version, "12746");
}

#[test]
fn an_error_event_is_a_rejection_with_its_code_its_words_and_its_wish() {
    let gone = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old\nresource version: 1 (2)","reason":"Expired","code":410}"#;
    let Ok(Item::Error(rejection)) = one(&event("ERROR", gone)) else { panic!("no error") };
    assert_eq!((rejection.code, &*rejection.message), (410, "too old resource version: 1 (2)"));
    let busy = r#"{"kind":"Status","code":429,"details":{"retryAfterSeconds":7}}"#;
    let Ok(Item::Error(rejection)) = one(&event("ERROR", busy)) else { panic!("no error") };
    assert_eq!(rejection.retry_after, Some(RetryAfter::Delay(Duration::from_secs(7))));
    let Ok(Item::Error(rejection)) = one(&event("ERROR", r#"{"kind":"Status"}"#)) else { panic!("no error") };
    assert_eq!(rejection.code, 500);
}

#[test]
fn a_pod_that_is_refused_is_told_with_what_names_it() {
    let nameless = RECORDED[0].replace("\"namespace\"", "\"namespaze\"");
    let Ok(Item::Refused(refusal, Some(head))) = one(&event("MODIFIED", &nameless)) else {
        panic!("not refused")
    };
    assert_eq!(refusal, Refusal::Missing);
    assert_eq!((head.namespace, head.resource_version), (None, Some("1985".into())));
    let Ok(Item::Refused(Refusal::Malformed, None)) = one(&event("ADDED", "7")) else {
        panic!("not refused")
    };
}

#[test]
fn what_is_no_event_is_malformed() {
    let unversioned = r#"{"kind":"Pod","metadata":{}}"#;
    for line in [
        "",
        "{}",
        "7",
        "{\"type\":\"ADDED\"}",
        "{\"type\":\"ADDED\",\"object\":{]}",
        &event("SYNCED", RECORDED[0]),
        &event("BOOKMARK", unversioned),
        &event("BOOKMARK", "{\"kind\":\"Node\",\"metadata\":{\"resourceVersion\":\"1\"}}"),
        &event("ERROR", "{\"kind\":\"Pod\"}"),
        &event("DELETED", "[]"),
        &format!("{}x", event("ADDED", RECORDED[0])),
    ] {
        assert_eq!(one(line).unwrap_err(), End::Malformed, "{line}");
    }
}

/// The lines, then how it ended.
fn split(pieces: &[&[u8]], limit: usize) -> (Vec<Vec<u8>>, End) {
    let (mut lines, mut read) = (Lines::new(limit), Vec::new());
    for piece in pieces {
        let fed = lines.feed(piece, |line| {
            read.push(line.to_vec());
            Ok(())
        });
        if let Err(end) = fed {
            return (read, end);
        }
    }
    (read, lines.finish())
}

#[test]
fn an_end_after_a_line_is_clean_and_one_within_a_line_is_not() {
    assert_eq!(split(&[b"one\ntwo\n"], 9), (vec![b"one".to_vec(), b"two".to_vec()], End::Closed));
    assert_eq!(split(&[b"one\ntw"], 9), (vec![b"one".to_vec()], End::Broken));
    assert_eq!(split(&[], 9), (vec![], End::Closed));
}

#[test]
fn the_longest_line_holds_for_complete_lines_and_for_those_that_never_end() {
    assert_eq!(split(&[b"123456789\n"], 9).1, End::Closed);
    assert_eq!(split(&[b"1234567890\n"], 9).1, End::TooLarge);
    assert_eq!(split(&[b"12345", b"67890"], 9).1, End::TooLarge);
    assert_eq!(split(&[b"12345", b"67890\n"], 9).1, End::TooLarge);
}

proptest! {
    #[test]
    fn how_a_stream_is_cut_changes_nothing(
        bytes in prop::collection::vec(prop::sample::select(b"ab\n".to_vec()), 0..200),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        limit in 1_usize..12,
    ) {
        let (whole, cut) = (split(&[&bytes], limit), split(&pieces(&bytes, &cuts), limit));
        prop_assert_eq!(&whole, &cut);
        prop_assert!(whole.0.iter().all(|line| line.len() <= limit));
        if whole.1 == End::Closed {
            let mut joined = whole.0.join(&b'\n');
            if !whole.0.is_empty() {
                joined.push(b'\n');
            }
            prop_assert_eq!(joined, bytes);
        }
    }
}

use proptest::prelude::*;

use super::super::damage;
use super::*;

const OURS: ClusterId = ClusterId([7; 32]);

fn size() -> Asked {
    Asked { verb: Verb::Get, resource: Resource::DaemonSets, reason: Reason::Size }
}

fn spend() -> Spend {
    let wall = |seconds| Wall::new(Duration::new(seconds, 5));
    let mut counts = Counts::new();
    counts.add(size(), Status::Ok, 12);
    counts.add(size(), Status::None, 1);
    counts.add(Asked::TOKEN_REVIEW, Status::Created, u64::MAX);
    let outstanding = vec![(size(), 1), (Asked::ACCESS_REVIEW, 4)];
    Spend { since: wall(1_795_000_000), last_turn: Some(wall(1_795_244_000)), counts, outstanding }
}

fn nothing() -> Spend {
    Spend {
        since: Wall::new(Duration::ZERO),
        last_turn: None,
        counts: Counts::new(),
        outstanding: Vec::new(),
    }
}

fn file() -> Vec<u8> {
    encode(OURS, &spend()).unwrap()
}

fn reason(file: &[u8]) -> &'static str {
    decode(file, OURS).map_or_else(|error| error.reason(), |_| "taken")
}

fn sealed(text: &str) -> Vec<u8> {
    let mut file = FRAME.begin();
    file.extend(text.as_bytes());
    FRAME.seal(file, MAX_BYTES).unwrap()
}

#[test]
fn what_is_written_is_read_exactly() {
    assert_eq!(decode(&file(), OURS).unwrap(), spend());
    assert_eq!(decode(&encode(OURS, &nothing()).unwrap(), OURS).unwrap(), nothing());
}

#[test]
fn what_was_outstanding_is_settled_as_unanswered_and_nothing_else_changes() {
    let settled = spend().settled();
    assert!(settled.outstanding.is_empty());
    assert_eq!(settled.counts.get(size(), Status::None), 2);
    assert_eq!(settled.counts.get(Asked::ACCESS_REVIEW, Status::None), 4);
    assert_eq!(settled.counts.get(size(), Status::Ok), 12);
    assert_eq!((settled.since, settled.last_turn), (spend().since, spend().last_turn));
    assert_eq!(settled.clone().settled(), settled, "a second life does not count them again");
}

#[test]
fn what_is_outstanding_twice_is_added_up() {
    let spend = Spend { outstanding: vec![(size(), 1), (Asked::TOKEN_REVIEW, 5), (size(), 2)], ..nothing() };
    let read = decode(&encode(OURS, &spend).unwrap(), OURS).unwrap();
    assert_eq!(read.outstanding, [(size(), 3), (Asked::TOKEN_REVIEW, 5)]);
}

#[test]
fn a_truncation_at_any_byte_is_noticed() {
    damage::truncations_are_noticed(&file(), reason);
}

#[test]
fn a_flip_of_any_byte_is_noticed() {
    damage::flips_are_noticed(&file(), reason);
}

#[test]
fn the_spend_in_another_cluster_is_not_believed() {
    assert!(matches!(decode(&file(), ClusterId([8; 32])), Err(Unusable::OtherCluster)));
}

#[test]
fn names_outside_the_closed_sets_zeros_and_repetitions_are_malformed_even_in_a_right_frame() {
    let body = String::from_utf8(FRAME.open(&file(), MAX_BYTES).unwrap().to_vec()).unwrap();
    assert_eq!(reason(&sealed(&body)), "taken");
    for (right, wrong) in [
        ("[\"get\"", "[\"put\""),
        ("\"daemonsets\"", "\"nodes\""),
        ("\"size\"", "\"\""),
        ("\"200\",12]", "\"299\",12]"),
        ("\"200\",12]", "\"200\",0]"),
        ("\"none\",1]", "\"200\",1]"),
        ("\"access_review\",4]", "\"access_review\",0]"),
        ("}", ",\"more\":1}"),
    ] {
        let text = body.replacen(right, wrong, 1);
        assert_ne!(text, body, "{right}");
        assert_eq!(reason(&sealed(&text)), "malformed", "{right} as {wrong}");
    }
}

/// Every series that the closed sets allow, each with a number as large as can be.
fn full() -> Spend {
    let mut spend = nothing();
    for verb in Verb::ALL {
        for resource in Resource::ALL {
            for reason in Reason::ALL {
                let asked = Asked { verb: *verb, resource: *resource, reason: *reason };
                spend.outstanding.push((asked, u64::MAX));
                for status in Status::ALL {
                    spend.counts.add(asked, *status, u64::MAX);
                }
            }
        }
    }
    spend
}

#[test]
fn every_series_that_can_be_fits_the_bound() {
    assert_eq!(decode(&encode(OURS, &full()).unwrap(), OURS).unwrap(), full());
}

proptest! {
    #[test]
    fn any_counts_come_back_as_they_were(
        numbers in prop::collection::vec((any::<prop::sample::Index>(), 1..u64::MAX), 0..40),
        outstanding in prop::collection::vec((any::<prop::sample::Index>(), 1..u64::MAX), 0..10),
        since: Duration,
    ) {
        let all: Vec<_> = full().counts.iter().map(|(key, _)| key).collect();
        let mut spend = Spend { since: Wall::new(since), ..nothing() };
        for (index, number) in numbers {
            let key = all[index.index(all.len())];
            spend.counts.add(key.asked, key.status, number);
        }
        for (index, number) in outstanding {
            spend.outstanding.push((all[index.index(all.len())].asked, number));
        }
        // In the file's form: in order, and each only once.
        spend.outstanding.sort_unstable();
        spend.outstanding.dedup_by_key(|(asked, _)| *asked);
        prop_assert_eq!(decode(&encode(OURS, &spend).unwrap(), OURS).unwrap(), spend);
    }
}

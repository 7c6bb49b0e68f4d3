use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const LIMITS: Limits = Limits {
    min_refresh: Duration::from_secs(5),
    max_refresh: Duration::from_mins(5),
    max_age: Duration::from_hours(1),
};

fn answer(last: u8, ttl: u64) -> Answer {
    Answer { addresses: vec![IpAddr::from([10, 0, 0, last])], ttl: Duration::from_secs(ttl) }
}

fn usable(cache: &Cache, now: u64) -> Vec<IpAddr> {
    cache.usable(Duration::from_secs(now), &LIMITS).to_vec()
}

#[test]
fn an_unknown_name_is_asked_about_at_once_and_has_no_address() {
    let cache = Cache::default();
    assert_eq!((cache.due(), cache.stale_for(9 * SECOND)), (Duration::ZERO, Duration::ZERO));
    assert!(usable(&cache, 0).is_empty());
}

#[test]
fn an_answer_is_asked_for_again_after_its_time_to_live_within_the_bounds() {
    for (ttl, seconds) in [(0, 5), (5, 5), (30, 30), (86_400, 300)] {
        let mut cache = Cache::default();
        assert!(cache.answered(answer(1, ttl), 100 * SECOND, &LIMITS), "the first one is new");
        assert_eq!(cache.due(), Duration::from_secs(100 + seconds));
    }
}

#[test]
fn an_answer_that_changes_is_followed_and_one_in_another_order_is_no_change() {
    let mut cache = Cache::default();
    let both = |first: u8, second: u8| Answer {
        addresses: [first, second].map(|last| IpAddr::from([10, 0, 0, last])).to_vec(),
        ttl: SECOND,
    };
    assert!(cache.answered(both(1, 2), Duration::ZERO, &LIMITS));
    assert!(!cache.answered(both(2, 1), SECOND, &LIMITS));
    assert!(cache.answered(both(2, 3), SECOND, &LIMITS));
    assert_eq!(usable(&cache, 1), both(2, 3).addresses);
}

#[test]
fn the_last_good_answer_outlives_failures_until_it_is_too_old() {
    let mut cache = Cache::default();
    cache.answered(answer(1, 30), Duration::ZERO, &LIMITS);
    let mut waits = Vec::new();
    let mut now = 30 * SECOND;
    for _ in 0..8 {
        cache.failed(now, &LIMITS);
        waits.push(cache.due().saturating_sub(now).as_secs());
        now = cache.due();
    }
    assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300]);
    assert_eq!(usable(&cache, 3_600), answer(1, 0).addresses);
    assert!(usable(&cache, 3_601).is_empty());
    assert_eq!(cache.stale_for(29 * SECOND), Duration::ZERO);
    assert_eq!(cache.stale_for(100 * SECOND), 70 * SECOND);
    cache.answered(answer(2, 30), 4_000 * SECOND, &LIMITS);
    assert_eq!(
        (usable(&cache, 4_000), cache.stale_for(4_000 * SECOND)),
        (answer(2, 0).addresses, Duration::ZERO)
    );
    cache.failed(4_030 * SECOND, &LIMITS);
    assert_eq!(cache.due(), 4_035 * SECOND, "a good answer resets the waits");
}

#[test]
fn addresses_that_do_not_answer_are_asked_about_early_but_not_more_often_than_allowed() {
    let mut cache = Cache::default();
    cache.answered(answer(1, 300), 100 * SECOND, &LIMITS);
    cache.distrust(101 * SECOND, &LIMITS);
    assert_eq!(cache.due(), 105 * SECOND);
    cache.distrust(200 * SECOND, &LIMITS);
    assert_eq!(cache.due(), 105 * SECOND, "it never moves back");
    cache.answered(answer(1, 300), 200 * SECOND, &LIMITS);
    cache.distrust(250 * SECOND, &LIMITS);
    assert_eq!(cache.due(), 250 * SECOND);
}

#[test]
fn an_entry_from_a_file_keeps_its_age_is_stale_and_is_asked_about_at_once() {
    let wall = |seconds: u64| Timestamp(seconds * 1_000_000_000);
    let mut cache = Cache::default();
    cache.answered(answer(1, 300), 50 * SECOND, &LIMITS);
    let bytes = cache.encode("collector", 60 * SECOND, wall(1_000)).expect("an answer");
    let decode = |host, now, at| Cache::decode(&bytes, host, now, at);
    let read = decode("collector", 5 * SECOND, wall(1_090)).expect("sound");
    assert_eq!((read.due(), read.stale_for(5 * SECOND)), (5 * SECOND, 100 * SECOND));
    assert_eq!(usable(&read, 5), answer(1, 0).addresses);
    assert!(usable(&read, 5 + 3_501).is_empty(), "a hundred seconds of the hour are gone");
    let back = decode("collector", SECOND, wall(1)).expect("a clock that went back is no damage");
    assert_eq!(back.stale_for(SECOND), Duration::ZERO);
    assert_eq!(decode("other", SECOND, wall(1_090)), None);
    assert_eq!(Cache::default().encode("collector", SECOND, wall(1)), None, "nothing to write");
}

#[test]
fn addresses_at_which_nothing_can_be_are_told_apart() {
    for (text, expected) in [
        ("10.0.0.1", true),
        ("127.0.0.1", true),
        ("::1", true),
        ("fe80::1", true),
        ("0.0.0.0", false),
        ("::", false),
        ("224.0.0.1", false),
        ("255.255.255.255", false),
        ("ff02::1", false),
    ] {
        assert_eq!(is_usable(&text.parse().expect("an address")), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read_and_any_damage_is_noticed(
        addresses in proptest::collection::vec(any::<IpAddr>().prop_filter("usable", is_usable), 1..12),
        host in "[a-z.]{1,60}",
        flip in any::<(prop::sample::Index, u8)>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut cache = Cache::default();
        cache.answered(Answer { addresses: addresses.clone(), ttl: SECOND }, SECOND, &LIMITS);
        let bytes = cache.encode(&host, SECOND, Timestamp(7)).expect("an answer");
        prop_assert!(bytes.len() <= MAX_ENCODED);
        let read = Cache::decode(&bytes, &host, SECOND, Timestamp(7)).expect("sound");
        prop_assert_eq!(usable(&read, 1), &addresses[..addresses.len().min(MAX_ADDRESSES)]);
        let mut damaged = bytes.clone();
        damaged[flip.0.index(bytes.len())] ^= flip.1.max(1);
        prop_assert_eq!(Cache::decode(&damaged, &host, SECOND, Timestamp(7)), None);
        prop_assert_eq!(Cache::decode(&bytes[..cut.index(bytes.len())], &host, SECOND, Timestamp(7)), None);
    }

    #[test]
    fn any_bytes_are_refused_without_harm(bytes: Vec<u8>) {
        prop_assert_eq!(Cache::decode(&bytes, "x", SECOND, Timestamp(7)), None);
    }
}

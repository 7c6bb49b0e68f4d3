use proptest::prelude::*;

use super::*;

const NOW: Wall = Wall::new(Duration::from_secs(1_795_244_279));

fn record(last: Last, failures: u32, seconds_ago: u64) -> Record {
    Record { last, failures, at: NOW.minus(Duration::from_secs(seconds_ago)) }
}

fn resumed(record: impl Into<Option<Record>>) -> (u32, u64) {
    let (failures, wait) = Backoff::default().resume(record.into(), NOW);
    (failures, wait.as_secs())
}

#[test]
fn the_wait_doubles_from_a_second_to_five_minutes() {
    let waits: Vec<_> = (0..12).map(|failures| Backoff::default().wait(failures).as_secs()).collect();
    assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    assert_eq!(Backoff::default().wait(u32::MAX).as_secs(), 300);
}

#[test]
fn a_long_life_lets_the_failures_before_it_be_forgotten() {
    let backoff = Backoff::default();
    assert_eq!(backoff.failures_after(7, backoff.healthy), 1);
    assert_eq!(backoff.failures_after(7, backoff.healthy.saturating_sub(Duration::from_secs(1))), 8);
    assert_eq!(backoff.failures_after(u32::MAX - 1, Duration::ZERO), MOST_FAILURES);
}

#[test]
fn a_restarted_supervisor_goes_on_with_the_wait_where_it_was() {
    assert_eq!(resumed(None), (0, 0));
    assert_eq!(resumed(record(Last::Failed, 5, 6)), (5, 10));
    assert_eq!(resumed(record(Last::Failed, 5, 60)), (5, 0));
    assert_eq!(resumed(record(Last::Stopped, 5, 0)), (0, 0));
    // Killed together with the agent: a failure of its own, unless the agent had lived for long.
    assert_eq!(resumed(record(Last::Started, 3, 2)), (4, 8));
    assert_eq!(resumed(record(Last::Started, 3, 3600)), (1, 1));
}

#[test]
fn a_clock_that_was_set_back_shortens_no_wait() {
    let future = Record { last: Last::Failed, failures: 4, at: NOW.plus(Duration::from_hours(1)) };
    assert_eq!(resumed(future), (4, 8));
}

#[test]
fn every_damage_to_the_file_is_noticed() {
    let whole = encode(&record(Last::Failed, 5, 6)).unwrap();
    assert_eq!(decode(&whole).unwrap(), record(Last::Failed, 5, 6));
    for end in 0..whole.len() {
        assert_eq!(decode(&whole[..end]).unwrap_err().reason(), "corrupt");
    }
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        assert!(decode(&damaged).is_err(), "byte {at}");
    }
}

proptest! {
    #[test]
    fn whatever_a_record_says_the_wait_is_bounded(failures: u32, at: Duration, now: Duration, last in 0..3usize) {
        let last = [Last::Started, Last::Failed, Last::Stopped][last];
        let record = Record { last, failures, at: Wall::new(at) };
        let record = decode(&encode(&record).unwrap()).unwrap();
        let (failures, wait) = Backoff::default().resume(Some(record), Wall::new(now));
        prop_assert!(failures <= MOST_FAILURES && wait <= Backoff::default().longest);
    }
}

use proptest::prelude::*;

use super::*;

const T: Duration = Duration::from_secs(160);
const EPOCH: Duration = Duration::from_secs(1_700_000_000);

fn now(wall: Duration, mono: Duration) -> Now {
    Now { wall: Wall::new(wall), mono: Mono::new(mono) }
}

fn turns(born: Duration, remembered: Option<Wall>) -> Turns {
    Turns::new("node-1", Salt::Turn, Mono::new(born), remembered)
}

/// The wall time of the first instant after the epoch of these tests.
fn instant(period: Duration) -> Duration {
    Phase::of("node-1", Salt::Turn).at_or_after(Wall::new(EPOCH), period).since_origin()
}

fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}

fn skipped(decision: Decision) -> Option<Skip> {
    match decision {
        Decision::Wait { skipped, .. } => skipped,
        Decision::Start(turn) => panic!("{turn:?}"),
    }
}

fn starts(decision: &Decision) -> bool {
    matches!(decision, Decision::Start(_))
}

#[test]
fn a_turn_starts_at_its_instant_and_once() {
    let at = instant(T);
    let mut turns = turns(Duration::ZERO, None);
    let mono = millis(1_000_000);
    assert_eq!(turns.poll(now(at - millis(3), mono), T), Decision::Wait { after: millis(3), skipped: None });
    assert!(starts(&turns.poll(now(at, mono + millis(3)), T)));
    assert_eq!(
        turns.poll(now(at + millis(1), mono + millis(4)), T),
        Decision::Wait { after: T - millis(1), skipped: None }
    );
}

#[test]
fn a_turn_that_could_not_start_within_a_second_is_skipped_and_told_once() {
    let (at, mono) = (instant(T), millis(1_000_000));
    assert!(starts(&turns(Duration::ZERO, None).poll(now(at + LATE, mono), T)));
    let mut late = turns(Duration::ZERO, None);
    assert_eq!(skipped(late.poll(now(at - T / 2, mono), T)), None);
    assert_eq!(skipped(late.poll(now(at + LATE + millis(1), mono + T), T)), Some(Skip::Late));
    assert_eq!(skipped(late.poll(now(at + LATE + millis(2), mono + T), T)), None);
}

#[test]
fn a_process_younger_than_ten_seconds_at_the_instant_has_no_turn() {
    let (at, mono) = (instant(T), millis(1_000_000));
    // Alive for 9.999 s at the instant: being late does not make it older.
    let mut young = turns(mono - millis(9_999), None);
    assert_eq!(skipped(young.poll(now(at + millis(900), mono + millis(900)), T)), Some(Skip::Young));
    assert!(starts(&turns(mono - SETTLE, None).poll(now(at, mono), T)));
}

#[test]
fn a_shorter_period_waits_for_its_own_length_after_the_last_turn() {
    let (at, mono) = (instant(T), millis(1_000_000));
    let mut turns = turns(Duration::ZERO, None);
    assert!(starts(&turns.poll(now(at + millis(400), mono), T)));
    // The next instant of the short period is 10 s after the last one, 9.6 s after the start: it waits that long.
    let short = SHORTEST_PERIOD;
    let decision = turns.poll(now(at + short, mono + short - millis(400)), short);
    assert_eq!(decision, Decision::Wait { after: millis(400), skipped: None });
    assert!(starts(&turns.poll(now(at + short + millis(400), mono + short), short)));
}

#[test]
fn an_instant_that_was_used_or_told_of_is_not_missed_because_the_period_changes() {
    let (at, mono) = (instant(T), millis(1_000_000));
    let mut used = turns(Duration::ZERO, None);
    assert!(starts(&used.poll(now(at, mono), T)));
    let halved = used.poll(now(at + millis(5), mono + millis(5)), T / 2);
    assert_eq!(halved, Decision::Wait { after: T / 2 - millis(5), skipped: None });
    let mut young = turns(mono, None);
    assert_eq!(skipped(young.poll(now(at, mono), T)), Some(Skip::Young));
    assert_eq!(skipped(young.poll(now(at + millis(5), mono + millis(5)), T / 2)), None);
}

#[test]
fn a_clock_that_steps_back_grants_no_turn_twice() {
    let (at, mono) = (instant(T), millis(1_000_000));
    let mut turns = turns(Duration::ZERO, None);
    assert!(starts(&turns.poll(now(at, mono), T)));
    assert_eq!(skipped(turns.poll(now(at - Duration::from_secs(10), mono + millis(1)), T)), None);
    assert_eq!(skipped(turns.poll(now(at, mono + Duration::from_secs(10)), T)), Some(Skip::Close));
}

#[test]
fn a_new_life_remembers_the_last_turn_of_the_old_one() {
    let (at, born) = (instant(T), millis(1_000_000));
    let last = Some(Wall::new(at));
    // The clock stepped back by 40 s and the process was started anew: the same instant comes again.
    assert_eq!(skipped(turns(born, last).poll(now(at, born + SETTLE), T)), Some(Skip::Close));
    assert!(starts(&turns(born, last).poll(now(at + T, born + SETTLE), T)));
    // A remembered instant that lies ahead binds for one period of life, not for ever.
    let ahead = Some(Wall::new(at + Duration::from_secs(1_000_000)));
    assert_eq!(skipped(turns(born, ahead).poll(now(at, born + SETTLE), T)), Some(Skip::Close));
    assert!(starts(&turns(born, ahead).poll(now(at + T, born + T), T)));
}

#[test]
fn a_turn_is_over_after_five_seconds_on_either_clock() {
    let (at, mono) = (instant(T), millis(1_000_000));
    let Decision::Start(turn) = turns(Duration::ZERO, None).poll(now(at, mono), T) else { panic!() };
    assert!(turn.is_open(now(at + millis(4_999), mono + millis(4_999))));
    assert!(!turn.is_open(now(at + LENGTH, mono + LENGTH)));
    // Suspended: the monotonic clock stood still. Stepped back: the instant has not come.
    assert!(!turn.is_open(now(at + Duration::from_hours(1), mono + millis(10))));
    assert!(!turn.is_open(now(at - millis(1), mono + millis(10))));
}

#[test]
fn slots_for_scrapes_are_not_the_turns() {
    let turn = Phase::of("node-1", Salt::Turn).offset(T);
    assert_ne!(turn, Phase::of("node-1", Salt::Scrape).offset(T));
}

proptest! {
    #[test]
    fn starts_are_a_period_apart_on_time_and_never_early_whatever_the_clocks_do(
        steps in prop::collection::vec((1_u64..30_000, -400_000_i64..400_000, 0_u32..5, 0_u8..10), 1..400),
    ) {
        let mut turns = turns(Duration::ZERO, None);
        let (mut wall, mut mono, mut last) = (1_700_000_000_000_i64, 0_u64, None);
        let phase = turns.phase();
        for (gap, step, doublings, kind) in steps {
            mono += gap;
            wall += i64::try_from(gap).unwrap();
            match kind {
                0 => wall += step,                            // a step in either direction
                1 => wall += step.abs(),                      // a suspend: the monotonic clock stood still
                _ => {}
            }
            let period = SHORTEST_PERIOD * 2_u32.pow(doublings);
            let at = now(millis(wall.unsigned_abs()), millis(mono));
            if let Decision::Start(turn) = turns.poll(at, period) {
                prop_assert!(last.is_none_or(|last| mono - last >= u64::try_from(period.as_millis()).unwrap()));
                prop_assert!(at.wall >= turn.instant() && at.wall.since(turn.instant()) <= LATE);
                prop_assert_eq!(phase.at_or_after(turn.instant(), period), turn.instant());
                prop_assert!(mono >= 10_000);
                last = Some(mono);
            }
        }
    }

    #[test]
    fn with_a_steady_clock_every_instant_is_used(
        doublings in 0_u32..6, delays in prop::collection::vec(0_u64..900, 1..60), start in 0_u64..1_000_000,
    ) {
        // An agent that sleeps as long as it is told, plus a delay of the scheduler's.
        let period = SHORTEST_PERIOD * 2_u32.pow(doublings);
        let (mut at, mut count) = (EPOCH + millis(start), 0_u32);
        let mut turns = turns(Duration::ZERO, None);
        let (begin, mut lost) = (at, 0_u32);
        for delay in delays {
            // A delay carries over to the next start, so it is made up for before it comes again.
            match turns.poll(now(at, at), period) {
                Decision::Start(_) => count += 1,
                Decision::Wait { after, skipped } => {
                    lost += u32::from(skipped.is_some());
                    at += after + millis(delay / 100);
                }
            }
        }
        let elapsed = u32::try_from((at - begin).as_millis() / period.as_millis()).unwrap();
        prop_assert!(count + lost + 1 >= elapsed, "{count} started, {lost} lost in {elapsed} periods");
        prop_assert!(lost <= 1 + elapsed / 50);
    }
}

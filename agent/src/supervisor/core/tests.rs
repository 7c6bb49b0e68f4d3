use proptest::prelude::*;
use shared_informer::clock::Wall;

use super::*;

const STARTED: Wall = Wall::new(Duration::from_secs(1_795_244_279));

/// It takes five seconds at most to stop.
const READY: Event = Event::Ready { stop: Duration::from_secs(5) };

fn at(seconds: u64) -> Now {
    let since = Duration::from_secs(seconds);
    Now { wall: STARTED.plus(since), mono: Mono::new(since) }
}

fn end(code: i32) -> End {
    End { code: Some(code), signal: None, words: Some("words".to_owned()) }
}

fn killed(signal: i32) -> End {
    End { code: None, signal: Some(signal), words: None }
}

fn fresh() -> Core {
    Core::new(Limits::default(), None, at(0))
}

/// An agent that was started at second 0.
fn young() -> Core {
    let mut core = fresh();
    assert!(core.decide(Event::Due, at(0)).contains(&Action::Start));
    core
}

/// The same, and it is ready.
fn running() -> Core {
    let mut core = young();
    assert!(core.decide(READY, at(0)).is_empty());
    core
}

fn without_saves(actions: Vec<Action>) -> Vec<Action> {
    actions.into_iter().filter(|action| !matches!(action, Action::Save(_))).collect()
}

fn decide(core: &mut Core, event: Event, seconds: u64) -> Vec<Action> {
    without_saves(core.decide(event, at(seconds)))
}

#[test]
fn an_agent_that_ends_is_started_again_after_a_wait_that_doubles() {
    let mut core = running();
    let mut now = 0;
    for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
        assert!(decide(&mut core, Event::Ended(end(70)), now).is_empty());
        assert_eq!(core.wait(at(now).mono), Some(Duration::from_secs(wait)));
        assert!(decide(&mut core, Event::Due, now + wait - 1).is_empty());
        now += wait;
        assert_eq!(decide(&mut core, Event::Due, now), [Action::Start]);
    }
    assert_eq!(core.restarts(), 11);
    // Ten minutes of health, and the next failure is a first one.
    decide(&mut core, Event::Ended(killed(9)), now + 600);
    assert_eq!(core.wait(at(now + 600).mono), Some(Duration::from_secs(1)));
}

#[test]
fn the_death_of_the_agent_is_never_the_end_of_the_supervisor() {
    for end in [end(0), end(1), end(64), end(70), killed(9), killed(11), killed(15)] {
        let mut core = running();
        let actions = core.decide(Event::Ended(end.clone()), at(5));
        assert!(!actions.iter().any(|action| matches!(action, Action::Leave(_))), "{end:?}: {actions:?}");
        assert_eq!(core.is_refused(), end.code == Some(64));
    }
}

#[test]
fn every_start_and_every_end_is_kept_for_the_next_life() {
    let mut core = fresh();
    let save = |last, failures, seconds: u64| {
        Action::Save(Record { last, failures, at: STARTED.plus(Duration::from_secs(seconds)) })
    };
    assert_eq!(core.decide(Event::Due, at(0)), [save(Last::Started, 0, 0), Action::Start]);
    assert_eq!(core.decide(Event::Ended(end(70)), at(3)), [save(Last::Failed, 1, 3)]);
    let stopped = [save(Last::Stopped, 0, 4), Action::Leave(0)];
    assert_eq!(core.decide(Event::Asked(Ask::Terminate), at(4)), stopped);
}

#[test]
fn a_stop_is_passed_on_and_ends_with_the_agents_own_code() {
    for ask in [Ask::Terminate, Ask::Interrupt] {
        let mut core = running();
        assert_eq!(decide(&mut core, Event::Asked(ask), 5), [Action::Send(ask)]);
        assert!(decide(&mut core, Event::Due, 6).is_empty());
        assert_eq!(decide(&mut core, Event::Ended(end(0)), 7), [Action::Leave(0)]);
    }
    let mut core = running();
    decide(&mut core, Event::Asked(Ask::Terminate), 5);
    assert_eq!(decide(&mut core, Event::Ended(end(70)), 7), [Action::Leave(70)]);
    // An agent that was too young to handle the signal did end by it, as told.
    let mut core = running();
    decide(&mut core, Event::Asked(Ask::Terminate), 5);
    assert_eq!(decide(&mut core, Event::Ended(killed(15)), 7), [Action::Leave(0)]);
}

#[test]
fn an_agent_that_does_not_stop_in_time_is_killed_and_one_that_the_kernel_cannot_kill_is_left() {
    let mut core = young();
    decide(&mut core, Event::Asked(Ask::Terminate), 5);
    assert!(decide(&mut core, Event::Due, 314).is_empty());
    assert_eq!(decide(&mut core, Event::Due, 315), [Action::Kill]);
    assert!(decide(&mut core, Event::Due, 319).is_empty(), "one kill is enough");
    let mut hopeless = core.clone();
    assert_eq!(decide(&mut core, Event::Ended(killed(9)), 316), [Action::Leave(70)]);
    assert_eq!(decide(&mut hopeless, Event::Due, 320), [Action::Leave(70)]);
}

#[test]
fn an_agent_that_hangs_beyond_its_own_deadline_is_killed_five_seconds_later_and_the_last_deadline_counts() {
    let mut core = running();
    decide(&mut core, Event::Asked(Ask::Terminate), 100);
    assert!(decide(&mut core, Event::Due, 109).is_empty());
    assert_eq!(decide(&mut core, Event::Due, 110), [Action::Kill]);
    let mut core = running();
    let reloaded = Event::Ready { stop: Duration::from_mins(1) };
    assert!(decide(&mut core, reloaded, 50).is_empty());
    decide(&mut core, Event::Asked(Ask::Terminate), 100);
    assert!(decide(&mut core, Event::Due, 164).is_empty());
    assert_eq!(decide(&mut core, Event::Due, 165), [Action::Kill]);
}

#[test]
fn a_second_stop_is_passed_on_and_shortens_the_patience() {
    let mut core = running();
    decide(&mut core, Event::Asked(Ask::Terminate), 5);
    assert_eq!(decide(&mut core, Event::Asked(Ask::Interrupt), 6), [Action::Send(Ask::Interrupt)]);
    assert!(decide(&mut core, Event::Due, 10).is_empty());
    assert_eq!(decide(&mut core, Event::Due, 11), [Action::Kill]);
    // It never makes the deadline later.
    let mut core = young();
    decide(&mut core, Event::Asked(Ask::Terminate), 0);
    decide(&mut core, Event::Asked(Ask::Terminate), 308);
    assert_eq!(decide(&mut core, Event::Due, 310), [Action::Kill]);
}

#[test]
fn signals_that_would_end_a_young_agent_wait_until_it_handles_them() {
    let mut core = fresh();
    decide(&mut core, Event::Due, 0);
    for ask in [Ask::Reload, Ask::Pause, Ask::Resume, Ask::Pause] {
        assert!(decide(&mut core, Event::Asked(ask), 0).is_empty());
    }
    let sent = [Action::Send(Ask::Reload), Action::Send(Ask::Pause)];
    assert_eq!(decide(&mut core, READY, 1), sent);
    for ask in [Ask::Reload, Ask::Pause, Ask::Resume] {
        assert_eq!(decide(&mut core, Event::Asked(ask), 2), [Action::Send(ask)]);
    }
}

#[test]
fn a_pause_is_never_lost_whatever_the_agent_does() {
    let mut waiting = running();
    decide(&mut waiting, Event::Ended(end(70)), 1);
    assert_eq!(decide(&mut waiting, Event::Asked(Ask::Pause), 1), [Action::Press(true)]);
    assert_eq!(decide(&mut waiting, Event::Asked(Ask::Resume), 1), [Action::Press(false)]);
    let mut young = fresh();
    decide(&mut young, Event::Due, 0);
    decide(&mut young, Event::Asked(Ask::Pause), 0);
    assert_eq!(decide(&mut young, Event::Ended(end(70)), 1), [Action::Press(true)]);
    let mut stopping = running();
    decide(&mut stopping, Event::Asked(Ask::Terminate), 1);
    assert_eq!(decide(&mut stopping, Event::Asked(Ask::Pause), 1), [Action::Press(true)]);
}

#[test]
fn sighup_starts_a_waiting_agent_at_once_and_a_stop_ends_the_waiting() {
    let mut core = running();
    decide(&mut core, Event::Ended(end(64)), 1);
    assert!(core.is_refused());
    assert_eq!(decide(&mut core, Event::Asked(Ask::Reload), 1), [Action::Start]);
    decide(&mut core, Event::Ended(end(64)), 2);
    assert_eq!(decide(&mut core, Event::Asked(Ask::Terminate), 2), [Action::Leave(0)]);
    assert!(decide(&mut core, Event::Asked(Ask::Terminate), 3).is_empty());
}

#[test]
fn an_earlier_lifes_wait_is_waited_out() {
    let record = Record { last: Last::Failed, failures: 4, at: STARTED };
    let mut core = Core::new(Limits::default(), Some(record), at(3));
    assert!(decide(&mut core, Event::Due, 7).is_empty());
    assert_eq!(decide(&mut core, Event::Due, 8), [Action::Start]);
}

fn event(kind: usize) -> Event {
    match kind {
        0 => Event::Due,
        1 => READY,
        2 => Event::Ended(end(70)),
        3 => Event::Ended(killed(9)),
        4 => Event::Asked(Ask::Reload),
        5 => Event::Asked(Ask::Pause),
        _ => Event::Asked(Ask::Terminate),
    }
}

proptest! {
    #[test]
    fn there_is_never_more_than_one_agent_and_none_after_a_stop(
        events in prop::collection::vec((0..7usize, 0..400u64), 1..200),
    ) {
        let (mut core, mut now, mut alive, mut stopped) = (fresh(), 0, false, false);
        for (kind, later) in events {
            now += later;
            let event = event(kind);
            // Only an agent that lives can end.
            if matches!(event, Event::Ended(_)) && !alive { continue }
            if matches!(event, Event::Ended(_)) { alive = false }
            stopped |= matches!(event, Event::Asked(Ask::Terminate));
            for action in core.decide(event, at(now)) {
                match action {
                    Action::Start => {
                        prop_assert!(!alive && !stopped);
                        alive = true;
                    }
                    Action::Send(_) | Action::Kill => prop_assert!(alive),
                    Action::Leave(_) => prop_assert!(stopped),
                    Action::Press(_) | Action::Save(_) => {}
                }
            }
        }
    }
}

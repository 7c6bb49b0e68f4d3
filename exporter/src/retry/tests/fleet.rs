//! Ten thousand agents that restart together against a backend that is away: when they knock.

use super::*;

const CLIENTS: usize = 10_000;
/// The least time in which a client can be answered, so that waits of nothing make no endless loop.
const EXCHANGE: Duration = Duration::from_millis(10);

/// When each of the clients knocks, in order, if all begin at the same moment, the backend answers like this
/// until `back`, and takes everything afterwards.
fn knocks(down: Outcome, back: Duration, limits: &Limits) -> Vec<Duration> {
    let mut random = fastrand::Rng::with_seed(19);
    let mut all = Vec::new();
    for _ in 0..CLIENTS {
        let (mut now, mut failures) = (Duration::ZERO, 0);
        loop {
            all.push(now);
            if now >= back {
                break;
            }
            let verdict = down.verdict(NOW);
            let Decision::RetryAfter { wait, .. } = decide(verdict, failures, random.f64(), limits) else {
                panic!("it is retried");
            };
            failures += 1;
            now += EXCHANGE + wait;
        }
    }
    all.sort_unstable();
    all
}

/// The most of these moments that lie in one second, wherever it begins.
fn busiest_second(times: &[Duration]) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (index, time) in times.iter().enumerate() {
        while time.saturating_sub(times[first]) >= Duration::from_secs(1) {
            first += 1;
        }
        most = most.max(index + 1 - first);
    }
    most
}

fn between(times: &[Duration], from: u64, to: u64) -> &[Duration] {
    let place = |seconds| times.partition_point(|time| *time < Duration::from_secs(seconds));
    &times[place(from)..place(to)]
}

const REFUSED: Outcome = Outcome::Unanswered(Failure::Connect);

#[test]
fn a_fleet_that_restarts_together_is_spread_evenly_while_the_backend_is_away() {
    let times = knocks(REFUSED, Duration::from_mins(10), &Limits::default());
    // The first knock is everybody's; each waits a part of 5 s then.
    let second_wave = busiest_second(between(&times[CLIENTS..], 0, 20));
    assert!(second_wave < CLIENTS / 3, "{second_wave}");
    // Once the windows are 30 s, a wait is 15 s on average.
    let steady = between(&times, 120, 600);
    let even = steady.len() / 480;
    assert!((640..690).contains(&even), "{even} a second");
    let most = busiest_second(steady);
    // Six standard deviations above an even spread; a fleet in step would knock 10,000 times at once.
    assert!(most < even + 6 * 26, "{most} in one second, {even} on average");
}

#[test]
fn a_backend_that_comes_back_is_met_by_a_fifteenth_of_the_fleet_a_second_at_most() {
    let back = Duration::from_mins(10);
    let times = knocks(REFUSED, back, &Limits::default());
    let met = between(&times, 600, 700);
    assert_eq!(met.len(), CLIENTS, "each once");
    let most = busiest_second(met);
    // What is left of a wait that is drawn from 30 s: most likely little.
    assert!(most < CLIENTS / 15 + 6 * 26, "{most} in one second");
    assert!(met[CLIENTS - 1] <= back + Duration::from_secs(31), "{:?}", met[CLIENTS - 1]);
}

#[test]
fn a_fleet_that_was_told_the_same_second_does_not_come_back_in_it() {
    let busy = Outcome::Answered { status: 503, retry_after: Some(RetryAfter::Seconds(60)), rejected: 0 };
    let limits = Limits::default();
    let times = knocks(busy, Duration::from_secs(30), &limits);
    let again = &times[CLIENTS..];
    assert_eq!(again.len(), CLIENTS);
    assert!(again[0] >= Duration::from_mins(1) && again[CLIENTS - 1] <= Duration::from_secs(66));
    let most = busiest_second(again);
    // A first wait is drawn from five seconds: a fifth in each.
    assert!(most < CLIENTS / 5 + 6 * 45, "{most} in one second");
}

//! Outages in virtual time, with the disk log on a folder in memory and without it.

use std::cell::Cell;

use super::*;
use crate::disk::tests::{Broken, inline};

const CAP: u64 = 64 << 20;
const RATE: u64 = 64 << 10;
const BODY: usize = 10_000;

/// A request that is known by its time and has as many points.
fn request(number: u64) -> Item {
    let mut body = number.to_le_bytes().to_vec();
    body.resize(BODY, 0);
    Item { body: body.into(), points: number, class: Class::Data, created: Timestamp(number) }
}

fn memory() -> Limits {
    Limits { max_bytes: 1 << 20, reserved_bytes: 64 << 10, max_age: Duration::from_mins(15) }
}

fn with_log(script: impl IntoIterator<Item = (Duration, Outcome)>, cap: u64) -> (Bench, Broken) {
    let mut broken = None;
    let bench = bench_with(memory(), script, |queue| {
        let (log, folder) = inline(queue, cap);
        broken = Some(folder);
        Some(Spill::new(log, RATE))
    });
    (bench, broken.expect("made"))
}

/// Refusals that last for so many attempts; with waits of 15 s on average and a request each 10 s.
fn dead(attempts: usize) -> impl Iterator<Item = (Duration, Outcome)> {
    std::iter::repeat_n((Duration::ZERO, REFUSED), attempts)
}

/// What was sent, in order; each attempt once.
fn numbers(bench: &Mutex<Vec<(Instant, Bytes)>>) -> Vec<u64> {
    let sent = bench.lock().expect("sound");
    sent.iter().map(|(_, body)| u64::from_le_bytes(*body.first_chunk().expect("eight bytes"))).collect()
}

#[track_caller]
fn balanced(monitor: &Monitor) -> Totals {
    let (totals, status) = (monitor.stats().totals(), monitor.status());
    let (mut left, mut right) = (totals.produced, totals.sent);
    left.add(totals.recovered);
    right.add(totals.dropped.total());
    right.add(status.queue.count);
    right.add(status.disk.unwrap_or_default().count);
    assert_eq!(left, right, "{totals:?}");
    totals
}

const SIX_HOURS: u64 = 6 * 3_600;

/// A request each ten seconds for six hours and then for another three; the backend is gone for about the
/// first six. Gives the most bytes that the queue held.
async fn outage(bench: Bench) -> (Totals, Vec<u64>, Monitor, usize) {
    let Bench { queue, monitor, sent, mut forwarder, .. } = bench;
    forwarder.random = fastrand::Rng::with_seed(11);
    let most = Cell::new(0);
    let stop = async {
        for number in 0..(SIX_HOURS + SIX_HOURS / 2) / 10 {
            queue.push(request(number));
            sleep(10 * SECOND).await;
            most.set(most.get().max(queue.level().bytes));
        }
        sleep(FAR / 2).await;
        Instant::now() + 60 * SECOND
    };
    // The futures of the test need not be `Send`.
    forwarder.run(stop).await;
    (balanced(&monitor), numbers(&sent), monitor, most.get())
}

/// Attempts at which the backend is back after about six hours.
const ATTEMPTS: usize = 1_400;

#[tokio::test(start_paused = true)]
async fn six_hours_without_a_backend_lose_nothing_with_the_log_and_memory_stays_flat() {
    let (bench, _folder) = with_log(dead(ATTEMPTS), CAP);
    let (totals, sent, monitor, most) = outage(bench).await;
    assert_eq!((totals.sent, totals.dropped.total()), (totals.produced, Count::default()));
    assert!(totals.stored.requests > 1_800, "{totals:?}");
    assert!(most < 4 * (BODY + crate::queue::ITEM_OVERHEAD), "{most}");
    let mut delivered = sent[ATTEMPTS..].to_vec();
    delivered.sort_unstable();
    assert_eq!(delivered, (0..totals.produced.requests).collect::<Vec<_>>(), "each of them once");
    assert_eq!(monitor.status().disk.expect("on").bytes, 0);
}

#[tokio::test(start_paused = true)]
async fn six_hours_without_a_backend_and_log_keep_the_newest_and_count_the_others_exactly() {
    let bench = bench(memory(), dead(ATTEMPTS));
    let (totals, sent, _, most) = outage(bench).await;
    // The bound, and the one request that knocks.
    assert!(most <= memory().max_bytes + BODY + crate::queue::ITEM_OVERHEAD, "{most} bytes were held");
    let delivered = &sent[ATTEMPTS..];
    assert!(delivered.is_sorted_by(|one, two| one < two));
    assert_eq!(totals.sent.points, delivered.iter().sum::<u64>());
    assert_eq!(totals.dropped.total().points, totals.produced.points - totals.sent.points);
    let lost = totals.produced.requests - totals.sent.requests;
    assert!(lost > 1_500, "{lost}");
    assert!(delivered.iter().skip(1).copied().eq(lost + 1..totals.produced.requests), "the newest, whole");
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_too_small_for_the_outage_keeps_the_newest_and_counts_the_others() {
    let (bench, folder) = with_log(dead(ATTEMPTS), 4 << 20);
    let (totals, _, monitor, _) = outage(bench).await;
    let lost = totals.dropped.of(DropReason::Disk);
    assert_eq!(totals.dropped.total(), lost);
    assert!((1_500..2_100).contains(&lost.requests), "{lost:?}");
    assert_eq!(monitor.status().disk.expect("on").evicted, lost, "there was no other reason");
    assert!(lost.points < lost.requests * lost.requests, "the oldest have the fewest points");
    assert!(folder.bytes() <= 4 << 20);
}

#[tokio::test(start_paused = true)]
async fn a_replay_that_is_refused_for_credentials_is_repeated_once_after_they_were_read_anew() {
    for (can_renew, refusals, attempts, sent) in [(false, 1, 3, 1), (true, 1, 4, 3), (true, 2, 4, 1)] {
        // The first request is refused and kept, the second one goes to the disk meanwhile.
        let script = [REFUSED, OK].into_iter().chain(std::iter::repeat_n(status(401), refusals));
        let (mut bench, _folder) = with_log(script.map(|outcome| (Duration::ZERO, outcome)), CAP);
        bench.forwarder.transport.can_renew = can_renew;
        bench.queue.push(request(1));
        bench.queue.push(request(2));
        let stop = async {
            sleep(FAR / 2).await;
            Instant::now() + SECOND
        };
        bench.forwarder.run(stop).await;
        let totals = balanced(&bench.monitor);
        assert_eq!((totals.attempts, totals.sent.points), (attempts, sent), "{can_renew} {refusals}");
        assert_eq!(totals.dropped.of(DropReason::Rejected).points, 3 - sent, "{can_renew} {refusals}");
        assert_eq!(totals.stored.requests, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_status_says_what_waits_where_since_when_and_why() {
    let (bench, folder) = with_log(dead(ATTEMPTS), CAP);
    let Bench { queue, monitor, forwarder, .. } = bench;
    let idle = monitor.status();
    assert_eq!((idle.oldest(), idle.last_success, idle.last_error.is_none()), (None, None, true));
    assert_eq!((idle.queue_limit, idle.disk.expect("on").limit), (1 << 20, CAP));
    let stop = async {
        for number in 5..15 {
            queue.push(request(number));
            sleep(SECOND).await;
        }
        let status = monitor.status();
        let disk = status.disk.as_ref().expect("on");
        // One knocks, the others are on the disk.
        assert_eq!((status.queue.count.requests, disk.count.requests), (1, 9));
        assert_eq!((status.queue.oldest, disk.oldest), (Some(Timestamp(5)), Some(Timestamp(6))));
        assert_eq!((status.oldest(), disk.newest), (Some(Timestamp(5)), Some(Timestamp(14))));
        assert!(disk.bytes > 9 * BODY as u64 && status.queue.bytes > BODY);
        assert_eq!(
            (status.last_success, &*status.last_error.clone().expect("refused").text),
            (None, "connect")
        );
        assert_eq!(status.failures_in_a_row, monitor.stats().totals().failures(Failure::Connect));
        assert_eq!((disk.failures, &disk.trouble), (0, &None));
        folder.fill();
        queue.push(request(15));
        sleep(30 * SECOND).await;
        let status = monitor.status();
        let disk = status.disk.as_ref().expect("on");
        assert_eq!((status.queue.count.requests, disk.count.requests), (2, 9));
        // After 1, 2, 4, 8 and 16 seconds.
        assert!((4..=6).contains(&disk.failures), "{disk:?}");
        assert!(disk.trouble.as_ref().is_some_and(|text| text.contains("No space left")), "{disk:?}");
        Instant::now() + SECOND
    };
    forwarder.run(stop).await;
    balanced(&monitor);
}

/// Runs an output whose first request is refused once, so that the second one goes to the disk, and whose
/// replay is then answered as the script says.
async fn replay(
    second: Item,
    script: Vec<(Duration, Outcome)>,
    runs: Duration,
) -> (Totals, Vec<Bytes>, Monitor) {
    let script = [(Duration::ZERO, REFUSED), (Duration::ZERO, OK)].into_iter().chain(script);
    let (bench, _folder) = with_log(script, CAP);
    bench.queue.push(request(1));
    bench.queue.push(second);
    let stop = async {
        sleep(runs).await;
        Instant::now() + SECOND
    };
    bench.forwarder.run(stop).await;
    let bodies = bench.sent.lock().expect("sound").iter().skip(2).map(|(_, body)| body.clone()).collect();
    (balanced(&bench.monitor), bodies, bench.monitor)
}

#[tokio::test(start_paused = true)]
async fn a_replay_that_is_too_large_is_halved_once_and_no_half_is_sent_twice() {
    for (codes, sent, lost) in [
        (vec![413, 200, 200], Count { requests: 2, points: 6 }, Count::default()),
        (vec![413, 413, 200], Count { requests: 1, points: 4 }, Count { requests: 1, points: 2 }),
        (vec![413, 413, 413], Count::default(), Count { requests: 2, points: 6 }),
        (vec![413, 503, 200, 503, 503, 200], Count { requests: 2, points: 6 }, Count::default()),
        (vec![503, 413, 200, 503, 413], Count { requests: 1, points: 2 }, Count { requests: 1, points: 4 }),
    ] {
        let script = codes.iter().map(|code| (Duration::ZERO, status(*code))).collect();
        let (totals, bodies, monitor) = replay(splittable(3), script, FAR / 2).await;
        // The request that was sent before has one point.
        let sent = Count { requests: sent.requests + 1, points: sent.points + 1 };
        assert_eq!((totals.sent, totals.dropped.of(DropReason::TooLarge)), (sent, lost), "{codes:?}");
        assert_eq!((totals.dropped.total(), totals.attempts), (lost, 2 + codes.len() as u64), "{codes:?}");
        assert_eq!(monitor.status().disk.expect("on").count, Count::default());
        let accepted = bodies.iter().zip(&codes).filter(|(_, code)| **code == 200);
        let points: u64 = accepted.map(|(body, _)| crate::request::halve::points(body).expect("OTLP")).sum();
        assert_eq!(points + 1, sent.points, "{codes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_replay_that_is_too_large_and_cannot_be_halved_is_dropped_without_another_attempt() {
    let (totals, ..) = replay(request(9), vec![(Duration::ZERO, status(413))], FAR / 2).await;
    let lost = Count { requests: 1, points: 9 };
    assert_eq!((totals.attempts, totals.dropped.of(DropReason::TooLarge)), (3, lost));
}

#[tokio::test(start_paused = true)]
async fn a_stop_between_the_halves_of_a_replay_leaves_the_whole_on_the_disk() {
    let script = vec![(Duration::ZERO, status(413)), (Duration::ZERO, OK), (FAR, OK)];
    let (totals, bodies, monitor) = replay(splittable(3), script, 60 * SECOND).await;
    assert_eq!((bodies.len(), totals.sent.requests, totals.dropped.total()), (3, 1, Count::default()));
    assert_eq!(monitor.status().disk.expect("on").count, Count { requests: 1, points: 6 });
}

#[tokio::test(start_paused = true)]
async fn the_replay_keeps_its_pace_and_what_is_collected_goes_before_it() {
    let (bench, _folder) = with_log(dead(40), CAP);
    let Bench { queue, monitor, sent, start, mut forwarder } = bench;
    forwarder.random = fastrand::Rng::with_seed(2);
    let stop = async {
        for number in 0..90 {
            queue.push(request(number));
        }
        while sent.lock().expect("sound").len() < 45 {
            sleep(Duration::from_millis(1)).await;
        }
        assert!(monitor.status().disk.expect("on").count.requests > 70);
        queue.push(request(500));
        sleep(Duration::from_millis(1)).await;
        assert_eq!(numbers(&sent).last(), Some(&500), "at once");
        sleep(600 * SECOND).await;
        Instant::now() + SECOND
    };
    forwarder.run(stop).await;
    let totals = balanced(&monitor);
    assert_eq!(totals.sent.requests, 91, "{totals:?}");
    let times: Vec<Duration> = sent.lock().expect("sound").iter().map(|(at, _)| *at - start).collect();
    let replay = times[times.len() - 1].saturating_sub(times[46]);
    let bytes = (BODY * (times.len() - 47)) as u64;
    assert!(bytes * 1_000 <= RATE * (u64::try_from(replay.as_millis()).expect("short") + 200), "{replay:?}");
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_fails_leaves_the_requests_in_memory_and_is_used_again_when_it_works() {
    let (bench, folder) = with_log(dead(ATTEMPTS), CAP);
    let Bench { queue, monitor, mut forwarder, .. } = bench;
    forwarder.random = fastrand::Rng::with_seed(2);
    folder.fill();
    let stop = async {
        for number in 0..20 {
            queue.push(request(number));
            sleep(SECOND).await;
        }
        let status = monitor.status();
        assert_eq!(status.queue.count.requests, 20, "{status:?}");
        assert!(status.disk.expect("on").trouble.is_some());
        folder.heal();
        sleep(60 * SECOND).await;
        let status = monitor.status();
        assert!(status.queue.count.requests <= 1, "{status:?}");
        assert_eq!(status.disk.expect("on").trouble, None);
        Instant::now() + 2 * SECOND
    };
    forwarder.run(stop).await;
    let totals = balanced(&monitor);
    assert_eq!(totals.dropped.total(), Count::default());
    assert_eq!(monitor.status().disk.expect("on").count.requests, 20, "all of them, also the one in flight");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_writes_what_is_left_or_counts_it_where_the_disk_fails() {
    for full in [false, true] {
        let (bench, folder) = with_log([(FAR, OK)], CAP);
        let Bench { queue, monitor, start, forwarder, .. } = bench;
        (0..5).for_each(|number| queue.push(request(number)));
        if full {
            folder.fill();
        }
        forwarder.run(async { Instant::now() + 2 * SECOND }).await;
        queue.push(request(7));
        assert!(start.elapsed() <= 2 * SECOND);
        let totals = balanced(&monitor);
        let (stored, lost) = if full { (0, 6) } else { (5, 1) };
        assert_eq!(monitor.status().disk.expect("on").count.requests, stored);
        assert_eq!(totals.dropped.of(DropReason::Shutdown).requests, lost);
        assert_eq!(totals.dropped.total().requests, lost);
    }
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_is_merely_slow_does_not_cost_requests_either() {
    let slow = std::iter::repeat_n((30 * SECOND, OK), 1_000);
    let (bench, _folder) = with_log(slow, CAP);
    let Bench { queue, monitor, forwarder, .. } = bench;
    let stop = async {
        for number in 0..500 {
            queue.push(request(number));
            sleep(SECOND).await;
        }
        sleep(FAR).await;
        Instant::now() + SECOND
    };
    forwarder.run(stop).await;
    let totals = balanced(&monitor);
    assert_eq!((totals.sent.requests, totals.dropped.total()), (500, Count::default()));
    assert!(totals.stored.requests > 100);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn whatever_backend_and_disk_do_and_whenever_it_stops_every_point_is_accounted_for(
        script in proptest::collection::vec(outcome(), 0..60),
        gaps in proptest::collection::vec(0_u64..3_000, 0..150),
        faults in proptest::collection::vec((0_u64..20, any::<bool>()), 0..8),
        runs in 0_u64..120,
        grace in 0_u64..30,
        cut in prop::option::of(0_u64..120),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async move {
            let limits = Limits { max_bytes: 100_000, reserved_bytes: 500, max_age: 20 * SECOND };
            let mut broken = None;
            let Bench { queue, monitor, forwarder, .. } = bench_with(limits, script, |queue| {
                let (log, folder) = inline(queue, 400_000);
                broken = Some(folder);
                Some(Spill::new(log, 4_000))
            });
            let folder = broken.expect("made");
            let items: Vec<Item> = (0..gaps.len() as u64)
                .map(|number| if number % 3 == 0 { splittable(number.cast_signed() % 5) } else { request(number) })
                .collect();
            let points: u64 = items.iter().map(|item| item.points).sum();
            let pushing = async {
                for (item, gap) in items.into_iter().zip(gaps) {
                    sleep(Duration::from_millis(gap)).await;
                    queue.push(item);
                }
            };
            let breaking = async {
                for (gap, full) in faults {
                    sleep(Duration::from_secs(gap)).await;
                    if full { folder.fill() } else { folder.heal() }
                }
            };
            let stop = async move {
                sleep(Duration::from_secs(runs)).await;
                Instant::now() + Duration::from_secs(grace)
            };
            let running = async move {
                let run = forwarder.run(stop);
                match cut {
                    // The future is dropped in the middle of whatever it does.
                    Some(seconds) => drop(tokio::time::timeout(Duration::from_secs(seconds), run).await),
                    None => run.await,
                }
            };
            tokio::join!(pushing, breaking, running);
            assert_eq!(balanced(&monitor).produced.points, points);
            assert_eq!(monitor.status().queue, crate::queue::Level::default(), "nothing is left in memory");
        });
    }
}

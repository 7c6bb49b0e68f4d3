use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use tokio::time::{sleep, sleep_until};

use super::*;
use crate::compress::{Compression, Payload};
use crate::fixtures::{METRICS, SCOPE};
use crate::model::Timestamp;
use crate::queue::{Class, DropReason, Item, Limits};
use crate::resolve::Names;
use crate::retry::{self, Failure, Outcome, RetryAfter};
use crate::stats::{Count, Totals};
use crate::transport::{Reply, Transport};

mod disk;

const SECOND: Duration = Duration::from_secs(1);
const FAR: Duration = Duration::from_hours(24);

/// Answers each exchange after a time as a script says, then always with success; notes when and what.
#[derive(Default)]
struct Scripted {
    script: VecDeque<(Duration, Outcome)>,
    sent: Arc<Mutex<Vec<(Instant, Bytes)>>>,
    can_renew: bool,
}

impl Transport for Scripted {
    async fn send(&mut self, payload: &Payload) -> Reply {
        self.sent.lock().expect("sound").push((Instant::now(), payload.bytes.clone()));
        let (time, outcome) = self.script.pop_front().unwrap_or((Duration::ZERO, OK));
        sleep(time).await;
        let remark = outcome.failure().map(|failure| failure.as_str().to_owned());
        Reply { outcome, remark, handed_over: true, unreadable: false }
    }

    fn renew(&mut self) -> bool {
        self.can_renew
    }

    async fn idle(&mut self) {
        std::future::pending::<()>().await;
    }
}

const OK: Outcome = status(200);
const REFUSED: Outcome = Outcome::Unanswered(Failure::Connect);

const fn status(status: u16) -> Outcome {
    Outcome::Answered { status, retry_after: None, rejected: 0 }
}

const fn busy(seconds: u64) -> Outcome {
    Outcome::Answered { status: 429, retry_after: Some(RetryAfter::Seconds(seconds)), rejected: 0 }
}

/// A forwarder over a scripted transport, and what a test looks at.
struct Bench {
    queue: Arc<Queue>,
    monitor: Monitor,
    sent: Arc<Mutex<Vec<(Instant, Bytes)>>>,
    start: Instant,
    forwarder: Forwarder<Scripted>,
}

fn bench(limits: Limits, script: impl IntoIterator<Item = (Duration, Outcome)>) -> Bench {
    bench_with(limits, script, |_| None)
}

fn bench_with(
    limits: Limits,
    script: impl IntoIterator<Item = (Duration, Outcome)>,
    spill: impl FnOnce(&Arc<Queue>) -> Option<Spill>,
) -> Bench {
    let queue = Queue::new("test", limits, Arc::new(Stats::default()));
    let health = Arc::new(Health::new("test", "scripted", None));
    let spill = spill(&queue);
    let log = spill.as_ref().map(|spill| Arc::clone(spill.log().shared()));
    let names = Names::new("127.0.0.1", &crate::resolve::Settings::default()).view();
    let monitor = Monitor::new(Arc::clone(&health), Arc::clone(&queue), names, log);
    let transport = Scripted { script: script.into_iter().collect(), ..Scripted::default() };
    let sent = Arc::clone(&transport.sent);
    let compressor = Compressor::new(Compression::None);
    let retry = retry::Limits { initial: SECOND, max: 30 * SECOND, max_asked: Duration::from_mins(5) };
    let forwarder = Forwarder::new(Arc::clone(&queue), health, transport, compressor, retry, spill);
    Bench { queue, monitor, sent, start: Instant::now(), forwarder }
}

fn item(name: u8, points: u64) -> Item {
    Item { body: Bytes::from(vec![name]), points, class: Class::Data, created: Timestamp(u64::from(name)) }
}

fn age(seconds: u64) -> Limits {
    Limits { max_age: Duration::from_secs(seconds), ..Limits::default() }
}

fn push(queue: &Queue, names: std::ops::Range<u8>) {
    names.for_each(|name| queue.push(item(name, 10)));
}

/// What was sent, with the seconds since the start.
fn sent(log: &Mutex<Vec<(Instant, Bytes)>>, start: Instant) -> Vec<(u64, u8)> {
    let log = log.lock().expect("sound");
    log.iter().map(|(at, body)| (at.duration_since(start).as_secs(), body[0])).collect()
}

/// Nothing is left, and everything is accounted for.
#[track_caller]
fn settled(monitor: &Monitor) -> Totals {
    let (totals, status) = (monitor.stats().totals(), monitor.status());
    let mut accounted = totals.sent;
    accounted.add(totals.dropped.total());
    assert_eq!(totals.produced, accounted, "{totals:?}");
    assert_eq!(status.queue, crate::queue::Level::default());
    totals
}

#[tokio::test(start_paused = true)]
async fn a_failure_pauses_the_destination_and_an_item_that_grows_too_old_does_not_end_the_pause() {
    let bench = bench(age(15), [(Duration::ZERO, busy(20))]);
    push(&bench.queue, 0..1);
    let pushed = async {
        sleep(10 * SECOND).await;
        bench.queue.push(item(1, 10));
        sleep(20 * SECOND).await;
        Instant::now() + FAR
    };
    bench.forwarder.run(pushed).await;
    let sent = sent(&bench.sent, bench.start);
    assert_eq!(sent.iter().map(|(_, name)| *name).collect::<Vec<_>>(), [0, 1], "{sent:?}");
    assert!((20..22).contains(&sent[1].0), "the second item waits for the backend's wish too: {sent:?}");
    let totals = settled(&bench.monitor);
    assert_eq!(totals.dropped.of(DropReason::TooOld), Count { requests: 1, points: 10 });
    assert_eq!((totals.sent.points, totals.attempts, totals.retries), (10, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn while_a_retry_waits_the_queue_accepts_and_drops_its_oldest() {
    let limits = Limits { max_bytes: 3 * (1 + crate::queue::ITEM_OVERHEAD), reserved_bytes: 0, ..age(600) };
    let bench = bench(limits, [(Duration::ZERO, busy(60))]);
    push(&bench.queue, 0..1);
    let pushed = async {
        sleep(SECOND).await;
        push(&bench.queue, 1..10);
        sleep(100 * SECOND).await;
        Instant::now() + FAR
    };
    bench.forwarder.run(pushed).await;
    let names: Vec<u8> = sent(&bench.sent, bench.start).iter().map(|(_, name)| *name).collect();
    assert_eq!(names, [0, 0, 7, 8, 9], "the one in flight, then the newest");
    assert_eq!(settled(&bench.monitor).dropped.of(DropReason::QueueFull).requests, 6);
}

#[tokio::test(start_paused = true)]
async fn consecutive_failures_widen_the_pauses_and_a_success_resets_them() {
    let dead = std::iter::repeat_n((Duration::ZERO, REFUSED), 40);
    let mut bench = bench(age(3_600), dead);
    bench.forwarder.random = fastrand::Rng::with_seed(1);
    push(&bench.queue, 0..2);
    let health = bench.monitor.clone();
    let stop = async {
        sleep(SECOND).await;
        let status = health.status();
        assert!(status.failures_in_a_row > 0 && status.last_success.is_none());
        assert_eq!(status.last_error.expect("it failed").text, "connect");
        assert_eq!((status.queue.count.requests, status.queue.oldest), (2, Some(Timestamp(0))));
        sleep(3_000 * SECOND).await;
        Instant::now() + FAR
    };
    bench.forwarder.run(stop).await;
    let sent = sent(&bench.sent, bench.start);
    assert_eq!(sent.len(), 42);
    let gaps: Vec<u64> = sent.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!(gaps.iter().all(|gap| *gap <= 30), "{gaps:?}");
    let mean = gaps[10..40].iter().sum::<u64>() / 30;
    assert!((10..20).contains(&mean), "30 draws from half a minute: {gaps:?}");
    assert_eq!(gaps[40], 0, "after a success the next item goes at once");
    let status = bench.monitor.status();
    assert_eq!((status.failures_in_a_row, settled(&bench.monitor).sent.points), (0, 20));
    assert!(status.last_success.is_some() && status.last_error.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_cuts_a_back_off_for_a_last_try_and_drains() {
    let mut bench = bench(age(600), std::iter::repeat_n((Duration::ZERO, REFUSED), 12));
    bench.forwarder.random = fastrand::Rng::with_seed(3);
    push(&bench.queue, 0..5);
    let (log, start) = (Arc::clone(&bench.sent), bench.start);
    // Right after the twelfth failure, at the start of a pause of up to 30 s.
    let stop = async {
        while log.lock().expect("sound").len() < 12 {
            sleep(Duration::from_millis(1)).await;
        }
        Instant::now() + SECOND
    };
    bench.forwarder.run(stop).await;
    let sent = sent(&log, start);
    assert_eq!(sent.len(), 12 + 5);
    assert_eq!(sent[16].0, sent[11].0, "{sent:?}");
    assert_eq!(settled(&bench.monitor).sent.requests, 5);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_overrule_the_backends_wish_nor_wait_in_vain() {
    let bench = bench(age(600), [(Duration::ZERO, busy(60))]);
    push(&bench.queue, 0..3);
    let stop = async {
        sleep(SECOND).await;
        Instant::now() + 10 * SECOND
    };
    bench.forwarder.run(stop).await;
    assert_eq!(bench.start.elapsed(), SECOND, "the wish is past the deadline: it ends at once");
    let totals = settled(&bench.monitor);
    assert_eq!((totals.attempts, totals.dropped.of(DropReason::Shutdown).requests), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_wish_that_ends_before_the_deadline_is_waited_for() {
    let bench = bench(age(600), [(Duration::ZERO, busy(5))]);
    push(&bench.queue, 0..3);
    let stop = async {
        sleep(SECOND).await;
        Instant::now() + 10 * SECOND
    };
    bench.forwarder.run(stop).await;
    assert_eq!(sent(&bench.sent, bench.start)[1..], [(5, 0), (5, 1), (5, 2)]);
    assert_eq!(settled(&bench.monitor).sent.requests, 3);
}

#[tokio::test(start_paused = true)]
async fn a_dead_backend_is_not_hammered_during_the_drain() {
    let mut bench = bench(age(600), std::iter::repeat_n((Duration::ZERO, REFUSED), 10_000));
    bench.forwarder.random = fastrand::Rng::with_seed(5);
    push(&bench.queue, 0..100);
    bench.forwarder.run(async { Instant::now() + 20 * SECOND }).await;
    let totals = settled(&bench.monitor);
    assert!((2..20).contains(&totals.attempts), "{}", totals.attempts);
    assert_eq!(totals.dropped.of(DropReason::Shutdown).requests, 100);
    assert!(bench.start.elapsed() <= 20 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn an_exchange_under_way_survives_the_request_to_stop_and_ends_at_the_deadline() {
    for (needs, requests, attempts) in [(5, 2, 2), (30, 0, 1)] {
        let bench = bench(age(600), [(Duration::from_secs(needs), OK)]);
        push(&bench.queue, 0..2);
        let stop = async {
            sleep(SECOND).await;
            Instant::now() + 10 * SECOND
        };
        bench.forwarder.run(stop).await;
        let totals = settled(&bench.monitor);
        assert_eq!((totals.sent.requests, totals.attempts), (requests, attempts));
        assert_eq!(totals.dropped.of(DropReason::Shutdown).requests, 2 - requests);
        assert_eq!(bench.start.elapsed().as_secs(), needs.min(11));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_pushed_during_the_drain_is_sent_and_after_it_counted() {
    let bench = bench(age(600), [(5 * SECOND, OK)]);
    push(&bench.queue, 0..1);
    let queue = Arc::clone(&bench.queue);
    let late = async {
        sleep_until(bench.start + SECOND).await;
        queue.push(item(9, 10));
    };
    tokio::join!(bench.forwarder.run(async { Instant::now() + FAR }), late);
    queue.push(item(10, 7));
    let totals = settled(&bench.monitor);
    assert_eq!((totals.sent.points, totals.dropped.of(DropReason::Shutdown).points), (20, 7));
}

/// A request of `points` points that can be split, for resource after resource two points each.
fn splittable(resources: i64) -> Item {
    let mut body = Vec::new();
    for resource in 0..resources {
        let attributes = [crate::model::Attribute::int("n", resource)];
        let mut segment = crate::segment::Segment::new(&attributes, SCOPE, Timestamp(1));
        let ids = [0, 1].map(|index| segment.series(&METRICS[index], &[]));
        segment.begin(Timestamp(2));
        segment.set_double(ids[0], 1.0);
        segment.set_int(ids[1], 1);
        segment.finish();
        body.extend_from_slice(&segment.encoded());
    }
    let points = u64::try_from(2 * resources).expect("positive");
    Item { body: body.into(), points, class: Class::Data, created: Timestamp(1) }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_too_large_is_split_once_and_its_halves_are_judged_alone() {
    for (script, sent, dropped) in [
        (vec![413, 200, 200], Count { requests: 2, points: 6 }, Count::default()),
        (vec![413, 413, 200], Count { requests: 1, points: 4 }, Count { requests: 1, points: 2 }),
        (vec![413, 503, 413, 413], Count::default(), Count { requests: 2, points: 6 }),
    ] {
        let attempts = script.len() as u64;
        let bench = bench(age(600), script.into_iter().map(|code| (Duration::ZERO, status(code))));
        bench.queue.push(splittable(3));
        bench.forwarder.run(async { Instant::now() + FAR }).await;
        let totals = settled(&bench.monitor);
        assert_eq!((totals.sent, totals.dropped.of(DropReason::TooLarge)), (sent, dropped));
        assert_eq!(totals.produced, Count { requests: 2, points: 6 });
        assert_eq!((totals.attempts, totals.dropped.total()), (attempts, dropped));
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_split_is_dropped_as_too_large_without_another_attempt() {
    let bench = bench(age(600), [(Duration::ZERO, status(413))]);
    push(&bench.queue, 0..1);
    bench.forwarder.run(async { Instant::now() + FAR }).await;
    let totals = settled(&bench.monitor);
    assert_eq!((totals.attempts, totals.dropped.of(DropReason::TooLarge).points), (1, 10));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_between_the_halves_counts_the_second_as_lost_to_it() {
    let bench = bench(age(600), [(Duration::ZERO, status(413)), (9 * SECOND, OK), (FAR, OK)]);
    bench.queue.push(splittable(4));
    bench.forwarder.run(async { Instant::now() + 10 * SECOND }).await;
    let totals = settled(&bench.monitor);
    assert_eq!((totals.sent.points, totals.dropped.of(DropReason::Shutdown).points), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_read_anew_once_and_only_where_they_can_have_changed() {
    for (can_renew, script, attempts, sent) in [
        (false, vec![401], 1, 0),
        (true, vec![401], 2, 10),
        (true, vec![403, 401], 2, 0),
        (true, vec![401, 503, 401], 3, 0),
    ] {
        let script = script.into_iter().map(|code| (Duration::ZERO, status(code)));
        let mut bench = bench(age(600), script);
        bench.forwarder.transport.can_renew = can_renew;
        push(&bench.queue, 0..1);
        bench.forwarder.run(async { Instant::now() + FAR }).await;
        let totals = settled(&bench.monitor);
        assert_eq!((totals.attempts, totals.sent.points), (attempts, sent));
        assert_eq!(totals.dropped.of(DropReason::Rejected).points, 10 - sent);
    }
}

fn outcome() -> impl Strategy<Value = (Duration, Outcome)> {
    let outcome = prop_oneof![
        3 => (0_u64..12).prop_map(|rejected| Outcome::Answered { status: 200, retry_after: None, rejected }),
        3 => prop_oneof![Just(400), Just(401), Just(413), Just(500), Just(502), Just(503), Just(302)]
            .prop_map(status),
        2 => (0_u64..100).prop_map(busy),
        3 => Just(REFUSED),
        1 => Just(Outcome::Unanswered(Failure::Timeout)),
    ];
    ((0_u64..4_000).prop_map(Duration::from_millis), outcome)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_backend_does_and_whenever_it_stops_every_point_is_accounted_for(
        script in proptest::collection::vec(outcome(), 0..60),
        pushes in proptest::collection::vec((0_u64..3_000, 0_u64..20, any::<bool>()), 0..60),
        runs in 0_u64..120,
        grace in 0_u64..30,
        cut in prop::option::of(0_u64..120),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async move {
            let limits = Limits { max_bytes: 2_000, reserved_bytes: 500, max_age: 20 * SECOND };
            let Bench { queue, monitor, forwarder, .. } = bench(limits, script);
            let item_of = |points: u64| if points.is_multiple_of(4) { splittable(points.cast_signed() / 2) } else { item(1, points) };
            let points: u64 = pushes.iter().map(|(_, points, _)| points).sum();
            let pushing = async {
                for (gap, points, own) in pushes {
                    sleep(Duration::from_millis(gap)).await;
                    let class = if own { Class::SelfTelemetry } else { Class::Data };
                    queue.push(Item { class, ..item_of(points) });
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
            tokio::join!(pushing, running);
            assert_eq!(settled(&monitor).produced.points, points);
        });
    }
}

#[test]
fn settings_that_cannot_work_are_refused_without_repeating_a_secret() {
    let sound = Settings::new("test", "http://localhost:4318/v1/metrics");
    assert!(Output::new(&sound).is_ok());
    let says = |settings: Settings| Output::new(&settings).err().expect("must be refused").to_string();
    let with = |edit: fn(&mut Settings)| {
        let mut settings = sound.clone();
        edit(&mut settings);
        says(settings)
    };
    assert!(with(|s| s.timeout = Duration::ZERO).contains("time limit"));
    assert!(with(|s| s.timeout = FAR + SECOND).contains("longer than a day"));
    assert!(with(|s| s.queue.reserved_bytes = s.queue.max_bytes).contains("self-telemetry"));
    assert!(with(|s| s.queue.max_age = Duration::ZERO).contains("longest time in the queue"));
    assert!(with(|s| s.retry.initial = Duration::ZERO).contains("first wait"));
    assert!(with(|s| s.retry.initial = s.retry.max + SECOND).contains("first wait"));
    assert!(with(|s| s.retry.max_asked = Duration::MAX).contains("longer than a day"));
    let header = with(|s| s.headers = vec![("authorization".to_owned(), "Bearer s3cret\n".to_owned())]);
    assert_eq!(header, "header \"authorization\": its value cannot be sent");
    let userinfo = with(|s| s.endpoint = "http://me:s3cret@localhost/".to_owned());
    assert!(userinfo.contains("credentials belong in a header") && !userinfo.contains("s3cret"));
}

use std::thread;

use proptest::prelude::*;

use super::*;

fn item(class: Class, bytes: usize, points: u64) -> Item {
    Item { body: Bytes::from(vec![0; bytes]), points, class, created: Timestamp(points) }
}

fn limits(max: usize, reserved: usize, age: u64) -> Limits {
    Limits { max_bytes: max, reserved_bytes: reserved, max_age: Duration::from_secs(age) }
}

/// The invariant of the crate, in requests and in points.
#[track_caller]
fn assert_balanced(queue: &Queue) {
    let level = queue.level();
    let totals = queue.stats().totals();
    let mut accounted = totals.sent;
    accounted.add(totals.dropped.total());
    accounted.add(level.count);
    assert_eq!(totals.produced, accounted, "{totals:?} {level:?}");
}

#[derive(Debug, Clone)]
enum Step {
    Push { own: bool, bytes: usize, points: u64 },
    Pop,
    Deliver { which: usize, rejected: u64 },
    Refuse { which: usize },
    Forget { which: usize },
    Wait { seconds: u64 },
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (any::<bool>(), 0_usize..900, 0_u64..50)
            .prop_map(|(own, bytes, points)| Step::Push { own, bytes, points }),
        4 => Just(Step::Pop),
        3 => (0_usize..4, 0_u64..60).prop_map(|(which, rejected)| Step::Deliver { which, rejected }),
        1 => (0_usize..4).prop_map(|which| Step::Refuse { which }),
        1 => (0_usize..4).prop_map(|which| Step::Forget { which }),
        3 => (0_u64..15).prop_map(|seconds| Step::Wait { seconds }),
        1 => prop_oneof![9 => Just(Step::Pop), 1 => Just(Step::Close)],
    ]
}

/// The queue as one would write it down: a list, searched anew for everything.
#[derive(Default)]
struct Model {
    waiting: Vec<(Class, usize, u64, u64)>,
    flying: Vec<u64>,
    now: u64,
    closed: bool,
    lost: Losses,
    sent: Count,
}

const MAX: usize = 2_000;
const RESERVED: usize = 600;
const AGE: u64 = 20;

impl Model {
    fn lose(&mut self, reason: DropReason, points: u64) {
        self.lost.add(reason, Count { requests: 1, points });
    }

    fn expire(&mut self) {
        for (_, _, points, since) in self.waiting.clone() {
            if self.now - since > AGE {
                self.lose(DropReason::TooOld, points);
            }
        }
        let now = self.now;
        self.waiting.retain(|(.., since)| now - since <= AGE);
    }

    fn push(&mut self, class: Class, bytes: usize, points: u64) {
        self.expire();
        let limit = if class == Class::Data { MAX - RESERVED } else { RESERVED };
        if self.closed {
            return self.lose(DropReason::Shutdown, points);
        }
        if bytes + ITEM_OVERHEAD > limit {
            return self.lose(DropReason::TooLarge, points);
        }
        self.waiting.push((class, bytes + ITEM_OVERHEAD, points, self.now));
        let of_class = |waiting: &[(Class, usize, u64, u64)]| -> usize {
            waiting.iter().filter(|entry| entry.0 == class).map(|entry| entry.1).sum()
        };
        while of_class(&self.waiting) > limit {
            let oldest = self.waiting.iter().position(|entry| entry.0 == class).expect("one at least");
            let (_, _, points, _) = self.waiting.remove(oldest);
            self.lose(DropReason::QueueFull, points);
        }
    }

    fn close(&mut self) {
        self.closed = true;
        for (_, _, points, _) in std::mem::take(&mut self.waiting) {
            self.lose(DropReason::Shutdown, points);
        }
    }
}

/// Applies one step to both; what is in flight keeps the same order in both.
fn apply(step: &Step, queue: &Arc<Queue>, flying: &mut Vec<InFlight>, model: &mut Model) {
    let pick = |which: usize| which.min(model.flying.len().saturating_sub(1));
    match *step {
        Step::Push { own, bytes, points } => {
            let class = if own { Class::SelfTelemetry } else { Class::Data };
            queue.push(item(class, bytes, points));
            model.push(class, bytes, points);
        }
        Step::Pop => {
            model.expire();
            let popped = queue.try_pop();
            let expected = (!model.waiting.is_empty()).then(|| model.waiting.remove(0));
            assert_eq!(popped.as_ref().map(InFlight::points), expected.map(|entry| entry.2));
            model.flying.extend(expected.map(|entry| entry.2));
            flying.extend(popped);
        }
        Step::Deliver { .. } | Step::Refuse { .. } | Step::Forget { .. } if flying.is_empty() => {}
        Step::Deliver { which, rejected } => {
            let which = pick(which);
            flying.remove(which).delivered(rejected);
            let points = model.flying.remove(which);
            let lost = rejected.min(points);
            model.sent.add(Count { requests: 1, points: points - lost });
            model.lost.add(DropReason::PartialSuccess, Count { requests: 0, points: lost });
        }
        Step::Refuse { which } => {
            let which = pick(which);
            flying.remove(which).dropped(DropReason::Rejected);
            let points = model.flying.remove(which);
            model.lose(DropReason::Rejected, points);
        }
        Step::Forget { which } => {
            let which = pick(which);
            drop(flying.remove(which));
            let points = model.flying.remove(which);
            model.lose(DropReason::Shutdown, points);
        }
        Step::Wait { seconds } => model.now += seconds,
        Step::Close => {
            queue.close();
            model.close();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_any_history_the_queue_agrees_with_a_naive_list_and_adds_up(
        steps in proptest::collection::vec(step(), 0..120),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()
            .expect("a runtime");
        runtime.block_on(async {
            let queue = Queue::new("test", limits(MAX, RESERVED, AGE), Arc::default());
            let mut model = Model::default();
            let mut flying = Vec::new();
            for step in &steps {
                if let Step::Wait { seconds } = step {
                    tokio::time::advance(Duration::from_secs(*seconds)).await;
                }
                apply(step, &queue, &mut flying, &mut model);
                let level = queue.level();
                model.expire();
                let totals = queue.stats().totals();
                assert_eq!((totals.dropped, totals.sent), (model.lost, model.sent), "{step:?}");
                let waiting: u64 = model.waiting.iter().map(|entry| entry.2).chain(model.flying.clone()).sum();
                assert_eq!(level.count.points, waiting);
                assert_eq!(level.count.requests, (model.waiting.len() + model.flying.len()) as u64);
                assert_balanced(&queue);
                let (data, own) = queue.with(|lanes, _| {
                    (lanes.lane_bytes(Class::Data), lanes.lane_bytes(Class::SelfTelemetry))
                });
                assert!(data <= MAX - RESERVED && own <= RESERVED);
            }
        });
    }
}

#[test]
fn a_flood_of_one_class_leaves_the_other_untouched() {
    for (flood, other) in [(Class::Data, Class::SelfTelemetry), (Class::SelfTelemetry, Class::Data)] {
        let queue = Queue::new("test", limits(4_000, 1_000, 60), Arc::default());
        queue.push(item(other, 10, 7));
        for _ in 0..1_000 {
            queue.push(item(flood, 100, 1));
        }
        assert_eq!(queue.try_pop().expect("the first is still there").points(), 7, "{other:?}");
        assert_eq!(queue.stats().totals().dropped.of(DropReason::TooLarge), Count::default());
        assert_balanced(&queue);
    }
}

#[test]
fn empty_items_are_bounded_too() {
    let queue = Queue::new("test", limits(10 * ITEM_OVERHEAD, 0, 60), Arc::default());
    for _ in 0..100 {
        queue.push(item(Class::Data, 0, 0));
    }
    assert_eq!(queue.level().count.requests, 10);
    assert_eq!(queue.level().bytes, 10 * ITEM_OVERHEAD);
    assert_balanced(&queue);
}

#[test]
fn the_oldest_item_is_known_while_it_waits_and_while_it_flies() {
    let queue = Queue::new("test", Limits::default(), Arc::default());
    assert_eq!(queue.level().oldest, None);
    queue.push(item(Class::SelfTelemetry, 1, 11));
    queue.push(item(Class::Data, 1, 22));
    assert_eq!(queue.level().oldest, Some(Timestamp(11)));
    let first = queue.try_pop().expect("the older one");
    assert_eq!(queue.level().oldest, Some(Timestamp(11)));
    first.delivered(0);
    assert_eq!(queue.level().oldest, Some(Timestamp(22)));
    assert_balanced(&queue);
}

#[test]
fn an_item_in_flight_becomes_too_old_by_the_same_clock_as_one_that_waits() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let queue = Queue::new("test", limits(1_000, 0, 5), Arc::default());
        queue.push(item(Class::Data, 1, 1));
        let flying = queue.try_pop().expect("just pushed");
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!(!flying.is_too_old());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(flying.is_too_old());
    });
}

#[tokio::test]
async fn a_push_from_another_thread_wakes_the_one_who_waits() {
    let queue = Queue::new("test", Limits::default(), Arc::default());
    let pusher = Arc::clone(&queue);
    let (go, gone) = std::sync::mpsc::sync_channel::<()>(1);
    let thread = thread::spawn(move || {
        gone.recv().expect("the signal");
        pusher.push(item(Class::Data, 3, 5));
    });
    let popped = tokio::select! {
        biased;
        popped = queue.pop() => popped,
        // Reached only once `pop` has been polled and found nothing.
        () = async { go.send(()).expect("the thread waits"); std::future::pending().await } => unreachable!(),
    };
    assert_eq!(popped.points(), 5);
    popped.delivered(0);
    thread.join().expect("the pusher ends");
    assert_balanced(&queue);
}

#[test]
fn the_log_speaks_at_once_and_then_once_in_ten_seconds_with_everything_since() {
    let mut log = DropLog::default();
    let mut one = Losses::default();
    one.add(DropReason::QueueFull, Count { requests: 1, points: 10 });
    assert_eq!(log.due(Duration::ZERO), None);
    log.add(&one);
    assert_eq!(log.due(Duration::ZERO), Some(one));
    for _ in 0..3 {
        log.add(&one);
        assert_eq!(log.due(Duration::from_millis(9_999)), None);
    }
    let losses = log.due(Duration::from_secs(10)).expect("due again");
    assert_eq!(losses.total(), Count { requests: 3, points: 30 });
    assert_eq!(drop_log::describe(&losses), "queue_full=30");
    log.add(&one);
    assert_eq!(log.flush(), Some(one), "the end of the queue does not wait for the interval");
    assert_eq!(log.flush(), None);
}

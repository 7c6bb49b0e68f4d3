use serde_json::Value;

use super::*;
use crate::simulated::apiserver::counts::{Counter, Kind as Asked};
use crate::simulated::apiserver::fairness::Capacity;
use crate::simulated::apiserver::question::Selector;
use crate::simulated::apiserver::store::{Begin, DaemonSet};

struct Ground {
    store: Store,
    health: watch::Sender<Health>,
    counter: Counter,
}

impl Ground {
    fn new() -> Self {
        let daemon_set = DaemonSet::new("tare", "tare", Duration::ZERO, 1);
        let store = Store::new(Duration::from_mins(1), daemon_set);
        store.add_pod(json!({"metadata": {"name": "a"}, "spec": {"nodeName": "n"}})).unwrap();
        Self { store, health: watch::Sender::new(Health::Good), counter: Counter::default() }
    }

    fn watch(&self, seconds: u64, begin: Begin, from: u64) -> Watching {
        let kind = Asked {
            verb: String::new(),
            resource: String::new(),
            user_agent: String::new(),
            user: String::new(),
        };
        let wish = Wish {
            ends: Instant::now() + Duration::from_secs(seconds),
            bookmarks: Some(Duration::from_mins(1)),
            initial_events: begin == Begin::Everything,
            from,
        };
        Watching::new(
            self.store.clone(),
            Arc::new(Fairness::new(None, Capacity::default())),
            self.health.subscribe(),
            self.counter.arrived(std::time::SystemTime::now(), kind),
            wish,
            self.store.watch(Selector::default(), begin).unwrap(),
        )
    }
}

async fn rest(watching: &mut Watching) -> Vec<(u64, String)> {
    let begin = Instant::now();
    let mut lines = Vec::new();
    while let Some(line) = watching.next().await {
        let event: Value = serde_json::from_slice(&line).unwrap();
        lines.push((begin.elapsed().as_secs(), event["type"].as_str().unwrap().to_owned()));
    }
    lines.push((begin.elapsed().as_secs(), "end".to_owned()));
    lines
}

fn expected(lines: &[(u64, &str)]) -> Vec<(u64, String)> {
    lines.iter().map(|(at, kind)| (*at, (*kind).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_bookmark_comes_every_minute_and_two_seconds_before_the_end() {
    let ground = Ground::new();
    let mut watching = ground.watch(150, Begin::After(ground.store.version()), 0);
    let lines = [(60, "BOOKMARK"), (120, "BOOKMARK"), (148, "BOOKMARK"), (150, "end")];
    assert_eq!(rest(&mut watching).await, expected(&lines));
    assert_eq!(ground.counter.snapshot().bytes() % 3, 0, "three lines of one length");
    assert!(ground.counter.snapshot().bytes() > 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_there_comes_first_and_a_bookmark_says_where_it_ends() {
    let ground = Ground::new();
    let mut watching = ground.watch(1, Begin::Everything, 0);
    assert_eq!(rest(&mut watching).await, expected(&[(0, "ADDED"), (0, "BOOKMARK"), (1, "end")]));
    let mut again = ground.watch(1, Begin::Everything, 0);
    again.next().await.unwrap();
    let line: Value = serde_json::from_slice(&again.next().await.unwrap()).unwrap();
    assert_eq!(line["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    assert!(line["object"]["spec"]["containers"].is_null());
}

#[tokio::test(start_paused = true)]
async fn a_watch_from_the_future_has_no_bookmark_before_its_time() {
    let ground = Ground::new();
    let from = ground.store.version() + 1_000;
    let mut watching = ground.watch(200, Begin::After(from), from);
    assert_eq!(rest(&mut watching).await, expected(&[(200, "end")]));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_is_silent_and_goes_on_where_it_was() {
    let ground = Ground::new();
    let mut watching = ground.watch(1_000, Begin::After(ground.store.version()), 0);
    ground.health.send_replace(Health::Stalled);
    ground.store.remove_pod("default", "a").unwrap();
    {
        let next = watching.next();
        tokio::pin!(next);
        assert!(tokio::time::timeout(Duration::from_secs(500), next.as_mut()).await.is_err());
        ground.health.send_replace(Health::Good);
        assert!(next.await.unwrap().starts_with(b"{\"type\":\"DELETED\""));
    }
    ground.health.send_replace(Health::Failing(503));
    assert_eq!(watching.next().await, None);
}

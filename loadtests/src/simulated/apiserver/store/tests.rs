use serde_json::json;

use super::*;
use crate::simulated::apiserver::question::Question;

fn store(history: Duration) -> Store {
    Store::new(history, DaemonSet::new("tare", "tare", Duration::from_hours(1), 3))
}

fn pod(name: &str, node: &str, phase: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "team"}, "spec": {"nodeName": node}, "status": {"phase": phase}})
}

fn selector(of: &str) -> Selector {
    Selector::read(&Question::read("GET", &format!("/api/v1/pods?fieldSelector={of}"))).unwrap()
}

/// Type, name and version of a line.
fn told(line: &Bytes) -> String {
    assert!(line.ends_with(b"}\n"));
    let event: Value = serde_json::from_slice(line).unwrap();
    assert_eq!(event["object"]["kind"], "Pod");
    let metadata = &event["object"]["metadata"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    format!("{} {} {}", text(&event["type"]), text(&metadata["name"]), text(&metadata["resourceVersion"]))
}

#[test]
fn a_watch_from_a_version_tells_what_happened_since_and_then_what_happens() {
    let store = store(Duration::from_mins(1));
    let from = store.add_pod(pod("a", "n", "Pending")).unwrap();
    let second = store.add_pod(pod("a", "n", "Running")).unwrap();
    store.add_pod(pod("b", "other", "Running")).unwrap();
    let mut opened = store.watch(selector("spec.nodeName=n"), Begin::After(from)).unwrap();
    assert_eq!(opened.first.iter().map(told).collect::<Vec<_>>(), [format!("MODIFIED a {second}")]);
    let third = store.remove_pod("team", "a").unwrap();
    assert_eq!(told(&opened.later.try_recv().unwrap()), format!("DELETED a {third}"));
    store.remove_pod("team", "b").unwrap();
    assert!(opened.later.try_recv().is_err(), "another node's");
    assert_eq!(store.remove_pod("team", "b"), None);
}

#[test]
fn a_pod_that_leaves_the_selection_is_deleted_for_that_watch_and_one_that_enters_is_added() {
    let store = store(Duration::from_mins(1));
    let own = "spec.nodeName=n,status.phase!=Succeeded";
    let mut opened = store.watch(selector(own), Begin::Everything).unwrap();
    store.add_pod(pod("a", "", "Pending")).unwrap();
    store.add_pod(pod("a", "n", "Pending")).unwrap();
    store.add_pod(pod("a", "n", "Succeeded")).unwrap();
    let mut kinds = Vec::new();
    while let Ok(line) = opened.later.try_recv() {
        kinds.push(told(&line).split(' ').next().unwrap().to_owned());
    }
    assert_eq!(kinds, ["ADDED", "DELETED"]);
    assert!(store.list(&selector(own), None, None).pods.is_empty());
}

#[test]
fn what_is_older_than_the_window_is_gone_for_a_watch_and_nothing_within_it_is() {
    let kept = store(Duration::from_mins(1));
    let first = kept.add_pod(pod("a", "n", "Running")).unwrap();
    kept.add_pod(pod("b", "n", "Running")).unwrap();
    assert_eq!(kept.watch(selector(""), Begin::After(first)).unwrap().first.len(), 1);
    assert_eq!(kept.watch(selector(""), Begin::After(FIRST - 1)).unwrap_err(), Gone(FIRST));
    let forgetful = store(Duration::ZERO);
    let first = forgetful.add_pod(pod("a", "n", "Running")).unwrap();
    let second = forgetful.add_pod(pod("b", "n", "Running")).unwrap();
    std::thread::sleep(Duration::from_millis(1));
    assert_eq!(forgetful.watch(selector(""), Begin::After(first)).unwrap_err(), Gone(second));
    assert!(forgetful.watch(selector(""), Begin::After(second)).is_ok());
}

#[test]
fn a_watch_from_the_future_is_told_nothing_before_that_version() {
    let store = store(Duration::from_mins(1));
    let mut opened = store.watch(selector(""), Begin::After(store.version() + 2)).unwrap();
    for name in ["a", "b", "c"] {
        store.add_pod(pod(name, "n", "Running")).unwrap();
    }
    assert!(told(&opened.later.try_recv().unwrap()).starts_with("ADDED c"));
    assert!(opened.first.is_empty() && opened.later.try_recv().is_err());
}

#[test]
fn a_list_comes_in_pages_that_miss_nothing() {
    let store = store(Duration::from_mins(1));
    for number in 0..7 {
        store.add_pod(pod(&format!("p{number}"), "n", "Running")).unwrap();
    }
    let (mut after, mut seen) = (None, 0);
    for _ in 0..3 {
        let page = store.list(&selector("spec.nodeName=n"), after.as_ref(), Some(3));
        seen += page.pods.len();
        after = page.last;
    }
    assert_eq!((seen, after), (7, None));
}

#[test]
fn a_watch_that_is_too_slow_is_ended_and_one_that_has_gone_is_forgotten() {
    let store = store(Duration::from_mins(1));
    let mut slow = store.watch(selector("spec.nodeName=n"), Begin::Everything).unwrap();
    let gone = store.watch(selector("spec.nodeName=n"), Begin::Everything).unwrap();
    assert_eq!(store.watches(), 2);
    drop(gone);
    for number in 0..=BUFFER {
        store.add_pod(pod(&format!("p{number}"), "n", "Running")).unwrap();
    }
    assert_eq!(store.watches(), 0);
    let mut told = 0;
    while slow.later.try_recv().is_ok() {
        told += 1;
    }
    assert_eq!(told, BUFFER);
}

#[test]
fn every_change_has_a_version_of_its_own_and_a_restored_store_has_them_again() {
    let store = store(Duration::from_mins(1));
    let first = store.add_pod(pod("a", "n", "Running")).unwrap();
    store.set_nodes(9);
    store.set_daemon_set_annotation("tare.dev/pause", Some("true"));
    let daemon_set = store.daemon_set();
    assert_eq!(daemon_set["status"]["desiredNumberScheduled"], 9);
    assert_eq!(daemon_set["metadata"]["annotations"]["tare.dev/pause"], "true");
    store.set_daemon_set_annotation("tare.dev/pause", None);
    assert_eq!(store.version(), first + 3);
    store.go_back(2);
    assert_eq!(store.version(), first + 1);
    assert!(store.add_pod(json!({"metadata": {}})).is_err() && store.add_pod(json!(3)).is_err());
}

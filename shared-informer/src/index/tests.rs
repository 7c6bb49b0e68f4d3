use std::time::Duration;

use super::shared::publish;
use super::{Applied, Index, Limits, PrefixMatch, Provenance, ResetSummary};
use crate::pod::{Pod, parse};

const AT: Duration = Duration::from_secs(100);

/// A small pod with one container without an ID.
pub(super) fn pod(uid: &str, name: &str, version: &str) -> Pod {
    let json = format!(
        r#"{{"metadata":{{"namespace":"ns","name":"{name}","uid":"{uid}","resourceVersion":"{version}"}},
            "spec":{{"containers":[{{"name":"main","image":"i"}}]}},"status":{{"phase":"Running"}}}}"#
    );
    parse(json.as_bytes(), &(|_: &str| true, |_: &str| true)).unwrap()
}

fn with_container(uid: &str, name: &str, version: &str, id: &str) -> Pod {
    let mut pod = pod(uid, name, version);
    let runtime = crate::pod::Runtime::Containerd;
    pod.containers[0].id = Some(crate::pod::ContainerId { runtime, id: id.into() });
    pod
}

fn index() -> Index {
    Index::new(Limits::default())
}

macro_rules! fixture {
    ($name:literal) => {
        parse(
            include_bytes!(concat!("../../tests/fixtures/pods/", $name, ".json")),
            &(|_: &str| true, |_: &str| true),
        )
        .unwrap()
    };
}

#[test]
fn a_pod_is_found_by_everything_that_names_it() {
    let mut index = index();
    assert_eq!(index.apply(fixture!("recorded-deployment"), AT), Applied::Added);
    let id = "7f23a6f1d245e45af14dee4963d9683f13b15aeddfc5bdd1a0c30d1bf1bfd04c";
    let snapshot = index.snapshot();
    let by_uid = snapshot.by_uid("89408438-d274-4973-839e-85311bf23a11").unwrap();
    assert_eq!((by_uid.provenance, by_uid.gone_at), (Provenance::Live, None));
    for found in [
        snapshot.by_name("shop", "web-6d6cc64d55-ntbwx"),
        snapshot.by_address("10.244.0.241".parse().unwrap()),
        snapshot.by_cgroup_uid("89408438-d274-4973-839e-85311bf23a11"),
        snapshot.by_container_id(id).map(|found| found.found),
        snapshot.by_container_prefix("7f23a6").one().map(|found| found.found),
    ] {
        assert_eq!(found.unwrap().pod.uid, by_uid.pod.uid);
    }
    assert_eq!(&*snapshot.by_container_id(id).unwrap().container.name, "app");
    assert!(snapshot.by_container_id(id.strip_suffix('c').unwrap()).is_none(), "a prefix is not the ID");
}

#[test]
fn pods_in_the_hosts_network_share_its_address_and_are_not_found_by_it() {
    let mut index = index();
    index.apply(fixture!("host-network"), AT);
    index.apply(fixture!("static-mirror"), AT);
    assert!(index.snapshot().by_address("192.0.2.2".parse().unwrap()).is_none());
}

#[test]
fn a_pod_that_ended_gives_its_address_away() {
    let mut index = index();
    index.apply(fixture!("cron-job"), AT);
    assert!(index.snapshot().by_address("10.244.0.9".parse().unwrap()).is_none());
}

#[test]
fn a_mirror_pod_is_found_by_the_uid_in_its_cgroup() {
    let mut index = index();
    index.apply(fixture!("static-mirror"), AT);
    let snapshot = index.snapshot();
    let hash = "d0c2a1f9b8e7465f9a3b2c1d0e9f8a7b";
    assert!(snapshot.by_uid(hash).is_none());
    assert_eq!(&*snapshot.by_cgroup_uid(hash).unwrap().pod.name, "kube-apiserver-node-0");
    let found = snapshot.by_container_prefix_in(hash, "0").one().unwrap();
    assert_eq!(&*found.container.name, "kube-apiserver");
}

#[test]
fn a_deleted_pod_is_found_until_its_time_is_over() {
    let mut index = index();
    index.apply(with_container("u", "p", "1", "abcdef0"), AT);
    assert!(index.delete("u", Some("2"), AT));
    assert!(!index.delete("u", Some("2"), AT), "it is gone already");
    let snapshot = index.snapshot();
    assert_eq!((snapshot.len(), snapshot.tombstones(), snapshot.is_empty()), (0, 1, true));
    assert_eq!(snapshot.by_uid("u").unwrap().gone_at, Some(AT));
    assert!(snapshot.by_container_id("abcdef0").is_some());

    let age = Limits::default().tombstone_age;
    let almost = age.checked_sub(Duration::from_nanos(1)).unwrap();
    index.advance(AT + almost);
    assert!(index.snapshot().by_uid("u").is_some());
    index.advance(AT + age);
    assert!(index.snapshot().by_uid("u").is_none());
    assert!(snapshot.by_uid("u").is_some(), "whoever holds a snapshot keeps its answers");
}

#[test]
fn the_container_before_a_restart_is_still_found() {
    let mut index = index();
    index.apply(with_container("u", "p", "1", "aaaaaa"), AT);
    assert_eq!(index.apply(with_container("u", "p", "2", "bbbbbb"), AT), Applied::Updated);
    let snapshot = index.snapshot();
    let old = snapshot.by_container_id("aaaaaa").unwrap();
    assert_eq!((old.found.gone_at, &*old.found.pod.uid), (Some(AT), "u"));
    assert_eq!(snapshot.by_uid("u").unwrap().gone_at, None, "the pod itself is alive");
    assert_eq!(snapshot.len(), 1);
}

#[test]
fn a_name_that_is_used_again_means_the_new_pod() {
    let mut index = index();
    index.apply(pod("old", "db-0", "1"), AT);
    assert_eq!(index.apply(pod("new", "db-0", "2"), AT), Applied::Added, "its deletion was missed");
    let snapshot = index.snapshot();
    assert_eq!(&*snapshot.by_name("ns", "db-0").unwrap().pod.uid, "new");
    assert!(snapshot.by_uid("old").unwrap().gone_at.is_some());
    assert_eq!(index.len(), 1);
}

#[test]
fn replayed_events_neither_turn_a_pod_back_nor_revive_it() {
    let mut index = index();
    index.apply(pod("u", "p", "10"), AT);
    assert_eq!(index.apply(pod("u", "p", "9"), AT), Applied::Stale);
    assert_eq!(index.apply(pod("u", "p", "10"), AT), Applied::Unchanged);
    index.delete("u", Some("12"), AT);
    assert_eq!(index.apply(pod("u", "p", "11"), AT), Applied::Stale);
    assert!(index.is_empty());
    assert_eq!(index.apply(pod("u", "p", "13"), AT), Applied::Added);
}

#[test]
fn after_a_list_older_versions_are_taken_again() {
    let mut index = index();
    index.apply(pod("u", "p", "10"), AT);
    index.apply(pod("v", "q", "10"), AT);
    index.delete("v", Some("12"), AT);
    // The cluster was restored from a backup.
    let summary = index.reset(vec![pod("u", "p", "5")], AT);
    assert_eq!(summary, ResetSummary { updated: 1, ..ResetSummary::default() });
    assert_eq!(index.apply(pod("v", "q", "6"), AT), Applied::Added);
}

#[test]
fn a_list_counts_what_it_changed() {
    let mut index = index();
    for (uid, name) in [("a", "a"), ("b", "b"), ("c", "c")] {
        index.apply(pod(uid, name, "1"), AT);
    }
    let summary = index.reset(vec![pod("b", "b", "1"), pod("c", "c", "2"), pod("d", "d", "2")], AT);
    assert_eq!(summary, ResetSummary { added: 1, updated: 1, removed: 1, refused: 0 });
    let names: Vec<_> = index.snapshot().pods().map(|found| found.pod.name.clone()).collect();
    assert_eq!(names, ["b", "c", "d"].map(Box::from));
}

#[test]
fn what_is_remembered_is_live_once_the_server_vouches_for_it() {
    let mut index = index();
    assert_eq!(
        index.restore([pod("u", "p", "1"), pod("v", "q", "1"), pod("w", "q", "1")]),
        1,
        "a name twice"
    );
    let provenance = |index: &Index, uid: &str| index.snapshot().by_uid(uid).unwrap().provenance;
    assert_eq!(provenance(&index, "u"), Provenance::Remembered);
    let generation = index.generation();
    assert_eq!(index.apply(pod("u", "p", "1"), AT), Applied::Updated, "the same, but now confirmed");
    assert_eq!(
        (provenance(&index, "u"), provenance(&index, "v")),
        (Provenance::Live, Provenance::Remembered)
    );
    index.confirm();
    assert_eq!(provenance(&index, "v"), Provenance::Live);
    assert!(index.generation() > generation);
    let generation = index.generation();
    index.confirm();
    assert_eq!(index.generation(), generation);
}

#[test]
fn no_bound_is_ever_broken() {
    let weight = pod("0", "0", "1").heap_bytes();
    let mut index = Index::new(Limits { pods: 3, bytes: 2 * weight, tombstones: 2, ..Limits::default() });
    assert_eq!(index.apply(pod("0", "0", "1"), AT), Applied::Added);
    assert_eq!(index.apply(pod("1", "1", "1"), AT), Applied::Added);
    assert_eq!(index.apply(pod("2", "2", "1"), AT), Applied::Refused, "too many bytes");
    assert_eq!(index.apply(pod("1", "1", "2"), AT), Applied::Updated, "a replacement needs no room");
    assert_eq!(index.reset(vec![pod("3", "3", "1"), pod("4", "4", "1"), pod("5", "5", "1")], AT).refused, 1);
    for uid in ["3", "4"] {
        index.delete(uid, None, AT);
    }
    let snapshot = index.snapshot();
    assert_eq!(snapshot.tombstones(), 2);
    assert!(snapshot.by_uid("3").is_some() && snapshot.by_uid("0").is_none(), "the oldest go first");

    let mut few = Index::new(Limits { pods: 1, ..Limits::default() });
    assert_eq!(few.apply(pod("0", "0", "1"), AT), Applied::Added);
    assert_eq!(few.apply(pod("1", "1", "1"), AT), Applied::Refused, "too many pods");
}

#[test]
fn a_prefix_is_answered_only_if_it_cannot_mean_two_containers() {
    let mut index = index();
    index.apply(with_container("u", "p", "1", "abcdef01"), AT);
    index.apply(with_container("v", "q", "1", "abcdef02"), AT);
    let snapshot = index.snapshot();
    assert!(matches!(snapshot.by_container_prefix("abcdef0"), PrefixMatch::Ambiguous));
    assert!(snapshot.by_container_prefix("abcdef0").one().is_none());
    assert!(snapshot.by_container_prefix("abcdef02").one().is_some());
    assert!(matches!(snapshot.by_container_prefix("abcde"), PrefixMatch::None), "too short for a whole node");
    assert!(snapshot.by_container_prefix_in("u", "a").one().is_some(), "but not for a pod");
    assert!(matches!(snapshot.by_container_prefix_in("u", ""), PrefixMatch::None));
}

#[test]
fn readers_see_what_was_published_and_nothing_else() {
    let mut index = index();
    let (publisher, reader) = publish(&index);
    let consumers: Vec<_> = std::iter::repeat_n(reader, 3).collect();
    let before = consumers[0].snapshot();
    index.apply(pod("u", "p", "1"), AT);
    assert!(consumers.iter().all(|reader| reader.snapshot().is_empty()), "not published yet");
    assert!(publisher.publish(&index));
    assert!(!publisher.publish(&index), "nothing new");
    assert!(consumers.iter().all(|reader| reader.snapshot().by_uid("u").is_some()));
    assert!(before.is_empty(), "a held snapshot stays as it was");
    assert_eq!(consumers[0].snapshot().generation(), index.generation());
}

#[test]
fn readers_in_other_threads_always_see_a_whole_state() {
    let mut index = index();
    index.reset((0..8).map(|n| pod(&n.to_string(), &n.to_string(), "0")).collect(), AT);
    let (publisher, reader) = publish(&index);
    std::thread::scope(|scope| {
        for reader in std::iter::repeat_n(reader, 3) {
            scope.spawn(move || {
                let mut last = 0;
                while last < 200 {
                    let snapshot = reader.snapshot();
                    let versions: Vec<u64> = snapshot
                        .pods()
                        .map(|found| found.pod.resource_version.as_deref().unwrap().parse().unwrap())
                        .collect();
                    assert_eq!(versions, vec![versions[0]; 8], "all pods of one LIST");
                    assert!(versions[0] >= last, "and never an older one");
                    last = versions[0];
                    std::thread::yield_now();
                }
            });
        }
        for version in 1..=200 {
            let version = version.to_string();
            index.reset((0..8).map(|n| pod(&n.to_string(), &n.to_string(), &version)).collect(), AT);
            publisher.publish(&index);
        }
    });
}

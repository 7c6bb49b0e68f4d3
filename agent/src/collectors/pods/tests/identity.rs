//! When series end, and under which attributes they go on.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::testing::*;
use super::{CONTAINER, one};

#[test]
fn the_series_of_a_container_that_is_gone_end_once_and_are_not_heard_of_again() {
    let mut world = one(all());
    let before = world.scrape(110).0;
    let had: BTreeSet<_> =
        before.of_object(CONTAINER, "main").iter().map(|point| point.series.clone()).collect();
    world.stop(1, "main", 10);
    let (points, failures) = world.scrape(120);
    assert_eq!(failures.total(), 0, "{:?}", failures.first());
    let of_it = points.of_object(CONTAINER, "main");
    let ended: BTreeSet<_> = of_it.iter().map(|point| point.series.clone()).collect();
    assert_eq!(ended, had);
    assert!(of_it.iter().all(|point| point.value.is_none() && point.time == 120));
    assert!(world.scrape(130).0.of_object(CONTAINER, "main").is_empty());
}

#[test]
fn with_the_pod_all_that_belongs_to_it_ends_in_the_same_scrape() {
    let mut world = one(all());
    let mut pod = said_pod(1, 109, &["main"]);
    pod.volumes = Box::new([crate::kubelet::Volume {
        name: "data".into(),
        filesystem: said_filesystem(109),
        claim: None,
    }]);
    world.tell(110, vec![pod]);
    let before = world.scrape(110).0;
    let of_pod = |points: &Points| points.of_object("k8s.pod.name", "p1").len();
    assert!(before.0.iter().any(|point| point.series == "k8s.volume.capacity"));
    let had = of_pod(&before);
    world.remove(1);
    let (points, _) = world.scrape(120);
    assert_eq!((points.ended().len(), of_pod(&points)), (had, had));
    assert_eq!(of_pod(&world.scrape(130).0), 0);
}

#[test]
fn under_new_attributes_the_old_series_end_in_the_request_in_which_the_new_ones_begin() {
    let mut world = one(all());
    world.tell(105, vec![said_pod(1, 104, &["main"])]);
    world.scrape(110);
    let snapshot = index(
        r#"{"metadata":{"name":"p1","namespace":"ns","uid":"UID","ownerReferences":[{"apiVersion":"apps/v1","kind":"DaemonSet","name":"agent","uid":"u","controller":true}]},"spec":{"nodeName":"node-0","containers":[{"name":"main","image":"registry.example/app:7"}]},"status":{"phase":"Running","startTime":"2023-11-14T22:13:30Z","containerStatuses":[{"name":"main","containerID":"containerd://ID","image":"x","imageID":"y","ready":true,"restartCount":0,"state":{"running":{"startedAt":"2023-11-14T22:13:40Z"}}}]}}"#,
    );
    world.feeds.kubelet.latest().publish_pods(Some(snapshot));
    let (points, failures) = world.scrape(120);
    assert_eq!(failures.total(), 0, "{:?}", failures.first());
    let of_it = points.of_object(CONTAINER, "main");
    let (old, new): (Vec<_>, Vec<_>) =
        of_it.into_iter().partition(|point| !point.resource.contains_key("container.image.name"));
    assert!(!old.is_empty() && old.iter().all(|point| point.value.is_none()), "{old:?}");
    assert!(new.iter().all(|point| point.value.is_some()));
    let series = |points: &[&Point]| points.iter().map(|point| point.series.clone()).collect::<BTreeSet<_>>();
    assert!(series(&old).is_subset(&series(&new)), "nothing is lost on the way");
    assert!(series(&new).contains("container.filesystem.usage"), "what the kubelet said is said again");
    let again = world.scrape(130).0;
    let of_it = again.of_object(CONTAINER, "main");
    assert!(of_it.iter().all(|point| point.resource.contains_key("container.image.name")));
    assert!(of_it.iter().all(|point| point.scope == "tare.containers"), "and only once");
}

/// An index of one pod: number 1 with container 10.
fn index(pod: &str) -> std::sync::Arc<shared_informer::index::Snapshot> {
    use shared_informer::index::{Index, Limits};
    let text = pod.replace("UID", &uid(1)).replace("ID", &id(10));
    let mut index = Index::new(Limits::default());
    let keep = crate::enrich::Choice::default();
    let pod = shared_informer::pod::parse(text.as_bytes(), &keep).unwrap();
    index.apply(pod, std::time::Duration::ZERO);
    index.snapshot()
}

#[test]
fn the_next_instance_of_a_container_goes_on_under_the_same_series_with_a_new_start() {
    let mut world = one(all());
    world.stop(1, "main", 10);
    world.cgroups.add_container(crate::cgroup::testing::BURSTABLE, &uid(1), &id(11));
    world.link(1, "main", 11, 1);
    let (points, _) = world.scrape(110);
    let cpu: Vec<_> = points.0.iter().filter(|point| point.series == "container.cpu.time").collect();
    assert_eq!(cpu.len(), 1, "{cpu:?}");
    assert_eq!((cpu[0].value, cpu[0].start), (Some(5.0), 100));
}

#[derive(Debug, Clone)]
enum Step {
    Start(u64),
    Stop(u64),
    Tell,
    Scrape,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1..6_u64).prop_map(Step::Start),
        3 => (1..6_u64).prop_map(Step::Stop),
        1 => Just(Step::Tell),
        4 => Just(Step::Scrape),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn nothing_is_reported_of_what_is_gone_and_every_series_ends_exactly_once(steps in steps()) {
        let mut world = World::with(all(), |_| {});
        let mut running = BTreeMap::new();
        let (mut open, mut number) = (BTreeSet::new(), 1_000);
        let mut seconds = 100;
        for step in steps.into_iter().chain([Step::Scrape]) {
            match step {
                Step::Start(pod) if !running.contains_key(&pod) => {
                    number += 1;
                    world.start(pod, "main", number);
                    running.insert(pod, number);
                }
                Step::Stop(pod) => if let Some(number) = running.remove(&pod) {
                    world.stop(pod, "main", number);
                    world.remove(pod);
                }
                Step::Tell => {
                    let pods = running.keys().map(|pod| said_pod(*pod, seconds, &["main"])).collect();
                    world.tell(seconds, pods);
                }
                Step::Scrape => {
                    seconds += 10;
                    let (points, failures) = world.scrape(seconds);
                    prop_assert_eq!(failures.total(), 0, "{:?}", failures.first());
                    let mut here = BTreeSet::new();
                    for point in points.0 {
                        let pod = point.resource.get("k8s.pod.name").cloned().unwrap_or_default();
                        let key = (point.resource, point.scope, point.series);
                        prop_assert!(here.insert(key.clone()), "twice: {:?}", key);
                        if point.value.is_some() {
                            let is_running = running.keys().any(|number| format!("p{number}") == pod);
                            // The kubelet's samples are of their own time, at which the pod was there.
                            let is_sample = key.1 == "tare.kubelet";
                            prop_assert!(pod.is_empty() || is_running || is_sample, "{:?} of what is gone", key);
                            open.insert(key);
                        } else {
                            prop_assert!(open.remove(&key), "not open: {:?}", key);
                        }
                    }
                    let of_gone = open.iter().filter(|(resource, scope, _)| {
                        scope == "tare.containers" && resource.get("k8s.pod.name").is_some_and(|pod| {
                            !running.keys().any(|number| format!("p{number}") == *pod)
                        })
                    });
                    prop_assert_eq!(of_gone.count(), 0, "left open");
                }
                Step::Start(_) => {}
            }
        }
    }
}

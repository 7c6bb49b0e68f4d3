//! What comes from the kubelet, when, and what does when a rung is missing.

use super::super::testing::*;
use super::{CONTAINER, one};
use crate::cgroup::testing::BURSTABLE;
use crate::kubelet::Volume;

#[test]
fn a_sample_of_the_kubelet_goes_out_once_at_the_kubelets_own_time() {
    let mut world = one(all());
    world.tell(110, vec![said_pod(1, 104, &["main"])]);
    let (points, _) = world.scrape(110);
    let of_kubelet: Vec<_> = points.0.iter().filter(|point| point.scope == "tare.kubelet").collect();
    assert!(of_kubelet.iter().all(|point| point.time == 104));
    let series: Vec<_> = of_kubelet.iter().map(|point| point.series.as_str()).collect();
    let expected = [
        "k8s.pod.filesystem.available",
        "k8s.pod.filesystem.capacity",
        "k8s.pod.filesystem.usage",
        "container.filesystem.available",
        "container.filesystem.capacity",
        "container.filesystem.usage",
    ];
    for name in expected {
        assert!(series.contains(&name), "{name} in {series:?}");
    }
    // The fixture has no process whose network could be read.
    let network = |name: &&str| name.starts_with("k8s.pod.network.");
    assert_eq!(series.iter().filter(|name| !network(name)).count(), expected.len());
    assert_eq!(points.value(CONTAINER, "main", "container.filesystem.capacity"), Some(100.0));
    let kubelet = |points: &Points| {
        let of_kubelet = points.0.iter().filter(|point| point.scope == "tare.kubelet");
        of_kubelet.filter(|point| !network(&point.series.as_str())).count()
    };
    assert_eq!(kubelet(&world.scrape(120).0), 0, "the same summary again");
    world.tell(130, vec![said_pod(1, 104, &["main"])]);
    assert_eq!(kubelet(&world.scrape(130).0), 0, "the same sample again");
    world.tell(140, vec![said_pod(1, 135, &["main"])]);
    assert!(kubelet(&world.scrape(140).0) > 0);
}

#[test]
fn what_only_the_kubelet_knows_ends_once_after_twice_its_period_and_comes_back() {
    let mut world = one(all());
    world.tell(110, vec![said_pod(1, 109, &["main"])]);
    world.scrape(110);
    let filesystems = |points: &Points| {
        let of_it = points.of_object(CONTAINER, "main").into_iter();
        of_it.filter(|point| point.series.starts_with("container.filesystem.")).cloned().collect::<Vec<_>>()
    };
    assert_eq!(filesystems(&world.scrape(110 + 2 * PERIOD_S).0), []);
    let (points, _) = world.scrape(120 + 2 * PERIOD_S);
    let ended = filesystems(&points);
    assert_eq!(ended.len(), 3);
    assert!(ended.iter().all(|point| point.value.is_none()));
    assert!(points.value(CONTAINER, "main", "container.memory.usage").is_some(), "the node's own go on");
    assert_eq!(filesystems(&world.scrape(130 + 2 * PERIOD_S).0), []);
    world.tell(400, vec![said_pod(1, 399, &["main"])]);
    assert_eq!(filesystems(&world.scrape(400).0).len(), 3);
}

#[test]
fn without_cgroups_everything_comes_from_the_summary() {
    let mut world = World::new(all());
    std::fs::remove_dir_all(world.host.path().join("sys")).unwrap();
    world.tell(100, vec![said_pod(1, 99, &["main"])]);
    world.scrape(100);
    world.tell(160, vec![said_pod(1, 159, &["main"])]);
    let (points, _) = world.scrape(160);
    let value = |series: &str| points.value(CONTAINER, "main", series);
    assert_eq!(value("container.cpu.time"), Some(3.0));
    assert_eq!(value("container.cpu.usage"), Some(0.25));
    assert_eq!(value("k8s.container.cpu.node.utilization"), Some(0.125));
    let memory = ["available", "usage", "working_set", "rss", "page_faults", "major_page_faults"]
        .map(|row| value(&format!("container.memory.{row}")));
    assert_eq!(memory, [1000.0, 1001.0, 1002.0, 1003.0, 1004.0, 1005.0].map(Some));
    let io = "k8s.pod.network.io{direction=receive,interface=eth0}";
    assert_eq!(points.value("k8s.pod.name", "p1", io), Some(10.0));
    let cpu = points.0.iter().find(|point| point.series == "container.cpu.time").unwrap();
    assert_eq!((cpu.time, cpu.start), (159, 3), "the kubelet's times");
    assert!(world.scrape(170).0.0.iter().all(|point| !point.series.starts_with("container.cpu")));
}

#[test]
fn a_container_that_has_just_ended_is_not_brought_back_by_an_older_summary() {
    let mut world = one(all());
    world.tell(110, vec![said_pod(1, 109, &["main"])]);
    world.scrape(110);
    world.stop(1, "main", 10);
    world.scrape(120);
    world.tell(125, vec![said_pod(1, 109, &["main"])]);
    assert!(world.scrape(130).0.of_object(CONTAINER, "main").is_empty());
    world.tell(135, vec![said_pod(1, 109, &["main"])]);
    assert!(world.scrape(140).0.of_object(CONTAINER, "main").is_empty(), "its sample is no newer");
}

#[test]
fn a_figure_that_cannot_be_read_for_long_comes_from_the_kubelet_and_never_from_both() {
    let mut world = one(all());
    let path = world.cgroups.container(BURSTABLE, &uid(1), &id(10));
    let folder = world.cgroups.folder("", &path);
    let stat = std::fs::read(folder.join("memory.current")).unwrap();
    std::fs::write(folder.join("memory.current"), "no number\n").unwrap();
    let mut sources = Vec::new();
    for step in 0..8 {
        let seconds = 110 + step * 10;
        if step == 5 {
            std::fs::write(folder.join("memory.current"), &stat).unwrap();
        }
        world.tell(seconds, vec![said_pod(1, seconds - 1, &["main"])]);
        let (points, _) = world.scrape(seconds);
        let of_it = points.of_object(CONTAINER, "main").into_iter();
        let rss: Vec<_> = of_it
            .filter(|point| point.series == "container.memory.usage" && point.value.is_some())
            .map(|point| point.scope.clone())
            .collect();
        sources.push(rss.join("+"));
    }
    let (none, own, kubelet) = ("", "tare.containers", "tare.kubelet");
    assert_eq!(sources, [none, none, kubelet, kubelet, kubelet, own, own, own]);
}

#[test]
fn volumes_are_resources_of_their_own_with_what_they_are_made_of_where_asked_for() {
    let mut settings = all();
    settings.enrich.volume_types = true;
    let mut world = World::new(settings);
    world.start(1, "main", 10);
    world.scrape(100);
    let mut pod = said_pod(1, 104, &["main"]);
    let claim = Some((Box::from("disk-0"), Box::from("ns")));
    pod.volumes = Box::new([Volume { name: "data".into(), filesystem: said_filesystem(101), claim }]);
    world.tell(105, vec![pod]);
    let (points, _) = world.scrape(110);
    let of_it = points.of_object("k8s.volume.name", "data");
    let mut rows: Vec<_> = of_it.iter().map(|point| (point.series.as_str(), point.value.unwrap())).collect();
    rows.sort_by_key(|row| row.0);
    let expected = [
        ("k8s.pod.volume.usage", 40.0),
        ("k8s.volume.available", 60.0),
        ("k8s.volume.capacity", 100.0),
        ("k8s.volume.inodes", 10.0),
        ("k8s.volume.inodes.free", 7.0),
        ("k8s.volume.inodes.used", 3.0),
    ];
    assert_eq!(rows, expected);
    let resource = &of_it[0].resource;
    assert_eq!(resource["k8s.persistentvolumeclaim.name"], "disk-0");
    assert_eq!((of_it[0].time, &*resource["k8s.pod.name"]), (105, "p1"));
    world.tell(170, vec![said_pod(1, 169, &["main"])]);
    let (points, _) = world.scrape(170);
    assert_eq!(points.of_object("k8s.volume.name", "data").len(), 6, "a volume that is gone ends");
    assert_eq!(points.ended().len(), 6);
}

/// The times of the used bytes of the volume `data` in a scrape, and whether each has a value.
fn looks_at_data(points: &Points) -> Vec<(u64, bool)> {
    let of_it = points.of_object("k8s.volume.name", "data").into_iter();
    let of_it = of_it.filter(|point| point.series == "k8s.pod.volume.usage");
    of_it.map(|point| (point.time, point.value.is_some())).collect()
}

#[test]
fn a_volume_goes_out_at_each_answer_while_the_kubelets_last_look_stands_and_never_without_an_answer() {
    let mut world = one(all());
    let answer = |world: &mut World, seconds: u64, looked: u64| {
        let mut pod = said_pod(1, seconds - 1, &["main"]);
        let filesystem = said_filesystem(looked);
        pod.volumes = Box::new([Volume { name: "data".into(), filesystem, claim: None }]);
        world.tell(seconds, vec![pod]);
    };
    answer(&mut world, 109, 101);
    assert_eq!(looks_at_data(&world.scrape(110).0), [(109, true)]);
    assert_eq!(looks_at_data(&world.scrape(120).0), [], "no answer since");
    for seconds in [129, 189, 701] {
        answer(&mut world, seconds, 101);
        assert_eq!(looks_at_data(&world.scrape(seconds + 1).0), [(seconds, true)], "the same look");
    }
    answer(&mut world, 709, 101);
    assert_eq!(looks_at_data(&world.scrape(710).0), [(710, false)], "a look of more than ten minutes ago");
    answer(&mut world, 719, 101);
    assert_eq!(looks_at_data(&world.scrape(720).0), [], "it has ended once");
    answer(&mut world, 729, 725);
    assert_eq!(looks_at_data(&world.scrape(730).0), [(729, true)], "a new look");
    world.scrape(729 + 2 * PERIOD_S);
    let (points, _) = world.scrape(740 + 2 * PERIOD_S);
    assert_eq!(looks_at_data(&points), [(740 + 2 * PERIOD_S, false)], "the kubelet answers no more");
}

#[test]
fn each_scrape_tells_how_many_objects_have_names_and_what_was_refused() {
    let mut settings = all();
    settings.enrich.max_objects = 1;
    let mut world = World::new(settings);
    world.start(1, "main", 10);
    world.scrape(100);
    world.scrape(110);
    let (tally, faults) = world.feeds.names.read().expect("there are pods");
    assert_eq!((tally.reported, faults.refused), (1, 2), "the pod, and its container in every scrape");
}

//! The guarantees of the collector of pods.

use super::AllInterfaces;
use super::testing::*;
use crate::catalog::Enabled;
use crate::cgroup::testing::{BURSTABLE, Driver, Fixture, Kernel, SAMPLE, Sample};
use crate::collectors::Collector as _;
use crate::error::ErrorClass;

mod identity;
mod rungs;

const CONTAINER: &str = "k8s.container.name";

/// A node with one pod of one container, after one scrape.
fn one(settings: super::Settings) -> World {
    let mut world = World::new(settings);
    world.start(1, "main", 10);
    world.scrape(100);
    world
}

#[test]
fn a_container_has_what_its_files_say_by_the_collectors_names_and_formulas() {
    let mut world = one(all());
    let path = world.cgroups.container(BURSTABLE, &uid(1), &id(10));
    world.cgroups.figures(&path, &Sample { cpu_ns: SAMPLE.cpu_ns + 5 * SECOND, ..SAMPLE });
    let (points, _) = world.scrape(110);
    let value = |series: &str| points.value(CONTAINER, "main", series);
    assert_eq!(value("container.cpu.time"), Some(10.0));
    assert_eq!(value("container.cpu.usage"), Some(0.5), "5 s in 10 s");
    assert_eq!(value("k8s.container.cpu.node.utilization"), Some(0.25), "of two CPUs");
    assert_eq!(value("container.memory.usage"), Some(40_000_000.0));
    assert_eq!(value("container.memory.working_set"), Some(25_000_000.0), "usage without inactive files");
    assert_eq!(value("container.memory.available"), Some(39_000_000.0), "the limit without the working set");
    assert_eq!(value("container.memory.rss"), Some(20_000_000.0));
    assert_eq!(value("container.memory.page_faults"), Some(700.0));
    assert_eq!(value("container.memory.major_page_faults"), Some(7.0));
    assert_eq!(value("k8s.container.memory.node.utilization"), Some(40e6 / (8.0 * 1024.0 * 1024.0 * 1024.0)));
    assert_eq!(value("container.filesystem.usage"), None, "only the kubelet knows");
    let resource = &points.of_object(CONTAINER, "main")[0].resource;
    assert_eq!((&*resource["k8s.pod.name"], &*resource["k8s.namespace.name"]), ("p1", "ns"));
    assert_eq!(resource["k8s.pod.uid"], uid(1));
}

#[test]
fn what_the_collector_does_not_have_comes_from_the_files_that_are_read_for_it_alone() {
    let mut world = one(all());
    let path = world.cgroups.container(BURSTABLE, &uid(1), &id(10));
    let pressure = "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=500000\n";
    for (file, content) in [
        ("cpu.stat", "usage_usec 5000000\nnr_periods 100\nnr_throttled 40\nthrottled_usec 2500000\n"),
        ("cpu.max", "50000 100000\n"),
        (
            "io.stat",
            "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n8:16 rbytes=5 wbytes=6 rios=3 wios=4 dbytes=0 dios=0\n",
        ),
        ("memory.events", "low 0\nhigh 0\nmax 9\noom 3\noom_kill 2\n"),
        ("pids.current", "12\n"),
        ("pids.max", "50\n"),
        ("memory.swap.current", "4096\n"),
        ("cpu.pressure", pressure),
        ("memory.pressure", pressure),
        ("io.pressure", pressure),
    ] {
        world.cgroups.file("", &path, file, content);
    }
    // Files that were not there are looked for again after a while.
    let points = (11..20).map(|step| world.scrape(step * 10).0).last().unwrap();
    let rows = [
        ("tare.container.cpu.throttling.periods", 100.0),
        ("tare.container.cpu.throttling.throttled_periods", 40.0),
        ("tare.container.cpu.throttling.time", 2.5),
        ("container.disk.io{disk.io.direction=read}", 15.0),
        ("container.disk.io{disk.io.direction=write}", 26.0),
        ("tare.container.disk.operations{disk.io.direction=read}", 4.0),
        ("tare.container.disk.operations{disk.io.direction=write}", 6.0),
        ("tare.container.memory.oom_kills", 2.0),
        ("tare.container.memory.swap.usage", 4096.0),
        ("tare.container.pids.count", 12.0),
        ("tare.container.pids.limit", 50.0),
        ("tare.container.pressure.time{resource=cpu,stall=some}", 1.5),
        ("tare.container.pressure.time{resource=cpu,stall=full}", 0.5),
        ("tare.container.pressure.time{resource=memory,stall=some}", 1.5),
        ("tare.container.pressure.time{resource=io,stall=full}", 0.5),
    ];
    for (series, value) in rows {
        assert_eq!(points.value(CONTAINER, "main", series), Some(value), "{series}");
    }
}

#[test]
fn a_pod_has_the_figures_of_its_own_cgroup() {
    let mut world = one(all());
    let path = world.cgroups.pod(BURSTABLE, &uid(1));
    let sample = Sample { cpu_ns: SAMPLE.cpu_ns + SECOND, usage: 50_000_000, limit: None, ..SAMPLE };
    world.cgroups.figures(&path, &sample);
    let (points, _) = world.scrape(110);
    let value = |series: &str| points.value("k8s.pod.name", "p1", series);
    assert_eq!(value("k8s.pod.cpu.time"), Some(6.0));
    assert_eq!(value("k8s.pod.cpu.usage"), Some(0.1));
    assert_eq!(value("k8s.pod.memory.usage"), Some(50_000_000.0));
    assert_eq!(value("k8s.pod.memory.working_set"), Some(35_000_000.0));
    assert_eq!(value("k8s.pod.memory.available"), None, "there is no limit");
}

#[test]
fn the_node_has_the_figures_of_the_root_and_all_its_memory_as_the_limit() {
    let mut world = one(all());
    let (points, _) = world.scrape(110);
    let of_node: Vec<_> = points.0.iter().filter(|point| point.series.starts_with("k8s.node.")).collect();
    let value =
        |series: &str| of_node.iter().find(|point| point.series == series).map(|point| point.value.unwrap());
    assert_eq!(value("k8s.node.cpu.time"), Some(5.0));
    assert_eq!(value("k8s.node.cpu.usage"), Some(0.0));
    assert_eq!(value("k8s.node.uptime"), Some(110.0));
    let all = 8.0 * 1024.0 * 1024.0 * 1024.0;
    let used = value("k8s.node.memory.working_set").unwrap();
    assert_eq!(value("k8s.node.memory.available"), Some(all - used));
}

#[test]
fn pods_and_the_node_have_the_interfaces_of_their_namespaces_the_default_one_or_all() {
    for all_of_pod in [false, true] {
        let mut settings = all();
        settings.all_interfaces = AllInterfaces { pod: all_of_pod, node: false };
        let mut world = World::new(settings);
        world.start(1, "main", 10);
        process(world.host.path(), 50, &format!("/{}", world.cgroups.pod(BURSTABLE, &uid(1))), 77);
        let (points, _) = world.scrape(100);
        let of_pod = points.of_object("k8s.pod.name", "p1");
        let mut rows: Vec<_> = of_pod
            .iter()
            .filter(|point| point.series.starts_with("k8s.pod.network."))
            .map(|point| (point.series.as_str(), point.value.unwrap()))
            .collect();
        rows.sort_by_key(|row| row.0);
        assert_eq!(rows.len(), if all_of_pod { 8 } else { 4 }, "{rows:?}");
        for row in [
            ("k8s.pod.network.errors{direction=receive,interface=eth0}", 3.0),
            ("k8s.pod.network.errors{direction=transmit,interface=eth0}", 11.0),
            ("k8s.pod.network.io{direction=receive,interface=eth0}", 77.0),
            ("k8s.pod.network.io{direction=transmit,interface=eth0}", 9.0),
        ] {
            assert!(rows.contains(&row), "{row:?} in {rows:?}");
        }
        let node = points.0.iter().filter(|point| point.series.starts_with("k8s.node.network."));
        let received: Vec<_> = node.filter(|point| point.series.contains("io{direction=receive")).collect();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].value, Some(1_000.0), "of process 1");
    }
}

#[test]
fn sums_begin_at_the_boot_or_with_the_scrape_that_did_not_see_the_object_yet() {
    let mut world = one(all());
    world.start(2, "later", 20);
    let (points, _) = world.scrape(110);
    let start = |name: &str| {
        let points = points.of_object(CONTAINER, name);
        points.iter().find(|point| point.series == "container.cpu.time").unwrap().start
    };
    assert_eq!((start("main"), start("later")), (0, 100));
}

#[test]
fn sums_begin_when_their_cgroup_was_made_where_nobody_says_more() {
    let mut world = World::new(all());
    world.start(1, "main", 10);
    world.made_at(1, 10, at(42));
    let (points, _) = world.scrape(110);
    let points = points.of_object(CONTAINER, "main");
    let time = points.iter().find(|point| point.series == "container.cpu.time").unwrap();
    assert_eq!(time.start, 42);
}

#[test]
fn a_machine_without_pods_and_without_a_kubelet_reports_nothing_and_fails_at_nothing() {
    let mut world = World::new(all());
    std::fs::remove_dir_all(world.host.path().join("sys")).unwrap();
    std::fs::remove_dir_all(world.host.path().join("var")).unwrap();
    Fixture::bare(world.host.path(), Kernel::V2, Driver::Systemd, "");
    let (points, failures) = world.scrape(100);
    assert_eq!((points.0.len(), failures.total()), (0, 0), "{:?}", failures.first());
}

#[test]
fn groups_that_are_not_asked_for_are_not_reported() {
    for (group, prefixes) in [
        ("container", &["container.", "k8s.container.", "tare.container."][..]),
        ("pod", &["k8s.pod.", "tare.pod."]),
        ("node", &["k8s.node."]),
    ] {
        let mut settings = all();
        let groups = &mut settings.groups;
        (groups.container, groups.pod, groups.node) = (group == "container", group == "pod", group == "node");
        groups.volume = false;
        let mut world = one(settings);
        world.tell(110, vec![said_pod(1, 109, &["main"])]);
        let (points, _) = world.scrape(110);
        assert!(!points.0.is_empty(), "{group}");
        for point in &points.0 {
            let is_asked_for = prefixes.iter().any(|prefix| point.series.starts_with(prefix));
            assert!(is_asked_for, "{} in the group {group}", point.series);
        }
    }
}

#[test]
fn the_default_rows_are_those_of_the_contract_that_are_on() {
    let mut settings = all();
    settings.groups.volume = false;
    let mut world = World::with(settings, |setup| setup.enabled = Enabled::default());
    world.start(1, "main", 10);
    world.scrape(100);
    world.tell(110, vec![said_pod(1, 109, &["main"])]);
    let (points, _) = world.scrape(110);
    for metric in crate::catalog::kubeletstats::ALL {
        let is_there = points.0.iter().any(|point| {
            point.series == metric.name || point.series.starts_with(&format!("{}{{", metric.name))
        });
        // The fixture has no process of a pod, and the summary no filesystem of the node.
        let is_elsewhere = ["k8s.volume.", "k8s.node.filesystem.", "k8s.pod.network."];
        if !is_elsewhere.iter().any(|prefix| metric.name.starts_with(prefix)) {
            assert_eq!(is_there, metric.default_on, "{}", metric.name);
        }
    }
}

#[test]
fn series_beyond_the_bound_are_refused_and_counted_and_come_when_there_is_room() {
    let mut settings = all();
    settings.groups.node = false;
    settings.groups.pod = false;
    settings.groups.volume = false;
    // A container has 9 series by default, with three filesystem rows of the kubelet's besides.
    settings.max_series = 20;
    let mut world = World::with(settings, |_| {});
    for number in 1..=3 {
        world.start(number, "main", number);
    }
    let (points, failures) = world.scrape(100);
    let pods = |points: &Points| {
        let mut names: Vec<_> = points.0.iter().map(|point| point.resource["k8s.pod.name"].clone()).collect();
        names.dedup();
        names
    };
    assert_eq!(pods(&points), ["p1", "p2"]);
    assert_eq!(failures.count(ErrorClass::Refused), 8);
    assert!(world.pods.series() <= 20);
    world.stop(1, "main", 1);
    world.scrape(110);
    let (points, failures) = world.scrape(120);
    assert_eq!((pods(&points), failures.total()), (vec!["p2".to_owned(), "p3".to_owned()], 0));
}

#[test]
fn two_thousand_pods_that_come_and_go_leave_nothing_behind() {
    let mut world = World::with(all(), |_| {});
    world.start(0, "stays", 1_000_000);
    let mut most = 0;
    for batch in 0..10_u64 {
        let numbers = batch * 200 + 1..batch * 200 + 201;
        for number in numbers.clone() {
            // Most have a name and no files: a test may not write a hundred thousand.
            if number % 50 == 0 {
                world.start(number, "main", number);
            } else {
                world.cgroups.make(&world.cgroups.container(BURSTABLE, &uid(number), &id(number)));
                world.link(number, "main", number, 0);
            }
        }
        let seconds = 100 + batch * 20;
        if batch % 5 == 0 {
            world.tell(seconds, numbers.clone().map(|number| said_pod(number, seconds, &["main"])).collect());
        }
        world.scrape(seconds);
        most = most.max(world.pods.series());
        for number in numbers {
            world.stop(number, "main", number);
            world.remove(number);
        }
        world.scrape(seconds + 10);
    }
    assert!(most < 201 * 40, "{most} series");
    world.scrape(2_000);
    assert_eq!((world.pods.objects.len(), world.pods.orphans.len()), (2, 0));
    world.stop(0, "stays", 1_000_000);
    world.remove(0);
    world.scrape(2_010);
    let (points, failures) = world.scrape(2_020);
    assert_eq!((world.pods.objects.len(), failures.total()), (0, 0));
    assert!(points.0.iter().all(|point| point.series.starts_with("k8s.node.")));
    let node: usize = world.pods.node.iter().map(super::Object::series).sum();
    assert_eq!(world.pods.series(), node);
    assert_eq!(world.pods.name(), "containers");
}

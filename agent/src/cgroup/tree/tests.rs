use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::cgroup::testing::{BEST_EFFORT, BURSTABLE, Driver, Fixture, GUARANTEED, Kernel, SAMPLE};
use crate::cgroup::{Cpu, Memory, names};
use crate::error::{ErrorClass, SourceError};

const UID: &str = "76f88cac-df6c-4cbf-a2f1-4c24733821d9";
const STATIC: &str = "0123456789abcdef0123456789abcdef";
const ID: &str = "0be2b8f87e996126c2eb908e42943d2a20a88d32cd65b37c69565540a5bbc93e";
const OTHER_ID: &str = "911c1322ec6e3d9df8c40e01f061fa83536997ddcd9822b0ba9830bfcea3dfb7";

/// A refresh in which nothing fails.
fn refresh(tree: &mut Tree) -> bool {
    tree.refresh(&mut Vec::new(), &mut |error| panic!("{error}"))
}

/// The pods and their containers.
fn shape(tree: &mut Tree) -> Vec<(String, Vec<String>)> {
    let ids = |pod: &Pod| pod.containers.iter().map(|container| container.id.to_string()).collect();
    tree.pods_mut().iter().map(|pod| (pod.uid.to_string(), ids(pod))).collect()
}

#[test]
fn pods_containers_and_figures_are_found_with_every_kernel_driver_and_runtime() {
    for (kernel, driver, runtime, prefix) in [
        (Kernel::V1, Driver::Cgroupfs, "", ""),
        (Kernel::V1, Driver::Systemd, "cri-containerd", ""),
        (Kernel::V2, Driver::Systemd, "cri-containerd", ""),
        (Kernel::V2, Driver::Systemd, "crio", ""),
        (Kernel::V2, Driver::Systemd, "docker", ""),
        (Kernel::V2, Driver::Cgroupfs, "", ""),
        (Kernel::V2, Driver::Cgroupfs, "crio", ""),
        (Kernel::Hybrid, Driver::Cgroupfs, "", ""),
        (Kernel::Hybrid, Driver::Systemd, "cri-containerd", ""),
        (Kernel::V1, Driver::Cgroupfs, "", "kubelet"),
        (Kernel::V2, Driver::Systemd, "cri-containerd", "kubelet"),
    ] {
        let host = tempfile::tempdir().unwrap();
        let fixture = Fixture::nested(host.path(), kernel, driver, prefix).with_runtime(runtime);
        fixture.add_container(BURSTABLE, UID, ID);
        fixture.add_container(BURSTABLE, UID, OTHER_ID);
        fixture.add_pod(GUARANTEED, STATIC);
        let mut tree = tree_of(host.path());
        assert!(refresh(&mut tree), "{fixture:?}");
        assert!(tree.is_present());
        let expected =
            [(STATIC.to_owned(), vec![]), (UID.to_owned(), vec![ID.to_owned(), OTHER_ID.to_owned()])];
        assert_eq!(shape(&mut tree), expected, "{fixture:?}");
        let memory = Memory {
            usage: SAMPLE.usage,
            working_set: SAMPLE.usage - SAMPLE.inactive_file,
            rss: SAMPLE.rss,
            page_faults: SAMPLE.faults,
            major_page_faults: SAMPLE.major_faults,
            limit: SAMPLE.limit,
        };
        let cpu = Some(Cpu { usage_ns: SAMPLE.cpu_ns, throttling: None });
        let mut buffer = Vec::new();
        let pod = &mut tree.pods_mut()[1];
        let containers = pod.containers.iter_mut().map(|container| &mut container.group);
        for group in std::iter::once(&mut pod.group).chain(containers) {
            let figures = group.read(&mut buffer, &mut |error| panic!("{error}"));
            assert_eq!((figures.cpu, figures.memory), (cpu, Some(memory)), "{fixture:?}");
        }
        let node = tree.root_mut().read(&mut buffer, &mut |error| panic!("{error}"));
        let memory = Memory { limit: Some(8 << 30), ..memory };
        assert_eq!((node.cpu, node.memory), (cpu, Some(memory)), "{fixture:?}");
        assert!(!refresh(&mut tree), "nothing changed: {fixture:?}");
    }
}

fn tree_of(host: &Path) -> Tree {
    Tree::new(&HostPaths::new(host, None, None), Wanted::default())
}

#[test]
fn what_comes_and_goes_is_seen_at_the_next_refresh_and_a_new_cgroup_of_an_old_name_has_another_key() {
    let host = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(host.path(), Kernel::V2, Driver::Cgroupfs);
    let mut tree = tree_of(host.path());
    assert!(refresh(&mut tree));
    assert!(tree.is_present() && tree.pods_mut().is_empty());
    fixture.add_container(BURSTABLE, UID, ID);
    assert!(refresh(&mut tree));
    let key = tree.pods_mut()[0].containers[0].key;
    fixture.add_container(BURSTABLE, UID, OTHER_ID);
    assert!(refresh(&mut tree));
    assert_eq!(tree.pods_mut()[0].containers[0].key, key, "who stays keeps its key");
    // The old folder stays elsewhere, so that no filesystem gives its inode to the new one.
    let folder = fixture.folder("", &fixture.container(BURSTABLE, UID, ID));
    std::fs::rename(&folder, host.path().join("elsewhere")).unwrap();
    fixture.add_container(BURSTABLE, UID, ID);
    assert!(refresh(&mut tree));
    assert_eq!(shape(&mut tree), [(UID.to_owned(), vec![ID.to_owned(), OTHER_ID.to_owned()])]);
    assert!(tree.pods_mut()[0].containers[0].key > key);
    fixture.remove(&fixture.pod(BURSTABLE, UID));
    assert!(refresh(&mut tree));
    assert!(tree.pods_mut().is_empty());
    assert!(!refresh(&mut tree));
}

#[test]
fn the_recorded_tree_is_found_whole() {
    let host = tempfile::tempdir().unwrap();
    let fixture = Fixture::bare(host.path(), Kernel::V1, Driver::Cgroupfs, "");
    let recorded = include_str!("../../../tests/fixtures/cgroup/v1-memory-tree.txt");
    for path in recorded.lines() {
        fixture.make(path.strip_prefix("/sys/fs/cgroup/memory/").unwrap());
    }
    let mut tree = tree_of(host.path());
    assert!(refresh(&mut tree));
    let shape = shape(&mut tree);
    assert_eq!((shape.len(), shape.iter().map(|(_, ids)| ids.len()).sum::<usize>()), (30, 85));
    let pod = shape.iter().find(|(uid, _)| uid == UID).unwrap();
    assert_eq!(pod.1[..2], [ID.to_owned(), OTHER_ID.to_owned()]);
}

#[test]
fn monitors_scopes_and_what_a_container_makes_of_its_own_cgroup_are_no_containers() {
    let host = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(host.path(), Kernel::V2, Driver::Systemd).with_runtime("crio");
    fixture.add_container(BURSTABLE, UID, ID);
    let (pod, container) = (fixture.pod(BURSTABLE, UID), fixture.container(BURSTABLE, UID, ID));
    fixture.make(&format!("{pod}/crio-conmon-{OTHER_ID}.scope"));
    fixture.make(&format!("{container}/system.slice/docker-{OTHER_ID}.scope"));
    fixture.make(&format!("{container}/kubepods/pod{STATIC}"));
    fixture.make(&format!("{container}/init.scope"));
    let mut tree = tree_of(host.path());
    assert!(refresh(&mut tree));
    assert_eq!(shape(&mut tree), [(UID.to_owned(), vec![ID.to_owned()])]);
}

#[test]
fn a_kubelet_that_starts_later_is_found_and_one_that_is_nested_within_six_refreshes() {
    for (prefix, within) in [("", 1), ("kubelet", LIST_EVERY)] {
        let host = tempfile::tempdir().unwrap();
        let fixture = Fixture::bare(host.path(), Kernel::V2, Driver::Systemd, prefix);
        fixture.make("system.slice/some.service");
        fixture.make(&format!("{prefix}.slice"));
        let mut tree = tree_of(host.path());
        assert!(!refresh(&mut tree));
        assert!(!tree.is_present());
        fixture.add_container(BURSTABLE, UID, ID);
        assert!((0..within).any(|_| refresh(&mut tree)), "{prefix}");
        assert_eq!(shape(&mut tree), [(UID.to_owned(), vec![ID.to_owned()])]);
        fixture.remove(&fixture.class(GUARANTEED));
        assert!(refresh(&mut tree));
        assert!(!tree.is_present() && tree.pods_mut().is_empty());
    }
}

#[test]
fn a_machine_without_cgroups_is_reported_and_looked_at_again() {
    let host = tempfile::tempdir().unwrap();
    let mut tree = tree_of(host.path());
    let mut classes = Vec::new();
    assert!(!tree.refresh(&mut Vec::new(), &mut |error| classes.push(error.class())));
    assert_eq!(classes, [ErrorClass::NotFound]);
    let fixture = Fixture::new(host.path(), Kernel::V1, Driver::Cgroupfs);
    fixture.add_pod(BEST_EFFORT, UID);
    assert!((0..LIST_EVERY).any(|_| refresh(&mut tree)));
    assert_eq!(shape(&mut tree), [(UID.to_owned(), vec![])]);
}

#[test]
fn without_events_every_change_is_seen_at_the_next_refresh() {
    let host = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(host.path(), Kernel::V2, Driver::Cgroupfs);
    let mut tree = tree_of(host.path());
    refresh(&mut tree);
    tree.watches.strike();
    tree.watches.strike();
    assert!(!tree.watches.are_told());
    for _ in 0..LIST_EVERY {
        fixture.add_container(BURSTABLE, UID, ID);
        assert!(refresh(&mut tree));
        assert!(!refresh(&mut tree));
        fixture.remove(&fixture.container(BURSTABLE, UID, ID));
        assert!(refresh(&mut tree));
        assert_eq!(shape(&mut tree), [(UID.to_owned(), vec![])]);
    }
}

#[test]
fn a_change_that_was_not_told_is_found_within_six_refreshes_and_after_two_the_events_are_not_relied_on() {
    let host = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(host.path(), Kernel::V2, Driver::Cgroupfs);
    fixture.add_pod(BURSTABLE, UID);
    let mut tree = tree_of(host.path());
    refresh(&mut tree);
    // The pod's watch is one that nothing happens to, as with events that go to another mount.
    tree.pods_mut()[0].group.mark.watch = Some(i32::MAX);
    for id in [ID, OTHER_ID] {
        assert!(tree.watches.are_told());
        fixture.add_container(BURSTABLE, UID, id);
        assert!((0..LIST_EVERY).any(|_| refresh(&mut tree)));
    }
    assert!(!tree.watches.are_told());
    assert_eq!(tree.pods_mut()[0].containers.len(), 2);
}

#[test]
fn pods_and_containers_beyond_the_bounds_are_refused_and_reported_for_as_long_as_there_are_too_many() {
    let host = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(host.path(), Kernel::V2, Driver::Cgroupfs);
    let uid = |number: usize| format!("{number:032x}");
    for number in 0..4 {
        fixture.make(&fixture.pod([BURSTABLE, BEST_EFFORT][number % 2], &uid(number)));
    }
    for number in 0..6 {
        fixture.make(&fixture.container(BURSTABLE, &uid(0), &uid(number)));
    }
    let mut tree = tree_of(host.path());
    tree.bounds = Bounds { pods: 3, containers: 5 };
    let refused = |tree: &mut Tree| {
        let mut refused = Vec::new();
        tree.refresh(&mut Vec::new(), &mut |error| match error {
            SourceError::TooMany { what, .. } => refused.push(*what),
            other => panic!("{other}"),
        });
        let containers = tree.pods_mut().iter().map(|pod| pod.containers.len()).sum::<usize>();
        (refused, tree.pods_mut().len(), containers)
    };
    // Each folder has two pods, the first listed keeps both, and the other one of its two.
    assert_eq!(refused(&mut tree), (vec!["pods", "containers"], 3, 5));
    assert_eq!(refused(&mut tree), (vec!["pods", "containers"], 3, 5), "it is told again");
    let kept: Vec<u64> = tree.pods_mut().iter().map(|pod| pod.key).collect();
    // Room for both, made where the refused ones are and elsewhere.
    fixture.remove(&fixture.pod(BURSTABLE, &uid(2)));
    assert_eq!(refused(&mut tree), (vec!["containers"], 3, 5));
    assert!(tree.pods_mut().iter().filter(|pod| kept.contains(&pod.key)).count() >= 2);
    fixture.remove(&fixture.container(BURSTABLE, &uid(0), &uid(1)));
    assert_eq!(refused(&mut tree), (vec![], 3, 5));
}

#[test]
fn a_node_with_more_files_than_descriptors_is_read_whole_and_those_of_the_gone_are_given_back() {
    let host = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(host.path(), Kernel::V2, Driver::Systemd);
    let uid = |pod: usize| format!("{pod:032x}");
    for pod in 0..250 {
        for container in 0..2 {
            fixture.add_container(BURSTABLE, &uid(pod), &format!("{pod:032x}{container:032x}"));
        }
    }
    let mut tree = Tree::with_descriptors(&HostPaths::new(host.path(), None, None), Wanted::default(), 100);
    refresh(&mut tree);
    let mut buffer = Vec::new();
    let mut read_all = |tree: &mut Tree| {
        let mut whole = 0;
        for pod in tree.pods_mut() {
            let containers = pod.containers.iter_mut().map(|container| &mut container.group);
            for group in std::iter::once(&mut pod.group).chain(containers) {
                let figures = group.read(&mut buffer, &mut |error| panic!("{error}"));
                whole += usize::from(figures.cpu.is_some() && figures.memory.is_some());
            }
        }
        whole
    };
    for _ in 0..2 {
        assert_eq!(read_all(&mut tree), 750);
        assert_eq!(tree.descriptors(), DescriptorUse { kept: 100, limit: 100 });
    }
    // The first pods have all of them: four files of three groups of nine pods, at least.
    for pod in 0..8 {
        fixture.remove(&fixture.pod(BURSTABLE, &uid(pod)));
    }
    assert!(refresh(&mut tree));
    assert_eq!(tree.descriptors().kept, 100 - 8 * 12);
    assert_eq!(read_all(&mut tree), 750 - 8 * 3);
    assert_eq!(tree.descriptors().kept, 100);
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Add { class: usize, pod: usize, container: Option<usize> },
    Remove { class: usize, pod: usize, container: Option<usize> },
    Refresh,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let place = || (0..3_usize, 0..3_usize, prop::option::of(0..3_usize));
    let step = prop_oneof![
        3 => place().prop_map(|(class, pod, container)| Step::Add { class, pod, container }),
        2 => place().prop_map(|(class, pod, container)| Step::Remove { class, pod, container }),
        2 => Just(Step::Refresh),
    ];
    prop::collection::vec(step, 1..40)
}

/// A pod's uid and inode, and each of its containers' ID with its inode.
type Found = (String, u64, Vec<(String, u64)>);

/// What a walk over the whole tree finds, sorted.
fn naive(top: &Path) -> Vec<Found> {
    let folders = |path: &Path| -> Vec<(String, PathBuf, u64)> {
        let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
        let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
        let describe = |entry: std::fs::DirEntry| {
            (entry.file_name().into_string().unwrap(), entry.path(), entry.metadata().unwrap().ino())
        };
        folders.map(describe).collect()
    };
    let mut pods = Vec::new();
    let mut places = vec![top.to_owned()];
    while let Some(place) = places.pop() {
        for (name, path, inode) in folders(&place) {
            if let Some((uid, _)) = names::pod(name.as_bytes()) {
                let ids = folders(&path).into_iter().filter_map(|(name, _, inode)| {
                    names::container(name.as_bytes()).map(|id| (id.to_owned(), inode))
                });
                let mut ids: Vec<_> = ids.collect();
                ids.sort();
                pods.push((uid.as_str().to_owned(), inode, ids));
            } else if names::qos_folder(name.as_bytes()).is_some() {
                places.push(path);
            }
        }
    }
    pods.sort();
    pods
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn after_any_history_the_tree_is_what_a_walk_finds_and_a_key_stands_for_one_cgroup(steps in steps()) {
        let host = tempfile::tempdir().unwrap();
        let fixture = Fixture::new(host.path(), Kernel::V2, Driver::Cgroupfs);
        let mut tree = tree_of(host.path());
        let mut keys: BTreeMap<u64, (String, String, u64)> = BTreeMap::new();
        let names = |class: usize, pod: usize, container: Option<usize>| {
            let class = [GUARANTEED, BURSTABLE, BEST_EFFORT][class];
            // The same uid in several classes: the tree must not mix them up.
            let (uid, id) = (format!("{pod:032x}"), container.map(|container| format!("{container:064x}")));
            (class, uid, id)
        };
        for step in steps {
            match step {
                Step::Add { class, pod, container } => match names(class, pod, container) {
                    (class, uid, Some(id)) => fixture.make(&fixture.container(class, &uid, &id)),
                    (class, uid, None) => fixture.make(&fixture.pod(class, &uid)),
                },
                Step::Remove { class, pod, container } => {
                    let path = match names(class, pod, container) {
                        (class, uid, Some(id)) => fixture.container(class, &uid, &id),
                        (class, uid, None) => fixture.pod(class, &uid),
                    };
                    if fixture.folder("", &path).exists() {
                        fixture.remove(&path);
                    }
                }
                Step::Refresh => {
                    refresh(&mut tree);
                    let mut found = Vec::new();
                    for pod in tree.pods_mut() {
                        let uid = pod.uid.to_string();
                        let mut ids = Vec::new();
                        for container in &pod.containers {
                            let (id, inode) = (container.id.to_string(), container.group.inode());
                            let stood_for = keys.entry(container.key).or_insert((uid.clone(), id.clone(), inode));
                            prop_assert_eq!(&*stood_for, &(uid.clone(), id.clone(), inode));
                            ids.push((id, inode));
                        }
                        let stood_for = keys.entry(pod.key).or_insert((uid.clone(), String::new(), pod.group.inode()));
                        prop_assert_eq!(&*stood_for, &(uid.clone(), String::new(), pod.group.inode()));
                        found.push((uid, pod.group.inode(), ids));
                    }
                    prop_assert!(found.is_sorted_by_key(|(uid, ..)| uid.clone()));
                    found.sort();
                    prop_assert_eq!(found, naive(&fixture.folder("", "kubepods")));
                }
            }
        }
    }
}

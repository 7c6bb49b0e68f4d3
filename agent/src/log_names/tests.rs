use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};

use super::*;
use crate::error::ErrorClass;

const UID: &str = "3576bd40-94bf-4579-bc66-7c3788993880";
const ID: &str = "5f4a8e4bd34a054e715da517c0727e006d33307a40d430c7cc39aaff733dbdb0";
const OTHER_ID: &str = "d983cc0afc0a5a3162ed334b930fb346ac73a04820ec604c7604c2970477cd7a";

/// The beginning of an ID or uid.
fn first(text: &str, count: usize) -> &str {
    text.split_at(count).0
}

/// A host whose clock stands still until the test moves it.
struct Host {
    root: tempfile::TempDir,
    clock_ms: u64,
}

impl Host {
    fn new() -> Self {
        let host = Self { root: tempfile::tempdir().unwrap(), clock_ms: 1_000_000 };
        std::fs::create_dir_all(host.folder()).unwrap();
        host.stamp();
        host
    }

    fn folder(&self) -> PathBuf {
        self.root.path().join(FOLDER)
    }

    fn names(&self) -> LogNames {
        LogNames::new(&HostPaths::new(self.root.path(), None, None))
    }

    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.clock_ms)
    }

    /// The folder's time becomes the clock's, as after a change.
    fn stamp(&self) {
        let since = self.now().duration_since(UNIX_EPOCH).unwrap();
        let seconds = i64::try_from(since.as_secs()).unwrap();
        let time = Timespec { tv_sec: seconds, tv_nsec: i64::from(since.subsec_nanos()) };
        let times = Timestamps { last_access: time, last_modification: time };
        rustix::fs::utimensat(CWD, self.folder(), &times, AtFlags::empty()).unwrap();
    }

    fn link(&self, name: &str, target: impl AsRef<Path>) {
        let _ = std::fs::remove_file(self.folder().join(name));
        symlink(target, self.folder().join(name)).unwrap();
        self.stamp();
    }

    fn unlink(&self, name: &str) {
        let _ = std::fs::remove_file(self.folder().join(name));
        self.stamp();
    }

    /// A link as the kubelet makes it, of the container `c` of the pod `p` in `n`.
    fn container(&self, id: &str, restarts: u32) {
        self.link(&format!("p_n_c-{id}.log"), format!("/var/log/pods/n_p_{UID}/c/{restarts}.log"));
    }

    fn refresh(&self, names: &mut LogNames) -> bool {
        names.refresh_at(self.now()).unwrap()
    }
}

#[test]
fn the_recorded_folder_names_every_container_and_no_sandbox() {
    let host = Host::new();
    let recorded = include_str!("../../tests/fixtures/log_names/var-log-containers.txt");
    let links: Vec<_> = recorded.lines().map(|line| line.split_once(" -> ").unwrap()).collect();
    for (name, target) in &links {
        host.link(name, target);
    }
    let mut names = host.names();
    assert!(!names.is_up() && names.refresh().unwrap() && names.is_up());
    for (name, target) in &links {
        let id = name.strip_suffix(".log").unwrap().rsplit('-').next().unwrap();
        let uid = target.split('/').nth(4).unwrap().rsplit('_').next().unwrap();
        let found = names.container(uid, id).unwrap();
        assert_eq!(format!("{}_{}_{}-{id}.log", found.pod, found.namespace, found.container), **name);
        assert_eq!(names.pod(uid).unwrap().pod, found.pod);
        assert!(names.container(UID, &id.replace('a', "b")).is_none(), "a sandbox of the same pod");
    }
    let folders = include_str!("../../tests/fixtures/log_names/var-log-pods.txt");
    for folder in folders.lines().filter(|line| line.matches('/').count() == 4) {
        assert!(names.pod(folder.rsplit('_').next().unwrap()).is_some(), "{folder}");
    }
    assert_eq!(names.refused(), 0);
}

#[test]
fn each_restart_of_a_container_is_an_entry_of_its_own_with_its_count() {
    let host = Host::new();
    host.container(ID, 4);
    host.container(OTHER_ID, 5);
    let mut names = host.names();
    host.refresh(&mut names);
    assert_eq!(names.container(UID, ID).unwrap().restarts, Some(4));
    assert_eq!(names.container(UID, OTHER_ID).unwrap().restarts, Some(5));
    assert_eq!(names.containers(UID).count(), 2);
}

#[test]
fn a_pod_is_found_by_its_own_uid_only() {
    let host = Host::new();
    host.container(ID, 0);
    host.link(&format!("q_n_c-{OTHER_ID}.log"), "/elsewhere");
    let mut names = host.names();
    host.refresh(&mut names);
    assert!(names.pod("").is_none() && names.pod(first(UID, 35)).is_none() && names.pod("zzz").is_none());
    assert!(names.container("zzz", ID).is_none(), "an ID under another uid");
    assert!(names.container(UID, "").is_none() && names.container("", OTHER_ID).is_none());
    // Its target does not tell a uid: the whole ID is enough.
    assert_eq!(&*names.container("zzz", OTHER_ID).unwrap().pod, "q");
    assert!(names.container("zzz", first(OTHER_ID, 20)).is_none());
}

/// The name of the link of a container whose ID keeps `left` characters of 64.
fn cut_name(container: char, left: usize, id: &str) -> (String, String) {
    let container = container.to_string().repeat(63);
    let pod = "p".repeat(184 - left);
    let name = format!("{pod}_n_{container}-{}.log", first(id, left));
    assert_eq!(name.len(), 255);
    (name, format!("/var/log/pods/n_{pod}_{UID}/{container}/0.log"))
}

#[test]
fn a_cut_id_is_joined_by_the_pods_uid_and_its_beginning() {
    let host = Host::new();
    for (container, id) in [('a', ID), ('b', OTHER_ID)] {
        let (name, target) = cut_name(container, 8, id);
        host.link(&name, target);
    }
    let mut names = host.names();
    host.refresh(&mut names);
    assert!(names.container(UID, ID).unwrap().container.starts_with("aa"));
    assert!(names.container(UID, OTHER_ID).unwrap().container.starts_with("bb"));
    assert!(names.container(UID, &ID.replace('5', "6")).is_none());
    assert!(names.container("another", ID).is_none());
    assert!(names.container(UID, first(ID, 8)).is_some_and(|name| &*name.id == first(ID, 8)));
}

#[test]
fn a_cut_id_that_says_too_little_names_the_pod_and_no_container() {
    for left in [0, 1, 7] {
        let host = Host::new();
        let (name, target) = cut_name('a', left, ID);
        host.link(&name, target);
        let mut names = host.names();
        host.refresh(&mut names);
        assert!(names.container(UID, ID).is_none(), "{left} characters");
        assert_eq!(&*names.pod(UID).unwrap().namespace, "n");
    }
}

#[test]
fn cut_ids_that_begin_alike_name_no_container() {
    let host = Host::new();
    for container in ['a', 'b'] {
        let (name, target) = cut_name(container, 8, ID);
        host.link(&name, target);
    }
    let mut names = host.names();
    host.refresh(&mut names);
    assert_eq!(names.containers(UID).count(), 2);
    assert!(names.container(UID, ID).is_none());
}

#[test]
fn dockers_links_count_by_their_first_target() {
    let host = Host::new();
    let pod = host.root.path().join(format!("var/log/pods/n_p_{UID}/c"));
    std::fs::create_dir_all(&pod).unwrap();
    symlink(format!("/var/lib/docker/containers/{ID}/{ID}-json.log"), pod.join("2.log")).unwrap();
    host.link(&format!("p_n_c-{ID}.log"), pod.join("2.log"));
    let mut names = host.names();
    host.refresh(&mut names);
    assert_eq!(names.container(UID, ID).unwrap().restarts, Some(2));
}

#[test]
fn what_is_no_link_of_the_kubelets_is_counted_and_disturbs_nobody() {
    let host = Host::new();
    host.container(ID, 0);
    std::fs::write(host.folder().join("positions.db"), "x").unwrap();
    std::fs::create_dir(host.folder().join("p_n_c-1.log")).unwrap();
    host.link("README", "/usr/share/doc");
    host.link(&format!("x_n_c-{OTHER_ID}.log"), format!("/var/log/pods/n_p_{UID}/c/0.log"));
    let mut names = host.names();
    host.refresh(&mut names);
    assert_eq!((names.refused(), names.containers(UID).count()), (4, 1));
}

#[test]
fn a_folder_that_cannot_be_read_leaves_what_was_known_and_is_tried_again() {
    let host = Host::new();
    host.container(ID, 0);
    let mut names = host.names();
    host.refresh(&mut names);
    let aside = host.root.path().join("aside");
    std::fs::rename(host.folder(), &aside).unwrap();
    for _ in 0..2 {
        assert_eq!(names.refresh_at(host.now()).unwrap_err().class(), ErrorClass::NotFound);
        assert!(!names.is_up() && names.container(UID, ID).is_some());
    }
    std::fs::write(host.folder(), "a file").unwrap();
    assert_eq!(names.refresh_at(host.now()).unwrap_err().class(), ErrorClass::Io);
    std::fs::remove_file(host.folder()).unwrap();
    std::fs::rename(&aside, host.folder()).unwrap();
    assert!(!host.refresh(&mut names), "nothing changed");
    assert!(names.is_up());
}

#[test]
fn links_beyond_the_bound_are_refused_and_those_before_are_known() {
    let mut host = Host::new();
    for number in 0..8 {
        host.container(&format!("{number:064x}"), number);
    }
    let mut names = host.names();
    names.folder = Folder::new(host.folder(), 5);
    host.clock_ms += 10_000;
    assert_eq!(names.refresh_at(host.now()).unwrap_err().class(), ErrorClass::Refused);
    assert_eq!((names.containers(UID).count(), names.is_up(), names.version()), (5, true, 1));
    assert!(!host.refresh(&mut names), "it is told once for each reading");
}

#[test]
fn a_folder_at_rest_is_not_read_again() {
    let mut host = Host::new();
    host.container(ID, 0);
    let mut names = host.names();
    host.clock_ms += 2000;
    assert!(host.refresh(&mut names));
    // No change of a real folder leaves its time as it was two seconds ago: this one shows that nothing is read.
    host.clock_ms -= 2000;
    host.container(OTHER_ID, 1);
    host.clock_ms += 2000;
    assert!(!host.refresh(&mut names));
    assert_eq!(names.containers(UID).count(), 1);
}

#[test]
fn a_change_within_the_same_tick_of_the_clock_is_seen() {
    let mut host = Host::new();
    host.container(ID, 0);
    let mut names = host.names();
    for age_ms in [0, 1, 1999] {
        host.clock_ms += age_ms;
        host.refresh(&mut names);
        host.clock_ms -= age_ms;
        host.container(OTHER_ID, 1);
        host.clock_ms += 10_000;
        assert!(host.refresh(&mut names), "read {age_ms} ms after the folder's time");
        host.unlink(&format!("p_n_c-{OTHER_ID}.log"));
    }
}

#[test]
fn a_folder_from_the_future_is_read_at_each_refresh() {
    let mut host = Host::new();
    host.clock_ms += 3_600_000;
    host.container(ID, 0);
    host.clock_ms -= 3_600_000;
    let mut names = host.names();
    assert!(host.refresh(&mut names));
    host.clock_ms += 3_600_000;
    host.container(OTHER_ID, 0);
    host.clock_ms -= 3_600_000;
    assert!(host.refresh(&mut names));
}

#[test]
fn another_folder_in_its_place_is_read_though_its_time_is_the_same() {
    let mut host = Host::new();
    host.container(ID, 0);
    let mut names = host.names();
    host.clock_ms += 5000;
    host.refresh(&mut names);
    std::fs::rename(host.folder(), host.root.path().join("aside")).unwrap();
    std::fs::create_dir(host.folder()).unwrap();
    host.clock_ms -= 5000;
    host.stamp();
    host.clock_ms += 5000;
    assert!(host.refresh(&mut names));
    assert!(names.pod(UID).is_none());
}

/// One thing that happens to the folder. Few names, so that they meet again.
#[derive(Debug, Clone)]
enum Event {
    Link { pod: u8, container: u8, restarts: u32 },
    Unlink { pod: u8, container: u8 },
    Foreign(u8),
    Wait(u64),
}

fn event() -> impl Strategy<Value = Event> {
    let few = || 0..3_u8;
    prop_oneof![
        4 => (few(), few(), 0..3_u32).prop_map(|(pod, container, restarts)| Event::Link { pod, container, restarts }),
        3 => (few(), few()).prop_map(|(pod, container)| Event::Unlink { pod, container }),
        1 => few().prop_map(Event::Foreign),
        3 => prop_oneof![Just(1), Just(500), Just(1999), Just(2000), Just(60_000)].prop_map(Event::Wait),
    ]
}

fn id(pod: u8, container: u8) -> String {
    format!("{pod:032x}{container:032x}")
}

proptest! {
    /// The folder's time is the clock's at the last change, so changes share a tick unless the clock moved between them.
    #[test]
    fn after_any_history_a_refresh_knows_what_a_naive_reading_finds(
        steps in prop::collection::vec((event(), any::<bool>()), 1..40),
    ) {
        let mut host = Host::new();
        let mut names = host.names();
        for (event, refreshes) in steps {
            match event {
                Event::Link { pod, container, restarts } => host.link(
                    &format!("p{pod}_n_c{container}-{}.log", id(pod, container)),
                    format!("/var/log/pods/n_p{pod}_u{pod}/c{container}/{restarts}.log"),
                ),
                Event::Unlink { pod, container } => {
                    host.unlink(&format!("p{pod}_n_c{container}-{}.log", id(pod, container)));
                }
                Event::Foreign(number) => host.link(&format!("foreign{number}.log"), "/x"),
                Event::Wait(milliseconds) => host.clock_ms += milliseconds,
            }
            if !refreshes {
                continue;
            }
            let before = names.entries.clone();
            let changed = host.refresh(&mut names);
            prop_assert_eq!(changed, before != names.entries);
            let found = std::fs::read_dir(host.folder()).unwrap().map(|entry| entry.unwrap().path());
            let found = found.filter(|path| !path.to_string_lossy().contains("foreign"));
            let naive: Vec<_> = found.map(|path| std::fs::read_link(path).unwrap()).collect();
            prop_assert_eq!(naive.len(), names.entries.len());
            for (pod, container) in (0..3).flat_map(|pod| (0..3).map(move |container| (pod, container))) {
                let name = names.container(&format!("u{pod}"), &id(pod, container));
                let target = name.map(|name| {
                    PathBuf::from(format!(
                        "/var/log/pods/n_p{pod}_u{pod}/{}/{}.log", name.container, name.restarts.unwrap()
                    ))
                });
                let expected = naive.iter().find(|target| {
                    target.starts_with(format!("/var/log/pods/n_p{pod}_u{pod}/c{container}"))
                });
                prop_assert_eq!(target.as_ref(), expected);
            }
        }
    }
}

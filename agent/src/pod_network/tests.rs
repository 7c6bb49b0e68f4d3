use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

/// The host's namespace; the others are any other numbers.
const HOST: u64 = 0;

/// A `/proc` of files. A namespace is a file with a hard link for each process in it, so that inode numbers tell
/// namespaces apart as the kernel's do.
struct Host {
    root: tempfile::TempDir,
    made: u32,
}

impl Host {
    fn new() -> Self {
        let host = Self { root: tempfile::tempdir().unwrap(), made: 0 };
        fs::create_dir(host.root.path().join("namespaces")).unwrap();
        fs::create_dir(host.root.path().join("proc")).unwrap();
        let mut host = host;
        host.start(1, "", HOST, 0);
        host
    }

    fn process(&self, pid: u32) -> PathBuf {
        self.root.path().join("proc").join(pid.to_string())
    }

    /// The interfaces of a namespace: its number is what `eth0` has received.
    fn namespace(&self, number: u64) -> PathBuf {
        let file = self.root.path().join("namespaces").join(number.to_string());
        if !file.exists() {
            let row = |name: &str| format!("{name:>6}: {number} 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
            fs::write(&file, format!("Inter-| |\n face | |\n{}{}", row("lo"), row("eth0"))).unwrap();
        }
        file
    }

    /// A process in the cgroup of a pod, or in none for an empty uid. It takes the place of another of this id.
    fn start(&mut self, pid: u32, pod: &str, namespace: u64, start: u64) {
        // Made elsewhere first, lest it gets the inode number of the one before.
        self.made += 1;
        let new = self.root.path().join(format!("new-{}", self.made));
        fs::create_dir_all(new.join("net")).unwrap();
        fs::hard_link(self.namespace(namespace), new.join("net/dev")).unwrap();
        fs::write(new.join("stat"), stat(start)).unwrap();
        fs::write(new.join("cgroup"), cgroup(pod)).unwrap();
        self.end(pid);
        fs::rename(new, self.process(pid)).unwrap();
    }

    /// The directory stays until the test ends, so that its inode number is not given to another.
    fn end(&mut self, pid: u32) {
        self.made += 1;
        let _ = fs::rename(self.process(pid), self.root.path().join(format!("old-{}", self.made)));
    }

    fn move_to(&self, pid: u32, pod: &str) {
        fs::write(self.process(pid).join("cgroup"), cgroup(pod)).unwrap();
    }

    fn networks(&self) -> PodNetworks {
        PodNetworks::new(&HostPaths::new(self.root.path(), None, None))
    }
}

fn stat(start: u64) -> String {
    format!("7 (a b) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {start} 0 0\n")
}

fn cgroup(pod: &str) -> String {
    let path = if pod.is_empty() { String::new() } else { format!("kubepods/burstable/pod{pod}/5f4a") };
    format!("9:name=systemd:/\n4:memory:/{path}\n0::/\n")
}

/// Refreshes, and answers the classes of what was told of errors.
fn refresh(networks: &mut PodNetworks, uids: &[&str], changed: bool) -> Vec<ErrorClass> {
    let mut errors = Vec::new();
    networks.refresh(uids, changed, &mut Vec::new(), &mut |error| errors.push(error.class()));
    errors
}

/// The namespace that was read of the pod, or the class of the error.
fn read(networks: &mut PodNetworks, uid: &str) -> Result<Option<u64>, ErrorClass> {
    let (mut told, mut failed) = (None, None);
    networks.read(uid, &mut Vec::new(), &mut |error| failed = Some(error.class()), &mut |interface| {
        assert!(interface.is_default && told.is_none() && interface.tx_bytes == 9);
        told = Some(interface.rx_bytes);
    });
    failed.map_or(Ok(told), Err)
}

#[test]
fn the_figures_of_a_pod_are_those_of_its_oldest_process() {
    let mut host = Host::new();
    host.start(20, "a", 7, 10);
    host.start(10, "a", 8, 20);
    host.start(30, "b", 9, 5);
    let mut networks = host.networks();
    assert_eq!(refresh(&mut networks, &["a", "b", "c"], true), []);
    assert_eq!((read(&mut networks, "a"), read(&mut networks, "b")), (Ok(Some(7)), Ok(Some(9))));
    assert_eq!((read(&mut networks, "c"), read(&mut networks, "unasked")), (Ok(None), Ok(None)));
}

#[test]
fn a_pod_in_the_hosts_network_is_left_out_unless_it_is_asked_for() {
    let mut host = Host::new();
    host.start(20, "a", HOST, 10);
    host.start(30, "b", 9, 5);
    for tells in [false, true] {
        let mut networks = host.networks().with_host_network(tells);
        refresh(&mut networks, &["a", "b", "c"], true);
        assert_eq!(read(&mut networks, "a"), Ok(tells.then_some(HOST)));
        assert_eq!((read(&mut networks, "b"), read(&mut networks, "c")), (Ok(Some(9)), Ok(None)));
    }
}

#[test]
fn a_runtime_that_is_still_in_the_hosts_network_is_looked_at_again() {
    let mut host = Host::new();
    host.start(20, "a", HOST, 10);
    let mut networks = host.networks();
    refresh(&mut networks, &["a"], true);
    assert_eq!(read(&mut networks, "a"), Ok(None));
    fs::remove_file(host.process(20).join("net/dev")).unwrap();
    fs::hard_link(host.namespace(7), host.process(20).join("net/dev")).unwrap();
    refresh(&mut networks, &["a"], false);
    assert_eq!(read(&mut networks, "a"), Ok(Some(7)));
}

#[test]
fn the_processes_are_walked_only_while_a_pod_has_none() {
    let mut host = Host::new();
    host.start(20, "a", 7, 10);
    let mut networks = host.networks();
    for changed in [true, true, false] {
        refresh(&mut networks, &["a"], changed);
    }
    assert_eq!(networks.walks(), 1);
    for _ in 0..6 {
        refresh(&mut networks, &["a", "b"], false);
    }
    assert_eq!(networks.walks(), 4, "three for the new pod");
    refresh(&mut networks, &["a", "b"], true);
    assert_eq!(networks.walks(), 5);
}

#[test]
fn a_process_that_enters_its_cgroup_after_a_walk_is_found() {
    for walks_before in [0, 1, 2] {
        let mut host = Host::new();
        host.start(20, "", 7, 10);
        let mut networks = host.networks();
        for _ in 0..walks_before {
            refresh(&mut networks, &["a"], false);
            assert_eq!(read(&mut networks, "a"), Ok(None));
        }
        host.move_to(20, "a");
        refresh(&mut networks, &["a"], false);
        assert_eq!(read(&mut networks, "a"), Ok(Some(7)), "after {walks_before} walks");
    }
}

#[test]
fn a_process_that_two_walks_found_in_no_pod_is_not_read_again() {
    let mut host = Host::new();
    host.start(20, "", 7, 10);
    let mut networks = host.networks();
    for _ in 0..u64::from(pods::TRIES) + 2 {
        refresh(&mut networks, &["a"], true);
    }
    // Real processes do not do this: it shows that nothing is read.
    host.move_to(20, "a");
    refresh(&mut networks, &["a"], true);
    assert_eq!(read(&mut networks, "a"), Ok(None));
    host.start(20, "a", 8, 11);
    refresh(&mut networks, &["a"], true);
    assert_eq!(read(&mut networks, "a"), Ok(Some(8)), "another process of the same id");
}

#[test]
fn when_its_process_ends_a_pod_is_missed_once_and_has_another_at_the_next_refresh() {
    let mut host = Host::new();
    host.start(20, "a", 7, 10);
    host.start(30, "a", 7, 20);
    let mut networks = host.networks();
    refresh(&mut networks, &["a"], true);
    host.end(20);
    assert_eq!(read(&mut networks, "a"), Err(ErrorClass::NotFound));
    assert_eq!(read(&mut networks, "a"), Ok(None));
    refresh(&mut networks, &["a"], false);
    assert_eq!((read(&mut networks, "a"), networks.walks()), (Ok(Some(7)), 2));
}

#[test]
fn another_process_of_the_same_id_is_not_taken_for_the_pods() {
    let mut host = Host::new();
    host.start(20, "a", 7, 10);
    let mut networks = host.networks();
    refresh(&mut networks, &["a", "b"], true);
    // In a namespace of the same number even, as the kernel may give it out again.
    host.start(20, "b", 7, 11);
    assert_eq!(read(&mut networks, "a"), Err(ErrorClass::NotFound));
    refresh(&mut networks, &["a", "b"], false);
    assert_eq!((read(&mut networks, "a"), read(&mut networks, "b")), (Ok(None), Ok(Some(7))));
}

#[test]
fn a_process_whose_directory_was_made_anew_is_the_same_by_its_start() {
    let mut host = Host::new();
    host.start(20, "a", 7, 10);
    let mut networks = host.networks();
    refresh(&mut networks, &["a"], true);
    host.start(20, "a", 7, 10);
    for _ in 0..2 {
        assert_eq!(read(&mut networks, "a"), Ok(Some(7)));
    }
    assert_eq!(networks.walks(), 1);
}

#[test]
fn a_process_that_left_the_pods_network_is_replaced_by_one_that_stayed() {
    let mut host = Host::new();
    host.start(20, "a", 7, 10);
    host.start(30, "a", 7, 20);
    let mut networks = host.networks();
    refresh(&mut networks, &["a"], true);
    host.start(20, "a", 8, 10);
    assert_eq!(read(&mut networks, "a"), Err(ErrorClass::NotFound));
    refresh(&mut networks, &["a"], false);
    assert_eq!(read(&mut networks, "a"), Ok(Some(7)));
}

#[test]
fn without_process_1_no_pod_is_told_from_the_host() {
    let mut host = Host::new();
    host.start(20, "a", 7, 10);
    host.end(1);
    let mut networks = host.networks();
    assert_eq!(refresh(&mut networks, &["a"], true), [ErrorClass::NotFound]);
    assert_eq!(read(&mut networks, "a"), Ok(None));
    host.start(1, "", HOST, 0);
    assert_eq!(refresh(&mut networks, &["a"], false), []);
    assert_eq!(read(&mut networks, "a"), Ok(Some(7)));
}

#[test]
fn a_directory_of_processes_that_cannot_be_listed_is_told() {
    let host = Host::new();
    fs::remove_dir_all(host.root.path().join("proc")).unwrap();
    let mut networks = host.networks();
    assert_eq!(refresh(&mut networks, &["a"], true), [ErrorClass::NotFound]);
    assert_eq!(refresh(&mut networks, &[], true), [], "nobody asks");
}

#[test]
fn a_process_that_cannot_be_read_is_told_and_disturbs_no_other() {
    let mut host = Host::new();
    host.start(20, "a", 7, 10);
    host.start(30, "b", 8, 10);
    host.start(40, "c", 9, 10);
    fs::remove_file(host.process(20).join("cgroup")).unwrap();
    fs::create_dir(host.process(20).join("cgroup")).unwrap();
    fs::write(host.process(30).join("stat"), "no stat").unwrap();
    let mut networks = host.networks();
    assert_eq!(refresh(&mut networks, &["a", "b", "c"], true), [ErrorClass::Io; 2]);
    assert_eq!(read(&mut networks, "c"), Ok(Some(9)));
}

#[test]
fn processes_beyond_the_bound_are_refused_and_those_before_are_found() {
    let mut host = Host::new();
    host.start(20, "a", 7, 10);
    host.start(30, "b", 8, 10);
    let mut networks = host.networks();
    networks.known = KnownSet::new(2);
    let errors = refresh(&mut networks, &["a", "b"], true);
    assert_eq!(errors, [ErrorClass::Refused]);
    assert_eq!(networks.known.iter_mut().count(), 2);
}

#[test]
fn figures_that_are_malformed_or_too_long_are_told_as_such_and_the_process_is_kept() {
    let mut host = Host::new();
    host.start(20, "a", 7, 10);
    let mut networks = host.networks();
    refresh(&mut networks, &["a"], true);
    let good = fs::read_to_string(host.namespace(7)).unwrap();
    for (text, class) in [
        (good.trim_end().to_owned(), ErrorClass::Parse),
        (good.replace("eth0:", "eth0"), ErrorClass::Parse),
        (good.clone() + &" ".repeat(64 << 10) + "\n", ErrorClass::Refused),
    ] {
        fs::write(host.namespace(7), text).unwrap();
        assert_eq!(read(&mut networks, "a"), Err(class));
    }
    fs::write(host.namespace(7), good).unwrap();
    assert_eq!((read(&mut networks, "a"), networks.walks()), (Ok(Some(7)), 1));
}

#[test]
fn the_nodes_interfaces_are_those_of_process_1_and_a_failed_read_is_told() {
    let mut host = Host::new();
    host.namespace(5);
    host.start(1, "", 5, 0);
    let mut networks = host.networks();
    let mut told = Vec::new();
    networks.read_node(&mut Vec::new(), &mut |error| panic!("{error}"), &mut |interface| {
        told.push((interface.name.to_owned(), interface.rx_bytes));
    });
    assert_eq!(told, [("eth0".to_owned(), 5)]);
    host.end(1);
    let mut networks = host.networks();
    let mut failed = Vec::new();
    networks.read_node(&mut Vec::new(), &mut |error| failed.push(error.class()), &mut |_| panic!("told"));
    assert_eq!(failed, [ErrorClass::NotFound]);
}

/// One thing that happens on the host. Few ids, so that they are used again.
#[derive(Debug, Clone)]
enum Event {
    Start { pid: u32, pod: usize, namespace: u64 },
    End(u32),
    Move { pid: u32, pod: usize },
    Follow(Vec<bool>),
}

const PODS: [&str; 4] = ["a", "b", "c", ""];

fn event() -> impl Strategy<Value = Event> {
    let pid = || 2..8_u32;
    prop_oneof![
        5 => (pid(), 0..4_usize, 0..4_u64).prop_map(|(pid, pod, namespace)| Event::Start { pid, pod, namespace }),
        3 => pid().prop_map(Event::End),
        1 => (pid(), 0..3_usize).prop_map(|(pid, pod)| Event::Move { pid, pod }),
        2 => prop::collection::vec(any::<bool>(), 3).prop_map(Event::Follow),
    ]
}

/// What the model knows of a process: its pod, its namespace, when it started.
type Model = BTreeMap<u32, (usize, u64, u64)>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A process moves at most out of no pod into one, as runtimes do, before two walks have met it.
    #[test]
    fn after_any_history_each_pod_has_the_figures_of_a_process_of_its_own_or_none(
        events in prop::collection::vec(event(), 1..30),
    ) {
        let mut host = Host::new();
        let mut networks = host.networks();
        let mut model = Model::new();
        let mut followed = vec!["a", "b", "c"];
        // When there was a second walk, because a process of a pod was gone.
        let mut walked_again = 0;
        for (tick, event) in (1_u64..).zip(events) {
            match event {
                Event::Start { pid, pod, namespace } => {
                    host.start(pid, PODS[pod], namespace, tick);
                    model.insert(pid, (pod, namespace, tick));
                }
                Event::End(pid) => {
                    host.end(pid);
                    model.remove(&pid);
                }
                Event::Move { pid, pod } => {
                    if let Some((of, _, start)) = model.get_mut(&pid).filter(|(of, _, start)| {
                        *of == 3 && start + 1 == tick && walked_again != *start
                    }) {
                        host.move_to(pid, PODS[pod]);
                        (*of, _) = (pod, start);
                    }
                }
                Event::Follow(which) => {
                    followed = PODS.into_iter().zip(which).filter(|(_, is)| *is).map(|(uid, _)| uid).collect();
                }
            }
            prop_assert_eq!(refresh(&mut networks, &followed, true), []);
            for uid in &followed {
                let told = match read(&mut networks, uid) {
                    Err(class) => {
                        prop_assert_eq!(class, ErrorClass::NotFound);
                        refresh(&mut networks, &followed, false);
                        walked_again = tick;
                        read(&mut networks, uid)
                    }
                    told => told,
                };
                let possible: Vec<_> = model
                    .values()
                    .filter(|(pod, namespace, _)| PODS[*pod] == *uid && *namespace != HOST)
                    .map(|(_, namespace, _)| *namespace)
                    .collect();
                match told {
                    Ok(Some(namespace)) => prop_assert!(possible.contains(&namespace), "{uid}: {namespace}"),
                    Ok(None) => prop_assert!(possible.is_empty(), "{uid}: none of {possible:?}"),
                    Err(class) => prop_assert!(false, "{uid}: {class:?}"),
                }
            }
        }
    }
}

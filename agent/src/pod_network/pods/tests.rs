use proptest::prelude::*;

use super::*;

const HOST: u64 = 1;

fn process(pid: u32, start: u64, namespace: u64) -> Process {
    Process { pid, inode: u64::from(pid), start, namespace }
}

/// A walk that meets these processes of the pod `a`.
fn walk(pods: &mut Pods, met: &[Process]) -> Option<u32> {
    pods.begin();
    let serial = pods.serial("a").unwrap();
    for process in met {
        pods.by_serial(serial).unwrap().offer(*process, HOST);
    }
    pods.finish();
    pods.get_mut("a").unwrap().process.map(|process| process.pid)
}

fn following(uids: &[&str]) -> Pods {
    let mut pods = Pods::default();
    pods.follow(uids);
    pods
}

#[test]
fn the_process_that_started_first_outside_the_hosts_network_is_taken() {
    let met = [process(9, 50, 7), process(30, 10, 7), process(20, 10, 8), process(2, 1, HOST)];
    let mut pods = following(&["a"]);
    assert_eq!(walk(&mut pods, &met), Some(20));
}

#[test]
fn after_a_loss_a_process_of_the_same_namespace_goes_before_an_older_one_of_another() {
    let mut pods = following(&["a"]);
    assert_eq!(walk(&mut pods, &[process(5, 10, 7)]), Some(5));
    pods.get_mut("a").unwrap().lose();
    assert_eq!(walk(&mut pods, &[process(6, 11, 8), process(7, 12, 7)]), Some(7));
}

#[test]
fn a_pod_with_processes_in_the_hosts_network_only_is_in_it_until_another_appears() {
    let mut pods = following(&["a"]);
    assert_eq!(walk(&mut pods, &[process(5, 10, HOST)]), None);
    assert!(pods.get_mut("a").unwrap().is_in_host);
    assert_eq!(walk(&mut pods, &[process(5, 10, HOST), process(6, 11, 7)]), Some(6));
    assert_eq!(walk(&mut pods, &[]), Some(6), "a walk for others takes nothing away");
}

#[test]
fn a_pod_without_a_process_is_worth_three_walks_and_then_one_for_each_change() {
    let mut pods = following(&["a"]);
    for tries in 0..TRIES {
        assert!(pods.need_walk(false), "after {tries}");
        assert_eq!(pods.need_whole_walk(), tries == TRIES - 1, "after {tries}");
        walk(&mut pods, &[]);
    }
    assert!(!pods.need_walk(false) && pods.need_walk(true) && !pods.need_whole_walk());
    walk(&mut pods, &[process(5, 10, 7)]);
    assert!(!pods.need_walk(true), "nothing is missing");
    pods.get_mut("a").unwrap().lose();
    assert!(pods.need_walk(false));
}

#[test]
fn a_pod_in_the_hosts_network_makes_no_walk_read_every_process() {
    let mut pods = following(&["a"]);
    for _ in 0..5 {
        assert!(!pods.need_whole_walk());
        walk(&mut pods, &[process(5, 10, HOST)]);
    }
}

#[test]
fn a_uid_that_comes_back_is_another_pod() {
    let mut pods = following(&["a"]);
    walk(&mut pods, &[process(5, 10, 7)]);
    let serial = pods.serial("a").unwrap();
    pods.follow(&[]);
    pods.follow(&["a"]);
    pods.begin();
    assert!(pods.by_serial(serial).is_none());
    assert!(pods.get_mut("a").unwrap().process.is_none() && pods.need_walk(false));
}

proptest! {
    #[test]
    fn exactly_the_pods_of_the_last_uids_are_followed_in_whatever_order_they_come(
        calls in prop::collection::vec(prop::collection::vec("[a-e]{1,2}", 0..12), 1..6),
    ) {
        let mut pods = Pods::default();
        for uids in calls {
            let uids: Vec<_> = uids.iter().map(String::as_str).collect();
            pods.follow(&uids);
            let followed: Vec<_> = pods.rows.iter().map(|pod| pod.uid.to_string()).collect();
            let mut expected: Vec<_> = uids.iter().map(ToString::to_string).collect();
            expected.sort();
            expected.dedup();
            prop_assert_eq!(&followed, &expected);
            pods.begin();
            for uid in &expected {
                let serial = pods.serial(uid).unwrap();
                prop_assert_eq!(&*pods.by_serial(serial).unwrap().uid, uid.as_str());
            }
        }
    }
}

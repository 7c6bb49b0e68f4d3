//! The life of a healthy informer.

use super::*;
use crate::pod::Head;
use crate::remembered::{ClusterId, Header, Remembered};

fn remembered(age: Duration) -> Memory {
    let saved_at = start().wall.minus(age).since_origin();
    let header = Header { cluster: ClusterId([1; 32]), resource_version: "70".into(), saved_at, kept: 0 };
    Memory { index: Some(Remembered { header, pods: vec![pod("a", "60")] }), ..Memory::default() }
}

#[test]
fn a_cold_start_asks_for_the_size_then_lists_then_watches_from_the_lists_version() {
    let mut node = Node::new(settings(None));
    node.size(30);
    node.list("100", vec![pod("a", "90")]);
    let id = node.watch("100");
    assert_eq!(node.names(), ["a"]);
    node.tell(id, Happened::Item(Item::Applied(Box::new(pod("b", "101")))));
    let gone =
        Head { namespace: None, name: None, uid: Some("uid-a".into()), resource_version: Some("102".into()) };
    node.tell(id, Happened::Item(Item::Deleted(Box::new(gone))));
    assert_eq!(node.names(), ["b"]);
    let reports = [
        (Verb::Get, Resource::DaemonSets, Reason::Size),
        (Verb::List, Resource::Pods, Reason::List),
        (Verb::Watch, Resource::Pods, Reason::Watch),
    ];
    for (verb, resource, reason) in reports {
        assert_eq!(node.count(verb, resource, reason, Status::Ok), 1, "{reason:?}");
    }
}

#[test]
fn the_books_are_saved_before_anything_is_sent() {
    let mut informer = Informer::new(settings(Some(50)), Memory::default(), start()).unwrap();
    let mut now = start();
    let mut before = Vec::new();
    'sent: for _ in 0..10_000 {
        informer.wake(now);
        while let Some(command) = informer.next_command() {
            match command {
                Command::Send(_) => break 'sent,
                Command::SaveSpend => before.push(informer.spend()),
                _ => {}
            }
        }
        let step = Duration::from_millis(250);
        now = Now { wall: now.wall.plus(step), mono: now.mono.plus(step) };
    }
    let spend = before.pop().expect("nothing was saved before the first request");
    assert_eq!(spend.outstanding.len(), 1, "{spend:?}");
    assert!(spend.last_turn.is_some());
    // The next life reports what this one never heard the answer of.
    let memory = Memory { spend: Some(spend), ..Memory::default() };
    let next = Informer::new(settings(Some(50)), memory, now).unwrap();
    let list = Asked { verb: Verb::List, resource: Resource::Pods, reason: Reason::List };
    assert_eq!(next.report(now).requests.get(list, Status::None), 1);
}

#[test]
fn a_renewal_opens_the_successor_from_the_newest_bookmark_before_the_old_watch_closes() {
    let (mut node, first) = Node::watching();
    node.healthy(first, Duration::from_hours(1));
    let (second, ask) = node.asked();
    let Ask::Watch { resource_version, timeout } = ask else { panic!("{ask:?}") };
    assert_eq!(&*resource_version, "200");
    assert!(timeout > Duration::from_mins(30));
    assert_eq!(node.aborted, [], "the old watch is open while the new one is asked for");
    node.tell(first, Happened::Item(Item::Applied(Box::new(pod("late", "201")))));
    assert_eq!(node.names(), ["a", "late"]);
    node.tell(second, Happened::Opened);
    assert_eq!(node.aborted, [first]);
    assert_eq!(node.restarts(Restart::Renewed), 1);
    node.tell(first, Happened::Item(Item::Applied(Box::new(pod("ghost", "202")))));
    assert_eq!(node.names(), ["a", "late"], "a watch that was let go of is not listened to");
}

#[test]
fn a_renewal_that_fails_leaves_the_old_watch_open() {
    let (mut node, first) = Node::watching();
    node.healthy(first, Duration::from_hours(1));
    let (second, _) = node.asked();
    node.done(second, rejected(500));
    assert_eq!(node.aborted, []);
    node.bookmark(first, "300");
    let (_, ask) = node.asked();
    assert!(matches!(ask, Ask::Watch { .. } | Ask::List { .. }), "{ask:?}");
}

#[test]
fn the_probe_shares_the_turn_of_the_renewal() {
    let (mut node, first, second) = Node::renewed();
    let before = node.now;
    node.size(31);
    assert_eq!(node.now, before, "in the same turn");
    assert_ne!(first, second);
}

#[test]
fn an_agent_that_restarts_within_a_minute_has_names_at_once_and_needs_a_watch_only() {
    let mut node = Node::with_memory(settings(Some(1)), remembered(Duration::from_secs(5)), start());
    assert_eq!(node.names(), ["a"]);
    let provenance =
        |node: &Node| node.informer.reader().snapshot().by_uid("uid-a").map(|found| found.provenance);
    assert_eq!(provenance(&node), Some(crate::index::Provenance::Remembered));
    let id = node.watch("70");
    node.bookmark(id, "80");
    node.informer.publish();
    assert_eq!(provenance(&node), Some(crate::index::Provenance::Live));
    assert_eq!(node.count(Verb::List, Resource::Pods, Reason::List, Status::Ok), 0);
}

#[test]
fn a_remembered_version_older_than_a_minute_is_not_tried() {
    for age in [61, 3_600] {
        let mut node = Node::with_memory(settings(Some(1)), remembered(Duration::from_secs(age)), start());
        assert_eq!(node.names(), ["a"], "the names are of use all the same");
        node.list("100", vec![]);
        assert_eq!(node.names(), Vec::<String>::new());
    }
}

#[test]
fn a_new_installation_waits_for_its_step_and_a_node_that_has_joined_does_not() {
    let young = DaemonSet { created: Some(start().wall), ..daemon_set(1_000) };
    let mut node = Node::new(settings(None));
    let (id, _) = node.asked();
    node.done(id, Outcome::Size(young.clone()));
    node.pass(Duration::from_mins(9));
    assert!(node.sent.is_empty(), "{:?}", node.sent);
    let known = KnownSize { joined: true, ..node.informer.known_size() };
    assert_eq!((known.nodes, known.created), (Some(1_000), Some(start().wall)));
    let memory = Memory { size: Some(known), ..Memory::default() };
    let mut joined = Node::with_memory(settings(None), memory, node.now);
    let (_, ask) = joined.asked();
    assert_eq!(ask, Ask::List { limit: 110 });
    // Half an hour after the creation everybody has joined.
    node.pass(Duration::from_mins(22));
    let (_, ask) = node.asked();
    assert_eq!(ask, Ask::List { limit: 110 });
}

#[test]
fn a_declaration_that_cannot_work_is_refused_at_the_start_and_closes_everything_later() {
    let tiny = Settings { declaration: Declaration::new(1.0, 16 << 20, 1.0).unwrap(), ..settings(None) };
    let huge = Settings { cluster: Cluster::new(Some(900_000), 0, 50).unwrap(), ..tiny.clone() };
    assert!(matches!(Informer::new(huge, Memory::default(), start()), Err(DeriveError::Requests { .. })));
    let mut node = Node::new(Settings { cluster: Cluster::new(None, 0, 2).unwrap(), ..tiny });
    node.size(900_000);
    assert!(node.trouble().contains("1000000 nodes need at least"), "{}", node.trouble());
    assert!(node.next_request().is_none());
}

/// Twice the longest turn period: after a change of the period a turn can be left out.
const TWO_TURNS: Duration = Duration::from_hours(46);

#[test]
fn scrapes_whose_reviews_no_longer_fit_are_given_up_and_the_watch_is_kept_until_they_fit_again() {
    let kubelet = Kubelet { access: Access::Token, subresources: 3, ..settings(None).kubelet };
    let mut node = Node::new(Settings { kubelet, ..settings(None) });
    assert!(node.informer.report(node.now).derived.kubelet_period.is_some());
    node.size(200_000);
    let report = node.informer.report(node.now);
    assert_eq!((report.derived.kubelet_period, report.derived.kubelet_probe_period), (None, None));
    let trouble = node.trouble();
    assert!(trouble.starts_with("the kubelet is not scraped: requests_per_second is 50, but"), "{trouble}");
    // A restart knows twice as many, and keeps the watch as well.
    let known = KnownSize { joined: true, ..node.informer.known_size() };
    let memory = Memory { size: Some(known), ..Memory::default() };
    let mut restarted = Node::with_memory(Settings { kubelet, ..settings(None) }, memory, node.now);
    assert!(restarted.trouble().starts_with("the kubelet is not scraped"), "{}", restarted.trouble());
    let (_, ask) = restarted.asked_within(TWO_TURNS);
    assert_eq!(ask, Ask::List { limit: 110 });
    let (id, ask) = node.asked_within(TWO_TURNS);
    assert_eq!(ask, Ask::List { limit: 110 });
    node.done(id, Outcome::List(list("100", vec![])));
    let watch = node.watch("100");
    node.bookmark(watch, "200");
    node.informer.handle(node.now, Event { id: watch, bytes: 0, what: Happened::Ended(event::End::Closed) });
    let (id, _) = node.asked_within(TWO_TURNS);
    node.done(id, Outcome::List(list("300", vec![])));
    node.watch("300");
    let mut small = None;
    while small.is_none() {
        let (id, ask) = node.asked_within(TWO_TURNS);
        if ask == Ask::Size { small = Some(id) } else { node.done(id, rejected(500)) }
    }
    node.done(small.unwrap(), Outcome::Size(daemon_set(1_000)));
    assert!(node.informer.report(node.now).derived.kubelet_period.is_some());
}

#[test]
fn a_watch_whose_next_turn_would_come_after_its_end_is_renewed_in_the_one_before() {
    let (mut node, _, second) = Node::renewed();
    let Ask::Watch { timeout, .. } = node.last_watch.clone().unwrap() else { panic!() };
    let ends = node.now.mono.plus(timeout);
    node.size(4_500);
    let period = node.informer.report(node.now).turn_period;
    assert!(
        period > timeout / 4 && period < timeout / 2,
        "a turn until then, whatever its phase: {period:?}"
    );
    node.healthy(second, timeout * 2);
    assert!(node.now.mono < ends, "asked {:?} after its end", node.now.mono.since(ends));
    node.watch("200");
}

#[test]
fn an_overdue_probe_leaves_the_next_turn_to_the_watch_however_long_the_period_is() {
    let mut node = Node::new(settings(None));
    node.size(5_000);
    // LISTs so large that T is far longer than the probe period.
    let (id, ask) = node.asked();
    assert_eq!(ask, Ask::List { limit: 110 });
    let what = Happened::Done(Outcome::List(List { truncated: true, ..list("100", vec![]) }));
    node.informer.handle(node.now, Event { id, bytes: 5_000_000, what });
    node.collect();
    let report = node.informer.report(node.now);
    assert!(report.turn_period > report.derived.probe_period * 2, "{:?}", report.derived);
    let mut asked = Vec::new();
    for _ in 0..6 {
        let (id, ask) = node.asked();
        asked.push(ask.clone());
        let outcome = if ask == Ask::Size { Outcome::Size(daemon_set(5_000)) } else { rejected(410) };
        node.done(id, outcome);
    }
    assert!(asked.iter().any(|ask| matches!(ask, Ask::List { .. })), "{asked:?}");
}

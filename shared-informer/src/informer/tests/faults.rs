//! Everything that a server, a network or a clock can do wrong.

use super::super::event::{End, Failure, Unusable};
use super::*;
use crate::distress::{RetryAfter, State};
use crate::ledger::Refusal;

fn is_list(ask: &Ask) -> bool {
    matches!(ask, Ask::List { .. })
}

#[test]
fn nothing_follows_in_a_turn_whose_first_request_failed() {
    let outcomes: [fn() -> Outcome; 9] = [
        || rejected(429),
        || rejected(500),
        || rejected(503),
        || rejected(403),
        || rejected(401),
        || Outcome::Failed(Failure::Connection),
        || Outcome::Failed(Failure::Refused),
        || Outcome::Failed(Failure::Redirect),
        || Outcome::Unusable(Unusable::Truncated),
    ];
    for outcome in outcomes {
        let mut node = Node::new(settings(Some(50)));
        let (id, ask) = node.asked();
        assert!(is_list(&ask));
        let what = format!("{:?}", outcome());
        node.done(id, outcome());
        assert!(node.sent.is_empty(), "{what}");
        node.pass(Duration::from_secs(6));
        assert!(node.sent.is_empty(), "{what}");
        assert_eq!(node.informer.pods.index.len(), 0);
        // The next turn tries again.
        assert!(is_list(&node.asked().1), "{what}");
    }
}

#[test]
fn trouble_doubles_the_period_a_refused_connection_does_not_and_success_shrinks_it() {
    let mut node = Node::new(settings(Some(50)));
    let period = node.informer.report(node.now).turn_period;
    let (id, _) = node.asked();
    node.done(id, Outcome::Failed(Failure::Refused));
    assert_eq!(node.informer.report(node.now).turn_period, period);
    let (id, _) = node.asked();
    node.done(id, rejected(500));
    assert_eq!(node.informer.report(node.now).turn_period, period * 2);
    assert_eq!(node.informer.report(node.now).state, State::Conserving);
    assert_eq!(node.informer.next_change().map(|change| change.to), Some(State::Conserving));
    node.list("1", vec![]);
    assert_eq!(node.informer.report(node.now).turn_period, period);
}

#[test]
fn a_servers_wish_to_be_left_alone_is_kept() {
    let mut node = Node::new(settings(Some(50)));
    let (id, _) = node.asked();
    let retry_after = Some(RetryAfter::Delay(Duration::from_mins(20)));
    node.done(id, Outcome::Status(Rejection { code: 429, retry_after, message: "busy".into() }));
    node.pass(Duration::from_mins(19));
    assert!(node.sent.is_empty());
    assert!(is_list(&node.asked().1));
}

#[test]
fn what_has_no_answer_after_five_seconds_is_cut_off_and_counted() {
    let mut node = Node::new(settings(Some(50)));
    let (id, _) = node.asked();
    node.pass(Duration::from_secs(4));
    assert_eq!(node.aborted, []);
    node.pass(Duration::from_secs(1));
    assert_eq!(node.aborted, [id]);
    assert_eq!(node.count(Verb::List, Resource::Pods, Reason::List, Status::None), 1);
    // An answer that comes late is not listened to.
    node.done(id, Outcome::List(list("100", vec![pod("a", "90")])));
    assert_eq!(node.informer.pods.index.len(), 0);
    assert_eq!(node.informer.report(node.now).requests.total(), 1);
}

#[test]
fn a_version_that_is_gone_leads_to_a_list_in_the_next_turn_in_either_form() {
    let (mut node, first) = Node::watching();
    node.tell(
        first,
        Happened::Item(Item::Error(Rejection { code: 410, retry_after: None, message: "old".into() })),
    );
    assert_eq!((node.restarts(Restart::Gone), node.aborted.clone()), (1, vec![first]));
    assert!(node.sent.is_empty(), "not in the same turn");
    let (list, ask) = node.asked();
    assert!(is_list(&ask));
    node.done(list, Outcome::List(super::list("300", vec![])));
    assert_eq!(node.count(Verb::List, Resource::Pods, Reason::Relist, Status::Ok), 1);
    let (watch, _) = node.asked();
    node.done(watch, rejected(410));
    assert!(node.sent.is_empty());
    assert!(is_list(&node.asked().1));
    assert_eq!(node.informer.report(node.now).state, State::Ok, "a 410 is a healthy server's");
}

#[test]
fn a_watch_that_broke_goes_on_from_its_version_in_the_next_turn_if_that_is_fresh() {
    for (end, why) in [(End::Closed, Restart::Closed), (End::Broken, Restart::Broken)] {
        let (mut node, first) = Node::watching();
        node.bookmark(first, "150");
        node.tell(first, Happened::Ended(end));
        assert_eq!(node.restarts(why), 1);
        node.watch("150");
    }
}

#[test]
fn a_line_that_is_no_event_closes_the_watch_and_is_counted() {
    for end in [End::TooLarge, End::Malformed] {
        let (mut node, first) = Node::watching();
        node.tell(first, Happened::Ended(end));
        assert_eq!(node.restarts(Restart::Unusable), 1);
        assert_eq!(node.informer.report(node.now).refused[&Refused::Unusable], 1);
        assert_eq!(node.informer.report(node.now).state, State::Conserving);
    }
}

#[test]
fn two_missing_bookmarks_drop_the_watch_and_a_version_that_may_be_from_the_future() {
    let (mut node, first) = Node::watching();
    node.pass(Duration::from_secs(100));
    node.bookmark(first, "101");
    node.pass(Duration::from_secs(129));
    assert_eq!(node.aborted, []);
    node.pass(Duration::from_secs(2));
    assert_eq!(node.aborted, [first]);
    assert_eq!(node.restarts(Restart::MissedBookmarks), 1);
    assert!(is_list(&node.asked().1), "the version was not tried again");
}

#[test]
fn the_first_bookmark_has_a_minute_more() {
    let (mut node, first) = Node::watching();
    node.pass(Duration::from_secs(189));
    assert_eq!(node.aborted, []);
    node.pass(Duration::from_secs(2));
    assert_eq!((node.aborted.clone(), node.restarts(Restart::MissedBookmarks)), (vec![first], 1));
}

#[test]
fn events_alone_are_no_sign_of_life() {
    let (mut node, first) = Node::watching();
    for version in 101..300 {
        node.pass(Duration::from_secs(1));
        node.tell(first, Happened::Item(Item::Applied(Box::new(pod("a", &version.to_string())))));
    }
    assert_eq!(node.aborted, [first]);
}

#[test]
fn a_list_older_than_the_index_is_refused_once_and_accepted_the_second_time() {
    let (mut node, first) = Node::watching();
    node.bookmark(first, "500");
    node.tell(first, Happened::Ended(End::Closed));
    node.pass(Duration::from_secs(61));
    node.sent.clear();
    node.list("400", vec![pod("old", "300")]);
    assert_eq!(node.names(), ["a"]);
    assert!(node.sent.is_empty(), "no watch from a list that was not taken");
    assert_eq!(node.informer.report(node.now).refused[&Refused::OlderThanIndex], 1);
    node.list("400", vec![pod("old", "300")]);
    assert_eq!(node.names(), ["old"]);
    node.watch("400");
}

#[test]
fn a_truncated_list_is_an_error_and_changes_nothing() {
    let mut node = Node::new(settings(Some(50)));
    let (id, _) = node.asked();
    node.done(id, Outcome::List(List { truncated: true, ..list("100", vec![pod("a", "90")]) }));
    assert_eq!(node.informer.pods.index.len(), 0);
    assert!(node.sent.is_empty());
    assert_eq!(node.informer.report(node.now).refused[&Refused::Truncated], 1);
}

#[test]
fn a_refused_token_is_read_again_and_a_missing_right_is_named() {
    let mut node = Node::new(settings(None));
    let (id, _) = node.asked();
    node.done(id, rejected(401));
    assert_eq!(node.renewed_credential, 1);
    let (id, _) = node.asked();
    node.done(id, rejected(403));
    assert!(node.trouble().contains("resources [daemonsets]"), "{}", node.trouble());
    // No hammering: each of them stretched the period.
    let report = node.informer.report(node.now);
    assert_eq!(report.turn_period, report.derived.turn_period * 4);
    assert!(report.turn_period > report.derived.turn_period);
}

#[test]
fn pods_that_cannot_be_read_are_counted_and_the_rest_is_kept() {
    let mut node = Node::new(settings(Some(50)));
    let (id, _) = node.asked();
    let refused = [1, 0, 2, 0, 0, 0];
    node.done(id, Outcome::List(List { refused, ..list("100", vec![pod("a", "90")]) }));
    let watch = node.watch("100");
    node.tell(watch, Happened::Item(Item::Refused(pod::Refusal::TooLarge, None)));
    assert_eq!(node.names(), ["a"]);
    assert_eq!(node.informer.report(node.now).refused[&Refused::Pod], 4);
}

#[test]
fn a_watch_that_carries_too_much_is_closed_until_that_is_repaid() {
    let mut node = Node::new(Settings { carried_bound: 1_000_000, ..settings(Some(50)) });
    node.list("100", vec![]);
    let first = node.watch("100");
    let item = Happened::Item(Item::Applied(Box::new(pod("a", "101"))));
    node.informer.handle(node.now, Event { id: first, bytes: 3_000_000, what: item });
    node.collect();
    assert_eq!((node.restarts(Restart::Carried), node.aborted.clone()), (1, vec![first]));
    assert_eq!(node.names(), ["a"], "what came is known");
    // Three times the bound of ten minutes: half an hour.
    node.pass(Duration::from_mins(29));
    assert!(node.sent.is_empty(), "neither a watch nor a list that leads to one");
    assert!(is_list(&node.asked().1));
}

#[test]
fn an_event_about_a_request_that_nobody_waits_for_changes_nothing() {
    let (mut node, first) = Node::watching();
    let before = format!("{:?}", node.informer.report(node.now));
    for id in [RequestId(0), RequestId(first.0 + 1), RequestId(u64::MAX)] {
        node.tell(id, Happened::Opened);
        node.tell(id, Happened::Ended(End::Closed));
        node.tell(id, Happened::Item(Item::Bookmark("9999".into())));
        node.done(id, Outcome::Size(daemon_set(7)));
        node.done(id, Outcome::List(list("9999", vec![])));
    }
    assert_eq!(format!("{:?}", node.informer.report(node.now)), before);
    assert!(node.aborted.is_empty() && node.sent.is_empty());
}

#[test]
fn a_clock_that_steps_grants_no_second_turn() {
    let mut node = Node::new(settings(Some(50)));
    let (id, _) = node.asked();
    node.done(id, rejected(500));
    for by in [-300_i64, 300, -3_600, 3_600] {
        let wall = node.now.wall;
        let step = Duration::from_secs(by.unsigned_abs());
        node.now.wall = if by < 0 { wall.minus(step) } else { wall.plus(step) };
        node.informer.wake(node.now);
        node.collect();
        node.pass(Duration::from_secs(1));
        assert!(node.sent.is_empty(), "a step of {by} s");
    }
    assert_eq!(node.informer.report(node.now).throttled.get(&Refusal::Guard), None, "the turns were enough");
}

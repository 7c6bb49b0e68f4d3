//! People: pause, dry run, a new configuration.

use super::*;
use crate::distress::State;

#[test]
fn a_pause_lets_go_of_everything_at_once_and_nothing_is_asked_until_it_ends() {
    let (mut node, watch) = Node::watching();
    node.informer.pause(node.now, true);
    node.collect();
    assert_eq!(node.aborted, [watch]);
    assert_eq!(node.restarts(Restart::Paused), 1);
    assert_eq!(node.informer.report(node.now).state, State::Paused);
    node.pass(Duration::from_hours(2));
    assert!(node.sent.is_empty());
    assert_eq!(node.names(), ["a"], "what is known stays known");
    node.informer.pause(node.now, false);
    assert!(matches!(node.asked().1, Ask::List { .. }));
}

#[test]
fn a_pause_cuts_off_what_is_under_way_and_counts_it() {
    let mut node = Node::new(settings(Some(50)));
    let (id, _) = node.asked();
    node.informer.pause(node.now, true);
    node.collect();
    assert_eq!(node.aborted, [id]);
    assert_eq!(node.count(Verb::List, Resource::Pods, Reason::List, Status::None), 1);
    node.done(id, Outcome::List(list("100", vec![pod("a", "90")])));
    assert!(node.sent.is_empty() && node.names().is_empty());
}

#[test]
fn the_fleets_annotation_pauses_and_only_the_probe_goes_on() {
    let (mut node, first, second) = Node::renewed();
    let (probe, ask) = node.asked();
    assert_eq!(ask, Ask::Size);
    node.done(probe, Outcome::Size(DaemonSet { paused: true, ..daemon_set(30) }));
    assert_eq!(node.aborted, [first, second]);
    assert_eq!(node.informer.report(node.now).state, State::Paused);
    let began = node.now.mono;
    let (probe, ask) = node.asked();
    assert_eq!(ask, Ask::Size);
    assert!(node.now.mono.since(began) >= FLEET_PAUSE_PROBE);
    node.done(probe, Outcome::Size(daemon_set(30)));
    assert!(matches!(node.asked().1, Ask::List { .. }));
}

#[test]
fn switched_off_it_never_asks() {
    let mut node = Node::new(Settings { off: true, ..settings(None) });
    node.pass(Duration::from_hours(24));
    assert!(node.sent.is_empty());
    assert_eq!(node.informer.report(node.now).state, State::Off);
}

#[test]
fn a_dry_run_asks_nobody_and_counts_what_it_would_have_asked() {
    let mut node = Node::new(Settings { dry_run: true, ..settings(None) });
    node.pass(Duration::from_hours(3));
    node.informer.finish();
    node.collect();
    assert!(node.sent.is_empty());
    assert_eq!(node.saved, Vec::<&str>::new(), "the next life would take it for the truth");
    let report = node.informer.report(node.now);
    assert!(report.dry_run);
    let watch = node.count(Verb::Watch, Resource::Pods, Reason::Watch, Status::Ok);
    let size = node.count(Verb::Get, Resource::DaemonSets, Reason::Size, Status::Ok);
    // A cold start and a renewal every half hour.
    assert!((5..=7).contains(&watch), "{watch}");
    assert!((5..=7).contains(&size), "{size}");
    assert_eq!(node.count(Verb::List, Resource::Pods, Reason::List, Status::Ok), 1);
}

#[test]
fn a_lower_ceiling_holds_at_once_and_a_higher_one_after_a_healthy_probe() {
    let mut node = Node::new(Settings { has_daemonset: true, ..settings(None) });
    node.size(5_000);
    let period = node.informer.report(node.now).derived.turn_period;
    let with = |requests| Settings {
        declaration: Declaration::new(requests, 16 << 20, 1.0).unwrap(),
        ..settings(None)
    };
    node.informer.reconfigure(node.now, with(10.0)).unwrap();
    let lower = node.informer.report(node.now).derived.turn_period;
    assert!(lower > period);
    node.informer.reconfigure(node.now, with(50.0)).unwrap();
    assert_eq!(node.informer.report(node.now).derived.turn_period, lower, "a raise waits for its step");
    assert!(node.informer.known_size().raised.is_some());
    for _ in 0..200 {
        let (id, ask) = node.asked();
        match ask {
            Ask::Size => node.done(id, Outcome::Size(daemon_set(5_000))),
            Ask::List { .. } => node.done(id, Outcome::List(list("1", vec![]))),
            Ask::Watch { .. } => node.done(id, rejected(410)),
        }
        if node.informer.known_size().raised.is_none() {
            break;
        }
    }
    assert_eq!(node.informer.report(node.now).derived.turn_period, period);
}

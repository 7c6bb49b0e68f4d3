//! Names that come late, objects that are none, and resources that follow one another.

use shared_informer::pod::Pod;

use super::super::testing::{Fixture, at, container, pairs, pod, pod_of};
use super::super::{Binding, Choice, Enricher, Metadata, Rule, Settings};
use super::{choosing, known, listed, only, strings};

const UID: &str = "11111111-0000-4000-8000-000000000001";

#[test]
fn what_is_known_at_once_goes_out_at_once() {
    let mut fixture = Fixture::default();
    fixture.watch(pod_of(["ns", "web", UID], [container("app", "app:1", "c1", 0)]));
    let mut enricher = Enricher::default();
    assert_eq!(enricher.pod(fixture.rungs(), at(0), 1, UID), known(1));
    assert_eq!(enricher.container(fixture.rungs(), at(0), 2, UID, "c1"), known(1));

    let mut fixture = Fixture::default();
    fixture.link(["ns", "web", "app"], UID, "c1", 0);
    let mut enricher = Enricher::default();
    assert_eq!(enricher.pod(fixture.rungs(), at(0), 1, UID), known(1), "no other rung is there to wait for");
    assert_eq!(enricher.container(fixture.rungs(), at(0), 2, UID, "c1"), known(1));
}

#[test]
fn a_pod_waits_one_interval_for_its_name_and_then_goes_out_with_its_uid() {
    let fixture = Fixture::default();
    let mut enricher = Enricher::default();
    assert_eq!(enricher.pod(fixture.rungs(), at(0), 1, UID), Binding::Wait);
    assert_eq!(enricher.pod(fixture.rungs(), at(5), 1, UID), Binding::Wait);
    assert_eq!(enricher.attributes(1), []);
    assert_eq!(enricher.pod(fixture.rungs(), at(9), 1, UID), known(1), "a scrape that comes a little early");
    assert_eq!(listed(&enricher, 1), strings(&[("k8s.pod.uid", UID)]));
}

#[test]
fn a_name_that_is_known_waits_one_interval_for_details_that_may_come() {
    let mut fixture = Fixture::default();
    fixture.watch(pod("ns", "other", "another-uid"));
    fixture.link(["ns", "web", "app"], UID, "c1", 0);
    let mut enricher = Enricher::default();
    assert_eq!(enricher.container(fixture.rungs(), at(0), 2, UID, "c1"), Binding::Wait);
    assert_eq!(enricher.pod(fixture.rungs(), at(0), 1, UID), Binding::Wait);
    let mut late = Fixture::default();
    late.watch(pod_of(["ns", "web", UID], [container("app", "app:1", "", 0)]));
    late.link(["ns", "web", "app"], UID, "c1", 0);
    assert_eq!(enricher.container(late.rungs(), at(1), 2, UID, "c1"), known(1), "they came");
    assert_eq!(enricher.pod(fixture.rungs(), at(10), 1, UID), known(1), "they did not");
    assert!(listed(&enricher, 2).contains(&("container.image.name".to_owned(), "app".to_owned())));
}

#[test]
fn a_container_that_nobody_names_is_never_reported_and_is_looked_at_again_in_every_scrape() {
    let mut fixture = Fixture::default();
    fixture.watch(pod_of(["ns", "web", UID], [container("app", "app:1", "c1", 0)]));
    let mut enricher = Enricher::default();
    assert_eq!(enricher.container(fixture.rungs(), at(0), 3, UID, "sandbox"), Binding::Wait);
    assert_eq!(enricher.container(fixture.rungs(), at(10), 3, UID, "sandbox"), Binding::Skip);
    assert_eq!(enricher.container(fixture.rungs(), at(10), 3, UID, "sandbox"), Binding::Skip);
    assert_eq!(enricher.tally().skipped, 1);
    // It was no sandbox: its log appears, and no rung that counts its changes tells of it.
    fixture.link(["ns", "web", "late"], UID, "sandbox", 0);
    assert_eq!(enricher.container(fixture.rungs(), at(20), 3, UID, "sandbox"), known(1));
}

#[test]
fn names_that_come_after_the_wait_are_added_to_the_resource() {
    let mut fixture = Fixture::default();
    let mut enricher = Enricher::default();
    enricher.pod(fixture.rungs(), at(0), 1, UID);
    assert_eq!(enricher.pod(fixture.rungs(), at(10), 1, UID), known(1));
    fixture.link(["ns", "web", "app"], UID, "c1", 0);
    assert_eq!(enricher.pod(fixture.rungs(), at(20), 1, UID), known(2));
    let names = [("k8s.namespace.name", "ns"), ("k8s.pod.name", "web"), ("k8s.pod.uid", UID)];
    assert_eq!(listed(&enricher, 1), strings(&names));
    fixture.watch(pod("ns", "web", UID));
    assert_eq!(enricher.pod(fixture.rungs(), at(30), 1, UID), known(3));
    assert_eq!(listed(&enricher, 1)[..3], strings(&names));
    assert_eq!(enricher.pod(fixture.rungs(), at(40), 1, UID), known(3));
}

#[test]
fn a_version_ends_when_an_attribute_changes_and_only_then() {
    let labelled = |team: &str, other: &str| Pod {
        labels: pairs([("team", team)]),
        resource_version: Some(other.into()),
        ..pod("ns", "web", UID)
    };
    let mut fixture = Fixture::default();
    fixture.watch(labelled("red", "1"));
    let choice = Choice { labels: vec![Rule::exact(None, "team")], ..only([]) };
    let mut enricher = choosing(choice);
    assert_eq!(enricher.pod(fixture.rungs(), at(0), 1, UID), known(1));
    fixture.watch(labelled("red", "2"));
    assert_eq!(enricher.pod(fixture.rungs(), at(10), 1, UID), known(1));
    fixture.watch(labelled("blue", "3"));
    assert_eq!(enricher.pod(fixture.rungs(), at(20), 1, UID), known(2));
    assert!(listed(&enricher, 1).contains(&("k8s.pod.labels.team".to_owned(), "blue".to_owned())));
}

#[test]
fn a_rung_that_goes_away_takes_nothing_with_it() {
    let mut fixture = Fixture::default();
    fixture.watch(pod_of(["ns", "web", UID], [container("app", "app:1", "c1", 0)]));
    let mut enricher = Enricher::default();
    enricher.container(fixture.rungs(), at(0), 2, UID, "c1");
    let before = listed(&enricher, 2);
    fixture.delete(UID);
    assert_eq!(enricher.container(fixture.rungs(), at(10), 2, UID, "c1"), known(1));
    fixture.expire();
    assert_eq!(enricher.container(fixture.rungs(), at(20), 2, UID, "c1"), known(1));
    fixture.unwatch();
    assert_eq!(enricher.container(fixture.rungs(), at(30), 2, UID, "c1"), known(1));
    assert_eq!(listed(&enricher, 2), before);
}

#[test]
fn the_next_instance_of_a_container_takes_over_its_resource_and_the_two_are_never_reported_together() {
    let mut fixture = Fixture::default();
    fixture.watch(pod_of(["ns", "web", UID], [container("app", "app:1", "c1", 0)]));
    let mut enricher = Enricher::default();
    assert_eq!(enricher.container(fixture.rungs(), at(0), 2, UID, "c1"), known(1));
    assert_eq!(enricher.heir(2), None);
    enricher.finish();
    // The cgroup of the first is still there when that of the second appears.
    fixture.watch(pod_of(["ns", "web", UID], [container("app", "app:1", "c2", 1)]));
    assert_eq!(enricher.container(fixture.rungs(), at(10), 2, UID, "c1"), known(1));
    assert_eq!(
        enricher.container(fixture.rungs(), at(10), 3, UID, "c2"),
        Binding::Skip,
        "the first had its turn"
    );
    enricher.finish();
    assert_eq!(enricher.container(fixture.rungs(), at(20), 2, UID, "c1"), Binding::Skip);
    assert_eq!(enricher.heir(2), Some(3));
    assert_eq!(enricher.container(fixture.rungs(), at(20), 3, UID, "c2"), known(1));
    assert_eq!(enricher.heir(3), None);
    enricher.finish();
    assert_eq!(enricher.container(fixture.rungs(), at(30), 3, UID, "c2"), known(1));
    assert_eq!(enricher.heir(2), Some(3), "it is asked before the first is forgotten");
    enricher.finish();
    assert_eq!(enricher.heir(2), None);
}

#[test]
fn an_instance_that_is_gone_leaves_its_resource_to_the_one_that_stays() {
    let mut fixture = Fixture::default();
    fixture.link(["ns", "web", "app"], UID, "c1", 0);
    fixture.link(["ns", "web", "app"], UID, "c2", 1);
    let mut enricher = Enricher::default();
    // The newer one is seen first.
    assert_eq!(enricher.container(fixture.rungs(), at(0), 3, UID, "c2"), known(1));
    assert_eq!(enricher.container(fixture.rungs(), at(0), 2, UID, "c1"), Binding::Skip);
    enricher.finish();
    assert_eq!(enricher.container(fixture.rungs(), at(10), 2, UID, "c1"), Binding::Skip);
    enricher.finish();
    assert_eq!(enricher.container(fixture.rungs(), at(20), 2, UID, "c1"), known(1));
}

#[test]
fn with_container_ids_every_instance_has_a_resource_of_its_own() {
    let mut fixture = Fixture::default();
    fixture.link(["ns", "web", "app"], UID, "c1", 0);
    fixture.link(["ns", "web", "app"], UID, "c2", 1);
    let mut enricher = Enricher::new(Settings { container_ids: true, ..Settings::default() });
    assert_eq!(enricher.container(fixture.rungs(), at(0), 2, UID, "c1"), known(1));
    assert_eq!(enricher.container(fixture.rungs(), at(0), 3, UID, "c2"), known(1));
    assert!(listed(&enricher, 3).contains(&("container.id".to_owned(), "c2".to_owned())));
    assert_eq!((enricher.heir(2), enricher.heir(3)), (None, None));
}

#[test]
fn the_image_of_a_running_container_is_that_of_its_own_start() {
    let mut fixture = Fixture::default();
    fixture.watch(pod_of(["ns", "web", UID], [container("app", "app:1", "c1", 0)]));
    let mut enricher = choosing(only([Metadata::ImageTag, Metadata::ContainerId]));
    enricher.container(fixture.rungs(), at(0), 2, UID, "c1");
    let before = listed(&enricher, 2);
    fixture.watch(pod_of(["ns", "web", UID], [container("app", "app:2", "c1", 0)]));
    assert_eq!(enricher.container(fixture.rungs(), at(10), 2, UID, "c1"), known(1));
    assert_eq!(listed(&enricher, 2), before);
    fixture.watch(pod_of(["ns", "web", UID], [container("app", "app:2", "c2", 1)]));
    assert_eq!(enricher.container(fixture.rungs(), at(20), 3, UID, "c2"), known(1));
    assert!(listed(&enricher, 3).contains(&("container.image.tag".to_owned(), "2".to_owned())));
}

#[test]
fn volumes_are_described_anew_when_their_types_become_known() {
    let mut enricher =
        Enricher::new(Settings { volume_types: true, choice: only([]).into(), ..Settings::default() });
    let mut fixture = Fixture::default();
    fixture.summary("ns", "web", UID);
    assert_eq!(enricher.pod(fixture.rungs(), at(0), 1, UID), known(1));
    fixture.watch(pod("ns", "web", UID));
    assert_eq!(
        enricher.pod(fixture.rungs(), at(10), 1, UID),
        known(2),
        "although the pod's own are the same"
    );
    fixture.kubelet(pod("ns", "web", UID));
    assert_eq!(enricher.pod(fixture.rungs(), at(20), 1, UID), known(2));
}

#[test]
fn objects_are_bounded_and_what_was_not_asked_for_is_forgotten() {
    let fixture = Fixture::default();
    let mut enricher = Enricher::new(Settings { max_objects: 2, ..Settings::default() });
    for key in [1, 2] {
        assert_eq!(enricher.pod(fixture.rungs(), at(0), key, UID), Binding::Wait);
    }
    assert_eq!(enricher.pod(fixture.rungs(), at(0), 3, UID), Binding::Skip);
    assert_eq!(enricher.take_faults().refused, 1);
    assert_eq!(enricher.pod(fixture.rungs(), at(0), 1, UID), Binding::Wait, "known ones are not refused");
    enricher.finish();
    enricher.pod(fixture.rungs(), at(10), 1, UID);
    enricher.finish();
    assert_eq!(enricher.pod(fixture.rungs(), at(10), 3, UID), Binding::Wait, "there is room again");
    assert_eq!(enricher.pod(fixture.rungs(), at(10), 4, ""), Binding::Skip);
    assert_eq!(enricher.take_faults().invalid, 1);
}

//! Which rung an attribute comes from, and that none of them gives an object the names of another.

use shared_informer::pod::{Amounts, Pod};

use super::super::testing::{Fixture, at, container, pod, pod_of};
use super::super::{Binding, Enricher, Metadata, Rung, Settings};
use super::{choosing, container_attributes, known, listed, only, pod_attributes, strings};

const UID: &str = "11111111-0000-4000-8000-000000000001";

/// How many attributes of the pod came from each rung.
fn origins(fixture: &Fixture) -> Vec<(Rung, usize)> {
    let mut enricher = Enricher::new(Settings { node: Some("n1".into()), ..Settings::default() });
    pod_attributes(&mut enricher, fixture.rungs(), UID);
    let tally = enricher.tally();
    Rung::ALL.into_iter().map(|rung| (rung, tally.from(rung))).filter(|(_, count)| *count > 0).collect()
}

#[test]
fn each_attribute_comes_from_the_best_rung_that_has_it() {
    let mut fixture = Fixture::default();
    // The uid is always the cgroup's own, the node's name the agent's.
    assert_eq!(origins(&fixture), [(Rung::Node, 2)]);
    fixture.link(["ns", "web", "app"], UID, "c1", 0);
    assert_eq!(origins(&fixture), [(Rung::Logs, 2), (Rung::Node, 2)]);
    fixture.summary("ns", "web", UID);
    assert_eq!(origins(&fixture), [(Rung::Summary, 2), (Rung::Node, 2)]);
    fixture.kubelet(pod("ns", "web", UID));
    // Namespace, name, start time, node.
    assert_eq!(origins(&fixture), [(Rung::Kubelet, 4), (Rung::Node, 1)]);
    fixture.remember(pod("ns", "web", UID));
    assert_eq!(origins(&fixture), [(Rung::Remembered, 4), (Rung::Node, 1)]);
    fixture.watch(pod("ns", "web", UID));
    assert_eq!(origins(&fixture), [(Rung::Watch, 4), (Rung::Node, 1)]);
}

#[test]
fn what_the_best_rung_lacks_comes_from_the_next() {
    let mut fixture = Fixture::default();
    fixture.watch(Pod { created: None, ..pod("ns", "web", UID) });
    fixture.kubelet(pod("ns", "web", UID));
    assert_eq!(origins(&fixture), [(Rung::Watch, 3), (Rung::Kubelet, 1), (Rung::Node, 1)]);
}

#[test]
fn a_confirmed_memory_is_the_same_resource() {
    let mut fixture = Fixture::default();
    fixture.remember(pod("ns", "web", UID));
    let mut enricher = Enricher::default();
    assert_eq!(enricher.pod(fixture.rungs(), at(0), 1, UID), known(1));
    fixture.watch(pod("ns", "web", UID));
    assert_eq!(enricher.pod(fixture.rungs(), at(10), 1, UID), known(1));
    assert_eq!(
        enricher.tally().from(Rung::Remembered),
        2,
        "the names were sent, and are not looked up again"
    );
    assert_eq!(enricher.tally().from(Rung::Watch), 2);
}

#[test]
fn a_static_pod_has_the_uid_of_its_cgroup_and_the_details_of_its_mirror() {
    let hash = "0123456789abcdef0123456789abcdef";
    let mut fixture = Fixture::default();
    fixture.watch(Pod { config_hash: Some(hash.into()), mirror: true, ..pod("kube-system", "etcd-n1", UID) });
    let mut enricher = Enricher::default();
    let attributes = pod_attributes(&mut enricher, fixture.rungs(), hash);
    let expected = [
        ("k8s.namespace.name", "kube-system"),
        ("k8s.pod.name", "etcd-n1"),
        ("k8s.pod.uid", hash),
        ("k8s.pod.start_time", "2026-11-21T06:57:59Z"),
        ("k8s.node.name", "n1"),
    ];
    assert_eq!(attributes, strings(&expected));
    // The mirror is made anew with another uid: the static pod has been the same all the time.
    let mirror = "22222222-0000-4000-8000-000000000002";
    let again = pod("kube-system", "etcd-n1", mirror);
    fixture.watch(Pod { config_hash: Some(hash.into()), mirror: true, ..again });
    assert_eq!(enricher.pod(fixture.rungs(), at(20), 1, hash), known(1));
    assert_eq!(enricher.known_pod(fixture.rungs(), hash).map(|pod| &*pod.uid), Some(mirror));
}

#[test]
fn a_restarted_container_that_no_status_shows_yet_is_named_by_its_log_and_described_by_its_pod() {
    let mut fixture = Fixture::default();
    fixture.watch(pod_of(["ns", "web", UID], [container("app", "app:1", "old", 4)]));
    fixture.link(["ns", "web", "app"], UID, "new", 5);
    let mut enricher = choosing(only([Metadata::ImageName, Metadata::RestartCount]));
    let attributes = container_attributes(&mut enricher, fixture.rungs(), UID, "new");
    let expected = [("container.image.name", "app"), ("k8s.container.restart_count", "5")];
    assert_eq!(attributes[4..], strings(&expected), "the status of another ID does not count");
}

#[test]
fn a_container_that_was_replaced_keeps_the_names_it_had() {
    let mut fixture = Fixture::default();
    fixture.watch(pod_of(["ns", "web", UID], [container("app", "app:1", "old", 0)]));
    fixture.watch(pod_of(["ns", "web", UID], [container("app", "app:2", "new", 1)]));
    let mut enricher = choosing(only([Metadata::ImageTag, Metadata::RestartCount]));
    let attributes = container_attributes(&mut enricher, fixture.rungs(), UID, "old");
    assert_eq!(
        attributes[4..],
        strings(&[("container.image.tag", "1"), ("k8s.container.restart_count", "0")])
    );
}

#[test]
fn a_container_id_under_another_pod_gives_no_name() {
    let mut fixture = Fixture::default();
    fixture.watch(pod_of(["ns", "other", "other-uid"], [container("app", "app:1", "c1", 0)]));
    fixture.watch(pod("ns", "web", UID));
    fixture.link(["ns", "other", "app"], "other-uid", "c1", 0);
    let mut enricher = Enricher::default();
    for second in [0, 10, 20] {
        let binding = enricher.container(fixture.rungs(), at(second), 2, UID, "c1");
        assert_ne!(binding, known(1), "second {second}");
    }
    assert_eq!(enricher.amounts(fixture.rungs(), UID, "c1"), None);
}

#[test]
fn a_pod_of_the_same_name_with_another_uid_is_another_pod() {
    let mut fixture = Fixture::default();
    fixture.watch(pod("ns", "web-0", UID));
    let mut enricher = Enricher::default();
    let first = pod_attributes(&mut enricher, fixture.rungs(), UID);
    let next = "22222222-0000-4000-8000-000000000002";
    let created = shared_informer::pod::Timestamp::parse("2026-11-21T07:30:00Z");
    fixture.watch(Pod { created, ..pod("ns", "web-0", next) });
    assert_eq!(enricher.pod(fixture.rungs(), at(20), 1, UID), known(1));
    assert_eq!(listed(&enricher, 1), first, "the one that is gone stays what it was");
    assert_eq!(enricher.pod(fixture.rungs(), at(20), 7, next), known(1));
    let uids: Vec<_> = listed(&enricher, 7).into_iter().filter(|(key, _)| key == "k8s.pod.uid").collect();
    assert_eq!(uids, strings(&[("k8s.pod.uid", next)]));
}

#[test]
fn a_key_that_comes_with_a_reused_id_has_nothing_of_the_one_before() {
    let mut fixture = Fixture::default();
    fixture.link(["ns", "old", "app"], UID, "c1", 0);
    let mut enricher = Enricher::default();
    assert_eq!(enricher.container(fixture.rungs(), at(0), 2, UID, "c1"), known(1));
    let empty = Fixture::default();
    assert_eq!(enricher.container(empty.rungs(), at(10), 9, UID, "c1"), Binding::Wait);
    assert_eq!(enricher.attributes(9), []);
}

#[test]
fn a_rung_that_contradicts_a_name_that_was_sent_is_not_believed() {
    let mut fixture = Fixture::default();
    fixture.link(["ns", "web", "app"], UID, "c1", 0);
    let mut enricher = Enricher::default();
    enricher.pod(fixture.rungs(), at(0), 1, UID);
    enricher.container(fixture.rungs(), at(0), 2, UID, "c1");
    let before = (listed(&enricher, 1), listed(&enricher, 2));
    fixture.watch(pod_of(["ns", "liar", UID], [container("wrong", "app:1", "c1", 0)]));
    assert_eq!(enricher.pod(fixture.rungs(), at(10), 1, UID), known(1));
    assert_eq!(enricher.container(fixture.rungs(), at(10), 2, UID, "c1"), known(1));
    assert_eq!((listed(&enricher, 1), listed(&enricher, 2)), before);
    assert_eq!(enricher.take_faults().conflicts, 3, "the pod twice and the container");
}

#[test]
fn names_are_validated_and_cut_on_their_way_out() {
    let long = "a".repeat(300);
    let mut fixture = Fixture::default();
    fixture.link([&long, &long, &long], UID, "c1", 0);
    let mut enricher = Enricher::default();
    let attributes = container_attributes(&mut enricher, fixture.rungs(), UID, "c1");
    let lengths: Vec<_> = attributes.iter().map(|(_, value)| value.len()).collect();
    assert_eq!(lengths, [63, 253, UID.len(), 63]);
    for bad in ["", "Web", "we b", "web\n", "wéb", "web/../x", "web_1"] {
        let mut fixture = Fixture::default();
        fixture.link(["ns", bad, "app"], UID, "c1", 0);
        fixture.summary(bad, "web", UID);
        let attributes = pod_attributes(&mut Enricher::default(), fixture.rungs(), UID);
        assert_eq!(attributes, strings(&[("k8s.pod.uid", UID)]), "{bad:?}");
    }
}

#[test]
fn requests_and_limits_are_found_by_id_and_for_a_container_without_status_by_its_logs_name() {
    let limits = Amounts { cpu: Some(2_000_000_000), memory: Some(1 << 30) };
    let requests = Amounts { cpu: Some(500_000_000), memory: None };
    let mut app = container("app", "app:1", "c1", 0);
    (app.requests, app.limits) = (requests, limits);
    let mut fixture = Fixture::default();
    fixture.kubelet(pod_of(["ns", "web", UID], [container("side", "s", "c0", 0), app]));
    fixture.link(["ns", "web", "app"], UID, "c2", 1);
    let enricher = Enricher::default();
    let amounts = |id: &str| enricher.amounts(fixture.rungs(), UID, id);
    assert_eq!((amounts("c1"), amounts("c2")), (Some((requests, limits)), Some((requests, limits))));
    assert_eq!(amounts("c0"), Some((Amounts::default(), Amounts::default())));
    assert_eq!(amounts("c3"), None);
    assert_eq!(enricher.known_pod(fixture.rungs(), UID).map(|pod| &*pod.name), Some("web"));
    assert!(enricher.known_pod(fixture.rungs(), "nobody").is_none());
}

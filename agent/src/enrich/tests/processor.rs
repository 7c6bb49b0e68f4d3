//! Attributes as the k8sattributes processor 0.149.0 gives them: most cases are those of its own tests.

use shared_informer::pod::{Container, ContainerKind, Keep as _, Pod, VolumeSource};

use super::super::rules::Rule;
use super::super::testing::{Fixture, container, owner, pairs, pod, pod_of, volume};
use super::super::{Choice, Enricher, Excluded, Metadata as M, Settings, attribute};
use super::{added, choosing, container_attributes, only, pod_attributes, strings};

const UID: &str = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
const DIGEST: &str =
    "docker.io/library/app@sha256:430ac608abaa332de4ce45d68534447c7a206edc5e98aaff9923ecc12f8a80d9";

/// The pod of the processor's `TestExtractionRules`, with the label that tells of a Deployment.
fn auth() -> Pod {
    Pod {
        labels: pairs([("label1", "lv1"), ("label2", "k1=v1 k5=v5 extra!")]),
        annotations: pairs([("annotation1", "av1")]),
        owners: [
            owner("ReplicaSet", "auth-service-66f5996c7c", "207ea729-c779-401d-8347-008ecbc137e3"),
            owner("DaemonSet", "auth-daemonset", "c94d3814-2253-427a-ab13-2cf609e4dafa"),
            owner("Job", "auth-cronjob-27667920", "59f27ac1-5c71-42e5-abe9-2c499d603706"),
            owner("StatefulSet", "pi-statefulset", "03755eb1-6175-47d5-afd5-05cfc30244d7"),
        ]
        .into(),
        deployment: Some("auth-service".into()),
        node: Some("node1".into()),
        hostname: Some("host1".into()),
        addresses: ["1.1.1.1".parse().unwrap()].into(),
        ..pod("ns1", "auth-service-abc12-xyz3", UID)
    }
}

/// What is added to the pod, in any order.
fn extracted(pod: Pod, choice: Choice) -> Vec<(String, String)> {
    let mut fixture = Fixture::default();
    let uid = pod.uid.clone();
    fixture.watch(pod);
    let mut attributes = added(pod_attributes(&mut choosing(choice), fixture.rungs(), &uid));
    attributes.sort();
    attributes
}

#[test]
fn each_attribute_of_a_pod_is_extracted_where_it_is_named_and_only_there() {
    let cases = [
        (M::DeploymentName, "auth-service"),
        (M::ReplicaSetName, "auth-service-66f5996c7c"),
        (M::ReplicaSetUid, "207ea729-c779-401d-8347-008ecbc137e3"),
        (M::DaemonSetName, "auth-daemonset"),
        (M::DaemonSetUid, "c94d3814-2253-427a-ab13-2cf609e4dafa"),
        (M::JobName, "auth-cronjob-27667920"),
        (M::JobUid, "59f27ac1-5c71-42e5-abe9-2c499d603706"),
        (M::CronJobName, "auth-cronjob"),
        (M::StatefulSetName, "pi-statefulset"),
        (M::StatefulSetUid, "03755eb1-6175-47d5-afd5-05cfc30244d7"),
        (M::NodeName, "node1"),
        (M::PodHostname, "host1"),
        (M::PodIp, "1.1.1.1"),
        (M::PodStartTime, "2026-11-21T06:57:59Z"),
        (M::ServiceNamespace, "ns1"),
        // Every owner in turn: the last one gives the service its name.
        (M::ServiceName, "pi-statefulset"),
    ];
    for (metadata, value) in cases {
        assert_eq!(extracted(auth(), only([metadata])), strings(&[(metadata.name(), value)]), "{metadata:?}");
    }
    assert_eq!(extracted(auth(), only([])), []);
    // What the receiver says already is not said twice.
    assert_eq!(extracted(auth(), only([M::Namespace, M::PodName, M::PodUid])), []);
    let off = Choice { enabled: false, ..only(M::ALL.iter().copied()) };
    assert_eq!(extracted(auth(), off), []);
}

#[test]
fn the_default_is_the_collectors_default_and_the_receivers_attributes_come_first() {
    let mut fixture = Fixture::default();
    let app = container("app", "registry.example:5000/team/app:1.2", "c1", 3);
    fixture.watch(Pod { containers: [app].into(), ..auth() });
    let receivers =
        [("k8s.namespace.name", "ns1"), ("k8s.pod.name", "auth-service-abc12-xyz3"), ("k8s.pod.uid", UID)];
    let processors = [
        ("k8s.pod.start_time", "2026-11-21T06:57:59Z"),
        ("k8s.deployment.name", "auth-service"),
        ("k8s.node.name", "node1"),
        ("container.image.name", "registry.example:5000/team/app"),
        ("container.image.tag", "1.2"),
    ];
    let mut enricher = Enricher::default();
    let pod = pod_attributes(&mut enricher, fixture.rungs(), UID);
    assert_eq!(pod, strings(&[&receivers[..], &processors[..]].concat()));
    let container = container_attributes(&mut enricher, fixture.rungs(), UID, "c1");
    let name = [("k8s.container.name", "app")];
    assert_eq!(container, strings(&[&receivers[..], &name, &processors[..]].concat()));
}

#[test]
fn an_absent_host_name_or_address_is_an_empty_attribute_and_any_other_absence_is_none() {
    let choice = only(M::ALL.iter().copied());
    let bare = Pod { created: None, node: None, ..pod("ns1", "bare", UID) };
    let expected = [
        ("k8s.pod.hostname", ""),
        ("k8s.pod.ip", ""),
        ("service.name", "bare"),
        ("service.namespace", "ns1"),
    ];
    assert_eq!(extracted(bare, choice), strings(&expected));
}

#[test]
fn labels_and_annotations_become_attributes_by_the_rules_of_the_processor() {
    let label = |tag: Option<&str>, expression: &str| Choice {
        labels: vec![Rule::matching(tag, expression).unwrap()],
        ..only([])
    };
    let annotation = |tag: Option<&str>, expression: &str| Choice {
        annotations: vec![Rule::matching(tag, expression).unwrap()],
        ..only([])
    };
    let all = [("k8s.pod.labels.label1", "lv1"), ("k8s.pod.labels.label2", "k1=v1 k5=v5 extra!")];
    let exact = Choice {
        labels: vec![Rule::exact(Some("l1"), "label1"), Rule::exact(None, "label2"), Rule::exact(None, "no")],
        annotations: vec![Rule::exact(Some("a1"), "annotation1")],
        ..only([])
    };
    let cases: [(Choice, &[(&str, &str)]); 12] = [
        (exact, &[("a1", "av1"), all[1], ("l1", "lv1")]),
        (label(None, "la.*"), &all),
        (annotation(None, "an.*"), &[("k8s.pod.annotations.annotation1", "av1")]),
        (annotation(None, "an*"), &[]),
        (annotation(Some("$1"), r"annotation(\d+)"), &[("1", "av1")]),
        (annotation(Some("prefix-$0"), r"annotation(\d+)"), &[("prefix-annotation1", "av1")]),
        (annotation(Some("${which}.x"), r"annotation(?P<which>\d+)"), &[("1.x", "av1")]),
        (label(None, r"(label\d+)"), &all),
        // Without a group the tag is not looked at.
        (label(Some("$1"), "la.*"), &all),
        // A name that the expression leaves empty is no attribute.
        (label(Some("$9"), "(la.*)"), &[]),
        // The expression is bounded on both sides whatever stands in it.
        (label(None, "x|label1"), &all[..1]),
        (label(Some("all"), "(label).*"), &[("all", "k1=v1 k5=v5 extra!")]),
    ];
    for (choice, expected) in cases {
        let shown = format!("{choice:?}");
        assert_eq!(extracted(auth(), choice), strings(expected), "{shown}");
    }
}

#[test]
fn of_an_expression_an_empty_value_is_no_attribute_and_of_a_named_key_it_is_one() {
    let labelled = Pod { labels: pairs([("on", "")]), ..pod("ns", "p", UID) };
    let matching = Choice { labels: vec![Rule::matching(None, "o.").unwrap()], ..only([]) };
    assert_eq!(extracted(labelled.clone(), matching), []);
    let exact = Choice { labels: vec![Rule::exact(None, "on")], ..only([]) };
    assert_eq!(extracted(labelled, exact), strings(&[("k8s.pod.labels.on", "")]));
}

#[test]
fn of_two_rules_for_one_attribute_the_later_wins_but_none_wins_over_the_receiver() {
    let choice = Choice {
        labels: vec![
            Rule::exact(Some("x"), "label1"),
            Rule::exact(Some("k8s.node.name"), "label1"),
            Rule::exact(Some("k8s.pod.name"), "label1"),
        ],
        annotations: vec![Rule::exact(Some("x"), "annotation1")],
        ..only([M::NodeName])
    };
    assert_eq!(extracted(auth(), choice.clone()), strings(&[("k8s.node.name", "lv1"), ("x", "av1")]));
    let mut fixture = Fixture::default();
    fixture.watch(auth());
    let all = pod_attributes(&mut choosing(choice), fixture.rungs(), UID);
    assert_eq!(all[1], ("k8s.pod.name".to_owned(), "auth-service-abc12-xyz3".to_owned()));
}

#[test]
fn a_service_is_told_by_its_labels_then_its_annotations_then_its_owners() {
    let services = || only([M::ServiceName, M::ServiceVersion, M::ServiceNamespace, M::ServiceInstanceId]);
    let app = || {
        container(
            "app",
            "team/app:1.2@sha256:430ac608abaa332de4ce45d68534447c7a206edc5e98aaff9923ecc12f8a80d9",
            "c1",
            0,
        )
    };
    let web =
        || Pod { owners: auth().owners[..1].into(), deployment: auth().deployment, ..pod("ns1", "p", UID) };
    let one = Pod { containers: [app()].into(), ..web() };
    let expected = [
        ("service.instance.id", "ns1.p.app"),
        ("service.name", "auth-service"),
        ("service.namespace", "ns1"),
        ("service.version", "1.2@sha256:430ac608abaa332de4ce45d68534447c7a206edc5e98aaff9923ecc12f8a80d9"),
    ];
    assert_eq!(extracted(one.clone(), services()), strings(&expected));

    let name = |pod: Pod, choice: Choice| {
        let mut all = extracted(pod, choice);
        all.retain(|(key, _)| key == "service.name" || key == "service.version");
        all.into_iter().map(|(_, value)| value).collect::<Vec<_>>()
    };
    let bare = Pod { owners: [].into(), ..web() };
    assert_eq!(name(bare, services()), ["p"]);
    let single = Pod { deployment: None, ..web() };
    assert_eq!(name(single, services()), ["auth-service-66f5996c7c"]);
    let cron = Pod { owners: [owner("Job", "night-27667920", "u")].into(), ..pod("ns1", "p", UID) };
    assert_eq!(name(cron, services()), ["night"]);

    let annotated = Pod {
        annotations: pairs([
            ("resource.opentelemetry.io/service.name", "annotated"),
            ("resource.opentelemetry.io/service.version", "9"),
        ]),
        ..one.clone()
    };
    let with_annotations = Choice { annotations: vec![Rule::otel_annotations().unwrap()], ..services() };
    assert_eq!(name(annotated.clone(), with_annotations.clone()), ["annotated", "9"]);
    let labelled = Pod {
        labels: pairs([("app.kubernetes.io/name", "named"), ("app.kubernetes.io/version", "7")]),
        ..annotated
    };
    assert_eq!(name(labelled.clone(), with_annotations.clone()), ["named", "7"]);
    let instance = Pod {
        labels: pairs([("app.kubernetes.io/name", "n"), ("app.kubernetes.io/instance", "i")]),
        ..labelled
    };
    assert_eq!(name(instance, with_annotations), ["i", "9"]);
}

#[test]
fn a_containers_attributes_are_those_of_its_name_and_id() {
    let named = |image: &str| Container { image_id: Some(DIGEST.into()), ..container("app", image, "c1", 2) };
    let wanted =
        [M::ContainerName, M::ContainerId, M::ImageName, M::ImageTag, M::RepoDigests, M::RestartCount];
    let of = |image: &str| {
        let mut fixture = Fixture::default();
        fixture.watch(pod_of(["ns", "p", UID], [named(image), container("other", "b:2", "c2", 0)]));
        added(container_attributes(&mut choosing(only(wanted)), fixture.rungs(), UID, "c1"))
    };
    let id = ("container.id", "c1");
    let rest = [("container.image.repo_digests", DIGEST), ("k8s.container.restart_count", "2")];
    let expected =
        [&[id, ("container.image.name", "test/app"), ("container.image.tag", "1.0.1")][..], &rest].concat();
    assert_eq!(of("test/app:1.0.1"), strings(&expected));
    let latest =
        [&[id, ("container.image.name", "test/app"), ("container.image.tag", "latest")][..], &rest].concat();
    assert_eq!(of("test/app"), strings(&latest));
    let none = [&[id][..], &rest].concat();
    assert_eq!(of("No Image"), strings(&none), "what is no reference has no parts");
}

#[test]
fn the_restart_count_is_a_number_the_digests_are_a_list_and_everything_else_is_text() {
    let pair = |key: &str, value: &str| (Box::from(key), Box::from(value));
    let int = pair("k8s.container.restart_count", "12");
    assert_eq!(attribute(&int), exporter::model::Attribute::int("k8s.container.restart_count", 12));
    let list = pair("container.image.repo_digests", DIGEST);
    assert_eq!(
        attribute(&list),
        exporter::model::Attribute::only_item("container.image.repo_digests", DIGEST)
    );
    let text = pair("k8s.pod.labels.count", "12");
    assert_eq!(attribute(&text), exporter::model::Attribute::str("k8s.pod.labels.count", "12"));
}

#[test]
fn a_pod_with_one_container_has_its_attributes_and_one_with_several_has_none() {
    let wanted = [M::ContainerName, M::ContainerId, M::ImageName, M::RestartCount];
    let app = || container("app", "test/app:1", "c1", 2);
    let of = |containers: &[Container]| {
        let pod = Pod { containers: containers.into(), ..pod("ns", "p", UID) };
        let mut fixture = Fixture::default();
        fixture.watch(pod);
        let mut all = pod_attributes(&mut choosing(only(wanted)), fixture.rungs(), UID);
        all.drain(..3);
        all
    };
    let ones = [("k8s.container.name", "app"), ("container.image.name", "test/app"), ("container.id", "c1")];
    assert_eq!(of(&[app()]), strings(&ones));
    let other = |kind| Container { kind, ..container("other", "x", "c2", 0) };
    assert_eq!(of(&[app(), other(ContainerKind::Ephemeral)]), strings(&ones));
    assert_eq!(of(&[app(), other(ContainerKind::App)]), []);
    assert_eq!(of(&[app(), other(ContainerKind::Init)]), []);
}

#[test]
fn a_pod_that_is_excluded_or_asks_for_it_is_reported_without_anything_added() {
    let choice = || Choice {
        excluded: Excluded::new(vec![regex::Regex::new("jaeger-agent").unwrap()]),
        ..only(M::ALL.iter().copied())
    };
    let excluded = Pod { name: "my-jaeger-agent-x".into(), ..auth() };
    assert_eq!(extracted(excluded, choice()), []);
    assert_eq!(extracted(Pod { ignored: true, ..auth() }, choice()), []);
    assert!(!extracted(auth(), choice()).is_empty());
}

#[test]
fn what_is_kept_of_a_pod_is_exactly_what_the_choice_needs() {
    let choice = Choice {
        labels: vec![Rule::exact(None, "app"), Rule::matching(None, "team/.*").unwrap()],
        annotations: vec![Rule::otel_annotations().unwrap()],
        ..only([M::ServiceVersion])
    };
    for key in ["app", "team/name", "app.kubernetes.io/version"] {
        assert!(choice.label(key), "{key}");
    }
    for key in ["ap", "apps", "x-team/name", "app.kubernetes.io/name", "pod-template-hash", ""] {
        assert!(!choice.label(key), "{key}");
    }
    assert!(choice.annotation("resource.opentelemetry.io/x") && !choice.annotation("app"));
    assert!(!choice.image_ids() && only([M::RepoDigests]).image_ids());
    let off = Choice { enabled: false, ..choice };
    assert!(!off.label("app") && !off.annotation("resource.opentelemetry.io/x"));
    assert_ne!(off.fingerprint(), Choice { enabled: true, ..off.clone() }.fingerprint());
    let renamed = Choice { labels: vec![Rule::exact(Some("x"), "app")], ..only([]) };
    let unnamed = Choice { labels: vec![Rule::exact(None, "app")], ..only([M::NodeName]) };
    assert_eq!(renamed.fingerprint(), unnamed.fingerprint(), "the same is kept");
    assert_ne!(renamed.fingerprint(), only([]).fingerprint());
    let annotated = Choice { annotations: vec![Rule::exact(None, "app")], ..only([]) };
    assert_ne!(annotated.fingerprint(), unnamed.fingerprint());
    assert_ne!(only([M::RepoDigests]).fingerprint(), only([M::ServiceName]).fingerprint());
    let standard = Choice::default();
    assert!(!standard.label("app.kubernetes.io/name") && !standard.annotation("x"));
}

/// Whether types are wanted, the volume, and what its type adds.
type VolumeCase<'c> = (bool, &'c str, &'c [(&'c str, &'c str)]);

#[test]
fn a_volume_has_its_name_its_type_where_that_is_wanted_and_its_pods_attributes() {
    let volumes = [
        volume("config", VolumeSource::ConfigMap),
        volume("data", VolumeSource::PersistentVolumeClaim("data-web-0".into())),
        volume("csi", VolumeSource::Other),
        volume("aws", VolumeSource::AwsElasticBlockStore("v1".into(), "ext4".into(), 2)),
    ];
    let mut fixture = Fixture::default();
    fixture.watch(Pod { volumes: volumes.into(), ..pod("ns", "p", UID) });
    let of = |types: bool, volume: &str, claim: Option<&str>, fixture: &Fixture| {
        let settings = Settings { volume_types: types, ..Settings::default() };
        let mut enricher = Enricher::new(settings);
        pod_attributes(&mut enricher, fixture.rungs(), UID);
        let all = enricher.volume(1, volume, claim);
        all.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect::<Vec<_>>()
    };
    let pods = [("k8s.namespace.name", "ns"), ("k8s.pod.name", "p"), ("k8s.pod.uid", UID)];
    let rest = [("k8s.pod.start_time", "2026-11-21T06:57:59Z"), ("k8s.node.name", "n1")];
    let claim = ("k8s.persistentvolumeclaim.name", "data-web-0");
    let cases: [VolumeCase<'_>; 5] = [
        (false, "data", &[]),
        (true, "config", &[("k8s.volume.type", "configMap")]),
        (true, "data", &[("k8s.volume.type", "persistentVolumeClaim"), claim]),
        (true, "csi", &[]),
        (
            true,
            "aws",
            &[
                ("k8s.volume.type", "awsElasticBlockStore"),
                ("aws.volume.id", "v1"),
                ("fs.type", "ext4"),
                ("partition", "2"),
            ],
        ),
    ];
    for (types, name, expected) in cases {
        let all = [&pods[..], &[("k8s.volume.name", name)], expected, &rest].concat();
        assert_eq!(of(types, name, Some("data-web-0"), &fixture), strings(&all), "{name}");
    }
    // Of a pod that only the summary knows, the summary's claim is all there is.
    let mut fixture = Fixture::default();
    fixture.summary("ns", "p", UID);
    let all = [&pods[..], &[("k8s.volume.name", "data"), claim]].concat();
    assert_eq!(of(true, "data", Some("data-web-0"), &fixture), strings(&all));
}

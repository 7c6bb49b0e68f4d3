use std::net::IpAddr;

use super::{fixture, parsed};
use crate::pod::image::{ImageRef, canonical};
use crate::pod::{
    Amounts, Container, ContainerKind, ContainerState, Keep, OwnerKind, Phase, Pod, QosClass, Runtime,
    Timestamp, VolumeSource, head, parse,
};

fn time(text: &str) -> Option<Timestamp> {
    let time = Timestamp::parse(text);
    assert!(time.is_some(), "{text}");
    time
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn container<'p>(pod: &'p Pod, name: &str) -> &'p Container {
    pod.container(name).unwrap()
}

#[test]
fn a_recorded_pod_of_a_deployment_reads_as_it_stands() {
    let pod = fixture!("recorded-deployment");
    assert_eq!((&*pod.namespace, &*pod.name), ("shop", "web-6d6cc64d55-ntbwx"));
    assert_eq!(&*pod.uid, "89408438-d274-4973-839e-85311bf23a11");
    assert_eq!(pod.resource_version.as_deref(), Some("1985"));
    assert_eq!(pod.created, time("2026-11-21T06:57:59Z"));
    assert_eq!(pod.created.unwrap().to_string(), "2026-11-21T06:57:59Z", "k8s.pod.start_time");
    assert_eq!((pod.started, pod.deleting), (time("2026-11-21T06:58:00Z"), None));
    assert_eq!(pod.node.as_deref(), Some("node-0"));
    assert_eq!((pod.phase, pod.qos), (Phase::Running, Some(QosClass::Burstable)));
    assert_eq!(*pod.addresses, [address("10.244.0.241")]);
    assert!(!pod.host_network && !pod.mirror && !pod.ignored);
    let owner = pod.controller().unwrap();
    assert_eq!((&owner.kind, &*owner.name), (&OwnerKind::ReplicaSet, "web-6d6cc64d55"));
    assert_eq!(&*owner.uid, "422e9259-1419-4fed-916e-b778cebfb6fb");
    assert_eq!(pod.deployment.as_deref(), Some("web"));
    assert_eq!(pod.cron_job(), None);
    assert_eq!(pod.labels.get("app.kubernetes.io/name"), Some("web"));
    assert_eq!((pod.labels.len(), pod.annotations.len(), pod.cut, pod.dropped), (4, 2, 0, 0));
    assert_eq!(pod.config_hash, None, "an API pod has config.seen and config.source, but no hash");
    assert_eq!(pod.volume("scratch").unwrap().source, VolumeSource::EmptyDir);

    let app = container(&pod, "app");
    assert_eq!(
        (app.kind, &*app.image, app.restarts),
        (ContainerKind::App, "registry.example/local/pause:1", 0)
    );
    let id = app.id.as_ref().unwrap();
    assert_eq!(id.runtime, Runtime::Containerd);
    assert_eq!(&*id.id, "7f23a6f1d245e45af14dee4963d9683f13b15aeddfc5bdd1a0c30d1bf1bfd04c");
    assert_eq!(app.state, ContainerState::Running(time("2026-11-21T07:03:24Z")));
    assert_eq!(app.requests, Amounts { cpu: Some(10_000_000), memory: Some(16 << 20) });
    assert_eq!(app.limits, Amounts { cpu: Some(100_000_000), memory: Some(64 << 20) });
    assert_eq!(container(&pod, "side").limits, Amounts::default(), "absent is not zero");
}

#[test]
fn a_recorded_pod_of_a_stateful_set_has_no_deployment() {
    let pod = fixture!("recorded-statefulset");
    assert_eq!(pod.controller().unwrap().kind, OwnerKind::StatefulSet);
    assert_eq!((pod.deployment.as_deref(), pod.hostname.as_deref()), (None, Some("db-0")));
    assert_eq!(pod.containers.len(), 1);
}

#[test]
fn a_mirror_pod_and_its_static_pod_meet_in_the_config_hash() {
    let (mirror, original) = (fixture!("static-mirror"), fixture!("static-kubelet"));
    assert!(mirror.mirror && !original.mirror);
    assert_ne!(mirror.uid, original.uid);
    assert_eq!(mirror.config_hash.as_deref(), Some(&*original.uid));
    assert_eq!(original.config_hash.as_deref(), Some(&*original.uid));
    assert_eq!((original.resource_version, original.created), (None, None));
    assert_eq!(mirror.controller().unwrap().kind, OwnerKind::Node);
    assert!(mirror.host_network);
    assert_eq!(*mirror.addresses, [address("192.0.2.2"), address("2001:db8::2")]);
    assert_eq!(container(&mirror, "kube-apiserver").id.as_ref().unwrap().runtime, Runtime::CriO);
}

#[test]
fn a_pod_of_a_cron_job_names_both_its_job_and_the_cron_job() {
    let pod = fixture!("cron-job");
    assert_eq!(pod.controller().unwrap().kind, OwnerKind::Job, "the other owner does not control it");
    assert_eq!(pod.owners.len(), 2);
    assert_eq!(pod.owners[0].kind.as_str(), "Queue");
    assert_eq!(pod.cron_job(), Some("night-report"));
    assert_eq!(pod.deleting, time("2026-11-21T02:10:30Z"));
    assert_eq!(pod.phase, Phase::Succeeded);
    assert_eq!(*pod.addresses, [address("10.244.0.9")], "podIP stands in where podIPs is missing");
    let report = container(&pod, "report");
    assert_eq!(
        report.state,
        ContainerState::Terminated(time("2026-11-21T02:05:03Z"), time("2026-11-21T02:09:58Z"))
    );
    assert_eq!(report.state.started_at(), time("2026-11-21T02:05:03Z"));
    assert_eq!(report.requests, Amounts { cpu: Some(500_000_000), memory: Some(3 << 29) });
    assert_eq!(report.limits, Amounts { cpu: Some(2_000_000_000), memory: Some(128_974_848) });
    let image = ImageRef::parse(&report.image).unwrap();
    assert_eq!((image.repository, image.tag_or_latest()), ("registry.example:5000/batch/report", "4.2"));
}

#[test]
fn every_volume_type_of_the_collector_is_told_apart() {
    let pod = fixture!("cron-job");
    let types: Vec<_> = pod
        .volumes
        .iter()
        .map(|volume| (&*volume.name, volume.source.type_name(), volume.source.claim()))
        .collect();
    assert_eq!(
        types,
        [
            ("out", Some("persistentVolumeClaim"), Some("reports")),
            ("cfg", Some("configMap"), None),
            ("info", Some("downwardAPI"), None),
            ("key", Some("secret"), None),
            ("ebs", Some("awsElasticBlockStore"), None),
            ("gce", Some("gcePersistentDisk"), None),
            ("gfs", Some("glusterfs"), None),
            ("token", None, None),
        ]
    );
    let source = |name| pod.volume(name).unwrap().source.clone();
    assert_eq!(source("ebs"), VolumeSource::AwsElasticBlockStore("vol-1".into(), "ext4".into(), 1));
    assert_eq!(source("gce"), VolumeSource::GcePersistentDisk("disk-1".into(), "xfs".into(), 0));
    assert_eq!(source("gfs"), VolumeSource::Glusterfs("gl".into(), "/v".into()));
}

#[test]
fn containers_of_all_three_lists_carry_their_kind_and_state() {
    let pod = fixture!("init-and-ephemeral");
    let kinds: Vec<_> = pod.containers.iter().map(|container| (&*container.name, container.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("migrate", ContainerKind::Init),
            ("proxy", ContainerKind::Init),
            ("api", ContainerKind::App),
            ("debugger", ContainerKind::Ephemeral),
        ]
    );
    assert!(pod.containers.iter().all(|container| container.id.is_some()));
    assert_eq!((container(&pod, "api").state, container(&pod, "api").restarts), (ContainerState::Waiting, 3));
    assert_eq!(container(&pod, "proxy").limits.memory, Some(64 << 20));
    assert_eq!(pod.deployment.as_deref(), Some("shop-api"));
    assert_eq!(pod.hostname.as_deref(), Some("api"));
    assert!(pod.ignored, "the annotation is trimmed and compared without case, as the collector does");
    assert_eq!(pod.annotations.get("note"), Some("ä\n\"quoted\""), "escapes are resolved");
}

#[test]
fn a_restarted_container_shows_its_present_id() {
    let pod = fixture!("restarted");
    let main = container(&pod, "main");
    assert_eq!((main.restarts, &*main.id.as_ref().unwrap().id), (1, "21".repeat(32).as_str()));
}

#[test]
fn a_pod_without_status_and_with_nulls_is_still_a_pod() {
    let pod = fixture!("no-status");
    assert_eq!((pod.phase, pod.qos, pod.started), (Phase::Unknown, None, None));
    assert!(pod.addresses.is_empty() && pod.volumes.is_empty() && pod.labels.is_empty());
    assert_eq!(pod.containers[0].id, None);
    assert_eq!(pod.containers[0].state, ContainerState::Waiting);
}

#[test]
fn only_chosen_labels_are_kept_but_the_deployment_needs_no_choice() {
    struct OnlyApp;
    impl Keep for OnlyApp {
        fn label(&self, key: &str) -> bool {
            key == "app"
        }
        fn annotation(&self, _: &str) -> bool {
            false
        }
        fn image_ids(&self) -> bool {
            true
        }
    }
    let json = include_bytes!("../../../tests/fixtures/pods/init-and-ephemeral.json");
    let pod = parse(json, &OnlyApp).unwrap();
    assert_eq!(pod.labels.iter().collect::<Vec<_>>(), [("app", "shop-api")]);
    assert!(pod.annotations.is_empty());
    assert_eq!(pod.deployment.as_deref(), Some("shop-api"));
    assert!(pod.ignored);
    let image_id = container(&pod, "proxy").image_id.as_deref().unwrap();
    assert_eq!(canonical(image_id), Some(format!("docker.io/{image_id}")));
    assert_eq!(fixture!("init-and-ephemeral").containers[0].image_id, None, "off by default");
}

#[test]
fn an_item_of_a_list_reads_like_the_object_of_an_event() {
    let event = include_str!("../../../tests/fixtures/pods/restarted.json");
    let mut item: serde_json::Value = serde_json::from_str(event).unwrap();
    item.as_object_mut().unwrap().retain(|key, _| key != "kind" && key != "apiVersion");
    assert_eq!(parsed(&item.to_string()), parsed(event));
}

#[test]
fn the_head_of_a_bookmark_is_its_version() {
    let bookmark = br#"{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"1234","creationTimestamp":null},"spec":{"containers":null},"status":{}}"#;
    let head = head(bookmark).unwrap();
    assert_eq!((head.resource_version.as_deref(), head.name, head.uid), (Some("1234"), None, None));
    assert_eq!(parse(bookmark, &(|_: &str| true, |_: &str| true)).unwrap_err().path(), "metadata.namespace");
}

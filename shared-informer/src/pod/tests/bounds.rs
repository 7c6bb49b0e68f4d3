use proptest::prelude::*;
use serde_json::{Value, json};

use super::parsed;
use crate::pod::{Refusal, head, limits, parse};

fn base() -> Value {
    json!({"kind": "Pod", "metadata": {"namespace": "n", "name": "p", "uid": "u", "resourceVersion": "7"},
           "spec": {"containers": [{"name": "c", "image": "i"}]},
           "status": {"containerStatuses": [{"name": "c"}]}})
}

/// The base pod with one field replaced, read; the path and reason of its refusal.
fn refused(pointer: &str, value: impl Into<Value>) -> (String, Refusal) {
    let error = parsed(&with(pointer, value)).unwrap_err();
    (error.path().to_owned(), error.refusal())
}

fn with(pointer: &str, value: impl Into<Value>) -> String {
    let mut pod = base();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = pod.pointer_mut(parent).unwrap();
    parent.as_object_mut().unwrap().insert(key.to_owned(), value.into());
    pod.to_string()
}

fn repeated(entry: Value, count: usize) -> Value {
    Value::Array(std::iter::repeat_n(entry, count).collect())
}

#[test]
fn a_string_may_have_its_bound_but_not_a_byte_more() {
    let container = "/spec/containers/0";
    for (pointer, limit, path) in [
        ("/metadata/namespace", limits::LABEL, "metadata.namespace"),
        ("/metadata/name", limits::NAME, "metadata.name"),
        ("/metadata/uid", limits::OPAQUE, "metadata.uid"),
        ("/metadata/resourceVersion", limits::OPAQUE, "metadata.resourceVersion"),
        ("/spec/nodeName", limits::NAME, "spec.nodeName"),
        ("/spec/hostname", limits::LABEL, "spec.hostname"),
        (&format!("{container}/name"), limits::LABEL, "spec.containers[0].name"),
        (&format!("{container}/image"), limits::REFERENCE, "spec.containers[0].image"),
        (
            "/status/containerStatuses/0/containerID",
            limits::REFERENCE,
            "status.containerStatuses[c].containerID",
        ),
    ] {
        assert!(parsed(&with(pointer, "x".repeat(limit))).is_ok(), "{path} of {limit} bytes");
        assert_eq!(refused(pointer, "x".repeat(limit + 1)), (path.to_owned(), Refusal::TooLong));
    }
}

#[test]
fn a_list_may_have_its_bound_but_not_an_entry_more() {
    let container = json!({"name": "c"});
    for (pointer, entry, limit, path) in [
        ("/spec/containers", container.clone(), limits::CONTAINERS, "spec.containers"),
        ("/spec/initContainers", container.clone(), limits::CONTAINERS, "spec.initContainers"),
        ("/status/containerStatuses", container, limits::CONTAINERS, "status.containerStatuses"),
        ("/spec/volumes", json!({"name": "v"}), limits::VOLUMES, "spec.volumes"),
        ("/status/podIPs", json!({"ip": "10.0.0.1"}), limits::ADDRESSES, "status.podIPs"),
        (
            "/metadata/ownerReferences",
            json!({"kind": "Job", "name": "j", "uid": "u"}),
            limits::OWNERS,
            "metadata.ownerReferences",
        ),
    ] {
        assert!(parsed(&with(pointer, repeated(entry.clone(), limit))).is_ok(), "{path}: {limit} entries");
        assert_eq!(refused(pointer, repeated(entry, limit + 1)), (path.to_owned(), Refusal::TooMany));
    }
}

#[test]
fn labels_beyond_what_kubernetes_accepts_are_refused() {
    let path = "metadata.labels".to_owned();
    let one = |key: usize, value: usize| json!({"k".repeat(key): "v".repeat(value)});
    assert!(parsed(&with("/metadata/labels", one(limits::KEY, limits::LABEL))).is_ok());
    assert_eq!(refused("/metadata/labels", one(limits::KEY + 1, 1)), (path.clone(), Refusal::TooLong));
    assert_eq!(refused("/metadata/labels", one(1, limits::LABEL + 1)), (path.clone(), Refusal::TooLong));
    let many: serde_json::Map<_, _> = (0..=limits::PAIRS).map(|n| (n.to_string(), json!(""))).collect();
    assert_eq!(refused("/metadata/labels", many), (path, Refusal::TooMany));
}

#[test]
fn annotations_may_have_256_kib_together() {
    let of = |bytes: usize| json!({"a": "v".repeat(bytes - 2), "b": ""});
    assert!(parsed(&with("/metadata/annotations", of(limits::ANNOTATIONS_BYTES))).is_ok());
    let over = refused("/metadata/annotations", of(limits::ANNOTATIONS_BYTES + 1));
    assert_eq!(over, ("metadata.annotations".to_owned(), Refusal::TooLong));
}

#[test]
fn a_kept_annotation_is_cut_at_a_character_and_counted() {
    let long = "ä".repeat(limits::KEPT_VALUE); // two bytes each
    let pod = parsed(&with("/metadata/annotations", json!({"a": format!("x{long}"), "b": "short"}))).unwrap();
    assert_eq!(pod.annotations.get("a").unwrap().len(), limits::KEPT_VALUE - 1, "never half a character");
    assert_eq!((pod.cut, pod.dropped), (1, 0));
}

#[test]
fn labels_beyond_the_room_are_left_out_and_counted() {
    let many: serde_json::Map<_, _> =
        (0..limits::KEPT_PAIRS + 3).map(|n| (n.to_string(), json!(""))).collect();
    let pod = parsed(&with("/metadata/labels", many)).unwrap();
    assert_eq!((pod.labels.len(), pod.dropped, pod.cut), (limits::KEPT_PAIRS, 3, 0));
}

#[test]
fn a_pod_above_the_size_is_refused_before_it_is_read() {
    let mut json = base().to_string();
    json.push_str(&" ".repeat(limits::POD_BYTES - json.len()));
    assert!(parsed(&json).is_ok());
    json.push(' ');
    let error = parsed(&json).unwrap_err();
    assert_eq!(error.refusal(), Refusal::TooLarge);
    assert_eq!(error.to_string(), "pod: 3145729 bytes, at most 3145728 are accepted");
    assert_eq!(head(json.as_bytes()).unwrap_err().refusal(), Refusal::TooLarge);
}

#[test]
fn many_parts_within_their_bounds_may_still_be_too_much() {
    let of = |count: usize| repeated(json!({"name": "c", "image": "i".repeat(limits::REFERENCE)}), count);
    assert!(parsed(&with("/spec/containers", of(100))).is_ok());
    let over = refused("/spec/containers", of(130));
    assert_eq!(over, ("kept part of the pod".to_owned(), Refusal::TooLarge));
}

#[test]
fn what_identifies_a_pod_must_be_there() {
    for field in ["namespace", "name", "uid"] {
        let path = format!("metadata.{field}");
        for value in [Value::Null, json!("")] {
            assert_eq!(refused(&format!("/metadata/{field}"), value), (path.clone(), Refusal::Missing));
        }
        for value in ["a b", "a\nb", "ä", "a\0"] {
            assert_eq!(refused(&format!("/metadata/{field}"), value), (path.clone(), Refusal::Invalid));
        }
    }
    assert_eq!(
        refused("/spec/containers/0/name", Value::Null),
        ("spec.containers[0].name".into(), Refusal::Missing)
    );
}

#[test]
fn a_value_that_breaks_its_format_is_refused_with_its_path() {
    let cpu = |text: &str| json!({"limits": {"cpu": text}});
    for (pointer, value, path) in [
        ("/metadata/creationTimestamp", json!("yesterday"), "metadata.creationTimestamp"),
        ("/status/startTime", json!("2026-13-01T00:00:00Z"), "status.startTime"),
        ("/status/podIP", json!("10.0.0.256"), "status.podIP"),
        ("/status/podIPs", json!([{"ip": "node"}]), "status.podIPs"),
        ("/spec/containers/0/resources", cpu("1.5x"), "spec.containers[0].resources.limits.cpu"),
        ("/spec/containers/0/resources", cpu("-1"), "spec.containers[0].resources.limits.cpu"),
        (
            "/status/containerStatuses/0/state",
            json!({"running": {"startedAt": "x"}}),
            "status.containerStatuses[c].state.running.startedAt",
        ),
        ("/kind", json!("Status"), "kind"),
    ] {
        assert_eq!(refused(pointer, value), (path.to_owned(), Refusal::Invalid));
    }
}

#[test]
fn a_value_of_the_wrong_type_says_where_and_never_quotes_much() {
    let text = with("/spec/containers", "z".repeat(100_000));
    let error = parsed(&text).unwrap_err();
    assert_eq!(error.refusal(), Refusal::Malformed);
    let message = error.to_string();
    assert!(message.len() < 250 && message.contains("line 1, column "), "{message}");
    for json in ["", "{", "[]", "null", "{\"metadata\":5}", "\u{feff}{}"] {
        assert_eq!(parsed(json).unwrap_err().refusal(), Refusal::Malformed, "{json}");
    }
    assert_eq!(refused("/status/containerStatuses/0/restartCount", -1).1, Refusal::Malformed);
}

#[test]
fn depth_in_skipped_fields_costs_no_stack() {
    let deep = format!(r#"{{"spec":{{"x":{}{}}}}}"#, "[".repeat(1 << 20), "]".repeat(1 << 20));
    assert!(parsed(&deep).is_err(), "no name, but no overflow either");
}

#[test]
fn the_head_of_a_refused_pod_still_names_it() {
    let json = with("/spec/containers", repeated(json!({"name": "c"}), limits::CONTAINERS + 1));
    assert!(parsed(&json).is_err());
    let head = head(json.as_bytes()).unwrap();
    assert_eq!((head.uid.as_deref(), head.resource_version.as_deref()), (Some("u"), Some("7")));
}

#[test]
fn every_reason_has_a_name_of_its_own() {
    let names: std::collections::HashSet<_> = Refusal::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(names.len(), Refusal::ALL.len());
}

proptest! {
    #[test]
    fn a_recorded_pod_with_any_damage_is_read_or_refused_without_panic(
        at in 0usize..8_000, byte: u8, cut in 0usize..8_000,
    ) {
        let mut json = include_bytes!("../../../tests/fixtures/pods/recorded-deployment.json").to_vec();
        let length = json.len();
        json[at % length] = byte;
        let keep = (|_: &str| true, |_: &str| true);
        let _ = parse(&json, &keep);
        json.truncate(cut % length);
        prop_assert!(parse(&json, &keep).is_err(), "a truncated object is never a pod");
    }
}

//! The size probe's answer.

use std::time::Duration;

use super::super::daemon_set::read;
use crate::clock::Wall;
use crate::informer::event::Unusable;

const OBJECT: &str = r#"{"kind":"DaemonSet","apiVersion":"apps/v1","metadata":{"name":"tare","namespace":"monitoring",
  "uid":"5d1c","resourceVersion":"941","generation":3,"creationTimestamp":"2026-11-21T06:57:59Z",
  "annotations":{"a\nb":"c","tare.dev/pause":"PAUSE","kubectl.kubernetes.io/last-applied-configuration":"{\"x\":\"\"}"},
  "managedFields":[{"manager":"kube-controller-manager"}]},
  "spec":{"selector":{}},
  "status":{"currentNumberScheduled":5,"numberMisscheduled":0,"desiredNumberScheduled":7,"numberReady":5,"observedGeneration":2}}"#;

#[test]
fn size_generations_age_and_the_fleets_pause_are_read() {
    let read = |pause| read(OBJECT.replace("PAUSE", pause).as_bytes()).unwrap();
    let object = read("true");
    assert_eq!(object.reading.desired, 7);
    assert_eq!((object.reading.generation, object.reading.observed_generation), (3, 2));
    assert_eq!(object.created, Some(Wall::new(Duration::from_secs(1_795_244_279))));
    assert!(object.paused);
    for not in ["false", "True", "1", ""] {
        assert!(!read(not).paused, "{not:?}");
    }
}

#[test]
fn what_is_absent_is_zero_and_unknown() {
    let object = read(br#"{"kind":"DaemonSet","metadata":{"annotations":null},"status":{}}"#).unwrap();
    assert_eq!((object.reading.nodes(), object.created, object.paused), (None, None, false));
}

#[test]
fn anything_else_is_malformed() {
    for wrong in [
        "",
        "[]",
        "null",
        r#"{"kind":"Deployment","metadata":{},"status":{}}"#,
        r#"{"kind":"DaemonSet","metadata":{}}"#,
        r#"{"kind":"DaemonSet","metadata":{},"status":{"desiredNumberScheduled":-1}}"#,
        r#"{"kind":"DaemonSet","metadata":{},"status":{"desiredNumberScheduled":4294967296}}"#,
        r#"{"kind":"DaemonSet","metadata":{"annotations":{"tare.dev/pause":true}},"status":{}}"#,
        OBJECT.strip_suffix('}').unwrap(),
    ] {
        assert_eq!(read(wrong.as_bytes()).unwrap_err(), Unusable::Malformed, "{wrong}");
    }
}

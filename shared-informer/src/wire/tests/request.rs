//! The three requests, letter by letter.

use std::time::Duration;

use super::super::request::{ObjectName, Target, path, request};
use crate::informer::command::Ask;

fn target(node: &str) -> Target {
    let daemon_set = ObjectName { namespace: "monitoring".into(), name: "tare".into() };
    Target { node: node.into(), daemon_set: Some(daemon_set) }
}

const SELECTOR: &str =
    "fieldSelector=spec.nodeName%3Dnode-1.example%2Cstatus.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed";

#[test]
fn the_paths_are_exactly_those_of_the_design() {
    let target = target("node-1.example");
    let size = path(&target, &Ask::Size).unwrap();
    assert_eq!(size, "/apis/apps/v1/namespaces/monitoring/daemonsets/tare?resourceVersion=0");
    let list = path(&target, &Ask::List { limit: 110 }).unwrap();
    assert_eq!(list, format!("/api/v1/pods?{SELECTOR}&resourceVersion=0&limit=110"));
    let ask = Ask::Watch { resource_version: "1985".into(), timeout: Duration::from_millis(1_830_500) };
    let expected = format!(
        "/api/v1/pods?watch=true&{SELECTOR}&resourceVersion=1985&allowWatchBookmarks=true&timeoutSeconds=1830"
    );
    assert_eq!(path(&target, &ask).unwrap(), expected);
}

#[test]
fn foreign_names_cannot_add_a_parameter_or_a_path() {
    let mut wild = target("a,b=c&limit=0#/é\\");
    wild.daemon_set = Some(ObjectName { namespace: "../x".into(), name: "a?b/c".into() });
    let list = path(&wild, &Ask::List { limit: 1 }).unwrap();
    assert!(
        list.contains("spec.nodeName%3Da%5C%2Cb%5C%3Dc%26limit%5C%3D0%23%2F%C3%A9%5C%5C%2Cstatus"),
        "{list}"
    );
    assert_eq!(list.matches('&').count(), 2);
    let size = path(&wild, &Ask::Size).unwrap();
    assert_eq!(size, "/apis/apps/v1/namespaces/..%2Fx/daemonsets/a%3Fb%2Fc?resourceVersion=0");
    let ask = Ask::Watch { resource_version: "1&watch=0".into(), timeout: Duration::ZERO };
    assert!(path(&wild, &ask).unwrap().contains("&resourceVersion=1%26watch%3D0&"));
}

#[test]
fn only_a_list_asks_for_compression_and_every_request_for_json() {
    let target = target("node-1");
    let watch = Ask::Watch { resource_version: "1".into(), timeout: Duration::from_mins(1) };
    for (ask, encoding) in [(Ask::Size, "identity"), (Ask::List { limit: 1 }, "gzip"), (watch, "identity")] {
        let request = request(&target, &ask).unwrap();
        assert_eq!(request.headers().get("accept-encoding").unwrap(), encoding);
        assert_eq!(request.headers().get("accept").unwrap(), "application/json");
        assert_eq!(request.method(), http::Method::GET);
    }
}

#[test]
fn without_a_daemon_set_nobody_is_asked_for_the_size() {
    let target = Target { daemon_set: None, ..target("node-1") };
    assert!(request(&target, &Ask::Size).is_none());
}

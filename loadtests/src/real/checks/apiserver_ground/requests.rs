//! The requests that the product sends, spelt out: nothing here comes from its code.

use crate::real::cluster::objects::PRODUCT;
use crate::real::cluster::pods::node_name;

/// The pods of the first node that have not ended.
fn pods_of_node(parameters: &str) -> String {
    let node = node_name(0);
    let selector = format!("spec.nodeName%3D{node}%2Cstatus.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed");
    format!("/api/v1/pods?fieldSelector={selector}&{parameters}")
}

/// A LIST from the watch cache, with the limit that the product sends.
pub(in crate::real::checks) fn list() -> String {
    pods_of_node("resourceVersion=0&limit=110")
}

/// A LIST with other parameters.
pub(in crate::real::checks) fn list_with(parameters: &str) -> String {
    pods_of_node(parameters)
}

/// A WATCH from a version, ended by the server after `seconds`.
pub(in crate::real::checks) fn watch(version: &str, seconds: u32) -> String {
    pods_of_node(&format!(
        "watch=1&resourceVersion={version}&allowWatchBookmarks=true&timeoutSeconds={seconds}"
    ))
}

/// What the product does not use: a WATCH that begins with every pod there is.
pub(in crate::real::checks) fn watch_with_initial_events(seconds: u32) -> String {
    pods_of_node(&format!(
        "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true\
         &timeoutSeconds={seconds}"
    ))
}

/// The DaemonSet `name` of the product's namespace.
pub(in crate::real::checks) fn daemon_set(name: &str) -> String {
    format!("/apis/apps/v1/namespaces/{PRODUCT}/daemonsets/{name}?resourceVersion=0")
}

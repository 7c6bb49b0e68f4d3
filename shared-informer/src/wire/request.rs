//! The three requests, built by hand: path, parameters and headers exactly as section 3 of the design says.

use std::fmt::Write as _;

use http::header::{ACCEPT, ACCEPT_ENCODING};
use http::{HeaderValue, Request};
use kube::client::Body;

use crate::informer::command::Ask;

/// What this node asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The node whose pods are read.
    pub node: Box<str>,
    /// The agent's own DaemonSet, if it has one.
    pub daemon_set: Option<ObjectName>,
}

/// The name of a namespaced object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectName {
    /// Its namespace.
    pub namespace: Box<str>,
    /// Its name.
    pub name: Box<str>,
}

/// The request for `ask`; none for the size of a cluster that this agent has no DaemonSet in.
pub fn request(target: &Target, ask: &Ask) -> Option<Request<Body>> {
    // The gzip of single events costs the server more than the bytes that it saves, and holds each of them back.
    let encoding = if matches!(ask, Ask::List { .. }) { "gzip" } else { "identity" };
    Request::get(path(target, ask)?)
        .header(ACCEPT, HeaderValue::from_static("application/json"))
        .header(ACCEPT_ENCODING, HeaderValue::from_static(encoding))
        .body(Body::empty())
        .ok()
}

/// Path and parameters.
pub fn path(target: &Target, ask: &Ask) -> Option<String> {
    Some(match ask {
        Ask::Size => {
            let ObjectName { namespace, name } = target.daemon_set.as_ref()?;
            let (namespace, name) = (encoded(namespace), encoded(name));
            format!("/apis/apps/v1/namespaces/{namespace}/daemonsets/{name}?resourceVersion=0")
        }
        Ask::List { limit } => {
            let selector = selector(&target.node);
            format!("/api/v1/pods?fieldSelector={selector}&resourceVersion=0&limit={limit}")
        }
        Ask::Watch { resource_version, timeout } => {
            let (selector, version) = (selector(&target.node), encoded(resource_version));
            let timeout = timeout.as_secs().max(1);
            format!(
                "/api/v1/pods?watch=true&fieldSelector={selector}&resourceVersion={version}\
                 &allowWatchBookmarks=true&timeoutSeconds={timeout}"
            )
        }
    })
}

/// This node's pods without those that have ended.
fn selector(node: &str) -> String {
    let mut value = String::with_capacity(node.len());
    for c in node.chars() {
        // As client-go's `fields.EscapeValue`; the name of a real node has none of these.
        if matches!(c, '\\' | ',' | '=') {
            value.push('\\');
        }
        value.push(c);
    }
    encoded(&format!("spec.nodeName={value},status.phase!=Succeeded,status.phase!=Failed"))
}

/// Percent-encoded, all but the unreserved characters of RFC 3986.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

//! Whether a request is the one that its permit allows: what section "What the API server is asked" of the design says, as
//! a rule. It shares no code with what builds the requests ([`crate::wire`]).

use http::Method;

use crate::ledger;

/// `path` is without the server's own prefix.
pub(super) fn fits(allowed: ledger::Request, method: &Method, path: &str, query: &str) -> bool {
    method == Method::GET
        && match allowed {
            ledger::Request::Size => {
                is_daemon_set(path) && is_exactly(query, &[("resourceVersion", is_zero)])
            }
            ledger::Request::List { .. } => path == PODS && is_exactly(query, LIST),
            ledger::Request::Watch => path == PODS && is_exactly(query, WATCH),
        }
}

/// Says whether a value is allowed.
type Rule = fn(&str) -> bool;

const PODS: &str = "/api/v1/pods";
const LIST: &[(&str, Rule)] =
    &[("fieldSelector", is_one_node), ("resourceVersion", is_zero), ("limit", is_count)];
const WATCH: &[(&str, Rule)] = &[
    ("watch", is_true),
    ("fieldSelector", is_one_node),
    ("resourceVersion", is_version),
    ("allowWatchBookmarks", is_true),
    ("timeoutSeconds", is_count),
];

/// Each of these parameters once, each with an allowed value, and no other: an unknown one may change everything
/// (`sendInitialEvents`, `resourceVersionMatch`).
fn is_exactly(query: &str, rules: &[(&str, Rule)]) -> bool {
    let pairs = || query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs().count() == rules.len()
        && rules.iter().all(|(name, rule)| pairs().any(|(key, value)| key == *name && rule(value)))
}

fn is_daemon_set(path: &str) -> bool {
    let mut parts = path.split('/');
    let mut fixed = |expected: &[&str]| expected.iter().all(|part| parts.next() == Some(part));
    let root = fixed(&["", "apis", "apps", "v1", "namespaces"]);
    let namespace = parts.next().is_some_and(|part| !part.is_empty());
    let kind = parts.next() == Some("daemonsets");
    let name = parts.next().is_some_and(|part| !part.is_empty());
    root && namespace && kind && name && parts.next().is_none()
}

/// Answered from the watch cache.
fn is_zero(value: &str) -> bool {
    value == "0"
}

fn is_true(value: &str) -> bool {
    value == "true"
}

fn is_count(value: &str) -> bool {
    value.parse::<u32>().is_ok_and(|count| count > 0)
}

/// Neither absent nor 0: both would begin with every pod.
fn is_version(value: &str) -> bool {
    !value.is_empty() && value != "0"
}

/// The pods of one node and not those of the cluster.
fn is_one_node(value: &str) -> bool {
    let node = value.strip_prefix("spec.nodeName%3D").and_then(|rest| rest.split("%2C").next());
    node.is_some_and(|node| !node.is_empty())
}

//! The receiver kubeletstats: fast figures come from the node's own cgroups (`containers`), the kubelet is asked for
//! the rest at a pace that the budget allows (`kubelet`).

use super::context::{Context, last_key};
use super::document::Value;
use super::{duration, hostmetrics, substitute};
use crate::config::report::{Path, quote};
use crate::config::tree::{Entry as Given, Kind, Node};

/// What the receiver takes when the file names no interval, milliseconds.
const DEFAULT_INTERVAL: u64 = 10_000;
/// The shortest period at which tare asks a kubelet, milliseconds.
const SHORTEST_PERIOD: u64 = 10_000;

/// Translates one instance.
pub(super) fn translate<'a>(context: &mut Context<'a>, node: &'a Node, path: &Path) {
    let mut interval = (path.clone(), DEFAULT_INTERVAL);
    let mut access = (path.clone(), "tls".to_owned());
    let mut certificates = Vec::new();
    for Given { key, value, .. } in context.keys(node, path) {
        let below = path.key(key);
        match key.as_str() {
            "collection_interval" => {
                if let Some(milliseconds) = context.millis(value, &below) {
                    interval = (below, milliseconds);
                }
            }
            "auth_type" => {
                if let Some(text) = context.text(value, &below) {
                    access = (below, text);
                }
            }
            "endpoint" => endpoint(context, value, &below),
            "ca_file" | "insecure_skip_verify" => {
                if let Some(value) = context.copy(value, &below) {
                    context.put(&["kubelet"], key, &below, value);
                }
            }
            "cert_file" | "key_file" => certificates.push((below, value)),
            "metric_groups" | "extra_metadata_labels" | "collect_all_network_interfaces" => {
                if let Some(value) = context.copy(value, &below) {
                    context.put(&["containers"], key, &below, value);
                }
            }
            "metrics" => hostmetrics::metrics(context, value, &below),
            "node" => node_name(context, value, &below),
            "k8s_api_config" => {
                context.not_needed(&below, "claims and limits come from the watch that tare has anyway");
            }
            "initial_delay" => {
                context.not_needed(&below, "tare reads on the grid of its interval from the start");
            }
            "timeout" => context.not_needed(&below, "every question to the kubelet has a deadline"),
            _ => context.unknown(&below),
        }
    }
    way_in(context, &access, &certificates);
    let (origin, milliseconds) = interval;
    context.put(&["containers"], "interval", &origin, Value::text(duration::print(milliseconds)));
    let period = duration::print(milliseconds.max(SHORTEST_PERIOD));
    let note = "The budget may lengthen this. What comes from cgroups keeps containers.interval.";
    context.put_with(&["kubelet"], "period", &origin, note, Value::text(period));
}

fn way_in<'a>(context: &mut Context<'a>, access: &(Path, String), certificates: &[(Path, &'a Node)]) {
    let (origin, kind) = access;
    let word = match kind.as_str() {
        "serviceAccount" => "token",
        "tls" => "x509",
        "none" => "read_only",
        "kubeConfig" => {
            let reason = "this goes through the API server's proxy, whose right (nodes/proxy) allows to run commands \
                          in every pod; use serviceAccount";
            return context.left_out(origin, reason);
        }
        other => return context.left_out(origin, format!("tare knows no way in called {}", quote(other))),
    };
    context.put(&["kubelet"], "access", origin, Value::text(word));
    for (below, value) in certificates {
        if word != "x509" {
            context.not_needed(below, "certificates are used with auth_type tls only");
        } else if let Some(value) = context.copy(value, below) {
            context.put(&["kubelet"], last_key(below), below, value);
        }
    }
}

/// The kubelet's address. What names the node it runs on is `NODE_IP`, which tare takes by itself.
fn endpoint(context: &mut Context<'_>, node: &Node, path: &Path) {
    let Kind::Scalar { text, .. } = &node.kind else { return context.unknown(path) };
    let own = text.is_empty()
        || substitute::sole_variable(text).is_some_and(|(name, port)| {
            let node = name.contains("NODE") || name.contains("HOST");
            node && port.is_none_or(|port| port == "10250")
        });
    if own {
        let reason = "the agent asks the kubelet of its own node, whose address it has from NODE_IP";
        return context.not_needed(path, reason);
    }
    let Some(text) = context.text(node, path) else { return };
    let text = text.trim_start_matches("https://").trim_start_matches("http://");
    let (host, port) = text.rsplit_once(':').unwrap_or((text, "10250"));
    let host = host.trim_start_matches('[').trim_end_matches(']');
    context.put(&["kubelet"], "address", path, Value::text(host));
    if !matches!(port, "10250" | "10255") {
        context.put(&["kubelet"], "port", path, Value::text(port));
    }
}

/// The node's name. The chart gives it to tare as `NODE_NAME`.
fn node_name(context: &mut Context<'_>, node: &Node, path: &Path) {
    let variable =
        matches!(&node.kind, Kind::Scalar { text, .. } if substitute::sole_variable(text).is_some());
    if variable {
        context.not_needed(path, "the agent knows its node's name from NODE_NAME");
    } else if let Some(text) = context.text(node, path) {
        context.put(&["kube"], "node_name", path, Value::text(text));
    }
}

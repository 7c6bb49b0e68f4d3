//! The processor k8sattributes: what of a pod becomes attributes. Its `extract` and `exclude` are tare's own words.

use super::context::Context;
use super::document::Value;
use crate::config::report::Path;
use crate::config::tree::{Entry as Given, Node};

/// Translates one instance.
pub(super) fn translate<'a>(context: &mut Context<'a>, node: &'a Node, path: &Path) {
    for Given { key, value, .. } in context.keys(node, path) {
        let below = path.key(key);
        match key.as_str() {
            "extract" => extract(context, value, &below),
            "exclude" => {
                if let Some(value) = context.copy(value, &below) {
                    context.put(&["enrich"], "exclude", &below, value);
                }
            }
            "filter" => filter(context, value, &below),
            "auth_type" => match context.text(value, &below).as_deref() {
                None | Some("serviceAccount") => {}
                Some(_) => context.left_out(
                    &below,
                    "tare uses its service account; see kube.kubeconfig for a node's service",
                ),
            },
            "context" => {
                context.left_out(&below, "tare uses a kubeconfig's current context (kube.kubeconfig)");
            }
            "passthrough" => {
                if context.truth(value, &below) == Some(true) {
                    context.left_out(
                        &below,
                        "tare enriches what it collects itself; there is nothing to pass through",
                    );
                }
            }
            "pod_association" => {
                context.not_needed(
                    &below,
                    "tare knows the pod of each figure from the cgroup that it was read from",
                );
            }
            "wait_for_metadata" | "wait_for_metadata_timeout" => {
                context.not_needed(&below, "a container waits at most one interval for its name");
            }
            _ => context.unknown(&below),
        }
    }
}

fn extract<'a>(context: &mut Context<'a>, node: &'a Node, path: &Path) {
    for Given { key, value, .. } in context.keys(node, path) {
        let below = path.key(key);
        match key.as_str() {
            "deployment_name_from_replicaset" => {
                if context.truth(value, &below) == Some(true) {
                    context.not_needed(
                        &below,
                        "tare never asks for ReplicaSets: a Deployment's name comes from theirs",
                    );
                }
            }
            "metadata" => {
                let names = context.texts(value, &below);
                let mut kept = Vec::new();
                for (place, name) in names {
                    match missing(&name) {
                        None => kept.push(Value::Scalar(name)),
                        Some(reason) => context.left_out(&place, reason),
                    }
                }
                context.put(&["enrich", "extract"], key, &below, Value::List(kept));
            }
            "labels" | "annotations" => rules(context, key, value, &below),
            _ => {
                if let Some(value) = context.copy(value, &below) {
                    context.put(&["enrich", "extract"], key, &below, value);
                }
            }
        }
    }
}

/// Why an attribute is not to be had.
fn missing(name: &str) -> Option<&'static str> {
    Some(match name {
        "k8s.cluster.uid" => {
            "this is a namespace's uid, and tare reads no namespaces; set it in enrich.resource_attributes"
        }
        "k8s.node.uid" => "tare reads no nodes: a LIST or watch of them grows with the cluster",
        "k8s.deployment.uid" | "k8s.cronjob.uid" => {
            "tare reads no owners of owners: that is a watch of their kind on every node"
        }
        _ => return None,
    })
}

/// Rules for labels or annotations, of pods only.
fn rules<'a>(context: &mut Context<'a>, kind: &str, node: &'a Node, path: &Path) {
    let mut kept = Vec::new();
    for (place, rule) in context.items(node, path) {
        let from =
            rule.find(&Path::root().key("from")).and_then(|from| context.text(from, &place.key("from")));
        match from.as_deref() {
            None | Some("" | "pod") => kept.extend(context.copy(rule, &place)),
            Some(_) => {
                let reason = "tare reads pods only: watching namespaces, nodes or workloads from every node grows with the cluster";
                context.left_out(&place, reason);
            }
        }
    }
    if !kept.is_empty() {
        context.put(&["enrich", "extract"], kind, path, Value::List(kept));
    }
}

fn filter<'a>(context: &mut Context<'a>, node: &'a Node, path: &Path) {
    for Given { key, value, .. } in context.keys(node, path) {
        let below = path.key(key);
        match key.as_str() {
            "node" | "node_from_env_var" => {
                context.not_needed(&below, "an agent asks for the pods of its own node only (NODE_NAME)");
            }
            _ if value.is_null() => {}
            _ => context.left_out(&below, "tare enriches every pod of its node"),
        }
    }
}

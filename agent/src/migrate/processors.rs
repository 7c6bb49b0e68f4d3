//! The processors beside k8sattributes.

use super::context::Context;
use super::document::Value;
use crate::config::report::{Path, quote};
use crate::config::tree::{Entry as Given, Node};

/// Whether a processor of this type only moves data: pipelines that differ in it alone are alike.
pub(super) fn is_mechanical(kind: &str) -> bool {
    matches!(kind, "batch" | "memory_limiter")
}

/// Translates one instance of a processor of type `kind`.
pub(super) fn translate<'a>(context: &mut Context<'a>, node: &'a Node, path: &Path, kind: &str) {
    match kind {
        "batch" => context.not_needed(path, "each scrape is one batch already; requests are split at 2 MiB"),
        "memory_limiter" => {
            context.not_needed(
                path,
                "every queue is bounded by bytes (outputs[].otlp.queue), and tare receives nothing",
            );
        }
        "resourcedetection" | "resource_detection" => detection(context, node, path),
        "resource" => resource(context, node, path),
        _ => {
            context.left_out(path, "tare has no counterpart of this processor: process the data behind tare");
        }
    }
}

/// What finds out about the machine.
fn detection<'a>(context: &mut Context<'a>, node: &'a Node, path: &Path) {
    for Given { key, value, .. } in context.keys(node, path) {
        let below = path.key(key);
        match key.as_str() {
            "detectors" => {
                for (place, name) in context.texts(value, &below) {
                    detector(context, &place, &name);
                }
            }
            "timeout" | "refresh_interval" | "override" | "env" => {
                context.not_needed(
                    &below,
                    "what tare finds out costs no request; the file wins over the environment",
                );
            }
            "system" => system(context, value, &below),
            // Settings of a detector that is not named above, or was reported there.
            _ => {}
        }
    }
}

fn detector(context: &mut Context<'_>, path: &Path, name: &str) {
    match name {
        "env" => {
            context.not_needed(path, "tare takes OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME by itself");
        }
        "system" => context.not_needed(path, "tare reports host.name and os.type by itself"),
        "k8snode" | "k8s_api" | "k8s_node" => {
            let reason = "tare reports k8s.node.name by itself (NODE_NAME); it has no k8s.node.uid, for it reads no nodes";
            context.not_needed(path, reason);
        }
        _ => {
            let reason = "tare asks no cloud's metadata service; set what it finds in enrich.resource_attributes or \
                          OTEL_RESOURCE_ATTRIBUTES";
            context.left_out(path, format!("{}: {reason}", quote(name)));
        }
    }
}

/// The detector `system`: attributes that are off by default, or a name from elsewhere.
fn system<'a>(context: &mut Context<'a>, node: &'a Node, path: &Path) {
    for Given { key, value, .. } in context.keys(node, path) {
        let below = path.key(key);
        match key.as_str() {
            "hostname_sources" => match context.texts(value, &below).first() {
                Some((place, source)) if source != "os" => {
                    context.left_out(
                        &place.clone(),
                        "tare reports the kernel's host name, and looks nothing up for it",
                    );
                }
                _ => context.not_needed(&below, "tare reports the kernel's host name"),
            },
            "resource_attributes" => {
                for Given { key: name, value, .. } in context.keys(value, &below) {
                    let place = below.key(name);
                    let on =
                        value.find(&Path::root().key("enabled")).and_then(|on| context.truth(on, &place));
                    let reported = matches!(name.as_str(), "host.name" | "os.type");
                    if on.is_some_and(|on| on != reported) {
                        context.left_out(&place, "tare reports host.name and os.type of the system, always");
                    }
                }
            }
            _ => context.unknown(&below),
        }
    }
}

/// Attributes that are set to a value. Other actions have no counterpart.
fn resource<'a>(context: &mut Context<'a>, node: &'a Node, path: &Path) {
    for Given { key, value, .. } in context.keys(node, path) {
        let below = path.key(key);
        if key != "attributes" {
            context.unknown(&below);
            continue;
        }
        for (place, item) in context.items(value, &below) {
            action(context, item, &place);
        }
    }
}

fn action<'a>(context: &mut Context<'a>, node: &'a Node, path: &Path) {
    let (mut name, mut value, mut action) = (None, None, None);
    for Given { key, value: given, .. } in context.keys(node, path) {
        let below = path.key(key);
        match key.as_str() {
            "key" => name = context.text(given, &below),
            "value" => value = Some((below, given)),
            "action" => action = context.text(given, &below),
            _ => {
                return context
                    .left_out(path, "tare sets resource attributes to values; it derives none from others");
            }
        }
    }
    match (name, value, action.as_deref()) {
        (Some(name), Some((place, value)), Some("insert" | "upsert")) => {
            if let Some(value) = context.text(value, &place) {
                context.put(&["enrich", "resource_attributes"], &name, path, Value::Scalar(value));
            }
        }
        (Some(_), _, Some(other)) => {
            let reason =
                format!("the action {} has no counterpart: tare sets resource attributes", quote(other));
            context.left_out(path, reason);
        }
        _ => context.left_out(path, "expected key, value and action"),
    }
}

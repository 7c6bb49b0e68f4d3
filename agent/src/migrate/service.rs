//! What surrounds the pipelines: the collector's own telemetry and its extensions.

use super::context::{Context, kind};
use super::document::Value;
use crate::config::report::{Path, quote};
use crate::config::tree::{Entry as Given, Node};

/// Translates the section `service`, except for its pipelines.
pub(super) fn translate(context: &mut Context<'_>) {
    let path = Path::root().key("service");
    let Some(node) = context.root.find(&path) else { return };
    for Given { key, value, .. } in context.keys(node, &path) {
        let below = path.key(key);
        match key.as_str() {
            "pipelines" => {}
            "extensions" => {
                for (place, id) in context.texts(value, &below) {
                    extension(context, &place, &id);
                }
            }
            "telemetry" => telemetry(context, value, &below),
            _ => context.unknown(&below),
        }
    }
}

fn extension(context: &mut Context<'_>, path: &Path, id: &str) {
    match kind(id) {
        "health_check" | "healthcheck" | "healthcheckv2" => {
            context.not_needed(path, "`tare health --live|--ready` answers probes, without a port");
        }
        "memory_ballast" => context.not_needed(path, "tare has no garbage collector"),
        "file_storage" => context.not_needed(path, "the outputs that use it have a disk_log"),
        "k8s_leader_elector" => context.not_needed(path, "nothing of tare runs once in a cluster"),
        "pprof" | "zpages" => context.left_out(path, "tare opens no port to look inside; see `tare status`"),
        _ => context.left_out(path, "tare has no counterpart of this extension"),
    }
}

fn telemetry<'a>(context: &mut Context<'a>, node: &'a Node, path: &Path) {
    for Given { key, value, .. } in context.keys(node, path) {
        let below = path.key(key);
        match key.as_str() {
            "logs" => logs(context, value, &below),
            "metrics" => {
                context.not_needed(
                    &below,
                    "tare sends its own metrics (tare.*) to its outputs, and opens no port for them",
                );
            }
            "resource" => context.not_needed(&below, "tare's own metrics have the node's resource"),
            "traces" => context.not_needed(&below, "tare makes no traces of itself"),
            _ => context.unknown(&below),
        }
    }
}

fn logs<'a>(context: &mut Context<'a>, node: &'a Node, path: &Path) {
    for Given { key, value, .. } in context.keys(node, path) {
        let below = path.key(key);
        let Some(text) = (match key.as_str() {
            "level" | "encoding" => context.text(value, &below),
            _ => {
                context
                    .not_needed(&below, "tare logs to standard error, the same line at most once in a while");
                None
            }
        }) else {
            continue;
        };
        let word = match (key.as_str(), text.to_ascii_lowercase().as_str()) {
            ("level", level @ ("debug" | "info" | "warn" | "error")) => ("log_level", level.to_owned()),
            ("level", "dpanic" | "panic" | "fatal") => ("log_level", "error".to_owned()),
            ("encoding", "json") => ("log_format", "json".to_owned()),
            ("encoding", "console") => ("log_format", "text".to_owned()),
            _ => {
                context.left_out(&below, format!("tare knows no {}", quote(&text)));
                continue;
            }
        };
        context.put(&["control"], word.0, &below, Value::Scalar(word.1));
    }
}

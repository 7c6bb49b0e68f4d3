//! The exporters of the metrics pipelines: each becomes an output of its own.

use super::context::{Context, kind};
use super::document::{Entry, Value};
use super::otlp;
use crate::config::report::Path;
use crate::config::tree::Node;

/// Translates the exporter `id`, which a pipeline names at `path`.
pub(super) fn translate(context: &mut Context<'_>, path: &Path, id: &str) {
    let Some((node, place)) = context.component("exporters", id) else {
        return context.left_out(path, "this exporter is not defined");
    };
    let keys = match kind(id) {
        "otlp" | "otlp_grpc" | "otlpgrpc" => {
            Some(otlp::translate(context, node, &place, id, otlp::Protocol::Grpc))
        }
        "otlphttp" | "otlp_http" => Some(otlp::translate(context, node, &place, id, otlp::Protocol::Http)),
        "debug" | "logging" => stdout(context, node, &place),
        "nop" => return context.not_needed(&place, "it sends nothing"),
        _ => {
            let reason = "tare sends OTLP, which most backends take; otherwise keep a collector as a gateway";
            return context.left_out(&place, reason);
        }
    };
    let Some(entry) = keys else { return };
    let name = Entry::from("name", &place, Value::text(id.replace('/', "-")));
    let output = Value::Section(vec![name, entry]);
    let mut outputs = match context.document.get(&["outputs"]) {
        Some(Value::List(outputs)) => outputs.clone(),
        _ => Vec::new(),
    };
    outputs.push(output);
    context.document.set("outputs", Value::List(outputs));
}

/// What only looks at the data. tare can do that once.
fn stdout<'a>(context: &mut Context<'a>, node: &'a Node, path: &Path) -> Option<Entry> {
    for entry in context.keys(node, path) {
        context.not_needed(
            &path.key(&entry.key),
            "tare prints all of the data as OTLP/JSON, one request a line",
        );
    }
    let taken = match context.document.get(&["outputs"]) {
        Some(Value::List(outputs)) => outputs.iter().any(
            |output| matches!(output, Value::Section(keys) if keys.iter().any(|entry| entry.key == "stdout")),
        ),
        _ => false,
    };
    if taken {
        context.left_out(path, "one output writes to standard output already");
        return None;
    }
    Some(Entry::plain("stdout", Value::Empty))
}

//! The whole of a collector's configuration: which of its pipelines tare can take over, and what they are made of.
//!
//! tare has one pipeline: what it collects goes to every output. Components that no such pipeline uses do nothing in
//! the collector either, so they are not looked at.

use super::context::{Context, kind};
use super::document::{Entry as Made, Value};
use super::{exporters, hostmetrics, k8sattributes, kubeletstats, processors, service};
use crate::config::report::Path;
use crate::config::tree::{Entry, Node};

/// A metrics pipeline: the names of its components, each with its place.
struct Pipeline {
    path: Path,
    receivers: Vec<(Path, String)>,
    processors: Vec<(Path, String)>,
    exporters: Vec<(Path, String)>,
}

/// Translates everything.
pub(super) fn translate(context: &mut Context<'_>) {
    let root = context.root;
    for entry in context.keys(root, &Path::root()) {
        let known = ["receivers", "processors", "exporters", "extensions", "connectors", "service"];
        if !known.contains(&entry.key.as_str()) {
            context.left_out(&Path::root().key(&entry.key), "no part of a collector's configuration");
        }
    }
    let pipelines = metrics(context);
    if pipelines.is_empty() {
        let path = Path::root().key("service").key("pipelines");
        context.left_out(
            &path,
            "no metrics pipeline has a receiver that tare replaces (hostmetrics, kubeletstats)",
        );
    }
    receivers(context, &pipelines);
    middle(context, &pipelines);
    for (path, id) in united(&pipelines, |pipeline| &pipeline.exporters) {
        exporters::translate(context, &path, &id);
    }
    service::translate(context);
}

/// The metrics pipelines that collect something that tare collects. The others are reported.
fn metrics(context: &mut Context<'_>) -> Vec<Pipeline> {
    let path = Path::root().key("service").key("pipelines");
    let Some(node) = context.root.find(&path) else { return Vec::new() };
    let mut pipelines = Vec::new();
    for Entry { key, value, .. } in context.keys(node, &path) {
        let path = path.key(key);
        match kind(key) {
            "metrics" => {
                let pipeline = read(context, value, path);
                if pipeline.receivers.iter().any(|(_, id)| replaced(id)) {
                    pipelines.push(pipeline);
                } else {
                    let reason = "tare replaces none of its receivers: keep a collector for this pipeline";
                    context.left_out(&pipeline.path, reason);
                }
            }
            _ => context.left_out(&path, "tare reports metrics only: keep a collector for this pipeline"),
        }
    }
    pipelines
}

fn read<'a>(context: &mut Context<'a>, node: &'a Node, path: Path) -> Pipeline {
    let (mut receivers, mut processors, mut exporters) = (Vec::new(), Vec::new(), Vec::new());
    for Entry { key, value, .. } in context.keys(node, &path) {
        let below = path.key(key);
        match key.as_str() {
            "receivers" => receivers = context.texts(value, &below),
            "processors" => processors = context.texts(value, &below),
            "exporters" => exporters = context.texts(value, &below),
            _ => context.unknown(&below),
        }
    }
    Pipeline { path, receivers, processors, exporters }
}

fn is_host(id: &str) -> bool {
    matches!(kind(id), "hostmetrics" | "host_metrics")
}

fn is_kubelet(id: &str) -> bool {
    matches!(kind(id), "kubeletstats" | "kubelet_stats")
}

fn is_attributes(id: &str) -> bool {
    matches!(kind(id), "k8sattributes" | "k8s_attributes")
}

fn replaced(id: &str) -> bool {
    is_host(id) || is_kubelet(id)
}

/// Every component that one of the pipelines names, once, in their order.
fn united(pipelines: &[Pipeline], part: impl Fn(&Pipeline) -> &Vec<(Path, String)>) -> Vec<(Path, String)> {
    let mut all: Vec<(Path, String)> = Vec::new();
    for (path, id) in pipelines.iter().flat_map(part) {
        if !all.iter().any(|(_, present)| present == id) {
            all.push((path.clone(), id.clone()));
        }
    }
    all
}

fn receivers(context: &mut Context<'_>, pipelines: &[Pipeline]) {
    let all = united(pipelines, |pipeline| &pipeline.receivers);
    for (path, id) in &all {
        match context.component("receivers", id) {
            None => context.left_out(path, "this receiver is not defined"),
            Some((node, place)) if is_host(id) => hostmetrics::translate(context, node, &place),
            Some((node, place)) if is_kubelet(id) => kubeletstats::translate(context, node, &place),
            Some((node, place)) => other(context, node, &place, kind(id)),
        }
    }
    if !pipelines.is_empty() && !all.iter().any(|(_, id)| is_kubelet(id)) {
        let note = "Nothing of containers: there is no kubeletstats receiver.";
        let entry = Made { note, ..Made::plain("enabled", Value::text("false")) };
        context.document.put(&["containers"], entry);
    }
    if !pipelines.is_empty() && !all.iter().any(|(_, id)| is_host(id)) {
        let note = "Nothing of the host: there is no hostmetrics receiver.";
        let entry = Made { note, ..Made::plain("scrapers", Value::Empty) };
        context.document.put(&["host"], entry);
    }
}

/// A receiver that tare does not replace.
fn other(context: &mut Context<'_>, node: &Node, path: &Path, kind: &str) {
    let reason = match kind {
        "prometheus" if scrapes_the_collector(node) => {
            let reason = "it scrapes the collector's own metrics; tare sends its own (tare.*) to its outputs";
            return context.not_needed(path, reason);
        }
        "prometheus" => "tare scrapes no Prometheus targets: keep a collector for them",
        "otlp" => {
            "tare receives nothing from applications: keep a collector for them, or send to the backend"
        }
        "k8s_cluster" => {
            "metrics of the cluster's objects need one collector for the cluster, not one a node"
        }
        _ => "tare has no counterpart of this receiver: keep a collector for it",
    };
    context.left_out(path, reason);
}

/// Whether every target of a prometheus receiver is at the port where the collector shows its own metrics.
fn scrapes_the_collector(node: &Node) -> bool {
    use crate::config::tree::Kind;
    fn targets<'n>(node: &'n Node, found: &mut Vec<&'n str>) {
        match &node.kind {
            Kind::Scalar { text, .. } => found.push(text),
            Kind::List(items) => items.iter().for_each(|item| targets(item, found)),
            Kind::Map(_) => {}
        }
    }
    fn walk<'n>(node: &'n Node, found: &mut Vec<&'n str>) {
        match &node.kind {
            Kind::Map(entries) => entries.iter().for_each(|entry| match entry.key.as_str() {
                "targets" => targets(&entry.value, found),
                // Discovery finds targets that are not in the file.
                key if key.ends_with("_sd_configs") || key.ends_with("_sds") => found.push(key),
                _ => walk(&entry.value, found),
            }),
            Kind::List(items) => items.iter().for_each(|item| walk(item, found)),
            Kind::Scalar { .. } => {}
        }
    }
    let mut found = Vec::new();
    walk(node, &mut found);
    !found.is_empty() && found.iter().all(|target| target.ends_with(":8888"))
}

/// The processors, and what differs between pipelines that become one.
fn middle(context: &mut Context<'_>, pipelines: &[Pipeline]) {
    let all = united(pipelines, |pipeline| &pipeline.processors);
    let names = |list: &[(Path, String)]| -> Vec<String> {
        let mut names: Vec<_> = list.iter().map(|(_, id)| id.clone()).collect();
        names.retain(|id| !processors::is_mechanical(kind(id)));
        names.sort();
        names
    };
    if let Some((first, others)) = pipelines.split_first() {
        for other in others {
            if names(&other.processors) != names(&first.processors) {
                let reason = "tare has one pipeline: what these processors do holds for all of its metrics";
                context.left_out(&other.path.key("processors"), reason);
            }
            if names(&other.exporters) != names(&first.exporters) {
                let reason = "tare has one pipeline: every output gets all of the metrics";
                context.left_out(&other.path.key("exporters"), reason);
            }
        }
    }
    let enriched = all.iter().any(|(_, id)| is_attributes(id));
    let kubelet = pipelines.iter().flat_map(|pipeline| &pipeline.receivers).any(|(_, id)| is_kubelet(id));
    if kubelet && !enriched {
        let note = "Nothing beyond what kubeletstats says itself: there is no k8sattributes processor.";
        let entry = Made { note, ..Made::plain("enabled", Value::text("false")) };
        context.document.put(&["enrich"], entry);
    }
    for (path, id) in &all {
        match context.component("processors", id) {
            None => context.left_out(path, "this processor is not defined"),
            Some((node, place)) if is_attributes(id) => k8sattributes::translate(context, node, &place),
            Some((node, place)) => processors::translate(context, node, &place, kind(id)),
        }
    }
}

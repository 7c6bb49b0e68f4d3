//! The exporters otlp (gRPC) and otlphttp.

use super::context::Context;
use super::document::{Entry, Value};
use super::substitute::substitute;
use super::{Lookup, duration};
use crate::config::report::{Path, quote};
use crate::config::tree::{Entry as Given, Kind, Node};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// `otlp`, `otlp_grpc`.
    Grpc,
    /// `otlphttp`, `otlp_http`.
    Http,
}

/// The section `otlp` of the output that replaces the exporter `id`.
pub(super) fn translate<'a>(
    context: &mut Context<'a>,
    node: &'a Node,
    path: &Path,
    id: &str,
    protocol: Protocol,
) -> Entry {
    let mut keys = Vec::new();
    if protocol == Protocol::Grpc {
        keys.push(Entry::plain("protocol", Value::text("grpc")));
    }
    let given = context.keys(node, path);
    let own_address = given.iter().any(|entry| entry.key == "metrics_endpoint" && !entry.value.is_null());
    let scheme = protocol == Protocol::Http || given.iter().any(|entry| says_scheme(entry, context.lookup));
    for Given { key, value, .. } in given {
        let below = path.key(key);
        match key.as_str() {
            "endpoint" if own_address => {
                context.not_needed(&below, "metrics_endpoint is the address for metrics");
            }
            "endpoint" | "metrics_endpoint" => {
                let text = context.text(value, &below);
                let text = text.map(|text| text.trim_start_matches("dns:///").to_owned());
                keys.extend(text.map(|text| Entry::plain(key, Value::Scalar(text))));
            }
            "compression" => keys.extend(compression(context, value, &below)),
            "timeout" => keys.extend(span(context, value, &below, "timeout")),
            "headers" => keys.extend(headers(context, value, &below)),
            "tls" => keys.extend(tls(context, value, &below, scheme)),
            "retry_on_failure" => keys.extend(retry(context, value, &below)),
            "sending_queue" => keys.extend(queue(context, value, &below, id)),
            "encoding" => {
                if context.text(value, &below).is_some_and(|text| text != "proto") {
                    context.left_out(
                        &below,
                        "tare sends protobuf, which every OTLP receiver takes at the same address",
                    );
                }
            }
            "auth" => {
                context.left_out(
                    &below,
                    "authenticators have no counterpart; see outputs[].otlp.headers and headers_from_files",
                );
            }
            "proxy_url" => {
                context.left_out(&below, "set HTTPS_PROXY or HTTP_PROXY in the agent's environment");
            }
            _ if is_tuning(key) => {
                context.not_needed(&below, "tare keeps one connection, and looks after it itself");
            }
            _ => context.unknown(&below),
        }
    }
    Entry::plain("otlp", Value::Section(merged(keys)))
}

/// Whether this is an address that says itself whether there is TLS.
fn says_scheme(entry: &Given, lookup: Lookup<'_>) -> bool {
    let Kind::Scalar { text, .. } = &entry.value.kind else { return false };
    let text = substitute(text, lookup).unwrap_or_default();
    entry.key == "endpoint" && (text.starts_with("http://") || text.starts_with("https://"))
}

/// Keys of connections, and addresses for what tare does not send.
fn is_tuning(key: &str) -> bool {
    let tuning = [
        "traces_endpoint",
        "logs_endpoint",
        "profiles_endpoint",
        "keepalive",
        "read_buffer_size",
        "write_buffer_size",
        "wait_for_ready",
        "balancer_name",
        "user_agent",
        "authority",
        "max_idle_conns",
        "max_idle_conns_per_host",
        "max_conns_per_host",
        "idle_conn_timeout",
        "disable_keep_alives",
        "http2_read_idle_timeout",
        "http2_ping_timeout",
        "force_attempt_http2",
        "cookies",
        "compression_params",
        "batcher",
    ];
    tuning.contains(&key)
}

/// Sections of the same key as one: retry and queue both set the age at which data is given up.
fn merged(keys: Vec<Entry>) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    for entry in keys {
        let present =
            all.iter_mut().find(|present| present.key == entry.key).map(|present| &mut present.value);
        match (present, entry.value.clone()) {
            (Some(Value::Section(present)), Value::Section(more)) => present.extend(more),
            _ => all.push(entry),
        }
    }
    all
}

fn compression(context: &mut Context<'_>, node: &Node, path: &Path) -> Option<Entry> {
    let text = context.text(node, path)?;
    match text.as_str() {
        "gzip" => Some(Entry::plain("compression", Value::text("gzip"))),
        "none" | "" => Some(Entry::plain("compression", Value::text("none"))),
        other => {
            context.left_out(
                path,
                format!("tare compresses with gzip, which it does now, not with {}", quote(other)),
            );
            None
        }
    }
}

fn span(context: &mut Context<'_>, node: &Node, path: &Path, key: &str) -> Option<Entry> {
    let milliseconds = context.millis(node, path)?;
    Some(Entry::plain(key, Value::Scalar(duration::print(milliseconds))))
}

/// A mapping, or since 0.120 also a list of names and values.
fn headers<'a>(context: &mut Context<'a>, node: &'a Node, path: &Path) -> Option<Entry> {
    let mut headers = Vec::new();
    if let Kind::List(items) = &node.kind {
        for (index, item) in items.iter().enumerate() {
            let place = path.index(index);
            let part = |key: &str| item.find(&Path::root().key(key));
            let (Some(name), Some(value)) = (part("name"), part("value")) else {
                context.left_out(&place, "expected name and value");
                continue;
            };
            if let (Some(name), Some(value)) = (context.text(name, &place), context.text(value, &place)) {
                headers.push(Entry::plain(&name, Value::Scalar(value)));
            }
        }
    } else {
        for Given { key, value, .. } in context.keys(node, path) {
            let value = context.text(value, &path.key(key));
            headers.extend(value.map(|value| Entry::plain(key, Value::Scalar(value))));
        }
    }
    let note = "Values stand here in clear text: headers_from_files reads them from files instead.";
    (!headers.is_empty()).then(|| Entry { note, ..Entry::plain("headers", Value::Section(headers)) })
}

fn tls<'a>(context: &mut Context<'a>, node: &'a Node, path: &Path, scheme: bool) -> Option<Entry> {
    let mut keys = Vec::new();
    for Given { key, value, .. } in context.keys(node, path) {
        let below = path.key(key);
        match key.as_str() {
            "ca_file" | "cert_file" | "key_file" => {
                keys.extend(context.text(value, &below).map(|text| Entry::plain(key, Value::Scalar(text))));
            }
            "server_name_override" => keys.extend(
                context.text(value, &below).map(|text| Entry::plain("server_name", Value::Scalar(text))),
            ),
            "insecure" if !scheme => keys.extend(
                context.truth(value, &below).map(|on| Entry::plain("insecure", Value::text(on.to_string()))),
            ),
            "insecure" => context.not_needed(&below, "http:// or https:// in the address says it"),
            "insecure_skip_verify" => {
                if context.truth(value, &below) == Some(true) {
                    context.left_out(
                        &below,
                        "tare checks certificates, always; name the authority as tls.ca_file",
                    );
                }
            }
            "reload_interval" => context.not_needed(&below, "`tare run` reads certificates again on SIGHUP"),
            _ => context.unknown(&below),
        }
    }
    (!keys.is_empty()).then(|| Entry::plain("tls", Value::Section(keys)))
}

fn retry<'a>(context: &mut Context<'a>, node: &'a Node, path: &Path) -> Vec<Entry> {
    let (mut retry, mut queue) = (Vec::new(), Vec::new());
    for Given { key, value, .. } in context.keys(node, path) {
        let below = path.key(key);
        match key.as_str() {
            "enabled" => {
                if context.truth(value, &below) == Some(false) {
                    context.left_out(
                        &below,
                        "tare always sends again what failed for a passing reason, as OTLP asks",
                    );
                }
            }
            "initial_interval" | "max_interval" => retry.extend(span(context, value, &below, key)),
            "max_elapsed_time" => {
                // Zero means for ever; tare's longest is a day.
                let milliseconds =
                    context.millis(value, &below).map(|span| if span == 0 { 86_400_000 } else { span });
                queue.extend(
                    milliseconds
                        .map(|span| Entry::from("max_age", &below, Value::Scalar(duration::print(span)))),
                );
            }
            "multiplier" | "randomization_factor" => {
                context.not_needed(&below, "each wait is twice the one before, with jitter");
            }
            _ => context.unknown(&below),
        }
    }
    let section = |key, keys: Vec<Entry>| (!keys.is_empty()).then(|| Entry::plain(key, Value::Section(keys)));
    section("retry", retry).into_iter().chain(section("queue", queue)).collect()
}

fn queue<'a>(context: &mut Context<'a>, node: &'a Node, path: &Path, id: &str) -> Vec<Entry> {
    let mut keys = Vec::new();
    for Given { key, value, .. } in context.keys(node, path) {
        let below = path.key(key);
        match key.as_str() {
            "enabled" => {
                if context.truth(value, &below) == Some(false) {
                    context.left_out(&below, "tare always has a queue: sending never delays collecting");
                }
            }
            "storage" => keys.extend(storage(context, value, &below, id)),
            "queue_size" | "sizer" => {
                context.not_needed(&below, "the queue is bounded by bytes (queue.max_bytes, 4 MiB)");
            }
            "num_consumers" | "block_on_overflow" | "wait_for_result" | "batch" => {
                context.not_needed(
                    &below,
                    "one connection takes the queue in order, the oldest goes first when it is full",
                );
            }
            _ => context.unknown(&below),
        }
    }
    keys
}

/// A queue on disk: a folder of tare's own below the one of the extension file_storage.
fn storage(context: &mut Context<'_>, node: &Node, path: &Path, id: &str) -> Option<Entry> {
    let extension = context.text(node, path)?;
    let found = context.component("extensions", &extension);
    let Some((settings, place)) = found.filter(|_| extension.starts_with("file_storage")) else {
        context.left_out(path, "tare's queue on disk (disk_log) has a folder; only file_storage names one");
        return None;
    };
    let folder = match settings.find(&Path::root().key("directory")) {
        Some(node) => context.text(node, &place.key("directory"))?,
        None => "/var/lib/otelcol/file_storage".to_owned(),
    };
    let folder = format!("{}/tare-{}", folder.trim_end_matches('/'), id.replace('/', "-"));
    let keys = vec![Entry::from("directory", path, Value::Scalar(folder))];
    Some(Entry::plain("disk_log", Value::Section(keys)))
}

//! The receiver hostmetrics: its scrapers' keys are tare's own, so most of it is copied.
//!
//! Several instances become one section: each scraper keeps its interval.

use super::context::Context;
use super::document::{Entry, Value};
use super::duration;
use crate::config::report::Path;
use crate::config::tree::{Entry as Given, Node};

/// What the receiver takes when the file names no interval, milliseconds.
const DEFAULT_INTERVAL: u64 = 60_000;

/// Translates one instance.
pub(super) fn translate<'a>(context: &mut Context<'a>, node: &'a Node, path: &Path) {
    let mut interval = (path.clone(), DEFAULT_INTERVAL);
    let mut scrapers = None;
    for Given { key, value, .. } in context.keys(node, path) {
        let below = path.key(key);
        match key.as_str() {
            "collection_interval" => {
                if let Some(milliseconds) = context.millis(value, &below) {
                    interval = (below, milliseconds);
                }
            }
            "root_path" => match context.text(value, &below) {
                Some(root) if !root.is_empty() => context.put(&["host"], "root", &below, Value::text(root)),
                _ => {}
            },
            "scrapers" => scrapers = Some(value),
            "initial_delay" => {
                context.not_needed(&below, "tare reads on the grid of its interval from the start");
            }
            "timeout" => {
                context
                    .not_needed(&below, "what can hang (a filesystem) has host.scrapers.filesystem.timeout");
            }
            "metadata_collection_interval" => {
                context.left_out(&below, "entity events are logs, and tare reports metrics only");
            }
            _ => context.unknown(&below),
        }
    }
    let (origin, milliseconds) = interval;
    let text = duration::print(milliseconds);
    let common = match context.document.get(&["host", "interval"]) {
        None => {
            context.put(&["host"], "interval", &origin, Value::text(&text));
            true
        }
        Some(present) => *present == Value::text(&text),
    };
    if let Some(value) = scrapers {
        let below = path.key("scrapers");
        for Given { key, value, .. } in context.keys(value, &below) {
            scraper(context, key, value, &below.key(key), (!common).then_some((&origin, &text)));
        }
    }
}

/// One scraper; `interval` where it is not the common one.
fn scraper<'a>(
    context: &mut Context<'a>,
    name: &str,
    node: &'a Node,
    path: &Path,
    interval: Option<(&Path, &String)>,
) {
    let mut keys: Vec<_> = interval
        .into_iter()
        .map(|(origin, text)| Entry::from("interval", origin, Value::text(text)))
        .collect();
    for Given { key, value, .. } in context.keys(node, path) {
        let below = path.key(key);
        if key == "metrics" {
            metrics(context, value, &below);
        } else if let Some(value) = context.copy(value, &below) {
            keys.push(Entry::plain(key, value));
        }
    }
    let value = if keys.is_empty() { Value::Empty } else { Value::Section(keys) };
    context.put(&["host", "scrapers"], name, path, value);
}

/// Switches of metrics, which tare has in one place for all sources.
pub(super) fn metrics<'a>(context: &mut Context<'a>, node: &'a Node, path: &Path) {
    for Given { key: name, value, .. } in context.keys(node, path) {
        let below = path.key(name);
        for Given { key, value, .. } in context.keys(value, &below) {
            let below = below.key(key);
            if key != "enabled" {
                context.unknown(&below);
            } else if let Some(on) = context.truth(value, &below) {
                context.put(&["metrics", name], "enabled", &below, Value::text(on.to_string()));
            }
        }
    }
}

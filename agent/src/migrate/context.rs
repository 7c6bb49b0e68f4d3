//! What every translator works with: the input, the way to look up variables, and the three places where things end.

use super::document::{Document, Entry, Value};
use super::{Leftover, Lookup, duration, substitute};
use crate::config::report::{Path, Segment};
use crate::config::tree::{Entry as Given, Kind, Node};

/// The state of one translation.
pub(super) struct Context<'a> {
    /// The input.
    pub(super) root: &'a Node,
    /// Environment variables.
    pub(super) lookup: Lookup<'a>,
    /// The output so far.
    pub(super) document: Document,
    /// What has no counterpart so far.
    pub(super) left_out: Vec<Leftover>,
    /// What tare does by itself.
    pub(super) not_needed: Vec<Leftover>,
}

impl<'a> Context<'a> {
    /// Nothing translated yet.
    pub(super) fn new(root: &'a Node, lookup: Lookup<'a>) -> Self {
        Self { root, lookup, document: Document::default(), left_out: Vec::new(), not_needed: Vec::new() }
    }

    /// `path` has no counterpart.
    pub(super) fn left_out(&mut self, path: &Path, reason: impl Into<String>) {
        let at = self.root.locate(path);
        self.left_out.push(Leftover { at, path: path.clone(), reason: reason.into() });
    }

    /// Tare does what `path` asks for by itself.
    pub(super) fn not_needed(&mut self, path: &Path, reason: impl Into<String>) {
        let at = self.root.locate(path);
        self.not_needed.push(Leftover { at, path: path.clone(), reason: reason.into() });
    }

    /// A key that no translator knows.
    pub(super) fn unknown(&mut self, path: &Path) {
        self.left_out(path, "tare has no counterpart of this key");
    }

    /// The keys of the section `node`; what is no section is reported.
    pub(super) fn keys(&mut self, node: &'a Node, path: &Path) -> &'a [Given] {
        match &node.kind {
            Kind::Map(entries) => entries,
            _ if node.is_null() => &[],
            _ => {
                self.left_out(
                    path,
                    format!("expected a section with keys of its own, found {}", node.found()),
                );
                &[]
            }
        }
    }

    /// The items of the list `node`; one piece of text counts as a list of one, as in the collector.
    pub(super) fn items(&mut self, node: &'a Node, path: &Path) -> Vec<(Path, &'a Node)> {
        match &node.kind {
            Kind::List(items) => {
                items.iter().enumerate().map(|(index, item)| (path.index(index), item)).collect()
            }
            Kind::Scalar { .. } if !node.is_null() => vec![(path.clone(), node)],
            Kind::Scalar { .. } => Vec::new(),
            Kind::Map(_) => {
                self.left_out(path, "expected a list, found a section");
                Vec::new()
            }
        }
    }

    /// The text of `node` with its references followed; what is no text or cannot be followed is reported.
    pub(super) fn text(&mut self, node: &Node, path: &Path) -> Option<String> {
        let Kind::Scalar { text, .. } = &node.kind else {
            self.left_out(path, format!("expected one value, found {}", node.found()));
            return None;
        };
        match substitute::substitute(text, self.lookup) {
            Ok(text) => Some(text),
            Err(reason) => {
                self.left_out(path, reason);
                None
            }
        }
    }

    /// The texts of the list `node`.
    pub(super) fn texts(&mut self, node: &'a Node, path: &Path) -> Vec<(Path, String)> {
        let items = self.items(node, path);
        items.into_iter().filter_map(|(path, item)| Some((path.clone(), self.text(item, &path)?))).collect()
    }

    /// Whether `node` says true; what is no truth value is reported.
    pub(super) fn truth(&mut self, node: &Node, path: &Path) -> Option<bool> {
        let text = self.text(node, path)?;
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => {
                self.left_out(path, "expected true or false");
                None
            }
        }
    }

    /// Milliseconds of the duration `node`.
    pub(super) fn millis(&mut self, node: &Node, path: &Path) -> Option<u64> {
        let text = self.text(node, path)?;
        match duration::millis(&text) {
            Ok(milliseconds) => Some(milliseconds),
            Err(reason) => {
                self.left_out(path, reason);
                None
            }
        }
    }

    /// `node` as it stands, references followed. What cannot be followed is reported and missing.
    pub(super) fn copy(&mut self, node: &'a Node, path: &Path) -> Option<Value> {
        if node.is_null() {
            return Some(Value::Empty);
        }
        match &node.kind {
            Kind::Scalar { .. } => self.text(node, path).map(Value::Scalar),
            Kind::List(items) => {
                let items = items.iter().enumerate();
                let copied = items.filter_map(|(index, item)| self.copy(item, &path.index(index)));
                Some(Value::List(copied.collect()))
            }
            Kind::Map(entries) => {
                let copied = entries.iter().filter_map(|entry| {
                    Some(Entry::plain(&entry.key, self.copy(&entry.value, &path.key(&entry.key))?))
                });
                Some(Value::Section(copied.collect()))
            }
        }
    }

    /// Puts a translated key into the section `section` of the output. What contradicts an earlier one is left out.
    pub(super) fn put(&mut self, section: &[&str], key: &str, origin: &Path, value: Value) {
        self.put_with(section, key, origin, "", value);
    }

    /// The same with a remark for the reader.
    pub(super) fn put_with(
        &mut self,
        section: &[&str],
        key: &str,
        origin: &Path,
        note: &'static str,
        value: Value,
    ) {
        let entry = Entry { note, ..Entry::from(key, origin, value) };
        if !self.document.put(section, entry) {
            let at = section.iter().chain([&key]).copied().collect::<Vec<_>>().join(".");
            self.left_out(origin, format!("another component sets {at} to another value, and tare has one"));
        }
    }

    /// The component `id` of the root `root`, such as `receivers` and `hostmetrics/disk`, and its place.
    pub(super) fn component(&self, root: &str, id: &str) -> Option<(&'a Node, Path)> {
        let path = Path::root().key(root).key(id);
        Some((self.root.find(&path)?, path))
    }
}

/// The type of a component: what stands before the slash of its name.
pub(super) fn kind(id: &str) -> &str {
    id.split('/').next().unwrap_or(id).trim()
}

/// The last key of a path.
pub(super) fn last_key(path: &Path) -> &str {
    match path.segments().last() {
        Some(Segment::Key(key)) => key,
        _ => "",
    }
}

//! The configuration that is being made: keys with their values, each with the place of the input it came from.

use std::fmt::Write as _;

use crate::config::print::inline;
use crate::config::report::{Path, Segment};
use crate::config::schema::Yaml;

/// One key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Where in the input it came from; none for a section that was only made to hold others.
    pub(super) origin: Option<Path>,
    /// What a person should know besides.
    pub(super) note: &'static str,
    /// Its value.
    pub(super) value: Value,
}

/// A value of the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing behind the key: a section with nothing set.
    Empty,
    /// One piece of text.
    Scalar(String),
    /// A sequence.
    List(Vec<Value>),
    /// Keys.
    Section(Vec<Entry>),
}

impl Value {
    /// `text`.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Scalar(text.into())
    }
}

impl Entry {
    /// A key that needs no comment, because what is around it has one.
    pub(super) fn plain(key: &str, value: Value) -> Self {
        Self { key: key.to_owned(), origin: None, note: "", value }
    }

    /// A key that came from `origin`.
    pub(super) fn from(key: &str, origin: &Path, value: Value) -> Self {
        Self { key: key.to_owned(), origin: Some(origin.clone()), note: "", value }
    }
}

/// The whole.
#[derive(Debug, Clone, Default)]
pub(super) struct Document(Vec<Entry>);

/// A line of a list or of a nested value is as long as this at most.
const WIDTH: usize = 100;

impl Document {
    /// Puts `entry` into the section at `path`, which is made if need be. False when the key is there already with
    /// another value: then nothing changes.
    pub(super) fn put(&mut self, path: &[&str], entry: Entry) -> bool {
        let mut entries = &mut self.0;
        for key in path {
            let index = entries.iter().position(|entry| entry.key == *key).unwrap_or(entries.len());
            if index == entries.len() {
                entries.push(Entry::plain(key, Value::Section(Vec::new())));
            }
            let Some(found) = entries.get_mut(index) else { return false };
            if found.value == Value::Empty {
                found.value = Value::Section(Vec::new());
            }
            let Value::Section(below) = &mut found.value else { return false };
            entries = below;
        }
        if let Some(present) = entries.iter().find(|present| present.key == entry.key) {
            return same(&present.value, &entry.value);
        }
        entries.push(entry);
        true
    }

    /// Puts `value` at the top under `key`, in place of what was there.
    pub(super) fn set(&mut self, key: &str, value: Value) {
        self.0.retain(|entry| entry.key != key);
        self.0.push(Entry::plain(key, value));
    }

    /// The value at `path`.
    pub(super) fn get(&self, path: &[&str]) -> Option<&Value> {
        let (last, sections) = path.split_last()?;
        let mut entries = &self.0;
        for key in sections {
            let Value::Section(below) = &entries.iter().find(|entry| entry.key == *key)?.value else {
                return None;
            };
            entries = below;
        }
        entries.iter().find(|entry| entry.key == *last).map(|entry| &entry.value)
    }

    /// Takes out the value at `path`, or the nearest thing around it that is there, and gives where it or what was in it
    /// came from: nowhere for what was only added to the input. `None` when there is nothing on the way at all.
    pub(super) fn remove(&mut self, path: &Path) -> Option<Vec<Path>> {
        remove(&mut self.0, path.segments(), None)
    }

    /// The text, under `heading` as a comment.
    pub(super) fn print(&self, heading: &str) -> String {
        let mut text = String::new();
        for line in heading.lines() {
            let _ = writeln!(text, "{}", format!("# {line}").trim_end());
        }
        if !heading.is_empty() {
            text.push('\n');
        }
        entries(&self.0, 0, &mut text);
        text
    }
}

/// Whether two values say the same, wherever they came from.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Section(left), Value::Section(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(one, other)| one.key == other.key && same(&one.value, &other.value))
        }
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(one, other)| same(one, other))
        }
        (left, right) => left == right,
    }
}

fn remove(entries: &mut Vec<Entry>, path: &[Segment], around: Option<&Path>) -> Option<Vec<Path>> {
    let (Segment::Key(key), rest) = path.split_first()? else { return None };
    let index = entries.iter().position(|entry| entry.key == *key)?;
    let entry = entries.get_mut(index)?;
    // What is inside something that was copied has the same place below it.
    let origin = entry.origin.clone().or_else(|| around.map(|around| around.key(key)));
    if let Some(found) = remove_below(&mut entry.value, rest, origin.as_ref()) {
        if entry.origin.is_none() && entry.value == Value::Section(Vec::new()) {
            entries.remove(index);
        }
        return Some(found);
    }
    let found = origins(entry, around);
    entries.remove(index);
    Some(found)
}

fn remove_below(value: &mut Value, path: &[Segment], origin: Option<&Path>) -> Option<Vec<Path>> {
    match (value, path.split_first()?) {
        (Value::Section(below), _) => remove(below, path, origin),
        (Value::List(items), (Segment::Index(index), rest)) => {
            let item = items.get_mut(*index)?;
            let place = origin.map(|origin| origin.index(*index));
            if let Some(found) = remove_below(item, rest, place.as_ref()) {
                return Some(found);
            }
            let found = match (place, &*item) {
                (None, Value::Section(keys)) => keys.iter().flat_map(|key| origins(key, None)).collect(),
                (place, _) => place.into_iter().collect(),
            };
            items.remove(*index);
            Some(found)
        }
        _ => None,
    }
}

/// Where `entry` came from; if that is not said of itself, where the parts of it came from.
fn origins(entry: &Entry, around: Option<&Path>) -> Vec<Path> {
    match (&entry.origin, around, &entry.value) {
        (Some(origin), _, _) => vec![origin.clone()],
        (None, Some(around), _) => vec![around.key(&entry.key)],
        (None, None, Value::Section(below)) => below.iter().flat_map(|entry| origins(entry, None)).collect(),
        (None, None, _) => Vec::new(),
    }
}

fn entries(list: &[Entry], indent: usize, text: &mut String) {
    let margin = " ".repeat(indent);
    for (index, Entry { key, origin, note, value }) in list.iter().enumerate() {
        if indent == 0 && index > 0 {
            text.push('\n');
        }
        let origin = origin.as_ref().map(|path| format!("from {}", super::one_line(&path.to_string())));
        for comment in origin.iter().map(String::as_str).chain((!note.is_empty()).then_some(*note)) {
            let _ = writeln!(text, "{margin}# {comment}");
        }
        let key = inline(&Yaml::Scalar(key.clone()));
        match value {
            Value::Empty => {
                let _ = writeln!(text, "{margin}{key}:");
            }
            Value::Section(below) => {
                let _ = writeln!(text, "{margin}{key}:");
                entries(below, indent + 2, text);
            }
            Value::Scalar(_) | Value::List(_) => {
                let line = short(value).filter(|line| indent + key.len() + line.len() <= WIDTH);
                match (line, value) {
                    (None, Value::List(list)) => {
                        let _ = writeln!(text, "{margin}{key}:");
                        items(list, indent + 2, text);
                    }
                    (line, _) => {
                        let line = line.or_else(|| short(value)).unwrap_or_default();
                        let _ = writeln!(text, "{margin}{key}: {line}");
                    }
                }
            }
        }
    }
}

/// The value on one line, where that can be.
fn short(value: &Value) -> Option<String> {
    match value {
        Value::Scalar(text) => Some(inline(&Yaml::Scalar(text.clone()))),
        Value::List(list) => {
            let items: Option<Vec<_>> = list
                .iter()
                .map(|item| match item {
                    Value::Scalar(_) => short(item),
                    _ => None,
                })
                .collect();
            Some(format!("[{}]", items?.join(", ")))
        }
        Value::Empty | Value::Section(_) => None,
    }
}

fn items(list: &[Value], indent: usize, text: &mut String) {
    let margin = " ".repeat(indent);
    for item in list {
        let mut below = String::new();
        match item {
            Value::Section(keys) => entries(keys, indent + 2, &mut below),
            Value::List(_) | Value::Scalar(_) => {
                let _ = writeln!(below, "{margin}  {}", short(item).unwrap_or_default());
            }
            Value::Empty => {
                let _ = writeln!(below, "{margin}  {{}}");
            }
        }
        // Comments stay in front of the dash.
        let mut dash = true;
        for line in below.lines() {
            let content = line.trim_start();
            if dash && content.starts_with('#') {
                let _ = writeln!(text, "{margin}{content}");
            } else if dash {
                let _ = writeln!(text, "{margin}- {content}");
                dash = false;
            } else {
                let _ = writeln!(text, "{line}");
            }
        }
    }
}

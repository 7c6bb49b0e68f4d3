//! A YAML file as a tree in which every key and value knows its line and column.
//!
//! The parser's events are bounded here: bytes, values and nesting. Anchors, aliases, tags and further documents
//! are refused, so the tree is never larger than the file. Whatever can be told apart from broken syntax is
//! reported and the tree goes on behind it, so that one run names all the errors.

use std::collections::{HashMap, hash_map};

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::report::{Path, Position, Report, Segment, quote};

/// The largest configuration file, in bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// The most keys and values of one file.
pub const MAX_VALUES: usize = 50_000;
/// The deepest nesting of lists and sections.
pub const MAX_DEPTH: usize = 32;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The first character of the value; for a value that is left out, that of its key.
    pub at: Position,
    /// What it is.
    pub kind: Kind,
}

/// The three kinds of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Text, numbers and truth values alike: the schema knows which is meant.
    Scalar {
        /// The text after YAML's own escapes.
        text: String,
        /// Whether it stands without quotes.
        plain: bool,
    },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order of the file.
    Map(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key's text.
    pub key: String,
    /// Where the key stands.
    pub at: Position,
    /// Its value.
    pub value: Node,
}

impl Node {
    /// Whether the value is left out, `~` or `null`.
    pub fn is_null(&self) -> bool {
        match &self.kind {
            Kind::Scalar { text, plain } => {
                *plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            Kind::List(_) | Kind::Map(_) => false,
        }
    }

    /// What the value is, for a message that expected something else.
    pub fn found(&self) -> String {
        match &self.kind {
            Kind::Scalar { .. } if self.is_null() => "nothing".to_owned(),
            Kind::Scalar { text, .. } => quote(text),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a section".to_owned(),
        }
    }

    /// The value at `path`.
    pub fn find(&self, path: &Path) -> Option<&Self> {
        path.segments().iter().try_fold(self, |node, segment| node.child(segment))
    }

    /// Where the value at `path` stands, or the nearest thing around it that the file has.
    pub fn locate(&self, path: &Path) -> Position {
        let mut node = self;
        for segment in path.segments() {
            let Some(child) = node.child(segment) else { break };
            node = child;
        }
        node.at
    }

    fn child(&self, segment: &Segment) -> Option<&Self> {
        match (segment, &self.kind) {
            (Segment::Key(key), Kind::Map(entries)) => {
                entries.iter().find(|entry| entry.key == *key).map(|entry| &entry.value)
            }
            (Segment::Index(index), Kind::List(items)) => items.get(*index),
            _ => None,
        }
    }
}

/// Reads `text`. An empty file is an empty section; `None` when nothing of the tree could be made, and then
/// `report` says why.
pub fn parse(text: &[u8], report: &mut Report) -> Option<Node> {
    read(text, false, report)
}

/// The same for a file that was written for another program, where `!!str` before a value is nothing to refuse.
pub fn parse_foreign(text: &[u8], report: &mut Report) -> Option<Node> {
    read(text, true, report)
}

fn read(text: &[u8], foreign: bool, report: &mut Report) -> Option<Node> {
    if text.len() > MAX_BYTES {
        let message = format!("the file is larger than {MAX_BYTES} bytes");
        report.push(Position::START, &Path::root(), message);
        return None;
    }
    let text = match std::str::from_utf8(text) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => {
            let valid = text.get(..error.valid_up_to()).unwrap_or_default();
            report.push(Position::after(valid), &Path::root(), "the file is no UTF-8 text");
            return None;
        }
    };
    match Builder::new(foreign, report).run(text) {
        Ok(root) => Some(root),
        Err((at, message)) => {
            report.push(at, &Path::root(), message);
            None
        }
    }
}

type Fatal = (Position, String);

/// A list or mapping that is not complete yet.
enum Open {
    List { at: Position, items: Vec<Node> },
    Map { at: Position, entries: Vec<Entry>, key: Option<Key>, lines: HashMap<String, usize> },
}

/// A key whose value has not come yet; `text` is `None` for a key that is no text.
struct Key {
    text: Option<String>,
    at: Position,
}

struct Builder<'r> {
    report: &'r mut Report,
    foreign: bool,
    open: Vec<Open>,
    values: usize,
    documents: usize,
    root: Option<Node>,
}

impl<'r> Builder<'r> {
    fn new(foreign: bool, report: &'r mut Report) -> Self {
        Self { report, foreign, open: Vec::new(), values: 0, documents: 0, root: None }
    }

    fn run(mut self, text: &str) -> Result<Node, Fatal> {
        let options = granit_parser::options! {
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
            disallow_directives: true,
            emit_unresolved_aliases: true,
        };
        let parser: Parser<'_, StrInput<'_>> = Parser::new_from_str_with_options(text, options);
        for event in parser {
            let (event, span) = event.map_err(|error| syntax(&error))?;
            self.event(event, span)?;
        }
        let root = self.root.unwrap_or(Node { at: Position::START, kind: Kind::Map(Vec::new()) });
        if root.is_null() { Ok(Node { at: root.at, kind: Kind::Map(Vec::new()) }) } else { Ok(root) }
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Fatal> {
        let at = position(&span.start);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err((at, "a second document; a configuration is one".to_owned()));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let text_tag =
                    tag.as_ref().is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix() == "str");
                self.refuse_extras(at, anchor != 0, tag.is_some() && !(self.foreign && text_tag));
                let plain = style == ScalarStyle::Plain && !text_tag;
                self.value(Node { at, kind: Kind::Scalar { text: text.into_owned(), plain } })?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_extras(at, anchor != 0, tag.is_some());
                self.push(at, Open::List { at, items: Vec::new() })?;
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_extras(at, anchor != 0, tag.is_some());
                self.push(at, Open::Map { at, entries: Vec::new(), key: None, lines: HashMap::new() })?;
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List { at, items }) => self.value(Node { at, kind: Kind::List(items) })?,
                Some(Open::Map { at, entries, .. }) => self.value(Node { at, kind: Kind::Map(entries) })?,
                None => {}
            },
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.refuse_extras(at, true, false);
                match self.open.last_mut() {
                    // Nothing more to say of this key; in a list the place is kept for the items behind it.
                    Some(Open::Map { key: key @ Some(_), .. }) => *key = None,
                    Some(Open::Map { key: key @ None, .. }) => *key = Some(Key { text: None, at }),
                    _ => self.value(Node { at, kind: Kind::Scalar { text: String::new(), plain: true } })?,
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn push(&mut self, at: Position, open: Open) -> Result<(), Fatal> {
        if self.open.len() >= MAX_DEPTH {
            return Err((at, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.open.push(open);
        Ok(())
    }

    fn value(&mut self, node: Node) -> Result<(), Fatal> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err((node.at, format!("more than {MAX_VALUES} keys and values")));
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, .. }) => match key.take() {
                None => self.key(node),
                Some(Key { text: None, .. }) => {}
                Some(Key { text: Some(key), at }) => {
                    let value = if node.is_null() { Node { at, ..node } } else { node };
                    entries.push(Entry { key, at, value });
                }
            },
        }
        Ok(())
    }

    /// Keeps `node` as the key of the value that follows. A key that cannot be used is reported, and its value is
    /// left out.
    fn key(&mut self, node: Node) {
        let path = self.path();
        let Some(Open::Map { key, lines, .. }) = self.open.last_mut() else { return };
        let at = node.at;
        let text = match node.kind {
            Kind::Scalar { text, .. } if text == "<<" => {
                self.report.push(at, &path, "merge keys are not supported; write the keys out");
                None
            }
            Kind::Scalar { text, .. } => match lines.entry(text) {
                hash_map::Entry::Vacant(entry) => {
                    let text = entry.key().clone();
                    entry.insert(at.line);
                    Some(text)
                }
                hash_map::Entry::Occupied(entry) => {
                    let message = format!("given twice; the first is in line {}", entry.get());
                    self.report.push(at, &path.key(entry.key()), message);
                    None
                }
            },
            Kind::List(_) | Kind::Map(_) => {
                self.report.push(at, &path, "a key must be text");
                None
            }
        };
        *key = Some(Key { text, at });
    }

    fn refuse_extras(&mut self, at: Position, anchor: bool, tag: bool) {
        let path = self.path();
        if anchor {
            self.report.push(at, &path, "anchors and aliases are not supported; write the value out");
        }
        if tag {
            self.report.push(at, &path, "tags are not supported; write the value without one");
        }
    }

    fn path(&self) -> Path {
        let mut path = Path::root();
        for open in &self.open {
            path = match open {
                Open::List { items, .. } => path.index(items.len()),
                Open::Map { key: Some(Key { text: Some(text), .. }), .. } => path.key(text),
                Open::Map { .. } => path,
            };
        }
        path
    }
}

fn position(marker: &Marker) -> Position {
    Position { line: marker.line(), column: marker.col() + 1 }
}

fn syntax(error: &ScanError) -> Fatal {
    (position(error.marker()), format!("no valid YAML: {}", error.info()))
}

#[cfg(test)]
mod tests;

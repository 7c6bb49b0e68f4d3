//! One declaration per section of the file: its keys, their types, defaults and documentation.
//!
//! [`section!`] makes a plain struct from it together with everything that would otherwise drift apart: the
//! reader that knows the valid keys, the defaults, the writer behind `print-config` and the tables of
//! `docs/configuration.md`. A reader never stops at an error: it reports and goes on with the default.

use super::report::{Path, Position, Report, nearest, quote};
use super::tree::{Kind, Node};

mod fields;

pub use fields::Setting;

/// A value of the file.
pub trait Field: Sized {
    /// Reads `node`; `None` when it cannot be used, and then `report` says why.
    fn read(node: &Node, path: &Path, report: &mut Report) -> Option<Self>;

    /// What `print-config` writes; `None` leaves the key out.
    fn write(&self) -> Option<Yaml>;

    /// What the documentation says of it.
    fn shape() -> Shape;
}

/// A value that is one piece of text.
pub trait Scalar: Sized {
    /// Whether the text is written without quotes although it looks like a number: because it is one.
    const NUMBER: bool = false;

    /// Reads the text. The error completes the sentence "`<path>`: ...".
    ///
    /// # Errors
    /// What is wrong and what would be right, without the value where it may be a secret.
    fn parse(text: &str) -> Result<Self, String>;

    /// The text that [`Scalar::parse`] reads as the same value.
    fn print(&self) -> String;

    /// What to write, for people: "a duration from 1s to 1h".
    fn kind() -> String;

    /// What was probably meant by `text`, which is a key and could not be read. Made only for messages that are
    /// shown, because finding it out may take long.
    fn hint(_text: &str) -> String {
        String::new()
    }
}

/// A group of keys. Implemented by [`section!`].
pub trait Section: Default {
    /// What the section is for, a line each.
    const ABOUT: &'static [&'static str];

    /// Its keys in the order of the documentation.
    fn keys() -> Vec<Key>;

    /// Reads the value of `key`; false when there is no such key.
    fn read_key(&mut self, key: &str, node: &Node, path: &Path, report: &mut Report) -> bool;

    /// Its keys and values for `print-config`.
    fn write_keys(&self) -> Vec<(String, Yaml)>;
}

/// What the documentation says of a key.
#[derive(Debug, Clone)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// Its documentation, a line each.
    pub about: &'static [&'static str],
    /// What the key has when the file says nothing; `None` for nothing at all.
    pub default: Option<Yaml>,
    /// Its value.
    pub shape: Shape,
}

/// What the documentation says of a value.
#[derive(Debug, Clone)]
pub enum Shape {
    /// One piece of text of this kind.
    Scalar(String),
    /// A list of such values.
    List(Box<Shape>),
    /// Keys of this kind, which the user chooses, with such values.
    Map(String, Box<Shape>),
    /// Keys of our own.
    Section(&'static [&'static str], Vec<Key>),
}

/// What `print-config` writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Yaml {
    /// One piece of text, quoted where it must be.
    Scalar(String),
    /// A number, as it stands.
    Number(String),
    /// A sequence.
    List(Vec<Yaml>),
    /// A mapping.
    Map(Vec<(String, Yaml)>),
}

/// Declares a section: see the module's documentation.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        pub struct $name:ident {
            $( $(#[doc = $doc:literal])+ $key:ident: $type:ty $(= $default:expr)?, )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name { $( $(#[doc = $doc])+ pub $key: $type, )+ }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $key: $crate::config::schema::section!(@default $($default)?), )+ }
            }
        }

        impl $crate::config::schema::Section for $name {
            const ABOUT: &'static [&'static str] = &[$($about),+];

            fn keys() -> Vec<$crate::config::schema::Key> {
                let default = Self::default();
                vec![$( $crate::config::schema::Key {
                    name: stringify!($key),
                    about: &[$($doc),+],
                    default: $crate::config::schema::Field::write(&default.$key),
                    shape: <$type as $crate::config::schema::Field>::shape(),
                }, )+]
            }

            fn read_key(
                &mut self,
                key: &str,
                node: &$crate::config::tree::Node,
                path: &$crate::config::report::Path,
                report: &mut $crate::config::report::Report,
            ) -> bool {
                match key {
                    $( stringify!($key) => {
                        if let Some(value) = $crate::config::schema::Field::read(node, path, report) {
                            self.$key = value;
                        }
                    } )+
                    _ => return false,
                }
                true
            }

            fn write_keys(&self) -> Vec<(String, $crate::config::schema::Yaml)> {
                let mut keys = Vec::new();
                $( if let Some(value) = $crate::config::schema::Field::write(&self.$key) {
                    keys.push((stringify!($key).to_owned(), value));
                } )+
                keys
            }
        }

        impl $crate::config::schema::Field for $name {
            fn read(
                node: &$crate::config::tree::Node,
                path: &$crate::config::report::Path,
                report: &mut $crate::config::report::Report,
            ) -> Option<Self> {
                $crate::config::schema::read_section(node, path, report)
            }

            fn write(&self) -> Option<$crate::config::schema::Yaml> {
                let keys = $crate::config::schema::Section::write_keys(self);
                Some($crate::config::schema::Yaml::Map(keys))
            }

            fn shape() -> $crate::config::schema::Shape {
                $crate::config::schema::Shape::Section(
                    <Self as $crate::config::schema::Section>::ABOUT,
                    <Self as $crate::config::schema::Section>::keys(),
                )
            }
        }
    };
    (@default) => { Default::default() };
    (@default $default:expr) => { $default };
}
pub(crate) use section;

/// Reads a section; a key without a value below it (`cpu:`) is a section with nothing set.
pub(crate) fn read_section<S: Section>(node: &Node, path: &Path, report: &mut Report) -> Option<S> {
    let mut section = S::default();
    match &node.kind {
        Kind::Map(entries) => {
            for entry in entries {
                let below = path.key(&entry.key);
                if !section.read_key(&entry.key, &entry.value, &below, report) {
                    unknown_key::<S>(&entry.key, entry.at, &below, report);
                }
            }
        }
        _ if node.is_null() => {}
        _ => {
            report.push(
                node.at,
                path,
                format!("expected a section with keys of its own, found {}", node.found()),
            );
            return None;
        }
    }
    Some(section)
}

fn unknown_key<S: Section>(key: &str, at: Position, path: &Path, report: &mut Report) {
    const FEW: usize = 15;
    if report.is_full() {
        report.push(at, path, String::new());
        return;
    }
    let names: Vec<_> = S::keys().iter().map(|key| key.name).collect();
    let hint = if let Some(near) = nearest(key, names.iter().copied()) {
        format!("did you mean {}?", quote(near))
    } else if let Some(place) = home_of(key) {
        format!("it is a key of {place}")
    } else if names.len() <= FEW {
        format!("the keys here are {}", names.join(", "))
    } else {
        "see docs/configuration.md".to_owned()
    };
    report.push(at, path, format!("unknown key; {hint}"));
}

/// Where the schema has a key of this name: the place nearest to the top.
fn home_of(name: &str) -> Option<String> {
    let mut level = vec![(String::new(), super::file::Config::shape())];
    while !level.is_empty() {
        let mut below = Vec::new();
        for (path, shape) in level {
            match shape {
                Shape::Scalar(_) => {}
                Shape::List(item) => below.push((format!("{path}[]"), *item)),
                Shape::Map(_, value) => below.push((format!("{path}.<name>"), *value)),
                Shape::Section(_, keys) => {
                    if keys.iter().any(|key| key.name == name) {
                        return Some(if path.is_empty() { "the top level".to_owned() } else { quote(&path) });
                    }
                    let join =
                        |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                    below.extend(keys.into_iter().map(|key| (join(key.name), key.shape)));
                }
            }
        }
        level = below;
    }
    None
}

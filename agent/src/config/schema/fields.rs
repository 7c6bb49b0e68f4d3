//! How values are put together: one piece of text, an optional value, a list, keys of the user's own.

use std::collections::BTreeMap;

use super::{Field, Scalar, Shape, Yaml};
use crate::config::report::{Path, Report};
use crate::config::tree::{Kind, Node};

impl<T: Scalar> Field for T {
    fn read(node: &Node, path: &Path, report: &mut Report) -> Option<Self> {
        let refused = match &node.kind {
            Kind::Scalar { text, .. } if !node.is_null() => match T::parse(text) {
                Ok(value) => return Some(value),
                Err(message) => message,
            },
            _ => format!("expected {}, found {}", T::kind(), node.found()),
        };
        report.push(node.at, path, refused);
        None
    }

    fn write(&self) -> Option<Yaml> {
        let text = self.print();
        Some(if T::NUMBER { Yaml::Number(text) } else { Yaml::Scalar(text) })
    }

    fn shape() -> Shape {
        Shape::Scalar(T::kind())
    }
}

impl<T: Field> Field for Option<T> {
    fn read(node: &Node, path: &Path, report: &mut Report) -> Option<Self> {
        T::read(node, path, report).map(Some)
    }

    fn write(&self) -> Option<Yaml> {
        self.as_ref().and_then(T::write)
    }

    fn shape() -> Shape {
        T::shape()
    }
}

impl<T: Field> Field for Vec<T> {
    fn read(node: &Node, path: &Path, report: &mut Report) -> Option<Self> {
        let Kind::List(items) = &node.kind else {
            report.push(node.at, path, format!("expected a list, found {}", node.found()));
            return None;
        };
        // Read every item for its errors; a list that lacks one would shift the places of the others.
        let read: Vec<_> =
            items.iter().enumerate().map(|(index, item)| T::read(item, &path.index(index), report)).collect();
        read.into_iter().collect()
    }

    fn write(&self) -> Option<Yaml> {
        Some(Yaml::List(self.iter().filter_map(T::write).collect()))
    }

    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }
}

impl<K: Scalar + Ord, V: Field> Field for BTreeMap<K, V> {
    fn read(node: &Node, path: &Path, report: &mut Report) -> Option<Self> {
        let mut map = Self::new();
        match &node.kind {
            Kind::Map(entries) => {
                for entry in entries {
                    let below = path.key(&entry.key);
                    let value = V::read(&entry.value, &below, report);
                    match K::parse(&entry.key) {
                        Ok(key) if map.contains_key(&key) => report.push(entry.at, &below, "given twice"),
                        Ok(key) => map.extend(value.map(|value| (key, value))),
                        Err(message) if report.is_full() => report.push(entry.at, &below, message),
                        Err(message) => report.push(entry.at, &below, message + &K::hint(&entry.key)),
                    }
                }
            }
            _ if node.is_null() => {}
            _ => {
                report.push(node.at, path, format!("expected keys with values, found {}", node.found()));
                return None;
            }
        }
        Some(map)
    }

    fn write(&self) -> Option<Yaml> {
        let entries = self.iter().filter_map(|(key, value)| Some((key.print(), value.write()?)));
        Some(Yaml::Map(entries.collect()))
    }

    fn shape() -> Shape {
        Shape::Map(K::kind(), Box::new(V::shape()))
    }
}

/// A value whose default may come from the environment: it remembers whether the file gave it.
#[derive(Debug, Clone, Copy)]
pub struct Setting<T> {
    value: T,
    given: bool,
}

impl<T> Setting<T> {
    /// A default.
    pub const fn default_of(value: T) -> Self {
        Self { value, given: false }
    }

    /// The value.
    pub const fn get(&self) -> &T {
        &self.value
    }

    /// Whether the file gave the value.
    pub const fn is_given(&self) -> bool {
        self.given
    }

    /// Takes `value` unless the file gave one.
    pub fn fill(&mut self, value: Option<T>) {
        if let (Some(value), false) = (value, self.given) {
            self.value = value;
        }
    }
}

impl<T: PartialEq> PartialEq for Setting<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Field> Field for Setting<T> {
    fn read(node: &Node, path: &Path, report: &mut Report) -> Option<Self> {
        Some(Self { value: T::read(node, path, report)?, given: true })
    }

    fn write(&self) -> Option<Yaml> {
        self.value.write()
    }

    fn shape() -> Shape {
        T::shape()
    }
}

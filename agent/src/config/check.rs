//! Checks that need more than one value, and the places where their errors belong.

use super::environment::Variable;
use super::report::{Path, Report};
use super::tree::{Kind, Node};

/// Reports problems of values by their path alone: the file's tree knows where they stand.
#[derive(Debug)]
pub(super) struct Checker<'a> {
    tree: &'a Node,
    report: &'a mut Report,
}

impl<'a> Checker<'a> {
    /// Reports to `report` what is wrong with the file that `tree` was read from.
    pub(super) fn new(tree: &'a Node, report: &'a mut Report) -> Self {
        Self { tree, report }
    }

    /// A problem of the value at `path`, or of what should be there.
    pub(super) fn problem(&mut self, path: &Path, message: impl Into<String>) {
        let at = self.tree.locate(path);
        self.report.push(at, path, message);
    }

    /// A problem of an environment variable.
    pub(super) fn variable(&mut self, variable: &Variable, message: impl Into<String>) {
        self.report.variable(variable.name, message);
    }

    /// Something of an environment variable that a person should know and that stops nothing.
    pub(super) fn warn(&mut self, variable: &Variable, message: &str) {
        self.report.warn(format!("environment: {}: {message}", variable.name));
    }

    /// Whether there are more problems already than anybody is shown.
    pub(super) fn is_full(&self) -> bool {
        self.report.is_full()
    }

    /// How many keys or items the file has below `path`.
    pub(super) fn len(&self, path: &Path) -> usize {
        self.tree.find(path).map_or(0, |node| match &node.kind {
            Kind::Map(entries) => entries.len(),
            Kind::List(items) => items.len(),
            Kind::Scalar { .. } => 0,
        })
    }

    /// The keys that the file has below `path`, as they are written there.
    pub(super) fn keys(&self, path: &Path) -> Vec<String> {
        match self.tree.find(path).map(|node| &node.kind) {
            Some(Kind::Map(entries)) => entries.iter().map(|entry| entry.key.clone()).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the file has a value at `path`.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.tree.find(path).is_some()
    }
}

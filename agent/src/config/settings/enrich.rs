//! From the root `enrich` to the [`Choice`] that the enricher and the shared watch go by.

use std::sync::Arc;

use regex::RegexBuilder;

use super::convert::{MAX_ENTRIES, bad_expression};
use crate::config::check::Checker;
use crate::config::file::enrich::{Enrich, Exclude, FieldRule};
use crate::config::report::Path;
use crate::enrich::{Choice, Excluded, Rule};

/// The most memory that one compiled expression may take, bytes.
const EXPRESSION_BYTES: usize = 1 << 20;

/// Converts what `config` says; what cannot be meant is reported.
pub(super) fn convert(config: &Enrich, checker: &mut Checker<'_>) -> Arc<Choice> {
    let path = Path::root().key("enrich");
    let extract = &config.extract;
    let below = path.key("extract");
    let mut annotations = rules(&extract.annotations, &below.key("annotations"), checker);
    if extract.otel_annotations {
        match Rule::otel_annotations() {
            Ok(rule) => annotations.push(rule),
            Err(error) => checker.problem(&below.key("otel_annotations"), error.to_string()),
        }
    }
    Arc::new(Choice {
        enabled: config.enabled,
        metadata: extract.metadata.iter().copied().collect(),
        labels: rules(&extract.labels, &below.key("labels"), checker),
        annotations,
        excluded: excluded(&config.exclude, &path.key("exclude").key("pods"), checker),
    })
}

/// Whether a list may be compiled at all.
fn is_bounded(entries: usize, path: &Path, checker: &mut Checker<'_>) -> bool {
    if entries > MAX_ENTRIES {
        checker.problem(path, format!("has {entries} entries; at most {MAX_ENTRIES} are allowed"));
    }
    entries <= MAX_ENTRIES
}

fn rules(rules: &[FieldRule], path: &Path, checker: &mut Checker<'_>) -> Vec<Rule> {
    if !is_bounded(rules.len(), path, checker) {
        return Vec::new();
    }
    let mut converted = Vec::with_capacity(rules.len());
    for (index, rule) in rules.iter().enumerate() {
        let path = path.index(index);
        let tag = rule.tag_name.as_ref().map(|tag| &*tag.0);
        match (&rule.key, &rule.key_regex) {
            (Some(key), None) => converted.push(Rule::exact(tag, &key.0)),
            (None, Some(expression)) => match Rule::matching(tag, &expression.0) {
                Ok(rule) => converted.push(rule),
                Err(error) => {
                    checker.problem(&path.key("key_regex"), bad_expression(&expression.0, &error));
                }
            },
            // A value that could not be read is the error itself.
            (None, None) if checker.has(&path.key("key")) || checker.has(&path.key("key_regex")) => {}
            (None, None) => checker.problem(&path, "names no key; give key or key_regex"),
            (Some(_), Some(_)) => checker.problem(&path, "has key and key_regex; give one of them"),
        }
    }
    converted
}

fn excluded(exclude: &Exclude, path: &Path, checker: &mut Checker<'_>) -> Excluded {
    if !is_bounded(exclude.pods.len(), path, checker) {
        return Excluded::default();
    }
    let mut names = Vec::with_capacity(exclude.pods.len());
    for (index, pod) in exclude.pods.iter().enumerate() {
        let path = path.index(index);
        let Some(name) = &pod.name else {
            if !checker.has(&path.key("name")) {
                checker.problem(&path, "names no pod; give name");
            }
            continue;
        };
        match RegexBuilder::new(&name.0).size_limit(EXPRESSION_BYTES).build() {
            Ok(expression) => names.push(expression),
            Err(error) => checker.problem(&path.key("name"), bad_expression(&name.0, &error)),
        }
    }
    Excluded::new(names)
}

#[cfg(test)]
mod tests;

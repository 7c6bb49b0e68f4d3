//! Include and exclude lists with the collector's meaning (`filterset`): `strict` or `regexp`.
//!
//! A name passes when the include list is absent or matches it, and the exclude list is absent or does not.
//! Regular expressions match anywhere in the name, as in the collector; anchors are the user's.

use regex::Regex;
use serde::{Deserialize, Serialize};

/// How the entries of a list are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatchType {
    /// The whole name, letter for letter.
    #[default]
    Strict,
    /// A regular expression that may match anywhere in the name.
    Regexp,
}

/// A checked list. Regular expressions are compiled once, at configuration time.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// Any of these names.
    Strict(Vec<String>),
    /// Any of these expressions.
    Regexp(Vec<Regex>),
}

impl Matcher {
    /// Compiles `entries`.
    ///
    /// # Errors
    /// The regex crate's own message for the first entry that is no regular expression.
    pub fn new(match_type: MatchType, entries: &[String]) -> Result<Self, regex::Error> {
        Ok(match match_type {
            MatchType::Strict => Self::Strict(entries.to_vec()),
            MatchType::Regexp => Self::Regexp(
                entries
                    .iter()
                    .map(|entry| regex::RegexBuilder::new(entry).size_limit(1 << 20).build())
                    .collect::<Result<_, _>>()?,
            ),
        })
    }

    /// Whether any entry matches `name`.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Strict(names) => names.iter().any(|entry| entry == name),
            Self::Regexp(expressions) => expressions.iter().any(|expression| expression.is_match(name)),
        }
    }
}

/// An include and an exclude list over the same kind of name; the default lets everything pass.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only these pass, where given.
    pub include: Option<Matcher>,
    /// These do not pass.
    pub exclude: Option<Matcher>,
}

impl Filter {
    /// Whether `name` passes.
    pub fn passes(&self, name: &str) -> bool {
        self.include.as_ref().is_none_or(|list| list.matches(name))
            && !self.exclude.as_ref().is_some_and(|list| list.matches(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matcher(match_type: MatchType, entries: &[&str]) -> Matcher {
        let entries: Vec<_> = entries.iter().map(|entry| (*entry).to_owned()).collect();
        Matcher::new(match_type, &entries).unwrap()
    }

    #[test]
    fn exclude_wins_over_include_and_an_absent_list_lets_pass() {
        let filter = Filter {
            include: Some(matcher(MatchType::Regexp, &["^sd"])),
            exclude: Some(matcher(MatchType::Strict, &["sdb"])),
        };
        assert!(filter.passes("sda"));
        assert!(!filter.passes("sdb"));
        assert!(!filter.passes("vda"));
        assert!(Filter::default().passes("anything"));
    }

    #[test]
    fn a_regular_expression_matches_anywhere_and_a_strict_name_only_whole() {
        assert!(matcher(MatchType::Regexp, &["da"]).matches("vda1"));
        assert!(!matcher(MatchType::Strict, &["da"]).matches("vda1"));
    }
}

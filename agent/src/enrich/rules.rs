//! Which labels and annotations become attributes, and under which names: the processor's `FieldExtractConfig`.

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};
use shared_informer::pod::Pairs;

/// The most memory that one compiled expression may take, bytes.
const EXPRESSION_BYTES: usize = 1 << 20;
/// The longest name of an attribute, bytes: a longer one, made of a key and a pattern, is left out.
const ATTRIBUTE: usize = 1024;

/// One rule of `extract.labels` or `extract.annotations`.
#[derive(Debug, Clone)]
pub struct Rule {
    tag: Option<Box<str>>,
    key: Key,
}

#[derive(Debug, Clone)]
enum Key {
    Exact(Box<str>),
    Matching(Regex),
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        let same_key = match (&self.key, &other.key) {
            (Key::Exact(one), Key::Exact(other)) => one == other,
            (Key::Matching(one), Key::Matching(other)) => one.as_str() == other.as_str(),
            _ => false,
        };
        same_key && self.tag == other.tag
    }
}

impl Rule {
    /// The value of `key` becomes the attribute `tag`, or the one with the default name.
    pub fn exact(tag: Option<&str>, key: &str) -> Self {
        Self { tag: tag.map(Into::into), key: Key::Exact(key.into()) }
    }

    /// Each key that `expression` matches as a whole. `tag` may refer to the groups of the expression (`$1`, `${name}`); of an
    /// expression without groups it is not looked at and the attribute has its default name, as in the collector.
    ///
    /// # Errors
    /// The expression is none, or one that takes more memory than any should.
    pub fn matching(tag: Option<&str>, expression: &str) -> Result<Self, regex::Error> {
        let whole = format!("^(?:{expression})$");
        let key = RegexBuilder::new(&whole).size_limit(EXPRESSION_BYTES).build()?;
        let tag = tag.filter(|_| key.captures_len() > 1).map(Into::into);
        Ok(Self { tag, key: Key::Matching(key) })
    }

    /// Annotations `resource.opentelemetry.io/<name>` become the attributes `<name>`.
    ///
    /// # Errors
    /// Never: the expression is fixed, and a test compiles it.
    pub fn otel_annotations() -> Result<Self, regex::Error> {
        Self::matching(Some("$1"), r"resource\.opentelemetry\.io/(.+)")
    }

    /// Which keys it chooses, as text: whether by an expression, and by which.
    pub(super) fn keys(&self) -> (bool, &str) {
        match &self.key {
            Key::Exact(name) => (false, name),
            Key::Matching(expression) => (true, expression.as_str()),
        }
    }

    /// Whether the pair of this key is needed.
    pub fn chooses(&self, key: &str) -> bool {
        match &self.key {
            Key::Exact(name) => **name == *key,
            Key::Matching(expression) => expression.is_match(key),
        }
    }

    /// The attributes that this rule makes of `pairs`, in the order of the keys; `prefix` begins a default name. An empty
    /// value is an attribute only where its key was named. Where several keys make the same name the last counts; in the
    /// collector it is any of them.
    pub(super) fn extract(&self, prefix: &str, pairs: &Pairs, put: &mut dyn FnMut(&str, &str)) {
        let expression = match &self.key {
            Key::Exact(key) => {
                if let Some(value) = pairs.get(key) {
                    put(&self.named(prefix, key), value);
                }
                return;
            }
            Key::Matching(expression) => expression,
        };
        for (key, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            let Some(captures) = expression.captures(key) else { continue };
            let name = self.tag.as_ref().map_or_else(
                || default(prefix, key),
                |tag| {
                    let mut name = String::new();
                    captures.expand(tag, &mut name);
                    Cow::Owned(name)
                },
            );
            if (1..=ATTRIBUTE).contains(&name.len()) {
                put(&name, value);
            }
        }
    }

    fn named<'a>(&'a self, prefix: &str, key: &str) -> Cow<'a, str> {
        self.tag.as_deref().map_or_else(|| default(prefix, key), Cow::Borrowed)
    }
}

fn default(prefix: &str, key: &str) -> Cow<'static, str> {
    Cow::Owned(format!("{prefix}{key}"))
}

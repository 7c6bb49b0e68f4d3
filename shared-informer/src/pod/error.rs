//! Why a pod is refused: the closed set for the counter, and what and where for the log.

use std::fmt;

/// Why a pod was refused. The name is the value of the metric attribute `reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// The JSON is larger than [`super::limits::POD_BYTES`], or what is kept of it than
    /// [`super::limits::KEPT_BYTES`].
    TooLarge,
    /// Not JSON, or a value of the wrong type.
    Malformed,
    /// A field without which a pod cannot be told from another is missing.
    Missing,
    /// A string is longer than its bound.
    TooLong,
    /// A list has more entries than its bound.
    TooMany,
    /// A value does not follow its own format: quantity, timestamp, address, identity.
    Invalid,
}

impl Refusal {
    /// Every reason, in the order of the documentation.
    pub const ALL: [Self; 6] =
        [Self::TooLarge, Self::Malformed, Self::Missing, Self::TooLong, Self::TooMany, Self::Invalid];

    /// The metric attribute's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::Missing => "missing",
            Self::TooLong => "too_long",
            Self::TooMany => "too_many",
            Self::Invalid => "invalid",
        }
    }
}

/// A pod that was refused: what is wrong, and where in the object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct PodError {
    path: String,
    problem: Problem,
}

/// What is wrong with a pod. No variant carries text of the pod without a bound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// See [`Refusal::TooLarge`].
    #[error("{bytes} bytes, at most {limit} are accepted")]
    TooLarge {
        /// The pod's size.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// See [`Refusal::Malformed`].
    #[error("{what} (line {line}, column {column})")]
    Malformed {
        /// The parser's words, cut at 160 bytes.
        what: Box<str>,
        /// Counted from one; zero if it is not known.
        line: usize,
        /// Counted from one; zero if it is not known.
        column: usize,
    },
    /// See [`Refusal::Missing`].
    #[error("is missing")]
    Missing,
    /// See [`Refusal::TooLong`].
    #[error("{bytes} bytes, at most {limit} are allowed")]
    TooLong {
        /// The string's length.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// See [`Refusal::TooMany`].
    #[error("{entries} entries, at most {limit} are allowed")]
    TooMany {
        /// The length of the list.
        entries: usize,
        /// The bound.
        limit: usize,
    },
    /// See [`Refusal::Invalid`].
    #[error("{what}")]
    Invalid {
        /// What was expected.
        what: &'static str,
    },
}

impl PodError {
    pub(super) fn new(path: impl Into<String>, problem: Problem) -> Self {
        Self { path: path.into(), problem }
    }

    /// The same error, seen from the object that holds this one: `containers[2]` + `image`.
    pub(super) fn within(mut self, outer: impl fmt::Display) -> Self {
        self.path = format!("{outer}.{}", self.path);
        self
    }

    /// The reason under which it is counted.
    pub const fn refusal(&self) -> Refusal {
        match self.problem {
            Problem::TooLarge { .. } => Refusal::TooLarge,
            Problem::Malformed { .. } => Refusal::Malformed,
            Problem::Missing => Refusal::Missing,
            Problem::TooLong { .. } => Refusal::TooLong,
            Problem::TooMany { .. } => Refusal::TooMany,
            Problem::Invalid { .. } => Refusal::Invalid,
        }
    }

    /// Where in the object, for example `spec.containers[2].image`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong.
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }
}

/// A parser's error. Its words may quote the input, so they are cut.
impl From<serde_json::Error> for PodError {
    fn from(error: serde_json::Error) -> Self {
        let mut what = error.to_string();
        what.truncate(what.floor_char_boundary(160));
        let problem = Problem::Malformed { what: what.into(), line: error.line(), column: error.column() };
        Self::new("pod", problem)
    }
}

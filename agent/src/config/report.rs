//! What is wrong with a configuration, all of it, each with its place.
//!
//! A message never carries more of the file than a short quotation, and none of a value that may be a secret.

use std::fmt;

/// A place in the file; both count from one, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Position {
    /// The first character.
    pub const START: Self = Self { line: 1, column: 1 };

    /// The place behind `text`, which starts the file.
    pub fn after(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let last = text.rsplit('\n').next().unwrap_or_default();
        Self { line: text.matches('\n').count() + 1, column: last.chars().count() + 1 }
    }
}

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// A key of a section.
    Key(String),
    /// A place in a list, counted from zero.
    Index(usize),
}

/// The way to a value from the top of the file: `host.scrapers.disk.include.devices[1]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(Vec<Segment>);

impl Path {
    /// The top.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// The key `key` below this.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.then(Segment::Key(key.to_owned()))
    }

    /// The item `index` of this list.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.then(Segment::Index(index))
    }

    /// The steps from the top.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    fn then(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) => {
                    let dot = if depth == 0 { "" } else { "." };
                    write!(f, "{dot}{}", shorten(key))?;
                }
            }
        }
        Ok(())
    }
}

/// Where a problem is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    File { at: Position, path: Path },
    Variable(&'static str),
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    place: Place,
    message: String,
}

/// Collects problems; at most [`Report::MAX`] are kept, the others counted.
#[derive(Debug, Default)]
pub struct Report {
    problems: Vec<Problem>,
    more: usize,
    warnings: Vec<String>,
}

impl Report {
    /// How many problems are kept for the reader.
    pub const MAX: usize = 100;

    /// A problem of the file.
    pub fn push(&mut self, at: Position, path: &Path, message: impl Into<String>) {
        self.add(Place::File { at, path: path.clone() }, message.into());
    }

    /// A problem of an environment variable.
    pub fn variable(&mut self, name: &'static str, message: impl Into<String>) {
        self.add(Place::Variable(name), message.into());
    }

    /// Something that a person should know and that stops nothing.
    pub fn warn(&mut self, text: String) {
        self.warnings.push(text);
    }

    /// The warnings so far, one line each.
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// Whether further problems are only counted, so that their messages need not be made.
    pub fn is_full(&self) -> bool {
        self.problems.len() >= Self::MAX
    }

    fn add(&mut self, place: Place, message: String) {
        if self.is_full() {
            self.more += 1;
        } else {
            self.problems.push(Problem { place, message });
        }
    }

    /// `value`, unless there are problems; `file` is the name under which they are shown.
    ///
    /// # Errors
    /// [`Problems`] when there is at least one.
    pub fn finish<T>(mut self, file: &str, value: Option<T>) -> Result<T, Problems> {
        self.problems.sort_by_key(|problem| match &problem.place {
            Place::File { at, .. } => (0, Some(*at)),
            Place::Variable(_) => (1, None),
        });
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(Problems { file: file.to_owned(), list: self.problems, more: self.more }),
        }
    }
}

/// Everything that is wrong with a configuration, one line each:
/// `tare.yaml:12:5: host.scrapers.dsik: unknown key; did you mean "disk"?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    file: String,
    list: Vec<Problem>,
    more: usize,
}

impl Problems {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.list.len() + self.more
    }

    /// Those of the file that were kept: where, and what is wrong.
    pub fn of_file(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.list.iter().filter_map(|Problem { place, message }| match place {
            Place::File { path, .. } => Some((path, message.as_str())),
            Place::Variable(_) => None,
        })
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = &self.file;
        for (index, Problem { place, message }) in self.list.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            match place {
                Place::File { at: Position { line, column }, path } if path.segments().is_empty() => {
                    write!(f, "{file}:{line}:{column}: {message}")?;
                }
                Place::File { at: Position { line, column }, path } => {
                    write!(f, "{file}:{line}:{column}: {path}: {message}")?;
                }
                Place::Variable(name) => write!(f, "environment: {name}: {message}")?,
            }
        }
        if self.more > 0 {
            write!(f, "\n{file}: and {} more", self.more)?;
        }
        Ok(())
    }
}

/// `text` in quotation marks, control characters escaped, cut to a readable length.
pub fn quote(text: &str) -> String {
    format!("\"{}\"", shorten(text))
}

fn shorten(text: &str) -> String {
    const MAX: usize = 80;
    let mut short = String::new();
    for character in text.chars().take(MAX) {
        match character {
            '\'' => short.push(character),
            _ => short.extend(character.escape_debug()),
        }
    }
    if text.chars().nth(MAX).is_some() {
        short.push_str("...");
    }
    short
}

/// The candidate that `word` was probably meant to be.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.6;
    const PART_OF: f64 = 0.3;
    let word: String = word.chars().take(100).collect::<String>().to_lowercase();
    let score = |candidate: &str| {
        let alike = strsim::normalized_damerau_levenshtein(&word, candidate);
        let part = word.len() > 2 && (word.contains(candidate) || candidate.contains(&word));
        (alike >= if part { PART_OF } else { ALIKE }).then_some(alike)
    };
    candidates
        .into_iter()
        .filter_map(|candidate| Some((score(candidate)?, candidate)))
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, candidate)| candidate)
}

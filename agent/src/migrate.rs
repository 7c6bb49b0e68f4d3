//! `tare migrate`: a configuration of the OpenTelemetry Collector in, a configuration of tare out.
//!
//! Pure: the text and a way to look up environment variables come in, text and lists come out. Every key of the
//! input that something in a metrics pipeline uses ends in one of three places: in the output, with a comment that
//! names where it came from; in [`Translation::not_needed`], where tare does what the key asked for without being
//! told; or in [`Translation::left_out`], with the reason. The invariant: the output is accepted by the checker of
//! the configuration, because whatever the checker refuses is taken out again and listed with the checker's words.

use std::fmt::Write as _;

use crate::config::report::{Path, Position, Problems, Report};
use crate::config::{Environment, load, tree};

mod context;
mod document;
mod duration;
mod exporters;
mod hostmetrics;
mod k8sattributes;
mod kubeletstats;
mod otlp;
mod pipelines;
mod processors;
mod service;
mod substitute;

use context::Context;
use document::Document;

/// Looks up an environment variable; `None` when it is not set.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What became of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translation {
    /// The configuration of tare, in YAML with comments.
    pub text: String,
    /// What has no counterpart.
    pub left_out: Vec<Leftover>,
    /// What tare does without being told; nothing is lost.
    pub not_needed: Vec<Leftover>,
}

/// A part of the input that is not in the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Where it stands in the input.
    pub at: Position,
    /// The same as a path of keys.
    pub path: Path,
    /// Why it is not in the output, and what to do about it where something can be done.
    pub reason: String,
}

impl std::fmt::Display for Leftover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}: {}", self.at.line, self.path, self.reason)
    }
}

/// Why there is no translation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input is no YAML that can be read.
    #[error(transparent)]
    Input(#[from] Problems),
    /// The translation is refused by the checker and nothing of it can be taken out: a fault of this module.
    #[error("the translation is not accepted: {0}")]
    Output(Problems),
}

/// Translates `text`, which is shown as `name` in messages.
///
/// # Errors
/// [`Error::Input`] when the text cannot be read as YAML.
pub fn translate(name: &str, text: &[u8], lookup: Lookup<'_>) -> Result<Translation, Error> {
    let mut report = Report::default();
    let root = tree::parse_foreign(text, &mut report);
    let root = report.finish(name, root)?;
    let mut context = Context::new(&root, lookup);
    pipelines::translate(&mut context);
    let Context { mut document, mut left_out, mut not_needed, .. } = context;
    for (path, reason) in prune(&mut document)? {
        left_out.push(Leftover { at: root.locate(&path), path, reason });
    }
    for list in [&mut left_out, &mut not_needed] {
        list.sort_by_key(|leftover| leftover.at);
        list.dedup();
    }
    let text = document.print(&heading(name, &left_out, &not_needed));
    Ok(Translation { text, left_out, not_needed })
}

/// Takes out of `document` what the checker refuses, until it refuses nothing; gives where each part came from and
/// what the checker said.
fn prune(document: &mut Document) -> Result<Vec<(Path, String)>, Error> {
    let mut removed = Vec::new();
    loop {
        let Err(problems) = load("translation", document.print("").as_bytes(), &Environment::default())
        else {
            return Ok(removed);
        };
        // One at a time: places in lists behind it move, and the next round names them anew.
        let taken = problems.of_file().find_map(|(path, message)| Some((document.remove(path)?, message)));
        let Some((origins, message)) = taken else { return Err(Error::Output(problems)) };
        let reason = format!("tare refuses it: {message}");
        removed.extend(origins.into_iter().map(|origin| (origin, reason.clone())));
    }
}

/// The comment at the top of the output.
fn heading(name: &str, left_out: &[Leftover], not_needed: &[Leftover]) -> String {
    let mut text = format!("Made by `tare migrate` from {}.\n", one_line(name));
    for (title, list) in
        [("No counterpart:", left_out), ("Not needed, because tare does it by itself:", not_needed)]
    {
        if !list.is_empty() {
            let _ = writeln!(text, "\n{title}");
            text.extend(list.iter().map(|leftover| format!("  {}\n", one_line(&leftover.to_string()))));
        }
    }
    text
}

/// Text from outside, fit for a comment: a line break in it would end the comment.
fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests;

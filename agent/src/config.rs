//! The configuration: one YAML file and the environment, checked as a whole before anything starts.
//!
//! The way of a file: [`tree`] reads it with every value's place; the sections of [`mod@file`], declared with
//! [`schema`], read the tree; [`environment`] adds what the file does not say; [`settings`] checks what needs more
//! than one value and makes the form that the agent is built from. None of these steps stops at an error, so one
//! run reports everything that is wrong. Nothing here reads a clock, a file or the process's environment.

pub mod environment;
pub mod file;
pub mod print;
pub mod reference;
pub mod report;
pub mod resource;
pub mod schema;
pub mod settings;
pub mod tree;
pub mod values;

mod check;

pub use environment::Environment;
pub use report::Problems;
pub use settings::Settings;

use check::Checker;
use file::Config;
use report::{Path, Position, Report};
use schema::Field as _;
use tree::{Kind, Node};

/// A configuration without errors.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the agent is built from.
    pub settings: Settings,
    /// The file with the environment in it, as `print-config` shows it.
    pub effective: Config,
    /// What a person should know besides, one line each.
    pub warnings: Vec<String>,
}

/// Reads the configuration `text`, which is shown as `name` in messages, with `environment`.
///
/// # Errors
/// Everything that is wrong with either.
pub fn load(name: &str, text: &[u8], environment: &Environment) -> Result<Loaded, Problems> {
    let mut report = Report::default();
    let tree = tree::parse(text, &mut report);
    let empty = Node { at: Position::START, kind: Kind::Map(Vec::new()) };
    let root = tree.as_ref().unwrap_or(&empty);
    let mut effective = Config::read(root, &Path::root(), &mut report).unwrap_or_default();
    let mut checker = Checker::new(root, &mut report);
    environment::apply(&mut effective, environment, &mut checker);
    let outputs = effective.outputs.as_deref().unwrap_or_default();
    let proxy = environment::proxy(outputs, environment, &mut checker);
    let settings = settings::convert(&effective, proxy, &mut checker);
    if effective.host.scrapers.is_none() {
        effective.host.scrapers = Some(file::host::Scrapers::standard());
    }
    let warnings = report.take_warnings();
    report.finish(name, tree.is_some().then_some(Loaded { settings, effective, warnings }))
}

/// The configuration without a file.
///
/// # Errors
/// What is wrong with the environment.
pub fn load_default(environment: &Environment) -> Result<Loaded, Problems> {
    load("default configuration", b"", environment)
}

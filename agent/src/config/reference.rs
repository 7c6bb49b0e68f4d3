//! `docs/configuration.md`, made from the same declarations that read and check the file.

use std::fmt::Write as _;

use exporter::model::{Kind, Metric, ValueType};

use super::environment::VARIABLES;
use super::file::Config;
use super::print;
use super::schema::{Field as _, Key, Shape, Yaml};
use crate::catalog;

const INTRODUCTION: &str = include_str!("reference/introduction.md");
const ENVIRONMENT: &str = include_str!("reference/environment.md");
const METRICS: &str = include_str!("reference/metrics.md");
const OWN_METRICS: &str = include_str!("reference/own_metrics.md");

/// Sections below this many keys from the top have no heading of their own; their keys are rows of the section
/// around them (`include.devices`).
const HEADINGS: usize = 3;

/// The whole page. `attributes` names a metric's attributes, which the catalog does not hold as data.
pub fn markdown(attributes: impl Fn(&str) -> Option<String>) -> String {
    let mut page = String::from(INTRODUCTION);
    if let Shape::Section(about, keys) = Config::shape() {
        section(&[], about, &keys, &mut page);
    }
    page.push_str(ENVIRONMENT);
    environment(&mut page);
    page.push_str(METRICS);
    metrics(attributes, &mut page);
    page.push_str(OWN_METRICS);
    own_metrics(&mut page);
    page
}

fn environment(page: &mut String) {
    page.push_str("\n| variable | meaning |\n|---|---|\n");
    for variable in VARIABLES {
        row(&[&code(variable.name), variable.about.trim()], page);
    }
    page.push('\n');
}

fn metrics(attributes: impl Fn(&str) -> Option<String>, page: &mut String) {
    page.push_str("\n| metric | unit | kind | default | attributes | meaning |\n|---|---|---|---|---|---|\n");
    let mut all: Vec<_> = catalog::metrics().collect();
    all.sort_by_key(|metric| metric.name);
    for metric in all {
        let default = if metric.default_on { "on" } else { "off" };
        let attributes = attributes(metric.name).unwrap_or_default();
        let cells =
            [&code(metric.name), &code(metric.unit), kind(metric), default, &attributes, metric.description];
        row(&cells, page);
    }
}

fn own_metrics(page: &mut String) {
    page.push_str("\n| metric | unit | instrument | attributes | meaning |\n|---|---|---|---|---|\n");
    for metric in catalog::own::all() {
        let attributes: Vec<_> = metric.attributes.iter().map(|attribute| code(attribute)).collect();
        let cells = [
            &code(metric.name),
            &code(metric.unit),
            metric.instrument.as_str(),
            &attributes.join(", "),
            metric.description,
        ];
        row(&cells, page);
    }
}

fn kind(metric: &Metric) -> &'static str {
    match (metric.kind, metric.value_type) {
        (Kind::Gauge, ValueType::Int) => "gauge, int",
        (Kind::Gauge, ValueType::Double) => "gauge, double",
        (Kind::Sum { monotonic: true }, ValueType::Int) => "counter, int",
        (Kind::Sum { monotonic: true }, ValueType::Double) => "counter, double",
        (Kind::Sum { monotonic: false }, ValueType::Int) => "up-down counter, int",
        (Kind::Sum { monotonic: false }, ValueType::Double) => "up-down counter, double",
    }
}

/// One section with its table, and then the sections below it that have headings.
fn section(path: &[String], about: &[&str], keys: &[Key], page: &mut String) {
    if !path.is_empty() {
        let _ = write!(page, "\n{} `{}`\n", "#".repeat(path.len().min(3) + 1), path.join("."));
    }
    let _ = write!(page, "\n{}\n", prose(about));
    page.push_str("\n| key | value | default | meaning |\n|---|---|---|---|\n");
    let mut below = Vec::new();
    for key in keys {
        rows(path, "", key, page, &mut below);
    }
    for (path, about, keys) in below {
        section(&path, about, &keys, page);
    }
}

type Below = Vec<(Vec<String>, &'static [&'static str], Vec<Key>)>;

/// The rows of `key`, whose place is `path`, then `prefix`; sections with headings of their own go to `below`.
fn rows(path: &[String], prefix: &str, key: &Key, page: &mut String, below: &mut Below) {
    let name = format!("{prefix}{}", key.name);
    let (suffix, shape) = match &key.shape {
        Shape::List(item) if matches!(**item, Shape::Section(..)) => ("[]", &**item),
        shape => ("", shape),
    };
    match shape {
        Shape::Section(about, keys) if path.len() < HEADINGS => {
            let inner = [path, &[format!("{name}{suffix}")]].concat();
            let value = if suffix.is_empty() { "section" } else { "list of sections" };
            let link = format!("[{value}](#{})", anchor(&inner));
            row(&[&code(&name), &link, "", &prose(key.about)], page);
            below.push((inner, about, keys.clone()));
        }
        Shape::Section(_, keys) => {
            for inner in keys {
                rows(path, &format!("{name}."), inner, page, below);
            }
        }
        Shape::Map(kind, value) => {
            let about = prose(key.about);
            // A kind of several words stands for many keys; a single word is the only key there is.
            let place =
                if kind.contains(' ') { format!("{name}.<{kind}>") } else { format!("{name}.{kind}") };
            match &**value {
                Shape::Section(_, keys) => {
                    row(&[&code(&name), &format!("section by {kind}"), "", &about], page);
                    for inner in keys {
                        rows(path, &format!("{place}."), inner, page, below);
                    }
                }
                value => row(&[&code(&place), &words(value), "", &about], page),
            }
        }
        shape => row(&[&code(&name), &words(shape), &default(key), &prose(key.about)], page),
    }
}

fn default(key: &Key) -> String {
    match &key.default {
        Some(Yaml::List(items)) if items.is_empty() => String::new(),
        Some(value) => code(&print::inline(value)),
        None => String::new(),
    }
}

fn words(shape: &Shape) -> String {
    match shape {
        Shape::Scalar(kind) => kind.clone(),
        Shape::List(item) => format!("list of {}", words(item)),
        Shape::Map(kind, value) => format!("{} by {kind}", words(value)),
        Shape::Section(..) => "section".to_owned(),
    }
}

/// The lines of a doc comment, each paragraph on one line.
fn prose(lines: &[&str]) -> String {
    let lines = lines.iter().map(|line| if line.is_empty() { "\n\n" } else { line.trim() });
    lines.collect::<Vec<_>>().join(" ").replace(" \n\n ", "\n\n")
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// The anchor that Markdown renderers give to the heading of `path`.
fn anchor(path: &[String]) -> String {
    let heading = path.join(".").to_lowercase();
    heading
        .chars()
        .filter(|character| character.is_alphanumeric() || matches!(character, '_' | '-'))
        .collect()
}

fn row(cells: &[&str], page: &mut String) {
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

//! `docs/configuration.md` says what the code does, and every example in the repository is accepted.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tare::catalog::own;
use tare::config::{Environment, load, reference};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The attributes of what the contract does not have: tare's own metrics of containers and pods.
fn own_attributes(name: &str) -> Option<&'static str> {
    let ends = [
        (".disk.io", "disk.io.direction{read, write}"),
        (".disk.operations", "disk.io.direction{read, write}"),
        (".pressure.time", "resource{cpu, io, memory} stall{full, some}"),
    ];
    ends.into_iter().find_map(|(end, attributes)| name.ends_with(end).then_some(attributes))
}

/// Attributes by metric from the parity contract, whose last column may be quoted.
fn attributes() -> HashMap<String, String> {
    let contract = include_str!("fixtures/parity/metrics.csv");
    let rows = contract.lines().skip(1);
    rows.map(|line| {
        let cells: Vec<_> = line.splitn(10, ',').collect();
        (cells[2].to_owned(), cells[9].trim_matches('"').replace(',', ", "))
    })
    .chain(own::containers::ALL.iter().filter_map(|metric| {
        own_attributes(metric.name).map(|attributes| (metric.name.to_owned(), attributes.to_owned()))
    }))
    .collect()
}

/// `device direction{read, write}` as `device`, `direction: read, write`.
fn in_code(attributes: &str) -> String {
    // Names are separated by blanks; a blank behind a comma belongs to the list of values.
    let names = attributes.replace(", ", ",");
    let named = names.split_whitespace();
    named
        .map(|name| format!("`{}`", name.replace('{', ": ").replace('}', "").replace(',', ", ")))
        .collect::<Vec<_>>()
        .join(", ")
}

#[test]
fn the_documentation_is_what_the_declarations_say() {
    let attributes = attributes();
    let expected = reference::markdown(|name| attributes.get(name).map(|text| in_code(text)));
    let path = repository().join("docs/configuration.md");
    if std::env::var_os("TARE_BLESS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    let first = expected.lines().zip(found.lines()).find(|(expected, found)| expected != found);
    assert!(found == expected, "docs/configuration.md is out of date (TARE_BLESS=1 rewrites it): {first:#?}");
}

#[test]
fn every_example_is_accepted() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/config");
    let mut examples: Vec<(String, Vec<u8>)> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), std::fs::read(path).unwrap()))
        .collect();
    assert!(examples.len() >= 2, "the examples are gone");
    let attributes = attributes();
    let page = reference::markdown(|name| attributes.get(name).cloned());
    let (_, block) = page.split_once("```yaml\n").unwrap();
    examples.push(("docs/configuration.md".to_owned(), block.split_once("```").unwrap().0.into()));
    for (name, text) in examples {
        if let Err(problems) = load(&name, &text, &Environment::default()) {
            panic!("{problems}");
        }
    }
}

//! `tare migrate`: whole configurations against what is recorded of them, and the command.
//!
//! `TARE_BLESS=1` records anew.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use proptest::prelude::*;
use tare::config::{Environment, load};
use tare::migrate::{Error, Translation, translate};

/// What the environment of the recorded translations says.
fn lookup(name: &str) -> Option<String> {
    (name == "GATEWAY").then(|| "gateway.example.com".to_owned())
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/migrate")
}

/// Every configuration, and its name.
fn inputs() -> Vec<(String, Vec<u8>)> {
    let mut inputs: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with("yaml") && !name.contains(".tare."))
        .map(|name| (name.clone(), fs::read(folder().join(name)).unwrap()))
        .collect();
    inputs.sort();
    assert!(inputs.len() >= 5, "{inputs:?}");
    inputs
}

fn translated(name: &str, text: &[u8]) -> Translation {
    translate(name, text, &lookup).unwrap()
}

#[test]
fn every_translation_is_accepted_by_the_checker_and_is_the_recorded_one() {
    for (name, text) in inputs() {
        let translation = translated(&name, &text);
        if let Err(problems) = load(&name, translation.text.as_bytes(), &Environment::default()) {
            panic!("{problems}\n{}", translation.text);
        }
        let recorded = folder().join(name.replace(".yaml", ".tare.yaml"));
        if std::env::var_os("TARE_BLESS").is_some() {
            fs::write(&recorded, &translation.text).unwrap();
            continue;
        }
        assert_eq!(translation.text, fs::read_to_string(&recorded).unwrap_or_default(), "{name}");
    }
}

#[test]
fn a_configuration_of_metrics_only_is_translated_whole() {
    let text = fs::read(folder().join("whole.yaml")).unwrap();
    assert_eq!(translated("whole.yaml", &text).left_out, []);
}

#[test]
fn everything_in_the_chart_s_host_metrics_that_is_metrics_of_the_host_is_translated() {
    let text = fs::read(folder().join("chart-host-metrics.yaml")).unwrap();
    let left_out: Vec<_> =
        translated("chart", &text).left_out.iter().map(|leftover| leftover.path.to_string()).collect();
    assert_eq!(left_out, ["receivers.otlp", "service.pipelines.logs", "service.pipelines.traces"]);
}

fn tare(arguments: &[&str]) -> Output {
    let file = folder();
    Command::new(env!("CARGO_BIN_EXE_tare"))
        .args(arguments)
        .current_dir(file)
        .env_clear()
        .env("GATEWAY", "gateway.example.com")
        .output()
        .unwrap()
}

#[test]
fn the_command_prints_a_whole_translation_and_ends_with_0() {
    let output = tare(&["migrate", "whole.yaml"]);
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
    let recorded = fs::read(folder().join("whole.tare.yaml")).unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), String::from_utf8(recorded).unwrap());
}

#[test]
fn the_command_prints_nothing_but_the_list_where_something_is_left_out_unless_a_part_is_wanted() {
    let refused = tare(&["migrate", "chart-host-metrics.yaml"]);
    let list = String::from_utf8(refused.stderr).unwrap();
    assert_eq!((refused.status.code(), refused.stdout.as_slice()), (Some(1), b"".as_slice()));
    assert!(list.contains("service.pipelines.logs: tare reports metrics only"), "{list}");
    assert!(list.contains("--partial"), "{list}");
    let partial = tare(&["migrate", "--partial", "chart-host-metrics.yaml"]);
    let list = String::from_utf8(partial.stderr).unwrap();
    assert_eq!(partial.status.code(), Some(0));
    assert!(list.contains("service.pipelines.logs: tare reports metrics only"), "{list}");
    assert!(String::from_utf8(partial.stdout).unwrap().contains("root: /hostfs"));
}

#[test]
fn a_file_that_is_no_yaml_is_64_and_one_that_is_not_there_is_74() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.yaml");
    fs::write(&path, "receivers: [").unwrap();
    assert_eq!(tare(&["migrate", path.to_str().unwrap()]).status.code(), Some(64));
    assert_eq!(tare(&["migrate", "not-there.yaml"]).status.code(), Some(74));
}

/// `page` with `text` as a block between the marks of `name`.
fn with_block(page: &str, name: &str, text: &str) -> String {
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
    let (before, rest) = page.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    format!("{before}{begin}```yaml\n{text}```\n{end}{after}")
}

#[test]
fn the_worked_example_of_the_page_is_what_the_command_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/migrate.md");
    let page = fs::read_to_string(&path).unwrap();
    let input = fs::read_to_string(folder().join("example.yaml")).unwrap();
    let output = translated("otelcol.yaml", input.as_bytes()).text;
    let expected = with_block(&with_block(&page, "input", &input), "output", &output);
    if std::env::var_os("TARE_BLESS").is_some() {
        fs::write(&path, &expected).unwrap();
    } else {
        assert!(page == expected, "TARE_BLESS=1 cargo test -p tare --test migrate makes it anew");
    }
}

/// What people and accidents put behind a key.
const VALUES: [&str; 16] = [
    "",
    "-1",
    "0",
    "{}",
    "[a, b]",
    "${env:X}",
    "$$",
    "99999h",
    "\"\\n# \"",
    "'(['",
    "é",
    "true",
    "{a: {b: [c]}}",
    "otlp",
    "~",
    "/",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whatever_becomes_of_a_configuration_its_translation_is_accepted(
        input in 0_usize..6,
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..=VALUES.len()), 1..6),
    ) {
        let inputs = inputs();
        let (name, text) = &inputs[input % inputs.len()];
        let mut lines: Vec<String> = std::str::from_utf8(text).unwrap().lines().map(str::to_owned).collect();
        for (line, value) in &changes {
            let index = line.index(lines.len());
            let key = lines[index].split_once(':').map(|(key, _)| key.to_owned());
            match (VALUES.get(*value), key) {
                (Some(value), Some(key)) => lines[index] = format!("{key}: {value}"),
                _ => drop(lines.remove(index)),
            }
        }
        match translate(name, lines.join("\n").as_bytes(), &lookup) {
            // No YAML any more.
            Err(Error::Input(_)) => {}
            Err(error) => prop_assert!(false, "{error}\n{}", lines.join("\n")),
            Ok(translation) => {
                let checked = load(name, translation.text.as_bytes(), &Environment::default());
                prop_assert!(checked.is_ok(), "{}\n{}", checked.err().unwrap(), translation.text);
            }
        }
    }
}

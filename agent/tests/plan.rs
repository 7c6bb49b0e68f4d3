//! `tare plan`: the bill as people and programs read it, compared byte for byte with reviewed files
//! (`TARE_BLESS=1` rewrites them), and what is refused.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// A configuration with everything that costs something.
const TOKEN: &str = "cluster: {hint: 2500}\nkubelet: {access: token}\n";

/// Exit code, standard output, standard error.
fn plan(config: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tare.yaml");
    std::fs::write(&file, config).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_tare"))
        .args(["plan", "--config", file.to_str().unwrap()])
        .args(arguments)
        .env_clear()
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr).replace(file.to_str().unwrap(), "tare.yaml"),
    )
}

fn answer(config: &str, arguments: &[&str]) -> String {
    let (code, out, err) = plan(config, arguments);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    out
}

fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/plan").join(name);
    if std::env::var_os("TARE_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let first = expected.lines().zip(found.lines()).find(|(expected, found)| expected != found);
    assert!(found == expected, "{name} is another one (TARE_BLESS=1 rewrites it): {first:#?}\n{found}");
}

#[test]
fn the_table_is_the_reviewed_one_for_small_and_for_huge_clusters() {
    for nodes in ["10", "1000", "5000", "100000"] {
        golden(&format!("{nodes}.txt"), &answer(TOKEN, &["--nodes", nodes]));
    }
    golden("default-5000.txt", &answer("", &["--nodes", "5000"]));
    golden("5000.json", &answer(TOKEN, &["--nodes", "5000", "--format", "json"]));
}

#[test]
fn every_line_of_the_table_fits_a_terminal() {
    for nodes in ["10", "100000"] {
        let page = answer(TOKEN, &["--nodes", nodes]);
        let widest = page.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= 120, "{widest}");
    }
}

#[test]
fn the_json_is_the_schema_and_says_the_same_as_the_table() {
    let json: Value = serde_json::from_str(&answer(TOKEN, &["--nodes", "5000", "--format", "json"])).unwrap();
    assert_eq!((&json["schema"], &json["nodes"]), (&"tare.plan/v1".into(), &5_000.into()));
    let table = answer(TOKEN, &["--nodes", "5000"]);
    let requests = json["worst_10s"]["requests"].as_u64().unwrap().to_string();
    let row = table.lines().find(|line| line.contains("requests in 10 s")).unwrap();
    assert!(row.contains(&requests), "{row}");
    for assumption in json["assumptions"].as_array().unwrap() {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let assumption = words(assumption.as_str().unwrap());
        assert!(words(&table).contains(&assumption), "{assumption}");
    }
}

#[test]
fn wrong_numbers_are_64_and_say_what_would_be_right() {
    for (arguments, expected) in [
        (&["--nodes", "0"][..], "0 is not in 1..=1000000"),
        (&["--nodes", "1000001"], "1000001 is not in 1..=1000000"),
        (&["--nodes", "many"], "invalid value 'many' for '--nodes <N>'"),
        (&["--nodes", "5", "--format", "xml"], "[possible values: table, json]"),
        (&[], "--nodes <N>"),
    ] {
        let (code, out, err) = plan("", arguments);
        assert_eq!((code, out.as_str()), (Some(64), ""), "{arguments:?}");
        assert!(err.contains(expected), "{err}");
    }
}

#[test]
fn a_declaration_that_cannot_work_for_so_many_is_64_with_both_numbers() {
    let poor = "slo: {control_plane: {requests_per_second: 2}}\n";
    assert_eq!(plan(poor, &["--nodes", "1000"]).0, Some(0));
    let (code, out, err) = plan(poor, &["--nodes", "100000"]);
    assert_eq!((code, out.as_str()), (Some(64), ""));
    let expected = "tare: 100,000 nodes: requests_per_second is 2, but 125000 nodes need at least 9.21: ";
    assert!(err.starts_with(expected), "{err}");
    // Nor does the agent start with what cannot work for the nodes that it takes at first.
    let (code, _, err) = plan("slo: {control_plane: {requests_per_second: 0.1}}\n", &["--nodes", "10"]);
    assert_eq!(code, Some(64));
    assert!(
        err.starts_with("tare.yaml:1:44: slo.control_plane.requests_per_second: is 0.1, but 5000 nodes"),
        "{err}"
    );
}

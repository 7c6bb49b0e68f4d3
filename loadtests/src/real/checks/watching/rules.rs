//! `watching-rules`: promtool's unit tests, and whether they can fail.
//!
//! The tests are run on the rules as they are, then on rules in which no alert ever fires, and on rules in which each one
//! always does. Then something has to fail for every alert: one whose tests do not notice is not tested.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::real::env::Env;
use crate::real::registry::Outcome;

const NEVER: &str = "vector(1) > 1";
/// Of any fleet, whatever it does: it has the labels that texts and tests speak of.
const ALWAYS: &str = "group by (k8s_cluster_name, job) ({__name__=~\"tare_.+\"})";

pub(super) fn run(env: &mut Env) -> anyhow::Result<Outcome> {
    let rules = super::read(super::RULE_FILE)?;
    let names = alerts(&rules);
    ensure!(!names.is_empty(), "no alert in {}", super::RULE_FILE);
    let mut outcome = Outcome::default();
    if let Err(said) = tests(env, "rules", &rules)? {
        outcome.failures.push(format!("the unit tests of the rules: {said}"));
        return Ok(outcome);
    }
    for (how, expression) in [("never", NEVER), ("always", ALWAYS)] {
        let said = tests(env, how, &broken(&rules, expression))?.err().unwrap_or_default();
        for name in names.iter().filter(|name| !said.contains(**name)) {
            outcome.failures.push(format!("no test fails for {name} when it {how} fires"));
        }
    }
    let _ =
        writeln!(outcome.text, "{} alerts pass their tests; broken in two ways each fails them", names.len());
    Ok(outcome)
}

/// Runs every test file on these rules, in a folder of its own; what promtool says if they fail.
fn tests(env: &Env, name: &str, rules: &str) -> anyhow::Result<Result<(), String>> {
    let folder = env.path(name);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("rules.yaml"), rules)?;
    let mut files = Vec::new();
    for entry in fs::read_dir(super::path(super::TESTS)).context(super::TESTS)? {
        let entry = entry?;
        // They name the rules by a path from where they are: here, beside them.
        let text = fs::read_to_string(entry.path())?;
        let named = text.replace("../../helm/tare/files/rules.yaml", "rules.yaml");
        ensure!(named != text, "{}: which rules?", entry.path().display());
        fs::write(folder.join(entry.file_name()), named)?;
        files.push(entry.file_name());
    }
    ensure!(!files.is_empty(), "no tests");
    files.sort();
    let mut check = Command::new(env.program("promtool")?);
    check.args(["check", "rules", "--lint=all", "--lint-fatal", "rules.yaml"]).current_dir(&folder);
    let mut test = Command::new(env.program("promtool")?);
    test.args(["test", "rules"]).args(files).current_dir(&folder);
    for mut command in [check, test] {
        let output = command.output()?;
        if !output.status.success() {
            let said = [output.stdout, output.stderr].concat();
            return Ok(Err(String::from_utf8_lossy(&said).into_owned()));
        }
    }
    Ok(Ok(()))
}

/// The names of the alerts.
fn alerts(rules: &str) -> Vec<&str> {
    rules.lines().filter_map(|line| line.trim_start().strip_prefix("- alert: ")).collect()
}

/// The rules, every alert having this expression. Keys of a rule are eight blanks deep.
fn broken(rules: &str, expression: &str) -> String {
    let mut text = String::new();
    let (mut is_alert, mut skipping) = (false, false);
    for line in rules.lines() {
        if let Some(rule) = line.strip_prefix("      - ") {
            is_alert = rule.starts_with("alert: ");
        }
        // What is deeper goes on with the expression.
        if !line.starts_with("         ") {
            skipping = is_alert && line.starts_with("        expr:");
            if skipping {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "        expr: {expression}");
            }
        }
        if !skipping {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "groups:\n  - name: g\n    rules:\n      - alert: One\n        expr: |-\n          a\n            > 1\n        \
                         for: 1m\n      - alert: Two\n        expr: b\n        labels: {x: y}\n";

    #[test]
    fn each_alert_gets_another_expression_and_nothing_else_changes() {
        assert_eq!(alerts(RULES), ["One", "Two"]);
        let expected = RULES.replace("|-\n          a\n            > 1", "c").replace("expr: b", "expr: c");
        assert_eq!(broken(RULES, "c"), expected);
        let record = "      - record: a\n        expr: b\n";
        assert_eq!(broken(record, "c"), record);
    }
}

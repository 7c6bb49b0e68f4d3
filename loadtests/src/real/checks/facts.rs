//! What a check about foreign software finds: assumptions, each with what was expected and what was seen.

use std::fmt::Write as _;

use crate::real::registry::Outcome;

/// One assumption.
#[derive(Debug, serde::Serialize)]
pub(super) struct Fact {
    what: String,
    expected: String,
    found: String,
    holds: bool,
}

impl Fact {
    /// A fact that `holds` or does not, by a rule that `expected` describes.
    pub(super) fn new(what: &str, expected: &str, found: String, holds: bool) -> Self {
        Self { what: what.to_owned(), expected: expected.to_owned(), found, holds }
    }

    /// What is found has to be exactly this.
    pub(super) fn equal<T: PartialEq + ToString>(what: &str, expected: &T, found: &T) -> Self {
        Self::new(what, &expected.to_string(), found.to_string(), expected == found)
    }
}

/// The outcome of a check that is all facts: a table, a failure for each that does not hold, and the report
/// `<name>.json` with the schema `tare.real.<name>/v1`.
pub(super) fn outcome(name: &str, facts: &[Fact]) -> Outcome {
    let failures = facts.iter().filter(|fact| !fact.holds);
    let failures = failures.map(|fact| format!("{}: {}, not {}", fact.what, fact.found, fact.expected));
    let report = serde_json::json!({"schema": format!("tare.real.{name}/v1"), "facts": facts});
    Outcome {
        failures: failures.collect(),
        text: table(facts),
        report: Some((format!("{name}.json"), report)),
    }
}

/// A line for each fact. What was expected is left out where it was found: it would say the same twice.
fn table(facts: &[Fact]) -> String {
    let wide = facts.iter().map(|fact| fact.what.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for fact in facts {
        let mark = if fact.holds { "ok" } else { "NO" };
        // Writing to a String cannot fail.
        let _ = write!(text, "{mark} {:wide$}  {}", fact.what, fact.found);
        if fact.expected != fact.found {
            let _ = write!(text, " (expected: {})", fact.expected);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_that_does_not_hold_is_a_failure_with_both_figures() {
        let facts = [Fact::equal("seats", &7, &7), Fact::equal("status", &200, &500)];
        let outcome = outcome("ground", &facts);
        assert_eq!(outcome.failures, ["status: 500, not 200"]);
        assert_eq!(outcome.text, "ok seats   7\nNO status  500 (expected: 200)\n");
        assert_eq!(outcome.report.unwrap().1["schema"], "tare.real.ground/v1");
    }
}

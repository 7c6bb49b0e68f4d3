//! What a run found: a table for people and `target/real/results.json`, `tare.real.results/v1`.

use std::fmt::Write as _;
use std::path::Path;

use super::cache;
use super::registry::Tier;

/// The schema of `results.json`.
const SCHEMA: &str = "tare.real.results/v1";

/// One check's line.
#[derive(Debug, serde::Serialize)]
pub(super) struct CheckResult {
    pub(super) name: &'static str,
    pub(super) tier: Tier,
    pub(super) held: bool,
    /// Wall-clock seconds, builds not included.
    pub(super) wall_s: f64,
    /// CPU seconds of all processes of the check.
    pub(super) cpu_s: f64,
    /// The most memory that all its processes together held, sampled each second.
    pub(super) max_rss_bytes: u64,
    pub(super) failures: Vec<String>,
    /// What did not hold when it was first measured, where it was measured again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) at_first: Vec<String>,
}

/// All of a run.
#[derive(Debug, serde::Serialize)]
pub(super) struct Results {
    schema: &'static str,
    tier: Tier,
    /// Seconds that building took before the first check.
    build_s: f64,
    /// Whether every check of this run held, and there was one.
    held: bool,
    checks: Vec<CheckResult>,
}

impl Results {
    pub(super) fn new(tier: Tier, build_s: f64, checks: Vec<CheckResult>) -> Self {
        let held = !checks.is_empty() && checks.iter().all(|check| check.held);
        Self { schema: SCHEMA, tier, build_s, held, checks }
    }

    pub(super) fn held(&self) -> bool {
        self.held
    }

    /// Writes `results.json` into `folder`.
    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        cache::write_whole(&folder.join("results.json"), &serde_json::to_vec_pretty(self)?)
    }

    pub(super) fn table(&self) -> String {
        let wide = self.checks.iter().map(|check| check.name.len()).max().unwrap_or(5);
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:wide$}  held  {:>8}  {:>8}  {:>9}", "check", "wall s", "CPU s", "max RSS");
        for check in &self.checks {
            let held = if check.held { "yes" } else { "NO" };
            let mib = super::program::float(check.max_rss_bytes) / 1_048_576.0;
            let _ = writeln!(
                text,
                "{:wide$}  {held:4}  {:>8.1}  {:>8.1}  {mib:>5.0} MiB",
                check.name, check.wall_s, check.cpu_s
            );
        }
        for check in self.checks.iter().filter(|check| !check.at_first.is_empty()) {
            let _ =
                writeln!(text, "{} was measured again; at first: {}", check.name, check.at_first.join("; "));
        }
        let _ = write!(text, "builds took {:.1} s", self.build_s);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(held: bool) -> CheckResult {
        CheckResult {
            name: "a",
            tier: Tier::Ci,
            held,
            wall_s: 1.0,
            cpu_s: 0.5,
            max_rss_bytes: 3 << 20,
            failures: Vec::new(),
            at_first: Vec::new(),
        }
    }

    #[test]
    fn a_run_holds_only_if_every_check_does_and_there_is_one() {
        assert!(Results::new(Tier::Ci, 0.0, vec![check(true), check(true)]).held());
        assert!(!Results::new(Tier::Ci, 0.0, vec![check(true), check(false)]).held());
        assert!(!Results::new(Tier::Ci, 0.0, vec![]).held());
    }

    #[test]
    fn what_was_measured_again_is_told() {
        let again = CheckResult { at_first: vec!["9 of 8 ms".to_owned()], ..check(true) };
        let results = Results::new(Tier::Ci, 0.0, vec![check(true), again]);
        assert!(results.held());
        let told = "a was measured again; at first: 9 of 8 ms\n";
        assert_eq!(results.table().matches(told).count(), 1);
    }

    #[test]
    fn the_written_results_name_their_schema() {
        let folder = tempfile::tempdir().unwrap();
        Results::new(Tier::Ci, 0.0, vec![check(true)]).write(folder.path()).unwrap();
        let text = std::fs::read(folder.path().join("results.json")).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(value["schema"], "tare.real.results/v1");
        assert_eq!(value["checks"][0]["max_rss_bytes"], 3 << 20);
    }
}

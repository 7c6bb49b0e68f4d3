//! The list of checks. A new check is one entry in [`CHECKS`] and one module of [`super::checks`].

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use super::checks;
use super::env::Env;
use super::recipes::{self, Need};

/// The word that makes the binary run one check, inside its sandbox.
pub(super) const ROLE: &str = "__check";

/// How long a check takes and where it therefore runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Tier {
    /// Every push: at most a few minutes.
    Ci,
    /// Before a release.
    Full,
}

impl Tier {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ci => "ci",
            Self::Full => "full",
        }
    }
}

/// Beside what a check may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Lane {
    /// Nothing: it measures cost, or compares figures of the whole machine.
    Alone,
    /// Anything but a check with pods of its own, whose cgroups its agents would see.
    Node,
    /// Anything but a check with another control plane under load.
    Servers,
    /// Anything but another one of this lane.
    Beside,
    /// The same; and it lets everybody else go first, because what it shows does not depend on when it is done.
    Computing,
}

/// One check against real software.
pub(super) struct Check {
    /// What `--only` takes.
    pub(super) name: &'static str,
    /// When it runs.
    pub(super) tier: Tier,
    /// The guarantee it checks, in one line.
    pub(super) about: &'static str,
    /// What has to be built before.
    pub(super) needs: &'static [Need],
    /// It is ended, and has failed, after this long.
    pub(super) limit: Duration,
    /// What may run at the same time.
    pub(super) lane: Lane,
    /// Part of another check: not listed and only run by name.
    pub(super) hidden: bool,
    /// Runs it, in namespaces of its own.
    pub(super) run: fn(&mut Env) -> anyhow::Result<Outcome>,
}

/// What a check found.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Outcome {
    /// Why it did not hold; empty: it held.
    pub(super) failures: Vec<String>,
    /// The figures to print, as lines of text.
    pub(super) text: String,
    /// A report for `target/real/`, by file name without its extension.
    pub(super) report: Option<(String, serde_json::Value)>,
}

const MINUTE: Duration = Duration::from_mins(1);

/// Every check of the project.
pub(super) static CHECKS: &[Check] = &[
    Check {
        name: "runner-leaves-nothing",
        tier: Tier::Ci,
        about: "a runner that is killed leaves no process, mount, interface or cgroup behind",
        needs: &[],
        limit: MINUTE.saturating_mul(3),
        lane: Lane::Beside,
        hidden: false,
        run: checks::leaves_nothing::run,
    },
    Check {
        name: "leave-things",
        tier: Tier::Full,
        about: "makes one of everything and waits to be killed; part of runner-leaves-nothing",
        needs: &[],
        limit: MINUTE.saturating_mul(10),
        lane: Lane::Alone,
        hidden: true,
        run: checks::leaves_nothing::leave,
    },
    Check {
        name: "hostmetrics-parity",
        tier: Tier::Ci,
        about: "every default row of hostmetrics agrees with the collector on this machine",
        needs: &[recipes::COLLECTOR, recipes::TARE],
        limit: MINUTE.saturating_mul(4),
        lane: Lane::Alone,
        hidden: false,
        run: checks::parity::default_rows,
    },
    Check {
        name: "hostmetrics-parity-all",
        tier: Tier::Ci,
        about: "every row of hostmetrics that is off by default can be switched on and agrees",
        needs: &[recipes::COLLECTOR, recipes::TARE],
        limit: MINUTE.saturating_mul(4),
        lane: Lane::Alone,
        hidden: false,
        run: checks::parity::all_rows,
    },
    Check {
        name: "hostmetrics-parity-self",
        tier: Tier::Full,
        about: "the collector agrees with itself: the tolerances are wide enough for two reads",
        needs: &[recipes::COLLECTOR],
        limit: MINUTE.saturating_mul(4),
        lane: Lane::Alone,
        hidden: false,
        run: checks::parity::collector_with_itself,
    },
    Check {
        name: "hostmetrics-fixture",
        tier: Tier::Ci,
        about: "rows that this machine cannot produce (nfs, swap, huge pages) are equal on a fixture tree",
        needs: &[recipes::COLLECTOR, recipes::TARE],
        limit: MINUTE.saturating_mul(2),
        lane: Lane::Alone,
        hidden: false,
        run: checks::fixture::run,
    },
    Check {
        name: "hostmetrics-fixture-self",
        tier: Tier::Full,
        about: "the collector produces every row on the fixture tree",
        needs: &[recipes::COLLECTOR],
        limit: MINUTE.saturating_mul(2),
        lane: Lane::Alone,
        hidden: false,
        run: checks::fixture::collector_with_itself,
    },
    Check {
        name: "hostmetrics-cost",
        tier: Tier::Ci,
        about: "memory, CPU per point and first export stay within their bounds, side by side",
        needs: &[recipes::COLLECTOR, recipes::TARE_STATIC, recipes::FLOOR],
        limit: MINUTE.saturating_mul(5),
        lane: Lane::Alone,
        hidden: false,
        run: checks::cost::run,
    },
    checks::binary_size::CHECK,
    checks::cgroup_v2::CHECK,
    checks::image::CHECK,
    checks::image::FULL_CHECK,
    checks::systemd_unit::CHECK,
    checks::install::CHECK,
    checks::install::FULL,
    checks::allocator::CHECK,
    checks::apiserver_ground::CHECK,
    checks::apiserver_conformance::CHECK,
    checks::apiserver_mishaps::CHECK,
    checks::apiserver_prices::CHECK,
    checks::apiserver_quiet::CHECK,
    checks::chart_admission::CHECK,
    checks::flow_brake::CHECK,
    checks::kubelet_ground::CHECK,
    checks::kubelet_parity::DEFAULT,
    checks::kubelet_parity::ALL,
    checks::kubelet_parity::MANY,
    checks::kubelet_parity::ITSELF,
    checks::migrate_parity::CHECK,
    checks::kubelet_blackout::CHECK,
    checks::kubelet_blackout::FULL,
    checks::hidden_bill::CHECK,
    checks::hidden_bill::FULL,
    checks::pods_churn::CHECK,
    checks::pods_churn::FULL,
    checks::pods_cost::CHECK,
    checks::budget_audit::CHECK,
    checks::others_requests::CHECK,
    checks::others_requests::FULL,
    checks::fuzz::CHECK,
    checks::otlp_collector::CHECK,
    checks::otlp_prometheus::CHECK,
    checks::watching::RULES,
    checks::watching::LIVE,
    checks::watching::REPLAY,
    checks::crash_oracle::CHECK,
    checks::crash_oracle::FULL_CHECK,
    checks::exporter_cost::CHECK,
    checks::fleet::CHECK,
    checks::fleet::FULL,
    checks::sockets::SIMULATED,
    checks::sockets::SIMULATED_FULL,
    checks::sockets::REAL_FULL,
];

/// The checks of a tier. A check of the full tier that is another one for longer (`X-full` and `X`) stands for both.
pub(super) fn of_tier(tier: Tier) -> Vec<&'static Check> {
    let listed = || CHECKS.iter().filter(move |check| !check.hidden && check.tier <= tier);
    let is_longer = |long: &str, short: &str| long.strip_suffix("-full") == Some(short);
    listed().filter(|check| !listed().any(|other| is_longer(other.name, check.name))).collect()
}

/// The check of that name.
pub(super) fn find(name: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|check| check.name == name)
}

/// Runs one check inside its sandbox and writes `outcome.json` into its scratch folder:
/// `__check NAME SCRATCH RUN`.
pub(super) fn run_one(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    let [name, scratch, run] = arguments else { anyhow::bail!("{ROLE} NAME SCRATCH RUN") };
    let check = name.to_str().and_then(find).with_context(|| format!("no check {}", name.display()))?;
    let scratch = Path::new(scratch);
    if check.lane == Lane::Computing {
        step_back();
    }
    let outcome = Env::enter(scratch, &run.to_string_lossy()).and_then(|mut env| (check.run)(&mut env));
    let outcome = outcome.unwrap_or_else(|error| Outcome {
        failures: vec![format!("could not be carried out: {error:#}")],
        ..Outcome::default()
    });
    super::cache::write_whole(&scratch.join("outcome.json"), &serde_json::to_vec_pretty(&outcome)?)?;
    Ok(if outcome.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Takes this process and what it starts out of everybody's way. Where the kernel does not let it, it takes its share.
fn step_back() {
    rustix::process::setpriority_process(None, LAST).ok();
    // Sessions share processors evenly whatever their processes' niceness, unless a session has one of its own.
    rustix::process::setsid().ok();
    std::fs::write("/proc/self/autogroup", LAST.to_string()).ok();
}

/// The largest niceness.
const LAST: i32 = 19;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_full_tier_has_every_check_or_what_is_the_same_for_longer() {
        let names = |tier| of_tier(tier).iter().map(|check| check.name).collect::<BTreeSet<_>>();
        let (ci, full) = (names(Tier::Ci), names(Tier::Full));
        for check in CHECKS.iter().filter(|check| !check.hidden) {
            let longer = format!("{}-full", check.name);
            assert_ne!(full.contains(check.name), full.contains(&*longer), "{}", check.name);
            assert_eq!(ci.contains(check.name), check.tier == Tier::Ci, "{}", check.name);
        }
        assert!(full.contains("fleet-windows-full") && !full.contains("fleet-windows"));
    }
}

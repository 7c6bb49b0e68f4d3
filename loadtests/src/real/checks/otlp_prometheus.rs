//! `otlp-prometheus`: what tare sends to Prometheus's OTLP endpoint can be queried back, every sample of it.
//!
//! The exporter sends known figures; then the agent reports this machine to Prometheus and directly to the
//! check. Prometheus is asked for all samples it has, with their times, and they are compared with what was
//! sent under the names that the specification gives them. A point without a value must end its series.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};
use exporter::compress::Compression;
use exporter::model::Timestamp;
use exporter::output::Settings;

use super::otlp::{self, PATIENCE, Sample, Taken, Until};
use super::otlp_collector::few;
use super::prometheus::{self, labels, query};
use crate::real::env::Env;
use crate::real::program;
use crate::real::recipes;
use crate::real::registry::{Check, Lane, Outcome, Tier};

mod names;

use names::Labels;

/// The entry of the registry.
pub(in crate::real) const CHECK: Check = Check {
    name: "otlp-prometheus",
    tier: Tier::Ci,
    about: "Prometheus's OTLP endpoint takes every sample, and gives it back under the documented name",
    needs: &[recipes::PROMETHEUS, recipes::TARE],
    limit: Duration::from_mins(3),
    lane: Lane::Servers,
    hidden: false,
    run,
};

/// How long the agent reports.
const RUN: Duration = Duration::from_secs(6);

/// Every resource attribute becomes a label, so that no two series of a node share their labels.
const CONFIG: &str = "otlp: {promote_all_resource_attributes: true}\n";

/// Samples by series and by time in milliseconds.
type Store = BTreeMap<Labels, BTreeMap<i64, f64>>;

fn run(env: &mut Env) -> anyhow::Result<Outcome> {
    let mut prometheus = prometheus::start(env, CONFIG)?;
    let mut outcome = Outcome::default();
    let _ = writeln!(outcome.text, "{:28} {:>8} {:>8} {:>8}", "", "series", "samples", "equal");
    for (compression, name) in
        [(Compression::Gzip, "known figures, gzip"), (Compression::None, "known figures")]
    {
        known_figures(name, compression, &mut outcome)?;
    }
    the_agent(env, &mut outcome)?;
    prometheus.alive()?;
    Ok(outcome)
}

/// Every sample of the series that `selector` names, up to `time`.
#[expect(clippy::cast_possible_truncation, reason = "milliseconds of this century are exact in a double")]
fn stored(selector: &str, time: i64) -> anyhow::Result<Store> {
    let mut store = Store::new();
    for series in query(&format!("{selector}[1h]"), time)? {
        let samples = store.entry(labels(&series)).or_default();
        for pair in series["values"].as_array().into_iter().flatten() {
            let time = pair[0].as_f64().context("a time")?;
            let value = pair[1].as_str().and_then(|text| text.parse().ok()).context("a value")?;
            samples.insert((time * 1000.0).round() as i64, value);
        }
    }
    Ok(store)
}

fn milliseconds(sample: &Sample) -> i64 {
    i64::try_from(sample.time / 1_000_000).unwrap_or(i64::MAX)
}

/// What Prometheus should hold. Two samples of one series and time would hide each other.
fn expected(samples: &[Sample]) -> anyhow::Result<Store> {
    let mut store = Store::new();
    for sample in samples {
        let series = store.entry(names::labels(sample)).or_default();
        if let Some(value) = sample.double()
            && series.insert(milliseconds(sample), value).is_some()
        {
            bail!("two samples become one: {sample:?}");
        }
    }
    Ok(store)
}

/// Both ways; also how many samples agree.
fn compare(expected: &Store, stored: &Store) -> (usize, Vec<String>) {
    let (mut equal, mut differences) = (0, Vec::new());
    let none = BTreeMap::new();
    let all: std::collections::BTreeSet<&Labels> = expected.keys().chain(stored.keys()).collect();
    for series in all {
        let (sent, has) = (expected.get(series).unwrap_or(&none), stored.get(series).unwrap_or(&none));
        for (time, value) in sent {
            match has.get(time) {
                Some(other) if other.to_bits() == value.to_bits() => equal += 1,
                other => differences.push(format!("{series:?} at {time}: sent {value:e}, stored {other:?}")),
            }
        }
        for (time, value) in has.iter().filter(|(time, _)| !sent.contains_key(time)) {
            differences.push(format!("{series:?} at {time}: stored {value:e}, not sent"));
        }
    }
    (equal, differences)
}

fn judge(case: &str, sent: &[Sample], selector: &str, outcome: &mut Outcome) -> anyhow::Result<Store> {
    let last = sent.iter().map(milliseconds).max().context("nothing was sent")?;
    let expected = expected(sent)?;
    let (equal, differences) = compare(&expected, &stored(selector, last)?);
    let samples: usize = expected.values().map(BTreeMap::len).sum();
    let _ = writeln!(outcome.text, "{case:28} {:>8} {samples:>8} {equal:>8}", expected.len());
    few(case, &differences, &mut outcome.failures);
    Ok(expected)
}

fn known_figures(case: &str, compression: Compression, outcome: &mut Outcome) -> anyhow::Result<()> {
    let settings =
        Settings { compression, ..Settings::new("peer", &format!("{}/v1/metrics", prometheus::OTLP)) };
    let delivery = otlp::deliver(&settings, otlp::figures(case, Timestamp::now()), Until::Sent)?;
    if delivery.acknowledged != delivery.sent.len() as u64 || delivery.error.is_some() {
        outcome
            .failures
            .push(format!("{case}: {} acknowledged; {:?}", delivery.acknowledged, delivery.error));
    }
    let selector = format!("{{case=\"{case}\",__name__!=\"target_info\"}}");
    let expected = judge(case, &delivery.sent, &selector, outcome)?;
    // At the time of the last scrape the series that ended has no value and every other one has.
    let last = delivery.sent.iter().map(milliseconds).max().context("nothing was sent")?;
    let ended = delivery.sent.iter().filter(|sample| sample.value.is_none()).count();
    let alive = query(&selector, last)?.len();
    let _ = writeln!(outcome.text, "{:28} {alive:>8} alive, {ended} ended", "");
    if ended == 0 || alive + ended != expected.len() {
        let all = expected.len();
        outcome.failures.push(format!("{case}: {alive} of {all} series are alive after {ended} ended"));
    }
    Ok(())
}

/// The agent reports to Prometheus and directly to this check, and both got the same.
fn the_agent(env: &Env, outcome: &mut Outcome) -> anyhow::Result<()> {
    let direct = Taken::default();
    let receiver = direct.receiver()?;
    let config = serde_json::json!({
        "host": {"interval": "1s"},
        "outputs": [
            {"name": "direct", "otlp": {"endpoint": receiver.endpoint()}},
            {"name": "prometheus", "otlp": {"endpoint": prometheus::OTLP}},
        ],
    });
    let config = env.file("tare.yaml", &format!("{config:#}\n"))?;
    let mut command = Command::new(env.program("tare")?);
    command.args(["run", "--config"]).arg(config);
    let mut tare = env.start("tare", command)?;
    std::thread::sleep(RUN);
    tare.alive()?;
    let status = tare.terminate(PATIENCE)?;
    if !program::ended_cleanly(status) {
        outcome.failures.push(format!("tare ended with {status}"));
    }
    let mut sent = direct.samples();
    sent.retain(|sample| sample.name.starts_with("system."));
    judge("tare", &sent, "{case=\"\",__name__=~\"system_.*\"}", outcome)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_sees_a_lost_a_changed_and_a_foreign_sample() {
        let series = |value| Store::from([(Labels::new(), BTreeMap::from([(1, value), (2, 0.5)]))]);
        assert_eq!(compare(&series(1.0), &series(1.0)), (2, Vec::new()));
        assert_eq!(compare(&series(1.0), &series(1.5)).1.len(), 1);
        assert_eq!(compare(&series(1.0), &Store::new()).1.len(), 2);
        assert_eq!(compare(&Store::new(), &series(1.0)).1.len(), 2);
    }
}

//! `watching-replay`: the alerts that fire over eleven hours of the fleet in [`super::fleet`], and when.
//!
//! The fleet's reports go to a real Prometheus as OTLP, with times in the past. What it then holds, under the names and labels that it
//! gave the series, becomes the input of promtool, which is Prometheus's own rule engine with a clock that is moved: nothing depends
//! on how quick the machine is. At each moment exactly the alerts that are named here fire, and no other.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use exporter::model::Timestamp;
use exporter::request::RequestBuilder;
use serde_json::{Value, json};

use super::fleet::{self, Agent};
use crate::real::checks::prometheus;
use crate::real::env::Env;
use crate::real::registry::Outcome;

/// Minute, the alerts that fire then, and why.
const EXPECTED: &[(u32, &[&str], &str)] = &[
    (50, &[], "a healthy fleet"),
    (66, &["TareBillOverDeclaration"], "six minutes at twice the declaration"),
    (92, &["TareBillBurnsFast", "TareBillOverDeclaration"], "half an hour of it"),
    (
        99,
        &["TareAgentOverItsLimit", "TareBillBurnsFast", "TareBillOverDeclaration"],
        "each node is above its own part",
    ),
    (108, &["TareAgentOverItsLimit", "TareBillOverDeclaration"], "over; told for ten minutes more"),
    (120, &["TareAgentOverItsLimit"], "the hour still holds it"),
    (150, &[], "the hour holds too little of it"),
    (190, &[], "silent, not for long enough"),
    (198, &["TareFleetSilent"], "nothing for 18 minutes"),
    (206, &[], "the fleet is back"),
    (230, &["TareBlackout"], "two fifths of the nodes cut off"),
    (240, &["TareBlackout", "TareFleetInDistress"], "and in distress for a quarter of an hour"),
    (
        248,
        &["TareBlackout", "TareFleetInDistress", "TareFreshnessBurnsFast"],
        "and a month's allowance of staleness goes in two days",
    ),
    (262, &[], "the API server is back"),
    (490, &[], "paused, not for long enough"),
    (510, &["TarePausedTooLong"], "two nodes paused for more than four hours"),
    (566, &[], "resumed"),
    (610, &[], "a fifth of the agents away, not for long enough"),
    (625, &["TareAgentsMissing"], "for more than half an hour"),
    (650, &[], "all are back"),
];

/// The samples of a series by minute.
type Store = BTreeMap<String, BTreeMap<u32, String>>;

pub(super) fn run(env: &mut Env) -> anyhow::Result<Outcome> {
    let mut prometheus = prometheus::start(env, &super::read(super::PROMETHEUS)?)?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    // On a whole minute, and over by now.
    let begin = now.as_secs() / fleet::STEP * fleet::STEP - u64::from(fleet::MINUTES + 1) * fleet::STEP;
    let sent = send(begin)?;
    let store = stored(begin)?;
    prometheus.alive()?;
    let mut outcome = Outcome::default();
    let held: usize = store.values().map(BTreeMap::len).sum();
    if held != sent {
        outcome.failures.push(format!("Prometheus holds {held} of {sent} samples"));
    }
    let _ = writeln!(outcome.text, "{held} of {sent} samples in {} series", store.len());
    let file = env.file("replay.yaml", &serde_json::to_string(&test(&store))?)?;
    env.file("rules.yaml", &super::read(super::RULE_FILE)?)?;
    let mut promtool = Command::new(env.program("promtool")?);
    let output = promtool.args(["test", "rules"]).arg(file).output()?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        outcome.failures.push(String::from_utf8_lossy(&said).into_owned());
    }
    for (minute, alerts, why) in EXPECTED {
        let alerts = if alerts.is_empty() { "none".to_owned() } else { alerts.join(", ") };
        let _ = writeln!(outcome.text, "minute {minute:4}  {alerts:75}  {why}");
    }
    Ok(outcome)
}

/// Sends everything in the order of time; how many samples.
fn send(begin: u64) -> anyhow::Result<usize> {
    let nanoseconds = |seconds: u64| Timestamp(seconds * 1_000_000_000);
    let mut agents: Vec<_> =
        (0..fleet::NODES).map(|node| (node, Agent::new(node, nanoseconds(begin)))).collect();
    let mut sent = 0;
    for minute in 0..fleet::MINUTES {
        let time = nanoseconds(begin + u64::from(minute) * fleet::STEP);
        let mut builder = RequestBuilder::default();
        for (node, agent) in &mut agents {
            if fleet::arrives(*node, minute) {
                sent += agent.report(minute, time, &mut builder);
            }
        }
        for request in builder.drain() {
            prometheus::push(&request.body).with_context(|| format!("minute {minute}"))?;
        }
    }
    Ok(sent)
}

/// Everything that Prometheus holds of it.
fn stored(begin: u64) -> anyhow::Result<Store> {
    let end = begin + u64::from(fleet::MINUTES) * fleet::STEP;
    let end = i64::try_from(Duration::from_secs(end).as_millis())?;
    let names = prometheus::ask("label/__name__/values", &[])?;
    let mut store = Store::new();
    for name in names.as_array().context("names of metrics")?.iter().filter_map(Value::as_str) {
        if !name.starts_with("tare_") {
            continue;
        }
        for series in prometheus::query(&format!("{name}[12h]"), end)? {
            let samples = store.entry(selector(&series)).or_default();
            for pair in series["values"].as_array().into_iter().flatten() {
                let seconds = pair[0].as_f64().context("a time")?;
                samples.insert(minute(seconds, begin)?, pair[1].as_str().context("a value")?.to_owned());
            }
        }
    }
    Ok(store)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be a whole minute of a day"
)]
fn minute(seconds: f64, begin: u64) -> anyhow::Result<u32> {
    let since = Duration::from_secs_f64(seconds).saturating_sub(Duration::from_secs(begin)).as_secs_f64();
    let minute = since / 60.0;
    ensure!(minute.fract() == 0.0 && (0.0..1440.0).contains(&minute), "a sample at {seconds}");
    Ok(minute as u32)
}

fn selector(series: &Value) -> String {
    let labels = prometheus::labels(series);
    let pairs: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={value:?}")).collect();
    format!("{{{}}}", pairs.join(","))
}

/// promtool's test: the series as they are stored, and what is expected of the alerts.
fn test(store: &Store) -> Value {
    let series: Vec<_> = store
        .iter()
        .map(|(series, samples)| {
            let values = (0..fleet::MINUTES).map(|minute| samples.get(&minute).map_or("_", String::as_str));
            json!({"series": series, "values": values.collect::<Vec<_>>().join(" ")})
        })
        .collect();
    let expected: Vec<_> = EXPECTED
        .iter()
        .map(|(minute, alerts, _)| {
            let samples = alerts.iter().map(|name| json!({"labels": format!("{{alertname={name:?}}}"), "value": 1}));
            json!({
                "expr": "count by (alertname) (ALERTS{alertstate=\"firing\",job=\"tare\",k8s_cluster_name=\"replay\"})",
                "eval_time": format!("{minute}m"),
                "exp_samples": samples.collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": expected}],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_without_a_sample_is_a_gap_in_the_test() {
        let samples = BTreeMap::from([(0, "1".to_owned()), (2, "3".to_owned())]);
        let test = test(&Store::from([("{a=\"b\"}".to_owned(), samples)]));
        let series = &test["tests"][0]["input_series"][0];
        assert_eq!(series["series"], "{a=\"b\"}");
        assert!(series["values"].as_str().is_some_and(|values| values.starts_with("1 _ 3 _ _")));
        assert!(minute(1_700_000_030.0, 1_700_000_000).is_err());
        assert_eq!(minute(1_700_000_120.0, 1_700_000_000).unwrap(), 2);
    }
}

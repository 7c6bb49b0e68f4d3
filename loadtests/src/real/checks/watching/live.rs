//! `watching`: every query that people are given, asked of a Prometheus to which running agents report.
//!
//! Four agents, each with a node's name, ask a real API server; one runs dry, one is paused, and an output of each leads
//! nowhere. Prometheus has the configuration of `deploy/watching/prometheus.yaml`, evaluates the shipped rules each second, and takes every
//! query apart itself: each selector in it has to select something that an agent really sent, with the labels by which the
//! query groups it. So a metric that is renamed, or an attribute that does not become a label, is found also where the
//! answer is empty for a good reason, as that of an alert.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::syntax;
use crate::real::checks::prometheus::{self, OTLP};
use crate::real::cluster::accounts::{Account, Right};
use crate::real::cluster::{Cluster, populate};
use crate::real::env::Env;
use crate::real::program::{self, Program};
use crate::real::registry::Outcome;

/// How many nodes there are; the last but one runs dry, the last one is paused.
const NODES: usize = 4;
/// What the chart asks for without the kubelet.
const RIGHTS: [Right<'static>; 2] =
    [("", &["pods"], &["list", "watch"]), ("apps", &["daemonsets"], &["get"])];
/// Until every series is there. On an idle machine it takes half a minute: an agent asks nothing in its first ten seconds.
const PATIENCE: Duration = Duration::from_mins(8);
/// How long an agent may take to end.
const STOP: Duration = Duration::from_secs(20);

/// What may find nothing, and why. Everything else has to find something.
const MAY_BE_EMPTY: &[(&str, &str)] = &[
    ("tare_fleet:agents:cut_off", "no node has lost an API server that it had"),
    ("Nodes cut off", "no node has lost an API server that it had"),
];

/// A query that people are given.
#[derive(Debug)]
struct Query {
    place: String,
    text: String,
    /// Labels that its answer is shown by.
    shown: BTreeSet<String>,
    /// An alert must not find anything here.
    is_alert: bool,
}

pub(super) fn run(env: &mut Env) -> anyhow::Result<Outcome> {
    let cluster = Cluster::start(env)?;
    populate::prepare(&cluster.admin()?, NODES)?;
    // An account is mounted where a pod has it: not on this machine's own /run.
    env.execute("mount", ["-t", "tmpfs", "tmpfs", "/run"])?;
    let account = cluster.account(env, "watched", &RIGHTS)?;
    let config = super::read(super::PROMETHEUS)?;
    let quick = config.replace("evaluation_interval: 30s", "evaluation_interval: 1s");
    ensure!(quick != config, "{}: how often are rules evaluated?", super::PROMETHEUS);
    env.file("rules.yaml", &super::read(super::RULE_FILE)?)?;
    let mut prometheus = prometheus::start(env, &quick)?;
    let mut agents = (0..NODES).map(|node| agent(env, &account, node)).collect::<anyhow::Result<Vec<_>>>()?;
    let queries = queries()?;
    let mut missing = BTreeMap::new();
    let until = Instant::now() + PATIENCE;
    loop {
        prometheus.alive()?;
        agents.iter_mut().try_for_each(Program::alive)?;
        missing.clear();
        for query in &queries {
            let lacks = lacks(query).with_context(|| format!("{}: {}", query.place, query.text))?;
            missing.extend((!lacks.is_empty()).then_some((&query.place, lacks)));
        }
        if missing.is_empty() || Instant::now() > until {
            break;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    let mut outcome = Outcome::default();
    for (place, lacks) in missing {
        outcome.failures.extend(lacks.into_iter().map(|what| format!("{place}: {what}")));
    }
    for series in prometheus::query_now("ALERTS{alertstate=\"firing\"}")? {
        outcome.failures.push(format!("fires on a healthy fleet: {:?}", prometheus::labels(&series)));
    }
    for agent in &mut agents {
        let status = agent.terminate(STOP)?;
        if !program::ended_cleanly(status) {
            outcome.failures.push(format!("an agent ended with {status}"));
        }
    }
    let selectors: usize = queries.iter().map(|query| selectors_of(query).map_or(0, |all| all.len())).sum();
    let _ = writeln!(
        outcome.text,
        "{} queries with {selectors} selectors over what {NODES} agents sent; {} alerts are silent",
        queries.len(),
        queries.iter().filter(|query| query.is_alert).count()
    );
    Ok(outcome)
}

/// One agent on a node of its own.
fn agent(env: &Env, account: &Account, node: usize) -> anyhow::Result<Program> {
    let state = env.path(&format!("state-{node}"));
    fs::create_dir_all(&state)?;
    if node + 1 == NODES {
        fs::write(state.join("pause"), "")?;
    }
    let disk_log = json!({"directory": env.path(&format!("log-{node}"))});
    let config = json!({
        "host": {"interval": "1s"},
        "control": {"self_telemetry_interval": "1s"},
        "kubelet": {"access": "off"},
        "dry_run": node + 2 == NODES,
        // Otherwise thousands of nodes are assumed, and the first turn is hours away.
        "cluster": {"assume": NODES},
        "outputs": [
            {"name": "prometheus", "otlp": {"endpoint": OTLP}},
            {"name": "away", "otlp": {"endpoint": "http://localhost:9", "disk_log": disk_log}},
        ],
    });
    let config = env.file(&format!("tare-{node}.yaml"), &format!("{config:#}\n"))?;
    let mut command = account.command(env.program("tare")?);
    command.args(["run", "--config"]).arg(config);
    command.arg("--state-dir").arg(state).arg("--socket").arg(env.path(&format!("tare-{node}.sock")));
    command
        .env("NODE_NAME", format!("watched-{node}"))
        .env("TARE_DAEMONSET", "tare")
        .env("OTEL_RESOURCE_ATTRIBUTES", "k8s.cluster.name=watched");
    start(env, node, command)
}

fn start(env: &Env, node: usize, command: Command) -> anyhow::Result<Program> {
    env.start(&format!("tare-{node}"), command)
}

/// Every query of the rules, the dashboard and the objectives.
fn queries() -> anyhow::Result<Vec<Query>> {
    let mut queries = Vec::new();
    let rules = prometheus::ask("rules", &[])?;
    let groups = rules["groups"].as_array().context("groups of rules")?;
    for rule in groups.iter().filter_map(|group| group["rules"].as_array()).flatten() {
        queries.push(Query {
            place: text(&rule["name"]),
            text: text(&rule["query"]),
            shown: BTreeSet::new(),
            is_alert: rule["type"] == "alerting",
        });
    }
    let dashboard = super::read(super::DASHBOARD)?;
    queries.extend(shown(&serde_json::from_str(&dashboard).context(super::DASHBOARD)?));
    let objectives = super::read(super::OBJECTIVES)?;
    for (number, line) in objectives.lines().enumerate() {
        if let Some(query) = line.trim().strip_prefix("query: ") {
            let place = format!("slo.yaml:{}", number + 1);
            queries.push(Query { place, text: query.to_owned(), shown: BTreeSet::new(), is_alert: false });
        }
    }
    for place in ["TareBillOverDeclaration", "Nodes in each state", "slo.yaml"] {
        ensure!(queries.iter().any(|query| query.place.starts_with(place)), "no query of {place}");
    }
    Ok(queries)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What a dashboard asks, with its variables set to everything.
fn shown(dashboard: &Value) -> Vec<Query> {
    let mut queries = Vec::new();
    let set = |text: &str| {
        let text = text.replace("$__rate_interval", "30s").replace("$__range", "5m");
        text.replace("$cluster", ".*").replace("$job", ".*").replace("$node", ".*")
    };
    for panel in dashboard["panels"].as_array().into_iter().flatten() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let legend = text(&target["legendFormat"]);
            let shown = legend.split("{{").skip(1).filter_map(|rest| rest.split_once("}}"));
            queries.push(Query {
                place: text(&panel["title"]),
                text: set(&text(&target["expr"])),
                shown: shown.map(|(label, _)| label.trim().to_owned()).collect(),
                is_alert: false,
            });
        }
    }
    for variable in dashboard["templating"]["list"].as_array().into_iter().flatten() {
        // label_values(SELECTOR, LABEL)
        let definition = text(&variable["definition"]);
        let values = definition.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
        if let Some((selector, label)) = values.and_then(|values| values.rsplit_once(',')) {
            queries.push(Query {
                place: format!("variable {}", text(&variable["name"])),
                text: set(selector),
                shown: BTreeSet::from([label.trim().to_owned()]),
                is_alert: false,
            });
        }
    }
    queries
}

fn selectors_of(query: &Query) -> anyhow::Result<BTreeSet<syntax::Selector>> {
    Ok(syntax::selectors(&prometheus::ask("parse_query", &[("query", &query.text)])?))
}

fn may_be_empty(text: &str) -> bool {
    MAY_BE_EMPTY.iter().any(|(what, _)| text.contains(what))
}

/// What is not there that the query needs; nothing if all is well.
fn lacks(query: &Query) -> anyhow::Result<Vec<String>> {
    let mut lacks = Vec::new();
    let answer = prometheus::query_now(&query.text)?;
    if answer.is_empty() && !query.is_alert && !may_be_empty(&query.place) {
        lacks.push(format!("nothing is found by {}", query.text));
    }
    for label in &query.shown {
        if !answer.is_empty() && !answer.iter().any(|series| series["metric"].get(label).is_some()) {
            lacks.push(format!("no series has the label {label}, by which it is shown"));
        }
    }
    for selector in selectors_of(query)? {
        if may_be_empty(&selector.query) {
            continue;
        }
        let series = prometheus::query_now(&selector.query)?;
        if series.is_empty() {
            lacks.push(format!("nothing is selected by {}", selector.query));
        }
        for label in &selector.labels {
            if !series.is_empty() && !series.iter().any(|series| series["metric"].get(label).is_some()) {
                lacks.push(format!("what {} selects has no label {label}", selector.query));
            }
        }
    }
    Ok(lacks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dashboards_queries_are_those_of_its_panels_and_variables_and_what_they_are_shown_by() {
        let dashboard = json!({
            "panels": [{"title": "A", "targets": [{"expr": "a{job=~\"$job\"}", "legendFormat": "{{x}} of {{ y }}"}]}],
            "templating": {"list": [
                {"name": "datasource", "query": "prometheus"},
                {"name": "job", "definition": "label_values(b{c=~\"$cluster\"}, job)"},
            ]},
        });
        let found: Vec<_> = shown(&dashboard)
            .into_iter()
            .map(|query| (query.place, query.text, query.shown.into_iter().collect::<Vec<_>>()))
            .collect();
        let owned = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            found,
            [
                ("A".to_owned(), "a{job=~\".*\"}".to_owned(), owned(&["x", "y"])),
                ("variable job".to_owned(), "b{c=~\".*\"}".to_owned(), owned(&["job"])),
            ]
        );
    }
}

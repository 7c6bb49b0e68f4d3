//! `migrate-parity`: the collector with what its chart renders, and tare with what `tare migrate` makes of that, on one node.
//!
//! Every row that is on by default has to be there on both sides with the same values, and the attributes of every resource both
//! ways. What differs with a documented reason is named in [`WITHOUT`] and [`MORE`]; a name there that no longer differs fails.

mod chart;
mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use self::chart::Translation;
use super::agents::Agent;
use super::facts::{self, Fact};
use super::kubelet_parity::{LAG, SETTLE, START_SLACK};
use super::parity::{absent_here, host_rows, rules, verdict};
use super::pods::{self, Ground, PREFIXES};
use crate::parity::compare::Settings;
use crate::parity::report::{Report, SCHEMA};
use crate::parity::starts::Starts;
use crate::parity::stream::Stream;
use crate::real::cluster::accounts::Account;
use crate::real::cluster::{Setup, node};
use crate::real::env::Env;
use crate::real::registry::{Check, Lane, Outcome, Tier};

/// A node in ordinary use.
const PODS: usize = 30;

/// What the chart sets.
const HOST_INTERVAL: Duration = Duration::from_secs(10);
const POD_INTERVAL: Duration = Duration::from_secs(20);

/// The scrapers of the chart's preset.
const SCRAPERS: [&str; 6] = ["cpu", "disk", "filesystem", "load", "memory", "network"];

/// The kubelet's volumes: neither the collector nor tare reports them unless the group is named.
const NO_GROUP: &str = "k8s.volume.";

/// Until both know everything: the first watch, the first scrapes.
const WARM_UP: Duration = Duration::from_mins(1);

/// How long both are compared: enough reads of the collector around reads of tare, although the kubelet's may be old.
const LENGTH: Duration = Duration::from_secs(170);

/// What the collector says and tare does not: the attribute, and where `tare migrate` lists it as left out.
const WITHOUT: [(&str, &str); 1] = [("k8s.cluster.uid", "processors.k8s_attributes.extract.metadata[18]")];

/// What tare says and the collector does not: of what kind of resource, and which attribute. Tare describes the host on every
/// resource; the collector does so where its resourcedetection is told to, which this chart does not.
const MORE: [&str; 6] = [
    "container host.name",
    "container os.type",
    "node host.name",
    "node os.type",
    "pod host.name",
    "pod os.type",
];

/// The entry of the registry.
pub(in crate::real) const CHECK: Check = Check {
    name: "migrate-parity",
    tier: Tier::Full,
    about: "the collector with what its chart renders, and tare with the translation of it: the same default rows and attributes",
    needs: pods::NEEDS,
    limit: Duration::from_mins(15),
    // The host's figures are compared too.
    lane: Lane::Alone,
    hidden: false,
    run: |env| run(env),
};

fn run(env: &Env) -> anyhow::Result<Outcome> {
    let mut ground = Ground::prepare(env, PODS, Setup::default())?;
    let variables = chart::variables(&node::name(), &node::ADDRESS.to_string());
    let account = pods::collector::account(env, &ground.cluster, "collector")?;
    let mut collector = Agent::start(env, "collector", |endpoint| {
        let text = chart::for_the_collector(&chart::original(endpoint, &root(env)?)?)?;
        let mut command = on_the_node(env, &account, env.program("otelcol")?)?;
        command.arg("--config").arg(env.file("collector.yaml", &text)?).envs(variables.clone());
        Ok(command)
    })?;
    // Half an interval apart, so that each read of one lies well between two of the other.
    std::thread::sleep(HOST_INTERVAL / 2);
    let account = pods::tare::account(env, &ground.cluster)?;
    let mut translation = Translation::default();
    let mut tare = Agent::start(env, "tare", |endpoint| {
        translation = chart::translate(env, &chart::original(endpoint, &root(env)?)?, &variables)?;
        let config = env.file("tare.yaml", &format!("{}{}", translation.text, chart::ADDED))?;
        let mut command = on_the_node(env, &account, env.program("tare")?)?;
        command.args(["run", "--config"]).arg(config);
        command.arg("--state-dir").arg(env.path("state")).arg("--socket").arg(env.path("tare.sock"));
        Ok(command)
    })?;
    ground.wait(&mut [&mut collector, &mut tare], WARM_UP)?;
    let skipped = (collector.received(), tare.received());
    ground.wait(&mut [&mut collector, &mut tare], LENGTH)?;
    let pods = node::on_the_node(&ground.cluster.admin()?)?;
    let mut failures: Vec<_> =
        [tare.stop("tare"), collector.stop("collector")].into_iter().flatten().collect();
    drop(ground);

    let streams = (Stream::of(&collector.requests()[skipped.0..]), Stream::of(&tare.requests()[skipped.1..]));
    let judged = judge(streams, collector.began(), &translation, &pods)?;
    failures.extend(judged.failures);
    Ok(Outcome { failures, ..judged })
}

/// Where both see the node, as a container has its mount.
fn root(env: &Env) -> anyhow::Result<String> {
    let root = env.path("hostfs");
    std::fs::create_dir_all(&root)?;
    Ok(root.display().to_string())
}

/// A command that runs `program` with an account, and the node below [`root`], in a mount namespace of its own.
fn on_the_node(env: &Env, account: &Account, program: &Path) -> anyhow::Result<std::process::Command> {
    const MOUNT: &str = "mount --rbind / \"$0\" && exec \"$@\"";
    let mut command = account.command(Path::new("sh"));
    command.args(["-c", MOUNT, &root(env)?]).arg(program);
    Ok(command)
}

/// The pods that the kubelet runs from files: the collector's association by uid does not find what the API server calls them.
fn static_pods(pods: &[Value]) -> BTreeSet<String> {
    let statics =
        pods.iter().filter(|pod| !pod["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_null());
    statics.filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned)).collect()
}

/// Both comparisons, and the attributes of resources both ways.
fn judge(
    (mut theirs, ours): (Stream, Stream),
    began: u64,
    translation: &Translation,
    pods: &[Value],
) -> anyhow::Result<Outcome> {
    let mut facts = Vec::new();
    for (attribute, place) in WITHOUT {
        let listed = translation.left_out.iter().any(|line| line.contains(&format!(" {place}: ")));
        let taken = names::take(&mut theirs, attribute);
        facts.push(Fact::new(
            &format!("resources for which only the collector says {attribute}"),
            "some, and tare migrate lists it",
            format!("{taken}, listed: {listed}"),
            taken > 0 && listed,
        ));
    }
    let text = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
    let unnamed = names::unnamed(&theirs);
    let found = names::names(&theirs, &unnamed);
    facts.push(Fact::equal(
        "pods that the collector finds no name for: static ones",
        &text(&static_pods(pods)),
        &text(&found),
    ));
    let unnamed_by_tare = names::names(&ours, &names::unnamed(&ours));
    facts.push(Fact::equal("pods that tare finds no name for", &String::new(), &text(&unnamed_by_tare)));
    let added = names::added(&ours, &theirs, &unnamed);
    let more = MORE.map(str::to_owned).into();
    facts.push(Fact::equal("attributes that only tare gives", &text(&more), &text(&added)));

    let rows = rows()?;
    let rules = rules()?;
    let settings = |host: bool| -> anyhow::Result<Settings> {
        Ok(Settings {
            rows: rows.iter().filter(|row| (row.receiver == "hostmetrics") == host).cloned().collect(),
            interval: if host { HOST_INTERVAL } else { POD_INTERVAL },
            settle: SETTLE,
            lag: if host { Duration::ZERO } else { LAG },
            start_slack: START_SLACK,
            starts: Starts::of(pods),
            began,
            may_be_absent: if host { absent_here()? } else { BTreeSet::new() },
            exact: false,
        })
    };
    let part = |stream: &Stream, prefixes: &[&str]| stream.clone().only(prefixes);
    let host =
        [&theirs, &ours].map(|stream| Stream { resources: BTreeMap::new(), ..part(stream, &["system."]) });
    let kubelet = [&theirs, &ours].map(|stream| part(stream, &PREFIXES));
    let reports = [
        Report::of(&host[0], &host[1], &settings(true)?, &rules),
        Report::of(&kubelet[0], &kubelet[1], &settings(false)?, &rules),
    ];
    let known = |stream: &Stream| -> BTreeSet<String> {
        let foreign = |name: &&String| !rows.iter().any(|row| row.metric == **name);
        stream.metrics.keys().filter(foreign).cloned().collect()
    };
    facts.push(Fact::equal(
        "metrics of the collector beyond the default rows",
        &String::new(),
        &text(&known(&theirs)),
    ));
    facts.push(Fact::equal("metrics of tare beyond the default rows", &String::new(), &text(&known(&ours))));

    let outcome = facts::outcome("migrate-parity", &facts);
    let mut failures = outcome.failures;
    failures.extend(reports.iter().filter_map(verdict));
    let text = format!(
        "{}{}\n{}left out of the collector's configuration, because it is not built here: {}\nadded to the translation: {}\
         left out by tare migrate:\n  {}\n",
        reports[0].table(),
        reports[1].table(),
        outcome.text,
        chart::NOT_BUILT.join(", "),
        chart::ADDED,
        translation.left_out.join("\n  "),
    );
    let holds = failures.is_empty();
    let report = json!({
        "schema": SCHEMA, "check": "migrate-parity", "pods": PODS, "holds": holds, "facts": facts,
        "host": reports[0], "kubelet": reports[1],
    });
    Ok(Outcome { failures, text, report: Some(("migrate-parity.json".to_owned(), report)) })
}

/// The default rows of what the chart switches on.
fn rows() -> anyhow::Result<Vec<crate::parity::contract::Row>> {
    let host = host_rows()?.into_iter().filter(|row| SCRAPERS.contains(&row.scraper.as_str()));
    let pods = pods::rows()?.into_iter().filter(|row| !row.metric.starts_with(NO_GROUP));
    Ok(host.chain(pods).filter(|row| row.default_on).collect())
}

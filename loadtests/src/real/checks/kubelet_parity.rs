//! `kubeletstats-parity` and its variants: two agents on one node, at the same time, have to agree about its pods.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::agents::{self, Agent};
use super::parity::{Subject, rules, verdict};
use super::pods::{self, Ground, INTERVAL, Job, PREFIXES};
use crate::parity::compare::Settings;
use crate::parity::contract::Row;
use crate::parity::report::{Report, SCHEMA};
use crate::parity::starts::Starts;
use crate::parity::stream::Stream;
use crate::real::cluster::{Setup, node};
use crate::real::env::Env;
use crate::real::recipes::{self, Need};
use crate::real::registry::{Check, Lane, Outcome, Tier};

/// A node in ordinary use, and a full one.
const PODS: usize = 30;
const FULL: usize = 110;

/// Until both know everything: the first watch, the first scrapes, the first look at every volume.
const WARM_UP: Duration = Duration::from_mins(1);

/// How many intervals are compared: two looks at least at a volume whose content the kubelet has written itself, at which it
/// looks only when it writes it again, after 60 to 90 s.
const INTERVALS: u32 = 18;

/// An agent stamps a scrape and then reads; on a busy machine it may wait this long.
pub(super) const SETTLE: Duration = Duration::from_millis(500);

/// The kubelet looks at a container every 10 s and a random part more, up to 15 s when nothing happens there, and again
/// only when it comes to that.
pub(super) const LAG: Duration = Duration::from_secs(20);

/// The kubelet gives whole seconds. What lies further apart has to lie in the span that the API server gives of the pod or
/// container: between the kubelet's first look at a pod and its cgroup were 16 s where 110 started at once on two cores.
pub(super) const START_SLACK: Duration = Duration::from_millis(1500);

/// The same without the product.
const FOREIGN: &[Need] = &[
    recipes::COLLECTOR,
    recipes::ETCD,
    recipes::KUBE_APISERVER,
    recipes::KUBE_CONTROLLER_MANAGER,
    recipes::KUBELET,
    recipes::IMAGE,
];

/// The entries of the registry.
pub(in crate::real) const DEFAULT: Check = Check {
    name: "kubeletstats-parity",
    tier: Tier::Full,
    about: "every default row of kubeletstats agrees with the collector on 30 real pods, with the names of k8sattributes",
    needs: pods::NEEDS,
    limit: Duration::from_mins(15),
    lane: Lane::Node,
    hidden: false,
    run: |env| side_by_side(env, DEFAULT.name, &Variant { pods: PODS, all: false, subject: Subject::Tare }),
};

pub(in crate::real) const ALL: Check = Check {
    name: "kubeletstats-parity-all",
    tier: Tier::Full,
    about: "every row of kubeletstats that is off by default, and every interface, can be switched on and agrees",
    run: |env| side_by_side(env, ALL.name, &Variant { pods: PODS, all: true, subject: Subject::Tare }),
    ..DEFAULT
};

pub(in crate::real) const MANY: Check = Check {
    name: "kubeletstats-parity-110",
    tier: Tier::Full,
    about: "every row of kubeletstats agrees with the collector on 110 real pods",
    // Beside others, two cores keep the kubelet from answering within the second after which tare lets it alone.
    lane: Lane::Alone,
    run: |env| side_by_side(env, MANY.name, &Variant { pods: FULL, all: true, subject: Subject::Tare }),
    ..DEFAULT
};

pub(in crate::real) const ITSELF: Check = Check {
    name: "kubeletstats-parity-self",
    tier: Tier::Full,
    about: "the collector agrees with itself about pods: the tolerances are wide enough for two reads",
    needs: FOREIGN,
    run: |env| {
        side_by_side(env, ITSELF.name, &Variant { pods: PODS, all: true, subject: Subject::Collector })
    },
    ..DEFAULT
};

struct Variant {
    pods: usize,
    /// Every row and every interface.
    all: bool,
    subject: Subject,
}

fn side_by_side(env: &Env, name: &str, variant: &Variant) -> anyhow::Result<Outcome> {
    let mut rules = rules()?;
    if variant.subject == Subject::Collector {
        // What is accepted of tare says nothing about the collector.
        rules.exceptions.clear();
    }
    let rows: Vec<Row> = pods::rows()?.into_iter().filter(|row| variant.all || row.default_on).collect();
    let job = Job { rows: rows.clone(), all_interfaces: variant.all, scrapers: &[] };
    let mut ground = Ground::prepare(env, variant.pods, Setup::default())?;
    let mut collector = pods::collector::start(env, &ground.cluster, "collector", &job)?;
    // Half an interval apart, so that each read of one lies well between two of the other.
    std::thread::sleep(INTERVAL / 2);
    let mut tare = match variant.subject {
        Subject::Tare => {
            let account = pods::tare::account(env, &ground.cluster)?;
            pods::tare::start(env, recipes::TARE, &account, &job)?
        }
        Subject::Collector => pods::collector::start(env, &ground.cluster, "second", &job)?,
    };
    ground.wait(&mut [&mut collector, &mut tare], WARM_UP)?;
    let skipped = (collector.received(), tare.received());
    let begin = (collector.usage()?, tare.usage()?);
    ground.wait(&mut [&mut collector, &mut tare], INTERVAL * INTERVALS)?;
    let figures = (collector.figures(begin.0)?, tare.figures(begin.1)?);
    let pods = node::on_the_node(&ground.cluster.admin()?)?;
    let mut failures: Vec<_> =
        [tare.stop(variant.subject.name()), collector.stop("collector")].into_iter().flatten().collect();
    drop(ground);

    let settings = Settings {
        rows,
        interval: INTERVAL,
        settle: SETTLE,
        lag: LAG,
        start_slack: START_SLACK,
        starts: Starts::of(&pods),
        began: collector.began(),
        may_be_absent: BTreeSet::new(),
        exact: false,
    };
    let stream = |agent: &Agent, skipped: usize| Stream::of(&agent.requests()[skipped..]).only(&PREFIXES);
    let streams = (stream(&collector, skipped.0), stream(&tare, skipped.1));
    let report = Report::of(&streams.0, &streams.1, &settings, &rules);
    failures.extend(verdict(&report));
    let text = format!(
        "{}\n{}containers restarted before the comparison: {}\nstarts of sums lie up to {} ms apart\n",
        report.table(),
        agents::table(&[("collector", &figures.0), (variant.subject.name(), &figures.1)]),
        restarts(&pods),
        report.starts_apart_ms(),
    );
    let json = serde_json::json!({
        "schema": SCHEMA, "check": name, "pods": variant.pods, "holds": report.holds(),
        "cost": {"collector": figures.0, "tare": figures.1}, "report": report,
    });
    Ok(Outcome { failures, text, report: Some((format!("{name}.json"), json)) })
}

/// How many containers had been restarted: their names and figures are compared too.
fn restarts(pods: &[Value]) -> usize {
    let containers = pods.iter().filter_map(|pod| pod["status"]["containerStatuses"].as_array()).flatten();
    containers.filter(|container| container["restartCount"] != 0).count()
}

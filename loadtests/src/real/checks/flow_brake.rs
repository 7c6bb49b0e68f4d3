//! `flow-brake`: the chart's priority level on a real API server. Clients that overspend under tare's identity, which exist only
//! here, are answered 429; somebody else's requests are as quick as before; and a fleet that keeps its word is never
//! refused, not even when a whole worst window of it arrives at one instant.

mod storm;

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::bail;

use self::storm::Storm;
use super::facts::{self, Fact};
use crate::real::cache;
use crate::real::cluster::Cluster;
use crate::real::cluster::audit::Reader;
use crate::real::cluster::http::Client;
use crate::real::cluster::objects::PRODUCT;
use crate::real::cluster::pods::node_name;
use crate::real::cluster::populate::{self, Population};
use crate::real::env::Env;
use crate::real::recipes::{self, Need};
use crate::real::registry::{Check, Lane, Outcome, Tier};

/// Enough that a list of all of them costs something.
const POPULATION: Population = Population { nodes: 100, pods: 2000, running_below: 0 };

/// Clients that overspend, and how many requests each has in flight: together more than the queue holds.
const CLIENTS: usize = 200;
const IN_FLIGHT: usize = 4;

/// The declaration that the level is rendered for, requests in a worst window of 10 s: what the turns' rule allows.
const WORST_WINDOW: usize = 500;

/// A list from a version that does not exist yet: the server waits for it for 3 s, in the request's seats, and then gives up.
/// That costs it nothing but seats, of which alone this check is: the machine's CPU is divided by nobody here.
const SLOW: &str = "/api/v1/pods?resourceVersion=999999999999&limit=1";

/// How long the neighbour's requests are timed, before and during.
const LENGTH: Duration = Duration::from_secs(15);

/// By how much the neighbour's 99th percentile may grow: the machine is the same, and has two cores.
const FACTOR: u32 = 3;
const SLACK: Duration = Duration::from_millis(250);

/// Whom the API server takes tare's agents for.
const USER: &str = "system:serviceaccount:tare:tare";

const NEEDS: &[Need] = &[recipes::ETCD, recipes::KUBE_APISERVER, recipes::HELM];

/// The entry of the registry.
pub(in crate::real) const CHECK: Check = Check {
    name: "flow-brake",
    tier: Tier::Ci,
    about: "the chart's priority level refuses 200 overspenders, slows nobody else, and never refuses a fleet that keeps its word",
    needs: NEEDS,
    limit: Duration::from_mins(10),
    lane: Lane::Servers,
    hidden: false,
    run: |env| run(env),
};

fn run(env: &Env) -> anyhow::Result<Outcome> {
    let mut cluster = Cluster::start(env)?;
    let admin = cluster.admin()?;
    populate::prepare(&admin, POPULATION.nodes)?;
    populate::create(&admin, POPULATION, |_| true)?;
    let neighbour = cluster.account(env, "neighbour", &[("", &["namespaces"], &["get"])])?;
    let neighbour = cluster.client(&neighbour.token()?, "brake/neighbour")?;
    let agents = cluster.client(&populate::token(&admin, PRODUCT)?, "brake/agents")?;
    brake(env, &cluster)?;
    let mut facts = level(&admin)?;

    facts.extend(healthy(&cluster, &agents)?);
    let before = neighbours(&neighbour)?;
    let storm = Storm::begin(&agents, SLOW, CLIENTS * IN_FLIGHT)?;
    storm.wait_refused()?;
    let during = neighbours(&neighbour)?;
    let statuses = storm.end()?;
    cluster.alive()?;

    let refused = statuses.get(&429).copied().unwrap_or_default();
    let served: usize = statuses.iter().filter(|(status, _)| **status != 429).map(|(_, count)| count).sum();
    let text: Vec<_> = statuses.iter().map(|(status, count)| format!("{count} x {status}")).collect();
    facts.push(Fact::new(
        &format!("answers to {CLIENTS} clients with {IN_FLIGHT} requests in flight each"),
        "some served, more refused with 429",
        text.join(", "),
        served > 0 && refused > served,
    ));
    let bound = before.p99 * FACTOR + SLACK;
    facts.push(Fact::new(
        "another identity's requests, before",
        "all answered 200",
        before.told(),
        before.failed == 0,
    ));
    facts.push(Fact::new(
        "another identity's requests, during",
        &format!("all answered 200, p99 at most {} ms", bound.as_millis()),
        during.told(),
        during.failed == 0 && during.p99 <= bound,
    ));
    let mut reader = Reader::new(&cluster.audit_log());
    let counts = reader.settle(Duration::from_secs(2), |kind| kind.user == USER)?;
    let audited = counts.total(|kind| kind.user == USER && kind.code == 429);
    let others = counts.total(|kind| kind.user != USER && kind.code == 429);
    facts.push(Fact::new(
        "429 to tare's identity, by the audit log",
        "some",
        audited.to_string(),
        audited > 0,
    ));
    facts.push(Fact::equal("429 to anybody else", &0, &others));
    Ok(facts::outcome(CHECK.name, &facts))
}

/// Applies what the chart renders.
fn brake(env: &Env, cluster: &Cluster) -> anyhow::Result<()> {
    let chart = cache::repository().join("deploy/helm/tare");
    let output = Command::new(env.program("helm")?)
        .args(["template", PRODUCT, "--namespace", PRODUCT, "--set", "flowControl.enabled=true"])
        .args(["--show-only", "templates/flowcontrol.yaml"])
        .arg(chart)
        .env("HELM_CACHE_HOME", env.path("helm"))
        .output()?;
    if !output.status.success() {
        bail!("helm template: {}", String::from_utf8_lossy(&output.stderr));
    }
    let rendered = env.file("flowcontrol.yaml", &String::from_utf8_lossy(&output.stdout))?;
    cluster.kubectl(["apply", "-f", &rendered.to_string_lossy()])?;
    // The server takes a moment to divide its seats anew.
    std::thread::sleep(Duration::from_secs(5));
    Ok(())
}

/// What the server made of it.
fn level(admin: &Client) -> anyhow::Result<Vec<Fact>> {
    let body = admin.get("/debug/api_priority_and_fairness/dump_priority_levels")?.body;
    let text = String::from_utf8_lossy(&body).into_owned();
    let found = text.lines().find(|line| line.starts_with("tare-tare,")).unwrap_or_default();
    Ok(vec![Fact::new("the level at the server", "active", found.to_owned(), !found.is_empty())])
}

/// A whole worst window of a healthy fleet at one instant: half LISTs of a node, half watches of one.
fn healthy(cluster: &Cluster, agents: &Client) -> anyhow::Result<Vec<Fact>> {
    let paths: Vec<_> = (0..WORST_WINDOW)
        .map(|number| {
            let node = node_name(number / 2 % POPULATION.nodes);
            let own = format!(
                "fieldSelector=spec.nodeName%3D{node},status.phase!%3DSucceeded,status.phase!%3DFailed&resourceVersion=0"
            );
            match number % 2 {
                0 => format!("/api/v1/pods?{own}&limit=110"),
                _ => format!("/api/v1/pods?{own}&watch=true&timeoutSeconds=2"),
            }
        })
        .collect();
    let mut worst = Duration::ZERO;
    let mut refused = 0;
    let mut others = 0;
    for _ in 0..3 {
        for (status, took) in storm::at_once(agents, &paths)? {
            worst = worst.max(took);
            refused += usize::from(status == 429);
            others += usize::from(status != 200 && status != 429);
        }
    }
    let audited = Reader::new(&cluster.audit_log())
        .settle(Duration::from_secs(2), |kind| kind.user == USER)?
        .total(|kind| kind.user == USER && kind.code == 429);
    let all = 3 * WORST_WINDOW;
    Ok(vec![
        Fact::equal(
            &format!("of {all} requests, three worst windows of 10 s each at one instant, refused"),
            &0,
            &refused,
        ),
        Fact::equal("the same by the audit log", &0, &audited),
        Fact::equal("answered otherwise than 200", &0, &others),
        Fact::new("the slowest of them", "told", format!("{} ms", worst.as_millis()), true),
    ])
}

/// How quickly an ordinary client is answered.
struct Latency {
    requests: usize,
    failed: usize,
    median: Duration,
    p99: Duration,
}

impl Latency {
    fn told(&self) -> String {
        let Self { requests, failed, median, p99 } = self;
        format!(
            "{requests}, of them {failed} failed, median {:.1} ms, p99 {:.1} ms",
            millis(*median),
            millis(*p99)
        )
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn neighbours(client: &Client) -> anyhow::Result<Latency> {
    let mut connection = client.connect()?;
    let (mut times, mut failed) = (Vec::new(), 0);
    let until = Instant::now() + LENGTH;
    while Instant::now() < until {
        let begin = Instant::now();
        let answer = connection.get("/api/v1/namespaces/team-00")?;
        times.push(begin.elapsed());
        failed += usize::from(answer.status != 200);
        std::thread::sleep(Duration::from_millis(10));
    }
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    Ok(Latency { requests: times.len(), failed, median: at(50), p99: at(99) })
}

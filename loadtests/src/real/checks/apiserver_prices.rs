//! `apiserver-prices`: what each kind of request costs a real kube-apiserver, measured in two sizes of one cluster.
//!
//! Its report is the price list from which everything simulated is calibrated; the committed one
//! (`loadtests/calibration/kube-apiserver.json`) is such a report. Nothing is assumed of what grows with the cluster:
//! nodes of 20 pods each are measured when there are 100 of them and when there are 1,000. A millisecond is a different one
//! on each machine and on each day of a shared one, so a price is judged beside the others of its list: how many times
//! the committed ones the prices are on the whole, and whether one departs from that by a factor of 3, or contradicts
//! the design.

mod deliveries;
mod reads;
mod variants;
mod writes;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context;

use super::charges::{Meter, ROUNDS, expect, median};
use super::facts::{self, Fact};
use crate::prices::fit::{self, Point};
use crate::prices::{Kind, Price, Prices, SCHEMA};
use crate::real::cluster::accounts::Right;
use crate::real::cluster::http::Client;
use crate::real::cluster::populate::{self, Population};
use crate::real::cluster::{self, Cluster};
use crate::real::env::Env;
use crate::real::registry::{Check, Lane, Outcome, Tier};
use writes::Writes;

/// The larger size.
const POPULATION: Population = Population { nodes: 1000, pods: 20_000, running_below: 0 };

/// The smaller size: the first nodes, with as many pods each.
const SMALL: Population = Population { nodes: 100, pods: 2000, running_below: 0 };

/// A measured price may be so many times the committed one at the machine's pace, or as small a part of it.
const DEPARTURE: f64 = 3.0;

/// The machine's pace may be so many times that of the one that measured the committed prices, or as small a part of it:
/// beyond, the list is another server's. Machines of one kind were 1 to 2 times as slow, by what else ran on them.
const PACE: f64 = 5.0;

/// The entry of the registry.
pub(in crate::real) const CHECK: Check = Check {
    name: "apiserver-prices",
    tier: Tier::Full,
    about: "CPU, seats and memory of each kind of request, from 2,000 to 20,000 pods, are the committed prices within 3x, at the machine's pace",
    needs: cluster::NEEDS,
    limit: Duration::from_mins(30),
    lane: Lane::Alone,
    hidden: false,
    run,
};

/// What the requests that are measured need.
const RIGHTS: [Right<'static>; 7] = [
    ("", &["pods"], &["list", "watch"]),
    ("", &["pods/status"], &["patch"]),
    ("", &["events"], &["create"]),
    ("apps", &["daemonsets", "replicasets"], &["get", "list", "watch"]),
    ("coordination.k8s.io", &["leases"], &["create", "update"]),
    ("authentication.k8s.io", &["tokenreviews"], &["create"]),
    ("authorization.k8s.io", &["subjectaccessreviews"], &["create"]),
];

/// What is measured, and who asks.
struct Bench<'a> {
    cluster: &'a Cluster,
    /// For preparations: never queued.
    admin: Client,
    /// For what is measured: an account like any agent's.
    client: Client,
    /// Pods in the cluster now.
    pods: u32,
    /// The API server.
    pid: u32,
}

/// Milliseconds of CPU for one request of each kind.
type Sample = BTreeMap<Kind, f64>;

fn run(env: &mut Env) -> anyhow::Result<Outcome> {
    let mut cluster = Cluster::start(env)?;
    let admin = cluster.admin()?;
    populate::prepare(&admin, POPULATION.nodes)?;
    let account = cluster.account(env, "prices", &RIGHTS)?;
    let client = cluster.client(&account.token()?, "prices")?;
    populate::create(&admin, POPULATION, |pod| pod.node < SMALL.nodes)?;
    let mut bench = Bench {
        cluster: &cluster,
        admin,
        client,
        pods: u32::try_from(SMALL.pods)?,
        pid: cluster.server_pid()?,
    };
    let (small, _) = bench.sample()?;
    populate::create(&bench.admin, POPULATION, |pod| pod.node >= SMALL.nodes)?;
    bench.pods = u32::try_from(POPULATION.pods)?;
    let (large, writes) = bench.sample()?;
    let seats = bench.seats()?;
    let details = bench.details(writes)?;
    let server = bench.server()?;
    let found = Prices {
        schema: SCHEMA.to_owned(),
        server,
        pods: bench.pods,
        nodes: u32::try_from(POPULATION.nodes)?,
        requests: prices(&small, &large, &seats)?,
        details: Some(details),
    };
    cluster.alive()?;
    cluster.stop_server()?;

    let mut facts = relations(&small, &large);
    facts.extend(with_committed(&found)?);
    let mut outcome = facts::outcome(CHECK.name, &facts);
    outcome.text.push_str(&table(&found));
    Ok(Outcome { report: Some(("prices.json".to_owned(), serde_json::to_value(&found)?)), ..outcome })
}

impl Bench<'_> {
    /// Milliseconds of the server's CPU for one of about `times` requests: the median of [`ROUNDS`] batches, after a
    /// collection of its garbage. So what earlier requests left behind, which takes a second of CPU with 20,000 pods, is
    /// not charged to this one; what it leaves itself is, if it fills the heap.
    fn cost(&self, times: u32, mut call: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
        self.collect()?;
        let meter = Meter::of_quiet(self.pid)?;
        let each = (times / u32::try_from(ROUNDS)?).max(1);
        let rounds = (0..ROUNDS).map(|_| meter.per_request(each, &mut call));
        rounds.collect::<anyhow::Result<_>>().map(median)
    }

    /// Has the server collect its garbage, and waits for it.
    fn collect(&self) -> anyhow::Result<()> {
        self.admin.get("/debug/pprof/heap?gc=1").and_then(|answer| expect(answer.status))
    }

    fn sample(&self) -> anyhow::Result<(Sample, Writes)> {
        let mut sample = self.reads()?;
        sample.insert(Kind::TokenReview, self.token_reviews()?);
        sample.insert(Kind::AccessReview, self.access_reviews()?);
        let writes = self.writes()?;
        sample.insert(Kind::Write, writes.mean());
        sample.insert(Kind::WatchEvent, self.delivery()?);
        Ok((sample, writes))
    }

    fn server(&self) -> anyhow::Result<String> {
        let version = self.admin.get("/version")?.json()?;
        let cores = std::thread::available_parallelism()?;
        let version = version["gitVersion"].as_str().unwrap_or_default().trim_start_matches('v').to_owned();
        Ok(format!("kube-apiserver {version}, {cores} cores"))
    }
}

/// The measured prices, to the microsecond.
fn prices(
    small: &Sample,
    large: &Sample,
    seats: &BTreeMap<Kind, u32>,
) -> anyhow::Result<BTreeMap<Kind, Price>> {
    let point = |population: Population, sample: &Sample, kind| {
        let cpu_ms = sample.get(&kind).copied().with_context(|| format!("{kind:?} was not measured"))?;
        anyhow::Ok(Point { pods: u32::try_from(population.pods)?, cpu_ms })
    };
    let price = |kind| {
        let [small, large] = [point(SMALL, small, kind)?, point(POPULATION, large, kind)?];
        // What takes no seat was not asked for one: a delivery.
        let mut price = fit::price(small, large, seats.get(&kind).copied().unwrap_or(0));
        price.cpu_ms = rounded(price.cpu_ms);
        price.cpu_ms_per_thousand_pods = rounded(price.cpu_ms_per_thousand_pods);
        Ok((kind, price))
    };
    Kind::ALL.into_iter().map(price).collect()
}

/// To three places.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// What the design needs of the prices, whatever they are.
fn relations(small: &Sample, large: &Sample) -> Vec<Fact> {
    let at = |kind| large.get(&kind).copied().unwrap_or(0.0);
    let grows = Kind::ALL.map(|kind| {
        let [few, many] = [small, large].map(|sample| sample.get(&kind).copied().unwrap_or(0.0));
        let found = if many > fit::GROWS * few { "grows" } else { "does not grow" };
        let expected = if kind.walks() { "grows" } else { "does not grow" };
        let text = format!("{few:.3} ms, then {many:.3} ms: {found}");
        Fact::new(&format!("{kind:?} with ten times the nodes"), expected, text, found == expected)
    });
    let mut facts = Vec::from(grows);
    facts.push(Fact::new(
        "a node's watch with initial events costs more than its LIST and WATCH",
        "more",
        format!("{:.1} times", at(Kind::WatchNodeInitial) / (at(Kind::ListNode) + at(Kind::WatchNode))),
        at(Kind::WatchNodeInitial) > at(Kind::ListNode) + at(Kind::WatchNode),
    ));
    facts.push(Fact::new(
        "a LIST of every pod costs more than a hundred of a node",
        "more than 100 times",
        format!("{:.0} times", at(Kind::ListAll) / at(Kind::ListNode)),
        at(Kind::ListAll) > 100.0 * at(Kind::ListNode),
    ));
    facts
}

/// Each price beside the committed one.
fn with_committed(found: &Prices) -> anyhow::Result<Vec<Fact>> {
    let committed = Prices::committed()?;
    let pace = fit::pace(&committed, found);
    let mut facts = vec![Fact::new(
        "the machine's pace: the median price in committed ones",
        &format!("1/{PACE} to {PACE}"),
        format!("{pace:.2}"),
        (1.0 / PACE..=PACE).contains(&pace),
    )];
    facts.extend(fit::departures(&committed.scaled(pace), found, DEPARTURE).into_iter().map(|one| {
        Fact::new(
            &format!("{:?}: as committed at this pace, within {DEPARTURE}x", one.kind),
            &format!("{:.3} ms", one.expected_ms),
            format!("{:.3} ms", one.found_ms),
            one.within,
        )
    }));
    for kind in Kind::ALL {
        let [expected, found] = [&committed, found].map(|prices| prices.of(kind).seats);
        facts.push(Fact::equal(&format!("{kind:?}: seats as committed"), &expected, &found));
    }
    Ok(facts)
}

/// The price list for people.
fn table(prices: &Prices) -> String {
    let mut text = format!("{}, {} pods on {} nodes\n", prices.server, prices.pods, prices.nodes);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{:20} {:>10} {:>16} {:>6}", "kind", "CPU ms", "per 1000 pods", "seats");
    for (kind, price) in &prices.requests {
        let (cpu, grows) = (price.cpu_ms, price.cpu_ms_per_thousand_pods);
        let kind = format!("{kind:?}");
        let _ = writeln!(text, "{kind:20} {cpu:>10.3} {grows:>16.3} {:>6}", price.seats);
    }
    if let Some(details) = prices.details {
        let _ = writeln!(text, "{details:#?}");
    }
    text
}

//! `others-requests`: the models of what people run today (`loadtests/src/others.rs`) beside the real programs.
//!
//! The collector as its chart sets it up, the collector without a filter (client-go's informer of every pod), kube's
//! watcher and two clients that list, each several times, on one cluster with a real kubelet. The audit log of the real
//! API server has what each asked, by verb and resource; a model that is off by more than a tenth fails.

pub(in crate::real) mod clients;
mod programs;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use anyhow::Context;

use super::facts::{self, Fact};
use super::pods::Ground;
use crate::others::{self, ControlPlane, MODELS, Model, Origin};
use crate::prices::Prices;
use crate::real::cluster::audit::Reader;
use crate::real::cluster::audit::reviews::Reviews;
use crate::real::cluster::populate::{self, Population};
use crate::real::cluster::{Setup, flags};
use crate::real::env::Env;
use crate::real::recipes::{self, Need};
use crate::real::registry::{Check, Lane, Outcome, Tier};
use programs::Instance;

const NEEDS: &[Need] =
    &[recipes::COLLECTOR, recipes::ETCD, recipes::KUBE_APISERVER, recipes::KUBELET, recipes::IMAGE];

/// Before the first renewal of any watch and the second review: what everything begins with.
const START: Duration = Duration::from_secs(110);

/// Several renewals of every watch.
const LONG: Duration = Duration::from_mins(25);

/// The entries of the registry.
pub(in crate::real) const CHECK: Check = Check {
    name: "others-requests",
    tier: Tier::Full,
    about: "the models of the collector, kube's watcher and clients that list are within 10 % of the programs' requests",
    needs: NEEDS,
    limit: Duration::from_mins(15),
    lane: Lane::Servers,
    hidden: false,
    run: |env| run(env, CHECK.name, START, 2),
};

pub(in crate::real) const FULL: Check = Check {
    name: "others-requests-full",
    tier: Tier::Full,
    about: "the same with the renewals of 25 minutes",
    limit: Duration::from_mins(45),
    run: |env| run(env, FULL.name, LONG, 4),
    ..CHECK
};

/// No pod is on the kubelet's own node, the first: nothing runs, everything is only looked at.
const POPULATION: Population = Population { nodes: 11, pods: 330, running_below: 0 };

/// As many as own them.
const REPLICA_SETS: usize = 14;

/// A small control plane with the seats that Kubernetes' defaults give service accounts (100 of 245 shares of 600), and a
/// large one with raised limits.
const PLANES: [ControlPlane; 2] =
    [ControlPlane { cores: 4.0, seats: 245.0 }, ControlPlane { cores: 64.0, seats: 1_600.0 }];

/// A model may be off by this part of what was counted.
const OFF: f64 = 0.1;

/// The server logs a request at most this long after its answer.
const QUIET: Duration = Duration::from_secs(1);

/// Requests by verb and resource.
type Requests = BTreeMap<(String, String), f64>;

fn run(env: &Env, name: &str, length: Duration, copies: usize) -> anyhow::Result<Outcome> {
    let setup = Setup { audit: flags::AUDIT_REVIEWS, ..Setup::default() };
    let mut ground = Ground::empty(env, setup)?;
    let admin = ground.cluster.admin()?;
    populate::prepare(&admin, POPULATION.nodes)?;
    populate::create(&admin, POPULATION, |pod| pod.node != 0)?;
    populate::replica_sets(&admin, REPLICA_SETS)?;

    let mut instances = Vec::new();
    for model in MODELS {
        for copy in 0..programs::copies(model, copies) {
            if let Some(instance) = programs::start(env, &ground.cluster, model, copy)? {
                instances.push(instance);
            }
        }
    }
    let begun = SystemTime::now();
    // They are slow to begin on a busy machine, and each has its own time from its own beginning.
    let enough = length + Duration::from_secs(30);
    while begun.elapsed().unwrap_or(enough) < enough {
        std::thread::sleep(Duration::from_millis(500));
        ground.alive()?;
        instances.iter_mut().try_for_each(|instance| instance.program.alive())?;
    }
    let asked = Asked::read(&ground, length)?;
    drop(instances.iter_mut().map(|instance| instance.program.terminate(QUIET * 20)).collect::<Vec<_>>());
    let mut facts = Vec::new();
    let mut text = String::new();
    for model in MODELS {
        let mine: Vec<_> = instances.iter().filter(|instance| instance.model == model.name).collect();
        compare(&asked, model, &mine, length, &mut facts, &mut text)?;
    }
    let outcome = facts::outcome(name, &facts);
    text.push_str(&comparison()?);
    Ok(Outcome { text: format!("{}{text}", outcome.text), ..outcome })
}

/// What follows from the models and the committed prices for 5,000 nodes, on paper.
fn comparison() -> anyhow::Result<String> {
    let prices = Prices::committed()?;
    let mut text = String::new();
    for plane in PLANES {
        let (cores, seats) = (plane.cores, plane.seats);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "computed: 5,000 nodes of 30 pods; too much: from so many nodes on for {cores} cores, {seats} seats"
        );
        text.push_str(&others::table(&others::peers(5_000, 30, &prices, plane)));
    }
    Ok(text)
}

/// The audit log of the whole run.
struct Asked {
    counts: Reader,
    reviews: Reviews,
    length: Duration,
}

impl Asked {
    fn read(ground: &Ground, length: Duration) -> anyhow::Result<Self> {
        let log = ground.cluster.audit_log();
        let mut counts = Reader::new(&log);
        counts.settle(QUIET, |kind| kind.user.starts_with("system:serviceaccount:tare:"))?;
        Ok(Self { counts, reviews: Reviews::read(&log)?, length })
    }

    /// What one program asked, and made the kubelet ask, from its first request on.
    fn by(&self, instance: &Instance) -> anyhow::Result<Requests> {
        let counts = self.counts.counts();
        let mine: Vec<_> = counts.of(|kind| kind.user == instance.user).map(|(kind, _)| kind).collect();
        let first = counts.times(|kind| kind.user == instance.user).min();
        let first = first.with_context(|| format!("{} asked nothing", instance.user))?;
        let within = |times: &mut dyn Iterator<Item = SystemTime>| {
            let count = times.filter(|time| *time < first + self.length).count();
            u32::try_from(count).map(f64::from)
        };
        let mut requests = Requests::new();
        for kind in mine {
            let count = within(&mut counts.times(|other| other == kind))?;
            if count > 0.0 {
                *requests.entry((kind.verb.clone(), kind.resource.clone())).or_default() += count;
            }
        }
        for (resource, times) in [
            ("tokenreviews", self.reviews.of_token(&instance.token)),
            ("subjectaccessreviews", self.reviews.of_user(&instance.user)),
        ] {
            if !times.is_empty() {
                let count = within(&mut times.iter().copied())?;
                requests.insert(("create".to_owned(), resource.to_owned()), count);
            }
        }
        Ok(requests)
    }
}

/// One model beside all instances of its program.
fn compare(
    asked: &Asked,
    model: &Model,
    instances: &[&Instance],
    length: Duration,
    facts: &mut Vec<Fact>,
    text: &mut String,
) -> anyhow::Result<()> {
    if instances.is_empty() {
        facts.push(Fact::new(
            &format!("{}: nobody runs it here", model.name),
            "called unmeasured",
            format!("{:?}", model.origin),
            model.origin == Origin::Unmeasured,
        ));
        return Ok(());
    }
    let mut found = Requests::new();
    for instance in instances {
        for (kind, count) in asked.by(instance)? {
            *found.entry(kind).or_default() += count;
        }
    }
    let copies = f64::from(u32::try_from(instances.len())?);
    let mut expected = Requests::new();
    for ((verb, resource), count) in model.over(length) {
        *expected.entry((verb.to_owned(), resource.to_owned())).or_default() += count * copies;
    }
    let kinds: std::collections::BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    for kind in kinds {
        let [expected, found] =
            [&expected, &found].map(|requests| requests.get(kind).copied().unwrap_or(0.0));
        let off = (expected - found).abs() / found.max(1.0);
        facts.push(Fact::new(
            &format!("{}, {} of them: {} {}", model.name, instances.len(), kind.0, kind.1),
            &format!("{expected:.1} by the model, within a tenth"),
            format!("{found}"),
            off <= OFF || model.origin == Origin::Unmeasured,
        ));
    }
    if model.origin == Origin::Unmeasured {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}: unmeasured, whatever the figures above say", model.name);
    }
    Ok(())
}

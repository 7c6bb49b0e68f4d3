//! `apiserver-quiet`: the bookmarks of a healthy watch where nothing happens.
//!
//! A bookmark is the watch's sign of life, and the API server sends a watch none that is no newer than the version it
//! began with. Where no pod changes anywhere, the version that the cache of pods knows moves only when etcd tells of its
//! progress, which it does every 10 minutes by default, or when somebody reads pods consistently. So bookmarks may stay
//! away on a quiet cluster with such an etcd: the first one was seen to come after 120 s instead of the 60 s of a busy one.
//! The gaps are printed and not judged: they depend on who else reads pods.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::apiserver_ground::{answers, requests};
use super::facts::{self, Fact};
use crate::real::cluster::flags::Progress;
use crate::real::cluster::http::Next;
use crate::real::cluster::objects::PRODUCT;
use crate::real::cluster::populate::{self, Population};
use crate::real::cluster::{self, Cluster, Setup};
use crate::real::env::Env;
use crate::real::registry::{Check, Lane, Outcome, Tier};

/// A small cluster in which nothing happens.
const POPULATION: Population = Population { nodes: 10, pods: 100, running_below: 1 };

/// How long the watch is looked at.
const LOOK: Duration = Duration::from_secs(270);

/// The entry of the registry.
pub(in crate::real) const CHECK: Check = Check {
    name: "apiserver-quiet",
    tier: Tier::Full,
    about: "where no pod changes and etcd keeps its progress to itself, a healthy watch stays open; when its bookmarks come",
    needs: cluster::NEEDS,
    limit: Duration::from_mins(10),
    lane: Lane::Beside,
    hidden: false,
    run,
};

fn run(env: &mut Env) -> anyhow::Result<Outcome> {
    let mut cluster = Cluster::start_with(env, Setup { progress: Progress::Rarely, ..Setup::default() })?;
    let admin = cluster.admin()?;
    populate::prepare(&admin, POPULATION.nodes)?;
    populate::create(&admin, POPULATION, |_| true)?;
    let agent = cluster.client(&populate::token(&admin, PRODUCT)?, "quiet/agent")?;
    // A consistent read, so that the cache knows the newest version when the watch begins.
    let list = admin.get("/api/v1/pods")?.json()?;
    let mut watch = agent.watch(&requests::watch(answers::version(&list)?, 3600))?;
    let mut gaps = Vec::new();
    let until = Instant::now() + LOOK;
    let mut last = Instant::now();
    let end = loop {
        match watch.next(until) {
            Next::Line(line) => {
                let event: Value = serde_json::from_slice(&line)?;
                let kind = event["type"].as_str().unwrap_or("no event").to_owned();
                gaps.push(format!("{kind} after {:.0} s", last.elapsed().as_secs_f64()));
                last = Instant::now();
            }
            other => break other,
        }
    };
    drop(watch);
    cluster.stop_server()?;
    Ok(facts::outcome(
        CHECK.name,
        &[
            Fact::equal("quiet: the watch", &format!("{:?}", Next::Silence), &format!("{end:?}")),
            Fact::new(
                "quiet: what comes",
                "bookmarks, at whatever distance",
                gaps.join(", "),
                !gaps.is_empty(),
            ),
        ],
    ))
}

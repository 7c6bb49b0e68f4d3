//! `apiserver-ground`: what the design assumes of the API server, asked of a real one.
//!
//! The product spends its budget on three requests and relies on how they are answered, at which cost, and what
//! happens at the edges. Each assumption is a [`facts::Fact`] here; a version of Kubernetes that answers differently makes
//! this check fail and names the assumption, instead of a fleet finding it out. No code of the product takes part.

pub(super) mod answers;
mod audited;
mod cost;
pub(super) mod requests;
mod seats;
mod waiting;

use std::fmt::Write as _;
use std::time::Duration;

use super::facts;
use crate::real::cluster::objects::{BARE, PRODUCT};
use crate::real::cluster::populate::{self, Population};
use crate::real::cluster::{self, Cluster};
use crate::real::env::Env;
use crate::real::registry::{Check, Lane, Outcome, Tier};

/// A large cluster; the costs in the design were measured at this size.
const POPULATION: Population = Population { nodes: 1000, pods: 20_000, running_below: 1 };

/// The entry of the registry.
pub(in crate::real) const CHECK: Check = Check {
    name: "apiserver-ground",
    tier: Tier::Ci,
    about: "the real API server answers, waits, refuses and charges as the design assumes",
    needs: cluster::NEEDS,
    limit: Duration::from_mins(15),
    lane: Lane::Alone,
    hidden: false,
    run,
};

fn run(env: &mut Env) -> anyhow::Result<Outcome> {
    let mut cluster = Cluster::start(env)?;
    let admin = cluster.admin()?;
    populate::prepare(&admin, POPULATION.nodes)?;
    // A server that has seen a cluster from its first write knows all of its history; one that has not, as any real
    // one, knows only what came after its start.
    cluster.stop_server()?;
    cluster.start_server()?;
    // One node first: what its list costs now is what it has to cost when there are a thousand.
    populate::create(&admin, POPULATION, |pod| pod.node == 0)?;
    let agent = cluster.client(&populate::token(&admin, PRODUCT)?, "ground/agent")?;
    let bare = cluster.client(&populate::token(&admin, BARE)?, "ground/bare")?;
    let garbage = cluster.client("garbage", "ground/garbage")?;

    let waiting = waiting::begin(&agent)?;
    let alone = cost::list(cluster.server_pid()?, &agent)?;
    let took = populate::create(&admin, POPULATION, |pod| pod.node != 0)?;
    waiting::touch(&admin)?;

    let mut found = answers::of_the_agent(&agent, POPULATION)?;
    found.extend(answers::of_others(&agent, &bare, &garbage)?);
    found.extend(seats::facts(&cluster, &agent)?);
    found.extend(cost::facts(cluster.server_pid()?, &agent, alone)?);
    found.extend(waiting.facts()?);
    found.extend(audited::facts(&cluster)?);
    cluster.alive()?;
    cluster.stop_server()?;

    let mut outcome = facts::outcome(CHECK.name, &found);
    // Writing to a String cannot fail.
    let _ = writeln!(outcome.text, "{} pods were created in {:.0} s", POPULATION.pods, took.as_secs_f64());
    Ok(outcome)
}

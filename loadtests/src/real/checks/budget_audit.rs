//! `budget-audit`: what agents say that they asked is what a real API server says that it was asked, whatever happens.
//!
//! 200 agents run the shipped driver in one process against 20,000 pods: a cold start, the renewal of every watch
//! while pods come and go, an API server that is killed and then hangs, agents that are killed with requests under way,
//! and an etcd that goes back to an older state. After each of them
//! - every agent's books agree with the audit log, by verb, resource and status; a request without an answer stands there
//!   as `none`, and the server never counts more than answered and unanswered together;
//! - no window of 10 s holds more than was declared;
//! - every agent's index is what the API server and `kubectl get pods --field-selector` say.

mod churn;
pub(super) mod compare;
mod phases;
mod verdicts;

use std::time::Duration;

use self::phases::Ground;
use super::facts::{self, Fact};
use crate::agents::{Agents, Fleet, mount_account};
use crate::real::cluster::audit::Reader;
use crate::real::cluster::objects::PRODUCT;
use crate::real::cluster::populate::{self, Population};
use crate::real::cluster::{self, Cluster};
use crate::real::env::Env;
use crate::real::registry::{Check, Lane, Outcome, Tier};

/// Pods of a large cluster; those of the agents' nodes run.
const POPULATION: Population = Population { nodes: 1000, pods: 20_000, running_below: AGENTS };

/// As many agents as the cluster says that it has nodes.
const AGENTS: usize = 200;

/// Gives turns every 80 s, with 200 nodes and with a quarter more: a bookmark comes in every period, and what follows
/// from a turn can be waited for.
const REQUESTS_PER_SECOND: f64 = 15.0;

/// See [`REQUESTS_PER_SECOND`].
const TURN: Duration = Duration::from_secs(80);

/// The entry of the registry.
pub(in crate::real) const CHECK: Check = Check {
    name: "budget-audit",
    tier: Tier::Full,
    about: "200 agents' own bill equals the API server's audit log, and their indexes its pods, whatever happens",
    needs: cluster::NEEDS,
    limit: Duration::from_mins(45),
    lane: Lane::Servers,
    hidden: false,
    run,
};

fn run(env: &mut Env) -> anyhow::Result<Outcome> {
    let cluster = Cluster::start(env)?;
    let admin = cluster.admin()?;
    populate::prepare(&admin, AGENTS)?;
    populate::create(&admin, POPULATION, |_| true)?;
    let account = env.path("account");
    mount_account(&account, &cluster.authority(), &populate::token(&admin, PRODUCT)?)?;
    let fleet = Fleet {
        agents: AGENTS,
        requests_per_second: REQUESTS_PER_SECOND,
        list_bytes_per_second: 16 << 20,
        port: cluster::SERVER.port(),
    };
    let audit = Reader::new(&cluster.audit_log());
    let agents = Agents::start(fleet, &account)?;
    let mut ground = Ground { cluster, admin, agents, audit, facts: Vec::new(), clocks_go_forward: false };
    let went = phases(&mut ground);
    let Ground { mut cluster, agents, mut facts, .. } = ground;
    drop(agents);
    if let Err(error) = went {
        facts.push(Fact::new("all phases went to their end", "yes", format!("{error:#}"), false));
    } else {
        cluster.stop_server()?;
    }
    Ok(facts::outcome(CHECK.name, &facts))
}

fn phases(ground: &mut Ground) -> anyhow::Result<()> {
    ground.cold_start()?;
    let older = ground.cluster.snapshot("older")?;
    ground.renewals()?;
    ground.server_killed_and_hanging()?;
    ground.older_state(&older)
}

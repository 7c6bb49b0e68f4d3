//! The real server, whose audit log counts.

use std::time::Duration;

use shared_informer::counts::Status;

use super::scenario::{self, Counted, Size};
use crate::agents::mount_account;
use crate::real::checks::facts::Fact;
use crate::real::cluster::audit::{Kind, Reader};
use crate::real::cluster::http::Client;
use crate::real::cluster::objects::PRODUCT;
use crate::real::cluster::populate::{self, Population};
use crate::real::cluster::{self, Cluster};
use crate::real::env::Env;

/// The server logs a request at most this long after its answer.
const QUIET: Duration = Duration::from_secs(2);

struct Real {
    cluster: Cluster,
    audit: Reader,
    token: String,
}

/// Runs the scenario.
pub(super) fn run(env: &Env, size: Size) -> anyhow::Result<Vec<Fact>> {
    let cluster = Cluster::start(env)?;
    let admin = cluster.admin()?;
    populate::prepare(&admin, size.agents)?;
    let pods = size.agents * size.pods_each;
    let population = Population { nodes: size.agents, pods, running_below: size.agents };
    populate::create(&admin, population, |_| true)?;
    let token = populate::token(&admin, PRODUCT)?;
    let account = env.path("account");
    mount_account(&account, &cluster.authority(), &token)?;
    let audit = Reader::new(&cluster.audit_log());
    let mut real = Real { cluster, audit, token };
    let facts = scenario::run(&mut real, size, &account, cluster::SERVER.port())?;
    real.cluster.stop_server()?;
    Ok(facts)
}

impl scenario::Server for Real {
    fn alive(&mut self) -> anyhow::Result<()> {
        self.cluster.alive()
    }

    fn counted(&mut self) -> anyhow::Result<Counted> {
        let ours = |kind: &Kind| kind.user_agent.starts_with("tare/");
        let counts = self.audit.settle(QUIET, ours)?;
        let mut counted = Counted { times: counts.times(ours).collect(), ..Counted::default() };
        for (kind, number) in counts.of(ours) {
            let status = Status::of_code(kind.code).as_str().to_owned();
            let sums = counted.by_agent.entry(kind.user_agent.clone()).or_default();
            *sums.entry((kind.verb.clone(), kind.resource.clone(), status)).or_default() += number as u64;
        }
        Ok(counted)
    }

    fn client(&self, user_agent: &str) -> anyhow::Result<Client> {
        self.cluster.client(&self.token, user_agent)
    }
}

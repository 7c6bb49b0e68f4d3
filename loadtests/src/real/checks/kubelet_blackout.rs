//! `kubelet-blackout`: the API server is gone for minutes, and what comes from the node's own files goes on, names included.
//!
//! Judged from what the two receivers took, tare beside the collector. What only the kubelet knows ends when the kubelet
//! no longer believes the token, and comes back with the API server; pods that come and go meanwhile are named too.

mod judge;

use std::time::{Duration, SystemTime};

use self::judge::{Outage, Seen};
use super::agents::Agent;
use super::facts::{self, Fact};
use super::pods::{self, Ground, INTERVAL, Job};
use crate::parity::stream::{Stream, Time};
use crate::real::cluster::accounts::Account;
use crate::real::cluster::audit::{self, Reader, reviews::Reviews};
use crate::real::cluster::node::{self, statics};
use crate::real::cluster::{Setup, flags};
use crate::real::env::Env;
use crate::real::recipes;
use crate::real::registry::{Check, Lane, Outcome, Tier};

const PODS: usize = 30;

/// Until both agents know everything.
const WARM_UP: Duration = Duration::from_mins(1);

/// What is seen of both in good order, before and after.
const STEADY: Duration = Duration::from_mins(1);

/// After the API server is back.
const AFTER: Duration = Duration::from_secs(150);

/// The scrapers that both run beside: those that are on unless something else is said.
const SCRAPERS: &[&str] =
    &["cpu", "disk", "filesystem", "load", "memory", "network", "paging", "processes", "system"];

/// The entries of the registry.
pub(in crate::real) const CHECK: Check = Check {
    name: "kubelet-blackout",
    tier: Tier::Ci,
    about: "5 minutes without an API server cost no interval and no name of anything that is read from the node's files",
    needs: pods::NEEDS,
    limit: Duration::from_mins(20),
    lane: Lane::Node,
    hidden: false,
    run: |env| run(env, CHECK.name, Duration::from_mins(5)),
};

pub(in crate::real) const FULL: Check = Check {
    name: "kubelet-blackout-full",
    tier: Tier::Full,
    about: "the same with 10 minutes",
    limit: Duration::from_mins(25),
    run: |env| run(env, FULL.name, Duration::from_mins(10)),
    ..CHECK
};

/// Now, as the agents' points have it.
fn now() -> Time {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn run(env: &Env, name: &str, length: Duration) -> anyhow::Result<Outcome> {
    let setup = Setup { audit: flags::AUDIT_REVIEWS, ..Setup::default() };
    let mut ground = Ground::prepare(env, PODS, setup)?;
    let rows = pods::rows()?.into_iter().filter(|row| row.default_on).collect();
    let job = Job { rows, all_interfaces: false, scrapers: SCRAPERS };
    let mut collector = pods::collector::start(env, &ground.cluster, "collector", &job)?;
    let account = pods::tare::account(env, &ground.cluster)?;
    let mut tare = pods::tare::start(env, recipes::TARE, &account, &job)?;
    let mut agents = [&mut collector, &mut tare];
    ground.wait(&mut agents, WARM_UP)?;
    let skipped = (agents[0].received(), agents[1].received());
    let steady = now();
    ground.wait(&mut agents, STEADY)?;

    let killed = now();
    ground.cluster.kill_server();
    let mut born = Vec::new();
    for (name, after) in [("born-1", length / 5), ("born-2", length / 5)] {
        ground.wait(&mut agents, after)?;
        statics::put(name)?;
        born.push((format!("{name}-{}", node::name()), now()));
    }
    ground.wait(&mut agents, length / 5)?;
    statics::take("born-1")?;
    ground.wait(&mut agents, length * 2 / 5)?;
    let restarted = now();
    ground.cluster.start_server()?;
    let ready = now();
    ground.wait(&mut agents, AFTER)?;
    let outage = Outage { steady, killed, restarted, ready, end: now(), interval: INTERVAL };

    let mut failures: Vec<_> =
        [tare.stop("tare"), collector.stop("collector")].into_iter().flatten().collect();
    let seen = |agent: &Agent, skipped: usize| {
        let requests = agent.requests();
        Seen { stream: Stream::of(&requests[skipped..]), requests }
    };
    let (theirs, ours) = (seen(&collector, skipped.0), seen(&tare, skipped.1));
    let mut facts = judge::own_files(&ours, &outage);
    facts.extend(judge::kubelet_only(&ours, &outage));
    facts.extend(judge::reference(&theirs, &outage));
    facts.extend(judge::born(&ours, &outage, &born));
    facts.push(spending(&ground, &account)?);
    let mut outcome = facts::outcome(name, &facts);
    failures.append(&mut outcome.failures);
    Ok(Outcome { failures, ..outcome })
}

/// Everything that the API server counted of tare, reviews included, against what tare was allowed.
fn spending(ground: &Ground, account: &Account) -> anyhow::Result<Fact> {
    let log = ground.cluster.audit_log();
    let user = account.user();
    let mut reader = Reader::new(&log);
    let counts = reader.read()?;
    let mut times: Vec<_> = counts.times(|kind| kind.user == user).collect();
    let reviews = Reviews::read(&log)?;
    times.extend(reviews.of_token(&account.token()?));
    times.extend(reviews.of_user(&user));
    let (all, busiest) = (times.len(), audit::busiest(times, audit::WINDOW));
    let bound = usize::from(pods::tare::REQUESTS_PER_SECOND) * 10;
    Ok(Fact::new(
        "requests and reviews of tare in the busiest 10 s",
        &format!("at most {bound}"),
        format!("{busiest}, of {all} in all"),
        busiest <= bound && all > 0,
    ))
}

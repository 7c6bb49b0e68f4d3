//! What happens to the agents, and what is looked at; the same for either server.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{bail, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use shared_informer::informer::report::Report;

use super::operator::{Latencies, Operator};
use crate::agents::{Agent, Agents, Fleet};
use crate::real::checks::budget_audit::compare::{self, Sums};
use crate::real::checks::facts::Fact;
use crate::real::cluster::audit::{WINDOW, busiest};
use crate::real::cluster::http::Client;

/// How often agents are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What the operator asks for, and what a request past the gate asks for: a few pods of nobody's node.
pub(super) const SMALL: &str =
    "/api/v1/pods?fieldSelector=spec.nodeName%3Dnowhere&resourceVersion=0&limit=110";

/// Enough that the requests decide how long a turn period is, also before anyone knows how large a LIST is.
const LIST_BYTES_PER_SECOND: u64 = 64 << 20;

/// An agent with its watch has a socket on either side; what else the process needs is little.
const DESCRIPTORS_EACH: usize = 6;

/// How large it all is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) agents: usize,
    /// Pods of each agent's node.
    pub(super) pods_each: usize,
    /// What all agents together declare.
    pub(super) requests_per_second: f64,
    /// The turn period that follows from it.
    pub(super) turn: Duration,
    /// How long somebody else is alone at the server first.
    pub(super) alone: Duration,
}

/// What a server counted of the agents.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// By the name that the agent gave itself.
    pub(super) by_agent: BTreeMap<String, Sums>,
    pub(super) times: Vec<SystemTime>,
}

/// A server.
pub(super) trait Server {
    /// Fails if it has ended.
    fn alive(&mut self) -> anyhow::Result<()>;

    /// What it has counted of the clients whose names begin with `tare/`, once nothing new comes.
    fn counted(&mut self) -> anyhow::Result<Counted>;

    /// A client with a token of the agents' account, under another name.
    fn client(&self, user_agent: &str) -> anyhow::Result<Client>;
}

struct Scenario<'a, S> {
    server: &'a mut S,
    size: Size,
    agents: Agents,
    facts: Vec<Fact>,
}

/// Runs it. `account` is the folder that a pod would have mounted.
///
/// # Errors
/// When agents cannot be started or the server goes away.
pub(super) fn run(
    server: &mut impl Server,
    size: Size,
    account: &Path,
    port: u16,
) -> anyhow::Result<Vec<Fact>> {
    allow_descriptors(size.agents * DESCRIPTORS_EACH + 1_000)?;
    let alone = Operator::begin(server.client("operator")?, SMALL)?;
    std::thread::sleep(size.alone);
    let alone = alone.end()?;
    let operator = Operator::begin(server.client("operator")?, SMALL)?;
    let Size { agents, requests_per_second, .. } = size;
    let fleet = Fleet { agents, requests_per_second, list_bytes_per_second: LIST_BYTES_PER_SECOND, port };
    let agents = Agents::start(fleet, account)?;
    let mut scenario = Scenario { server, size, agents, facts: Vec::new() };
    scenario.others("before the agents", &alone);
    scenario.wait("cold install", 5)?;
    scenario.others("cold install", &operator.end()?);
    scenario.periods()?;
    scenario.verdicts("cold install")?;

    let operator = Operator::begin(scenario.server.client("operator")?, SMALL)?;
    scenario.agents.kill_all()?;
    scenario.wait("all restarted at once", 5)?;
    scenario.others("all restarted at once", &operator.end()?);
    scenario.verdicts("all restarted at once")?;
    scenario.past_the_gate()?;
    Ok(scenario.facts)
}

/// Raises the limit of open files of this process.
fn allow_descriptors(wanted: usize) -> anyhow::Result<()> {
    let wanted = u64::try_from(wanted)?;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        let maximum = limit.maximum.map(|maximum| maximum.max(wanted));
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })?;
    }
    Ok(())
}

impl<S: Server> Scenario<'_, S> {
    /// Waits until every agent has a watch and an index that is confirmed.
    fn wait(&mut self, what: &str, turns: u32) -> anyhow::Result<()> {
        let begin = Instant::now();
        loop {
            self.server.alive()?;
            let is_well = |report: &Report| report.watch_open.is_some() && report.confirmed;
            let reports = self.agents.reports()?;
            let Some(open) = reports.iter().find(|report| !is_well(report)) else { break };
            if begin.elapsed() > self.size.turn * turns + Duration::from_mins(1) {
                let number = reports.iter().filter(|report| !is_well(report)).count();
                bail!("{what}: {number} agents are not well after {turns} turns, one of them: {open:?}");
            }
            std::thread::sleep(LOOK);
        }
        let took = begin.elapsed().as_secs_f64();
        self.facts.push(Fact::new(
            &format!("{what}: every watch stands"),
            &format!("within {turns} turns"),
            format!("{} after {took:.0} s", self.agents.all.len()),
            true,
        ));
        Ok(())
    }

    fn periods(&mut self) -> anyhow::Result<()> {
        let turn = self.size.turn;
        let reports = self.agents.reports()?;
        let longest = reports.iter().map(|report| report.derived.turn_period).max().unwrap_or_default();
        self.facts.push(Fact::equal("turn period, in seconds", &turn.as_secs(), &longest.as_secs()));
        let pods: usize = reports.iter().map(|report| report.pods).sum();
        self.facts.push(Fact::equal("pods in all indexes", &(self.size.agents * self.size.pods_each), &pods));
        Ok(())
    }

    fn others(&mut self, phase: &str, latencies: &Latencies) {
        self.facts.push(Fact::new(
            &format!("{phase}: somebody else's requests"),
            "all answered",
            format!("{}, {} failed", latencies.in_words(), latencies.failed),
            latencies.failed == 0,
        ));
    }

    /// The agents whose books disagree with the server's, the sums of both, and the busiest window.
    fn books(&mut self) -> anyhow::Result<(Vec<String>, [Sums; 2], usize)> {
        let counted = self.server.counted()?;
        let reports = self.agents.reports()?;
        let (mut differing, mut sums) = (Vec::new(), [Sums::new(), Sums::new()]);
        let nothing = Sums::new();
        for (agent, report) in self.agents.all.iter().zip(&reports) {
            let name = agent.user_agent();
            let (own, server) = (compare::reported(report), counted.by_agent.get(&name).unwrap_or(&nothing));
            differing.extend(compare::disagreement(&own, server).map(|why| format!("{name}: {why}")));
            compare::add(&mut sums[0], &own);
            compare::add(&mut sums[1], server);
        }
        Ok((differing, sums, busiest(counted.times, WINDOW)))
    }

    fn verdicts(&mut self, phase: &str) -> anyhow::Result<()> {
        let (mut differing, mut sums, mut most) = self.books()?;
        // An agent may have its turn between the two reads: then they are read again.
        for _ in 0..2 {
            if differing.is_empty() {
                break;
            }
            (differing, sums, most) = self.books()?;
        }
        let found =
            differing.first().map_or("0".to_owned(), |first| format!("{}, first {first}", differing.len()));
        self.facts.push(Fact::equal(
            &format!("{phase}: agents whose books disagree"),
            &"0".to_owned(),
            &found,
        ));
        let [own, server] = sums;
        for (key, number) in &server {
            let (verb, resource, status) = key;
            let own = own.get(key).copied().unwrap_or(0);
            self.facts.push(Fact::new(
                &format!("{phase}: {verb} {resource} {status}"),
                "for the record",
                format!("{own} reported, {number} counted"),
                true,
            ));
        }
        let bound = self.size.requests_per_second * WINDOW.as_secs_f64();
        self.facts.push(Fact::new(
            &format!("{phase}: requests in the busiest 10 s"),
            &format!("at most {bound}"),
            most.to_string(),
            u32::try_from(most).is_ok_and(|most| f64::from(most) <= bound),
        ));
        Ok(())
    }

    /// One request in the first agent's name that its gate has never seen.
    fn past_the_gate(&mut self) -> anyhow::Result<()> {
        let Some(name) = self.agents.all.first().map(Agent::user_agent) else { bail!("no agents") };
        let status = self.server.client(&name)?.get(SMALL)?.status;
        ensure!(status == 200, "status {status}");
        let (differing, ..) = self.books()?;
        let only = differing.len() == 1 && differing.iter().all(|why| why.starts_with(&name));
        self.facts.push(Fact::new(
            "one request past the gate: agents whose books disagree",
            "that one",
            differing.first().cloned().unwrap_or_else(|| "none".to_owned()),
            only,
        ));
        Ok(())
    }
}

//! What is done to the agents and their server, one after the other. Each phase ends when every agent is well again.

use std::time::{Duration, Instant};

use anyhow::bail;
use shared_informer::counts::Verb;
use shared_informer::informer::report::{Report, Restart};

use super::{AGENTS, POPULATION, TURN, churn};
use crate::agents::Agents;
use crate::real::checks::facts::Fact;
use crate::real::cluster::audit::Reader;
use crate::real::cluster::http::Client;
use crate::real::cluster::{Cluster, Snapshot};
use crate::real::program::Stat;

/// A watch's shortest life is 30 min: the least multiple of the turn period above it.
const LIFETIME: Duration = Duration::from_secs(23 * TURN.as_secs());

/// How much of the turn period is left at least when the clock is set forward: a bookmark has to come before the turn, or
/// the version is an old one by that clock.
const ROOM: Duration = Duration::from_secs(68);

/// How often agents are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long the server hangs: longer than a turn, so that requests go unanswered.
const HANG: Duration = Duration::from_secs(10);

/// How many agents are killed at most while they wait for an answer.
const KILLS: usize = 10;

/// How long ago a turn began in which a request certainly has been sent and not yet been given up.
const IN_FLIGHT: std::ops::Range<Duration> = Duration::from_secs(1)..Duration::from_secs(4);

/// The numbers of churning pods begin here.
const CHURN: usize = POPULATION.pods + 1000;

/// Everything that the phases act on.
pub(super) struct Ground {
    pub(super) cluster: Cluster,
    pub(super) admin: Client,
    pub(super) agents: Agents,
    pub(super) audit: Reader,
    pub(super) facts: Vec<Fact>,
    /// From the renewals on.
    pub(super) clocks_go_forward: bool,
}

fn is_well(report: &Report) -> bool {
    report.watch_open.is_some() && report.confirmed
}

impl Ground {
    /// Waits until `done` holds for every agent's report; fails after `turns` turn periods. Gives the time it took.
    fn wait(
        &mut self,
        what: &str,
        turns: u32,
        mut done: impl FnMut(usize, &Report) -> bool,
    ) -> anyhow::Result<Duration> {
        let begin = Instant::now();
        loop {
            self.cluster.alive()?;
            if self.clocks_go_forward {
                self.set_clocks_forward()?;
            }
            let reports = self.agents.reports()?;
            let open: Vec<_> =
                reports.iter().enumerate().filter(|(which, report)| !done(*which, report)).collect();
            let Some((which, report)) = open.first() else { return Ok(begin.elapsed()) };
            if begin.elapsed() > TURN * turns {
                bail!(
                    "{what}: not so for {} agents after {turns} turns, the first is {which}: {report:?}",
                    open.len()
                );
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Sets the clock of each agent forward that has its first watch and has just had its turn.
    fn set_clocks_forward(&self) -> anyhow::Result<()> {
        for (agent, report) in self.agents.all.iter().zip(self.agents.reports()?) {
            let left = report.next_turn.since(agent.now());
            if is_well(&report) && !agent.clocks.is_ahead() && left > ROOM {
                agent.clocks.set_ahead(LIFETIME);
            }
        }
        Ok(())
    }

    /// 200 agents start at once and know nothing.
    pub(super) fn cold_start(&mut self) -> anyhow::Result<()> {
        let pid = self.cluster.server_pid()?;
        let cpu = || Stat::of(pid).map(Stat::cpu_with_children_s);
        let before = cpu()?;
        let took = self.wait("cold start", 4, |_, report| is_well(report))?;
        let each = (cpu()? - before) * 1000.0 / super::verdicts::number(AGENTS);
        let periods: Vec<_> =
            self.agents.reports()?.iter().map(|report| report.derived.turn_period).collect();
        self.facts.push(Fact::new(
            "cold start: turn period of every agent",
            &format!("{} s", TURN.as_secs()),
            format!("{} s", periods.iter().max().copied().unwrap_or_default().as_secs()),
            periods.iter().all(|period| *period == TURN),
        ));
        self.facts.push(Fact::new(
            "cold start: every watch stands",
            "within 4 turns",
            format!("after {:.0} s, {each:.1} ms of server CPU for each agent", took.as_secs_f64()),
            true,
        ));
        self.verdicts("cold start")
    }

    /// How many LISTs all agents have sent.
    fn lists(&self) -> anyhow::Result<u64> {
        let reports = self.agents.reports()?;
        let keys = reports.iter().flat_map(|report| report.requests.iter());
        Ok(keys.filter(|(key, _)| key.asked.verb == Verb::List).map(|(_, number)| number).sum())
    }

    /// Every watch is renewed while pods come and go.
    pub(super) fn renewals(&mut self) -> anyhow::Result<()> {
        let churn = churn::begin(&self.admin, CHURN)?;
        self.clocks_go_forward = true;
        let lists_before = self.lists()?;
        let pid = self.cluster.server_pid()?;
        let before = (Stat::of(pid)?.cpu_with_children_s(), Instant::now());
        let renewed = |report: &Report| report.restarts.get(&Restart::Renewed).copied().unwrap_or(0) > 0;
        let waited = self.wait("renewals", 5, |_, report| renewed(report) && is_well(report));
        let spent = (Stat::of(pid)?.cpu_with_children_s() - before.0) / before.1.elapsed().as_secs_f64();
        let came = churn.end()?;
        waited?;
        let reports = self.agents.reports()?;
        let others: u64 = reports
            .iter()
            .flat_map(|report| report.restarts.iter())
            .filter(|(why, _)| **why != Restart::Renewed)
            .map(|(_, number)| *number)
            .sum();
        self.facts.push(Fact::equal("renewals: watches that ended otherwise", &0, &others));
        // By a clock that was set forward, only a bookmark since then makes a version young: one that comes late costs a LIST.
        let lists = self.lists()? - lists_before;
        self.facts.push(Fact::new(
            "renewals: LISTs, where the bookmark before the turn came late",
            "at most 20",
            lists.to_string(),
            lists <= AGENTS as u64 / 10,
        ));
        std::thread::sleep(LOOK * 2);
        let missed = came.iter().filter(|(namespace, name)| {
            let node = churn::node_of(name, CHURN);
            let agent = node.and_then(|node| self.agents.all.get(node));
            agent.is_none_or(|agent| agent.snapshot().by_name(namespace, name).is_none())
        });
        let missed = missed.count();
        self.facts.push(Fact::new(
            "renewals: no gap: pods of a second's life that an agent missed",
            "0 of many",
            format!("{missed} of {}", came.len()),
            missed == 0 && came.len() > AGENTS,
        ));
        self.facts.push(Fact::new(
            "renewals: server CPU with all agents watching, churn included",
            "for the record",
            format!("{:.2} ms/s for each agent", spent * 1000.0 / super::verdicts::number(AGENTS)),
            true,
        ));
        self.verdicts("renewals")
    }

    /// Whether an agent without a watch began its turn less than the length of a turn ago, on a server that hangs.
    fn waits_for_an_answer(&self, which: usize, report: &Report) -> bool {
        let Some(agent) = self.agents.all.get(which) else { return false };
        let since = report.turn_period.saturating_sub(report.next_turn.since(agent.now()));
        agent.killed == 0 && report.watch_open.is_none() && IN_FLIGHT.contains(&since)
    }

    /// The server is killed. When it is back it hangs for a while, and agents that wait for it are killed as well.
    pub(super) fn server_killed_and_hanging(&mut self) -> anyhow::Result<()> {
        self.cluster.kill_server();
        self.wait("server killed: seen", 1, |_, report| report.watch_open.is_none())?;
        self.cluster.start_server()?;
        self.cluster.pause_server()?;
        let hangs = Instant::now();
        let mut kills = 0;
        while hangs.elapsed() < HANG {
            for (which, report) in self.agents.reports()?.iter().enumerate() {
                if kills < KILLS && self.waits_for_an_answer(which, report) {
                    self.agents.kill(which)?;
                    kills += 1;
                }
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        self.cluster.resume_server()?;
        self.facts.push(Fact::equal("server hangs: agents killed with a request under way", &KILLS, &kills));
        self.wait("server killed", 6, |_, report| is_well(report))?;
        self.verdicts("server killed, hung; agents killed")
    }

    /// etcd goes back to what it held before the renewals: every version that an agent knows is from the future.
    pub(super) fn older_state(&mut self, older: &Snapshot) -> anyhow::Result<()> {
        self.cluster.restore(older)?;
        let expected = self.expected()?;
        let agents: Vec<_> = (0..AGENTS).collect();
        let mut open = agents;
        let begin = Instant::now();
        // A LIST older than the index is refused once; before that the silence of a watch has to be noticed.
        while !open.is_empty() {
            self.wait("older state", 8, |_, report| is_well(report))?;
            open.retain(|which| !self.is_as(*which, &expected));
            if begin.elapsed() > TURN * 10 {
                bail!("older state: {} agents still hold pods of the lost one", open.len());
            }
            std::thread::sleep(LOOK);
        }
        self.facts.push(Fact::new(
            "older state: every agent holds it",
            "within 10 turns",
            format!("after {:.0} s", begin.elapsed().as_secs_f64()),
            true,
        ));
        self.verdicts("older state")
    }
}

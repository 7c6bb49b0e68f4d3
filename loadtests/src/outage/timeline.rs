//! What a replay brings back: a line for each second, the operators' commands, and what happened when.

use serde::Serialize;

use super::server::Counts;

/// One second of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Second {
    /// Seconds since the rollout began; negative before.
    pub at: f64,
    /// The part of all cores in use.
    pub cpu: f64,
    /// Memory of all servers, GiB.
    pub memory_gib: f64,
    /// Whether the servers answer.
    pub up: bool,
    /// Requests that run.
    pub running: f64,
    /// Requests that wait for seats.
    pub waiting: u32,
    /// Nodes whose lease is too old.
    pub not_ready: u32,
    /// The part of the services that find each other.
    pub reachable: f64,
    /// Agents that run.
    pub agents: u32,
    /// Agents that have what they asked for.
    pub synced: u32,
}

/// One command of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Command {
    /// When it was typed, seconds since the rollout began.
    pub at: f64,
    /// Seconds until the answer; none: there was none in time.
    pub latency: Option<f64>,
}

/// How the operators fared in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Operators {
    /// Commands.
    pub sent: u32,
    /// The part of them that was answered.
    pub success: f64,
    /// The median of the latency, seconds; one without an answer counts as the operators' patience.
    pub p50_s: f64,
    /// The 99th percentile.
    pub p99_s: f64,
}

/// When something happened for the first time, seconds since the rollout began.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Marks {
    /// All cores in use for ten seconds, or the first end of a server, whichever came first.
    pub saturated: Option<f64>,
    /// The servers ran out of memory.
    pub first_crash: Option<f64>,
    /// Less than half of the operators' commands of the second and the minute that began were answered.
    pub locked_out: Option<f64>,
    /// One in a hundred services did not find another.
    pub names_lost: Option<f64>,
    /// A hundred nodes, or one in fifty, were NotReady.
    pub nodes_lost: Option<f64>,
    /// The operators' rollback was answered.
    pub rolled_back: Option<f64>,
    /// No agent ran any more.
    pub agents_gone: Option<f64>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replay {
    /// What was rolled out.
    pub name: String,
    /// Nodes of the cluster.
    pub nodes: u32,
    /// Each second.
    #[serde(skip)]
    pub timeline: Vec<Second>,
    /// The operators' commands, in the order of time.
    #[serde(skip)]
    pub commands: Vec<Command>,
    /// Firsts.
    pub marks: Marks,
    /// Requests at the server, and how they ended.
    pub counts: Counts,
    /// Still under way at the end.
    pub unfinished: u64,
    /// How often the servers ended for want of memory.
    pub crashes: u32,
    /// The agents' requests in the fullest 10 s.
    pub worst_10s: u32,
    /// The longest that an agent waited for an answer, seconds.
    pub slowest_s: f64,
    /// Agents' requests that were not served.
    pub agents_failed: u64,
    /// How long operators wait, seconds.
    pub patience: f64,
}

impl Replay {
    /// How the operators fared from one second to another.
    pub fn operators(&self, from: f64, to: f64) -> Operators {
        let first = self.commands.partition_point(|command| command.at < from);
        let last = self.commands.partition_point(|command| command.at < to).max(first);
        let commands = &self.commands[first..last];
        let mut latencies: Vec<f64> =
            commands.iter().map(|command| command.latency.unwrap_or(self.patience)).collect();
        latencies.sort_by(f64::total_cmp);
        let answered = commands.iter().filter(|command| command.latency.is_some()).count();
        let sent = count(commands.len());
        Operators {
            sent,
            success: if sent == 0 { 1.0 } else { f64::from(count(answered)) / f64::from(sent) },
            p50_s: quantile(&latencies, 50),
            p99_s: quantile(&latencies, 99),
        }
    }

    /// Fills in the firsts that can be read off the seconds.
    pub(super) fn mark(&mut self) {
        let after = || self.timeline.iter().filter(|second| second.at >= 0.0);
        let nodes = after().map(|second| second.agents).max().unwrap_or(0);
        let mut full = 0;
        let busy = after().find(|second| {
            full = if second.cpu >= 0.99 { full + 1 } else { 0 };
            full >= 10
        });
        let busy = busy.map(|second| second.at - 9.0);
        let marks = Marks {
            saturated: [busy, self.marks.first_crash].into_iter().flatten().reduce(f64::min),
            locked_out: after().map(|second| second.at).find(|at| {
                let minute = self.operators(*at, at + 60.0);
                let first = self.operators(*at, at + 1.0);
                minute.sent >= 60 && minute.success < 0.5 && first.success < 0.5
            }),
            names_lost: after().find(|second| second.reachable < 0.99).map(|second| second.at),
            nodes_lost: after()
                .find(|second| second.not_ready > 0 && second.not_ready >= (nodes / 50).min(100))
                .map(|second| second.at),
            agents_gone: self.marks.rolled_back.and_then(|rolled_back| {
                after().find(|second| second.at > rolled_back && second.agents == 0).map(|second| second.at)
            }),
            ..self.marks
        };
        self.marks = marks;
    }
}

/// Of values in order.
fn quantile(sorted: &[f64], percent: usize) -> f64 {
    let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or(0.0)
}

/// A length as a number that fits everywhere.
pub(super) fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

//! What the demo shows, as plain data and lines of text: the live view and the plain one print the same.

use std::collections::BTreeMap;
use std::time::Duration;

use tare::control::status::Status;

use super::bill::Bill;
use super::board::{Board, as_f64};
use super::story::Chapter;

/// The virtual fleet beside the agent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Fleet {
    /// How many agents there are.
    pub(super) agents: usize,
    /// How many of them have their watch.
    pub(super) watching: usize,
    /// How many conserve, or have stopped asking, because the API server is not well.
    pub(super) in_distress: usize,
}

/// Everything beside what arrived over OTLP.
#[derive(Debug)]
pub(super) struct World {
    pub(super) chapter: Chapter,
    pub(super) bill: Bill,
    /// Whether the API server listens.
    pub(super) is_up: bool,
    /// Watches that the API server has open.
    pub(super) watches: usize,
    /// Requests since the start by verb and resource.
    pub(super) kinds: BTreeMap<String, usize>,
    pub(super) fleet: Fleet,
    /// What the agent said of itself when it was last asked.
    pub(super) agent: Option<Box<Status>>,
}

impl World {
    /// The bill against the budget, in words.
    pub(super) fn bill_line(&self) -> String {
        format!(
            "{} requests in the last 10 s, {} in the fullest; declared {} for the whole cluster",
            self.bill.now(),
            self.bill.worst,
            self.bill.ceiling
        )
    }

    /// The simulated API server.
    pub(super) fn server_lines(&self) -> Vec<String> {
        let state = if self.is_up { "listening" } else { "KILLED" };
        let mut lines = vec![format!("{state}, {} watches open", self.watches)];
        lines.extend(self.kinds.iter().map(|(kind, count)| format!("{count:>5} {kind}")));
        lines
    }

    /// The agent on this machine.
    pub(super) fn agent_lines(&self) -> Vec<String> {
        let Some(status) = &self.agent else { return vec!["has not answered yet".to_owned()] };
        let mut lines = Vec::new();
        if let Some(budget) = &status.budget {
            let next = budget.next_turn.as_deref().and_then(|time| time.get(11..19));
            let next = next.map_or_else(String::new, |time| format!(", the next at {time} UTC"));
            lines.push(format!("budget {}: a turn every {} s{next}", budget.state, budget.turn_period_s));
            let watch = budget
                .watch
                .open_s
                .map_or_else(|| "no watch".to_owned(), |open| format!("watch open for {open} s"));
            lines.push(format!("{watch}, {} pods known by name", budget.watch.pods));
        }
        if let Some(kubelet) = &status.kubelet {
            let interval = kubelet.interval_s.map_or_else(String::new, |every| format!(", every {every} s"));
            lines.push(format!("kubelet {}{interval}", kubelet.mode));
        }
        lines
    }

    /// The virtual fleet.
    pub(super) fn fleet_lines(&self) -> Vec<String> {
        let Fleet { agents, watching, in_distress } = self.fleet;
        vec![
            format!("{agents} agents: shipped gate, ledger and informer"),
            format!("{watching} have their watch, {in_distress} hold back"),
        ]
    }

    /// The sources that are wanted, and whether each holds.
    pub(super) fn rungs(&self) -> Vec<(String, bool)> {
        let rungs = self.agent.as_ref().map(|status| &status.rungs);
        rungs.into_iter().flatten().map(|(rung, up)| (rung.clone(), *up)).collect()
    }

    /// The same in a line.
    pub(super) fn rungs_line(&self) -> String {
        let rungs = self.rungs();
        let words = rungs.iter().map(|(rung, up)| format!("{rung} {}", if *up { "up" } else { "DOWN" }));
        words.collect::<Vec<_>>().join(", ")
    }
}

/// What the agent costs this machine.
pub(super) fn cost_line(board: &Board) -> String {
    format!(
        "{:.1} MB PSS, {:.2} % of one core, {:.1} us of CPU per point",
        as_f64(board.cost.pss) / 1e6,
        board.cpu_percent(),
        board.cpu_per_point_us(),
    )
}

/// What arrived.
pub(super) fn arrived_line(board: &Board) -> String {
    format!(
        "{} metrics, {} points ({:.0}/s), {} requests, {:.1} kB on the wire",
        board.rows.len(),
        board.points,
        board.rate(),
        board.requests,
        as_f64(board.wire_bytes) / 1e3,
    )
}

/// The share of what was due that came on time, if anything was due.
pub(super) fn freshness_line(board: &Board) -> String {
    board.freshness().map_or_else(
        || "nothing was due yet".to_owned(),
        |share| format!("{:.1} % of what was due came on time", share * 100.0),
    )
}

/// A time of the demo.
pub(super) fn clock(elapsed: Duration) -> String {
    format!("{:>5.1} s", elapsed.as_secs_f64())
}

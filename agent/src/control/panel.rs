//! What an agent knows of itself, for whoever asks on the socket: the parts are put here by those who make them.
//!
//! Nothing here waits: every part is a copy, a counter or a view that answers at once. The informer's part is a
//! function ([`Panel::set_budget`]), so that this module knows nothing of how it works.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use exporter::model::Timestamp;
use exporter::output::Monitor;
use exporter::resolve::Resolution;
use shared_informer::clock::Wall;

use super::pause;
use super::protocol::{Answer, Request, Respond};
use super::status::{self, Health, SCHEMA, Status};
use super::switch::Switch;
use super::time;
use crate::clock;
use crate::kubelet::desk::Desk;
use crate::state_dir::StateDir;
use crate::stats::Registry;

#[cfg(test)]
mod tests;

/// Tells the informer's part at this moment.
pub type BudgetSource = Arc<dyn Fn() -> status::Budget + Send + Sync>;

/// Where the agent is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Not everything runs yet.
    #[default]
    Starting,
    /// Everything runs.
    Running,
    /// It was told to stop.
    Stopping,
}

/// What is known of one agent.
pub struct Panel {
    started: Wall,
    switch: Arc<Switch>,
    state_dir: Arc<StateDir>,
    supervisor: Option<status::Supervisor>,
    parts: Mutex<Parts>,
}

#[derive(Default)]
struct Parts {
    phase: Phase,
    config: status::Config,
    registry: Option<Arc<Registry>>,
    monitors: Vec<Monitor>,
    budget: Option<BudgetSource>,
    kubelet: Option<Desk>,
}

impl std::fmt::Debug for Panel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Panel").field("switch", &self.switch).finish_non_exhaustive()
    }
}

impl Panel {
    /// The panel of an agent that begins now; `supervisor` is what it was told by the one who started it.
    pub fn new(
        switch: Arc<Switch>,
        state_dir: Arc<StateDir>,
        supervisor: Option<status::Supervisor>,
    ) -> Self {
        Self { started: clock::wall(), switch, state_dir, supervisor, parts: Mutex::default() }
    }

    /// The switch that this panel presses.
    pub const fn switch(&self) -> &Arc<Switch> {
        &self.switch
    }

    /// The agent has come to this phase.
    pub fn set_phase(&self, phase: Phase) {
        self.parts().phase = phase;
    }

    /// This configuration is in force from now on: its source and its checksum.
    pub fn set_config(&self, source: String, hash: Option<String>) {
        let since = Some(time::text(clock::wall()));
        self.parts().config = status::Config { source, hash, since, refused: None };
    }

    /// A newer configuration was refused.
    pub fn set_refused(&self, why: &str) {
        self.parts().config.refused = Some(status::line(why));
    }

    /// The collectors' counts and the outputs of the configuration in force.
    pub fn set_sources(&self, registry: Arc<Registry>, monitors: Vec<Monitor>) {
        let mut parts = self.parts();
        parts.registry = Some(registry);
        parts.monitors = monitors;
    }

    /// The informer's part; none where nothing is asked of the API server. The function must answer at once.
    pub fn set_budget(&self, budget: Option<BudgetSource>) {
        self.parts().budget = budget;
    }

    /// Where the kubelet's reader says how it does.
    pub fn set_kubelet(&self, desk: Desk) {
        self.parts().kubelet = Some(desk);
    }

    /// Everything that is known now.
    pub fn status(&self, now: Wall) -> Status {
        let parts = self.parts();
        let mut collectors = Vec::new();
        if let Some(registry) = &parts.registry {
            registry.each(|stats| collectors.push(collector(stats)));
        }
        let (config, budget, kubelet) = (parts.config.clone(), parts.budget.clone(), parts.kubelet.clone());
        let (health, monitors) = (health(parts.phase), parts.monitors.clone());
        drop(parts);
        let rungs = kubelet
            .as_ref()
            .map(|desk| desk.ladder().iter().map(|(rung, up)| (rung.as_str().to_owned(), up)).collect());
        Status {
            schema: SCHEMA.to_owned(),
            health,
            process: process("agent", self.started, now),
            config,
            pause: paused(&self.switch),
            budget: budget.map(|budget| budget()),
            kubelet: kubelet.and_then(|desk| desk.status()),
            rungs: rungs.unwrap_or_default(),
            outputs: monitors.iter().map(|monitor| output(&monitor.status())).collect(),
            collectors,
            state_dir: Some(state(&self.state_dir)),
            supervisor: self.supervisor.clone(),
        }
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Respond for Panel {
    fn respond(&self, request: Request) -> Answer {
        let now = clock::wall();
        self.switch.look(now);
        match request {
            Request::Status => Answer::Status(Box::new(self.status(now))),
            Request::Pause { for_s } => {
                Answer::pressed(self.switch.pause(for_s.map(Duration::from_secs), now))
            }
            Request::Resume => Answer::pressed(self.switch.resume(now)),
            Request::Health { probe } => {
                let health = health(self.parts().phase);
                Answer::probed(probe, &health)
            }
        }
    }
}

/// Who answers lives. Readiness is a matter of this process alone: a backend or an API server that is away makes no
/// agent unready, because a restart or a withdrawal would help nobody.
fn health(phase: Phase) -> Health {
    let reason = match phase {
        Phase::Running => None,
        Phase::Starting => Some("starting"),
        Phase::Stopping => Some("stopping"),
    };
    Health { live: true, ready: reason.is_none(), reason: reason.map(str::to_owned) }
}

/// The process that answers.
pub(crate) fn process(role: &str, started: Wall, now: Wall) -> status::Process {
    status::Process {
        role: role.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        started: time::text(started),
        uptime_s: now.since(started).as_secs(),
    }
}

/// What the switch says.
pub(crate) fn paused(switch: &Switch) -> status::Pause {
    let file = switch.file().display().to_string();
    match switch.current() {
        pause::Pause::Running => status::Pause { paused: false, until: None, cause: None, file },
        pause::Pause::Paused { until, cause } => status::Pause {
            paused: true,
            until: until.map(time::text),
            cause: Some(cause.as_str().to_owned()),
            file,
        },
    }
}

fn collector(stats: &crate::stats::CollectorStats) -> status::Collector {
    let reading = stats.read();
    status::Collector {
        name: stats.name.to_owned(),
        scrapes: reading.scrapes,
        failed: reading.failed,
        samples: reading.samples,
        last_error: stats.last_error().map(|error| trouble(Timestamp(error.wall_ns), &error.text)),
    }
}

fn output(output: &exporter::output::Status) -> status::Output {
    status::Output {
        name: output.name.clone(),
        endpoint: status::line(&output.endpoint),
        proxy: output.proxy.as_deref().map(status::line),
        last_success: output.last_success.map(instant),
        last_error: output.last_error.as_ref().map(|error| trouble(error.at, &error.text)),
        failures_in_a_row: output.failures_in_a_row,
        queue_requests: output.queue.count.requests,
        queue_bytes: output.queue.bytes as u64,
        queue_limit_bytes: output.queue_limit as u64,
        oldest_sample: output.oldest().map(instant),
        dns: dns(&output.names),
        disk: output.disk.as_ref().map(disk),
    }
}

fn dns(names: &Resolution) -> Option<status::Dns> {
    Some(status::Dns {
        host: status::line(names.host.as_deref()?),
        addresses: names.addresses.iter().map(ToString::to_string).collect(),
        stale_s: names.stale_for.as_secs(),
        last_error: names.last_error.as_deref().map(status::line),
    })
}

fn disk(log: &exporter::disk::Status) -> status::DiskLog {
    status::DiskLog {
        requests: log.count.requests,
        bytes: log.bytes,
        limit_bytes: log.limit,
        evicted_requests: log.evicted.requests,
        damaged: log.damaged,
        trouble: log.trouble.as_deref().map(status::line),
    }
}

fn state(state_dir: &StateDir) -> status::StateDir {
    let errors = state_dir.entries().into_iter().map(|entry| status::StateError {
        file: entry.kept.as_str().to_owned(),
        reason: entry.reason.to_owned(),
        count: entry.count,
    });
    status::StateDir {
        path: state_dir.path().display().to_string(),
        locked: state_dir.is_locked(),
        trouble: state_dir.trouble().map(|trouble| trouble.as_str().to_owned()),
        errors: errors.collect(),
    }
}

fn trouble(at: Timestamp, text: &str) -> status::Trouble {
    status::Trouble { at: instant(at), text: status::line(text) }
}

fn instant(at: Timestamp) -> String {
    time::text(Wall::new(Duration::from_nanos(at.0)))
}

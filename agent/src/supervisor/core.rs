//! When the agent is started, told and killed. Pure: events and the time in, actions out.
//!
//! ```text
//!            due                      ended
//! Waiting ────────→ Running ─────────────────→ Waiting (longer each time, see `record`)
//!    │ stop            │ stop
//!    ↓                 ↓       due: kill         ended
//!  leave            Stopping ──────────→ Killed ───────→ leave
//! ```
//! Invariant: at most one agent at a time, and between the end of one and the start of the next lies the back-off,
//! unless a person asked (SIGHUP).

use std::time::Duration;

use shared_informer::clock::{Mono, Now};

use super::record::{Backoff, Last, Record};

#[cfg(test)]
mod tests;

/// The agent's exit code for a configuration that cannot be used (`EX_CONFIG` and `EX_USAGE` of tare).
const REFUSED: i32 = 64;
/// SIGINT and SIGTERM: an agent that ends by them before it handles them did what it was told.
const STOP_SIGNALS: [i32; 2] = [2, 15];

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long an agent may take to stop that has not said how long it takes. Above the largest
    /// `control.shutdown_timeout`.
    pub stop: Duration,
    /// How much longer than it has said an agent may take: its own deadline comes first, unless it hangs in something that
    /// has none, such as a disk.
    pub margin: Duration,
    /// The same from the second stop signal on, and for the kernel after a kill.
    pub abort: Duration,
    /// The back-off.
    pub backoff: Backoff,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { stop: seconds(310), margin: seconds(5), abort: seconds(5), backoff: Backoff::default() }
    }
}

/// What somebody asks of the supervisor, by a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// SIGTERM.
    Terminate,
    /// SIGINT.
    Interrupt,
    /// SIGHUP.
    Reload,
    /// SIGUSR1.
    Pause,
    /// SIGUSR2.
    Resume,
}

/// How an agent ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Its exit code; none if a signal ended it or it could not be started.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Its last words.
    pub words: Option<String>,
}

impl End {
    /// In plain words.
    pub fn text(&self) -> String {
        let how = match (self.code, self.signal) {
            (Some(code), _) => format!("ended with exit code {code}"),
            (None, Some(signal)) => format!("was ended by signal {signal}"),
            (None, None) => "could not be started".to_owned(),
        };
        match &self.words {
            Some(words) => format!("the agent {how}: {words}"),
            None => format!("the agent {how}"),
        }
    }
}

/// Something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Time went by.
    Due,
    /// The agent handles signals now, and takes so long at most to stop.
    Ready {
        /// Its own deadline.
        stop: Duration,
    },
    /// The agent is no more.
    Ended(End),
    /// A signal came.
    Asked(Ask),
}

/// Something is to be done; in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Let go of the socket and start an agent.
    Start,
    /// Pass the signal on to the agent.
    Send(Ask),
    /// Press the switch, true to pause: there is no agent that could.
    Press(bool),
    /// End the agent with SIGKILL.
    Kill,
    /// Keep this for the next life.
    Save(Record),
    /// End with this exit code.
    Leave(u8),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Waiting { until: Mono },
    Running { since: Mono, ready: Option<Duration>, reload: bool, pause: Option<bool> },
    Stopping { deadline: Mono },
    Killed { deadline: Mono },
    Left,
}

/// The supervisor's state.
#[derive(Debug, Clone)]
pub struct Core {
    limits: Limits,
    phase: Phase,
    failures: u32,
    starts: u64,
    last: Option<End>,
}

impl Core {
    /// The beginning, with what an earlier life left. An agent is due at once, or when that life's back-off is over.
    pub fn new(limits: Limits, record: Option<Record>, now: Now) -> Self {
        let (failures, wait) = limits.backoff.resume(record, now.wall);
        let phase = Phase::Waiting { until: now.mono.plus(wait) };
        Self { limits, phase, failures, starts: 0, last: None }
    }

    /// What follows from `event`.
    pub fn decide(&mut self, event: Event, now: Now) -> Vec<Action> {
        match event {
            Event::Due => self.due(now),
            Event::Ready { stop } => self.ready(stop),
            Event::Ended(end) => self.ended(end, now),
            Event::Asked(Ask::Terminate | Ask::Interrupt) if matches!(self.phase, Phase::Left) => Vec::new(),
            Event::Asked(ask @ (Ask::Terminate | Ask::Interrupt)) => self.stop(ask, now),
            Event::Asked(Ask::Reload) => self.reload(now),
            Event::Asked(Ask::Pause) => self.press(true),
            Event::Asked(Ask::Resume) => self.press(false),
        }
    }

    /// When [`Event::Due`] is next of use; none if nothing is.
    pub const fn next(&self) -> Option<Mono> {
        match self.phase {
            Phase::Waiting { until } => Some(until),
            Phase::Stopping { deadline } | Phase::Killed { deadline } => Some(deadline),
            Phase::Running { .. } | Phase::Left => None,
        }
    }

    /// How long until an agent is started; none while there is one.
    pub fn wait(&self, now: Mono) -> Option<Duration> {
        match self.phase {
            Phase::Waiting { until } => Some(until.since(now)),
            _ => None,
        }
    }

    /// Whether the agent was told to stop, so that its end is what was wanted.
    pub const fn is_stopping(&self) -> bool {
        matches!(self.phase, Phase::Stopping { .. } | Phase::Killed { .. })
    }

    /// Starts after the first one.
    pub const fn restarts(&self) -> u64 {
        self.starts.saturating_sub(1)
    }

    /// How the last agent ended.
    pub const fn last_end(&self) -> Option<&End> {
        self.last.as_ref()
    }

    /// Whether the last agent ended because it refused its configuration.
    pub fn is_refused(&self) -> bool {
        self.last.as_ref().is_some_and(|end| end.code == Some(REFUSED))
    }

    fn due(&mut self, now: Now) -> Vec<Action> {
        match self.phase {
            Phase::Waiting { until } if now.mono >= until => self.start(now),
            Phase::Stopping { deadline } if now.mono >= deadline => {
                self.phase = Phase::Killed { deadline: now.mono.plus(self.limits.abort) };
                vec![Action::Kill]
            }
            // Not even the kernel can end it (a process in an uninterruptible wait): our own end may.
            Phase::Killed { deadline } if now.mono >= deadline => self.leave(now, 70),
            _ => Vec::new(),
        }
    }

    fn start(&mut self, now: Now) -> Vec<Action> {
        self.starts = self.starts.saturating_add(1);
        self.phase = Phase::Running { since: now.mono, ready: None, reload: false, pause: None };
        vec![
            Action::Save(Record { last: Last::Started, failures: self.failures, at: now.wall }),
            Action::Start,
        ]
    }

    fn ready(&mut self, stop: Duration) -> Vec<Action> {
        let Phase::Running { ready, reload, pause, .. } = &mut self.phase else { return Vec::new() };
        *ready = Some(stop);
        let reload = std::mem::take(reload).then_some(Ask::Reload);
        let pause = pause.take().map(|pause| if pause { Ask::Pause } else { Ask::Resume });
        reload.into_iter().chain(pause).map(Action::Send).collect()
    }

    fn ended(&mut self, end: End, now: Now) -> Vec<Action> {
        match self.phase.clone() {
            Phase::Running { since, pause, .. } => {
                let lived = now.mono.since(since);
                self.failures = self.limits.backoff.failures_after(self.failures, lived);
                self.last = Some(end);
                self.phase = Phase::Waiting { until: now.mono.plus(self.limits.backoff.wait(self.failures)) };
                let failed = Record { last: Last::Failed, failures: self.failures, at: now.wall };
                pause.map(Action::Press).into_iter().chain([Action::Save(failed)]).collect()
            }
            Phase::Stopping { .. } | Phase::Killed { .. } => {
                let code = match (end.code, end.signal) {
                    (Some(code), _) => u8::try_from(code).unwrap_or(70),
                    (None, Some(signal)) if STOP_SIGNALS.contains(&signal) => 0,
                    (None, _) => 70,
                };
                self.last = Some(end);
                self.leave(now, code)
            }
            Phase::Waiting { .. } | Phase::Left => Vec::new(),
        }
    }

    fn stop(&mut self, ask: Ask, now: Now) -> Vec<Action> {
        match self.phase {
            Phase::Waiting { .. } => self.leave(now, 0),
            Phase::Running { ready, .. } => {
                let patience = ready.map_or(self.limits.stop, |stop| stop.saturating_add(self.limits.margin));
                self.phase = Phase::Stopping { deadline: now.mono.plus(patience) };
                vec![Action::Send(ask)]
            }
            Phase::Stopping { deadline } => {
                let deadline = deadline.min(now.mono.plus(self.limits.abort));
                self.phase = Phase::Stopping { deadline };
                vec![Action::Send(ask)]
            }
            Phase::Killed { .. } | Phase::Left => Vec::new(),
        }
    }

    fn reload(&mut self, now: Now) -> Vec<Action> {
        match &mut self.phase {
            Phase::Waiting { .. } => self.start(now),
            Phase::Running { ready: Some(_), .. } => vec![Action::Send(Ask::Reload)],
            // An agent that does not handle it yet would be ended by it.
            Phase::Running { reload, .. } => {
                *reload = true;
                Vec::new()
            }
            Phase::Stopping { .. } | Phase::Killed { .. } | Phase::Left => Vec::new(),
        }
    }

    fn press(&mut self, paused: bool) -> Vec<Action> {
        match &mut self.phase {
            Phase::Running { ready: Some(_), .. } => {
                vec![Action::Send(if paused { Ask::Pause } else { Ask::Resume })]
            }
            Phase::Running { pause, .. } => {
                *pause = Some(paused);
                Vec::new()
            }
            Phase::Waiting { .. } | Phase::Stopping { .. } | Phase::Killed { .. } => {
                vec![Action::Press(paused)]
            }
            Phase::Left => Vec::new(),
        }
    }

    fn leave(&mut self, now: Now, code: u8) -> Vec<Action> {
        self.phase = Phase::Left;
        let stopped = Record { last: Last::Stopped, failures: 0, at: now.wall };
        vec![Action::Save(stopped), Action::Leave(code)]
    }
}

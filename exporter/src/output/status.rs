//! How a destination does, in words for people: for `tare status`, readiness and the log.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::disk;
use crate::model::Timestamp;
use crate::queue::{Level, Queue};
use crate::resolve::{Resolution, View};
use crate::retry::Decision;
use crate::stats::Stats;

/// The least time between two log lines about failed exchanges.
const LOG_INTERVAL: Duration = Duration::from_secs(30);

/// How a destination does at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The output's name.
    pub name: String,
    /// Where it sends to, without the query.
    pub endpoint: String,
    /// The proxy on the way, without its credentials; none where there is none.
    pub proxy: Option<String>,
    /// When the backend last acknowledged a request.
    pub last_success: Option<Timestamp>,
    /// The last failure, or the last remark of the backend about a request that it acknowledged.
    pub last_error: Option<LastError>,
    /// Failed exchanges since the last acknowledged one.
    pub failures_in_a_row: u64,
    /// What waits in memory, in flight included.
    pub queue: Level,
    /// What may wait in memory, in bytes.
    pub queue_limit: usize,
    /// What is known about the name to which connections go, and for how long its addresses have been stale.
    pub names: Resolution,
    /// What waits on the disk and how the disk does; none where there is no disk log.
    pub disk: Option<disk::Status>,
}

impl Status {
    /// When the oldest sample was taken that waits in memory or on the disk; none where nothing waits. A
    /// backend that keeps up leaves this a few seconds behind the clock.
    pub fn oldest(&self) -> Option<Timestamp> {
        let on_disk = self.disk.as_ref().filter(|disk| disk.count.requests > 0).and_then(|disk| disk.oldest);
        self.queue.oldest.into_iter().chain(on_disk).min()
    }
}

/// What went wrong last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastError {
    /// When.
    pub at: Timestamp,
    /// What, in plain words; one line of bounded length.
    pub text: String,
}

/// A view of an output that can be kept and cloned; it does not keep the output running.
#[derive(Debug, Clone)]
pub struct Monitor {
    health: Arc<Health>,
    queue: Arc<Queue>,
    names: View,
    log: Option<Arc<disk::Shared>>,
}

impl Monitor {
    pub(super) fn new(
        health: Arc<Health>,
        queue: Arc<Queue>,
        names: View,
        log: Option<Arc<disk::Shared>>,
    ) -> Self {
        Self { health, queue, names, log }
    }

    /// How the output does now.
    pub fn status(&self) -> Status {
        let (queue, queue_limit) = (self.queue.level(), self.queue.limits().max_bytes);
        let names = self.names.resolution();
        let Health { name, endpoint, proxy, .. } = &*self.health;
        let state = self.health.lock();
        Status {
            name: name.clone(),
            endpoint: endpoint.clone(),
            proxy: proxy.clone(),
            last_success: state.last_success,
            last_error: state.last_error.clone(),
            failures_in_a_row: state.failures,
            queue,
            queue_limit,
            names,
            disk: self.log.as_ref().map(|log| log.status()),
        }
    }

    /// The output's counters, under the closed sets [`DropReason`](crate::queue::DropReason) and
    /// [`Failure`](crate::retry::Failure).
    pub fn stats(&self) -> &Stats {
        self.queue.stats()
    }
}

#[derive(Debug)]
pub(super) struct Health {
    name: String,
    endpoint: String,
    proxy: Option<String>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last_success: Option<Timestamp>,
    last_error: Option<LastError>,
    failures: u64,
    /// When a line was last logged, and whether it was about a failure that has not been followed by a
    /// line about a success.
    logged: Option<Instant>,
    troubled: bool,
}

impl State {
    /// Whether a line is due now; if so, it counts as written.
    fn due(&mut self, now: Instant) -> bool {
        let due = self.logged.is_none_or(|last| now.saturating_duration_since(last) >= LOG_INTERVAL);
        if due {
            self.logged = Some(now);
        }
        due
    }
}

impl Health {
    pub(super) fn new(name: &str, endpoint: &str, proxy: Option<&str>) -> Self {
        let proxy = proxy.map(str::to_owned);
        Self { name: name.to_owned(), endpoint: endpoint.to_owned(), proxy, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An exchange failed, and this was decided.
    pub(super) fn failed(&self, at: Timestamp, text: &str, decision: Decision) {
        let (due, failures) = {
            let mut state = self.lock();
            state.failures = state.failures.saturating_add(1);
            state.last_error = Some(LastError { at, text: text.to_owned() });
            let due = state.due(Instant::now());
            state.troubled |= due;
            (due, state.failures)
        };
        if due {
            let next = match decision {
                Decision::RetryAfter { wait, .. } => format!("again in {} ms", wait.as_millis()),
                Decision::Drop(reason) => format!("given up as {}", reason.as_str()),
                Decision::Delivered | Decision::DeliveredPartly { .. } => String::new(),
            };
            tracing::warn!(output = self.name, failures, next, "{text}");
        }
    }

    /// A request was acknowledged, perhaps with a remark.
    pub(super) fn succeeded(&self, at: Timestamp, remark: Option<String>) {
        let (recovered, remark_due) = {
            let mut state = self.lock();
            state.last_success = Some(at);
            state.failures = 0;
            let due = remark.is_some() && state.due(Instant::now());
            if let Some(text) = &remark {
                state.last_error = Some(LastError { at, text: text.clone() });
            }
            (std::mem::take(&mut state.troubled), due)
        };
        if recovered {
            tracing::info!(output = self.name, "delivers again to {}", self.endpoint);
        }
        if let Some(text) = remark.filter(|_| remark_due) {
            tracing::warn!(output = self.name, "{text}");
        }
    }
}

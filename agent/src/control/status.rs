//! What `tare status` tells: one tree, the same as JSON and, by [`table`], for people.
//!
//! A stable form: fields are added, never renamed or given another meaning within a [`SCHEMA`]. Times are RFC 3339 in
//! UTC, durations whole seconds, sizes bytes. Whatever is not known is null.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub mod table;
#[cfg(test)]
mod tests;

/// The name of this form.
pub const SCHEMA: &str = "tare.status/v1";
/// A text is cut to so many characters: they come from neighbours.
pub const MAX_TEXT: usize = 500;

/// How an agent does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// [`SCHEMA`].
    pub schema: String,
    /// Whether it lives and does its work.
    pub health: Health,
    /// The process that answers.
    pub process: Process,
    /// The configuration in force.
    pub config: Config,
    /// Whether a person said stop.
    pub pause: Pause,
    /// What it asks of the API server; null where it asks nothing.
    pub budget: Option<Budget>,
    /// What it reads of the kubelet; null where nobody wants that, or the agent is older.
    #[serde(default)]
    pub kubelet: Option<Kubelet>,
    /// Which sources of telemetry hold, of those that are wanted: `tare.rung.up`.
    #[serde(default)]
    pub rungs: BTreeMap<String, bool>,
    /// Where it sends to.
    pub outputs: Vec<Output>,
    /// What it reads.
    pub collectors: Vec<Collector>,
    /// What it remembers.
    pub state_dir: Option<StateDir>,
    /// Who restarts it; null without `--supervised`.
    pub supervisor: Option<Supervisor>,
}

/// Whether it lives and does its work. Nothing remote counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// False only where a restart would help.
    pub live: bool,
    /// Whether it runs with a configuration.
    pub ready: bool,
    /// Why not.
    pub reason: Option<String>,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// `agent`, or `supervisor` while there is no agent.
    pub role: String,
    /// tare's version.
    pub version: String,
    /// Its id, in its own namespace.
    pub pid: u32,
    /// When it started.
    pub started: String,
    /// For how long it has been running.
    pub uptime_s: u64,
}

/// The configuration in force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The file's name, `<stdin>`, or `defaults`.
    pub source: String,
    /// A checksum of the file's text, to tell one from another (not for security).
    pub hash: Option<String>,
    /// Since when it is in force.
    pub since: Option<String>,
    /// Why a newer one was refused, if the last reload was.
    pub refused: Option<String>,
}

/// Whether a person said stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Whether it is paused.
    pub paused: bool,
    /// When that ends by itself.
    pub until: Option<String>,
    /// `file`, `unreadable` or `memory`.
    pub cause: Option<String>,
    /// The file that pauses, whoever makes it.
    pub file: String,
}

/// What is asked of the API server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// `ok`, `conserving`, `exhausted`, `paused` or `off`.
    pub state: String,
    /// Why, in plain words.
    pub why: Option<String>,
    /// Whether nothing is sent and the counts are what would have been.
    pub dry_run: bool,
    /// The declared ceiling in force, requests per second of the whole cluster.
    pub requests_per_second: f64,
    /// The number of nodes that is reckoned with.
    pub nodes: u32,
    /// Where that number comes from: `declared`, `probed`, `remembered`, `hint` or `assumed`.
    pub nodes_source: String,
    /// The turn period in force.
    pub turn_period_s: u64,
    /// The next turn.
    pub next_turn: Option<String>,
    /// The shared watch.
    pub watch: Watch,
    /// Requests since the counts began, hidden ones included.
    pub requests: Vec<Requests>,
    /// The last trouble with the API server.
    pub last_error: Option<Trouble>,
}

/// The shared watch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// For how long it has been open; null while it is not.
    pub open_s: Option<u64>,
    /// How old the newest version known is.
    pub staleness_s: Option<u64>,
    /// Pods in the index.
    pub pods: u64,
    /// Whether the index was confirmed in this life.
    pub confirmed: bool,
}

/// One series of `tare.kube_api.requests`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// As the audit log writes it.
    pub verb: String,
    /// What was asked for.
    pub resource: String,
    /// Why.
    pub reason: String,
    /// The answer; `none` where there was none.
    pub status: String,
    /// How many.
    pub count: u64,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// When.
    pub at: String,
    /// What, in plain words.
    pub text: String,
}

/// The node's kubelet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kubelet {
    /// `slots` while it is scraped at its interval, `stopped` while one probe at a time asks whether it is well again,
    /// `off`.
    pub mode: String,
    /// Why it is off, in plain words.
    pub why: Option<String>,
    /// Where it is.
    pub address: Option<String>,
    /// `token`, `x509` or `read_only`.
    pub access: Option<String>,
    /// How its certificate is verified.
    pub trust: Option<String>,
    /// The interval in force; null until it is known.
    pub interval_s: Option<u64>,
    /// Whether the last `/stats/summary` was answered well and is not too old; null where it is not read.
    pub summary_up: Option<bool>,
    /// The same of `/pods`.
    pub pods_up: Option<bool>,
    /// When it last answered well.
    pub last_success: Option<String>,
    /// What last went wrong.
    pub last_error: Option<Trouble>,
}

/// One destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Where it sends to.
    pub endpoint: String,
    /// The proxy on the way, without its credentials; null where there is none.
    pub proxy: Option<String>,
    /// When the backend last acknowledged a request.
    pub last_success: Option<String>,
    /// The last failure, or the backend's last remark.
    pub last_error: Option<Trouble>,
    /// Failed exchanges since the last acknowledged one.
    pub failures_in_a_row: u64,
    /// Requests that wait in memory.
    pub queue_requests: u64,
    /// Their bytes.
    pub queue_bytes: u64,
    /// The most bytes that may wait in memory.
    pub queue_limit_bytes: u64,
    /// When the oldest sample was taken that waits, in memory or on the disk.
    pub oldest_sample: Option<String>,
    /// What is known about the name to which connections go; null for an address, which needs none.
    pub dns: Option<Dns>,
    /// The disk log; null without one.
    pub disk: Option<DiskLog>,
}

/// What is known about a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dns {
    /// The name: the backend's, or that of the proxy before it.
    pub host: String,
    /// The addresses in use, in the order in which they are tried.
    pub addresses: Vec<String>,
    /// For how long they have been past their time to live without a newer answer.
    pub stale_s: u64,
    /// Why the last look-up failed, if it did.
    pub last_error: Option<String>,
}

/// What waits on the disk, and how the disk does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskLog {
    /// Requests that wait in it.
    pub requests: u64,
    /// Bytes that its files take.
    pub bytes: u64,
    /// The most that they may take.
    pub limit_bytes: u64,
    /// Requests that were deleted for newer ones because it was full, since it was opened.
    pub evicted_requests: u64,
    /// Places where its files held something other than what was written, since it was opened.
    pub damaged: u64,
    /// Why requests stay in memory; null while the disk works.
    pub trouble: Option<String>,
}

/// One collector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collector {
    /// Its name.
    pub name: String,
    /// Finished scrapes.
    pub scrapes: u64,
    /// Scrapes that gave nothing because reads failed.
    pub failed: u64,
    /// Data points recorded.
    pub samples: u64,
    /// The first failed read of the last scrape that had any.
    pub last_error: Option<Trouble>,
}

/// The state directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateDir {
    /// Where it is.
    pub path: String,
    /// Whether this agent holds its lock.
    pub locked: bool,
    /// Why it could not be written the last time; null if it could.
    pub trouble: Option<String>,
    /// What went wrong so far.
    pub errors: Vec<StateError>,
}

/// One count of the state directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateError {
    /// Which file.
    pub file: String,
    /// Why it was of no use or could not be written.
    pub reason: String,
    /// How often.
    pub count: u64,
}

/// Who restarts the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supervisor {
    /// Its process id.
    pub pid: u32,
    /// How often it has restarted the agent.
    pub restarts: u64,
    /// How the agent ended the last time.
    pub last_end: Option<String>,
    /// When it starts the agent again; null while the agent runs.
    pub next_start_s: Option<u64>,
}

/// A text from elsewhere as one line of bounded length.
pub fn line(text: &str) -> String {
    let mut line: String =
        text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    if let Some((end, _)) = line.char_indices().nth(MAX_TEXT) {
        line.truncate(end);
        line.push('…');
    }
    line
}

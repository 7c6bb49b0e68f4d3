//! What the API server itself says that it was asked: its audit log, read as it grows.
//!
//! Invariant: a request counts once, however many stages of it are logged (a watch logs its start and its end),
//! and with what it was answered. The log of a server that was killed ends in the middle of a line, and the next
//! server goes on right behind it: the broken event is counted as broken, the one glued to it is not lost.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use serde::Deserialize;

#[cfg(test)]
mod tests;

pub(in crate::real) mod reviews;

/// What every event begins with.
const START: &str = "{\"kind\":\"Event\"";

/// The length of a window.
pub(in crate::real) const WINDOW: Duration = Duration::from_secs(10);

/// What requests are told apart by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::real) struct Kind {
    /// As the server names it: get, list, watch, create and so on.
    pub(in crate::real) verb: String,
    /// With its subresource, as in `pods/status`; empty for paths that are no resource.
    pub(in crate::real) resource: String,
    /// As the client named itself.
    pub(in crate::real) user_agent: String,
    /// Who the server took the client for; empty: it was not admitted.
    pub(in crate::real) user: String,
    /// The HTTP status of the answer.
    pub(in crate::real) code: u16,
}

/// Everything logged so far.
#[derive(Debug, Default)]
pub(in crate::real) struct Counts {
    kinds: BTreeMap<Kind, Vec<SystemTime>>,
    /// Started, not ended: their start has been counted.
    open: HashSet<String>,
    /// Lines that are no event.
    broken: u64,
}

/// Reads a growing file.
#[derive(Debug)]
pub(in crate::real) struct Reader {
    path: PathBuf,
    offset: u64,
    rest: Vec<u8>,
    counts: Counts,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(rename = "auditID")]
    id: String,
    stage: String,
    verb: String,
    #[serde(default)]
    user: User,
    #[serde(default)]
    user_agent: String,
    #[serde(default)]
    object_ref: Object,
    #[serde(default)]
    response_status: Status,
    request_received_timestamp: String,
}

#[derive(Default, Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

#[derive(Default, Deserialize)]
struct Object {
    #[serde(default)]
    resource: String,
    #[serde(default)]
    subresource: String,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    code: u16,
}

impl Reader {
    /// A reader from the beginning of the file.
    pub(in crate::real) fn new(path: &Path) -> Self {
        Self { path: path.to_path_buf(), offset: 0, rest: Vec::new(), counts: Counts::default() }
    }

    /// Reads what has been added. The part of a line at the end of the file waits for the next call.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(in crate::real) fn read(&mut self) -> anyhow::Result<&Counts> {
        let mut file = File::open(&self.path).with_context(|| format!("opening {}", self.path.display()))?;
        file.seek(SeekFrom::Start(self.offset))?;
        self.offset += file.read_to_end(&mut self.rest)? as u64;
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        for line in self.rest.drain(..whole).as_slice().split(|byte| *byte == b'\n') {
            self.counts.line(&String::from_utf8_lossy(line));
        }
        Ok(&self.counts)
    }

    /// Reads until nothing new of the clients that `mine` names has come for `quiet`: the server logs a request
    /// just after it has answered.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(in crate::real) fn settle(
        &mut self,
        quiet: Duration,
        mine: impl Fn(&Kind) -> bool,
    ) -> anyhow::Result<&Counts> {
        let mut last = usize::MAX;
        loop {
            let now = self.read()?.total(&mine);
            if now == last {
                return Ok(&self.counts);
            }
            last = now;
            std::thread::sleep(quiet);
        }
    }
}

impl Counts {
    /// Takes one line of the log.
    fn line(&mut self, line: &str) {
        if line.is_empty() {
            return;
        }
        if let Ok(event) = serde_json::from_str(line) {
            return self.event(event);
        }
        self.broken += 1;
        if let Some((_, glued)) = line.rsplit_once(START)
            && let Ok(event) = serde_json::from_str(&format!("{START}{glued}"))
        {
            self.event(event);
        }
    }

    fn event(&mut self, event: Event) {
        let Ok(received) = humantime::parse_rfc3339(&event.request_received_timestamp) else {
            self.broken += 1;
            return;
        };
        if event.stage == "ResponseStarted" {
            self.open.insert(event.id);
        } else if self.open.remove(&event.id) {
            return;
        }
        let Object { resource, subresource } = event.object_ref;
        let kind = Kind {
            verb: event.verb,
            resource: if subresource.is_empty() { resource } else { format!("{resource}/{subresource}") },
            user_agent: event.user_agent,
            user: event.user.username,
            code: event.response_status.code,
        };
        self.kinds.entry(kind).or_default().push(received);
    }

    /// How many requests of which kind, of those that `wanted` selects.
    pub(in crate::real) fn of<'a>(
        &'a self,
        wanted: impl Fn(&Kind) -> bool + 'a,
    ) -> impl Iterator<Item = (&'a Kind, usize)> + 'a {
        self.kinds.iter().filter(move |(kind, _)| wanted(kind)).map(|(kind, times)| (kind, times.len()))
    }

    /// How many requests `wanted` selects.
    pub(in crate::real) fn total(&self, wanted: impl Fn(&Kind) -> bool) -> usize {
        self.of(wanted).map(|(_, count)| count).sum()
    }

    /// How many of those arrived in each window of 10 s, by the window's beginning; windows without any are left out.
    pub(in crate::real) fn windows(&self, wanted: impl Fn(&Kind) -> bool) -> BTreeMap<Duration, usize> {
        let mut windows = BTreeMap::new();
        for time in self.times(wanted) {
            let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
            *windows.entry(Duration::from_secs(since / WINDOW.as_secs() * WINDOW.as_secs())).or_default() +=
                1;
        }
        windows
    }

    /// The most of those that arrived in any 10 s, wherever they begin.
    pub(in crate::real) fn busiest(&self, wanted: impl Fn(&Kind) -> bool) -> usize {
        busiest(self.times(wanted).collect())
    }

    /// How many lines were no event.
    pub(in crate::real) fn broken(&self) -> u64 {
        self.broken
    }

    /// When those arrived that `wanted` selects.
    pub(in crate::real) fn times(&self, wanted: impl Fn(&Kind) -> bool) -> impl Iterator<Item = SystemTime> {
        self.kinds.iter().filter(move |(kind, _)| wanted(kind)).flat_map(|(_, times)| times).copied()
    }
}

/// The most of `times` in any 10 s, wherever they begin.
pub(in crate::real) fn busiest(mut times: Vec<SystemTime>) -> usize {
    times.sort_unstable();
    let mut first = 0;
    let mut most = 0;
    for (last, time) in times.iter().enumerate() {
        while times.get(first).is_some_and(|early| *early + WINDOW <= *time) {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

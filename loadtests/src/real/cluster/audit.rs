//! What the API server itself says that it was asked: its audit log, read as it grows.
//!
//! Invariant: a request counts once, however many stages of it are logged (a watch logs its start and its end),
//! and with what it was answered. The log of a server that was killed ends in the middle of a line, and the next
//! server goes on right behind it: the broken event is counted as broken, the one glued to it is not lost.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;

#[cfg(test)]
mod tests;

pub(in crate::real) mod acts;
mod event;
pub(in crate::real) mod reviews;

use self::event::{Event, Open};

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
    open: Open,
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

    /// What has been read so far.
    pub(in crate::real) fn counts(&self) -> &Counts {
        &self.counts
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
        if let Some(event) = Event::whole(line) {
            return self.event(event);
        }
        self.broken += 1;
        if let Some(event) = Event::glued(line) {
            self.event(event);
        }
    }

    fn event(&mut self, event: Event) {
        let Ok(received) = humantime::parse_rfc3339(&event.request_received_timestamp) else {
            self.broken += 1;
            return;
        };
        if !self.open.counts(&event) {
            return;
        }
        let kind = Kind {
            verb: event.verb,
            resource: event.object_ref.resource(),
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
        busiest(self.times(wanted).collect(), WINDOW)
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

/// The most of `times` within `window`, wherever it begins.
pub(crate) fn busiest(mut times: Vec<SystemTime>, window: Duration) -> usize {
    times.sort_unstable();
    let mut first = 0;
    let mut most = 0;
    for (last, time) in times.iter().enumerate() {
        while times.get(first).is_some_and(|early| *early + window <= *time) {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

//! `system.network.connections`: how many TCP sockets are in each state.
//!
//! The kernel's `sock_diag` is asked where it answers for the host's network namespace ([`diag`]). Elsewhere, in
//! a pod with a network of its own, the host's files serve: `net/tcp` and `net/tcp6` have a line of about 150 bytes per socket, 15 MB for 100,000, so they are read in
//! chunks of [`CHUNK`] bytes and counted as they pass; a file above [`FILE_LIMIT`] (430,000 sockets) is
//! refused, and connections are then missing from the scrape. A missing `tcp6` is a host without IPv6.

use std::path::Path;

use exporter::segment::Segment;

use self::count::{Counter, Counts, Family, State};
use self::diag::Diag;
use crate::catalog::Enabled;
use crate::catalog::hostmetrics::network;
use crate::collectors::Scrape;
use crate::collectors::points::{Point, Points};
use crate::error::ErrorClass;
use crate::paths::HostPaths;
use crate::source::KeptFile;

mod count;
mod diag;
mod lines;
#[cfg(test)]
mod tests;

/// What is read at once.
const CHUNK: usize = 64 << 10;
/// The most that is read of one file.
const FILE_LIMIT: usize = 64 << 20;

/// The states as the collector names them. It always reports twelve of which three cannot occur on Linux
/// (`DELETE`, `FIN_WAIT_1`, `FIN_WAIT_2`), and names two that do occur otherwise (`FIN_WAIT1`, `FIN_WAIT2`),
/// which appear only while there are such sockets.
static POINTS: [Point<Counts>; 14] = [
    Point::int(&network::CONNECTIONS, &[TCP, ("state", "CLOSE_WAIT")], |counts| {
        Some(counts[State::CloseWait])
    }),
    Point::int(&network::CONNECTIONS, &[TCP, ("state", "CLOSE")], |counts| Some(counts[State::Close])),
    Point::int(&network::CONNECTIONS, &[TCP, ("state", "CLOSING")], |counts| Some(counts[State::Closing])),
    Point::int(&network::CONNECTIONS, &[TCP, ("state", "DELETE")], |_| Some(0)),
    Point::int(&network::CONNECTIONS, &[TCP, ("state", "ESTABLISHED")], |counts| {
        Some(counts[State::Established])
    }),
    Point::int(&network::CONNECTIONS, &[TCP, ("state", "FIN_WAIT_1")], |_| Some(0)),
    Point::int(&network::CONNECTIONS, &[TCP, ("state", "FIN_WAIT_2")], |_| Some(0)),
    Point::int(&network::CONNECTIONS, &[TCP, ("state", "LAST_ACK")], |counts| Some(counts[State::LastAck])),
    Point::int(&network::CONNECTIONS, &[TCP, ("state", "LISTEN")], |counts| Some(counts[State::Listen])),
    Point::int(&network::CONNECTIONS, &[TCP, ("state", "SYN_SENT")], |counts| Some(counts[State::SynSent])),
    Point::int(&network::CONNECTIONS, &[TCP, ("state", "SYN_RECV")], |counts| Some(counts[State::SynRecv])),
    Point::int(&network::CONNECTIONS, &[TCP, ("state", "TIME_WAIT")], |counts| Some(counts[State::TimeWait])),
    Point::int(&network::CONNECTIONS, &[TCP, ("state", "FIN_WAIT1")], |counts| {
        Some(counts[State::FinWait1]).filter(|count| *count > 0)
    }),
    Point::int(&network::CONNECTIONS, &[TCP, ("state", "FIN_WAIT2")], |counts| {
        Some(counts[State::FinWait2]).filter(|count| *count > 0)
    }),
];
const TCP: (&str, &str) = ("protocol", "tcp");

/// The kernel fills a page of at least 4 KiB with whole lines of at most [`lines::LINE_LIMIT`] bytes for each read:
/// what comes with less is the end of the file. To ask again would walk the whole hash table again.
const LAST_BELOW: usize = 4096 - lines::LINE_LIMIT;

/// The sources and the series of the connections.
#[derive(Debug)]
pub(super) struct Connections {
    diag: Option<Diag>,
    tcp: KeptFile,
    tcp6: KeptFile,
    counter: Counter,
    points: Points<Counts>,
}

impl Connections {
    /// Registers the series; `net` is the directory of the files below `/proc`. Reads nothing yet.
    pub(super) fn new(paths: &HostPaths, net: &Path, segment: &mut Segment, enabled: &Enabled) -> Self {
        let file = |name: &str| KeptFile::with_limit(paths.proc(net.join(name)), FILE_LIMIT);
        Self {
            diag: is_own_network(paths, net).then(|| Diag::open().ok()).flatten(),
            tcp: file("tcp"),
            tcp6: file("tcp6"),
            counter: Counter::new(),
            points: Points::register(segment, enabled, &POINTS, &[]),
        }
    }

    /// Records the counts; nothing if a file cannot be read to its end.
    pub(super) fn read(&mut self, segment: &mut Segment, scrape: &mut Scrape<'_>) {
        if !self.ask(scrape) && !self.read_files(scrape) {
            return;
        }
        self.points.record(segment, self.counter.counts());
    }

    /// Counts by `sock_diag`; false where it does not answer, and then it is not asked again.
    fn ask(&mut self, scrape: &mut Scrape<'_>) -> bool {
        let Some(diag) = &mut self.diag else { return false };
        self.counter.clear();
        match diag.count(scrape.buffer, &mut self.counter) {
            Ok(()) => true,
            Err(error) => {
                tracing::info!(%error, "TCP connections are counted from /proc from now on");
                self.diag = None;
                false
            }
        }
    }

    /// Counts by the files; false if one cannot be read to its end.
    fn read_files(&mut self, scrape: &mut Scrape<'_>) -> bool {
        let Self { tcp, tcp6, counter, .. } = self;
        counter.clear();
        for (family, file) in [(Family::V4, tcp), (Family::V6, tcp6)] {
            counter.begin(family);
            match file.stream(scrape.buffer, CHUNK, LAST_BELOW, |chunk| counter.feed(chunk)) {
                Ok(()) => counter.finish().report(scrape, file),
                Err(error) if family == Family::V6 && error.class() == ErrorClass::NotFound => {}
                Err(error) => {
                    scrape.fail(&error);
                    return false;
                }
            }
        }
        true
    }
}

/// Whether the network files that are read are those of this process's own network namespace. They are numbered by
/// namespace: the same inode of procfs is the same namespace.
fn is_own_network(paths: &HostPaths, net: &Path) -> bool {
    let inode = |path: &Path| {
        let is_procfs = rustix::fs::statfs(path).is_ok_and(|fs| fs.f_type == rustix::fs::PROC_SUPER_MAGIC);
        rustix::fs::stat(path).ok().filter(|_| is_procfs).map(|stat| stat.st_ino)
    };
    let own = inode(&paths.own("net/dev"));
    own.is_some() && own == inode(&paths.proc(net.join("dev")))
}

//! The scraper `network`: interfaces from `net/dev`, TCP connections by state from `net/tcp` and `net/tcp6`,
//! and the fill of the connection tracking table.
//!
//! The host's network is reported: `/proc/net` is that of whoever reads it, so with the host's procfs mounted
//! elsewhere the files are taken from `/proc/1/net`, where that is readable, else from `/proc/net` (the
//! agent's own network namespace, which is the host's in a pod with `hostNetwork`). The tracking table has no
//! file per process: its figures are always those of the agent's own namespace.

use std::path::{Path, PathBuf};

use exporter::segment::Segment;

use self::connections::Connections;
use self::conntrack::Conntrack;
use self::netdev::Stat;
use super::objects::Objects;
use super::points::{self, Point};
use super::{Collector, Scrape, Setup};
use crate::catalog::hostmetrics::network;
use crate::filter::Filter;
use crate::paths::HostPaths;
use crate::source::KeptFile;

mod connections;
mod conntrack;
pub(crate) mod netdev;
#[cfg(test)]
mod tests;

/// The most interfaces that are followed, excluded ones included.
const INTERFACE_LIMIT: usize = 4096;

/// The settings of the scraper `network`.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Which interfaces are reported, by name (`eth0`).
    pub interfaces: Filter,
}

const RECEIVE: &[(&str, &str)] = &[("direction", "receive")];
const TRANSMIT: &[(&str, &str)] = &[("direction", "transmit")];

static POINTS: [Point<Stat>; 8] = [
    Point::int(&network::IO, RECEIVE, |stat| Some(stat.received.bytes)),
    Point::int(&network::IO, TRANSMIT, |stat| Some(stat.transmitted.bytes)),
    Point::int(&network::PACKETS, RECEIVE, |stat| Some(stat.received.packets)),
    Point::int(&network::PACKETS, TRANSMIT, |stat| Some(stat.transmitted.packets)),
    Point::int(&network::ERRORS, RECEIVE, |stat| Some(stat.received.errors)),
    Point::int(&network::ERRORS, TRANSMIT, |stat| Some(stat.transmitted.errors)),
    Point::int(&network::DROPPED, RECEIVE, |stat| Some(stat.received.dropped)),
    Point::int(&network::DROPPED, TRANSMIT, |stat| Some(stat.transmitted.dropped)),
];

/// The collector of the scraper `network`.
#[derive(Debug)]
pub struct Network {
    /// Absent where no row of the interfaces is reported.
    file: Option<KeptFile>,
    segment: Segment,
    interfaces: Objects<Stat>,
    connections: Option<Connections>,
    conntrack: Conntrack,
}

impl Network {
    /// Finds out whose network files can be read, and reads nothing else yet.
    pub fn new(setup: &Setup, settings: Settings) -> Self {
        let mut segment = setup.node_segment("tare.host.network");
        let enabled = &setup.enabled;
        let net = net_directory(&setup.paths);
        Self {
            file: points::any(&POINTS, enabled).then(|| KeptFile::new(setup.paths.proc(net.join("dev")))),
            interfaces: Objects::new(&POINTS, enabled, settings.interfaces, INTERFACE_LIMIT, "interfaces"),
            connections: enabled
                .has(&network::CONNECTIONS)
                .then(|| Connections::new(&setup.paths, &net, &mut segment, enabled)),
            conntrack: Conntrack::new(&setup.paths, &mut segment, enabled),
            segment,
        }
    }

    fn read_interfaces(&mut self, scrape: &mut Scrape<'_>) {
        let Self { file: Some(file), segment, interfaces, .. } = self else { return };
        let text = match file.read(scrape.buffer) {
            Ok(text) => text,
            Err(error) => return scrape.fail(&error),
        };
        let faults = interfaces.record(segment, netdev::rows(text));
        interfaces.report(faults, scrape, file);
    }
}

impl Collector for Network {
    fn name(&self) -> &'static str {
        "network"
    }

    fn collect(&mut self, scrape: &mut Scrape<'_>) {
        self.segment.begin(scrape.time);
        self.read_interfaces(scrape);
        if let Some(connections) = &mut self.connections {
            connections.read(&mut self.segment, scrape);
        }
        self.conntrack.read(&mut self.segment, scrape);
        self.segment.finish();
    }

    fn segments(&self, visit: &mut dyn FnMut(&Segment)) {
        visit(&self.segment);
    }
}

/// The directory below the host's `/proc` whose network files are the host's, as far as can be seen.
fn net_directory(paths: &HostPaths) -> PathBuf {
    let own = paths.proc("") == Path::new("/proc");
    let host = Path::new("1/net");
    if !own && std::fs::File::open(paths.proc(host.join("dev"))).is_ok() {
        host.to_owned()
    } else {
        PathBuf::from("net")
    }
}

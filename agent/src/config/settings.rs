//! The checked configuration: what the agent is built from. Made from the file by one conversion, in which every
//! check that needs more than one value happens.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use exporter::proxy::Proxy;
use http::{HeaderMap, HeaderName, Uri};

use super::values::{LogFormat, LogLevel};
use crate::catalog::Enabled;
use crate::enrich::Choice;
use crate::paths::HostPaths;

mod containers;
mod control_plane;
mod convert;
mod enrich;
mod kubelet;
mod outputs;

pub use super::values::{Compression, Protocol};
pub use crate::collectors::{
    disk::Settings as Disk, filesystem::Settings as Filesystem, load::Settings as Load,
    network::Settings as Network, pods::AllInterfaces, pods::Groups, process::Settings as Process,
};
pub use control_plane::{Api, ApiServer, ControlPlane, DaemonSet, Off, Reach};
pub(super) use convert::convert;
pub use kubelet::KubeletReader;

/// Everything that is configured, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the host's files are.
    pub paths: HostPaths,
    /// Which metrics are reported.
    pub enabled: Enabled,
    /// Which scrapers run.
    pub scrapers: Scrapers,
    /// What is reported of the pods on this machine; `None` where nothing is.
    pub containers: Option<Scraper<Containers>>,
    /// What may be asked of the API server, and how it is reached.
    pub control_plane: ControlPlane,
    /// What of a pod becomes attributes.
    pub choice: Arc<Choice>,
    /// The node's resource attributes as far as they are configured, by name; [`super::resource`] adds what the
    /// machine knows.
    pub resource: Vec<(String, String)>,
    /// Where the data goes: at least one output, each with a name of its own.
    pub outputs: Vec<Output>,
    /// The proxies on the way to them, as the environment names them.
    pub proxy: Option<Proxy>,
    /// How the agent itself runs.
    pub control: Control,
}

/// The scrapers that run; at least one does.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names are those of the scrapers")]
pub struct Scrapers {
    pub cpu: Option<Scraper<()>>,
    pub disk: Option<Scraper<Disk>>,
    pub filesystem: Option<Scraper<Filesystem>>,
    pub load: Option<Scraper<Load>>,
    pub memory: Option<Scraper<()>>,
    pub network: Option<Scraper<Network>>,
    pub nfs: Option<Scraper<()>>,
    pub paging: Option<Scraper<()>>,
    pub process: Option<Scraper<Process>>,
    pub processes: Option<Scraper<()>>,
    pub system: Option<Scraper<()>>,
}

/// What is reported of containers, pods, volumes and the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Containers {
    /// Of which objects.
    pub groups: Groups,
    /// Which of their interfaces.
    pub all_interfaces: AllInterfaces,
    /// Whether containers have `container.id`.
    pub container_ids: bool,
    /// Whether volumes have `k8s.volume.type`.
    pub volume_types: bool,
    /// The most series of all of them together.
    pub max_series: usize,
}

/// A scraper that runs.
#[derive(Debug, Clone)]
pub struct Scraper<T> {
    /// How often.
    pub interval: Duration,
    /// What only this scraper has.
    pub settings: T,
}

/// One place where data goes.
#[derive(Debug, Clone)]
pub struct Output {
    /// The output's name.
    pub name: String,
    /// How many bytes of requests may wait.
    pub queue_max_bytes: u64,
    /// How long a request may wait.
    pub queue_max_age: Duration,
    /// What the place is.
    pub to: Destination,
}

/// What a place is where data goes.
#[derive(Debug, Clone)]
pub enum Destination {
    /// An OTLP receiver.
    Otlp(Box<Otlp>),
    /// OTLP/JSON on standard output. At most one output.
    Stdout,
}

/// An OTLP receiver.
#[derive(Debug, Clone)]
pub struct Otlp {
    /// How requests travel.
    pub protocol: Protocol,
    /// The address to which requests are sent, complete; `http` or `https`. For gRPC without a path.
    pub endpoint: Uri,
    /// Headers of every request; their values are marked as sensitive.
    pub headers: HeaderMap,
    /// Headers whose values are in files; none of them is in `headers`.
    pub headers_from_files: Vec<(HeaderName, PathBuf)>,
    /// How requests are compressed.
    pub compression: Compression,
    /// How long a request may take.
    pub timeout: Duration,
    /// Certificates.
    pub tls: Tls,
    /// How the name in the address is looked up.
    pub resolve: Resolve,
    /// The wait after the first failure.
    pub retry_initial_interval: Duration,
    /// The longest wait between two attempts; not less than the first.
    pub retry_max_interval: Duration,
    /// Where requests wait on disk; no other output has the same folder.
    pub disk_log: Option<DiskLog>,
}

/// How a name is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolve {
    /// How long the last good addresses are used; not less than `max_refresh`.
    pub max_stale: Duration,
    /// The shortest time between two look-ups.
    pub min_refresh: Duration,
    /// The longest; not less than the shortest.
    pub max_refresh: Duration,
    /// Where the last good addresses are kept; no other output has the same file.
    pub cache_file: Option<PathBuf>,
}

/// A log on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskLog {
    /// The folder.
    pub directory: PathBuf,
    /// The most that its files take together, in bytes.
    pub max_size: u64,
    /// Bytes that are sent from it per second, on average.
    pub replay_bytes_per_second: u64,
}

/// Trust and identity for `https`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// A PEM file of certificates to check the receiver's with, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// What tare shows of itself.
    pub client: Option<ClientCertificate>,
    /// The name in the receiver's certificate, where it is not the address's.
    pub server_name: Option<String>,
}

/// The client's side of TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate.
    pub cert_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
}

/// How the agent itself runs.
#[derive(Debug, Clone, Copy)]
pub struct Control {
    /// How long a stop may take to send what is queued.
    pub shutdown_timeout: Duration,
    /// How often tare reports its own metrics.
    pub self_telemetry_interval: Duration,
    /// How much is logged.
    pub log_level: LogLevel,
    /// How the log looks.
    pub log_format: LogFormat,
}

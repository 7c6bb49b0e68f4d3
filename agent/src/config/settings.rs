//! The checked configuration: what the agent is built from. Made from the file by one conversion, in which every
//! check that needs more than one value happens.

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderMap, Uri};

use super::values::{LogFormat, LogLevel};
use crate::catalog::Enabled;
use crate::paths::HostPaths;

mod convert;
mod outputs;

pub use super::values::Compression;
pub use crate::collectors::{
    disk::Settings as Disk, filesystem::Settings as Filesystem, load::Settings as Load,
    network::Settings as Network, process::Settings as Process,
};
pub(super) use convert::convert;

/// Everything that is configured, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the host's files are.
    pub paths: HostPaths,
    /// Which metrics are reported.
    pub enabled: Enabled,
    /// Which scrapers run.
    pub scrapers: Scrapers,
    /// The node's resource attributes as far as they are configured, by name; [`super::resource`] adds what the
    /// machine knows.
    pub resource: Vec<(String, String)>,
    /// Where the data goes: at least one output, each with a name of its own.
    pub outputs: Vec<Output>,
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

/// A scraper that runs.
#[derive(Debug, Clone)]
pub struct Scraper<T> {
    /// How often.
    pub interval: Duration,
    /// What only this scraper has.
    pub settings: T,
}

/// One place where data goes: an OTLP receiver over HTTP.
#[derive(Debug, Clone)]
pub struct Output {
    /// The output's name.
    pub name: String,
    /// The address to which requests are sent, complete; `http` or `https`.
    pub endpoint: Uri,
    /// Headers of every request; their values are marked as sensitive.
    pub headers: HeaderMap,
    /// How requests are compressed.
    pub compression: Compression,
    /// How long a request may take.
    pub timeout: Duration,
    /// Certificates.
    pub tls: Tls,
    /// How many bytes of requests may wait.
    pub queue_max_bytes: u64,
    /// How long a request may wait.
    pub queue_max_age: Duration,
    /// The wait after the first failure.
    pub retry_initial_interval: Duration,
    /// The longest wait between two attempts; not less than the first.
    pub retry_max_interval: Duration,
}

/// PEM files for `https`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Certificates to check the receiver's with, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// What tare shows of itself.
    pub client: Option<ClientCertificate>,
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

//! What a destination needs to know, and what cannot work.

use std::path::PathBuf;
use std::time::Duration;

use crate::compress::Compression;
use crate::proxy::Proxy;
use crate::{disk, endpoint, queue, resolve, retry, tls};

/// The longest wait that can be configured.
const DAY: Duration = Duration::from_hours(24);

/// How requests travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// OTLP/HTTP with protobuf bodies, over HTTP/1.1.
    #[default]
    HttpProtobuf,
    /// OTLP/gRPC.
    Grpc,
    /// None: OTLP/JSON on standard output, one request a line, to look at. Of the settings it heeds the
    /// name, the queue and the waits between attempts.
    Stdout,
}

/// The settings of one output. It has no `Debug`: headers may hold tokens.
#[derive(Clone, PartialEq)]
pub struct Settings {
    /// How it is called in logs, metrics and `tare status`.
    pub name: String,
    /// How requests travel.
    pub protocol: Protocol,
    /// For HTTP, the full URL to which requests are sent, such as `http://localhost:4318/v1/metrics`. For
    /// gRPC, scheme, host and port, or host and port alone, which means https.
    pub endpoint: String,
    /// Headers (for gRPC: metadata) of each request, in addition to those that the protocol needs.
    pub headers: Vec<(String, String)>,
    /// Headers whose values are the contents of files, which are read again for each request, so that
    /// tokens may rotate. White space around a value is not part of it.
    pub headers_from_files: Vec<(String, PathBuf)>,
    /// How bodies are compressed.
    pub compression: Compression,
    /// The time limit of one exchange, from the look-up of the name to the end of the answer.
    pub timeout: Duration,
    /// Trust and identity, for an https endpoint.
    pub tls: tls::Settings,
    /// What stands between here and the backend; none to connect to it itself. The name of a proxy is
    /// resolved as the endpoint's is otherwise, and the endpoint's own is then left to the proxy.
    pub proxy: Option<Proxy>,
    /// How the endpoint's name is resolved.
    pub resolve: resolve::Settings,
    /// The bounds of the queue.
    pub queue: queue::Limits,
    /// The bounds of the waits between attempts.
    pub retry: retry::Limits,
    /// The disk log; none keeps everything in memory.
    pub disk: Option<disk::Settings>,
}

impl Settings {
    /// The defaults: OTLP/HTTP, gzip, 10 s, no headers, no proxy, the system's roots, and those of the limits.
    pub fn new(name: &str, endpoint: &str) -> Self {
        Self {
            name: name.to_owned(),
            protocol: Protocol::default(),
            endpoint: endpoint.to_owned(),
            headers: Vec::new(),
            headers_from_files: Vec::new(),
            compression: Compression::default(),
            timeout: Duration::from_secs(10),
            tls: tls::Settings::default(),
            proxy: None,
            resolve: resolve::Settings::default(),
            queue: queue::Limits::default(),
            retry: retry::Limits::default(),
            disk: None,
        }
    }

    /// Refuses durations that clocks cannot carry, and limits with which nothing could ever be sent.
    pub(super) fn check(&self) -> Result<(), Error> {
        let wrong = |what| Err(Error::Limits(what));
        if self.timeout.is_zero() {
            return wrong("the time limit of a request must not be zero");
        }
        if self.queue.reserved_bytes >= self.queue.max_bytes {
            return wrong("the share of self-telemetry must be smaller than the queue");
        }
        if self.queue.max_age.is_zero() {
            return wrong("the longest time in the queue must not be zero");
        }
        if self.retry.initial.is_zero() || self.retry.initial > self.retry.max {
            return wrong("the first wait of a retry must be above zero and not above the longest");
        }
        if [self.timeout, self.retry.max, self.retry.max_asked].iter().any(|wait| *wait > DAY) {
            return wrong("no wait may be longer than a day");
        }
        if let Some(disk) = &self.disk {
            if disk.max_bytes < disk::MIN_BYTES {
                return wrong("the disk log must have at least 4 MiB");
            }
            if disk.replay_bytes_per_second == 0 {
                return wrong("the disk log's replay must have a rate above zero");
            }
        }
        let resolve::Limits { min_refresh, max_refresh, .. } = self.resolve.limits;
        if min_refresh.is_zero() || min_refresh > max_refresh || max_refresh > DAY {
            return wrong("a name must be asked about at intervals above zero and of a day at most");
        }
        Ok(())
    }
}

/// Settings that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The endpoint, a header or TLS.
    #[error(transparent)]
    Transport(#[from] endpoint::Error),
    /// A limit.
    #[error("{0}")]
    Limits(&'static str),
    /// The thread of the disk log, or of the file of addresses.
    #[error("cannot start a thread for the disk: {0}")]
    Thread(std::io::Error),
}

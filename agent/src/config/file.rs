//! The configuration file, as it is written: every key with its type, its default and its documentation.
//!
//! `docs/configuration.md` is made from this. A key exists only when it does something.

use std::collections::BTreeMap;

use super::schema::{Scalar, Setting, section};
use super::values::http::{BaseUrl, Secret, SignalUrl, UserHeader};
use super::values::quantity::{Interval, Size, Span};
use super::values::{Compression, FilePath, LogFormat, LogLevel, MetricName, Name, Protocol, Text};

pub mod host;

pub use host::Host;

section! {
    /// Everything is optional: without a file tare reports this machine's metrics to the OTLP receiver that the
    /// environment names, or to the one on this machine.
    pub struct Config {
        /// What is read of this machine, and how often.
        host: Host,
        /// Which metrics are reported. A metric that is not named keeps its default: see the table of metrics.
        metrics: BTreeMap<MetricName, Switch>,
        /// What is added to the data.
        enrich: Enrich,
        /// Where the data goes. Without this key there is one output named `default`, which takes everything from the
        /// environment; an empty list is refused.
        outputs: Option<Vec<Output>>,
        /// How the agent itself runs.
        control: Control,
    }
}

section! {
    /// One metric.
    pub struct Switch {
        /// Whether it is reported.
        enabled: bool = true,
    }
}

section! {
    /// What is added to the data on its way.
    pub struct Enrich {
        /// Attributes of the node's resource, by name. They win over `OTEL_RESOURCE_ATTRIBUTES` and over what tare finds
        /// out itself (`host.name`, `os.type`, `k8s.node.name`).
        resource_attributes: BTreeMap<AttributeName, Text>,
    }
}

section! {
    /// One place where data goes.
    pub struct Output {
        /// The output's name, in logs and in tare's own metrics. Two outputs have different names.
        name: Name = Name("default".to_owned()),
        /// An OTLP receiver.
        otlp: Otlp,
    }
}

section! {
    /// An OTLP receiver. An output that names its own address takes nothing from the environment, so that headers
    /// meant for one receiver never reach another; one that names none takes from the environment whatever it does
    /// not set itself. At most one output may do that.
    pub struct Otlp {
        /// The receiver's address, to which `/v1/metrics` is appended. Default: `http://localhost:4318`.
        endpoint: Option<BaseUrl>,
        /// The same, used as it stands. Give one of the two.
        metrics_endpoint: Option<SignalUrl>,
        /// The protocol.
        protocol: Setting<Protocol> = Setting::default_of(Protocol),
        /// Headers of every request, by name. `print-config` hides the values.
        headers: Option<BTreeMap<UserHeader, Secret>>,
        /// How requests are compressed.
        compression: Setting<Compression> = Setting::default_of(Compression::Gzip),
        /// How long a request may take until it counts as failed.
        timeout: Setting<Timeout> = Setting::default_of(Timeout::seconds(10)),
        /// Certificates for an `https` address.
        tls: Tls,
        /// What waits to be sent. It is bounded by bytes; the oldest requests are dropped first, and counted.
        queue: Queue,
        /// How a request that failed for a passing reason is sent again.
        retry: Retry,
    }
}

/// How long a request may take.
pub type Timeout = Span<100, 600_000>;

section! {
    /// TLS.
    pub struct Tls {
        /// A PEM file of certificates that the receiver's certificate is checked with, instead of the system's.
        ca_file: Option<FilePath>,
        /// A PEM file of the certificate that tare shows. It comes with `key_file`.
        cert_file: Option<FilePath>,
        /// A PEM file of that certificate's private key.
        key_file: Option<FilePath>,
    }
}

section! {
    /// The queue of one output.
    pub struct Queue {
        /// How many bytes of requests may wait.
        max_bytes: Size<{ 2 << 20 }, { 1 << 30 }> = Size::mib(4),
        /// How long a request may wait.
        max_age: Span<1_000, 86_400_000> = Span::seconds(3600),
    }
}

section! {
    /// Retries wait twice as long after each failure, with jitter.
    pub struct Retry {
        /// The wait after the first failure.
        initial_interval: Span<100, 3_600_000> = Span::seconds(1),
        /// The longest wait.
        max_interval: Span<100, 3_600_000> = Span::seconds(30),
    }
}

section! {
    /// The agent itself.
    pub struct Control {
        /// How long a stop may take to send what is queued.
        shutdown_timeout: Span<1_000, 300_000> = Span::seconds(5),
        /// How often tare reports its own metrics (`tare.*`).
        self_telemetry_interval: Setting<Interval> = Setting::default_of(Interval::seconds(60)),
        /// How much is logged. `TARE_LOG` wins over this.
        log_level: LogLevel = LogLevel::Info,
        /// How the log looks: `auto` is text on a terminal and JSON otherwise.
        log_format: LogFormat = LogFormat::Auto,
    }
}

/// The name of a resource attribute: 1 to 255 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttributeName(pub String);

impl Scalar for AttributeName {
    fn parse(text: &str) -> Result<Self, String> {
        match text.chars().count() {
            0 => Err("the name of an attribute is empty".to_owned()),
            1..=255 => Ok(Self(text.to_owned())),
            count => Err(format!("the name of an attribute has {count} characters; at most 255 are allowed")),
        }
    }

    fn print(&self) -> String {
        self.0.clone()
    }

    fn kind() -> String {
        "name of an attribute".to_owned()
    }
}

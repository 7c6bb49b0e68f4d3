//! The configuration file, as it is written: every key with its type, its default and its documentation.
//!
//! `docs/configuration.md` is made from this. A key exists only when it does something.

use std::collections::BTreeMap;

use super::schema::{Scalar, Setting, section};
use super::values::quantity::{Interval, Span};
use super::values::{LogFormat, LogLevel, MetricName};

pub mod containers;
pub mod control_plane;
pub mod enrich;
pub mod host;
pub mod outputs;

pub use containers::Containers;
pub use control_plane::{Activation, Cluster, Kube, Kubelet, Slo};
pub use enrich::Enrich;
pub use host::Host;
pub use outputs::{DiskLog, Otlp, Output, Queue, Resolve, Retry, Stdout, Timeout, Tls};

section! {
    /// Everything is optional: without a file tare reports this machine's metrics to the OTLP receiver that the
    /// environment names, or to the one on this machine.
    pub struct Config {
        /// What tare may cost the control plane.
        slo: Slo,
        /// What is known about the number of nodes.
        cluster: Cluster,
        /// The API server.
        kube: Kube,
        /// The node's kubelet.
        kubelet: Kubelet,
        /// What is read of this machine, and how often.
        host: Host,
        /// What is reported of the pods on this machine.
        containers: Containers,
        /// Which metrics are reported. A metric that is not named keeps its default: see the table of metrics.
        metrics: BTreeMap<MetricName, Switch>,
        /// What is added to the data.
        enrich: Enrich,
        /// Where the data goes. Without this key there is one output named `default`, which takes everything from the
        /// environment; an empty list is refused.
        outputs: Option<Vec<Output>>,
        /// How the agent itself runs.
        control: Control,
        /// How a new installation reaches the nodes.
        activation: Activation,
        /// Ask the API server and the kubelet for nothing, and publish what would have been sent: a first rollout with no
        /// risk.
        dry_run: bool = false,
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

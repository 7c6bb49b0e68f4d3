//! The kinds of text that a configuration is made of: durations, sizes, paths, addresses, names.
//!
//! Each kind reads itself from the file and from environment variables alike, prints itself so that it reads back
//! as the same value, and says for people what it accepts. Nothing here is more lenient than it says.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use exporter::model::Metric;

use super::report::{nearest, quote};
use super::schema::Scalar;
use crate::catalog;
use crate::filter::MatchType;

pub mod http;
pub mod kube;
pub mod number;
pub mod quantity;

impl Scalar for bool {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "true" | "True" | "TRUE" => Ok(true),
            "false" | "False" | "FALSE" => Ok(false),
            _ => Err(format!("expected true or false, found {}", quote(text))),
        }
    }

    fn print(&self) -> String {
        self.to_string()
    }

    fn kind() -> String {
        "true or false".to_owned()
    }
}

/// `a`, `a or b`, `a, b or c`.
fn alternatives(words: &[&str]) -> String {
    match words {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// Declares an enum of words, each with the variant it stands for.
macro_rules! choice {
    (
        $(#[$about:meta])+
        pub enum $name:ident { $( $(#[doc = $doc:literal])+ $variant:ident = $word:literal, )+ }
    ) => {
        $(#[$about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $( $(#[doc = $doc])+ $variant, )+ }
        choice!(@words $name { $( $variant = $word, )+ });
    };
    (@words $name:ident { $( $variant:ident = $word:literal, )+ }) => {
        impl Scalar for $name {
            fn parse(text: &str) -> Result<Self, String> {
                match text {
                    $( $word => Ok(Self::$variant), )+
                    _ => Err(format!("expected {}, found {}", Self::kind(), quote(text))),
                }
            }

            fn print(&self) -> String {
                match self { $( Self::$variant => $word.to_owned(), )+ }
            }

            fn kind() -> String {
                alternatives(&[$($word),+])
            }
        }
    };
}

choice!(@words MatchType { Strict = "strict", Regexp = "regexp", });

choice! {
    /// How requests are compressed.
    pub enum Compression {
        /// zlib's gzip format.
        Gzip = "gzip",
        /// Not at all.
        None = "none",
    }
}

choice! {
    /// How much is logged.
    pub enum LogLevel {
        /// What stops the agent or loses data for good.
        Error = "error",
        /// What a person should look at.
        Warn = "warn",
        /// Starts, stops and changes of state.
        Info = "info",
        /// What each part does.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

choice! {
    /// How a line of the log looks.
    pub enum LogFormat {
        /// Text on a terminal, JSON otherwise.
        Auto = "auto",
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

choice! {
    /// An attribute of a process's resource that can be switched on.
    #[derive(PartialOrd, Ord)]
    pub enum ProcessAttribute {
        /// The path of the process's control group.
        Cgroup = "process.cgroup",
    }
}

choice! {
    /// The way into the kubelet.
    pub enum KubeletAccess {
        /// A service account's token.
        Token = "token",
        /// An x509 client certificate.
        X509 = "x509",
        /// The port without authentication.
        ReadOnly = "read_only",
        /// None: the kubelet is not scraped.
        Off = "off",
    }
}

choice! {
    /// What of the kubelet is read.
    pub enum Subresource {
        /// `/stats/summary`.
        Stats = "stats",
        /// `/metrics/*`.
        Metrics = "metrics",
        /// `/pods`.
        Pods = "pods",
    }
}

choice! {
    /// A kind of objects that metrics are reported of.
    pub enum MetricGroup {
        /// Containers.
        Container = "container",
        /// Pods.
        Pod = "pod",
        /// The node.
        Node = "node",
        /// Volumes.
        Volume = "volume",
    }
}

impl MetricGroup {
    /// What the collector reports unless it is told otherwise.
    pub fn standard() -> Vec<Self> {
        vec![Self::Container, Self::Pod, Self::Node]
    }
}

choice! {
    /// An attribute of containers or volumes that is not reported unless it is asked for.
    pub enum MetadataLabel {
        /// The container's ID.
        ContainerId = "container.id",
        /// What a volume is made of.
        VolumeType = "k8s.volume.type",
    }
}

/// The protocol of an output. The third of the specification is refused by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP/HTTP with protobuf bodies.
    HttpProtobuf,
    /// OTLP/gRPC.
    Grpc,
}

impl Scalar for Protocol {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "http/protobuf" => Ok(Self::HttpProtobuf),
            "grpc" => Ok(Self::Grpc),
            "http/json" => {
                Err("http/json is not supported; tare sends http/protobuf, which every OTLP receiver \
                                takes at the same address, or grpc"
                    .to_owned())
            }
            _ => Err(format!("expected {}, found {}", Self::kind(), quote(text))),
        }
    }

    fn print(&self) -> String {
        match self {
            Self::HttpProtobuf => "http/protobuf".to_owned(),
            Self::Grpc => "grpc".to_owned(),
        }
    }

    fn kind() -> String {
        "http/protobuf or grpc".to_owned()
    }
}

/// Linux's longest path in bytes.
const MAX_PATH: usize = 4096;

/// A path that starts at `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsolutePath(PathBuf);

impl AbsolutePath {
    /// `path` as it stands; for defaults.
    pub fn fixed(path: &'static str) -> Self {
        Self(PathBuf::from(path))
    }

    /// The path.
    pub fn get(&self) -> &Path {
        &self.0
    }
}

impl Scalar for AbsolutePath {
    fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') || text.len() > MAX_PATH || text.contains('\0') {
            return Err(format!("expected {}, found {}", Self::kind(), quote(text)));
        }
        Ok(Self(PathBuf::from(text)))
    }

    fn print(&self) -> String {
        self.0.display().to_string()
    }

    fn kind() -> String {
        "an absolute path".to_owned()
    }
}

/// A path of a file; one that does not start at `/` is taken from the working directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePath(pub PathBuf);

impl Scalar for FilePath {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > MAX_PATH || text.contains('\0') {
            return Err(format!("expected {}, found {}", Self::kind(), quote(text)));
        }
        Ok(Self(PathBuf::from(text)))
    }

    fn print(&self) -> String {
        self.0.display().to_string()
    }

    fn kind() -> String {
        "a path".to_owned()
    }
}

/// A non-empty text of at most 1,024 characters: a name or an expression to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(pub String);

impl Scalar for Text {
    fn parse(text: &str) -> Result<Self, String> {
        match text.chars().count() {
            0 => Err("is empty".to_owned()),
            1..=1024 => Ok(Self(text.to_owned())),
            count => Err(format!("has {count} characters; at most 1024 are allowed")),
        }
    }

    fn print(&self) -> String {
        self.0.clone()
    }

    fn kind() -> String {
        "text".to_owned()
    }
}

/// The name of a part of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(pub String);

impl Scalar for Name {
    fn parse(text: &str) -> Result<Self, String> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if text.is_empty() || text.len() > 63 || !text.bytes().all(allowed) {
            return Err(format!("expected {}, found {}", Self::kind(), quote(text)));
        }
        Ok(Self(text.to_owned()))
    }

    fn print(&self) -> String {
        self.0.clone()
    }

    fn kind() -> String {
        "a name of 1 to 63 letters, digits, \"-\", \"_\" and \".\"".to_owned()
    }
}

/// The name in a certificate: a host name or an IP address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerName(pub String);

impl Scalar for ServerName {
    fn parse(text: &str) -> Result<Self, String> {
        let label = |label: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            matches!(label.len(), 1..=63) && label.bytes().all(allowed)
        };
        let is_name = text.len() <= 253 && text.split('.').all(label);
        if is_name || text.parse::<IpAddr>().is_ok() {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("expected {}, found {}", Self::kind(), quote(text)))
    }

    fn print(&self) -> String {
        self.0.clone()
    }

    fn kind() -> String {
        "a host name or an IP address".to_owned()
    }
}

/// A metric of the catalog; ordered by its name.
#[derive(Clone, Copy)]
pub struct MetricName(pub &'static Metric);

impl fmt::Debug for MetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl PartialEq for MetricName {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for MetricName {}

impl PartialOrd for MetricName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for MetricName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.name.cmp(other.0.name)
    }
}

impl Scalar for MetricName {
    fn parse(text: &str) -> Result<Self, String> {
        catalog::find(text).map(Self).ok_or_else(|| "unknown metric".to_owned())
    }

    fn hint(text: &str) -> String {
        match nearest(text, catalog::metrics().map(|metric| metric.name)) {
            Some(near) => format!("; did you mean {}?", quote(near)),
            None => "; docs/configuration.md lists all of them".to_owned(),
        }
    }

    fn print(&self) -> String {
        self.0.name.to_owned()
    }

    fn kind() -> String {
        "name of a metric".to_owned()
    }
}

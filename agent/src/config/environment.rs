//! The environment variables that tare understands, and how they meet the file.
//!
//! The environment comes in as a parameter. A variable that is empty is not set (as the OpenTelemetry
//! specification says); one that is used and cannot be understood is an error of the configuration like any other.
//! A variable that the file overrides is not looked at.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::check::Checker;
use super::file::{AttributeName, Config, Output};
use super::report::Path;
use super::schema::Scalar as _;
use super::values::quantity::Interval;
use super::values::{LogLevel, Text};

mod cluster;
mod otlp;
mod pairs;
mod proxy;

pub(super) use self::proxy::proxy;

/// A variable and what the documentation says of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it sets.
    pub about: &'static str,
}

/// Declares the variables, and the list of all of them.
macro_rules! variables {
    ($( $(#[doc = $about:literal])+ $constant:ident = $name:literal; )+) => {
        $( $(#[doc = $about])+ pub const $constant: Variable =
            Variable { name: $name, about: concat!($($about),+) }; )+

        /// Every variable, in the order of the documentation.
        pub const VARIABLES: &[Variable] = &[$($constant),+];
    };
}

variables! {
    /// Base address of the OTLP receiver; over HTTP `/v1/metrics` is appended. With `grpc` it may be host and port alone.
    ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT";
    /// Address for metrics, used as it stands. Wins over the base address.
    METRICS_ENDPOINT = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
    /// `http/protobuf` or `grpc`. `http/json` is refused.
    PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL";
    /// The same for metrics; wins.
    METRICS_PROTOCOL = "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL";
    /// Headers: `name=value,name=value`, values percent-encoded.
    HEADERS = "OTEL_EXPORTER_OTLP_HEADERS";
    /// The same for metrics; replaces the general ones.
    METRICS_HEADERS = "OTEL_EXPORTER_OTLP_METRICS_HEADERS";
    /// `gzip` or `none`.
    COMPRESSION = "OTEL_EXPORTER_OTLP_COMPRESSION";
    /// The same for metrics; wins.
    METRICS_COMPRESSION = "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION";
    /// How long a request may take, in milliseconds.
    TIMEOUT = "OTEL_EXPORTER_OTLP_TIMEOUT";
    /// The same for metrics; wins.
    METRICS_TIMEOUT = "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT";
    /// `true` speaks gRPC without TLS where the address has neither `http://` nor `https://`; not looked at otherwise.
    INSECURE = "OTEL_EXPORTER_OTLP_INSECURE";
    /// The same for metrics; wins.
    METRICS_INSECURE = "OTEL_EXPORTER_OTLP_METRICS_INSECURE";
    /// PEM file of certificates to check the receiver's with. Without effect for an `http` address.
    CERTIFICATE = "OTEL_EXPORTER_OTLP_CERTIFICATE";
    /// The same for metrics; wins.
    METRICS_CERTIFICATE = "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE";
    /// PEM file of the client's private key; comes with the certificate.
    CLIENT_KEY = "OTEL_EXPORTER_OTLP_CLIENT_KEY";
    /// The same for metrics; wins.
    METRICS_CLIENT_KEY = "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY";
    /// PEM file of the client's certificate; comes with the key.
    CLIENT_CERTIFICATE = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE";
    /// The same for metrics; wins.
    METRICS_CLIENT_CERTIFICATE = "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE";
    /// `cumulative`, which is what tare sends. `delta` and `lowmemory` are refused.
    TEMPORALITY = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    /// `explicit_bucket_histogram`, which is what tare's one histogram is. `base2_exponential_bucket_histogram` is ignored with a warning.
    HISTOGRAM = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";
    /// `host.interval` and `control.self_telemetry_interval`, in milliseconds, where the file does not set them.
    METRIC_EXPORT_INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL";
    /// Resource attributes: `name=value,name=value`, values percent-encoded.
    RESOURCE_ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES";
    /// The resource attribute `service.name`; wins over the one in `OTEL_RESOURCE_ATTRIBUTES`.
    SERVICE_NAME = "OTEL_SERVICE_NAME";
    /// `kube.node_name`, where the file does not set it, and the resource attribute `k8s.node.name`, where nothing else
    /// does.
    NODE_NAME = "NODE_NAME";
    /// `kubelet.address`, where the file does not set it.
    NODE_IP = "NODE_IP";
    /// `kube.namespace`, where the file does not set it.
    POD_NAMESPACE = "POD_NAMESPACE";
    /// `kube.daemonset`, where the file does not set it.
    DAEMONSET = "TARE_DAEMONSET";
    /// `kube.server`, where the file does not set it: the address. Every pod of a cluster has it.
    SERVICE_HOST = "KUBERNETES_SERVICE_HOST";
    /// The port; comes with the address.
    SERVICE_PORT = "KUBERNETES_SERVICE_PORT";
    /// The proxy on the way to `https` addresses, and to any with `grpc`: `http://host:port` or `https://host:port`,
    /// with `user:password@` before the host where it asks for them. A proxy without a scheme is an `http` one.
    HTTPS_PROXY = "HTTPS_PROXY";
    /// The same in lower case; used where the other is not set.
    HTTPS_PROXY_LOWER = "https_proxy";
    /// The proxy on the way to `http` addresses, except with `grpc`.
    HTTP_PROXY = "HTTP_PROXY";
    /// The same in lower case; used where the other is not set.
    HTTP_PROXY_LOWER = "http_proxy";
    /// Stands in for either of them where it is not set.
    ALL_PROXY = "ALL_PROXY";
    /// The same in lower case; used where the other is not set.
    ALL_PROXY_LOWER = "all_proxy";
    /// What is reached without a proxy: names (with all below them), addresses and networks, each perhaps with a port,
    /// separated by commas; `*` is everything. `localhost` and loopback addresses never need to be named.
    NO_PROXY = "NO_PROXY";
    /// The same in lower case; used where the other is not set.
    NO_PROXY_LOWER = "no_proxy";
    /// How much is logged: `error`, `warn`, `info`, `debug` or `trace`. Wins over `control.log_level`.
    LOG = "TARE_LOG";
}

/// The variables of a process, or of a test.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// These variables.
    pub fn new<N: Into<String>, V: Into<OsString>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// What this process was started with, as far as tare understands it.
    pub fn of_process() -> Self {
        Self::new(
            VARIABLES.iter().filter_map(|variable| Some((variable.name, std::env::var_os(variable.name)?))),
        )
    }

    /// The value of `variable`, if it is set, not empty and text; what is no text is an error.
    fn text(&self, variable: &Variable, checker: &mut Checker<'_>) -> Option<&str> {
        let value = self.0.get(variable.name)?;
        match value.to_str() {
            Some("") => None,
            Some(text) => Some(text),
            None => {
                checker.variable(variable, "is no UTF-8 text");
                None
            }
        }
    }

    /// The value of the first of `variables` that is set, as `parse` understands it.
    fn first<T>(
        &self,
        variables: [&Variable; 2],
        checker: &mut Checker<'_>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let variable = variables.into_iter().find(|variable| self.is_set(variable))?;
        match parse(self.text(variable, checker)?) {
            Ok(value) => Some(value),
            Err(message) => {
                checker.variable(variable, message);
                None
            }
        }
    }

    fn is_set(&self, variable: &Variable) -> bool {
        self.0.get(variable.name).is_some_and(|value| !value.is_empty())
    }
}

/// Puts into `config` what the environment says and the file does not.
pub(super) fn apply(config: &mut Config, environment: &Environment, checker: &mut Checker<'_>) {
    let interval = &mut config.host.interval;
    let own_interval = &mut config.control.self_telemetry_interval;
    if !(interval.is_given() && own_interval.is_given()) {
        let both = [&METRIC_EXPORT_INTERVAL; 2];
        let value = environment.first(both, checker, Interval::parse_millis);
        interval.fill(value);
        own_interval.fill(value);
    }
    if let Some(level) = environment.first([&LOG; 2], checker, LogLevel::parse) {
        config.control.log_level = level;
    }
    cluster::apply(config, environment, checker);
    resource(config, environment, checker);
    outputs(config, environment, checker);
}

fn resource(config: &mut Config, environment: &Environment, checker: &mut Checker<'_>) {
    let attributes = &mut config.enrich.resource_attributes;
    let mut add = |name: AttributeName, value: Text| {
        attributes.entry(name).or_insert(value);
    };
    if let Some(name) = environment.first([&SERVICE_NAME; 2], checker, Text::parse) {
        add(AttributeName("service.name".to_owned()), name);
    }
    let parse = pairs::parse::<AttributeName, Text>;
    for (name, value) in environment.first([&RESOURCE_ATTRIBUTES; 2], checker, parse).unwrap_or_default() {
        add(name, value);
    }
    if let Some(name) = &config.kube.node_name {
        add(AttributeName("k8s.node.name".to_owned()), Text(name.get().to_owned()));
    }
}

fn outputs(config: &mut Config, environment: &Environment, checker: &mut Checker<'_>) {
    let outputs = config.outputs.get_or_insert_with(|| vec![Output::default()]);
    let path = Path::root().key("outputs");
    let mut taken: Option<usize> = None;
    for (index, output) in outputs.iter_mut().enumerate() {
        if output.stdout.is_some() {
            continue;
        }
        let path = path.index(index).key("otlp");
        let otlp = output.otlp.get_or_insert_default();
        let named = |key| checker.has(&path.key(key));
        if named("endpoint") || named("metrics_endpoint") {
            continue;
        }
        if let Some(first) = taken {
            checker.problem(
                &path,
                format!("needs an endpoint: outputs[{first}] already takes its address from the environment"),
            );
            continue;
        }
        taken = Some(index);
        otlp::fill(otlp, environment, checker);
    }
}

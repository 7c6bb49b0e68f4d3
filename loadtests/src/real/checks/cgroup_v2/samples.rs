//! What tare printed, flattened: one entry for each data point of a pod or a container.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point};

use super::figures::{Attributes, Figure};

/// The attributes of a resource that say who it is.
const IDENTITY: [&str; 6] = [
    "container.id",
    "k8s.container.name",
    "k8s.namespace.name",
    "k8s.node.name",
    "k8s.pod.name",
    "k8s.pod.uid",
];

/// Parts of the names of metrics that come from a cgroup's files and from nowhere else. Network figures come from
/// elsewhere; usage of CPU and uptime are made by arithmetic on time.
pub(super) const OF_FILES: [&str; 6] =
    [".cpu.time", ".memory.", ".throttling.", ".disk.", ".pids.", ".pressure."];

/// One data point.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub(super) resource: BTreeMap<String, String>,
    pub(super) metric: String,
    /// As `key=value`, sorted.
    pub(super) attributes: Vec<String>,
    /// Nanoseconds since 1970.
    pub(super) time: u64,
    pub(super) value: f64,
}

impl Sample {
    /// Who it is about; empty for the machine itself.
    pub(super) fn identity(&self) -> BTreeMap<String, String> {
        if !self.resource.contains_key("k8s.pod.uid") && !self.resource.contains_key("container.id") {
            return BTreeMap::new();
        }
        let known = self.resource.iter().filter(|(key, _)| IDENTITY.contains(&key.as_str()));
        known.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Whether it is this row.
    pub(super) fn is(&self, figure: &Figure) -> bool {
        self.metric == figure.metric && self.attributes == owned(&figure.attributes)
    }
}

impl std::fmt::Display for Sample {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {:?} = {}", self.metric, self.attributes, self.value)
    }
}

/// Attributes in the form of [`Sample::attributes`].
pub(super) fn owned(attributes: &Attributes) -> Vec<String> {
    attributes.iter().map(|(key, value)| format!("{key}={value}")).collect()
}

/// Every point of `requests` that has a value.
pub(super) fn of<'a>(requests: impl Iterator<Item = &'a ExportMetricsServiceRequest>) -> Vec<Sample> {
    let mut samples = Vec::new();
    for of_resource in requests.flat_map(|request| &request.resource_metrics) {
        let resource: BTreeMap<_, _> =
            of_resource.resource.iter().flat_map(|resource| &resource.attributes).filter_map(pair).collect();
        for metric in of_resource.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
            let points = match &metric.data {
                Some(Data::Gauge(gauge)) => &gauge.data_points,
                Some(Data::Sum(sum)) => &sum.data_points,
                _ => continue,
            };
            for point in points {
                let value = match point.value {
                    Some(number_data_point::Value::AsInt(value)) => float(value),
                    Some(number_data_point::Value::AsDouble(value)) => value,
                    None => continue,
                };
                let mut attributes: Vec<_> = point
                    .attributes
                    .iter()
                    .filter_map(pair)
                    .map(|(key, value)| format!("{key}={value}"))
                    .collect();
                attributes.sort();
                samples.push(Sample {
                    resource: resource.clone(),
                    metric: metric.name.clone(),
                    attributes,
                    time: point.time_unix_nano,
                    value,
                });
            }
        }
    }
    samples
}

/// An attribute whose value is text.
fn pair(attribute: &KeyValue) -> Option<(String, String)> {
    match attribute.value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => Some((attribute.key.clone(), text.clone())),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "bytes and counts of a small machine are far below 2^53")]
fn float(value: i64) -> f64 {
    value as f64
}

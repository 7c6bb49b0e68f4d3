//! What the product says about itself, in what it sent.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{NumberDataPoint, number_data_point};

use crate::parity::stream::{Attributes, Time, attributes};

/// The values of one of its metrics, newest last, by attributes.
type Values = BTreeMap<Attributes, Vec<(Time, i64)>>;

/// Every value of the metric `name`.
fn values(requests: &[ExportMetricsServiceRequest], name: &str) -> Values {
    let mut values = Values::new();
    let metrics = requests.iter().flat_map(|request| &request.resource_metrics);
    let metrics = metrics.flat_map(|resource| &resource.scope_metrics).flat_map(|scope| &scope.metrics);
    for metric in metrics.filter(|metric| metric.name == name) {
        let points: &[NumberDataPoint] = match &metric.data {
            Some(Data::Sum(sum)) => &sum.data_points,
            Some(Data::Gauge(gauge)) => &gauge.data_points,
            _ => continue,
        };
        for point in points {
            if let Some(number_data_point::Value::AsInt(value)) = point.value {
                values.entry(attributes(&point.attributes)).or_default().push((point.time_unix_nano, value));
            }
        }
    }
    for series in values.values_mut() {
        series.sort_unstable();
    }
    values
}

/// The newest value at `time` of the cumulative metric `name`, over all series whose attribute `key` is `value`.
pub(in crate::real::checks) fn total_at(
    requests: &[ExportMetricsServiceRequest],
    name: &str,
    (key, value): (&str, &str),
    time: Time,
) -> i64 {
    let values = values(requests, name);
    let wanted =
        values.iter().filter(|(attributes, _)| attributes.get(key).is_some_and(|found| found == value));
    wanted
        .filter_map(|(_, series)| series.iter().rev().find(|point| point.0 <= time))
        .map(|point| point.1)
        .sum()
}

/// The same at the end.
pub(in crate::real::checks) fn total(
    requests: &[ExportMetricsServiceRequest],
    name: &str,
    attribute: (&str, &str),
) -> i64 {
    total_at(requests, name, attribute, Time::MAX)
}

//! What the tests of the collectors share: a set-up on a fixture tree, and a scrape as lines that a person
//! can review.
//!
//! The lines are decoded from the segments' bytes by prost, not taken from the collector: a golden file
//! therefore also covers the encoding. A line shows whatever may differ between two points of a metric: the
//! attributes in their order with the types of their values, the value with its type, and an unusual start.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use exporter::model::Timestamp;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value as Any};
use opentelemetry_proto::tonic::metrics::v1::{NumberDataPoint, metric::Data, number_data_point::Value};
use proptest::prelude::*;
use prost::Message as _;

use super::{Collector, Failures, Scrape, Setup};
use crate::catalog::{self, Enabled};
use crate::paths::HostPaths;

mod tests;

/// The boot time of every fixture host, in seconds since the Unix epoch.
pub(crate) const BOOT_TIME_S: u64 = 1_700_000_000;
const BOOT_TIME_NS: u64 = BOOT_TIME_S * 1_000_000_000;
/// The resource of every fixture host as [`lines`] would write it.
const RESOURCE: &str = "{host.name=\"fixture\"}";

/// A set-up whose host is the directory `root`, with the default rows.
pub(crate) fn setup(root: impl Into<PathBuf>) -> Setup {
    Setup {
        paths: HostPaths::new(root, None, None),
        enabled: Enabled::default(),
        resource: vec![("host.name".to_owned(), "fixture".to_owned())],
        boot_time: Timestamp(BOOT_TIME_NS),
    }
}

/// The same with every row of the catalog switched on.
pub(crate) fn setup_all(root: impl Into<PathBuf>) -> Setup {
    Setup { enabled: Enabled::new(catalog::metrics().map(|metric| (metric.name, true))), ..setup(root) }
}

/// A file or directory below `agent/tests/fixtures`.
pub(crate) fn fixture(below: impl AsRef<Path>) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(below)
}

/// Writes `content` to `root/path` and makes the directories on the way.
pub(crate) fn write(root: &Path, path: &str, content: impl AsRef<[u8]>) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// Runs one scrape `seconds` after the boot, on both clocks, and answers what failed.
pub(crate) fn collect(collector: &mut dyn Collector, seconds: u64) -> Failures {
    collect_at(collector, BOOT_TIME_S + seconds, seconds)
}

/// The same with the wall clock and the monotonic clock told apart, in seconds.
pub(crate) fn collect_at(collector: &mut dyn Collector, wall_s: u64, monotonic_s: u64) -> Failures {
    let mut failures = Failures::default();
    let mut buffer = Vec::new();
    let time = Timestamp(wall_s * 1_000_000_000);
    collector.collect(&mut Scrape::new(time, monotonic_s * 1_000_000_000, &mut buffer, &mut failures));
    failures
}

/// Runs one scrape `seconds` after the boot and answers its points and what failed.
pub(crate) fn scrape(collector: &mut dyn Collector, seconds: u64) -> (Vec<String>, Failures) {
    let failures = collect(collector, seconds);
    (lines(collector), failures)
}

/// Every point of the last scrape as `metric{key="value" number=1} value`, sorted within its resource. A
/// resource other than that of [`setup`] begins with a line of its own; a start other than the boot is shown.
pub(crate) fn lines(collector: &dyn Collector) -> Vec<String> {
    let mut lines = Vec::new();
    collector.segments(&mut |segment| {
        let request = ExportMetricsServiceRequest::decode(&*segment.encoded()).unwrap();
        for of_resource in &request.resource_metrics {
            let resource = text(&of_resource.resource.as_ref().unwrap().attributes);
            if resource != RESOURCE {
                lines.push(format!("resource {resource}"));
            }
            let mut points = Vec::new();
            for metric in of_resource.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
                let data = match metric.data.as_ref().unwrap() {
                    Data::Gauge(gauge) => &gauge.data_points,
                    Data::Sum(sum) => &sum.data_points,
                    other => panic!("{}: neither gauge nor sum: {other:?}", metric.name),
                };
                points.extend(data.iter().map(|point| line(&metric.name, point)));
            }
            points.sort_unstable();
            lines.append(&mut points);
        }
    });
    lines
}

/// Compares `lines` with the golden file `name` below `tests/fixtures`. With `TARE_BLESS` set in the
/// environment the file is written instead: review the difference before committing it.
pub(crate) fn assert_golden(name: &str, lines: &[String]) {
    let path = fixture(name);
    let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    if std::env::var_os("TARE_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, golden, "the scrape differs from {} (TARE_BLESS=1 rewrites it)", path.display());
}

/// Mostly `text`, cut off, with a part replaced by other bytes, or with long numbers in it; sometimes any bytes.
pub(crate) fn mangled(text: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let junk = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "[0-9]{19,25}".prop_map(String::into_bytes),
        "[ \t\n:|a-z-]{0,8}".prop_map(String::into_bytes),
    ];
    let length = text.len();
    let spliced = (0..=length, 0..=20_usize, junk).prop_map(move |(at, removed, junk)| {
        let mut text = text.clone();
        text.splice(at..(at + removed).min(length), junk);
        text
    });
    let cut = (spliced.clone(), any::<prop::sample::Index>()).prop_map(|(mut text, at)| {
        text.truncate(at.index(text.len() + 1));
        text
    });
    prop_oneof![3 => spliced, 2 => cut, 1 => prop::collection::vec(any::<u8>(), 0..400)]
}

fn line(name: &str, point: &NumberDataPoint) -> String {
    let value = match point.value.unwrap() {
        Value::AsInt(value) => value.to_string(),
        Value::AsDouble(value) => format!("{value:?}"),
    };
    let attributes = if point.attributes.is_empty() { String::new() } else { text(&point.attributes) };
    let mut line = format!("{name}{attributes} {value}");
    let start = point.start_time_unix_nano;
    if start != 0 && start != BOOT_TIME_NS {
        let after_boot = i128::from(start) - i128::from(BOOT_TIME_NS);
        write!(line, " since {:+}ms", after_boot / 1_000_000).unwrap();
    }
    line
}

/// `{key="text" key=number}`.
fn text(attributes: &[KeyValue]) -> String {
    let pair = |pair: &KeyValue| match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(value)) => format!("{}={value:?}", pair.key),
        Some(Any::IntValue(value)) => format!("{}={value}", pair.key),
        Some(Any::BoolValue(value)) => format!("{}={value}", pair.key),
        other => panic!("{}: unexpected value {other:?}", pair.key),
    };
    format!("{{{}}}", attributes.iter().map(pair).collect::<Vec<_>>().join(" "))
}

//! What the tests of this collector share: a node made of folders, a kubelet made of structs, and points as they went out.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use exporter::model::Timestamp;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value as Any};
use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point::Value};
use prost::Message as _;
use tempfile::TempDir;

use super::{AllInterfaces, Groups, Pods, Settings};
use crate::catalog::{Enabled, metrics};
use crate::cgroup::testing::{BURSTABLE, Driver, Fixture, Kernel};
use crate::collectors::testing::{BOOT_TIME_S, collect, setup, write};
use crate::collectors::{Collector as _, Failures, Setup};
use crate::enrich;
use crate::feeds::Feeds;
use crate::kubelet::{self, Cpu, Filesystem, Memory, Node, Summary};

pub(super) const SECOND: u64 = 1_000_000_000;
/// What the kubelet said is good for twice as long.
pub(super) const PERIOD_S: u64 = 60;

/// A moment, in seconds after the boot.
pub(super) const fn at(seconds: u64) -> Timestamp {
    Timestamp((BOOT_TIME_S + seconds) * SECOND)
}

/// The uid of the pod of this number.
pub(super) fn uid(number: u64) -> String {
    format!("11111111-2222-3333-4444-{number:012}")
}

/// The ID of the container of this number.
pub(super) fn id(number: u64) -> String {
    format!("{number:064x}")
}

/// Everything, and no bound that matters.
pub(super) fn all() -> Settings {
    Settings {
        groups: Groups { container: true, pod: true, node: true, volume: true },
        all_interfaces: AllInterfaces::default(),
        max_series: 100_000,
        kubelet_period: Duration::from_secs(PERIOD_S),
        enrich: enrich::Settings::default(),
    }
}

/// A node with two CPUs and 8 GiB, and its collector.
pub(super) struct World {
    pub(super) host: TempDir,
    pub(super) cgroups: Fixture,
    pub(super) feeds: Feeds,
    pub(super) pods: Pods,
    sequence: u64,
}

impl World {
    /// With every row of the catalog on.
    pub(super) fn new(settings: Settings) -> Self {
        Self::with(settings, |setup| {
            setup.enabled = Enabled::new(metrics().map(|metric| (metric.name, true)));
        })
    }

    pub(super) fn with(settings: Settings, change: impl FnOnce(&mut Setup)) -> Self {
        let host = tempfile::tempdir().unwrap();
        let cgroups = Fixture::new(host.path(), Kernel::V2, Driver::Systemd);
        write(host.path(), "proc/stat", "cpu  1 2 3 4\ncpu0 1 2 3 4\ncpu1 1 2 3 4\nbtime 1700000000\n");
        std::fs::create_dir_all(host.path().join("var/log/containers")).unwrap();
        process(host.path(), 1, "/", 1_000);
        let mut setup = setup(host.path());
        change(&mut setup);
        let feeds = Feeds::default();
        let pods = Pods::new(&setup, settings, feeds.clone());
        Self { host, cgroups, feeds, pods, sequence: 0 }
    }

    /// A container's cgroup, and its link among the logs: pod `p<pod>` in the namespace `ns`.
    pub(super) fn start(&self, pod: u64, container: &str, number: u64) {
        self.cgroups.add_container(BURSTABLE, &uid(pod), &id(number));
        self.link(pod, container, number, 0);
    }

    /// The container's cgroup was made then.
    pub(super) fn made_at(&self, pod: u64, number: u64, time: Timestamp) {
        let path = self.cgroups.container(BURSTABLE, &uid(pod), &id(number));
        let folder = std::fs::File::open(self.cgroups.folder("", &path)).unwrap();
        folder.set_modified(UNIX_EPOCH + Duration::from_nanos(time.0)).unwrap();
    }

    pub(super) fn link(&self, pod: u64, container: &str, number: u64, restarts: u32) {
        let target = format!("/var/log/pods/ns_p{pod}_{}/{container}/{restarts}.log", uid(pod));
        std::os::unix::fs::symlink(target, self.log(pod, container, number)).unwrap();
    }

    fn log(&self, pod: u64, container: &str, number: u64) -> std::path::PathBuf {
        let name = format!("p{pod}_ns_{container}-{}.log", id(number));
        self.host.path().join("var/log/containers").join(name)
    }

    /// Removes a container's cgroup and link.
    pub(super) fn stop(&self, pod: u64, container: &str, number: u64) {
        self.cgroups.remove(&self.cgroups.container(BURSTABLE, &uid(pod), &id(number)));
        std::fs::remove_file(self.log(pod, container, number)).unwrap();
    }

    /// Removes a pod's cgroup with all that is in it.
    pub(super) fn remove(&self, pod: u64) {
        self.cgroups.remove(&self.cgroups.pod(BURSTABLE, &uid(pod)));
    }

    /// The kubelet answers, at `seconds`.
    pub(super) fn tell(&mut self, seconds: u64, pods: Vec<kubelet::Pod>) {
        self.sequence += 1;
        let summary = Summary { pods: pods.into(), ..empty_summary(self.sequence, at(seconds)) };
        self.feeds.kubelet.latest().publish(summary);
    }

    /// One scrape: its points, and what failed.
    pub(super) fn scrape(&mut self, seconds: u64) -> (Points, Failures) {
        let failures = collect(&mut self.pods, seconds);
        (Points::of(&self.pods), failures)
    }
}

/// A process in this cgroup, whose `eth0` has received that many bytes, and `net1` one more.
pub(super) fn process(host: &Path, pid: u64, cgroup: &str, received: u64) {
    let row =
        |name: &str, received: u64| format!("{name:>6}: {received} 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
    let text = format!("Inter-| |\n face | |\n{}{}", row("eth0", received), row("net1", received + 1));
    write(host, &format!("proc/{pid}/net/dev"), text);
    write(host, &format!("proc/{pid}/cgroup"), format!("0::{cgroup}\n"));
    write(
        host,
        &format!("proc/{pid}/stat"),
        format!("{pid} (a b) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {pid} 0 0\n"),
    );
}

/// One point of a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    /// Without the node's own `host.name`.
    pub(super) resource: BTreeMap<String, String>,
    pub(super) scope: String,
    /// With its attributes, as `name{key=value}`.
    pub(super) series: String,
    /// Absent where the series ends.
    pub(super) value: Option<f64>,
    /// Whole seconds after the boot.
    pub(super) time: u64,
    /// The same; zero for a gauge.
    pub(super) start: u64,
}

/// The points of a scrape.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Points(pub(super) Vec<Point>);

impl Points {
    pub(super) fn of(pods: &Pods) -> Self {
        let mut points = Vec::new();
        pods.segments(&mut |segment| {
            let request = ExportMetricsServiceRequest::decode(&*segment.encoded()).unwrap();
            for of_resource in &request.resource_metrics {
                let mut resource = pairs(&of_resource.resource.as_ref().unwrap().attributes);
                assert_eq!(resource.remove("host.name").as_deref(), Some("fixture"));
                for of_scope in &of_resource.scope_metrics {
                    let scope = &of_scope.scope.as_ref().unwrap().name;
                    for metric in &of_scope.metrics {
                        append(&mut points, &resource, scope, metric);
                    }
                }
            }
        });
        Self(points)
    }

    /// Those of the object whose resource has `value` under `key`, and no container's where `key` is not a container's.
    pub(super) fn of_object(&self, key: &str, value: &str) -> Vec<&Point> {
        let is_it = |point: &&Point| point.resource.get(key).is_some_and(|own| own == value);
        self.0.iter().filter(is_it).collect()
    }

    /// The value of a series of the object, which must be there once.
    pub(super) fn value(&self, key: &str, value: &str, series: &str) -> Option<f64> {
        let points = self.of_object(key, value);
        let mut found = points.iter().filter(|point| point.series == series);
        let point = found.next()?;
        assert!(found.next().is_none(), "{series} comes twice");
        Some(point.value.expect("the series has ended"))
    }

    /// The series that end in this scrape.
    pub(super) fn ended(&self) -> Vec<&Point> {
        self.0.iter().filter(|point| point.value.is_none()).collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "the values of tests are small")]
fn append(
    points: &mut Vec<Point>,
    resource: &BTreeMap<String, String>,
    scope: &str,
    metric: &opentelemetry_proto::tonic::metrics::v1::Metric,
) {
    let data = match metric.data.as_ref().unwrap() {
        Data::Gauge(gauge) => &gauge.data_points,
        Data::Sum(sum) => &sum.data_points,
        other => panic!("{other:?}"),
    };
    for point in data {
        let own: Vec<_> =
            pairs(&point.attributes).into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        let own = if own.is_empty() { String::new() } else { format!("{{{}}}", own.join(",")) };
        let after_boot = |time: u64| (time - at(0).0) / SECOND;
        let start = point.start_time_unix_nano;
        assert_eq!(point.flags & 1 == 1, point.value.is_none(), "a value, or the flag");
        points.push(Point {
            resource: resource.clone(),
            scope: scope.to_owned(),
            series: format!("{}{own}", metric.name),
            value: point.value.map(|value| match value {
                Value::AsInt(value) => value as f64,
                Value::AsDouble(value) => value,
            }),
            time: after_boot(point.time_unix_nano),
            start: if start == 0 { 0 } else { after_boot(start) },
        });
    }
}

fn pairs(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |pair: &KeyValue| match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(value)) => value.clone(),
        Some(Any::IntValue(value)) => value.to_string(),
        other => panic!("{}: {other:?}", pair.key),
    };
    attributes.iter().map(|pair| (pair.key.clone(), text(pair))).collect()
}

/// A summary that tells of nothing but the node's name.
pub(super) fn empty_summary(sequence: u64, received: Timestamp) -> Summary {
    Summary {
        sequence,
        received,
        node: Node {
            name: "node-0".into(),
            started: None,
            cpu: None,
            memory: None,
            network: None,
            filesystem: None,
            image_filesystem: None,
            container_filesystem: None,
            system_containers: Box::default(),
        },
        pods: Box::default(),
    }
}

/// The pod of this number as the kubelet tells of it at `seconds`, with these containers: CPU 3 s and a quarter of a core,
/// memory of 1,000 to 1,005 bytes, filesystems of 100 bytes, an interface `eth0`.
pub(super) fn said_pod(number: u64, seconds: u64, containers: &[&str]) -> kubelet::Pod {
    kubelet::Pod {
        name: format!("p{number}").into(),
        namespace: "ns".into(),
        uid: uid(number).into(),
        started: Some(at(2)),
        cpu: Some(said_cpu(seconds)),
        memory: Some(said_memory(seconds)),
        network: Some(kubelet::Network {
            time: at(seconds),
            default: interface("eth0", 10),
            all: Box::new([interface("eth0", 10), interface("net1", 20)]),
        }),
        ephemeral_storage: Some(said_filesystem(seconds)),
        volumes: Box::default(),
        containers: containers.iter().map(|name| said_container(name, seconds)).collect(),
    }
}

fn interface(name: &str, from: u64) -> kubelet::Interface {
    kubelet::Interface {
        name: name.into(),
        rx_bytes: Some(from),
        rx_errors: Some(from + 1),
        tx_bytes: Some(from + 2),
        tx_errors: Some(from + 3),
    }
}

fn said_container(name: &str, seconds: u64) -> kubelet::Container {
    kubelet::Container {
        name: name.into(),
        started: Some(at(3)),
        cpu: Some(said_cpu(seconds)),
        memory: Some(said_memory(seconds)),
        rootfs: Some(said_filesystem(seconds)),
        logs: None,
    }
}

const fn said_cpu(seconds: u64) -> Cpu {
    Cpu { time: at(seconds), usage_nano_cores: Some(250_000_000), usage_core_nano_seconds: Some(3 * SECOND) }
}

const fn said_memory(seconds: u64) -> Memory {
    Memory {
        time: at(seconds),
        available: Some(1_000),
        usage: Some(1_001),
        working_set: Some(1_002),
        rss: Some(1_003),
        page_faults: Some(1_004),
        major_page_faults: Some(1_005),
    }
}

/// A filesystem as the kubelet tells of it at `seconds`.
pub(super) const fn said_filesystem(seconds: u64) -> Filesystem {
    Filesystem {
        time: at(seconds),
        available: Some(60),
        capacity: Some(100),
        used: Some(40),
        inodes_free: Some(7),
        inodes: Some(10),
        inodes_used: Some(3),
    }
}

//! The gates of the collector of pods, at 110 pods and 220 containers. A steady scrape makes one heap allocation, the list
//! of the pods' uids, and so does one with a new answer of the kubelet. With every row of the contract on, labels, volumes
//! and all that the kubelet says, an object holds a bounded number of bytes, whatever the allocator adds to them.
//!
//! dhat is the allocator of this test binary and counts every block; like `allocations.rs` it has no test harness. The
//! node is made of folders, so that the figure is exact.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use dhat::{HeapStats, Profiler};
use exporter::model::Timestamp;
use serde_json::Value;
use shared_informer::wire::Kept;
use tare::catalog::Enabled;
use tare::collectors::pods::{AllInterfaces, Groups, Pods, Settings};
use tare::collectors::{Collector as _, Failures, Scrape, Setup};
use tare::enrich::{self, Choice, Rule};
use tare::feeds::Feeds;
use tare::kubelet::client::Sink as _;
use tare::kubelet::summary::{Bounds, Reader};
use tare::kubelet::{Summary, pods};
use tare::paths::HostPaths;

#[expect(dead_code, reason = "the file serves the tests of the crate, too")]
#[path = "../src/cgroup/testing.rs"]
mod cgroups;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const PODS: u64 = 110;
const WARM_UP: u64 = 5;
const SCRAPES: u64 = 10;
const SECOND: u64 = 1_000_000_000;
/// The boot, in seconds: 2023-11-14T22:13:20Z.
const START: u64 = 1_700_000_000;
/// What a scrape may allocate.
const BLOCKS: u64 = 1;
/// What may be held for each pod and each container with everything on, in bytes of heap: a pod has four series for its
/// network, six for a volume, three for its filesystem and a resource for each of the last two.
const HELD: usize = 5_400;

/// What a kubelet said: its pods are taken as patterns.
const PATTERN: [&str; 2] =
    [include_str!("fixtures/kubelet/summary-1.36.json"), include_str!("fixtures/kubelet/pods-1.36.json")];

fn uid(pod: u64) -> String {
    format!("11111111-2222-3333-4444-{pod:012}")
}

fn file(root: &Path, path: &str, content: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// Two containers in each pod, and a process for its network.
fn node(root: &Path) {
    let fixture = cgroups::Fixture::new(root, cgroups::Kernel::V2, cgroups::Driver::Systemd);
    file(root, "proc/stat", "cpu  1 2 3 4\ncpu0 1 2 3 4\nbtime 1700000000\n");
    let links = root.join("var/log/containers");
    std::fs::create_dir_all(&links).unwrap();
    process(root, 1, "/");
    for pod in 1..=PODS {
        let uid = uid(pod);
        for (name, number) in [("app", pod * 2), ("side", pod * 2 + 1)] {
            let id = format!("{number:064x}");
            fixture.add_container(cgroups::BURSTABLE, &uid, &id);
            let target = format!("/var/log/pods/ns_p{pod}_{uid}/{name}/0.log");
            std::os::unix::fs::symlink(target, links.join(format!("p{pod}_ns_{name}-{id}.log"))).unwrap();
        }
        process(root, 1_000 + pod, &format!("/{}", fixture.pod(cgroups::BURSTABLE, &uid)));
    }
}

fn process(root: &Path, pid: u64, cgroup: &str) {
    let row = "  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n";
    file(root, &format!("proc/{pid}/net/dev"), &format!("Inter-| |\n face | |\n{row}"));
    file(root, &format!("proc/{pid}/cgroup"), &format!("0::{cgroup}\n"));
    let stat = format!("{pid} (a b) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {pid} 0 0\n");
    file(root, &format!("proc/{pid}/stat"), &stat);
}

/// Makes every folder below `path` an hour old.
fn age(path: &Path) {
    for entry in std::fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            age(&entry.path());
        }
    }
    let hour = SystemTime::now() - Duration::from_hours(1);
    std::fs::File::open(path).unwrap().set_modified(hour).unwrap();
}

/// The rows of the contract, all of them on.
fn everything() -> Enabled {
    let rows =
        include_str!("fixtures/parity/metrics.csv").lines().map(|row| row.split(',').collect::<Vec<_>>());
    let rows: Vec<_> = rows.filter(|row| row[0] == "kubeletstats").collect();
    Enabled::new(rows.iter().map(|row| (row[2], true)))
}

/// A list of the pattern's pods of two containers, each made one of the node's by `name`.
fn listed(pattern: &str, list: &str, containers: &str, name: impl Fn(&mut Value, u64)) -> Vec<u8> {
    let mut answer: Value = serde_json::from_str(pattern).unwrap();
    let all = answer[list].as_array().unwrap().clone();
    let is_pair = |pod: &&Value| pod.pointer(containers).unwrap().as_array().unwrap().len() == 2;
    let pattern = all.iter().find(is_pair).unwrap();
    let pods = (1..=PODS).map(|number| {
        let mut pod = pattern.clone();
        name(&mut pod, number);
        pod
    });
    answer[list] = pods.collect();
    serde_json::to_vec(&answer).unwrap()
}

/// What the kubelet says of the node's pods, some seconds after the start.
fn summary(seconds: u64) -> Summary {
    let body = listed(PATTERN[0], "pods", "/containers", |pod, number| {
        pod["podRef"]["uid"] = uid(number).into();
        pod["podRef"]["name"] = format!("p{number}").into();
    });
    let time = format!("2023-11-14T22:13:{:02}Z", 20 + seconds);
    let body = String::from_utf8(body).unwrap().replace("2026-11-21T07:44", "2023-11-14T22:13");
    let received = Timestamp((START + seconds) * SECOND);
    let mut reader = Reader::new(Bounds::default(), received);
    // Every sample is a new one.
    let times = regex::Regex::new("2023-11-14T22:13:[0-9]{2}Z").unwrap();
    reader.feed(times.replace_all(&body, time).as_bytes()).unwrap();
    let read = reader.finish().unwrap();
    Summary { sequence: seconds, received, node: read.node, pods: read.pods }
}

/// A collector of the node below `host`, what it reads from, and the moment of its next scrape.
struct World {
    pods: Pods,
    feeds: Feeds,
    buffer: Vec<u8>,
    tick: u64,
}

impl World {
    fn new(host: &Path, enabled: Enabled, enrich: enrich::Settings) -> Self {
        let setup = Setup {
            paths: HostPaths::new(host, None, None),
            enabled,
            resource: vec![("host.name".to_owned(), "here".to_owned())],
            boot_time: Timestamp(START * SECOND),
        };
        let settings = Settings {
            groups: Groups { container: true, pod: true, node: true, volume: true },
            all_interfaces: AllInterfaces { pod: true, node: true },
            max_series: 50_000,
            kubelet_period: Duration::from_mins(1),
            enrich,
        };
        let feeds = Feeds::default();
        let pods = Pods::new(&setup, settings, feeds.clone());
        Self { pods, feeds, buffer: Vec::new(), tick: 0 }
    }

    fn scrape(&mut self) {
        self.tick += 1;
        let now = (START + self.tick) * SECOND;
        let mut failures = Failures::default();
        self.pods.collect(&mut Scrape::new(Timestamp(now), now, &mut self.buffer, &mut failures));
        assert_eq!(failures.total(), 0, "{:?}", failures.first());
    }

    /// The kubelet answers, then there is a scrape; how many blocks that took beside the answer.
    fn scrape_told(&mut self) -> u64 {
        self.feeds.kubelet.latest().publish(summary(self.tick));
        let before = HeapStats::get().total_blocks;
        self.scrape();
        HeapStats::get().total_blocks - before
    }

    fn points(&self) -> u64 {
        let mut points = 0;
        self.pods.segments(&mut |segment| points += segment.points() as u64);
        points
    }
}

/// Steady scrapes with what is on by default.
fn steady(host: &Path) {
    let mut world = World::new(host, Enabled::default(), enrich::Settings::default());
    (0..WARM_UP).for_each(|_| world.scrape());
    assert!(world.points() > PODS * 2 * 7, "{} points: there is nothing to measure", world.points());
    let before = HeapStats::get().total_blocks;
    (0..SCRAPES).for_each(|_| world.scrape());
    let blocks = HeapStats::get().total_blocks - before;
    assert!(blocks <= SCRAPES * BLOCKS, "{blocks} blocks in {SCRAPES} scrapes");
}

/// What is held, and what an answer of the kubelet takes, with everything on.
fn whole(host: &Path) {
    let rules = ["app", "tier"].map(|label| Rule::matching(None, label).unwrap());
    let choice = Arc::new(Choice { labels: rules.into(), ..Choice::default() });
    let settings = enrich::Settings {
        choice: Arc::clone(&choice),
        container_ids: true,
        volume_types: true,
        ..enrich::Settings::default()
    };
    let list = listed(PATTERN[1], "items", "/spec/containers", |pod, number| {
        pod["metadata"]["uid"] = uid(number).into();
        pod["metadata"]["name"] = format!("p{number}").into();
        pod["metadata"]["namespace"] = "ns".into();
    });
    let mut reader = pods::Pods::new(Kept::from(choice));
    reader.feed(&list).unwrap();
    let (snapshot, _) = reader.finish().unwrap();
    drop(list);
    let last = summary(WARM_UP);
    let before = HeapStats::get().curr_bytes;
    let mut world = World::new(host, everything(), settings);
    world.feeds.kubelet.latest().publish_pods(Some(snapshot));
    for _ in 0..WARM_UP {
        world.scrape();
        world.scrape_told();
    }
    let blocks = world.scrape_told();
    let points = world.points();
    world.feeds.kubelet.latest().publish(last);
    world.buffer = Vec::new();
    let held = HeapStats::get().curr_bytes - before;
    let each = held / usize::try_from(3 * PODS).unwrap();
    #[expect(clippy::print_stdout, reason = "the figures are what a person runs this for")]
    {
        println!(
            "{points} points: {held} bytes are held, {each} for each object; {blocks} blocks for an answer"
        );
    }
    assert!(points > 3 * PODS * 14, "{points} points: there is nothing to measure");
    assert!(each <= HELD, "{each} bytes for each of the node's objects");
    assert!(blocks <= BLOCKS, "{blocks} blocks for a scrape with a new answer of the kubelet");
}

fn main() {
    let host = tempfile::tempdir().unwrap();
    node(host.path());
    // Folders that have just changed are read again until their times can be told apart.
    age(host.path());
    let _profiler = Profiler::builder().testing().build();
    steady(host.path());
    whole(host.path());
}

//! The gate of the collector of pods: a steady scrape of 110 pods and 220 containers makes one heap allocation, the list
//! of the pods' uids.
//!
//! dhat is the allocator of this test binary and counts every block; like `allocations.rs` it has no test harness. The
//! node is made of folders, so that the figure is exact.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::time::{Duration, SystemTime};

use dhat::{HeapStats, Profiler};
use exporter::model::Timestamp;
use tare::catalog::Enabled;
use tare::collectors::pods::{AllInterfaces, Groups, Pods, Settings};
use tare::collectors::{Collector as _, Failures, Scrape, Setup};
use tare::enrich;
use tare::feeds::Feeds;
use tare::paths::HostPaths;

#[expect(dead_code, reason = "the file serves the tests of the crate, too")]
#[path = "../src/cgroup/testing.rs"]
mod cgroups;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const PODS: u64 = 110;
const WARM_UP: u64 = 5;
const SCRAPES: u64 = 10;
/// What a scrape may allocate.
const BLOCKS: u64 = 1;

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
        for (name, number) in [("main", pod * 2), ("side", pod * 2 + 1)] {
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

fn main() {
    let host = tempfile::tempdir().unwrap();
    node(host.path());
    // Folders that have just changed are read again until their times can be told apart.
    age(host.path());
    let _profiler = Profiler::builder().testing().build();
    let setup = Setup {
        paths: HostPaths::new(host.path(), None, None),
        enabled: Enabled::default(),
        resource: vec![("host.name".to_owned(), "here".to_owned())],
        boot_time: Timestamp(1_700_000_000_000_000_000),
    };
    let settings = Settings {
        groups: Groups { container: true, pod: true, node: true, volume: false },
        all_interfaces: AllInterfaces::default(),
        max_series: 50_000,
        kubelet_period: Duration::from_mins(1),
        enrich: enrich::Settings::default(),
    };
    let mut pods = Pods::new(&setup, settings, Feeds::default());
    let mut buffer = Vec::new();
    let mut tick = 0;
    let mut scrapes = |pods: &mut Pods, times: u64| {
        let before = HeapStats::get().total_blocks;
        for _ in 0..times {
            tick += 1;
            let now = 1_700_000_000_000_000_000 + tick * 1_000_000_000;
            let mut failures = Failures::default();
            pods.collect(&mut Scrape::new(Timestamp(now), now, &mut buffer, &mut failures));
            assert_eq!(failures.total(), 0, "{:?}", failures.first());
        }
        HeapStats::get().total_blocks - before
    };
    scrapes(&mut pods, WARM_UP);
    let mut points = 0;
    pods.segments(&mut |segment| points += segment.points() as u64);
    assert!(points > PODS * 2 * 7, "{points} points: there is nothing to measure");
    let blocks = scrapes(&mut pods, SCRAPES);
    assert!(blocks <= SCRAPES * BLOCKS, "{blocks} blocks in {SCRAPES} scrapes");
}

//! The allocation gate of the cgroup reader, on a node of 250 pods and 500 containers under `ulimit -n 1024`: a
//! count, which noise cannot move.
//!
//! One test per file, because the counting allocator is the whole program's.
//! It has no test harness: the harness has threads of its own, and a block of theirs would be counted as ours.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use rustix::process::{Resource, Rlimit};
use tare::cgroup::{Figures, Tree, Wanted};
use tare::paths::HostPaths;

#[path = "../src/cgroup/testing.rs"]
#[expect(dead_code, reason = "what the tests within the crate use as well")]
mod testing;

use testing::{BURSTABLE, Driver, Fixture, GUARANTEED, Kernel};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const PODS: usize = 250;
/// More than the refreshes after which everything is listed and roots are searched for.
const TICKS: usize = 31;

/// One tick: a refresh, and everything read. Answers how many cgroups gave CPU and memory.
fn tick(tree: &mut Tree, buffer: &mut Vec<u8>) -> usize {
    let mut failures = 0;
    let mut count = |_: &tare::error::SourceError| failures += 1;
    tree.refresh(buffer, &mut count);
    let mut whole = 0;
    let mut judge =
        |figures: Figures| whole += usize::from(figures.cpu.is_some() && figures.memory.is_some());
    judge(tree.root_mut().read(buffer, &mut count));
    for pod in tree.pods_mut() {
        judge(pod.group.read(buffer, &mut count));
        for container in &mut pod.containers {
            judge(container.group.read(buffer, &mut count));
        }
    }
    assert_eq!(failures, 0);
    whole
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// A steady refresh and read of a full node allocates nothing, and leaves descriptors for the rest of the agent.
fn main() {
    let hard = rustix::process::getrlimit(Resource::Nofile).maximum;
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: Some(1024), maximum: hard }).unwrap();
    let before = open_descriptors();
    let wanted = Wanted { throttling: true, pressure: true, ..Wanted::default() };
    for (kernel, driver) in [(Kernel::V1, Driver::Cgroupfs), (Kernel::V2, Driver::Systemd)] {
        let host = tempfile::tempdir().unwrap();
        let fixture = Fixture::new(host.path(), kernel, driver);
        for pod in 0..PODS {
            let (class, uid) = ([GUARANTEED, BURSTABLE][pod % 2], format!("{pod:032x}"));
            for container in 0..2 {
                fixture.add_container(class, &uid, &format!("{pod:032x}{container:032x}"));
            }
        }
        if kernel == Kernel::V1 {
            let root = fixture.class(GUARANTEED);
            give_quota(&fixture.folder("cpu", &root));
            std::fs::write(fixture.folder("cpu", "cpu.stat"), "nr_periods 0\n").unwrap();
        }
        let mut tree = Tree::new(&HostPaths::new(host.path(), None, None), wanted);
        let mut buffer = Vec::new();
        for _ in 0..TICKS {
            assert_eq!(tick(&mut tree, &mut buffer), 1 + 3 * PODS);
        }
        assert_eq!(tree.descriptors().kept, 512);
        assert!(open_descriptors() - before <= 512 + 16, "{} open", open_descriptors());
        let profiler = dhat::Profiler::builder().testing().build();
        for _ in 0..TICKS {
            tick(&mut tree, &mut buffer);
        }
        let stats = dhat::HeapStats::get();
        dhat::assert_eq!(stats.total_blocks, 0);
        drop(profiler);
    }
}

/// Writes v1's `cpu.stat` into every cgroup below `folder`.
fn give_quota(folder: &std::path::Path) {
    std::fs::write(folder.join("cpu.stat"), "nr_periods 3\nnr_throttled 2\nthrottled_time 1\n").unwrap();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            give_quota(&entry.path());
        }
    }
}

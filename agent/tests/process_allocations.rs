//! The allocation gate of the process walk: a count, which noise cannot move.
//!
//! One test per file, because the counting allocator is the whole program's.
//! It has no test harness: the harness has threads of its own, and a block of theirs would be counted as ours.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use exporter::model::Timestamp;
use tare::catalog::Enabled;
use tare::collectors::processes::Processes;
use tare::collectors::{Collector as _, Failures, Scrape, Setup};
use tare::paths::HostPaths;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// A steady walk over the processes allocates nothing.
fn main() {
    let root = tempfile::tempdir().unwrap();
    for pid in 1..=300 {
        let directory = root.path().join(format!("proc/{pid}"));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("stat"), format!("{pid} (worker) S 1\n")).unwrap();
    }
    std::fs::write(root.path().join("proc/stat"), "processes 9\nprocs_running 1\nprocs_blocked 0\n").unwrap();
    let setup = Setup {
        paths: HostPaths::new(root.path(), None, None),
        enabled: Enabled::default(),
        resource: Vec::new(),
        boot_time: Timestamp(1),
    };
    let mut collector = Processes::new(&setup);
    let mut buffer = Vec::new();
    let mut failures = Failures::default();
    let mut scrape = |second: u64| {
        let time = Timestamp(second * 1_000_000_000);
        collector.collect(&mut Scrape::new(time, time.0, &mut buffer, &mut failures));
    };
    scrape(1);
    scrape(2);
    let _profiler = dhat::Profiler::builder().testing().build();
    for second in 3..8 {
        scrape(second);
    }
    let stats = dhat::HeapStats::get();
    dhat::assert_eq!(stats.total_blocks, 0);
    assert_eq!(failures.total(), 0);
    let mut points = 0;
    collector.segments(&mut |segment| points += segment.points());
    assert_eq!(points, 4, "blocked, running, sleeping and created");
}

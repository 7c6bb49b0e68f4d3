//! What the index weighs, counted by an allocation profiler: at most 4 KB of heap for a typical pod.
//!
//! Counts of bytes and blocks, no times: they are the same on every machine. One test only, because the profiler
//! counts the whole process. Run with `--nocapture` to see the figures.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test that reports figures")]

use std::time::Duration;

use dhat::HeapStats;
use shared_informer::index::{Applied, Index, Limits};
use shared_informer::pod::{Pod, parse};

#[path = "support/typical.rs"]
mod typical;

use typical::{keep, typical_pod};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const PODS: usize = 110;
/// The promise of the design, in bytes of heap per pod, everything included.
const PROMISE: usize = 4096;
const NOW: Duration = Duration::from_secs(1);

/// What happened in the allocator while something ran, and what it returned.
struct Cost<T> {
    result: T,
    kept_bytes: usize,
    kept_blocks: usize,
    allocated_bytes: u64,
    allocations: u64,
}

fn cost<T>(run: impl FnOnce() -> T) -> Cost<T> {
    let before = HeapStats::get();
    let result = run();
    let after = HeapStats::get();
    Cost {
        result,
        kept_bytes: after.curr_bytes.saturating_sub(before.curr_bytes),
        kept_blocks: after.curr_blocks.saturating_sub(before.curr_blocks),
        allocated_bytes: after.total_bytes - before.total_bytes,
        allocations: after.total_blocks - before.total_blocks,
    }
}

fn print<T>(what: &str, cost: &Cost<T>, per: usize) {
    let allocations = cost.allocations / per as u64;
    let allocated = cost.allocated_bytes / per as u64;
    let (bytes, blocks) = (cost.kept_bytes / per, cost.kept_blocks / per);
    println!(
        "{what:<41} keeps {bytes:>6} B in {blocks:>3} blocks; {allocations:>3} allocations of {allocated} B"
    );
}

fn parsed(json: &str) -> Pod {
    parse(json.as_bytes(), &keep()).unwrap()
}

#[test]
fn a_typical_pod_costs_at_most_four_kilobytes_of_heap() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let json: Vec<String> = (0..PODS).map(typical_pod).collect();
    let bytes = json.iter().map(String::len).sum::<usize>() / PODS;
    assert!((11_500..=12_500).contains(&bytes), "the typical pod has {bytes} bytes of JSON, not about 12 KB");
    println!("{PODS} pods of {bytes} bytes of JSON; per pod:");

    parsing(&json);
    whole_index(&json);
    updates();
}

/// The slim pod against the naive way, in the same run.
fn parsing(json: &[String]) {
    let mut pods = Vec::with_capacity(PODS);
    let slim = cost(|| pods.extend(json.iter().map(|json| parsed(json))));
    print("parsed as a slim pod", &slim, PODS);
    let counted: usize = pods.iter().map(Pod::heap_bytes).sum();
    assert_eq!(slim.kept_bytes, counted, "`heap_bytes` is what the allocator says");

    let mut values = Vec::<serde_json::Value>::with_capacity(PODS);
    let naive = cost(|| {
        values.extend(json.iter().map(|json| serde_json::from_str::<serde_json::Value>(json).unwrap()));
    });
    print("parsed as serde_json::Value", &naive, PODS);
    assert!(slim.kept_bytes * 10 < naive.kept_bytes, "less than a tenth of the naive way");
    assert!(slim.allocations * 4 < naive.allocations, "with less than a quarter of the allocations");
}

/// Everything that stays when a LIST has been taken: pods, tables, the shared snapshot.
fn whole_index(json: &[String]) {
    let held = cost(|| {
        let mut index = Index::new(Limits::default());
        let summary = index.reset(json.iter().map(|json| parsed(json)).collect(), NOW);
        assert_eq!((summary.added, summary.refused), (PODS, 0));
        let shared = shared_informer::index::shared::publish(&index);
        (index, shared)
    });
    print("held by index and snapshot", &held, PODS);
    let each = held.kept_bytes / PODS;
    assert!(each <= PROMISE, "{each} bytes of heap per pod, at most {PROMISE} were promised");
    drop(held.result);
}

/// What one event allocates at 250 pods, with and without a reader between two events.
fn updates() {
    let mut index = Index::new(Limits::default());
    index.reset((0..250).map(|number| parsed(&typical_pod(number))).collect(), NOW);
    let changed = |version: &str| {
        let mut pod = parsed(&typical_pod(7));
        pod.resource_version = Some(version.into());
        pod
    };
    let (first, second) = (changed("2000000"), changed("2000001"));

    let snapshot = index.snapshot();
    let copying = cost(|| index.apply(first, NOW));
    print("event after a snapshot, 250 pods, in all", &copying, 1);
    drop(snapshot);
    let in_place = cost(|| index.apply(second, NOW));
    print("event without one, 250 pods, in all", &in_place, 1);
    assert_eq!((copying.result, in_place.result), (Applied::Updated, Applied::Updated));
    assert!(copying.allocated_bytes < 64 << 10, "a copy of the tables, never of the pods");
    assert!(in_place.allocated_bytes < 1 << 10, "nothing is copied");
}

//! What a summary weighs, counted by an allocation profiler.
//!
//! Counts of bytes and blocks, no times: they are the same on every machine. One test only, because the profiler counts
//! the whole process. Run with `--nocapture` to see the figures.

#![expect(clippy::unwrap_used, reason = "a helper of a test")]

use dhat::HeapStats;
use exporter::model::Timestamp;
use serde_json::Value;
use tare::kubelet::summary::{Bounds, Reader};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const RECORDED: &[u8] = include_bytes!("fixtures/kubelet/summary-1.36.json");
const PODS: usize = 110;
/// What one pod of one or two containers and a volume may keep, in bytes of heap.
const KEPT: usize = 2 << 10;
/// What may be held beside that at any time: one pod's JSON, what it is parsed into, and the growing list of pods.
const HELD: usize = 160 << 10;
/// Allocations for one pod, those of parsing included.
const ALLOCATIONS: u64 = 40;

/// The recorded answer with as many pods.
fn summary() -> Vec<u8> {
    let mut summary: Value = serde_json::from_slice(RECORDED).unwrap();
    let recorded = summary["pods"].as_array().unwrap().clone();
    let pods = (0..PODS).map(|at| {
        let mut pod = recorded[at % recorded.len()].clone();
        pod["podRef"]["name"] = format!("web-6d6cc64d55-{at:05}").into();
        pod
    });
    summary["pods"] = pods.collect();
    serde_json::to_vec(&summary).unwrap()
}

#[test]
fn a_summary_of_110_pods_keeps_two_kilobytes_a_pod_and_is_never_held_as_a_whole() {
    let body = summary();
    let _profiler = dhat::Profiler::builder().testing().build();
    let before = HeapStats::get();
    let mut reader = Reader::new(Bounds::default(), Timestamp(1));
    for chunk in body.chunks(8 << 10) {
        reader.feed(chunk).unwrap();
    }
    let read = reader.finish().unwrap();
    let after = HeapStats::get();
    assert_eq!(read.pods.len(), PODS);
    let kept = after.curr_bytes - before.curr_bytes;
    let held = after.max_bytes - after.curr_bytes;
    let allocations = after.total_blocks - before.total_blocks;
    println!(
        "{PODS} pods in {} bytes of JSON: {kept} bytes kept ({} a pod), {held} more at the most, {allocations} allocations",
        body.len(),
        kept / PODS
    );
    assert!(kept <= PODS * KEPT, "{kept} bytes are kept");
    assert!(held <= HELD && held < body.len() / 2, "{held} bytes are held beside");
    assert!(allocations <= PODS as u64 * ALLOCATIONS, "{allocations} allocations");
}

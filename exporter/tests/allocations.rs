//! The allocation gate: a steady scrape allocates nothing. Alone in its process, for it counts all of it.
//! It has no test harness: the harness has threads of its own, and a block of theirs would be counted as ours.

#![expect(clippy::cast_possible_wrap, clippy::cast_precision_loss, reason = "small, made-up figures")]

#[path = "../benches/encode/workload.rs"]
mod workload;

use workload::{POINTS, Prost, RESOURCES, Segments};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// How many blocks `work` allocates.
fn blocks<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = dhat::HeapStats::get().total_blocks;
    let result = work();
    (dhat::HeapStats::get().total_blocks - before, result)
}

/// A steady scrape allocates nothing, and its request only itself.
fn main() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let mut segments = Segments::new();
    segments.scrape(POINTS);
    let (registered, ()) = blocks(|| drop(Segments::new()));
    assert!(registered > 0, "the allocator does count");

    let (steady, ()) = blocks(|| segments.scrape(POINTS));
    assert_eq!(steady, 0, "a scrape that reports the same series");
    let (fewer, ()) = blocks(|| segments.scrape(POINTS - 1));
    assert_eq!(fewer, 0, "a layout that fits the bytes at hand");
    let (again, ()) = blocks(|| segments.scrape(POINTS));
    assert_eq!(again, 0, "the series that was missing is back");

    let mut prost = Prost::new();
    let (structs, built) = blocks(|| (0..4).map(|_| prost.request()).last().unwrap_or_default());
    segments.request();
    let (request, patched) = blocks(|| segments.request());
    assert!(workload::same(&patched, &built), "the same request");
    assert!(request <= 3, "{request} blocks: a body, its count of owners, the list of requests");
    let points = RESOURCES * POINTS;
    #[expect(clippy::print_stdout, reason = "the figures are what a person runs this for")]
    {
        println!("blocks for {points} points: scrape {steady}, request {request}; prost {}", structs / 4);
    }
}

//! The gate of the hot collectors: a steady scrape makes no heap allocation.
//!
//! dhat is the allocator of this test binary and counts every block. On the recorded host the figure is exact.
//! On the machine that runs the test things can happen meanwhile (a socket in a state not seen before, a file
//! that outgrows its buffer), so there the quietest of several windows counts: an allocation per scrape would
//! be in all of them.
//!
//! It has no test harness: the harness has threads of its own, and a block of theirs would be counted as ours.
//!
//! One case is not steady and is not measured: when the set of online CPUs changes, the number of physical
//! cores is read anew from sysfs, which allocates.

use std::path::Path;

use dhat::{HeapStats, Profiler};
use exporter::model::Timestamp;
use tare::catalog::{Enabled, metrics};
use tare::collectors::cpu::Cpu;
use tare::collectors::disk::{self, Disk};
use tare::collectors::load::{self, Load};
use tare::collectors::memory::Memory;
use tare::collectors::network::{self, Network};
use tare::collectors::paging::Paging;
use tare::collectors::system::System;
use tare::collectors::{Collector, Failures, Scrape, Setup};
use tare::paths::HostPaths;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const WARM_UP: u64 = 5;
const SCRAPES: u64 = 10;
const WINDOWS: usize = 6;

fn collectors(root: &Path, enabled: &Enabled) -> Vec<Box<dyn Collector>> {
    let setup = Setup {
        paths: HostPaths::new(root, None, None),
        enabled: enabled.clone(),
        resource: vec![("host.name".to_owned(), "here".to_owned())],
        boot_time: Timestamp(1_700_000_000_000_000_000),
    };
    vec![
        Box::new(Cpu::new(&setup)),
        Box::new(Memory::new(&setup)),
        Box::new(Load::new(&setup, load::Settings { cpu_average: true })),
        Box::new(Disk::new(&setup, disk::Settings::default())),
        Box::new(Network::new(&setup, network::Settings::default())),
        Box::new(Paging::new(&setup)),
        Box::new(System::new(&setup)),
    ]
}

/// Scrapes `times` times; answers the blocks that were allocated and the bytes that the last scrape encoded.
fn scrape(collector: &mut dyn Collector, buffer: &mut Vec<u8>, from: u64, times: u64) -> (u64, usize) {
    let before = HeapStats::get().total_blocks;
    for tick in from..from + times {
        let mut failures = Failures::default();
        let nanoseconds = (1_700_000_000 + tick) * 1_000_000_000;
        collector.collect(&mut Scrape::new(Timestamp(nanoseconds), nanoseconds, buffer, &mut failures));
        assert_eq!(failures.total(), 0, "{}: {:?}", collector.name(), failures.first());
    }
    let blocks = HeapStats::get().total_blocks - before;
    let mut encoded = 0;
    collector.segments(&mut |segment| encoded += segment.encoded_len());
    (blocks, encoded)
}

/// The blocks of each window of [`SCRAPES`] scrapes, after a warm-up that does allocate.
fn windows(collector: &mut dyn Collector, buffer: &mut Vec<u8>) -> Vec<u64> {
    let (warm_up, encoded) = scrape(collector, buffer, 0, WARM_UP);
    assert!(warm_up > 0, "{}: the gate counts nothing", collector.name());
    assert!(encoded > 0, "{}: there is nothing to measure", collector.name());
    (0..WINDOWS as u64)
        .map(|window| scrape(collector, buffer, WARM_UP + window * SCRAPES, SCRAPES).0)
        .collect()
}

/// A steady scrape of the hot sources allocates nothing.
fn main() {
    let _profiler = Profiler::builder().testing().build();
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/host/big");
    let all = Enabled::new(metrics().map(|metric| (metric.name, true)));
    // Not every kernel tracks connections or tells clocks, and a failed read allocates its error.
    let absent = |name: &str| name.starts_with("system.network.conntrack.") || name == "system.cpu.frequency";
    let here = Enabled::new(metrics().map(|metric| (metric.name, !absent(metric.name))));
    let mut buffer = Vec::new();
    for enabled in [&Enabled::default(), &all] {
        for collector in &mut collectors(&recorded, enabled) {
            let blocks = windows(&mut **collector, &mut buffer);
            assert_eq!(blocks, [0; WINDOWS], "{} on the recorded host", collector.name());
        }
    }
    for enabled in [&Enabled::default(), &here] {
        for collector in &mut collectors(Path::new("/"), enabled) {
            let blocks = windows(&mut **collector, &mut buffer);
            assert!(blocks.contains(&0), "{} on this host: {blocks:?}", collector.name());
        }
    }
}

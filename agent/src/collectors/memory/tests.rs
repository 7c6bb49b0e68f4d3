use std::io::BufReader;

use procfs_core::FromBufRead as _;
use proptest::prelude::*;

use super::*;
use crate::collectors::faults::Faults;
use crate::collectors::testing::{assert_golden, fixture, mangled, scrape, setup, setup_all, write};
use crate::error::ErrorClass;

/// Every line that is required, with one value for all.
fn complete(value: &str) -> String {
    [
        "MemTotal",
        "MemFree",
        "MemAvailable",
        "Buffers",
        "Cached",
        "Dirty",
        "Shmem",
        "SReclaimable",
        "SUnreclaim",
    ]
    .map(|name| format!("{name}:   {value} kB\n"))
    .concat()
}

#[test]
fn the_recorded_hosts_give_the_reviewed_points() {
    for host in ["small", "big"] {
        let (mut lines, failures) = scrape(&mut Memory::new(&setup_all(fixture(format!("host/{host}")))), 1);
        let page_size = format!("system.memory.page_size {}", rustix::param::page_size());
        assert!(lines.contains(&page_size));
        lines.retain(|line| *line != page_size);
        assert_golden(&format!("host/{host}/expected/memory.txt"), &lines);
        assert_eq!(failures.total(), 0);
    }
}

#[test]
fn a_kernel_without_huge_pages_has_no_points_of_them_and_no_failure() {
    let host = tempfile::tempdir().unwrap();
    write(host.path(), "proc/meminfo", complete("8"));
    let (lines, failures) = scrape(&mut Memory::new(&setup_all(host.path())), 1);
    assert!(!lines.iter().any(|line| line.contains("hugepages")), "{lines:?}");
    assert_eq!((lines.len(), failures.total()), (17, 0));
}

#[test]
fn a_malformed_line_costs_only_what_is_made_of_it_and_is_counted_with_its_place() {
    let host = tempfile::tempdir().unwrap();
    for bad in ["", "-1", "x", "18446744073709551616", "18014398509481984", "1 MB"] {
        let text = format!("MemFree: {bad} kB\n{}", complete("8").replace("MemFree", "Other"));
        write(host.path(), "proc/meminfo", text);
        let (lines, failures) = scrape(&mut Memory::new(&setup(host.path())), 1);
        assert!(!lines.iter().any(|line| line.contains("state=\"free\"")), "{lines:?}");
        assert_eq!((lines.len(), failures.count(ErrorClass::Parse)), (5, 1), "{bad:?}");
        assert!(failures.first().unwrap().ends_with("proc/meminfo: no number at byte 0"));
    }
}

#[test]
fn a_truncated_file_gives_what_it_has_and_is_counted() {
    let host = tempfile::tempdir().unwrap();
    let mut memory = Memory::new(&setup(host.path()));
    let (none, failures) = scrape(&mut memory, 1);
    assert_eq!((none.len(), failures.count(ErrorClass::NotFound)), (0, 1));
    write(host.path(), "proc/meminfo", "MemTotal: 100 kB\nMemFree: 8 kB\n");
    let (lines, failures) = scrape(&mut memory, 2);
    assert_eq!(lines, [r#"system.memory.usage{state="free"} 8192"#]);
    assert!(failures.first().unwrap().ends_with("a line is missing at byte 31"), "{:?}", failures.first());
}

#[test]
fn more_available_than_total_is_no_usage() {
    let host = tempfile::tempdir().unwrap();
    write(host.path(), "proc/meminfo", complete("8").replace("MemAvailable:   8", "MemAvailable: 9"));
    let (lines, _) = scrape(&mut Memory::new(&setup(host.path())), 1);
    assert!(!lines.iter().any(|line| line.contains("state=\"used\"")), "{lines:?}");
}

fn assert_agrees_with_procfs(text: &[u8]) {
    let theirs = procfs_core::Meminfo::from_buf_read(BufReader::new(text)).unwrap();
    let mut faults = Faults::default();
    let ours = meminfo::parse(text, &mut faults);
    assert!(faults.is_empty());
    assert_eq!(ours.total, Some(theirs.mem_total));
    assert_eq!(ours.free, Some(theirs.mem_free));
    assert_eq!(ours.available, theirs.mem_available);
    assert_eq!(ours.buffers, Some(theirs.buffers));
    assert_eq!(ours.page_cache, Some(theirs.cached));
    assert_eq!(ours.dirty, Some(theirs.dirty));
    assert_eq!(ours.shared, theirs.shmem);
    assert_eq!(ours.slab_reclaimable, theirs.s_reclaimable);
    assert_eq!(ours.slab_unreclaimable, theirs.s_unreclaim);
    assert_eq!(ours.huge_total, theirs.hugepages_total);
    assert_eq!(ours.huge_free, theirs.hugepages_free);
    assert_eq!(ours.huge_reserved, theirs.hugepages_rsvd);
    assert_eq!(ours.huge_surplus, theirs.hugepages_surp);
    assert_eq!(ours.huge_page_size, theirs.hugepagesize);
}

#[test]
fn procfs_reads_the_same_from_the_recorded_hosts() {
    for host in ["small", "big"] {
        assert_agrees_with_procfs(&std::fs::read(fixture(format!("host/{host}/proc/meminfo"))).unwrap());
    }
}

proptest! {
    #[test]
    fn procfs_reads_the_same_whatever_the_numbers(numbers in prop::collection::vec(0..1_u64 << 54, 60)) {
        let recorded = std::fs::read_to_string(fixture("host/big/proc/meminfo")).unwrap();
        let line = |(line, number): (&str, &u64)| {
            let (name, value) = line.split_once(':').unwrap();
            let unit = if value.ends_with("kB") { " kB" } else { "" };
            format!("{name}: {number:>10}{unit}\n")
        };
        let text: String = recorded.lines().zip(&numbers).map(line).collect();
        assert_agrees_with_procfs(text.as_bytes());
    }

    #[test]
    fn no_content_of_meminfo_breaks_the_parser(
        text in mangled(std::fs::read(fixture("host/big/proc/meminfo")).unwrap()),
    ) {
        let mut faults = Faults::default();
        let info = meminfo::parse(&text, &mut faults);
        let reading = Reading { info, page_size: 4096 };
        let total = reading.info.total.unwrap_or(u64::MAX);
        prop_assert!(reading.info.used().is_none_or(|used| used <= total));
        prop_assert!(reading.share(reading.info.free).is_none_or(f64::is_finite));
    }
}

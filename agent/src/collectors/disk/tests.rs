use std::io::BufReader;

use procfs_core::{DiskStats, FromBufRead as _};
use proptest::prelude::*;

use super::*;
use crate::collectors::testing::{assert_golden, fixture, mangled, scrape, setup, write};
use crate::error::ErrorClass;
use crate::filter::{MatchType, Matcher};

fn excluding(expression: &str) -> Settings {
    let exclude = Matcher::new(MatchType::Regexp, &[expression.to_owned()]).unwrap();
    Settings { devices: Filter { include: None, exclude: Some(exclude) } }
}

fn device(name: &str) -> String {
    format!("8 0 {name} 1 2 3 4 5 6 7 8 9 10 11\n")
}

#[test]
fn the_recorded_hosts_give_the_reviewed_points() {
    for host in ["small", "big"] {
        let mut disk = Disk::new(&setup(fixture(format!("host/{host}"))), Settings::default());
        let (lines, failures) = scrape(&mut disk, 1);
        assert_golden(&format!("host/{host}/expected/disk.txt"), &lines);
        assert_eq!(failures.total(), 0);
    }
}

#[test]
fn an_excluded_device_is_not_reported() {
    let mut disk = Disk::new(&setup(fixture("host/big")), excluding("^nvme|^dm"));
    let (lines, _) = scrape(&mut disk, 1);
    assert_eq!(lines.len(), 3 * 11, "loop1, sda and sda1: {lines:?}");
    assert!(!lines.iter().any(|line| line.contains("nvme") || line.contains("dm-")), "{lines:?}");
}

#[test]
fn a_device_that_is_gone_takes_its_points_along_and_comes_back_with_its_own() {
    let host = tempfile::tempdir().unwrap();
    let mut disk = Disk::new(&setup(host.path()), Settings::default());
    let mut devices = |names: &[&str]| {
        let text: String = names.iter().map(|name| device(name)).collect();
        write(host.path(), "proc/diskstats", text);
        let (lines, _) = scrape(&mut disk, 1);
        let of =
            |name: &str| lines.iter().filter(|line| line.contains(&format!("device=\"{name}\""))).count();
        [of("sda"), of("sdb"), of("sdc")]
    };
    assert_eq!(devices(&["sda", "sdb"]), [11, 11, 0]);
    assert_eq!(devices(&["sdb"]), [0, 11, 0]);
    assert_eq!(devices(&["sdc", "sda", "sdb"]), [11, 11, 11]);
    for _ in 0..20 {
        assert_eq!(devices(&["sdb", "sdc"]), [0, 11, 11]);
    }
    assert_eq!(devices(&["sda", "sdb", "sdc"]), [11, 11, 11]);
}

#[test]
fn devices_beyond_the_limit_are_refused_and_counted_and_those_before_stand() {
    let host = tempfile::tempdir().unwrap();
    let text: String = (0..DEVICE_LIMIT + 3).map(|number| device(&format!("sd{number}"))).collect();
    write(host.path(), "proc/diskstats", text);
    let (lines, failures) = scrape(&mut Disk::new(&setup(host.path()), Settings::default()), 1);
    assert_eq!(lines.len(), DEVICE_LIMIT * 11);
    assert_eq!((failures.total(), failures.count(ErrorClass::Refused)), (3, 3));
    assert!(failures.first().unwrap().ends_with("diskstats: more than 4096 block devices"));
}

#[test]
fn a_malformed_row_is_counted_with_its_place_and_the_others_stand() {
    let host = tempfile::tempdir().unwrap();
    for bad in
        ["8 1 bad 1 2 3 4 5 6 7 8 9 10", "8 1 bad 18446744073709551616 2 3 4 5 6 7 8 9 10 11", "", "\0"]
    {
        write(host.path(), "proc/diskstats", format!("{}{bad}\n{}", device("sda"), device("sdb")));
        let (lines, failures) = scrape(&mut Disk::new(&setup(host.path()), Settings::default()), 1);
        assert_eq!((lines.len(), failures.count(ErrorClass::Parse)), (22, 1), "{bad:?}");
        let place = format!("no row of a block device at byte {}", device("sda").len());
        assert!(failures.first().unwrap().ends_with(&place), "{:?}", failures.first());
    }
}

#[test]
fn a_missing_or_endless_file_gives_nothing_and_is_counted() {
    let host = tempfile::tempdir().unwrap();
    let mut disk = Disk::new(&setup(host.path()), Settings::default());
    let (none, failures) = scrape(&mut disk, 1);
    assert_eq!((none.len(), failures.count(ErrorClass::NotFound)), (0, 1));
    write(host.path(), "proc/diskstats", vec![b'8'; 10 << 20]);
    let (none, failures) = scrape(&mut disk, 2);
    assert_eq!((none.len(), failures.count(ErrorClass::Refused)), (0, 1));
}

fn assert_agrees_with_procfs(text: &[u8]) {
    let theirs = DiskStats::from_buf_read(BufReader::new(text)).unwrap().0;
    let ours: Vec<_> = diskstats::rows(text).map(Result::unwrap).collect();
    assert_eq!(ours.len(), theirs.len());
    for ((name, ours), theirs) in ours.into_iter().zip(theirs) {
        assert_eq!(name, theirs.name.as_bytes());
        let theirs = Stat {
            reads: theirs.reads,
            reads_merged: theirs.merged,
            sectors_read: theirs.sectors_read,
            read_ms: theirs.time_reading,
            writes: theirs.writes,
            writes_merged: theirs.writes_merged,
            sectors_written: theirs.sectors_written,
            write_ms: theirs.time_writing,
            in_flight: theirs.in_progress,
            busy_ms: theirs.time_in_progress,
            weighted_ms: theirs.weighted_time_in_progress,
        };
        assert_eq!(ours, theirs);
    }
}

#[test]
fn procfs_reads_the_same_from_the_recorded_hosts() {
    for host in ["small", "big"] {
        assert_agrees_with_procfs(&std::fs::read(fixture(format!("host/{host}/proc/diskstats"))).unwrap());
    }
}

proptest! {
    #[test]
    fn procfs_reads_the_same_whatever_the_numbers(
        devices in prop::collection::vec(("[a-z0-9-]{1,12}", prop::collection::vec(any::<u64>(), 11..=17)), 0..6),
    ) {
        let line = |(name, counters): &(String, Vec<u64>)| {
            let counters: Vec<_> = counters.iter().map(u64::to_string).collect();
            format!(" 259       1 {name} {}\n", counters.join(" "))
        };
        let text: String = devices.iter().map(line).collect();
        assert_agrees_with_procfs(text.as_bytes());
    }

    #[test]
    fn no_content_of_diskstats_breaks_the_parser(
        text in mangled(std::fs::read(fixture("host/big/proc/diskstats")).unwrap()),
    ) {
        let rows: Vec<_> = diskstats::rows(&text).collect();
        prop_assert!(rows.len() <= text.len());
        for row in rows {
            prop_assert!(row.is_ok() || row.is_err_and(|fault| fault.at <= text.len()));
        }
    }
}

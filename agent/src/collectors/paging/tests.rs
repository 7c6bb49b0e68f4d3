use std::io::BufReader;

use procfs_core::FromBufRead as _;
use proptest::prelude::*;

use super::*;
use crate::collectors::faults::{Faults, Malformed};
use crate::collectors::testing::{assert_golden, fixture, mangled, scrape, setup, setup_all, write};
use crate::error::ErrorClass;

const HEADER: &str = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
const VMSTAT: &str = "pgpgin 1\npgpgout 2\npswpin 3\npswpout 4\npgfault 15\npgmajfault 5\n";

#[test]
fn the_recorded_hosts_give_the_reviewed_points() {
    for host in ["small", "big"] {
        let (lines, failures) = scrape(&mut Paging::new(&setup_all(fixture(format!("host/{host}")))), 1);
        assert_golden(&format!("host/{host}/expected/paging.txt"), &lines);
        assert_eq!(failures.total(), 0);
    }
}

#[test]
fn a_host_without_swap_has_no_usage_and_no_failure() {
    let host = tempfile::tempdir().unwrap();
    write(host.path(), "proc/swaps", HEADER);
    write(host.path(), "proc/vmstat", VMSTAT.replace("pswp", "other"));
    let (lines, failures) = scrape(&mut Paging::new(&setup_all(host.path())), 1);
    assert_eq!(
        lines,
        [
            r#"system.paging.faults{type="major"} 20480"#,
            r#"system.paging.faults{type="minor"} 40960"#,
            r#"system.paging.operations{direction="page_in" type="minor"} 4096"#,
            r#"system.paging.operations{direction="page_out" type="minor"} 8192"#,
        ]
    );
    assert_eq!(failures.total(), 0);
}

#[test]
fn one_file_that_cannot_be_read_does_not_cost_the_points_of_the_other() {
    let host = tempfile::tempdir().unwrap();
    write(host.path(), "proc/vmstat", VMSTAT);
    let mut paging = Paging::new(&setup(host.path()));
    let (points, failures) = scrape(&mut paging, 1);
    assert_eq!((points.len(), failures.count(ErrorClass::NotFound)), (6, 1));
    write(host.path(), "proc/swaps", format!("{HEADER}/dev/dm-2 partition 8 2 -2\n"));
    std::fs::remove_file(host.path().join("proc/vmstat")).unwrap();
    let (points, failures) = scrape(&mut Paging::new(&setup(host.path())), 2);
    assert_eq!((points.len(), failures.count(ErrorClass::NotFound)), (2, 1));
}

#[test]
fn a_malformed_row_is_counted_with_its_place_and_the_others_stand() {
    let host = tempfile::tempdir().unwrap();
    write(host.path(), "proc/vmstat", VMSTAT.replace("pgpgin 1", "pgpgin 18446744073709551616"));
    for bad in
        ["/bad", "/bad partition 8", "/bad partition 8 9 -2", "/bad partition 18014398509481984 0 -2", ""]
    {
        let text = format!("{HEADER}{bad}\n/dev/dm-2 partition 8 2 -2\n");
        write(host.path(), "proc/swaps", text);
        let (points, failures) = scrape(&mut Paging::new(&setup(host.path())), 1);
        assert_eq!((points.len(), failures.count(ErrorClass::Parse)), (7, 2), "{bad:?}");
        let place = format!("no row of a swap device at byte {}", HEADER.len());
        assert!(failures.first().unwrap().ends_with(&place), "{:?}", failures.first());
    }
}

#[test]
fn without_the_header_nothing_is_taken_for_a_swap_device() {
    let rows: Vec<_> =
        swaps::rows(b"INVALID Type Size Used Priority\n/dev/dm-2 partition 8 2 -2\n").collect();
    assert!(matches!(rows[..], [Err(Malformed { at: 0, .. })]), "{rows:?}");
    assert!(matches!(swaps::rows(b"").collect::<Vec<_>>()[..], [Err(_)]));
}

#[test]
fn a_device_of_size_zero_has_a_usage_and_no_utilization() {
    let host = tempfile::tempdir().unwrap();
    write(host.path(), "proc/vmstat", VMSTAT);
    write(host.path(), "proc/swaps", format!("{HEADER}/dev/dm-2 partition 0 0 -2\n"));
    let (lines, _) = scrape(&mut Paging::new(&setup_all(host.path())), 1);
    assert!(lines.contains(&r#"system.paging.usage{device="/dev/dm-2" state="used"} 0"#.to_owned()));
    assert!(!lines.iter().any(|line| line.contains("utilization")), "{lines:?}");
}

fn assert_agrees_with_procfs(text: &[u8]) {
    let theirs = procfs_core::VmStat::from_buf_read(BufReader::new(text)).unwrap().0;
    let mut faults = Faults::default();
    let ours = vmstat::parse(text, &mut faults);
    assert!(faults.is_empty());
    let times_page = |name| theirs.get(name).map(|count| count.cast_unsigned() * 4096);
    assert_eq!(ours.swapped_in, times_page("pswpin"));
    assert_eq!(ours.swapped_out, times_page("pswpout"));
    assert_eq!(ours.paged_in, times_page("pgpgin"));
    assert_eq!(ours.paged_out, times_page("pgpgout"));
    assert_eq!(ours.faults, times_page("pgfault"));
    assert_eq!(ours.major_faults, times_page("pgmajfault"));
}

#[test]
fn procfs_reads_the_same_from_the_recorded_hosts() {
    for host in ["small", "big"] {
        assert_agrees_with_procfs(&std::fs::read(fixture(format!("host/{host}/proc/vmstat"))).unwrap());
    }
}

proptest! {
    #[test]
    fn procfs_reads_the_same_whatever_the_numbers(numbers in prop::array::uniform6(0..1_u64 << 51)) {
        let names = ["pgpgin", "pgpgout", "pswpin", "pswpout", "pgfault", "pgmajfault"];
        let line = |(name, number)| format!("{name} {number}\nnr_{name} 7\n");
        let text: String = names.into_iter().zip(numbers).map(line).collect();
        assert_agrees_with_procfs(text.as_bytes());
    }

    #[test]
    fn no_content_breaks_the_parsers(
        vmstat in mangled(std::fs::read(fixture("host/big/proc/vmstat")).unwrap()),
        swaps in mangled(std::fs::read(fixture("host/big/proc/swaps")).unwrap()),
    ) {
        let mut faults = Faults::default();
        let stat = vmstat::parse(&vmstat, &mut faults);
        prop_assert!(stat.minor_faults() <= stat.faults);
        for row in swaps::rows(&swaps) {
            match row {
                Ok((_, swap)) => prop_assert!(swap.used <= swap.total),
                Err(fault) => prop_assert!(fault.at <= swaps.len()),
            }
        }
    }
}

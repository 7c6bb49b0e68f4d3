use std::io::BufReader;
use std::path::Path;

use procfs_core::{ExplicitSystemInfo, FromBufReadSI as _, KernelStats};
use proptest::prelude::*;

use super::*;
use crate::catalog::Enabled;
use crate::collectors::testing::{assert_golden, fixture, mangled, scrape, setup, setup_all, write};
use crate::error::ErrorClass;

const NOW: u64 = 86_400;

fn utilization(root: &Path) -> Cpu {
    let mut setup = setup(root);
    setup.enabled = Enabled::new([("system.cpu.time", false), ("system.cpu.utilization", true)]);
    Cpu::new(&setup)
}

fn first_message(root: &Path, cpu: &mut Cpu) -> String {
    let (_, failures) = scrape(cpu, NOW);
    assert_eq!(failures.total(), failures.count(ErrorClass::Parse));
    failures.first().unwrap().replace(root.to_str().unwrap(), "")
}

#[test]
fn the_recorded_hosts_give_the_reviewed_points() {
    for host in ["small", "big"] {
        let (lines, failures) = scrape(&mut Cpu::new(&setup_all(fixture(format!("host/{host}")))), NOW);
        assert_golden(&format!("host/{host}/expected/cpu.txt"), &lines);
        assert_eq!(failures.total(), 0, "{:?}", failures.first());
    }
}

#[test]
fn by_default_only_times_are_reported_and_only_stat_is_read() {
    let host = tempfile::tempdir().unwrap();
    write(host.path(), "proc/stat", "cpu 9 9 9 9 9 9 9\ncpu0 100 200 300 400 500 600 700\n");
    let (lines, failures) = scrape(&mut Cpu::new(&setup(host.path())), NOW);
    assert_eq!(lines.len(), 8);
    assert_eq!(lines[0], r#"system.cpu.time{cpu="cpu0" state="idle"} 4.0"#);
    assert_eq!(failures.total(), 0);
}

#[test]
fn utilization_is_the_share_of_the_ticks_since_the_last_scrape_and_the_first_scrape_has_none() {
    let host = tempfile::tempdir().unwrap();
    let mut cpu = utilization(host.path());
    write(host.path(), "proc/stat", "cpu 0\ncpu0 100 0 0 1000 0 0 0 0 50 0\n");
    assert_eq!(scrape(&mut cpu, NOW).0, Vec::<String>::new());
    // 60 ticks of user time, 20 of which were a guest's: the guest's count once more in what passed.
    write(host.path(), "proc/stat", "cpu 0\ncpu0 160 0 0 1020 0 0 0 0 70 0\n");
    let (second, _) = scrape(&mut cpu, NOW + 1);
    assert!(
        second.contains(&r#"system.cpu.utilization{cpu="cpu0" state="user"} 0.6"#.to_owned()),
        "{second:?}"
    );
    assert!(
        second.contains(&r#"system.cpu.utilization{cpu="cpu0" state="idle"} 0.2"#.to_owned()),
        "{second:?}"
    );
    assert_eq!(second.len(), 8);
}

#[test]
fn a_counter_that_steps_back_gives_no_negative_share_and_no_passed_tick_gives_none() {
    let host = tempfile::tempdir().unwrap();
    let mut cpu = utilization(host.path());
    write(host.path(), "proc/stat", "cpu 0\ncpu0 0 0 0 1000 50 0 0\n");
    scrape(&mut cpu, NOW);
    write(host.path(), "proc/stat", "cpu 0\ncpu0 60 0 0 1000 40 0 0\n");
    let (second, _) = scrape(&mut cpu, NOW + 1);
    assert!(
        second.contains(&r#"system.cpu.utilization{cpu="cpu0" state="wait"} 0.0"#.to_owned()),
        "{second:?}"
    );
    assert_eq!(scrape(&mut cpu, NOW + 2).0, Vec::<String>::new());
}

#[test]
fn a_cpu_that_goes_offline_takes_its_points_along_and_a_new_one_has_no_utilization_yet() {
    let host = tempfile::tempdir().unwrap();
    let mut cpu = utilization(host.path());
    write(host.path(), "proc/stat", "cpu 0\ncpu0 1 1 1 1 1 1 1\ncpu1 1 1 1 1 1 1 1\n");
    scrape(&mut cpu, NOW);
    write(host.path(), "proc/stat", "cpu 0\ncpu1 2 2 2 2 2 2 2\ncpu2 1 1 1 1 1 1 1\n");
    let (second, _) = scrape(&mut cpu, NOW + 1);
    assert_eq!(second.len(), 8);
    assert!(second.iter().all(|line| line.contains("cpu=\"cpu1\"")), "{second:?}");
}

#[test]
fn a_malformed_line_is_counted_with_its_place_and_the_others_stand() {
    let host = tempfile::tempdir().unwrap();
    for bad in ["cpu1 1 2 3", "cpu1 1 2 3 4 5 6 18446744073709551616", "cpux 1 2 3 4 5 6 7", "\u{1}\u{2}"] {
        let text = format!("cpu 0\ncpu0 1 1 1 1 1 1 1\n{bad}\ncpu2 1 1 1 1 1 1 1\nintr 5\nnonsense\n");
        write(host.path(), "proc/stat", text);
        let mut cpu = Cpu::new(&setup(host.path()));
        assert_eq!(first_message(host.path(), &mut cpu), "/proc/stat: no row of a CPU at byte 25");
        assert_eq!(scrape(&mut cpu, NOW + 1).0.len(), 16);
    }
}

#[test]
fn an_empty_or_missing_stat_gives_nothing_and_is_counted() {
    let host = tempfile::tempdir().unwrap();
    let (none, failures) = scrape(&mut Cpu::new(&setup(host.path())), NOW);
    assert_eq!((none.len(), failures.count(ErrorClass::NotFound)), (0, 1));
    write(host.path(), "proc/stat", "");
    let mut cpu = Cpu::new(&setup(host.path()));
    assert_eq!(first_message(host.path(), &mut cpu), "/proc/stat: no CPUs at byte 0");
}

#[test]
fn a_line_of_ten_megabytes_is_refused() {
    let host = tempfile::tempdir().unwrap();
    write(host.path(), "proc/stat", vec![b'7'; 10 << 20]);
    let (none, failures) = scrape(&mut Cpu::new(&setup(host.path())), NOW);
    assert_eq!((none.len(), failures.count(ErrorClass::Refused)), (0, 1));
}

#[test]
fn where_cpuinfo_tells_no_clock_cpufreq_does_and_a_clock_known_nowhere_is_missing() {
    let host = tempfile::tempdir().unwrap();
    write(host.path(), "proc/stat", "cpu 0\ncpu0 1 1 1 1 1 1 1\n");
    write(host.path(), "proc/cpuinfo", "processor\t: 0\nBogoMIPS\t: 50.00\n\nprocessor\t: 1\n");
    write(host.path(), "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1500000\n");
    let mut setup = setup(host.path());
    setup.enabled = Enabled::new([("system.cpu.time", false), ("system.cpu.frequency", true)]);
    let (lines, failures) = scrape(&mut Cpu::new(&setup), NOW);
    assert_eq!(lines, [r#"system.cpu.frequency{cpu="cpu0"} 1500000000.0"#]);
    assert_eq!((failures.total(), failures.count(ErrorClass::NotFound)), (1, 1));
}

#[test]
fn cores_come_from_the_packages_without_a_topology_and_are_read_again_only_when_the_cpus_change() {
    let host = tempfile::tempdir().unwrap();
    let package = |id| format!("processor : {id}\nphysical id : {id}\ncpu cores : 8\n");
    write(host.path(), "proc/cpuinfo", package(0) + &package(1));
    write(host.path(), "proc/stat", "cpu 0\ncpu0 1 1 1 1 1 1 1\n");
    let mut setup = setup(host.path());
    setup.enabled = Enabled::new([("system.cpu.time", false), ("system.cpu.physical.count", true)]);
    let mut cpu = Cpu::new(&setup);
    assert_eq!(scrape(&mut cpu, NOW).0, ["system.cpu.physical.count 16"]);
    for id in 0..2 {
        let path = format!("sys/devices/system/cpu/cpu{id}/topology/thread_siblings_list");
        write(host.path(), &path, "0-1\n");
    }
    assert_eq!(scrape(&mut cpu, NOW + 1).0, ["system.cpu.physical.count 16"]);
    write(host.path(), "proc/stat", "cpu 0\ncpu0 1 1 1 1 1 1 1\ncpu1 1 1 1 1 1 1 1\n");
    assert_eq!(scrape(&mut cpu, NOW + 2).0, ["system.cpu.physical.count 1"]);
}

#[test]
fn the_clocks_of_other_architectures_are_understood() {
    let clocks = |text: &str| {
        let (mut found, mut faults) = (Vec::new(), Faults::default());
        cpuinfo::clocks(text.as_bytes(), &mut faults, |cpu, clock| found.push((cpu.to_owned(), clock)));
        assert!(faults.is_empty());
        found
    };
    let power = "processor\t: 8\ncpu\t\t: POWER9\nclock\t\t: 3425.000000MHz\nrevision\t: 2.2\n";
    assert_eq!(clocks(power), [(b"8".to_vec(), Some(3425.0))]);
    let s390 = "vendor_id : IBM/S390\nprocessor 0: version = FF\n\ncpu number : 0\ncpu MHz dynamic : 5200\n";
    assert_eq!(clocks(s390), [(b"0".to_vec(), Some(5200.0))]);
}

const SYSTEM: ExplicitSystemInfo =
    ExplicitSystemInfo { boot_time_secs: 0, ticks_per_second: 100, page_size: 4096, is_little_endian: true };

fn assert_agrees_with_procfs(text: &[u8]) {
    let theirs = KernelStats::from_buf_read(BufReader::new(text), &SYSTEM).unwrap();
    let ours: Vec<_> = stat::rows(text).map(Result::unwrap).collect();
    assert_eq!(ours.len(), theirs.cpu_time.len());
    for ((_, ours), theirs) in ours.iter().zip(theirs.cpu_time) {
        assert_eq!([ours.user, ours.nice, ours.system], [theirs.user, theirs.nice, theirs.system]);
        assert_eq!(ours.idle, theirs.idle);
        let newer =
            [theirs.iowait, theirs.irq, theirs.softirq, theirs.steal, theirs.guest, theirs.guest_nice];
        let mine = [ours.iowait, ours.irq, ours.softirq, ours.steal, ours.guest, ours.guest_nice];
        assert_eq!(mine, newer.map(Option::unwrap_or_default));
    }
}

#[test]
fn procfs_reads_the_same_from_the_recorded_hosts() {
    for host in ["small", "big"] {
        assert_agrees_with_procfs(&std::fs::read(fixture(format!("host/{host}/proc/stat"))).unwrap());
    }
}

proptest! {
    #[test]
    fn procfs_reads_the_same_from_any_well_formed_stat(
        cpus in prop::collection::vec(prop::collection::vec(any::<u64>(), 7..=10), 0..8),
    ) {
        let line = |(at, columns): (usize, &Vec<u64>)| {
            let columns: Vec<_> = columns.iter().map(u64::to_string).collect();
            format!("cpu{at} {}\n", columns.join(" "))
        };
        let cpus: String = cpus.iter().enumerate().map(line).collect();
        let text = format!("cpu  1 2 3 4 5 6 7\n{cpus}intr 1 2 3\nctxt 1\nbtime 2\nprocesses 3\n");
        assert_agrees_with_procfs(text.as_bytes());
    }

    #[test]
    fn no_content_of_stat_breaks_the_parser(
        text in mangled(std::fs::read(fixture("host/big/proc/stat")).unwrap()),
    ) {
        let rows: Vec<_> = stat::rows(&text).collect();
        prop_assert!(rows.len() <= text.len() + 1);
        for row in rows {
            prop_assert!(row.is_ok() || row.is_err_and(|fault| fault.at <= text.len()));
        }
    }

    #[test]
    fn no_content_of_cpuinfo_breaks_the_parser(
        text in mangled(std::fs::read(fixture("host/big/proc/cpuinfo")).unwrap()),
    ) {
        let counts = cpuinfo::counts(&text);
        prop_assert!(counts.logical.is_none_or(|cpus| cpus <= text.len() as u64));
        let mut faults = Faults::default();
        let mut clocks = 0;
        cpuinfo::clocks(&text, &mut faults, |_, clock| {
            clocks += 1;
            assert!(clock.is_none_or(f64::is_finite));
        });
        prop_assert!(clocks > 0 || !faults.is_empty());
    }
}

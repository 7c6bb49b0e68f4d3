use std::path::Path;

use super::*;
use crate::catalog::Enabled;
use crate::collectors::testing::{assert_golden, collect, fixture, lines, setup_all};
use crate::filter::{MatchType, Matcher};

/// A host with one process, written anew by [`write_stat`].
fn host() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("etc")).unwrap();
    std::fs::create_dir_all(root.path().join("proc/5")).unwrap();
    std::fs::write(root.path().join("etc/passwd"), "root:x:0:0:::\n").unwrap();
    write(root.path(), "cmdline", b"/bin/one\0");
    write(root.path(), "status", b"Uid:\t0\t0\t0\t0\n");
    write_stat(root.path(), "one", 100, 50);
    root
}

fn write(root: &Path, file: &str, text: &[u8]) {
    std::fs::write(root.join("proc/5").join(file), text).unwrap();
}

fn write_stat(root: &Path, comm: &str, start: u64, user: u64) {
    let text = format!("5 ({comm}) S 1 5 5 0 -1 0 0 0 0 0 {user} 0 0 0 20 0 1 0 {start} 0 0 0 9 0 9\n");
    write(root, "stat", text.as_bytes());
}

/// A collector of `root` with these metrics alone.
fn only(root: &Path, metrics: &[&'static str], settings: Settings) -> Process {
    let mut setup = setup_all(root);
    let changes = crate::catalog::metrics().map(|metric| (metric.name, metrics.contains(&metric.name)));
    setup.enabled = Enabled::new(changes);
    Process::new(&setup, settings)
}

fn cpu_only(root: &Path) -> Process {
    only(root, &["process.cpu.time"], Settings::default())
}

fn user_time(collector: &Process) -> Vec<String> {
    lines(collector).into_iter().filter(|line| line.contains("state=\"user\"")).collect()
}

#[test]
fn every_row_of_every_process_is_reported_with_its_own_resource() {
    let settings = Settings { cgroup: true, ..Settings::default() };
    let mut collector = Process::new(&setup_all(fixture("process")), settings);
    assert_eq!(collect(&mut collector, 2000).total(), 0);
    assert_golden("process/expected_first.txt", &lines(&collector));
    assert_eq!(collect(&mut collector, 2010).total(), 0);
    assert_golden("process/expected_second.txt", &lines(&collector));
}

#[test]
fn utilization_is_the_used_part_of_all_processors_since_the_last_scrape() {
    let root = host();
    std::fs::write(root.path().join("proc/stat"), "cpu 0\ncpu0 0\ncpu1 0\n").unwrap();
    let mut collector = only(root.path(), &["process.cpu.utilization"], Settings::default());
    collect(&mut collector, 10);
    assert!(lines(&collector).is_empty(), "the first scrape has none");
    // 400 ticks (4 s at 100 Hz) in 10 s on two processors.
    write_stat(root.path(), "one", 100, 450);
    collect(&mut collector, 20);
    assert_eq!(user_time(&collector), ["process.cpu.utilization{state=\"user\"} 0.2"]);
    collect(&mut collector, 20);
    assert!(lines(&collector).is_empty(), "no time has passed, so there is no rate");
}

#[test]
fn a_reused_process_id_is_a_new_resource_with_its_own_start() {
    let root = host();
    let mut collector = cpu_only(root.path());
    collect(&mut collector, 10);
    assert_eq!(user_time(&collector), ["process.cpu.time{state=\"user\"} 0.5 since +1000ms"]);
    write_stat(root.path(), "one", 700, 3);
    collect(&mut collector, 20);
    assert_eq!(user_time(&collector), ["process.cpu.time{state=\"user\"} 0.03 since +7000ms"]);
}

#[test]
fn a_process_that_executes_another_program_keeps_its_start_and_changes_its_resource() {
    let root = host();
    let mut collector = cpu_only(root.path());
    collect(&mut collector, 10);
    assert!(lines(&collector)[0].contains("process.command=\"/bin/one\""));
    write(root.path(), "cmdline", b"/bin/two\0-x\0");
    write_stat(root.path(), "two", 100, 60);
    collect(&mut collector, 20);
    assert!(lines(&collector)[0].contains("process.command_line=\"/bin/two -x\""));
    assert_eq!(user_time(&collector), ["process.cpu.time{state=\"user\"} 0.6 since +1000ms"]);
}

#[test]
fn a_title_that_changes_silently_shows_within_eight_scrapes() {
    let root = host();
    let mut collector = cpu_only(root.path());
    collect(&mut collector, 10);
    write(root.path(), "cmdline", b"one: worker\0");
    for second in 11..11 + REFRESH {
        collect(&mut collector, second);
    }
    assert!(lines(&collector)[0].contains("process.command_line=\"one: worker\""));
}

#[test]
fn a_process_that_ends_is_reported_no_more_and_is_no_error() {
    let root = host();
    let mut collector = cpu_only(root.path());
    collect(&mut collector, 10);
    // Listed, but its files are gone: what a walk sees of a process that ends meanwhile.
    std::fs::remove_file(root.path().join("proc/5/stat")).unwrap();
    assert_eq!(collect(&mut collector, 20).total(), 0);
    assert!(lines(&collector).is_empty());
    assert!(collector.tracked.is_empty());
}

#[test]
fn only_the_files_that_the_switched_on_rows_need_are_read() {
    let root = host();
    // There is no statm, io, fd, task or meminfo: reading any of them would be a failure.
    let rows = ["process.cpu.time", "process.threads", "process.paging.faults", "process.uptime"];
    let mut collector = only(root.path(), &rows, Settings::default());
    assert_eq!(collect(&mut collector, 10).total(), 0);
    assert_eq!(lines(&collector).len(), 1 + 3 + 1 + 2 + 1);
    let mut collector = only(root.path(), &["process.memory.usage"], Settings::default());
    assert_eq!(collect(&mut collector, 10).count(ErrorClass::NotFound), 1);
}

#[test]
fn a_refused_or_malformed_file_is_counted_by_class_and_leaves_the_other_rows() {
    let root = host();
    write(root.path(), "statm", b"12 5\n");
    // A directory in the place of `io` cannot be read, whoever asks.
    std::fs::create_dir(root.path().join("proc/5/io")).unwrap();
    let rows = ["process.disk.io", "process.memory.usage"];
    let mut collector = only(root.path(), &rows, Settings::default());
    let failures = collect(&mut collector, 10);
    assert_eq!((failures.count(ErrorClass::Io), failures.total()), (1, 1));
    assert_eq!(lines(&collector)[1..], ["process.memory.usage 20480 since +1000ms"]);
    write(root.path(), "statm", b"\xff\n");
    let failures = collect(&mut collector, 20);
    assert_eq!(failures.count(ErrorClass::Parse), 1);
    assert!(lines(&collector).is_empty());
    let settings = Settings { muted: Muted::default().with(Subject::Io), ..Settings::default() };
    let mut muted = only(root.path(), &["process.disk.io"], settings);
    assert_eq!(collect(&mut muted, 10).total(), 0);
}

#[test]
fn a_kernel_threads_executable_is_not_asked_for() {
    let root = host();
    // Not readable as a link: asking would be a failure, as it is for an agent without privileges.
    write(root.path(), "exe", b"");
    let mut collector = cpu_only(root.path());
    assert_eq!(collect(&mut collector, 10).count(ErrorClass::Io), 1);
    let text = "5 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 7\n";
    write(root.path(), "stat", text.as_bytes());
    let mut collector = cpu_only(root.path());
    assert_eq!(collect(&mut collector, 10).total(), 0);
    assert!(lines(&collector)[0].contains("process.executable.path=\"\""));
}

#[test]
fn a_malformed_stat_is_counted_and_its_process_left_out() {
    let root = host();
    write(root.path(), "stat", b"5 (one) S\n");
    let mut collector = cpu_only(root.path());
    assert_eq!(collect(&mut collector, 10).count(ErrorClass::Parse), 1);
    assert!(lines(&collector).is_empty());
}

#[test]
fn filters_see_the_whole_name_and_young_processes_wait() {
    let names = |name: &str| Filter {
        include: Some(Matcher::new(MatchType::Strict, &[name.to_owned()]).unwrap()),
        exclude: None,
    };
    let filtered = |name: &str| {
        let settings = Settings { names: names(name), ..Settings::default() };
        let mut collector = only(&fixture("process"), &["process.cpu.time"], settings);
        collect(&mut collector, 2000);
        lines(&collector).iter().filter(|line| line.starts_with("resource")).count()
    };
    assert_eq!(filtered("very-long-program-name"), 1);
    assert_eq!(filtered("very-long-progr"), 0);
    let root = host();
    let settings = Settings { scrape_delay: Duration::from_secs(5), ..Settings::default() };
    let mut collector = only(root.path(), &["process.cpu.time"], settings);
    collect(&mut collector, 5);
    assert!(lines(&collector).is_empty(), "four seconds old");
    collect(&mut collector, 6);
    assert_eq!(user_time(&collector).len(), 1);
}

#[test]
fn a_process_that_is_filtered_out_costs_its_name_alone_until_the_name_changes() {
    let root = host();
    let include = Some(Matcher::new(MatchType::Strict, &["two".to_owned()]).unwrap());
    let settings = Settings { names: Filter { include, exclude: None }, ..Settings::default() };
    let mut collector = only(root.path(), &["process.cpu.time"], settings);
    write(root.path(), "comm", b"one\n");
    collect(&mut collector, 10);
    // Whoever reads `stat` now finds it malformed and says so.
    write(root.path(), "stat", b"cut");
    assert_eq!(collect(&mut collector, 20).total(), 0);
    assert!(lines(&collector).is_empty());
    write_stat(root.path(), "two", 100, 50);
    write(root.path(), "cmdline", b"/bin/two\0");
    write(root.path(), "comm", b"two\n");
    collect(&mut collector, 30);
    assert_eq!(user_time(&collector).len(), 1);
}

#[test]
fn a_command_line_is_cut_at_its_bound() {
    let root = host();
    write(root.path(), "cmdline", &[b'x'; 10_000]);
    let mut collector = cpu_only(root.path());
    assert_eq!(collect(&mut collector, 10).total(), 0);
    let line = &lines(&collector)[0];
    assert!(line.contains(&format!("process.command_line=\"{}\"", "x".repeat(identity::TEXT_LIMIT))));
}

#[test]
fn processes_above_the_bound_are_counted_one_by_one() {
    let mut collector = cpu_only(&fixture("process"));
    assert_eq!(collector.limit, MAX_PROCESSES);
    collector.limit = 2;
    let failures = collect(&mut collector, 2000);
    assert_eq!((failures.count(ErrorClass::Refused), failures.total()), (3, 3));
    assert_eq!(user_time(&collector).len(), 2);
}

#[test]
fn a_missing_passwd_costs_the_owner_alone() {
    let root = host();
    std::fs::remove_file(root.path().join("etc/passwd")).unwrap();
    let mut collector = cpu_only(root.path());
    assert_eq!(collect(&mut collector, 10).count(ErrorClass::NotFound), 1);
    assert!(!lines(&collector)[0].contains("process.owner"));
    assert_eq!(user_time(&collector).len(), 1);
}

#[test]
fn handles_have_no_points_on_linux() {
    let root = host();
    let mut collector = only(root.path(), &["process.handles"], Settings::default());
    assert_eq!(collect(&mut collector, 10).total(), 0);
    assert!(lines(&collector).is_empty());
}

use std::path::Path;

use super::*;
use crate::catalog::Enabled;
use crate::collectors::testing::{collect, fixture, lines, setup_all};
use crate::error::ErrorClass;

fn host(states: &[(u32, &[u8])]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    write_host(root.path(), b"processes 10\nprocs_running 1\nprocs_blocked 0\n");
    for (pid, text) in states {
        add(root.path(), *pid, text);
    }
    root
}

fn write_host(root: &Path, stat: &[u8]) {
    std::fs::create_dir_all(root.join("proc/sys")).unwrap();
    std::fs::write(root.join("proc/stat"), stat).unwrap();
}

fn add(root: &Path, pid: u32, stat: &[u8]) {
    let directory = root.join(format!("proc/{pid}"));
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("stat"), stat).unwrap();
}

fn count(status: &str, count: u64) -> String {
    format!("system.processes.count{{status={status:?}}} {count}")
}

#[test]
fn running_and_blocked_are_the_kernels_own_and_the_rest_is_counted_by_state() {
    let mut collector = Processes::new(&setup_all(fixture("process")));
    assert_eq!(collect(&mut collector, 10).total(), 0);
    let expected = [
        count("blocked", 1),
        count("idle", 1),
        count("running", 2),
        count("sleeping", 1),
        count("stopped", 1),
        count("zombies", 1),
        "system.processes.created 4321".to_owned(),
    ];
    // Five processes, of which the states explain more: none is unknown.
    assert_eq!(lines(&collector), expected);
}

#[test]
fn what_the_states_do_not_explain_is_unknown_and_a_status_without_a_process_is_absent() {
    // Three running processes, where the kernel says one thread runs; one in a state without a name.
    let root = host(&[(1, b"1 (a) R 0"), (2, b"2 (b) R 0"), (3, b"3 (c) R 0"), (4, b"4 (d) X 0")]);
    let mut collector = Processes::new(&setup_all(root.path()));
    assert_eq!(collect(&mut collector, 10).total(), 0);
    // By the collector's rule: 4 processes - (1 running + 0 blocked + 1 unknown).
    let expected = [count("blocked", 0), count("running", 1), count("unknown", 2)];
    assert_eq!(lines(&collector)[..3], expected);
    assert_eq!(lines(&collector).len(), 4);
}

#[test]
fn a_name_with_blanks_and_parentheses_does_not_hide_the_state() {
    let root = host(&[(5, b"5 (a) R (b c) T 0"), (6, b"6 (\xff\xfe (x)) S 0")]);
    let mut collector = Processes::new(&setup_all(root.path()));
    collect(&mut collector, 10);
    let lines = lines(&collector);
    assert!(lines.contains(&count("stopped", 1)) && lines.contains(&count("sleeping", 1)), "{lines:?}");
}

#[test]
fn a_process_that_ends_during_the_walk_is_no_error_and_not_counted() {
    let root = host(&[(1, b"1 (a) S 0")]);
    // Listed, but without the file: what a walk sees of a process that has just ended.
    std::fs::create_dir(root.path().join("proc/99")).unwrap();
    let mut collector = Processes::new(&setup_all(root.path()));
    assert_eq!(collect(&mut collector, 10).total(), 0);
    let created = "system.processes.created 10".to_owned();
    let expected = [count("blocked", 0), count("running", 1), count("sleeping", 1), created];
    assert_eq!(lines(&collector), expected);
}

#[test]
fn without_the_kernels_counts_only_what_was_read_is_reported() {
    let root = host(&[(1, b"1 (a) S 0")]);
    write_host(root.path(), b"processes 7\n");
    let mut collector = Processes::new(&setup_all(root.path()));
    assert_eq!(collect(&mut collector, 10).count(ErrorClass::Parse), 1);
    assert_eq!(lines(&collector), ["system.processes.created 7"]);
    std::fs::remove_file(root.path().join("proc/stat")).unwrap();
    let mut collector = Processes::new(&setup_all(root.path()));
    assert_eq!(collect(&mut collector, 20).count(ErrorClass::NotFound), 1);
    assert!(lines(&collector).is_empty());
}

#[test]
fn the_walk_is_repeated_from_the_start_at_every_scrape() {
    let root = host(&[(1, b"1 (a) S 0")]);
    let mut collector = Processes::new(&setup_all(root.path()));
    collect(&mut collector, 10);
    add(root.path(), 2, b"2 (b) S 0");
    collect(&mut collector, 20);
    assert!(lines(&collector).contains(&count("sleeping", 2)));
}

#[test]
fn the_processes_are_not_walked_where_only_their_creation_is_counted() {
    let root = host(&[]);
    let mut setup = setup_all(root.path());
    setup.enabled = Enabled::new([(catalog::COUNT.name, false)]);
    let mut collector = Processes::new(&setup);
    assert_eq!(collect(&mut collector, 10).total(), 0);
    assert_eq!(lines(&collector), ["system.processes.created 10"]);
    assert!(collector.dir.process(1).is_none(), "the directory was not opened");
}

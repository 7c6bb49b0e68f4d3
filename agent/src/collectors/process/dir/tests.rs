use std::io::{Read as _, Write as _};

use super::*;
use crate::collectors::testing::fixture;

/// The directory of the fixture, walked once, and the ids found.
fn walked(path: PathBuf) -> (ProcDir, Vec<u32>) {
    let mut dir = ProcDir::new(path);
    let mut pids = Vec::new();
    dir.for_each_pid(|process| pids.push(process.pid)).unwrap();
    pids.sort_unstable();
    (dir, pids)
}

#[test]
fn only_names_that_are_process_ids_are_visited() {
    let (_, pids) = walked(fixture("process/proc"));
    assert_eq!(pids, [1, 2, 40, 77, 900]);
    let names = [&b"0"[..], b"self", b"1x", b"2147483648", b"99999999999999999999"];
    assert!(names.into_iter().all(|name| pid_of(name).is_none()));
}

#[test]
fn the_walk_tells_the_number_of_each_directory_that_a_look_at_it_tells() {
    for path in [PathBuf::from("/proc"), fixture("process/proc")] {
        let mut dir = ProcDir::new(path);
        let mut numbers = Vec::new();
        dir.for_each_entry(|process, inode| numbers.push((process.pid, inode, process.inode(".")))).unwrap();
        // Processes may end between the two.
        let same = numbers.iter().filter(|(_, inode, looked_at)| looked_at.as_ref() == Ok(inode)).count();
        let ended = numbers.iter().filter(|(.., looked_at)| looked_at.is_err_and(is_gone)).count();
        assert_eq!((same + ended, same > 0), (numbers.len(), true));
    }
}

#[test]
fn a_file_is_read_up_to_its_limit_and_whole_below_it() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("7")).unwrap();
    let content: Vec<u8> = (0..20_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    std::fs::write(root.path().join("7/status"), &content).unwrap();
    let (dir, _) = walked(root.path().to_owned());
    let process = dir.process(7).unwrap();
    let mut buffer = Vec::new();
    assert_eq!(process.read("status", &mut buffer, 1 << 20).unwrap(), content);
    assert_eq!(process.read("status", &mut buffer, 5000).unwrap(), &content[..5000]);
    assert_eq!(process.read("status", &mut buffer, 10).unwrap(), &content[..10]);
    assert!(is_gone(process.read("stat", &mut buffer, 10).unwrap_err()));
}

#[test]
fn links_threads_and_descriptors_are_found_below_their_process() {
    let (dir, _) = walked(fixture("process/proc"));
    let process = dir.process(1).unwrap();
    let (mut buffer, mut entries) = (Vec::new(), Vec::new());
    assert_eq!(process.read_link("exe", &mut buffer, 4096).unwrap(), b"/usr/lib/init");
    assert_eq!(process.read_link("exe", &mut buffer, 4).unwrap(), b"/usr");
    assert_eq!(process.count_fds(&mut entries).unwrap(), 3, "a fixture's directory size is not its count");
    let mut threads = Vec::new();
    process.for_each_thread(&mut entries, |thread| threads.push(thread)).unwrap();
    threads.sort_unstable();
    assert_eq!(threads, [1, 15, 16]);
    let text = process.read_thread(15, "status", &mut buffer, 4096).unwrap();
    assert!(text.windows(7).any(|window| window == b"Pid:\t15"));
}

#[test]
fn the_count_of_a_processs_descriptors_is_that_of_its_directorys_entries() {
    let piped = std::process::Stdio::piped;
    let mut child = std::process::Command::new("cat").stdin(piped()).stdout(piped()).spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    // Once it has answered it waits for more: its descriptors do not change any more.
    stdin.write_all(b"x").unwrap();
    stdout.read_exact(&mut [0]).unwrap();
    let (dir, pids) = walked(PathBuf::from("/proc"));
    let listed = std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap().count();
    let counted = dir.process(child.id()).unwrap().count_fds(&mut Vec::new());
    drop(stdin);
    child.wait().unwrap();
    assert!(pids.contains(&child.id()));
    assert_eq!(counted.unwrap(), listed as u64);
}

#[test]
fn a_missing_directory_is_an_error_and_tried_again() {
    let root = tempfile::tempdir().unwrap();
    let mut dir = ProcDir::new(root.path().join("proc"));
    assert!(dir.for_each_pid(|_| {}).is_err());
    std::fs::create_dir_all(root.path().join("proc/3")).unwrap();
    let mut found = 0;
    dir.for_each_pid(|process| found = process.pid).unwrap();
    assert_eq!(found, 3);
}

//! Any bytes as a file of a cgroup, and as the names of cgroups: no panic, no figure out of its range.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tare::cgroup::{Figures, Tree, Wanted, names};
use tare::paths::HostPaths;

#[path = "../../agent/src/cgroup/testing.rs"]
#[expect(dead_code, reason = "what the tests of the agent use as well")]
mod testing;

use testing::{BURSTABLE, Driver, Fixture, Kernel};

const UID: &str = "76f88cac-df6c-4cbf-a2f1-4c24733821d9";
const ID: &str = "0be2b8f87e996126c2eb908e42943d2a20a88d32cd65b37c69565540a5bbc93e";
const EVERYTHING: Wanted =
    Wanted { throttling: true, pressure: true, oom_kills: true, pids: true, io: true, swap: true };

/// From `a` on: the hierarchy, empty for v2, and the file. The corpus names them by their letters: append, do not
/// insert.
const FILES: &[(&str, &str)] = &[
    ("", "cpu.stat"),
    ("", "memory.stat"),
    ("", "memory.current"),
    ("", "memory.max"),
    ("", "cpu.pressure"),
    ("", "memory.pressure"),
    ("", "io.pressure"),
    ("", "memory.events"),
    ("", "pids.current"),
    ("", "pids.max"),
    ("", "io.stat"),
    ("", "memory.swap.current"),
    ("cpuacct", "cpuacct.usage"),
    ("cpu", "cpu.stat"),
    ("memory", "memory.stat"),
    ("memory", "memory.usage_in_bytes"),
    ("memory", "memory.limit_in_bytes"),
    ("memory", "memory.oom_control"),
    ("pids", "pids.current"),
    ("pids", "pids.max"),
    ("blkio", "blkio.throttle.io_service_bytes_recursive"),
    ("blkio", "blkio.throttle.io_serviced_recursive"),
];

/// A host with one container, made once for each file, so that nothing has to be put back.
struct Case {
    host: PathBuf,
    file: PathBuf,
    is_v2: bool,
}

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let trees = std::env::temp_dir().join(format!("tare-fuzz-cgroup_files-{}", std::process::id()));
    let make = |(number, (hierarchy, file)): (usize, &(&str, &str))| {
        let host = trees.join(number.to_string());
        let is_v2 = hierarchy.is_empty();
        let fixture = Fixture::new(&host, if is_v2 { Kernel::V2 } else { Kernel::V1 }, Driver::Cgroupfs);
        fixture.add_container(BURSTABLE, UID, ID);
        let file = fixture.folder(hierarchy, &fixture.container(BURSTABLE, UID, ID)).join(file);
        Case { host, file, is_v2 }
    };
    FILES.iter().enumerate().map(make).collect()
});

fuzz_target!(|input: &[u8]| {
    let Some((letter, content)) = input.split_first() else { return };
    let case = &CASES[usize::from(letter.wrapping_sub(b'a')) % CASES.len()];
    std::fs::write(&case.file, content).expect("a place for the fuzzer's bytes");
    let mut tree = Tree::with_descriptors(&HostPaths::new(&case.host, None, None), EVERYTHING, 4);
    let mut buffer = Vec::new();
    tree.refresh(&mut buffer, &mut |error| panic!("{error}"));
    let container = &mut tree.pods_mut()[0].containers[0];
    let mut failures = [0, 0];
    let figures = failures.each_mut().map(|count| container.group.read(&mut buffer, &mut |_| *count += 1));
    judge(&figures[0]);
    assert_eq!(figures[0], figures[1], "the same text says the same from a kept descriptor");
    if case.is_v2 || figures[0].cpu.is_none() {
        assert!(figures[0].cpu.is_some() || failures[0] > 0, "what is absent was reported");
    }
    for name in content.split(|byte| *byte == b'\n') {
        judge_name(name);
    }
});

fn judge(figures: &Figures) {
    if let Some(memory) = &figures.memory {
        assert!(memory.working_set <= memory.usage);
        assert!(memory.limit.is_none_or(|limit| limit <= 1 << 62));
    }
    if let Some(throttling) = figures.cpu.and_then(|cpu| cpu.throttling) {
        assert!(throttling.periods > 0);
    }
}

fn judge_name(name: &[u8]) {
    let uid = names::pod(name);
    let id = names::container(name);
    let things = [names::is_root(name), names::qos_folder(name).is_some(), uid.is_some(), id.is_some()];
    assert!(things.iter().filter(|is_it| **is_it).count() <= 1, "a name is one thing");
    if let Some((uid, _)) = uid {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        assert!((1..=64).contains(&uid.as_str().len()) && uid.as_str().bytes().all(is_letter));
    }
    if let Some(id) = id {
        assert!((32..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}

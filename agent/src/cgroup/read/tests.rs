use std::path::Path;

use super::*;
use crate::cgroup::testing::{BURSTABLE, Driver, Fixture, Kernel, SAMPLE};
use crate::cgroup::{Group, Throttling, Tree, Wanted};
use crate::error::ErrorClass;
use crate::paths::HostPaths;

const UID: &str = "76f88cac-df6c-4cbf-a2f1-4c24733821d9";
const ID: &str = "0be2b8f87e996126c2eb908e42943d2a20a88d32cd65b37c69565540a5bbc93e";
const EVERYTHING: Wanted =
    Wanted { throttling: true, pressure: true, oom_kills: true, pids: true, io: true, swap: true };

/// A host with one container.
fn host(kernel: Kernel) -> (tempfile::TempDir, Fixture, String) {
    let host = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(host.path(), kernel, Driver::Systemd);
    fixture.add_container(BURSTABLE, UID, ID);
    let path = fixture.container(BURSTABLE, UID, ID);
    (host, fixture, path)
}

fn tree(host: &Path, wanted: Wanted, descriptors: usize) -> Tree {
    let mut tree = Tree::with_descriptors(&HostPaths::new(host, None, None), wanted, descriptors);
    tree.refresh(&mut Vec::new(), &mut |error| panic!("{error}"));
    tree
}

fn container(tree: &mut Tree) -> &mut Group {
    &mut tree.pods_mut()[0].containers[0].group
}

/// The figures, and the failures as class and file.
fn read(group: &mut Group) -> (Figures, Vec<(ErrorClass, String)>) {
    let mut errors = Vec::new();
    let figures = group.read(&mut Vec::new(), &mut |error| {
        let text = error.to_string();
        let file = text.split(": ").next().unwrap().rsplit('/').next().unwrap().to_owned();
        errors.push((error.class(), file));
    });
    (figures, errors)
}

fn memory() -> Memory {
    Memory {
        usage: SAMPLE.usage,
        working_set: SAMPLE.usage - SAMPLE.inactive_file,
        rss: SAMPLE.rss,
        page_faults: SAMPLE.faults,
        major_page_faults: SAMPLE.major_faults,
        limit: SAMPLE.limit,
    }
}

/// Writes what is off by default into the container of a v2 host.
fn more_v2(fixture: &Fixture, path: &str) {
    let stat = "usage_usec 5000000\nnr_periods 9\nnr_throttled 2\nthrottled_usec 70\n";
    fixture.file("", path, "cpu.stat", stat);
    for (name, total) in [("cpu", 1), ("memory", 2), ("io", 3)] {
        let text = format!("some avg10=0.00 total={total}\nfull avg10=0.00 total={}\n", total * 10);
        fixture.file("", path, &format!("{name}.pressure"), &text);
    }
    fixture.file("", path, "memory.events", "low 0\noom 2\noom_kill 1\n");
    fixture.file("", path, "pids.current", "17\n");
    fixture.file("", path, "pids.max", "100\n");
    fixture.file("", path, "io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4\n");
    fixture.file("", path, "memory.swap.current", "4096\n");
}

const V2: [&str; 12] = [
    "cpu.stat",
    "memory.stat",
    "memory.current",
    "memory.max",
    "cpu.pressure",
    "memory.pressure",
    "io.pressure",
    "memory.events",
    "pids.current",
    "pids.max",
    "io.stat",
    "memory.swap.current",
];

#[test]
fn on_v2_every_figure_is_what_its_file_says() {
    let (host, fixture, path) = host(Kernel::V2);
    more_v2(&fixture, &path);
    let throttling = Throttling { periods: 9, throttled_periods: 2, throttled_ns: 70_000 };
    let stall = |some: u64| Some(Stall { some_ns: some * 1000, full_ns: Some(some * 10_000) });
    let expected = Figures {
        cpu: Some(Cpu { usage_ns: SAMPLE.cpu_ns, throttling: Some(throttling) }),
        memory: Some(memory()),
        pressure: Some(Pressure { cpu: stall(1), memory: stall(2), io: stall(3) }),
        oom_kills: Some(1),
        pids: Some(Pids { current: 17, limit: Some(100) }),
        io: Some(Io { read_bytes: 1, write_bytes: 2, reads: 3, writes: 4 }),
        swap: Some(4096),
    };
    for descriptors in [0, 5, 100] {
        let mut tree = tree(host.path(), EVERYTHING, descriptors);
        for _ in 0..2 {
            assert_eq!(read(container(&mut tree)), (expected, vec![]));
        }
        assert_eq!(tree.descriptors().kept, descriptors.min(V2.len()));
    }
    let bare = Figures {
        cpu: Some(Cpu { usage_ns: SAMPLE.cpu_ns, throttling: None }),
        memory: Some(memory()),
        ..Figures::default()
    };
    assert_eq!(
        read(container(&mut tree(host.path(), Wanted::default(), 9))),
        (bare, vec![]),
        "the rest is off"
    );
}

#[test]
fn on_v1_every_figure_is_what_its_file_says_and_there_is_no_pressure() {
    let (host, fixture, path) = host(Kernel::Hybrid);
    fixture.file("cpuacct,cpu", &path, "cpu.stat", "nr_periods 5\nnr_throttled 4\nthrottled_time 333\n");
    fixture.file("memory", &path, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 6\n");
    fixture.file("pids", &path, "pids.current", "17\n");
    fixture.file("pids", &path, "pids.max", "100\n");
    let blkio =
        |name: &str, text| fixture.file("blkio", &path, &format!("blkio.throttle.{name}_recursive"), text);
    blkio("io_service_bytes", "8:0 Read 10\n8:0 Write 20\n8:0 Total 30\nTotal 30\n");
    blkio("io_serviced", "8:0 Read 1\n8:0 Write 2\n8:0 Total 3\nTotal 3\n");
    let throttling = Throttling { periods: 5, throttled_periods: 4, throttled_ns: 333 };
    let expected = Figures {
        cpu: Some(Cpu { usage_ns: SAMPLE.cpu_ns, throttling: Some(throttling) }),
        memory: Some(memory()),
        pressure: None,
        oom_kills: Some(6),
        pids: Some(Pids { current: 17, limit: Some(100) }),
        io: Some(Io { read_bytes: 10, write_bytes: 20, reads: 1, writes: 2 }),
        swap: Some(5),
    };
    let mut tree = tree(host.path(), EVERYTHING, 100);
    for _ in 0..2 {
        assert_eq!(read(container(&mut tree)), (expected, vec![]));
    }
}

#[test]
fn the_nodes_memory_is_the_machines_and_v2_makes_up_for_the_files_that_its_root_has_not() {
    let (host, fixture, _) = host(Kernel::V2);
    fixture.file("", "", "io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4\n");
    let mut tree = tree(host.path(), EVERYTHING, 100);
    let (figures, errors) = read(tree.root_mut());
    assert_eq!(figures.memory, Some(Memory { limit: Some(8 << 30), ..memory() }));
    assert_eq!((figures.swap, figures.pids, figures.oom_kills), (Some(1 << 20), None, None));
    assert_eq!(errors, []);
    std::fs::write(host.path().join("proc/meminfo"), "MemTotal: many kB\n").unwrap();
    let (figures, errors) = read(tree.root_mut());
    assert_eq!(figures.memory, Some(Memory { limit: None, ..memory() }));
    assert_eq!(errors, [(ErrorClass::Parse, "meminfo".to_owned())]);
}

#[test]
fn the_working_set_is_never_below_zero() {
    let (host, fixture, path) = host(Kernel::V1);
    fixture.figures(&path, &crate::cgroup::testing::Sample { usage: 5, inactive_file: 6, rss: 1, ..SAMPLE });
    let (figures, _) = read(container(&mut tree(host.path(), Wanted::default(), 9)));
    assert_eq!(figures.memory.unwrap().working_set, 0);
}

#[test]
fn each_file_that_cannot_be_used_takes_only_its_own_figure_along_and_is_reported_with_its_class() {
    for (content, class) in [
        (Some(b"no such thing\xff\n".to_vec()), ErrorClass::Parse),
        (Some(b"usage_usec 1\nanon 1\nsome total=1\n12".to_vec()), ErrorClass::Parse),
        (Some(vec![b'\n'; 300 << 10]), ErrorClass::Refused),
        (None, ErrorClass::Io),
    ] {
        for file in V2 {
            let (host, fixture, path) = host(Kernel::V2);
            more_v2(&fixture, &path);
            let whole = read(container(&mut tree(host.path(), EVERYTHING, 9))).0;
            let place = fixture.folder("", &path).join(file);
            std::fs::remove_file(&place).unwrap();
            match &content {
                Some(content) => std::fs::write(&place, content).unwrap(),
                // Reading a folder is an I/O error for everyone.
                None => std::fs::create_dir(&place).unwrap(),
            }
            let (figures, errors) = read(container(&mut tree(host.path(), EVERYTHING, 9)));
            // A kernel that does not count OOM kills has the file without the line, and a device need not have figures.
            if !(class == ErrorClass::Parse
                && matches!(file, "memory.events" | "io.stat")
                && errors.is_empty())
            {
                assert_eq!(errors, [(class, file.to_owned())]);
            }
            let lost = |is: bool, name: &str| assert!(is || file.starts_with(name), "{file}: {figures:?}");
            lost(figures.cpu == whole.cpu, "cpu.stat");
            lost(figures.memory == whole.memory, "memory.");
            lost(
                figures.pressure == whole.pressure,
                file.strip_suffix("pressure").map_or("none", |name| name),
            );
            lost(figures.oom_kills == whole.oom_kills, "memory.events");
            lost(figures.pids == whole.pids, "pids.");
            lost(figures.io == whole.io, "io.stat");
            lost(figures.swap == whole.swap, "memory.swap.current");
            assert_ne!(figures, whole, "{file} was read");
        }
    }
}

#[test]
fn a_limit_that_cannot_be_read_leaves_the_usage() {
    let (host, fixture, path) = host(Kernel::V2);
    fixture.file("", &path, "memory.max", "many\n");
    let (figures, errors) = read(container(&mut tree(host.path(), Wanted::default(), 9)));
    assert_eq!(figures.memory, Some(Memory { limit: None, ..memory() }));
    assert_eq!(errors, [(ErrorClass::Parse, "memory.max".to_owned())]);
}

#[test]
fn pressure_that_the_kernel_does_not_tell_is_no_failure_and_a_controller_that_is_off_is_one_ever_more_rarely()
{
    let (host, fixture, path) = host(Kernel::V2);
    let wanted = Wanted { pressure: true, swap: true, ..Wanted::default() };
    let mut tree = tree(host.path(), wanted, 100);
    let failed_at: Vec<u32> = (1..=200)
        .filter(|_| {
            let (figures, errors) = read(container(&mut tree));
            assert_eq!((figures.pressure, figures.swap, figures.memory), (None, None, Some(memory())));
            assert!(
                errors.iter().all(|error| *error == (ErrorClass::NotFound, "memory.swap.current".to_owned()))
            );
            !errors.is_empty()
        })
        .collect();
    assert_eq!(failed_at, [1, 2, 5, 12, 27, 58, 121, 184]);
    more_v2(&fixture, &path);
    let figures: Vec<Figures> = (0..63).map(|_| read(container(&mut tree)).0).collect();
    assert!(figures.last().unwrap().swap.is_some(), "it is used once it is there");
}

#[test]
fn a_cgroup_that_is_gone_is_absent_without_a_report_and_the_next_refresh_finds_it_out() {
    for kernel in [Kernel::V1, Kernel::V2] {
        let (host, fixture, path) = host(kernel);
        let mut tree = tree(host.path(), EVERYTHING, 0);
        fixture.remove(&path);
        assert_eq!(read(container(&mut tree)), (Figures::default(), vec![]));
        assert!(tree.refresh(&mut Vec::new(), &mut |error| panic!("{error}")));
        assert!(tree.pods_mut()[0].containers.is_empty());
    }
}

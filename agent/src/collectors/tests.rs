//! What holds for every file of every collector: whatever is in its place, the read is counted under the right
//! class, no point is wrong, the rest of the tree is reported, and the next good read mends it.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::testing::{collect, collect_at, fixture, lines, setup_all, write};
use super::*;

type Build = fn(&Setup) -> Box<dyn Collector>;

/// Each collector, the fixture that it is shown, and the files that it reads there.
const SOURCES: &[(Build, &str, &[&str])] = &[
    (|setup| Box::new(cpu::Cpu::new(setup)), "host/big", &["proc/stat", "proc/cpuinfo"]),
    (|setup| Box::new(disk::Disk::new(setup, disk::Settings::default())), "host/big", &["proc/diskstats"]),
    (
        |setup| Box::new(filesystem::Filesystem::new(setup, filesystem::Settings::default())),
        "mounts",
        &["proc/1/mountinfo"],
    ),
    (
        |setup| Box::new(load::Load::new(setup, load::Settings { cpu_average: true })),
        "host/big",
        &["proc/loadavg", "sys/devices/system/cpu/online"],
    ),
    (|setup| Box::new(memory::Memory::new(setup)), "host/big", &["proc/meminfo"]),
    (
        |setup| Box::new(network::Network::new(setup, network::Settings::default())),
        "host/big",
        &[
            "proc/1/net/dev",
            "proc/sys/net/netfilter/nf_conntrack_count",
            "proc/sys/net/netfilter/nf_conntrack_max",
        ],
    ),
    (|setup| Box::new(nfs::Nfs::new(setup)), "nfs", &["proc/net/rpc/nfs", "proc/net/rpc/nfsd"]),
    (|setup| Box::new(paging::Paging::new(setup)), "host/big", &["proc/vmstat", "proc/swaps"]),
    (
        |setup| Box::new(process::Process::new(setup, process::Settings::default())),
        "process",
        &["proc/meminfo", "proc/1/statm", "proc/1/io"],
    ),
    (|setup| Box::new(processes::Processes::new(setup)), "process", &["proc/stat"]),
    (|setup| Box::new(system::System::new(setup)), "host/big", &["proc/uptime"]),
];

/// A writable copy of a fixture; `mounts` is one of a filesystem that really is there.
fn tree(name: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    if name == "mounts" {
        write(root.path(), "proc/1/mountinfo", "1 0 8:1 / / rw - ext4 /dev/a rw\n");
    } else {
        copy(&fixture(name), root.path());
    }
    root
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (kind, target) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target);
        } else if kind.is_symlink() {
            symlink(std::fs::read_link(entry.path()).unwrap(), target).unwrap();
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A file that nobody may read, not even root: the kernel's own switches check their mode for root too.
fn unreadable() -> PathBuf {
    let switches =
        ["/proc/sys/net/ipv4/route/flush", "/proc/sys/vm/compact_memory", "/proc/sys/vm/drop_caches"];
    let refuses = |path: &&str| {
        std::fs::File::open(path).is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    };
    switches.into_iter().find(refuses).expect("a file that may only be written").into()
}

/// The points of the last scrape. Resources are left out: what a process is called may be missing.
fn points(collector: &dyn Collector) -> Vec<String> {
    lines(collector).into_iter().filter(|line| !line.starts_with("resource ")).collect()
}

/// Scrapes each collector with `spoil(path, content)` done to each of its files, and again after its repair.
/// `classes` are those of which the failure must be one; a file of `harmless` may also give every point.
fn assert_spoiled_files_are_counted(classes: &[ErrorClass], harmless: &[&str], spoil: impl Fn(&Path, &[u8])) {
    for (build, name, files) in SOURCES {
        for file in *files {
            let root = tree(name);
            let setup = setup_all(root.path());
            let mut good = build(&setup);
            assert_eq!(collect(&mut *good, 2000).total(), 0);
            let good = points(&*good);
            let path = root.path().join(file);
            let content = std::fs::read(&path).unwrap();
            let mut collector = build(&setup);
            spoil(&path, &content);

            let failures = collect(&mut *collector, 2000);
            let spoiled = points(&*collector);
            if harmless.contains(file) && spoiled == good {
                continue;
            }
            let counted: u64 = classes.iter().map(|class| failures.count(*class)).sum();
            assert!(counted > 0, "{file}: {failures:?}");
            assert_eq!(counted, failures.total(), "{file}: {failures:?}");
            for point in &spoiled {
                assert!(good.contains(point), "{file}: {point} is not in a good scrape");
            }
            assert!(spoiled.len() < good.len(), "{file} gives nothing");

            if path.is_dir() {
                std::fs::remove_dir(&path).unwrap();
            } else if path.is_symlink() {
                std::fs::remove_file(&path).unwrap();
            }
            std::fs::write(&path, &content).unwrap();
            assert_eq!(collect(&mut *collector, 2010).total(), 0, "{file} was mended");
            assert!(points(&*collector).len() >= good.len(), "{file} was mended");
        }
    }
}

#[test]
fn a_missing_file_is_not_found() {
    assert_spoiled_files_are_counted(&[ErrorClass::NotFound], &[], |path, _| {
        std::fs::remove_file(path).unwrap();
    });
}

#[test]
fn a_file_that_may_not_be_read_is_a_matter_of_permission_for_root_and_others_alike() {
    let unreadable = unreadable();
    assert_spoiled_files_are_counted(&[ErrorClass::Permission], &[], |path, _| {
        std::fs::remove_file(path).unwrap();
        symlink(&unreadable, path).unwrap();
    });
}

#[test]
fn a_file_that_answers_with_an_error_is_io() {
    assert_spoiled_files_are_counted(&[ErrorClass::Io], &[], |path, _| {
        std::fs::remove_file(path).unwrap();
        std::fs::create_dir(path).unwrap();
    });
}

#[test]
fn binary_content_is_malformed() {
    let bytes: Vec<u8> = (0..=255).cycle().take(3000).collect();
    assert_spoiled_files_are_counted(&[ErrorClass::Parse], &[], |path, _| {
        std::fs::write(path, &bytes).unwrap();
    });
}

#[test]
fn a_line_of_ten_megabytes_is_refused_or_malformed() {
    let line = [vec![b'7'; 10 << 20], vec![b'\n']].concat();
    let classes = [ErrorClass::Refused, ErrorClass::Parse];
    assert_spoiled_files_are_counted(&classes, &[], |path, _| std::fs::write(path, &line).unwrap());
}

#[test]
fn a_file_that_is_cut_off_anywhere_within_a_line_is_malformed_and_no_number_of_it_is_halved() {
    for share in [1, 3, 5, 7, 9] {
        // The lines of interest are the first ones of `io`.
        assert_spoiled_files_are_counted(&[ErrorClass::Parse], &["proc/1/io"], |path, content| {
            // Towards the end, so that whole lines are in front where there are any.
            let mut end = content.len() * share / 10;
            while end == 0 || content[end - 1] == b'\n' {
                end += 1;
            }
            let end = if share == 9 { content.len() - 2 } else { end };
            std::fs::write(path, &content[..end]).unwrap();
        });
    }
}

#[test]
fn a_wall_clock_that_steps_gives_no_negative_share_and_no_start_after_its_point() {
    for (build, name, _) in SOURCES {
        let root = tree(name);
        let mut collector = build(&setup_all(root.path()));
        let boot = testing::BOOT_TIME_S;
        // Forward by a day, back to before the boot, and on: the monotonic clock goes on as ever.
        for (monotonic_s, wall_s) in [(10, boot + 10), (20, boot + 86_400), (30, boot - 50), (40, boot + 40)]
        {
            assert_eq!(collect_at(&mut *collector, wall_s, monotonic_s).total(), 0);
            collector.segments(&mut |segment| assert_times(segment, wall_s * 1_000_000_000));
            for line in lines(&*collector) {
                let value = line.split(" since ").next().unwrap().rsplit(' ').next().unwrap();
                assert!(!line.contains("utilization") || !value.starts_with('-'), "{wall_s}: {line}");
            }
        }
    }
}

/// Every point has the time `wall_ns` and a start that is not after it.
fn assert_times(segment: &Segment, wall_ns: u64) {
    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;
    use prost::Message as _;

    let request = ExportMetricsServiceRequest::decode(&*segment.encoded()).unwrap();
    let scopes = request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
    for metric in scopes.flat_map(|scope| scope.metrics) {
        let points = match metric.data.unwrap() {
            Data::Gauge(gauge) => gauge.data_points,
            Data::Sum(sum) => sum.data_points,
            other => panic!("{other:?}"),
        };
        for point in points {
            assert_eq!(point.time_unix_nano, wall_ns, "{}", metric.name);
            assert!(point.start_time_unix_nano <= wall_ns, "{}", metric.name);
        }
    }
}

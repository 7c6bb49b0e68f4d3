use std::path::PathBuf;

use super::statfs::tests::Machine;
use super::*;
use crate::catalog::Enabled;
use crate::collectors::testing::{assert_golden, collect, fixture, lines, setup_all};
use crate::error::ErrorClass;
use crate::filter::{MatchType, Matcher};

/// A collector of the host below `root` whose statfs always answers the same, but hangs below `/dead`.
fn collector(root: impl Into<PathBuf>, settings: Settings) -> (Filesystem, Arc<Machine>) {
    let machine = Arc::new(Machine::default());
    (Filesystem::with_pool(&setup_all(root), settings, machine.pool()), machine)
}

fn host(mountinfo: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("proc/1")).unwrap();
    std::fs::write(root.path().join("proc/1/mountinfo"), mountinfo).unwrap();
    root
}

/// The mount points of the last scrape.
fn points(collector: &Filesystem) -> Vec<String> {
    let point = |line: &String| Some(line.split_once("mountpoint=\"")?.1.split('"').next()?.to_owned());
    let mut points: Vec<_> = lines(collector).iter().filter_map(point).collect();
    points.sort();
    points.dedup();
    points
}

fn strict(name: &str) -> Matcher {
    Matcher::new(MatchType::Strict, &[name.to_owned()]).unwrap()
}

#[test]
fn mounts_with_a_device_are_reported_as_the_host_sees_them() {
    let (mut collector, _) = collector(fixture("filesystem"), Settings::default());
    assert_eq!(collect(&mut collector, 10).total(), 0);
    assert_golden("filesystem/expected.txt", &lines(&collector));
}

#[test]
fn virtual_filesystems_and_bind_mounts_are_reported_on_demand_and_each_once() {
    let settings = Settings { include_virtual: true, ..Settings::default() };
    let (mut collector, _) = collector(fixture("filesystem"), settings);
    assert_eq!(collect(&mut collector, 10).total(), 0);
    assert_golden("filesystem/expected_virtual.txt", &lines(&collector));
}

#[test]
fn filters_see_the_device_type_and_mount_point_that_are_reported() {
    let cases = [
        (Filter { exclude: Some(strict("/dev/vda1")), include: None }, Filter::default(), Filter::default()),
        (Filter::default(), Filter { exclude: Some(strict("ext4")), include: None }, Filter::default()),
        (
            Filter::default(),
            Filter::default(),
            Filter { include: Some(strict("/mnt/with space\tand\\")), exclude: None },
        ),
    ];
    let expected = [
        &["/mnt/with space\\tand\\\\", "/var", "/var/again"][..],
        &["/mnt/with space\\tand\\\\"],
        &["/mnt/with space\\tand\\\\"],
    ];
    for ((devices, fs_types, mount_points), expected) in cases.into_iter().zip(expected) {
        let settings = Settings { devices, fs_types, mount_points, ..Settings::default() };
        let (mut collector, _) = collector(fixture("filesystem"), settings);
        collect(&mut collector, 10);
        assert_eq!(points(&collector), expected);
    }
}

#[test]
fn a_filesystem_that_hangs_is_a_timeout_and_the_others_are_reported() {
    let root = host("1 0 8:1 / /dead rw - nfs4 /dev/x rw\n2 0 8:2 / / rw - ext4 /dev/y rw\n");
    let (mut collector, machine) = collector(root.path(), Settings::default());
    machine.pass_limit_after(1, 1);
    let failures = collect(&mut collector, 10);
    machine.stop_clock();
    assert_eq!((failures.count(ErrorClass::Timeout), failures.total()), (1, 1));
    assert_eq!(points(&collector), ["/"]);
    // The clock stands still now: a scrape that waited for the dead mount would never end.
    assert_eq!(collect(&mut collector, 20).count(ErrorClass::Timeout), 1);
    assert_eq!(points(&collector), ["/"]);
    machine.release(&collector.pool);
}

#[test]
fn mounts_that_come_and_go_are_reported_while_they_are_there() {
    let root = host("1 0 8:1 / / rw - ext4 /dev/a rw\n");
    let (mut collector, _) = collector(root.path(), Settings::default());
    collect(&mut collector, 10);
    assert_eq!(points(&collector), ["/"]);
    let both = "1 0 8:1 / / rw - ext4 /dev/a rw\n2 0 8:2 / /b ro - ext4 /dev/b ro\n";
    std::fs::write(root.path().join("proc/1/mountinfo"), both).unwrap();
    collect(&mut collector, 20);
    assert_eq!(points(&collector), ["/", "/b"]);
    std::fs::write(root.path().join("proc/1/mountinfo"), "2 0 8:2 / /b ro - ext4 /dev/b ro\n").unwrap();
    collect(&mut collector, 30);
    assert_eq!(points(&collector), ["/b"]);
}

#[test]
fn the_series_of_a_mount_that_went_away_are_used_again() {
    let root = host("");
    let (mut collector, _) = collector(root.path(), Settings::default());
    let mut ids_of = |number: u32| {
        let line = format!("1 0 8:1 / /m{number} rw - ext4 /dev/a rw\n");
        std::fs::write(root.path().join("proc/1/mountinfo"), line).unwrap();
        collect(&mut collector, 10);
        let ids = collector.mounted[0].ids;
        let mut ids: Vec<_> =
            ids.usage.into_iter().flatten().chain(ids.inodes.into_iter().flatten()).collect();
        ids.extend(collector.mounted[0].ids.utilization);
        ids.into_iter().map(SeriesId::place).collect::<HashSet<_>>()
    };
    let (first, _, third) = (ids_of(1), ids_of(2), ids_of(3));
    assert_eq!(first, third, "churning mounts do not grow the segment");
}

#[test]
fn the_mounts_of_the_first_process_go_before_the_agents_own() {
    let root = host("1 0 8:1 / /host rw - ext4 /dev/a rw\n");
    std::fs::create_dir(root.path().join("proc/self")).unwrap();
    let own = root.path().join("proc/self/mountinfo");
    std::fs::write(own, "1 0 8:1 / /own rw - ext4 /dev/a rw\n").unwrap();
    let (mut first, _) = collector(root.path(), Settings::default());
    collect(&mut first, 10);
    assert_eq!(points(&first), ["/host"]);
    std::fs::remove_file(root.path().join("proc/1/mountinfo")).unwrap();
    let (mut second, _) = collector(root.path(), Settings::default());
    assert_eq!(collect(&mut second, 10).total(), 0);
    assert_eq!(points(&second), ["/own"]);
}

#[test]
fn without_any_mountinfo_the_older_file_and_the_known_types_serve() {
    let root = host("");
    std::fs::remove_file(root.path().join("proc/1/mountinfo")).unwrap();
    std::fs::write(root.path().join("proc/1/mounts"), "/dev/a / ext4 rw 0 0\nproc /proc proc rw 0 0\n")
        .unwrap();
    let (mut collector, _) = collector(root.path(), Settings::default());
    assert_eq!(collect(&mut collector, 10).count(ErrorClass::NotFound), 1, "the types are not known");
    assert!(lines(&collector).is_empty());
    std::fs::write(root.path().join("proc/filesystems"), "nodev\tproc\n\text4\n").unwrap();
    assert_eq!(collect(&mut collector, 20).total(), 0);
    assert_eq!(points(&collector), ["/"]);
}

#[test]
fn unreadable_and_malformed_mounts_report_nothing_and_are_counted() {
    let root = tempfile::tempdir().unwrap();
    let (mut missing, _) = collector(root.path(), Settings::default());
    assert_eq!(collect(&mut missing, 10).count(ErrorClass::NotFound), 1);
    let root = host("1 0 8:1 / / rw - ext4 /dev/a rw\nnonsense\n");
    let (mut malformed, _) = collector(root.path(), Settings::default());
    assert_eq!(collect(&mut malformed, 10).count(ErrorClass::Parse), 1);
    assert!(lines(&malformed).is_empty());
}

#[test]
fn a_mount_that_statfs_refuses_is_counted_by_its_class() {
    let root = host("1 0 8:1 / /gone rw - ext4 /dev/a rw\n");
    let mut collector = Filesystem::new(&setup_all(root.path()), Settings::default());
    assert_eq!(collect(&mut collector, 10).count(ErrorClass::NotFound), 1);
    assert!(lines(&collector).is_empty());
}

#[test]
fn mounts_above_the_bound_are_counted_one_by_one() {
    let line = |number| format!("1 0 8:{number} / /m{number} rw - ext4 /dev/d{number} rw\n");
    let mountinfo = (0..MAX_MOUNTS + 2).map(line).collect::<Vec<_>>().concat();
    let root = host(&mountinfo);
    let (mut collector, _) = collector(root.path(), Settings::default());
    let failures = collect(&mut collector, 10);
    assert_eq!((failures.count(ErrorClass::Refused), failures.total()), (2, 2));
    assert_eq!(collector.mounted.len(), MAX_MOUNTS);
}

#[test]
fn with_every_row_off_nothing_is_read_or_asked() {
    let mut setup = setup_all("/nonexistent");
    setup.enabled = Enabled::new(crate::catalog::metrics().map(|metric| (metric.name, false)));
    let mut collector = Filesystem::new(&setup, Settings::default());
    assert_eq!(collect(&mut collector, 10).total(), 0);
}

#[test]
fn a_mount_that_disappears_between_the_list_and_the_question_is_not_found_and_the_others_stay() {
    let root = host("1 0 8:1 / / rw - ext4 /dev/a rw\n2 0 8:2 / /gone rw - ext4 /dev/b rw\n");
    std::fs::create_dir(root.path().join("gone")).unwrap();
    // The real call, for directories that really are there, and then not.
    let mut collector = Filesystem::new(&setup_all(root.path()), Settings::default());
    assert_eq!(collect(&mut collector, 10).total(), 0);
    assert_eq!(points(&collector), ["/", "/gone"]);
    std::fs::remove_dir(root.path().join("gone")).unwrap();
    let failures = collect(&mut collector, 20);
    assert_eq!((failures.count(ErrorClass::NotFound), failures.total()), (1, 1));
    assert_eq!(points(&collector), ["/"]);
}

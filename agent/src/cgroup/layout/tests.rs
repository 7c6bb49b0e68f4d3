use super::*;

fn machine(folders: &[&str]) -> tempfile::TempDir {
    let base = tempfile::tempdir().unwrap();
    for folder in folders {
        std::fs::create_dir(base.path().join(folder)).unwrap();
    }
    base
}

/// Where `file` is, relative to the base.
fn place(layout: &Layout, base: &Path, file: File) -> Option<String> {
    let (hierarchy, name) = layout.locate(file, false)?;
    Some(hierarchy.path.join(name).strip_prefix(base).unwrap().to_str().unwrap().to_owned())
}

#[test]
fn shared_mount_points_are_found_in_any_order_of_their_controllers_and_single_names_first() {
    for shared in ["cpu,cpuacct", "cpuacct,cpu"] {
        let base = machine(&["memory", shared, "net_cls,net_prio", "pids", "blkio", "systemd", "unified"]);
        let layout = Layout::detect(base.path()).unwrap();
        assert_eq!(layout.version, Version::V1);
        let usage = place(&layout, base.path(), File::CpuUsage);
        assert_eq!(usage, Some(format!("{shared}/cpuacct.usage")));
        assert_eq!(place(&layout, base.path(), File::Throttling), Some(format!("{shared}/cpu.stat")));
        std::os::unix::fs::symlink(shared, base.path().join("cpuacct")).unwrap();
        let layout = Layout::detect(base.path()).unwrap();
        let usage = place(&layout, base.path(), File::CpuUsage);
        assert_eq!(usage.as_deref(), Some("cpuacct/cpuacct.usage"), "through the link");
    }
}

#[test]
fn a_hybrid_machine_is_v1_and_only_a_top_with_controllers_is_v2() {
    let base = machine(&["memory", "cpuacct", "unified"]);
    std::fs::write(base.path().join("unified/cgroup.controllers"), "\n").unwrap();
    assert_eq!(Layout::detect(base.path()).unwrap().version, Version::V1);
    std::fs::write(base.path().join("cgroup.controllers"), "cpu memory\n").unwrap();
    let layout = Layout::detect(base.path()).unwrap();
    assert_eq!(layout.version, Version::V2);
    assert_eq!(place(&layout, base.path(), File::Swap).as_deref(), Some("memory.swap.current"));
}

#[test]
fn hierarchies_that_a_wanted_figure_needs_and_that_are_not_there_are_told() {
    let base = machine(&["cpuacct", "cpu"]);
    let layout = Layout::detect(base.path()).unwrap();
    let names = |wanted| -> Vec<String> {
        let absent = layout.absent(base.path(), wanted);
        absent.iter().map(|error| error.to_string().rsplit('/').next().unwrap().to_owned()).collect()
    };
    assert_eq!(names(Wanted::default()), ["memory: No such file or directory (os error 2)"]);
    assert_eq!(names(Wanted { pids: true, io: true, throttling: true, ..Wanted::default() }).len(), 3);
    assert!(
        layout.lead().path.ends_with("cpuacct"),
        "without memory the next one tells which cgroups there are"
    );
}

#[test]
fn a_machine_without_cgroups_is_an_error_that_says_so() {
    let base = machine(&["systemd"]);
    let error = Layout::detect(base.path()).unwrap_err();
    assert_eq!(error.class(), crate::error::ErrorClass::NotFound);
    let error = Layout::detect(&base.path().join("nothing")).unwrap_err();
    assert_eq!(error.class(), crate::error::ErrorClass::NotFound);
}

#[test]
fn the_root_of_v2_is_not_asked_for_files_that_it_never_has() {
    for file in
        [File::MemoryUsage, File::MemoryLimit, File::OomKills, File::Pids, File::PidsLimit, File::Swap]
    {
        assert!(name_v2(file, false).is_some() && name_v2(file, true).is_none(), "{file:?}");
    }
    for file in [File::MemoryLimit, File::Pids, File::PidsLimit] {
        assert!(name_v1(file, false).is_some() && name_v1(file, true).is_none(), "{file:?}");
    }
}

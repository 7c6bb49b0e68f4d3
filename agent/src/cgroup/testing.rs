//! Cgroup trees made of ordinary folders, for tests: as a kubelet, its driver and a runtime would make them.
//!
//! Container IDs are hexadecimal, 32 to 64 digits: other folders are no containers.
//!
//! It needs the standard library only, so that tests outside this crate can take the file in as a module.

use std::fs;
use std::path::{Path, PathBuf};

/// A class without a folder of its own.
pub(crate) const GUARANTEED: &str = "";
/// The class of pods with some requests.
pub(crate) const BURSTABLE: &str = "burstable";
/// The class of pods without requests.
pub(crate) const BEST_EFFORT: &str = "besteffort";

/// Which hierarchies the machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kernel {
    /// A hierarchy for each controller.
    V1,
    /// The same with `cpu,cpuacct` shared, links for the single names, and `unified` next to them.
    Hybrid,
    /// One hierarchy.
    V2,
}

/// Who makes the cgroups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    /// The kubelet and the runtime: `kubepods/burstable/pod<uid>/<id>`.
    Cgroupfs,
    /// systemd: slices and scopes.
    Systemd,
}

/// What the files of a cgroup say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Nanoseconds.
    pub(crate) cpu_ns: u64,
    /// Bytes.
    pub(crate) usage: u64,
    /// Bytes.
    pub(crate) inactive_file: u64,
    /// Bytes.
    pub(crate) rss: u64,
    /// Page faults.
    pub(crate) faults: u64,
    /// Major page faults.
    pub(crate) major_faults: u64,
    /// Bytes; none without.
    pub(crate) limit: Option<u64>,
}

/// One that is like no other: figures that a test can tell apart.
pub(crate) const SAMPLE: Sample = Sample {
    cpu_ns: 5_000_000_000,
    usage: 40_000_000,
    inactive_file: 15_000_000,
    rss: 20_000_000,
    faults: 700,
    major_faults: 7,
    limit: Some(64_000_000),
};

/// A host's `sys/fs/cgroup` and `proc/meminfo`.
#[derive(Debug)]
pub(crate) struct Fixture {
    base: PathBuf,
    kernel: Kernel,
    driver: Driver,
    runtime: &'static str,
    prefix: &'static str,
}

impl Fixture {
    /// Below the host root `host`, with the root of all pods, the folders of the classes, and the node's own
    /// figures ([`SAMPLE`], in a machine of 8 GiB). The runtime is containerd.
    pub(crate) fn new(host: &Path, kernel: Kernel, driver: Driver) -> Self {
        Self::nested(host, kernel, driver, "")
    }

    /// The same for a kubelet whose cgroups are below `prefix`, a single name such as `kubelet`.
    pub(crate) fn nested(host: &Path, kernel: Kernel, driver: Driver, prefix: &'static str) -> Self {
        let fixture = Self::bare(host, kernel, driver, prefix);
        for class in [GUARANTEED, BURSTABLE, BEST_EFFORT] {
            fixture.make(&fixture.class(class));
        }
        fixture
    }

    /// The machine before a kubelet has run.
    pub(crate) fn bare(host: &Path, kernel: Kernel, driver: Driver, prefix: &'static str) -> Self {
        let base = host.join("sys/fs/cgroup");
        let runtime = if driver == Driver::Systemd { "cri-containerd" } else { "" };
        let fixture = Self { base, kernel, driver, runtime, prefix };
        let base = &fixture.base;
        for hierarchy in fixture.hierarchies() {
            fs::create_dir_all(base.join(hierarchy)).unwrap();
        }
        match kernel {
            Kernel::V1 => {}
            Kernel::V2 => fs::write(base.join("cgroup.controllers"), "cpu io memory pids\n").unwrap(),
            Kernel::Hybrid => {
                fs::create_dir_all(base.join("unified")).unwrap();
                fs::write(base.join("unified/cgroup.controllers"), "\n").unwrap();
                for name in ["cpu", "cpuacct"] {
                    // A second tree in the same folder finds the link there.
                    let _there_already = std::os::unix::fs::symlink("cpuacct,cpu", base.join(name));
                }
            }
        }
        fs::create_dir_all(host.join("proc")).unwrap();
        let meminfo = "MemTotal:        8388608 kB\nSwapTotal:       2048 kB\nSwapFree:        1024 kB\n";
        fs::write(host.join("proc/meminfo"), meminfo).unwrap();
        fixture.figures("", &SAMPLE);
        fixture
    }

    /// With another runtime: `crio`, `docker`, or none (plain IDs).
    pub(crate) fn with_runtime(self, runtime: &'static str) -> Self {
        Self { runtime, ..self }
    }

    fn hierarchies(&self) -> &'static [&'static str] {
        match self.kernel {
            Kernel::V1 => &["memory", "cpuacct", "cpu", "pids", "blkio"],
            Kernel::Hybrid => &["memory", "cpuacct,cpu", "pids", "blkio"],
            Kernel::V2 => &[""],
        }
    }

    /// The path of a class's folder below a hierarchy.
    pub(crate) fn class(&self, class: &str) -> String {
        let (prefix, dash) = (self.prefix, if self.prefix.is_empty() { "" } else { "-" });
        let of_root = match self.driver {
            Driver::Cgroupfs if prefix.is_empty() => "kubepods".to_owned(),
            Driver::Cgroupfs => format!("{prefix}/kubepods"),
            Driver::Systemd if prefix.is_empty() => "kubepods.slice".to_owned(),
            Driver::Systemd => format!("{prefix}.slice/{prefix}-kubepods.slice"),
        };
        match (self.driver, class) {
            (_, GUARANTEED) => of_root,
            (Driver::Cgroupfs, class) => format!("{of_root}/{class}"),
            (Driver::Systemd, class) => format!("{of_root}/{prefix}{dash}kubepods-{class}.slice"),
        }
    }

    /// The path of a pod's cgroup below a hierarchy.
    pub(crate) fn pod(&self, class: &str, uid: &str) -> String {
        let folder = self.class(class);
        match self.driver {
            Driver::Cgroupfs => format!("{folder}/pod{uid}"),
            Driver::Systemd => {
                let stem = folder.rsplit('/').next().unwrap().trim_end_matches(".slice");
                format!("{folder}/{stem}-pod{}.slice", uid.replace('-', "_"))
            }
        }
    }

    /// The path of a container's cgroup below a hierarchy.
    pub(crate) fn container(&self, class: &str, uid: &str, id: &str) -> String {
        let pod = self.pod(class, uid);
        let (runtime, dash) = (self.runtime, if self.runtime.is_empty() { "" } else { "-" });
        let scope = if self.driver == Driver::Systemd && !runtime.is_empty() { ".scope" } else { "" };
        format!("{pod}/{runtime}{dash}{id}{scope}")
    }

    /// Makes a pod with [`SAMPLE`] in its files.
    pub(crate) fn add_pod(&self, class: &str, uid: &str) {
        self.make(&self.pod(class, uid));
        self.figures(&self.pod(class, uid), &SAMPLE);
    }

    /// Makes a container, and its pod where there is none.
    pub(crate) fn add_container(&self, class: &str, uid: &str, id: &str) {
        if !self.folder(self.hierarchies()[0], &self.pod(class, uid)).exists() {
            self.add_pod(class, uid);
        }
        self.make(&self.container(class, uid, id));
        self.figures(&self.container(class, uid, id), &SAMPLE);
    }

    /// Makes the cgroup at `path` without files.
    pub(crate) fn make(&self, path: &str) {
        for hierarchy in self.hierarchies() {
            fs::create_dir_all(self.folder(hierarchy, path)).unwrap();
        }
    }

    /// Removes the cgroup at `path`, and what is below.
    pub(crate) fn remove(&self, path: &str) {
        for hierarchy in self.hierarchies() {
            fs::remove_dir_all(self.folder(hierarchy, path)).unwrap();
        }
    }

    /// The folder of a cgroup in a hierarchy, which is empty on v2.
    pub(crate) fn folder(&self, hierarchy: &str, path: &str) -> PathBuf {
        self.base.join(hierarchy).join(path)
    }

    /// Writes the files that are read by default into the cgroup at `path`, empty for the node's.
    pub(crate) fn figures(&self, path: &str, sample: &Sample) {
        let Sample { cpu_ns, usage, inactive_file, rss, faults, major_faults, limit } = *sample;
        let file = usage.saturating_sub(rss);
        if self.kernel == Kernel::V2 {
            self.file("", path, "cpu.stat", &format!("usage_usec {}\nuser_usec 1\n", cpu_ns / 1000));
            let stat = format!(
                "anon {rss}\nfile {file}\nkernel 5\ninactive_anon 3\ninactive_file {inactive_file}\n\
                 pgfault {faults}\npgmajfault {major_faults}\n"
            );
            self.file("", path, "memory.stat", &stat);
            if !path.is_empty() {
                let limit = limit.map_or_else(|| "max".to_owned(), |limit| limit.to_string());
                self.file("", path, "memory.current", &format!("{usage}\n"));
                self.file("", path, "memory.max", &format!("{limit}\n"));
            }
            return;
        }
        let cpuacct = if self.kernel == Kernel::Hybrid { "cpuacct,cpu" } else { "cpuacct" };
        self.file(cpuacct, path, "cpuacct.usage", &format!("{cpu_ns}\n"));
        let stat = format!(
            "cache 1\nrss 2\npgfault {faults}\npgmajfault {major_faults}\ninactive_file 3\n\
             hierarchical_memory_limit 4\ntotal_cache {file}\ntotal_rss {rss}\ntotal_swap 5\ntotal_pgfault 6\n\
             total_pgmajfault 7\ntotal_inactive_file {inactive_file}\n"
        );
        self.file("memory", path, "memory.stat", &stat);
        self.file("memory", path, "memory.usage_in_bytes", &format!("{usage}\n"));
        let limit = limit.unwrap_or(9_223_372_036_854_771_712);
        self.file("memory", path, "memory.limit_in_bytes", &format!("{limit}\n"));
    }

    /// Writes one file of the cgroup at `path`.
    pub(crate) fn file(&self, hierarchy: &str, path: &str, name: &str, content: &str) {
        fs::write(self.folder(hierarchy, path).join(name), content).unwrap();
    }
}

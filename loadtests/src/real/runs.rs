//! What belongs to which run, so that nothing of a living run is ever touched.
//!
//! Each run holds a lock on `<cache>/runs/<id>` for as long as it or its janitor lives. Things that outlive
//! processes (cgroups, temporary folders) carry the id in their name. They are removed only if this cache
//! knows the run and its lock is free.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};

use super::cache;

/// What the cgroups of every run begin with.
pub(super) const CGROUP_PREFIX: &str = "tare-real-";

/// A run of the runner.
#[derive(Debug)]
pub(super) struct Run {
    id: String,
    record: PathBuf,
    _lock: File,
}

impl Run {
    /// Begins a run: takes an id and its lock.
    ///
    /// # Errors
    /// When the cache folder cannot be written.
    pub(super) fn begin(cache: &Path) -> anyhow::Result<Self> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let id = format!("{}-{:x}", std::process::id(), now.as_nanos());
        let runs = cache.join("runs");
        fs::create_dir_all(&runs).with_context(|| format!("creating {}", runs.display()))?;
        let record = runs.join(&id);
        // Locked before it has its name, so that no other runner takes it for a dead run's.
        let unnamed = runs.join(format!(".{id}"));
        let lock = File::create(&unnamed)?;
        // Shared, so that the janitor can hold it too.
        flock(&lock, FlockOperation::LockShared)?;
        fs::rename(&unnamed, &record)?;
        Ok(Self { id, record, _lock: lock })
    }

    /// The janitor's own hold on the run `id`.
    ///
    /// # Errors
    /// When the record is gone.
    pub(super) fn join(cache: &Path, id: &str) -> anyhow::Result<Self> {
        let record = cache.join("runs").join(id);
        let lock = File::open(&record).with_context(|| format!("no run {id}"))?;
        flock(&lock, FlockOperation::LockShared)?;
        Ok(Self { id: id.to_owned(), record, _lock: lock })
    }

    /// The name that everything of this run carries.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Removes the cgroups of the check with this scratch folder, which has ended: agents of later checks would take what
    /// its kubelet left for pods of their node. Gives what could not be removed.
    pub(super) fn end_check(&self, folder: &str) -> Vec<String> {
        remove_cgroups(&Path::new(&format!("{CGROUP_PREFIX}{}", self.id)).join(folder))
    }

    /// Removes what the run left and, if that worked, its record.
    pub(super) fn end(&self, cache: &Path) -> Vec<String> {
        let left = sweep(cache, &self.id);
        if left.is_empty() {
            remove_record(&self.record);
        }
        left
    }
}

/// Removes what runs left whose runner and janitor are both gone. Gives what could not be removed.
pub(super) fn sweep_dead(cache: &Path) -> Vec<String> {
    let mut left = Vec::new();
    for record in fs::read_dir(cache.join("runs")).into_iter().flatten().flatten() {
        if record.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let Ok(file) = File::open(record.path()) else { continue };
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            continue;
        }
        let remains = sweep(cache, &record.file_name().to_string_lossy());
        if remains.is_empty() {
            remove_record(&record.path());
        }
        left.extend(remains);
    }
    left
}

fn remove_record(record: &Path) {
    // The runner and its janitor both end the run; the second finds the record gone.
    drop(fs::remove_file(record));
}

/// Removes the cgroups, temporary folders and scratch folder of the run `id`; gives what remains.
fn sweep(cache: &Path, id: &str) -> Vec<String> {
    let mut left = Vec::new();
    let temporary = cache::temporary_name(id, "");
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&temporary) && !remove_tree(&entry.path()) {
            left.push(entry.path().display().to_string());
        }
    }
    let scratch = cache::scratch(id);
    if !remove_tree(&scratch) {
        left.push(scratch.display().to_string());
    }
    left.extend(remove_cgroups(Path::new(&format!("{CGROUP_PREFIX}{id}"))));
    left
}

/// Removes a cgroup, and what is below, from every hierarchy; gives where it remains.
fn remove_cgroups(name: &Path) -> Vec<String> {
    let groups = hierarchies().into_iter().map(|hierarchy| hierarchy.join(name));
    let left = groups.filter(|group| !remove_cgroup(group, Instant::now() + Duration::from_secs(10)));
    left.map(|group| group.display().to_string()).collect()
}

fn remove_tree(path: &Path) -> bool {
    fs::remove_dir_all(path).is_ok() || !path.exists()
}

/// The mounted cgroup hierarchies, both versions.
pub(super) fn hierarchies() -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (point, kind) = (words.nth(1)?, words.next()?);
            matches!(kind, "cgroup" | "cgroup2").then(|| PathBuf::from(point))
        })
        .collect()
}

/// Ends what runs in `group`, which is ours by its name, and removes it with everything below.
fn remove_cgroup(group: &Path, until: Instant) -> bool {
    if !group.exists() {
        return true;
    }
    for below in fs::read_dir(group).into_iter().flatten().flatten() {
        if below.file_type().is_ok_and(|kind| kind.is_dir()) && !remove_cgroup(&below.path(), until) {
            return false;
        }
    }
    loop {
        if fs::remove_dir(group).is_ok() || !group.exists() {
            return true;
        }
        let members = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
        for pid in members.lines().filter_map(|line| line.parse().ok()).filter_map(Pid::from_raw) {
            // A process that has gone in the meantime is what we want.
            kill_process(pid, Signal::KILL).unwrap_or_default();
        }
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_living_run_made_is_left_alone_and_what_a_dead_one_left_is_removed() {
        let cache = tempfile::tempdir().unwrap();
        let run = Run::begin(cache.path()).unwrap();
        let folder = cache.path().join(cache::temporary_name(run.id(), "thing"));
        fs::create_dir_all(folder.join("below")).unwrap();
        assert!(sweep_dead(cache.path()).is_empty());
        assert!(folder.exists(), "the run lives");

        let janitor = Run::join(cache.path(), run.id()).unwrap();
        drop(run);
        sweep_dead(cache.path());
        assert!(folder.exists(), "its janitor lives");

        drop(janitor);
        sweep_dead(cache.path());
        assert!(!folder.exists());
        assert_eq!(fs::read_dir(cache.path().join("runs")).unwrap().count(), 0);
    }

    #[test]
    fn folders_of_runs_that_this_cache_does_not_know_are_left_alone() {
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().join(cache::temporary_name("foreign", "thing"));
        fs::create_dir_all(&folder).unwrap();
        sweep_dead(cache.path());
        assert!(folder.exists());
    }
}

//! The uid of a pod in the path of a cgroup. Pure.
//!
//! The kubelet names the cgroup of a pod `pod<uid>` with the cgroupfs driver and `<parents>-pod<uid>.slice` with
//! systemd's, where the dashes of the uid are underscores. What lies around that name differs: a prefix of an outer
//! machine, a path that begins at the reader's cgroup namespace (`/../../burstable/pod<uid>/<id>`), cgroups that a
//! container made for itself. So the name alone is looked for.

pub use crate::cgroup::names::Uid;
use crate::scan::lines;

#[cfg(test)]
mod tests;

/// The uid of the outermost pod in the path of a cgroup.
pub fn pod_uid_in_path(path: &[u8]) -> Option<Uid> {
    pod_uids_in_path(path).next()
}

/// The uid of every pod in the path of a cgroup, the outermost first: a container may be a node with pods of its own.
pub fn pod_uids_in_path(path: &[u8]) -> impl Iterator<Item = Uid> {
    path.split(|byte| *byte == b'/').filter_map(pod_uid_in_name)
}

/// The uid of every pod in a text of `/proc/<pid>/cgroup`: the same one in several hierarchies of cgroup v1.
pub fn pod_uids_in_text(text: &[u8]) -> impl Iterator<Item = Uid> {
    lines(text).flat_map(|line| {
        // A path may hold colons: `<hierarchy>:<controllers>:<path>`.
        let path = line.splitn(3, |byte| *byte == b':').nth(2).unwrap_or_default();
        pod_uids_in_path(path)
    })
}

/// The uid in the name of one cgroup.
fn pod_uid_in_name(name: &[u8]) -> Option<Uid> {
    if let Some(uid) = name.strip_prefix(b"pod") {
        return Uid::new(uid, false);
    }
    // A dash in the name of a slice stands between its parents: none is part of the uid.
    let last = name.strip_suffix(b".slice")?.rsplit(|byte| *byte == b'-').next()?;
    let parents = name.len() - b".slice".len() - last.len();
    let uid = last.strip_prefix(b"pod").filter(|_| parents > 0)?;
    Uid::new(uid, true)
}

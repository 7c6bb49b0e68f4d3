//! The uid of a pod in the path of a cgroup. Pure.
//!
//! The kubelet names the cgroup of a pod `pod<uid>` with the cgroupfs driver and `<parents>-pod<uid>.slice` with
//! systemd's, where the dashes of the uid are underscores. What lies around that name differs: a prefix of an outer
//! machine, a path that begins at the reader's cgroup namespace (`/../../burstable/pod<uid>/<id>`), cgroups that a
//! container made for itself. So the name alone is looked for.

use crate::scan::lines;

#[cfg(test)]
mod tests;

/// The longest uid: the API server's have 36 characters, the hash of a static pod 32, one set in a manifest any number.
const LIMIT: usize = 64;

/// The uid of a pod, with dashes, as [`crate::cgroup::Pod::uid`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uid {
    bytes: [u8; LIMIT],
    length: usize,
}

impl Uid {
    /// The uid in `name`, whose characters `plain` gives; `None` for an empty, a longer or another text.
    fn new(name: &[u8], plain: impl Fn(u8) -> Option<u8>) -> Option<Self> {
        let mut uid = Self { bytes: [0; LIMIT], length: name.len() };
        let room = uid.bytes.get_mut(..name.len()).filter(|room| !room.is_empty())?;
        for (to, from) in room.iter_mut().zip(name) {
            *to = plain(*from)?;
        }
        Some(uid)
    }

    /// The text: letters, digits and dashes.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

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
        return Uid::new(uid, |byte| is_plain(byte).then_some(byte));
    }
    // A dash in the name of a slice stands between its parents: none is part of the uid.
    let last = name.strip_suffix(b".slice")?.rsplit(|byte| *byte == b'-').next()?;
    let parents = name.len() - b".slice".len() - last.len();
    let uid = last.strip_prefix(b"pod").filter(|_| parents > 0)?;
    Uid::new(uid, |byte| match byte {
        b'_' => Some(b'-'),
        b'-' => None,
        _ => is_plain(byte).then_some(byte),
    })
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

//! The search for the roots of all pods: `kubepods` at the top, or below the prefix of a nested kubelet.

use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::listing::{Lister, MAX_PATH};
use super::names;

/// How many folders deep a root may be: a machine may have a node in a container
/// (`system.slice/docker-<id>.scope/kubelet.slice/kubelet-kubepods.slice`).
const MAX_DEPTH: usize = 4;
/// How many folders are looked into at most.
pub(super) const MAX_FOLDERS: usize = 2000;

/// Folders that are to be looked into: room that is used again at each search.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// Paths, each ended by a newline, which no path here has.
    queue: String,
    current: String,
}

impl Search {
    /// Calls `visit` with the path and inode of every root, breadth first. Answers whether all folders were looked
    /// into.
    ///
    /// # Errors
    /// The kernel's answer where the hierarchy itself cannot be listed. A folder below that cannot be is passed over.
    pub(super) fn roots(
        &mut self,
        lister: &mut Lister,
        base: &OwnedFd,
        mut visit: impl FnMut(&str, u64),
    ) -> Result<bool, Errno> {
        let Self { queue, current } = self;
        queue.clear();
        queue.push('\n');
        let (mut at, mut looked_into) = (0, 0);
        while let Some((path, _)) = queue.get(at..).and_then(|rest| rest.split_once('\n')) {
            if looked_into == MAX_FOLDERS {
                return Ok(false);
            }
            looked_into += 1;
            at += path.len() + 1;
            current.clear();
            current.push_str(path);
            let separator = if current.is_empty() { "" } else { "/" };
            let depth = 1 + current.split_terminator('/').count();
            let listed = lister.folders(base, current, |name, inode| {
                let Some(name) = printable(name) else { return };
                let start = queue.len();
                for part in [current.as_str(), separator, name] {
                    queue.push_str(part);
                }
                if names::is_root(name.as_bytes()) {
                    visit(queue.get(start..).unwrap_or_default(), inode);
                    queue.truncate(start);
                } else if depth == MAX_DEPTH || queue.len() - start > MAX_PATH / 2 {
                    queue.truncate(start);
                } else {
                    queue.push('\n');
                }
            });
            if let (Err(errno), true) = (listed, current.is_empty()) {
                return Err(errno);
            }
        }
        Ok(true)
    }
}

/// A name that can be a part of a path in the queue.
fn printable(name: &[u8]) -> Option<&str> {
    std::str::from_utf8(name).ok().filter(|name| !name.contains('\n'))
}

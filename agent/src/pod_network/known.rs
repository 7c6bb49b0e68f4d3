//! The processes that a walk met before, so that the next one reads only those that are new. Pure.
//!
//! A process is known by its id and the inode number of its directory, which `getdents` tells for nothing; where either
//! is another, it is another process. A new process may not have been moved to its cgroup yet: only what was read in two
//! walks and belonged to no pod is left alone from then on.

#[cfg(test)]
mod tests;

/// What is known of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    /// Nothing, or of a pod that nobody asked for.
    Unread,
    /// One walk found it in no pod.
    Doubtful,
    /// Two walks found it in no pod.
    Outside,
    /// It belongs to the pod of this serial number.
    Of(u32),
}

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) inode: u64,
    pub(super) pid: u32,
    pub(super) member: Member,
}

/// The processes of the last walk by their ids, at most as many as the bound allows.
#[derive(Debug)]
pub(super) struct KnownSet {
    now: Vec<Known>,
    /// Those of the walk before, while a walk lists.
    before: Vec<Known>,
    limit: usize,
    refused: u64,
}

impl KnownSet {
    /// An empty set of at most `limit` processes, each of 24 bytes twice.
    pub(super) const fn new(limit: usize) -> Self {
        Self { now: Vec::new(), before: Vec::new(), limit, refused: 0 }
    }

    /// The bound.
    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// Begins a walk's listing.
    pub(super) fn begin(&mut self) {
        std::mem::swap(&mut self.now, &mut self.before);
        self.now.clear();
        self.refused = 0;
    }

    /// A process that the listing met.
    pub(super) fn add(&mut self, pid: u32, inode: u64) {
        if self.now.len() < self.limit {
            self.now.push(Known { inode, pid, member: Member::Unread });
        } else {
            self.refused += 1;
        }
    }

    /// Ends the listing: what was known of a process is known of it again. Answers how many were beyond the bound.
    pub(super) fn finish(&mut self) -> u64 {
        // procfs lists in this order already.
        if !self.now.is_sorted_by_key(|known| known.pid) {
            self.now.sort_unstable_by_key(|known| known.pid);
        }
        let mut before = self.before.iter().peekable();
        for known in &mut self.now {
            while before.next_if(|other| other.pid < known.pid).is_some() {}
            if let Some(same) = before.next_if(|other| (other.pid, other.inode) == (known.pid, known.inode)) {
                known.member = same.member;
            }
        }
        self.refused
    }

    /// Forgets what was known: the next walk reads every process.
    pub(super) fn forget(&mut self) {
        self.now.clear();
    }

    /// The processes of this walk, in the order of their ids.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Known> {
        self.now.iter_mut()
    }
}

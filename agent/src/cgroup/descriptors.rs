//! How many descriptors of cgroup files may be kept open.
//!
//! A kept descriptor saves opening and closing at each read, and costs a page of the kernel's memory. When no more
//! may be kept, files are opened, read and closed: slower, and never wrong.

use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::Resource;

/// No more than this, however many the process may open: six megabytes of kernel memory. It is enough for the four files of
/// each of 110 pods and 250 containers, which are opened at every scrape otherwise.
const MOST: usize = 1536;

/// The descriptors of one tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DescriptorUse {
    /// Files kept open now.
    pub kept: usize,
    /// How many may be.
    pub limit: usize,
}

/// The bound, shared by the groups of a tree.
#[derive(Debug)]
pub(super) struct Descriptors {
    limit: usize,
    kept: AtomicUsize,
}

impl Descriptors {
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, kept: AtomicUsize::new(0) }
    }

    /// Whether one more may be kept, which is then counted.
    pub(super) fn take(&self) -> bool {
        let more = |kept: usize| (kept < self.limit).then_some(kept + 1);
        self.kept.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// `count` of them were closed.
    pub(super) fn give_back(&self, count: usize) {
        self.kept.fetch_sub(count, Ordering::Relaxed);
    }

    pub(super) fn usage(&self) -> DescriptorUse {
        DescriptorUse { kept: self.kept.load(Ordering::Relaxed), limit: self.limit }
    }
}

/// The bound where none is given: half of what the process may open, at most 1536. The other half is for the
/// connections, and for what the other collectors keep.
pub(super) fn default_limit() -> usize {
    limit_of(rustix::process::getrlimit(Resource::Nofile).current)
}

fn limit_of(soft: Option<u64>) -> usize {
    soft.map_or(MOST, |soft| usize::try_from(soft / 2).unwrap_or(MOST).min(MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_half_of_the_processs_own_and_at_most_fifteen_hundred() {
        assert_eq!(
            [Some(0), Some(256), Some(1024), Some(1 << 40), None].map(limit_of),
            [0, 128, 512, MOST, MOST]
        );
    }

    #[test]
    fn no_more_are_given_than_the_bound_and_those_given_back_are_given_again() {
        let descriptors = Descriptors::new(2);
        assert_eq!([(); 3].map(|()| descriptors.take()), [true, true, false]);
        descriptors.give_back(2);
        assert_eq!([(); 3].map(|()| descriptors.take()), [true, true, false]);
        assert_eq!(descriptors.usage(), DescriptorUse { kept: 2, limit: 2 });
    }
}

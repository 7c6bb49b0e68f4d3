//! How much an index may hold.

use std::time::Duration;

/// The bounds of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Live pods.
    pub pods: usize,
    /// Heap bytes of all live pods, by [`crate::pod::Pod::heap_bytes`].
    pub bytes: usize,
    /// Tombstones.
    pub tombstones: usize,
    /// Heap bytes of all tombstones.
    pub tombstone_bytes: usize,
    /// How long a tombstone stays.
    pub tombstone_age: Duration,
}

impl Default for Limits {
    /// Four times the pods that the largest managed offerings allow on a node, and five minutes of tombstones.
    fn default() -> Self {
        Self {
            pods: 1024,
            bytes: 16 << 20,
            tombstones: 256,
            tombstone_bytes: 2 << 20,
            tombstone_age: Duration::from_mins(5),
        }
    }
}

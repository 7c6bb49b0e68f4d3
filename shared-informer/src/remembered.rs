//! What one life of the agent leaves to the next, in files of the state directory.
//!
//! - `index.v1`: the slim pods with the version they were known at, so that a restarted agent has names before it has
//!   made a request. [`encode`] and [`decode`] are pure over bytes.
//! - `size.v1`: what is known of the cluster's size and of this node's part in the rollout ([`known`]).
//! - `spend.v1`: what was asked of the API server, saved before it is sent ([`spend`]).
//!
//! [`mod@file`] is the thin shell that reads, replaces atomically and sets aside.
//!
//! Invariant: a file is taken whole or not at all. Any damage is detected (one [`frame`] for all of them), a file of
//! another cluster is not believed, and each refusal has a reason of a closed set ([`Unusable`]), so that the caller
//! can count it, set the file aside and start afresh.
//!
//! The body of the index are JSON lines, first the header, then one pod each; the others are one JSON document.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::pod::Pod;

mod codec;
#[cfg(test)]
mod damage;
pub mod file;
pub mod frame;
pub mod known;
pub mod spend;
mod unusable;

pub use codec::{decode, encode};
pub use unusable::Unusable;

/// The version of the format that this code writes, and the only one that it reads.
pub const VERSION: u32 = 1;
/// The size above which a file is neither written nor read, unless the caller says otherwise. 250 typical pods
/// take some 620 kB.
pub const MAX_BYTES: usize = 8 << 20;
/// Pods in a file; far above what fits a node.
pub const MAX_PODS: usize = 16_384;

/// Which cluster the pods belong to: a hash, by the caller, of the cluster's CA and the server's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClusterId(pub [u8; 32]);

/// What a file says about its pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The cluster they belong to.
    pub cluster: ClusterId,
    /// The version from which a watch may go on, if it is young enough.
    pub resource_version: Box<str>,
    /// The wall clock when the version was known to be current, as the distance from the Unix epoch.
    pub saved_at: Duration,
    /// By which choice the pods were kept: [`Keep::fingerprint`](crate::pod::Keep::fingerprint). A watch brings no pod
    /// again because another choice would have kept more of it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub kept: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Header {
    /// How old the version is; `None` if it comes from the future, by a clock that was set back.
    pub fn age(&self, now: Duration) -> Option<Duration> {
        now.checked_sub(self.saved_at)
    }
}

/// A file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// What it says about the pods.
    pub header: Header,
    /// The pods, in the order in which they were written.
    pub pods: Vec<Pod>,
}

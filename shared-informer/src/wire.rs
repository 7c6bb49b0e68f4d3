//! From [`command::Send`](crate::informer::command::Send) to [`Event`](crate::informer::event::Event)s: the requests as they
//! leave, and what the API server's bytes mean.
//!
//! [`mod@request`] builds the three requests there are, [`mod@exchange`] is the only part with I/O: it sends one of them and
//! gives the events of its answer. Everything between is pure and takes bytes as they come: [`list`] splits a LIST into
//! its pods by way of [`split`], [`lines`] and [`watch`] a WATCH into its items, [`daemon_set`] reads the size probe, [`answer`] judges an
//! answer's head.
//!
//! What comes from the server is untrusted. Invariants:
//! - every length has a bound ([`Bounds`], [`crate::pod::limits`]), and no body is ever held as a whole: the most that a
//!   LIST holds beside its pods is one item and one chunk, a WATCH one line and one chunk;
//! - how the bytes are cut into chunks changes nothing;
//! - one pod that cannot be read costs this pod, counted under its reason, and not its neighbours.

use std::fmt;
use std::sync::Arc;

use crate::pod::{Keep, limits};

pub mod answer;
pub mod daemon_set;
pub mod exchange;
pub mod extent;
mod failure;
mod inflate;
pub mod lines;
pub mod list;
pub mod request;
pub mod split;
mod status;
#[cfg(test)]
mod tests;
mod text;
pub mod watch;

/// The bounds of what is read. Far beyond any honest answer; what is beyond is refused and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The body of a LIST after decompression, bytes.
    pub list_bytes: usize,
    /// The items of a LIST.
    pub list_items: usize,
    /// What is kept of a LIST's pods, by [`crate::pod::Pod::heap_bytes`].
    pub kept_bytes: usize,
    /// One item of a LIST, bytes.
    pub item_bytes: usize,
    /// Everything else in a LIST, each, and the body of an answer that says what went wrong, bytes.
    pub other_bytes: usize,
    /// A line of a WATCH, bytes.
    pub line_bytes: usize,
    /// The body of a size probe's answer, bytes.
    pub object_bytes: usize,
}

impl Default for Bounds {
    /// The API server takes no object above 3 MiB; a node runs some hundred pods.
    fn default() -> Self {
        Self {
            list_bytes: 128 << 20,
            list_items: 4096,
            kept_bytes: 32 << 20,
            item_bytes: limits::POD_BYTES,
            other_bytes: 64 << 10,
            line_bytes: limits::POD_BYTES + (1 << 10),
            object_bytes: limits::POD_BYTES,
        }
    }
}

/// What is kept of a pod beyond its fixed fields, shared by every request.
#[derive(Clone)]
pub struct Kept(Arc<dyn Keep + Send + Sync>);

impl Kept {
    /// This choice.
    pub fn new(keep: impl Keep + Send + Sync + 'static) -> Self {
        Self(Arc::new(keep))
    }
}

impl<K: Keep + Send + Sync + 'static> From<Arc<K>> for Kept {
    fn from(keep: Arc<K>) -> Self {
        Self(keep)
    }
}

impl Keep for Kept {
    fn label(&self, key: &str) -> bool {
        self.0.label(key)
    }

    fn annotation(&self, key: &str) -> bool {
        self.0.annotation(key)
    }

    fn image_ids(&self) -> bool {
        self.0.image_ids()
    }

    fn fingerprint(&self) -> u64 {
        self.0.fingerprint()
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

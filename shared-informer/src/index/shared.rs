//! One writer, any number of readers: the newest snapshot, handed over by swapping a pointer.
//!
//! A reader never waits for the writer, nor the writer for a reader, however long a snapshot is held; the last
//! holder frees it.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{Index, Snapshot};

/// The writer's end. There is one per index.
#[derive(Debug)]
pub struct Publisher(Arc<ArcSwap<Snapshot>>);

/// A reader's end; clone it for each consumer.
#[derive(Debug, Clone)]
pub struct Reader(Arc<ArcSwap<Snapshot>>);

/// Both ends, with the index's present state.
pub fn publish(index: &Index) -> (Publisher, Reader) {
    let shared = Arc::new(ArcSwap::new(index.snapshot()));
    (Publisher(Arc::clone(&shared)), Reader(shared))
}

impl Publisher {
    /// Shows the index's present state to the readers. Call it after a batch of events, not after each.
    /// Returns whether there was anything new.
    pub fn publish(&self, index: &Index) -> bool {
        let news = self.0.load().generation() != index.generation();
        if news {
            self.0.store(index.snapshot());
        }
        news
    }
}

impl Reader {
    /// The newest published state. Hold one for as long as answers have to be consistent.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }
}

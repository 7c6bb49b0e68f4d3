//! What the runtime's tasks hand to the collector thread: the newest knowledge of others, never waited for.
//!
//! The collectors are built once for each configuration; the shared watch may start later, end, or be replaced. Hence a
//! slot that they look into at every scrape.

use std::sync::{Arc, Mutex, PoisonError};

use shared_informer::index::Snapshot;
use shared_informer::index::shared::Reader;

use crate::enrich::Census;
use crate::kubelet::desk::Desk;
use crate::rungs::Ladder;

/// All of them. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Feeds {
    /// The pods of this node as the API server has them.
    pub watch: WatchSlot,
    /// What the kubelet said last, and how often it is asked.
    pub kubelet: Desk,
    /// Where the readers of sources say whether those hold.
    pub rungs: Ladder,
    /// Where the collector of pods says what it knows by name.
    pub names: Census,
}

impl Default for Feeds {
    fn default() -> Self {
        let rungs = Ladder::default();
        let kubelet = Desk::new(rungs.clone());
        Self { watch: WatchSlot::default(), kubelet, rungs, names: Census::default() }
    }
}

impl std::fmt::Debug for Feeds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feeds").field("watch", &self.watch).finish_non_exhaustive()
    }
}

/// Where the shared watch's reader is, while there is a watch.
#[derive(Debug, Clone, Default)]
pub struct WatchSlot(Arc<Mutex<Option<Reader>>>);

impl WatchSlot {
    /// Reads from this watch from now on, or from none.
    pub fn put(&self, reader: Option<Reader>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reader;
    }

    /// The newest snapshot of the present watch.
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(Reader::snapshot)
    }
}

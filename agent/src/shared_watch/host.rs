//! What the driver leaves in the state directory and in the log, and hands to the reader of the kubelet.

use std::sync::Arc;

use shared_informer::distress::{Change, State};
use shared_informer::driver::Host;
use shared_informer::index::Snapshot;
use shared_informer::informer::settings::{KnownSize, Spend};
use shared_informer::ledger::Scrape;
use shared_informer::phase::Salt;
use shared_informer::remembered::{ClusterId, Header};

use crate::kubelet::slots::Desk as Slots;
use crate::state_dir::StateDir;

/// The state directory as the driver sees it. Nothing is saved of a dry run: the next life would believe in requests that
/// nobody sent.
pub(super) struct StateHost {
    pub(super) state_dir: Arc<StateDir>,
    /// The cluster as it was when the last life's state was read.
    pub(super) cluster: ClusterId,
    pub(super) dry_run: bool,
    /// Where the reader of the kubelet takes its slots from.
    pub(super) slots: Slots,
}

/// Saves that fail are counted and logged by the state directory.
impl Host for StateHost {
    fn save_spend(&mut self, spend: &Spend) {
        if !self.dry_run {
            self.state_dir.save_spend(self.cluster, spend);
        }
    }

    fn save_size(&mut self, size: &KnownSize) {
        if !self.dry_run {
            self.state_dir.save_size(self.cluster, size);
        }
    }

    fn save_index(&mut self, header: &Header, pods: &Arc<Snapshot>) {
        if !self.dry_run {
            self.state_dir.save_index(header, pods.pods().map(|found| &**found.pod));
        }
    }

    fn scrape(&mut self, scrape: Scrape, _salt: Salt) {
        self.slots.offer(scrape);
    }

    fn changed(&mut self, change: Change) {
        let (from, to) = (change.from.as_str(), change.to.as_str());
        match change.to {
            State::Ok | State::Paused | State::Off => {
                tracing::info!(from, to, "the API budget's state changed");
            }
            State::Conserving | State::Exhausted => {
                tracing::warn!(from, to, "the API server is in trouble: turns come less often");
            }
        }
    }

    fn trouble(&mut self, what: &str) {
        tracing::warn!(error = what, "no client for the API server: nothing was sent in this turn");
    }
}

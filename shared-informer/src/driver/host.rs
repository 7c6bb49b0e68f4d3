//! What the driver needs of the agent around it.

use crate::distress::Change;
use crate::index::Snapshot;
use crate::informer::settings::{KnownSize, Spend};
use crate::ledger::Scrape;
use crate::phase::Salt;
use crate::remembered::Header;

/// The agent around a driver: its state directory, its log, its reader of the kubelet.
///
/// All of it is called between two events, so none of it may take long. What fails here is counted and told by the
/// implementation; the driver goes on, for an agent on a full disk is better than none.
pub trait Host: Send {
    /// Writes `spend.v1`. A request follows: when this returns, a crash must find the file.
    fn save_spend(&mut self, spend: &Spend);

    /// Writes `size.v1`.
    fn save_size(&mut self, size: &KnownSize);

    /// Writes `index.v1`, or keeps this to write it soon: with each bookmark, once a minute, there is a newer one.
    fn save_index(&mut self, header: &Header, pods: &std::sync::Arc<Snapshot>);

    /// Now the kubelet may be scraped; the reader asks [`super::Handle::grant_scrape`] for each request. One that finds
    /// the reader still busy is dropped: it costs nobody anything.
    fn scrape(&mut self, scrape: Scrape, salt: Salt);

    /// The budget's state is another one: for the log.
    fn changed(&mut self, change: Change);

    /// No client can be made; nothing was sent. For the log.
    fn trouble(&mut self, what: &str);
}

//! One destination: its queue, its transport, and the loop between them.
//!
//! Whatever ends the loop, nothing leaves it uncounted: at shutdown it drains until the deadline, and what
//! is left then is written to the disk log, if there is one, or counts as [`DropReason::Shutdown`], as it
//! does when the future is dropped. Outputs share nothing, so one that is slow or dead does not touch
//! another.
//!
//! [`DropReason::Shutdown`]: crate::queue::DropReason::Shutdown

use std::future::Future;
use std::sync::Arc;

use tokio::time::Instant;

use crate::compress::{Compression, Compressor};
use crate::disk;
use crate::queue::Queue;
use crate::resolve::{Keeper, View};
use crate::stats::Stats;
use crate::transport::Either;

mod forward;
mod settings;
mod spill;
mod status;
pub(crate) mod stdout;
#[cfg(test)]
mod tests;

use self::forward::Forwarder;
pub use self::settings::{Error, Protocol, Settings};
use self::spill::Spill;
use self::status::Health;
pub use self::status::{LastError, Monitor, Status};
pub use crate::endpoint::Error as TransportError;

/// How many requests of one output are under way at a time. More would need more memory and reorder
/// points; at 2 MiB a request and a backend that answers within a second, one is enough for any node.
pub const IN_FLIGHT: usize = 1;

/// One destination, ready to run.
pub struct Output {
    forwarder: Forwarder<Either>,
    monitor: Monitor,
    names: View,
    keeper: Option<Keeper>,
}

impl Output {
    /// Checks the settings and reads the files they name; nothing is sent. The queue is the way in. With a
    /// disk log, a file of addresses or standard output a thread starts; a folder or file that cannot be used
    /// is no error but shows in the status or the log.
    ///
    /// # Errors
    /// Settings that cannot work, by name and in plain words; no thread.
    pub fn new(settings: &Settings) -> Result<(Arc<Queue>, Self), Error> {
        settings.check()?;
        let Settings { name, protocol, compression, queue, retry, disk, resolve, .. } = settings;
        // People read what goes to standard output.
        let compression = if *protocol == Protocol::Stdout { Compression::None } else { *compression };
        let transport = Either::new(settings)?;
        let names = transport.names();
        let keeper = match &resolve.file {
            Some(path) if names.host().is_some() => {
                Some(Keeper::start(names.clone(), path).map_err(Error::Thread)?)
            }
            _ => None,
        };
        let queue = Queue::new(name, *queue, Arc::new(Stats::default()));
        let health = Arc::new(Health::new(name, transport.endpoint(), transport.proxy()));
        let spill = match disk {
            Some(settings) => {
                let log = disk::Handle::start(settings, compression, &queue).map_err(Error::Thread)?;
                Some(Spill::new(log, settings.replay_bytes_per_second))
            }
            None => None,
        };
        let log = spill.as_ref().map(|spill| Arc::clone(spill.log().shared()));
        let monitor = Monitor::new(Arc::clone(&health), Arc::clone(&queue), names.clone(), log);
        let compressor = Compressor::new(compression);
        let forwarder = Forwarder::new(Arc::clone(&queue), health, transport, compressor, *retry, spill);
        Ok((queue, Self { forwarder, monitor, names, keeper }))
    }

    /// How it does, for `tare status` and readiness; it outlives [`Output::run`].
    pub fn monitor(&self) -> Monitor {
        self.monitor.clone()
    }

    /// What is known about the backend's name: for a metric, and for a file that survives a restart. It
    /// outlives [`Output::run`].
    pub fn names(&self) -> View {
        self.names.clone()
    }

    /// Sends what comes into the queue until `shutdown` answers with a deadline, then what is still in it
    /// until that deadline, and closes the queue. A disk log gets the last quarter of the time, a second at
    /// most, for what could not be sent. What is pushed during the drain is sent as well: stop the
    /// sources first. A request in flight at the deadline is cut off and counts as lost, though the backend
    /// may have it. Spawns nothing; dropping the future closes the queue as well.
    pub async fn run(self, shutdown: impl Future<Output = Instant>) {
        self.forwarder.run(shutdown).await;
        // It may know something newer than its file.
        drop(self.keeper);
    }
}

//! The way to a log that may block: a named thread with a bounded channel of commands.
//!
//! Nothing here waits for the disk on the runtime's thread, except [`Handle::close`]'s caller, as long as
//! it likes. Commands carry what they are about, so that a future which is dropped while it waits for an
//! answer loses nothing: the thread accounts for the request.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

#[cfg(test)]
use super::Status;
use super::actor::{Actor, Command, Fate, Opener};
use super::files::{Files, Folder};
use super::log::SYNC_INTERVAL;
use super::record::Record;
use super::{Settings, Shared, actor};
use crate::compress::{Compression, Payload};
use crate::queue::{InFlight, Queue};

pub(crate) use actor::{End, Kept};

/// Commands that may wait. Each of the two askers waits for its answer, so there are never more than a few.
const COMMANDS: usize = 8;
/// When to ask again where the thread is busy.
const BUSY: Duration = Duration::from_secs(1);

/// A log in use. Clones are the same log; it is closed when the last is dropped, or before.
#[derive(Clone)]
pub(crate) struct Handle {
    way: Way,
    shared: Arc<Shared>,
}

#[derive(Clone)]
enum Way {
    Thread(SyncSender<Command>),
    /// For tests in virtual time: the caller's thread does the work.
    #[cfg(test)]
    Inline(Arc<std::sync::Mutex<(Actor, Instant)>>),
}

/// A request from the log, to be delivered. Dropping it returns it.
pub(crate) struct Replayed {
    handle: Handle,
    number: u64,
    points: u64,
    fate: Fate,
    pub(crate) payload: Payload,
}

impl Replayed {
    /// Its place in the log, by which it is known when it comes again.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// How many data points it holds.
    pub(crate) fn points(&self) -> u64 {
        self.points
    }

    /// It was acknowledged or given up.
    pub(crate) fn ended(mut self, end: End) {
        self.fate = Fate::Ended(end);
    }

    /// It was cut in two, and each half with its points was acknowledged or given up: two requests from now on.
    pub(crate) fn ended_in_halves(mut self, halves: [(u64, End); 2]) {
        self.fate = Fate::Halved(halves);
    }
}

impl Drop for Replayed {
    fn drop(&mut self) {
        let Self { number, points, fate, .. } = *self;
        // Where the thread is gone, the request waits for the next life of the log and comes again.
        let _ = self.handle.submit(Command::Settle { number, points, fate });
    }
}

impl Handle {
    /// Starts the log's thread; opening the folder is its first work. `queue` counts.
    ///
    /// # Errors
    /// The system has no thread.
    pub(crate) fn start(
        settings: &Settings,
        compression: Compression,
        queue: &Arc<Queue>,
    ) -> io::Result<Self> {
        let directory = settings.directory.clone();
        let opener: Opener = Box::new(move || Ok(Box::new(Folder::open(&directory)?) as Box<dyn Files>));
        let shared = Arc::<Shared>::default();
        let actor =
            Actor::new(opener, settings.max_bytes, compression, Arc::clone(queue), Arc::clone(&shared));
        let (sender, receiver) = sync_channel(COMMANDS);
        thread::Builder::new().name("disk-log".to_owned()).spawn(move || serve(actor, &receiver))?;
        Ok(Self { way: Way::Thread(sender), shared })
    }

    #[cfg(test)]
    pub(super) fn inline(mut actor: Actor, shared: Arc<Shared>) -> Self {
        actor.tick(Duration::ZERO);
        Self { way: Way::Inline(Arc::new(std::sync::Mutex::new((actor, Instant::now())))), shared }
    }

    fn submit(&self, command: Command) -> Result<(), Box<Command>> {
        match &self.way {
            Way::Thread(sender) => sender.try_send(command).map_err(|error| match error {
                TrySendError::Full(command) | TrySendError::Disconnected(command) => Box::new(command),
            }),
            #[cfg(test)]
            Way::Inline(actor) => {
                let mut actor = actor.lock().expect("sound");
                let now = actor.1.elapsed();
                if actor.0.handle(command, now) {
                    actor.0.tick(now);
                }
                Ok(())
            }
        }
    }

    /// Writes a request. When this answers `Ok`, it survives a kill of the process. Dropping the future does
    /// not take the request back. `insist` asks a disk that was in trouble a moment ago as well.
    ///
    /// # Errors
    /// The request stays in memory.
    pub(crate) async fn append(
        &self,
        item: InFlight,
        payload: Option<Payload>,
        insist: bool,
    ) -> Result<(), Option<Kept>> {
        let (reply, answer) = oneshot::channel();
        match self.submit(Command::Append { item, payload, insist, reply }) {
            // No answer: the thread ended and has counted the request as lost to the shutdown.
            Ok(()) => answer.await.unwrap_or_else(|_| Ok(())).map_err(Some),
            Err(command) => Err(match *command {
                Command::Append { item, .. } => Some(Kept { item, again: Some(BUSY) }),
                _ => None,
            }),
        }
    }

    /// The oldest request in the log, if any.
    ///
    /// # Errors
    /// The time after which it may be worth another try.
    pub(crate) async fn next(&self) -> Result<Option<Replayed>, Duration> {
        let (reply, answer) = oneshot::channel();
        self.submit(Command::Next { reply }).map_err(|_| BUSY)?;
        let record = answer.await.map_err(|_| BUSY)??;
        Ok(record.map(|record| {
            let Record { number, points, compression, payload, .. } = record;
            let payload = Payload { bytes: payload, compression };
            Replayed { handle: self.clone(), number, points, fate: Fate::Returned, payload }
        }))
    }

    /// Waits until there is something in the log. For one waiter.
    pub(crate) async fn filled(&self) {
        while self.shared.lock().count.requests == 0 {
            self.shared.filled.notified().await;
        }
    }

    /// Syncs, unlocks and ends the log.
    pub(crate) async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        if self.submit(Command::Close { reply }).is_ok() {
            let _ = answer.await;
        }
    }

    /// What the log holds and how it does; outlives the log.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// See [`Shared::status`].
    #[cfg(test)]
    pub(crate) fn status(&self) -> Status {
        self.shared.status()
    }
}

/// The thread: one command after the other until it is told to end or nobody is left to tell it.
fn serve(mut actor: Actor, commands: &Receiver<Command>) {
    let origin = Instant::now();
    loop {
        actor.tick(origin.elapsed());
        match commands.recv_timeout(SYNC_INTERVAL) {
            Ok(command) => {
                if !actor.handle(command, origin.elapsed()) {
                    return;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return actor.close(origin.elapsed()),
        }
    }
}

//! The one OS thread on which collectors run.
//!
//! Reading `/proc` blocks; it never happens on the runtime's thread. The thread waits for the next tick or a
//! command, whichever comes first, and hands encoded requests to the outputs' queues, which never block it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use exporter::model::Timestamp;
use exporter::queue::{Class, Item, Queue};
use tokio::sync::oneshot;

use crate::pipeline::Pipeline;

/// How long an agent without collectors sleeps between looks at its commands.
const IDLE: Duration = Duration::from_hours(1);

/// What the thread runs and where the results go.
#[derive(Debug)]
pub struct Work {
    /// The collectors.
    pub pipeline: Pipeline,
    /// One queue for each output; each gets every request.
    pub queues: Vec<Arc<Queue>>,
}

#[derive(Debug)]
enum Command {
    Replace(Box<Work>),
    Stop,
}

/// The running thread.
#[derive(Debug)]
pub struct CollectorThread {
    commands: SyncSender<Command>,
    /// Resolves when the thread has ended, for whatever reason.
    pub ended: oneshot::Receiver<()>,
}

impl CollectorThread {
    /// Starts the thread; the first round begins at once.
    ///
    /// # Errors
    /// Where the kernel gives no thread.
    pub fn start(work: Work) -> std::io::Result<Self> {
        let (commands, inbox) = sync_channel(4);
        let (guard, ended) = oneshot::channel();
        std::thread::Builder::new().name("tare-collect".to_owned()).spawn(move || {
            // Dropped when the thread ends, also by a panic: `ended` resolves then.
            let _guard: oneshot::Sender<()> = guard;
            run(work, &inbox);
        })?;
        Ok(Self { commands, ended })
    }

    /// Swaps the collectors and queues between two rounds. Answers false where the thread cannot take it:
    /// it has ended, or is stuck and has four commands waiting.
    pub fn replace(&self, work: Work) -> bool {
        self.commands.try_send(Command::Replace(Box::new(work))).is_ok()
    }

    /// Asks the thread to end after the round under way.
    pub fn stop(&self) {
        if let Err(TrySendError::Full(_)) = self.commands.try_send(Command::Stop) {
            tracing::warn!("the collector thread does not answer; it is left behind");
        }
    }
}

fn run(mut work: Work, inbox: &Receiver<Command>) {
    loop {
        let wait = work.pipeline.wait().unwrap_or(IDLE);
        match inbox.recv_timeout(wait) {
            Err(RecvTimeoutError::Timeout) => {
                let Work { pipeline, queues } = &mut work;
                pipeline.run_due(|request| {
                    for queue in &*queues {
                        queue.push(Item {
                            body: request.body.clone(),
                            points: request.points,
                            class: Class::Data,
                            created: Timestamp::now(),
                        });
                    }
                });
            }
            Ok(Command::Replace(new)) => work = *new,
            Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

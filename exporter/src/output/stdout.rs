//! The debug output: OTLP/JSON on standard output, one request a line, as `tare collect` prints it.
//!
//! A pipe blocks for as long as its reader likes, so a thread of its own writes. It is handed one request
//! at a time, and the loop of the output waits for it as for a backend's answer: what comes meanwhile waits
//! in the output's queue, which drops its oldest and counts it. Invariant: nothing here waits on the
//! runtime's thread, and no more than one request and a small buffer is held besides the queue.

use std::io::{self, BufWriter, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use tokio::sync::oneshot;

use crate::compress::Payload;
use crate::json::{self, JsonError};
use crate::resolve::{self, Names, View};
use crate::retry::{Failure, Outcome};
use crate::transport::{Reply, Transport};

#[cfg(test)]
mod tests;

/// How the place is called where others have an address.
pub(crate) const NAME: &str = "standard output";
/// The writer's buffer, in bytes: a request is not held a second time as text.
const BUFFER: usize = 16 << 10;

/// Where lines go; asked anew for each, so that it may be locked for a whole line.
type Target = Box<dyn FnMut() -> Box<dyn Write> + Send>;

/// A request and the way back.
struct Work {
    payload: Payload,
    done: oneshot::Sender<Result<(), JsonError>>,
}

/// Writes requests to standard output. Its thread ends with it, once it is not blocked by the reader.
pub(crate) struct Stdout {
    work: SyncSender<Work>,
    names: View,
}

impl Stdout {
    /// Starts the thread that writes.
    ///
    /// # Errors
    /// The system has no thread.
    pub(crate) fn new() -> io::Result<Self> {
        // Locked for a line: an output of an earlier configuration may still be writing.
        Self::to(Box::new(|| Box::new(io::stdout().lock())))
    }

    fn to(target: Target) -> io::Result<Self> {
        let (work, inbox) = sync_channel(1);
        thread::Builder::new().name("stdout".to_owned()).spawn(move || serve(target, &inbox))?;
        let names = Names::new("localhost", &resolve::Settings::default()).view();
        Ok(Self { work, names })
    }

    /// There is no name to be known.
    pub(crate) fn names(&self) -> View {
        self.names.clone()
    }
}

impl Transport for Stdout {
    async fn send(&mut self, payload: &Payload) -> Reply {
        let (done, answer) = oneshot::channel();
        let work = Work { payload: payload.clone(), done };
        // The one place is taken only if an earlier wish was given up while the reader was slow.
        if self.work.try_send(work).is_err() {
            return failed(Failure::Timeout, format!("{NAME} does not take more"));
        }
        match answer.await {
            Ok(Ok(())) => Reply {
                outcome: Outcome::Answered { status: 200, retry_after: None, rejected: 0 },
                remark: None,
                handed_over: true,
                unreadable: false,
            },
            Ok(Err(JsonError::Io(error))) => failed(Failure::Disconnected, format!("{NAME}: {error}")),
            // The same bytes will not be understood later either.
            Ok(Err(error)) => failed(Failure::Rejected, error.to_string()),
            Err(_) => failed(Failure::Disconnected, format!("the writer of {NAME} has ended")),
        }
    }

    fn renew(&mut self) -> bool {
        false
    }

    async fn idle(&mut self) {
        std::future::pending::<()>().await;
    }
}

fn failed(failure: Failure, remark: String) -> Reply {
    Reply {
        outcome: Outcome::Unanswered(failure),
        remark: Some(remark),
        handed_over: false,
        unreadable: false,
    }
}

/// The thread: one line after the other until the output is gone.
fn serve(mut target: Target, inbox: &Receiver<Work>) {
    let mut torn = false;
    while let Ok(Work { payload, done }) = inbox.recv() {
        let mut out = Noted { target: target(), reached: false };
        let written = line(&mut out, &payload.bytes, torn);
        // What was begun and not ended gets its end with the next line, so that whole lines stay whole.
        torn = written.is_err() && (torn || out.reached);
        let _ = done.send(written);
    }
}

/// A target that knows whether anything reached it.
struct Noted {
    target: Box<dyn Write>,
    reached: bool,
}

impl Write for Noted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.target.write(bytes)?;
        self.reached |= taken > 0;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.target.flush()
    }
}

fn line(target: &mut Noted, request: &[u8], torn: bool) -> Result<(), JsonError> {
    let mut out = BufWriter::with_capacity(BUFFER, target);
    let result = write(&mut out, request, torn);
    if result.is_err() {
        // The rest of what cannot be ended is of no use: it is not written when `out` is dropped.
        drop(out.into_parts());
    }
    result
}

fn write(out: &mut impl Write, request: &[u8], torn: bool) -> Result<(), JsonError> {
    if torn {
        out.write_all(b"\n")?;
    }
    json::write_request(out, request)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

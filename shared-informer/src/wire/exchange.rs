//! One request and its answer, as a stream of events. The only part of [`crate::wire`] with I/O.
//!
//! Dropping the stream lets go of the request and closes its connection. It waits for the server as long as the server
//! likes: when to let go is the informer's decision ([`crate::informer::command::Command::Abort`]).

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use http::Response;
use http_body_util::BodyExt as _;
use kube::client::Body;

use super::answer::{Encoding, Verdict, judge};
use super::inflate::Inflate;
use super::lines::Lines;
use super::list::Reader;
use super::request::{Target, request};
use super::{Bounds, Kept, daemon_set, failure, status, watch};
use crate::clocks::Clocks;
use crate::gate::Pass;
use crate::informer::command::{Ask, Send};
use crate::informer::event::{End, Event, Failure, Happened, Item, Outcome, RequestId, Unusable};

/// How long the words that explain a status are waited for: the status itself is known, and has to be told in this turn.
const EXPLANATION: Duration = Duration::from_millis(250);

/// The events of one request. The last one is [`Happened::Done`], [`Happened::Ended`] or an [`Item::Error`].
pub type Events = Pin<Box<dyn Stream<Item = Event> + std::marker::Send>>;

/// What every exchange needs beside its request.
#[derive(Clone)]
pub struct Context {
    /// What this node asks about.
    pub target: Target,
    /// What is kept of pods.
    pub keep: Kept,
    /// What may come.
    pub bounds: Bounds,
    /// The clocks.
    pub clocks: Arc<dyn Clocks>,
}

/// Sends a request when it is first polled and gives what happens to it.
pub fn exchange(client: &kube::Client, send: Send, context: &Context) -> Events {
    let Send { id, permit, ask } = send;
    let wire = Wire { id, pass: Pass::new(permit), context: context.clone() };
    let state = State::Ask(client.clone(), ask);
    Box::pin(stream::unfold((wire, state), |(wire, state)| async move {
        let (what, state) = wire.next(state).await?;
        let event = Event { id: wire.id, bytes: wire.pass.take_bytes(), what };
        Some((event, (wire, state)))
    }))
}

/// That nothing was sent, for this reason: what [`exchange`] gives where there is no client.
pub fn unsent(id: RequestId, why: Failure) -> Events {
    let what = Happened::Done(Outcome::Failed(why));
    Box::pin(stream::iter([Event { id, bytes: 0, what }]))
}

struct Wire {
    id: RequestId,
    pass: Pass,
    context: Context,
}

enum State {
    Ask(kube::Client, Ask),
    Watch(Box<Watching>),
    Over,
}

/// An open watch.
struct Watching {
    body: Body,
    lines: Lines,
    /// What came in one chunk and was not told yet.
    ready: VecDeque<Item>,
    end: Option<End>,
}

impl Wire {
    async fn next(&self, state: State) -> Option<(Happened, State)> {
        match state {
            State::Ask(client, ask) => Some(match self.ask(&client, &ask).await {
                Ok(watching) => (Happened::Opened, State::Watch(Box::new(watching))),
                Err(outcome) => (Happened::Done(outcome), State::Over),
            }),
            State::Watch(watching) => Some(self.watch(watching).await),
            State::Over => None,
        }
    }

    /// Sends the request; an open watch, or what it came to.
    async fn ask(&self, client: &kube::Client, ask: &Ask) -> Result<Watching, Outcome> {
        let mut request = request(&self.context.target, ask).ok_or(Outcome::Failed(Failure::Gate))?;
        request.extensions_mut().insert(self.pass.clone());
        let answer = client.send(request).await;
        let answer = answer.map_err(|error| Outcome::Failed(failure::classify(&error)))?;
        let gzip = matches!(ask, Ask::List { .. });
        let encoding = match judge(answer.status(), answer.headers(), gzip) {
            Verdict::Read(encoding) => encoding,
            Verdict::Rejected(code, wish) => {
                let said = self.explanation(answer).await;
                return Err(Outcome::Status(status::rejection(code, wish, &said)));
            }
            Verdict::Redirect => return Err(Outcome::Failed(Failure::Redirect)),
            Verdict::Foreign => return Err(Outcome::Unusable(Unusable::ContentType)),
        };
        let body = answer.into_body();
        let read = match ask {
            Ask::Size => self.object(body).await,
            Ask::List { .. } => self.list(body, encoding).await,
            Ask::Watch { .. } => return Ok(Watching::new(body, self.context.bounds.line_bytes)),
        };
        Err(read.unwrap_or_else(Outcome::Unusable))
    }

    async fn object(&self, mut body: Body) -> Result<Outcome, Unusable> {
        let mut read = Vec::new();
        while let Some(chunk) = next_chunk(&mut body).await? {
            if read.len() + chunk.len() > self.context.bounds.object_bytes {
                return Err(Unusable::TooLarge);
            }
            read.extend_from_slice(&chunk);
        }
        daemon_set::read(&read).map(Outcome::Size)
    }

    async fn list(&self, mut body: Body, encoding: Encoding) -> Result<Outcome, Unusable> {
        let mut list = Inflate::new(encoding, Reader::new(self.context.keep.clone(), self.context.bounds));
        while let Some(chunk) = next_chunk(&mut body).await? {
            list.feed(&chunk)?;
        }
        list.finish().map(Outcome::List)
    }

    /// The beginning of a body that says what went wrong: as much as comes soon, within its bound.
    async fn explanation(&self, answer: Response<Body>) -> Vec<u8> {
        let mut body = answer.into_body();
        let mut said = Vec::new();
        let until = self.context.clocks.now().mono.plus(EXPLANATION);
        let mut late = self.context.clocks.reached(until);
        loop {
            let chunk = tokio::select! {
                chunk = next_chunk(&mut body) => chunk,
                () = &mut late => return said,
            };
            let Ok(Some(chunk)) = chunk else { return said };
            let room = self.context.bounds.other_bytes - said.len();
            if chunk.len() > room {
                return said;
            }
            said.extend_from_slice(&chunk);
        }
    }

    async fn watch(&self, mut watching: Box<Watching>) -> (Happened, State) {
        loop {
            if let Some(item) = watching.ready.pop_front() {
                let over = matches!(item, Item::Error(_));
                let state = if over { State::Over } else { State::Watch(watching) };
                return (Happened::Item(item), state);
            }
            if let Some(end) = watching.end {
                return (Happened::Ended(end), State::Over);
            }
            watching.read(&self.context.keep).await;
        }
    }
}

impl Watching {
    const fn new(body: Body, line_bytes: usize) -> Self {
        Self { body, lines: Lines::new(line_bytes), ready: VecDeque::new(), end: None }
    }

    /// Reads one chunk. What came before an end is told before it.
    async fn read(&mut self, keep: &Kept) {
        let Self { body, lines, ready, end } = self;
        *end = match next_chunk(body).await {
            Ok(Some(chunk)) => {
                lines.feed(&chunk, |line| watch::item(line, keep).map(|item| ready.push_back(item))).err()
            }
            Ok(None) => Some(lines.finish()),
            Err(_) => Some(End::Broken),
        };
    }
}

/// The next bytes of a body; none at its end in good order. A connection that breaks has cut it.
async fn next_chunk(body: &mut Body) -> Result<Option<Bytes>, Unusable> {
    loop {
        match body.frame().await {
            None => return Ok(None),
            // Trailers have no data.
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(_)) => return Err(Unusable::Truncated),
        }
    }
}

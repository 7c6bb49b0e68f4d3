//! One HTTP/2 connection and one call at a time on it, polled by whoever uses it, and bounded.

use std::future::{Future, poll_fn};
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::client::{Builder, Connection as Http2, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, Response, StatusCode};

use crate::dial::{Stream, Trouble};
use crate::link::Channel;
use crate::retry::Failure;

/// The largest list of headers, and of trailers, in bytes as HTTP/2 counts them.
const MAX_HEAD: u32 = 16 << 10;
/// The most that may wait in the connection for the peer's window to open.
const MAX_SEND_BUFFER: usize = 64 << 10;
/// The most bytes of an answer that are read: the bound that gRPC implementations have by default.
pub(super) const MAX_READ: u64 = 4 << 20;
/// The most bytes of an answer that are kept: only a few of them matter.
pub(super) const MAX_KEPT: usize = 16 << 10;
/// The most interim answers (1xx) before the answer. gRPC uses none.
const MAX_INTERIM: u32 = 16;
/// The most streams that are remembered after they were reset: there is one call at a time.
const MAX_RESET_STREAMS: usize = 2;

/// What was received of an answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The beginning of the body.
    pub(super) prefix: Vec<u8>,
    /// All of the body, in bytes.
    pub(super) received: u64,
    pub(super) trailers: Option<HeaderMap>,
    /// What kept the answer from its end.
    pub(super) trouble: Option<Trouble>,
}

/// A connection that can carry one call after another.
pub(super) struct Connection {
    sender: SendRequest<Bytes>,
    /// None once it has ended. Where writing fails, h2 tells the calls only when this is dropped; kept, it
    /// would let them wait for an answer until their time limit.
    link: Option<Http2<Stream, Bytes>>,
    /// Why it ended, where somebody said so and no call was told.
    end: Option<Trouble>,
    peer: IpAddr,
}

impl Connection {
    /// Moves the connection's bytes; ready when it has ended.
    fn poll_link(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(link) = &mut self.link {
            // What ends it also reaches the call that is under way, as an error of its own.
            self.end = ready!(Pin::new(link).poll(context)).err().map(|error| trouble(&error));
            self.link = None;
        }
        Poll::Ready(())
    }

    /// Why it cannot carry another call.
    pub(super) fn why_unusable(&mut self) -> Trouble {
        let silent = || Trouble::new(Failure::Disconnected, "it was closed before the call".to_owned());
        self.end.take().unwrap_or_else(silent)
    }

    /// Sends the parts of a message and receives the answer.
    pub(super) async fn call(&mut self, request: Request<()>, parts: [Bytes; 2]) -> Result<Answer, Trouble> {
        let (response, stream) = self.sender.send_request(request, false).map_err(|error| trouble(&error))?;
        let mut upload = pin!(upload(stream, parts));
        let mut receive = pin!(receive(response));
        let mut uploading = true;
        poll_fn(|context| {
            let _ = self.poll_link(context);
            // A peer may answer before it has read all; if it resets the stream, the answer says why.
            if uploading && upload.as_mut().poll(context).is_ready() {
                uploading = false;
            }
            receive.as_mut().poll(context)
        })
        .await
    }
}

impl Channel for Connection {
    /// Without waiting for the peer to speak HTTP/2 too; but no call is written before it has. A peer that ends the
    /// connection instead, because it wants a client certificate for example, is then heard: nothing that was written
    /// makes its last words a reset connection.
    async fn open(stream: Stream, peer: IpAddr) -> Result<Self, Trouble> {
        let (sender, link) = Builder::new()
            .enable_push(false)
            .max_header_list_size(MAX_HEAD)
            .max_send_buffer_size(MAX_SEND_BUFFER)
            .max_concurrent_reset_streams(MAX_RESET_STREAMS)
            .initial_max_send_streams(0)
            .handshake(stream)
            .await
            .map_err(|error| trouble(&error))?;
        Ok(Self { sender, link: Some(link), end: None, peer })
    }

    fn peer(&self) -> IpAddr {
        self.peer
    }

    async fn ended(&mut self) {
        poll_fn(|context| self.poll_link(context)).await;
    }

    async fn is_usable(&mut self) -> bool {
        poll_fn(|context| {
            if self.poll_link(context).is_ready() {
                return Poll::Ready(false);
            }
            self.sender.poll_ready(context).map(|ready| ready.is_ok())
        })
        .await
    }
}

/// Sends the parts as the peer's window allows.
async fn upload(mut stream: SendStream<Bytes>, parts: [Bytes; 2]) -> Result<(), h2::Error> {
    let [head, body] = parts;
    let empty = body.is_empty();
    send(&mut stream, head, empty).await?;
    if empty { Ok(()) } else { send(&mut stream, body, true).await }
}

async fn send(stream: &mut SendStream<Bytes>, mut part: Bytes, last: bool) -> Result<(), h2::Error> {
    while !part.is_empty() {
        stream.reserve_capacity(part.len());
        // None when the stream is closed: there is nobody to send to.
        let Some(room) = poll_fn(|context| stream.poll_capacity(context)).await.transpose()? else { break };
        let piece = part.split_to(room.min(part.len()));
        stream.send_data(piece, last && part.is_empty())?;
    }
    Ok(())
}

async fn receive(mut response: ResponseFuture) -> Result<Answer, Trouble> {
    let response = head(&mut response).await?;
    let (head, mut body) = response.into_parts();
    let mut answer = Answer {
        status: head.status,
        headers: head.headers,
        prefix: Vec::new(),
        received: 0,
        trailers: None,
        trouble: None,
    };
    answer.trouble = rest(&mut answer, &mut body).await.err();
    Ok(answer)
}

/// Waits for the head of the answer behind a bounded number of interim ones.
async fn head(response: &mut ResponseFuture) -> Result<Response<RecvStream>, Trouble> {
    let mut interim = 0;
    poll_fn(|context| {
        while let Poll::Ready(Some(Ok(_))) = response.poll_informational(context) {
            interim += 1;
            if interim > MAX_INTERIM {
                let detail = format!("more than {MAX_INTERIM} interim answers");
                return Poll::Ready(Err(Trouble::new(Failure::Protocol, detail)));
            }
        }
        Pin::new(&mut *response).poll(context).map_err(|error| trouble(&error))
    })
    .await
}

/// Receives body and trailers.
async fn rest(answer: &mut Answer, body: &mut RecvStream) -> Result<(), Trouble> {
    while let Some(data) = body.data().await {
        let data = data.map_err(|error| trouble(&error))?;
        answer.received += data.len() as u64;
        if answer.received > MAX_READ {
            let detail = format!("an answer longer than {MAX_READ} bytes");
            return Err(Trouble::new(Failure::Protocol, detail));
        }
        let room = data.len().min(MAX_KEPT - answer.prefix.len());
        answer.prefix.extend_from_slice(&data[..room]);
        // It fails only if more is given back than was taken.
        let _ = body.flow_control().release_capacity(data.len());
    }
    answer.trailers = body.trailers().await.map_err(|error| trouble(&error))?;
    Ok(())
}

/// Sorts what h2 says into the closed set of failures.
fn trouble(error: &h2::Error) -> Trouble {
    let failure = match error.get_io() {
        // h2 keeps the kind and the words of an I/O error, not its type; a socket has no error of this kind,
        // rustls gives every one of its own this kind.
        Some(io) if io.kind() == io::ErrorKind::InvalidData => Failure::Tls,
        Some(_) => Failure::Disconnected,
        // What the peer said (RST_STREAM, GOAWAY) is its way to end; the rest is what we cannot follow.
        None if error.is_remote() => Failure::Disconnected,
        None => Failure::Protocol,
    };
    Trouble::of(failure, error)
}

#[cfg(test)]
mod tests;

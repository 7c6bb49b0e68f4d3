//! One HTTP/1.1 connection: polled together with what happens on it, and bounded.

use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::task::Poll;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;

use crate::dial::{self, Stream, Trouble};
use crate::link::Channel;
use crate::retry::Failure;

/// The largest head of an answer, and the most of trailers, in bytes.
const MAX_HEAD: usize = 16 << 10;
/// The largest buffer for what the peer sends, in bytes.
const MAX_BUFFER: usize = 32 << 10;
/// The most headers in an answer.
const MAX_HEADERS: usize = 64;

/// Sorts what hyper says into the closed set of failures.
fn trouble(error: &hyper::Error) -> Trouble {
    let failure = if dial::is_tls(error) {
        Failure::Tls
    } else if error.is_parse() {
        Failure::Protocol
    } else {
        Failure::Disconnected
    };
    Trouble::of(failure, error)
}

/// A connection and the handle to send requests on it.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Moves the bytes; it must be polled whenever something is to happen.
    link: Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>,
    ended: bool,
    peer: IpAddr,
}

impl Connection {
    /// Does `work` and moves the connection's bytes meanwhile.
    pub(super) async fn drive<F: Future>(&mut self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|context| {
            // What ends the link reaches `work` as an error of its own.
            if !self.ended && self.link.as_mut().poll(context).is_ready() {
                self.ended = true;
            }
            work.as_mut().poll(context)
        })
        .await
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Trouble> {
        let response = self.sender.send_request(request);
        self.drive(response).await.map_err(|error| trouble(&error))
    }
}

impl Channel for Connection {
    async fn open(stream: Stream, peer: IpAddr) -> Result<Self, Trouble> {
        let (sender, link) = Builder::new()
            .max_buf_size(MAX_BUFFER)
            .max_header_size(MAX_HEAD)
            .max_headers(MAX_HEADERS)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| trouble(&error))?;
        Ok(Self { sender, link: Box::pin(link), ended: false, peer })
    }

    fn peer(&self) -> IpAddr {
        self.peer
    }

    async fn ended(&mut self) {
        if !self.ended {
            // Why it ended does not matter: nothing was asked.
            let _ = self.link.as_mut().await;
            self.ended = true;
        }
    }

    async fn is_usable(&mut self) -> bool {
        let Self { sender, link, ended, .. } = self;
        let mut ready = pin!(sender.ready());
        poll_fn(|context| {
            if *ended || link.as_mut().poll(context).is_ready() {
                *ended = true;
                return Poll::Ready(false);
            }
            ready.as_mut().poll(context).map(|ready| ready.is_ok())
        })
        .await
    }
}

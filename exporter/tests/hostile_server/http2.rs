//! An HTTP/2 peer made of bare frames, so that it can break every rule; it runs inside the test's own task.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read as _};
use std::sync::{Arc, Mutex};

use exporter::output::Settings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::client::{Backend, grpc};
use crate::server::{Peer, Seen};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

/// One frame on the wire.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    let mut out = vec![length[1], length[2], length[3], kind, flags];
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
    out
}

/// A header block in which nothing is compressed or indexed.
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in fields {
        out.push(0);
        for text in [name, value] {
            // A length of seven bits, and the rest of a longer one in base 128.
            match text.len().checked_sub(127) {
                None => out.push(u8::try_from(text.len()).expect("seven bits")),
                Some(mut rest) => {
                    out.push(127);
                    while rest >= 128 {
                        out.push(0x80 | u8::try_from(rest % 128).expect("seven bits"));
                        rest /= 128;
                    }
                    out.push(u8::try_from(rest).expect("seven bits"));
                }
            }
            out.extend_from_slice(text.as_bytes());
        }
    }
    out
}

pub(crate) fn headers(flags: u8, stream: u32, fields: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, flags | END_HEADERS, stream, &block(fields))
}

/// The head of an answer that is gRPC so far.
pub(crate) fn head(stream: u32) -> Vec<u8> {
    headers(0, stream, &[(":status", "200"), ("content-type", "application/grpc")])
}

pub(crate) fn data(stream: u32, bytes: &[u8]) -> Vec<u8> {
    frame(DATA, 0, stream, bytes)
}

/// A message with its prefix.
pub(crate) fn message(compressed: bool, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("short").to_be_bytes();
    [&[u8::from(compressed)], &length[..], body].concat()
}

/// Head, message and status.
pub(crate) fn answer(stream: u32, message: &[u8], trailers: &[(&str, &str)]) -> Vec<u8> {
    [head(stream), data(stream, message), headers(END_STREAM, stream, trailers)].concat()
}

/// A status and nothing else.
pub(crate) fn trailers_only(stream: u32, fields: &[(&str, &str)]) -> Vec<u8> {
    let head = [(":status", "200"), ("content-type", "application/grpc")];
    headers(END_STREAM, stream, &[&head[..], fields].concat())
}

pub(crate) fn ok(stream: u32) -> Vec<u8> {
    answer(stream, &message(false, b""), &[("grpc-status", "0")])
}

pub(crate) fn goaway(last: u32, code: u32) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
}

type Bytes = Arc<dyn Fn(u32) -> Vec<u8> + Send + Sync>;

/// What follows the bytes of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// The next request.
    GoOn,
    /// The end of the connection.
    Close,
    /// Its end by a reset of TCP.
    Cut,
    /// Nothing, until the client leaves.
    Stall,
    /// The second bytes, for ever, until the client leaves.
    Repeat,
}

/// Empty SETTINGS: how a server begins.
pub(crate) fn settings() -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[])
}

/// What the server does once it has read a request; the bytes depend on the stream.
#[derive(Clone)]
pub(crate) struct Act {
    pub(crate) bytes: Bytes,
    pub(crate) again: Bytes,
    pub(crate) then: Then,
}

impl fmt::Debug for Act {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.then.fmt(formatter)
    }
}

pub(crate) fn act(bytes: impl Fn(u32) -> Vec<u8> + Send + Sync + 'static, then: Then) -> Act {
    Act { bytes: Arc::new(bytes), again: Arc::new(|_| Vec::new()), then }
}

/// Writes the first bytes once and the second ones for ever.
pub(crate) fn endless(
    bytes: impl Fn(u32) -> Vec<u8> + Send + Sync + 'static,
    again: impl Fn(u32) -> Vec<u8> + Send + Sync + 'static,
) -> Act {
    Act { again: Arc::new(again), ..act(bytes, Then::Repeat) }
}

pub(crate) struct Server {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    script: VecDeque<Act>,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    /// Listens on a free port of loopback; each request takes one act, and later ones are answered `ok`.
    pub(crate) async fn bind(script: impl IntoIterator<Item = Act>) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.expect("a free port"), script)
    }

    pub(crate) fn on(listener: TcpListener, script: impl IntoIterator<Item = Act>) -> Self {
        Self { listener, tls: None, script: script.into_iter().collect(), seen: Arc::default() }
    }

    pub(crate) fn with_tls(mut self, acceptor: TlsAcceptor) -> Self {
        self.tls = Some(acceptor);
        self
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr().expect("bound"))
    }

    pub(crate) fn listener(&self) -> &TcpListener {
        &self.listener
    }

    pub(crate) fn seen(&self) -> Arc<Mutex<Seen>> {
        Arc::clone(&self.seen)
    }

    /// Serves one connection after the other, for ever.
    pub(crate) async fn serve(mut self) {
        loop {
            let (stream, _) = self.listener.accept().await.expect("accepts");
            // An answer in several frames must not wait for the client's acknowledgement of the first.
            stream.set_nodelay(true).expect("set");
            self.seen.lock().expect("sound").connections += 1;
            // A client that leaves is what many acts wait for.
            let _ = match self.tls.clone() {
                None => self.connection(stream).await,
                Some(acceptor) => match acceptor.accept(stream).await {
                    Ok(stream) => {
                        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
                        self.connection(stream).await
                    }
                    Err(error) => Err(error),
                },
            };
        }
    }

    async fn connection(&mut self, mut stream: impl Peer) -> io::Result<()> {
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).await?;
        assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        self.write(&mut stream, &settings()).await?;
        let mut body = Vec::new();
        loop {
            let (kind, flags, id, payload) = read_frame(&mut stream).await?;
            match kind {
                SETTINGS if flags & ACK == 0 => {
                    self.write(&mut stream, &frame(SETTINGS, ACK, 0, &[])).await?;
                }
                PING if flags & ACK == 0 => self.write(&mut stream, &frame(PING, ACK, 0, &payload)).await?,
                DATA => {
                    body.extend_from_slice(&payload);
                    if !payload.is_empty() {
                        let more = u32::try_from(payload.len()).expect("short").to_be_bytes();
                        let windows = [0, id].map(|id| frame(WINDOW_UPDATE, 0, id, &more)).concat();
                        self.write(&mut stream, &windows).await?;
                    }
                    if flags & END_STREAM != 0 {
                        let request = crate::server::Received { head: String::new(), body: unwrap(&body)? };
                        body.clear();
                        self.seen.lock().expect("sound").requests.push(request);
                        match self.act(&mut stream, id).await? {
                            Then::GoOn => {}
                            Then::Cut => return stream.reset(),
                            _ => return Ok(()),
                        }
                    }
                }
                _ => {}
            }
        }
    }

    async fn act(&mut self, stream: &mut impl Peer, id: u32) -> io::Result<Then> {
        let Act { bytes, again, then } = self.script.pop_front().unwrap_or_else(|| act(ok, Then::GoOn));
        self.write(stream, &bytes(id)).await?;
        match then {
            Then::GoOn | Then::Cut => {}
            Then::Close => stream.shutdown().await?,
            Then::Stall => while stream.read(&mut [0; 64]).await? > 0 {},
            Then::Repeat => loop {
                self.write(stream, &again(id)).await?;
            },
        }
        Ok(then)
    }

    async fn write(&self, stream: &mut impl Peer, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = stream.write(bytes).await?;
            self.seen.lock().expect("sound").written += written;
            bytes = &bytes[written..];
        }
        Ok(())
    }
}

impl Backend for Server {
    type Act = Act;

    async fn acting(act: Act) -> Self {
        Self::bind([act]).await
    }

    fn seen(&self) -> Arc<Mutex<Seen>> {
        self.seen()
    }

    fn settings(&self) -> Settings {
        grpc(&self.url())
    }

    async fn serve(self) {
        self.serve().await;
    }
}

async fn read_frame(stream: &mut impl Peer) -> io::Result<(u8, u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; usize::try_from(length).expect("24 bits")];
    stream.read_exact(&mut payload).await?;
    Ok((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
}

/// The message of a request, which must be one and whole, decompressed.
fn unwrap(body: &[u8]) -> io::Result<Vec<u8>> {
    let (prefix, message) = body.split_at(5);
    let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]);
    assert_eq!(usize::try_from(length).expect("32 bits"), message.len(), "one whole message");
    let mut plain = Vec::new();
    match prefix[0] {
        0 => plain.extend_from_slice(message),
        _ => drop(flate2::read::GzDecoder::new(message).read_to_end(&mut plain)?),
    }
    Ok(plain)
}

/// A server that answers whatever comes with these bytes, as one that speaks another protocol does.
pub(crate) async fn foreign(listener: &TcpListener, answer: &[u8]) {
    let (mut stream, _) = listener.accept().await.expect("accepts");
    let mut first = [0; 16];
    let _ = stream.read_exact(&mut first).await;
    let _ = stream.write_all(answer).await;
    let _ = stream.shutdown().await;
    while stream.read(&mut [0; 4_096]).await.is_ok_and(|read| read > 0) {}
}

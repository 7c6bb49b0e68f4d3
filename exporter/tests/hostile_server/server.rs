//! A backend on loopback that does with each request what a script says, good or bad, and keeps the good
//! requests. It runs inside the test's own task: nothing outlives a test.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use exporter::output::Settings;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::client::{Backend, settings};

/// What the server does once it has read a request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Writes these bytes and reads the next request.
    Answer(Vec<u8>),
    /// Writes these bytes and ends the connection.
    AnswerAndClose(Vec<u8>),
    /// Writes these bytes and cuts the connection with a reset.
    AnswerAndReset(Vec<u8>),
    /// Writes these bytes and nothing more, until the client leaves.
    AnswerAndStall(Vec<u8>),
    /// Writes the first bytes once and the second for ever, until the client leaves.
    Endless(Vec<u8>, Vec<u8>),
}

/// A request that was read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// Request line and headers, in lower case except for the values.
    pub(crate) head: String,
    /// The body after decompression.
    pub(crate) body: Vec<u8>,
}

impl Received {
    /// A header's value; its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }
}

/// What the server saw and did.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) requests: Vec<Received>,
    pub(crate) connections: usize,
    /// Bytes that the operating system took from the server.
    pub(crate) written: usize,
}

pub(crate) struct Server {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    script: VecDeque<Act>,
    seen: Arc<Mutex<Seen>>,
}

/// An answer with a body of that type; `extra` are whole header lines with their line ends.
pub(crate) fn answer(status: &str, content_type: &str, extra: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut out = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\n{extra}content-length: {length}\r\n\r\n"
    )
    .into_bytes();
    out.extend_from_slice(body);
    out
}

/// Full success.
pub(crate) fn ok() -> Vec<u8> {
    answer("200 OK", "application/x-protobuf", "", b"")
}

impl Server {
    /// Listens on a free port of loopback; each request takes one act, and later ones are answered `ok`.
    pub(crate) async fn bind(script: impl IntoIterator<Item = Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self::on(listener, script)
    }

    pub(crate) fn on(listener: TcpListener, script: impl IntoIterator<Item = Act>) -> Self {
        Self { listener, tls: None, script: script.into_iter().collect(), seen: Arc::default() }
    }

    pub(crate) fn with_tls(mut self, acceptor: TlsAcceptor) -> Self {
        self.tls = Some(acceptor);
        self
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("it is bound")
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1/metrics", self.address())
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
            self.seen.lock().expect("sound").connections += 1;
            // A client that leaves is what many acts wait for.
            let _ = match self.tls.clone() {
                None => self.connection(stream).await,
                Some(acceptor) => match acceptor.accept(stream).await {
                    Ok(stream) => self.connection(stream).await,
                    Err(error) => Err(error),
                },
            };
        }
    }

    async fn connection(&mut self, mut stream: impl Peer) -> io::Result<()> {
        loop {
            let Some(request) = read_request(&mut stream).await? else { return Ok(()) };
            let act = self.script.pop_front();
            self.seen.lock().expect("sound").requests.push(request);
            match act.unwrap_or_else(|| Act::Answer(ok())) {
                Act::Answer(bytes) => self.write(&mut stream, &bytes).await?,
                Act::AnswerAndClose(bytes) => {
                    self.write(&mut stream, &bytes).await?;
                    return stream.shutdown().await;
                }
                Act::AnswerAndReset(bytes) => {
                    self.write(&mut stream, &bytes).await?;
                    return stream.reset();
                }
                Act::AnswerAndStall(bytes) => {
                    self.write(&mut stream, &bytes).await?;
                    while stream.read(&mut [0; 64]).await? > 0 {}
                    return Ok(());
                }
                Act::Endless(head, chunk) => {
                    self.write(&mut stream, &head).await?;
                    loop {
                        self.write(&mut stream, &chunk).await?;
                    }
                }
            }
        }
    }

    async fn write(&self, stream: &mut impl Peer, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = stream.write(bytes).await?;
            self.seen.lock().expect("sound").written += written;
            bytes = &bytes[written..];
        }
        stream.flush().await
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
        settings(&self.url())
    }

    async fn serve(self) {
        self.serve().await;
    }
}

/// A connection that can be cut.
pub(crate) trait Peer: AsyncRead + AsyncWrite + Unpin {
    fn reset(self) -> io::Result<()>;
}

impl Peer for TcpStream {
    fn reset(self) -> io::Result<()> {
        self.set_zero_linger()
    }
}

impl Peer for tokio_rustls::server::TlsStream<TcpStream> {
    fn reset(self) -> io::Result<()> {
        self.into_inner().0.set_zero_linger()
    }
}

/// Reads one request; none at the end of the connection.
async fn read_request(stream: &mut impl Peer) -> io::Result<Option<Received>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && head.is_empty() => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    let head = String::from_utf8(head).expect("an ASCII head");
    let mut request = Received { head, body: Vec::new() };
    let length: usize = request.header("content-length").expect("a length").parse().expect("a number");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    request.body = match request.header("content-encoding") {
        None => body,
        Some("gzip") => {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut plain)?;
            plain
        }
        Some(other) => panic!("an encoding that nobody asked for: {other}"),
    };
    Ok(Some(request))
}

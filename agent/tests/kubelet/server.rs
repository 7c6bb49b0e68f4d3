//! A kubelet of a few lines on loopback: it records every request and connection, and answers as the test says, honestly
//! or not.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What it does with one request.
pub(crate) enum Answer {
    /// Writes this and waits for the next request.
    Whole(Vec<u8>),
    /// Writes this and ends the connection in good order.
    Cut(Vec<u8>),
    /// Writes this and resets the connection.
    Reset(Vec<u8>),
    /// Writes this, and then one byte after the other for ever.
    Loris(Vec<u8>),
    /// Writes the first, then the second again and again.
    Endless(Vec<u8>, Vec<u8>),
    /// Writes this, and then nothing for ever.
    Stall(Vec<u8>),
}

/// One request, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Everything up to the empty line.
    pub(crate) head: String,
}

impl Seen {
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

type Script = Box<dyn FnMut(&Seen) -> Answer + Send>;

#[derive(Default)]
struct Log {
    seen: Vec<Seen>,
    opened: usize,
    tls: Option<TlsAcceptor>,
    script: Option<Script>,
}

/// Its tasks end with it.
pub(crate) struct Server {
    address: SocketAddr,
    log: Arc<Mutex<Log>>,
    _accepting: JoinSet<()>,
}

impl Server {
    pub(crate) async fn start(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Log { tls, ..Log::default() }));
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, Arc::clone(&log)));
        Self { address, log, _accepting: accepting }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, requests are answered so.
    pub(crate) fn answers(&self, script: impl FnMut(&Seen) -> Answer + Send + 'static) {
        self.log().script = Some(Box::new(script));
    }

    /// Another process: it knows nothing of the sessions before.
    pub(crate) fn restart(&self, tls: TlsAcceptor) {
        self.log().tls = Some(tls);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.log().seen.clone()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.log().seen.iter().map(|seen| seen.path().to_owned()).collect()
    }

    pub(crate) fn opened(&self) -> usize {
        self.log().opened
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap()
    }
}

async fn accept(listener: TcpListener, log: Arc<Mutex<Log>>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let tls = {
            let mut log = log.lock().unwrap();
            log.opened += 1;
            log.tls.clone()
        };
        let log = Arc::clone(&log);
        connections.spawn(async move {
            match tls {
                None => serve(stream, &log).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, &log).await;
                    }
                }
            }
        });
    }
}

trait Link: AsyncRead + AsyncWrite + Unpin {
    fn reset(&self);
}

impl Link for TcpStream {
    fn reset(&self) {
        self.set_zero_linger().unwrap();
    }
}

impl Link for tokio_rustls::server::TlsStream<TcpStream> {
    fn reset(&self) {
        self.get_ref().0.reset();
    }
}

async fn serve(mut stream: impl Link, log: &Mutex<Log>) {
    let mut begun = Vec::new();
    while let Some(head) = read_head(&mut stream, &mut begun).await {
        let seen = Seen { head };
        let answer = {
            let mut log = log.lock().unwrap();
            log.seen.push(seen.clone());
            log.script.as_mut().expect("a request before there was an answer")(&seen)
        };
        if !give(&mut stream, answer).await {
            return;
        }
    }
}

/// Up to the empty line; none at the end of the connection.
async fn read_head(stream: &mut impl Link, begun: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = begun.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = begun.drain(..end + 4).collect();
            return Some(String::from_utf8(head).unwrap());
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => begun.extend_from_slice(&chunk[..read]),
        }
    }
}

/// Answers; whether another request may follow on this connection.
async fn give(stream: &mut impl Link, answer: Answer) -> bool {
    match answer {
        Answer::Whole(bytes) => return write(stream, &bytes).await,
        Answer::Cut(bytes) => {
            write(stream, &bytes).await;
            let _ = stream.shutdown().await;
        }
        Answer::Reset(bytes) => {
            write(stream, &bytes).await;
            stream.reset();
        }
        Answer::Loris(bytes) => {
            write(stream, &bytes).await;
            while write(stream, b" ").await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Answer::Endless(bytes, piece) => {
            write(stream, &bytes).await;
            while write(stream, &piece).await {}
        }
        Answer::Stall(bytes) => {
            write(stream, &bytes).await;
            let mut byte = [0];
            while stream.read(&mut byte).await.is_ok_and(|read| read > 0) {}
        }
    }
    false
}

async fn write(stream: &mut impl Link, bytes: &[u8]) -> bool {
    stream.write_all(bytes).await.is_ok() && stream.flush().await.is_ok()
}

pub(crate) const JSON: &str = "content-type: application/json\r\n";

/// A whole answer.
pub(crate) fn answer(code: u16, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {code} X\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

pub(crate) const SUMMARY: &str = include_str!("../fixtures/kubelet/summary-1.36.json");
pub(crate) const PODS: &str = include_str!("../fixtures/kubelet/pods-1.36.json");

/// As by a kubelet that is well.
pub(crate) fn well(seen: &Seen) -> Answer {
    Answer::Whole(answer(200, JSON, if seen.path() == "/pods" { PODS } else { SUMMARY }))
}

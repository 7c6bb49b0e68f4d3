//! An HTTP/1.1 server on loopback that records every request and answers as the test says, honestly or not.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What the server does with one request.
pub(crate) enum Answer {
    /// Writes this and waits for the next request.
    Whole(Vec<u8>),
    /// Writes this and ends the connection in good order.
    Cut(Vec<u8>),
    /// Writes this and resets the connection.
    Reset(Vec<u8>),
    /// Writes this, and then nothing for ever.
    Stall(Vec<u8>),
    /// Writes this, then one byte after the other for ever.
    Loris(Vec<u8>, u8),
    /// Writes the first, then the second again and again.
    Endless(Vec<u8>, Vec<u8>),
    /// Writes this, then what the test sends; the end is that of the connection.
    Stream(Vec<u8>, mpsc::Receiver<Vec<u8>>),
}

/// One request, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Everything up to the empty line.
    pub(crate) head: String,
    /// The connection, counted from zero.
    pub(crate) connection: usize,
}

impl Seen {
    /// Method, path and parameters.
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap().strip_suffix(" HTTP/1.1").unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.line() {
            line if line.contains("/daemonsets/") => Kind::Size,
            line if line.contains("watch=true") => Kind::Watch,
            _ => Kind::List,
        }
    }
}

/// The three requests that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Size,
    List,
    Watch,
}

type Script = Box<dyn FnMut(&Seen) -> Answer + Send>;

#[derive(Default)]
struct Log {
    seen: Vec<Seen>,
    /// Connections that were opened, and those that the client has closed.
    opened: usize,
    closed: Vec<usize>,
    /// Bytes that were written.
    written: u64,
    script: Option<Script>,
}

/// The server's tasks, which end with it.
pub(crate) struct Server {
    address: SocketAddr,
    log: Arc<Mutex<Log>>,
    _accepting: JoinSet<()>,
}

impl Server {
    pub(crate) async fn start(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Log::default()));
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, tls, Arc::clone(&log)));
        Self { address, log, _accepting: accepting }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, requests are answered so.
    pub(crate) fn answers(&self, script: impl FnMut(&Seen) -> Answer + Send + 'static) {
        self.log.lock().unwrap().script = Some(Box::new(script));
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.log.lock().unwrap().seen.clone()
    }

    pub(crate) fn kinds(&self) -> Vec<Kind> {
        self.log.lock().unwrap().seen.iter().map(Seen::kind).collect()
    }

    pub(crate) fn opened(&self) -> usize {
        self.log.lock().unwrap().opened
    }

    pub(crate) fn is_closed(&self, connection: usize) -> bool {
        self.log.lock().unwrap().closed.contains(&connection)
    }

    pub(crate) fn written(&self) -> u64 {
        self.log.lock().unwrap().written
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, log: Arc<Mutex<Log>>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let connection = {
            let mut log = log.lock().unwrap();
            log.opened += 1;
            log.opened - 1
        };
        let (tls, log) = (tls.clone(), Arc::clone(&log));
        connections.spawn(async move {
            match tls {
                None => serve(stream, connection, &log).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, connection, &log).await;
                    }
                }
            }
        });
    }
}

/// What a test's stream can do beyond reading and writing.
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

async fn serve(mut stream: impl Link, connection: usize, log: &Mutex<Log>) {
    let mut begun = Vec::new();
    loop {
        let Some(head) = read_head(&mut stream, &mut begun).await else { break };
        let seen = Seen { head, connection };
        let answer = {
            let mut log = log.lock().unwrap();
            log.seen.push(seen.clone());
            log.script.as_mut().expect("a request before there was an answer")(&seen)
        };
        if !give(&mut stream, answer, log).await {
            break;
        }
    }
    log.lock().unwrap().closed.push(connection);
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
async fn give(stream: &mut impl Link, answer: Answer, log: &Mutex<Log>) -> bool {
    match answer {
        Answer::Whole(bytes) => write(stream, &bytes, log).await,
        Answer::Cut(bytes) => {
            write(stream, &bytes, log).await;
            let _ = stream.shutdown().await;
            false
        }
        Answer::Reset(bytes) => {
            write(stream, &bytes, log).await;
            stream.reset();
            false
        }
        Answer::Stall(bytes) => {
            write(stream, &bytes, log).await;
            until_closed(stream).await;
            false
        }
        Answer::Loris(bytes, byte) => {
            write(stream, &bytes, log).await;
            while write(stream, &[byte], log).await {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            false
        }
        Answer::Endless(bytes, piece) => {
            write(stream, &bytes, log).await;
            while write(stream, &piece, log).await {}
            false
        }
        Answer::Stream(bytes, mut pieces) => {
            write(stream, &bytes, log).await;
            loop {
                tokio::select! {
                    piece = pieces.recv() => match piece {
                        Some(piece) => if !write(stream, &piece, log).await { return false },
                        None => return false,
                    },
                    () = until_closed(stream) => return false,
                }
            }
        }
    }
}

async fn write(stream: &mut impl Link, bytes: &[u8], log: &Mutex<Log>) -> bool {
    let written = stream.write_all(bytes).await.is_ok() && stream.flush().await.is_ok();
    if written {
        log.lock().unwrap().written += bytes.len() as u64;
    }
    written
}

/// Until the client closes; it has nothing to say meanwhile.
async fn until_closed(stream: &mut impl Link) {
    let mut byte = [0];
    assert!(matches!(stream.read(&mut byte).await, Ok(0) | Err(_)), "a request while one is being answered");
}

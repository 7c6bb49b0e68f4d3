//! An OTLP/HTTP receiver on loopback: what the demo and the real tier send metrics to.
//!
//! It may bind one listening socket and run one thread, both owned by the handle and gone once it is dropped.
//! Invariant: a request is acknowledged only after it was decoded whole and handed to the sink; whatever is
//! refused (size, encoding, path, malformed body) is answered with the HTTP status that says why and counted.

use std::convert::Infallible;
use std::io::Read;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::SystemTime;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

#[cfg(test)]
mod tests;

/// The largest request body taken, compressed and decompressed: OTLP's own limit of 64 MiB.
pub const MAX_BODY: usize = 64 << 20;

/// How many connections may be open at a time; later ones wait in the listen queue.
const MAX_CONNECTIONS: usize = 64;

const PROTOBUF: &str = "application/x-protobuf";

/// One decoded request and what it cost to carry.
#[derive(Debug, Clone)]
pub struct Received {
    /// When the whole body had arrived.
    pub at: SystemTime,
    /// The length of the body as sent, that is compressed, in bytes.
    pub wire_bytes: usize,
    /// The length of the decompressed protobuf in bytes.
    pub body_bytes: usize,
    /// The decoded request.
    pub request: ExportMetricsServiceRequest,
}

/// What a receiver has seen since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests decoded and handed to the sink.
    pub requests: u64,
    /// Requests answered with an error.
    pub refused: u64,
    /// The bodies of accepted requests as sent, in bytes.
    pub wire_bytes: u64,
    /// Everything read from sockets, with headers, in bytes.
    pub socket_bytes: u64,
}

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    refused: AtomicU64,
    wire_bytes: AtomicU64,
    socket_bytes: AtomicU64,
}

impl Counters {
    fn totals(&self) -> Totals {
        Totals {
            requests: self.requests.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            wire_bytes: self.wire_bytes.load(Ordering::Relaxed),
            socket_bytes: self.socket_bytes.load(Ordering::Relaxed),
        }
    }
}

type Sink = Arc<dyn Fn(Received) + Send + Sync>;

/// A running receiver. Dropping it closes the socket and joins its thread.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    counters: Arc<Counters>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Listens on `address` (port 0 lets the system choose) and hands every decoded request to `sink`, which
    /// runs on the receiver's thread and should be quick.
    ///
    /// # Errors
    /// When the address cannot be bound or the thread cannot be started.
    pub fn start(
        address: SocketAddr,
        sink: impl Fn(Received) + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let counters = Arc::new(Counters::default());
        let (stop, stopped) = watch::channel(false);
        let state = State { sink: Arc::new(sink), counters: Arc::clone(&counters) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("otlp-receiver".into()).spawn(move || {
            // A listener that cannot be registered serves nothing; its peers see a refused connection.
            runtime.block_on(async move {
                if let Ok(listener) = TcpListener::from_std(listener) {
                    accept(listener, state, stopped).await;
                }
            });
        })?;
        Ok(Self { address, counters, stop, thread: Some(thread) })
    }

    /// Listens on a free loopback port.
    ///
    /// # Errors
    /// As [`Receiver::start`].
    pub fn loopback(sink: impl Fn(Received) + Send + Sync + 'static) -> std::io::Result<Self> {
        Self::start(SocketAddr::from(([127, 0, 0, 1], 0)), sink)
    }

    /// The bound address.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// `http://address`, the endpoint to put into a configuration.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has been received so far.
    pub fn totals(&self) -> Totals {
        self.counters.totals()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // A panic of the sink has already been printed by the panic hook.
            drop(thread.join());
        }
    }
}

#[derive(Clone)]
struct State {
    sink: Sink,
    counters: Arc<Counters>,
}

async fn accept(listener: TcpListener, state: State, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => {
                // A failed accept (a peer gone already, no descriptor left) concerns that peer only.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve(stream, state.clone()));
                }
            }
        }
    }
}

async fn serve(stream: TcpStream, state: State) {
    let io = TokioIo::new(Counted { stream, counters: Arc::clone(&state.counters) });
    let service = service_fn(move |request| {
        let state = state.clone();
        async move { Ok::<_, Infallible>(respond(request, &state).await) }
    });
    // The peer may close a connection at any time; what it had sent whole is already with the sink.
    drop(hyper::server::conn::http1::Builder::new().serve_connection(io, service).await);
}

async fn respond(request: Request<Incoming>, state: &State) -> Response<Full<Bytes>> {
    match take(request).await {
        Ok(received) => {
            state.counters.requests.fetch_add(1, Ordering::Relaxed);
            state.counters.wire_bytes.fetch_add(received.wire_bytes as u64, Ordering::Relaxed);
            (state.sink)(received);
            let body = ExportMetricsServiceResponse { partial_success: None }.encode_to_vec();
            answer(StatusCode::OK, PROTOBUF, body.into())
        }
        Err((status, why)) => {
            state.counters.refused.fetch_add(1, Ordering::Relaxed);
            answer(status, "text/plain", why.into())
        }
    }
}

fn answer(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(content_type));
    response
}

type Refusal = (StatusCode, &'static str);

async fn take(request: Request<Incoming>) -> Result<Received, Refusal> {
    if request.uri().path() != "/v1/metrics" {
        return Err((StatusCode::NOT_FOUND, "only /v1/metrics is served"));
    }
    if request.method() != Method::POST {
        return Err((StatusCode::METHOD_NOT_ALLOWED, "POST only"));
    }
    if request.headers().get(CONTENT_TYPE).is_none_or(|value| value.as_bytes() != PROTOBUF.as_bytes()) {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "application/x-protobuf only"));
    }
    let gzip = match request.headers().get(CONTENT_ENCODING).map(hyper::header::HeaderValue::as_bytes) {
        None | Some(b"identity" | b"") => false,
        Some(b"gzip") => true,
        Some(_) => return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "gzip or identity only")),
    };
    let body = Limited::new(request.into_body(), MAX_BODY)
        .collect()
        .await
        .map_err(|_| (StatusCode::PAYLOAD_TOO_LARGE, "body cut short or above 64 MiB"))?
        .to_bytes();
    let at = SystemTime::now();
    let wire_bytes = body.len();
    let body = if gzip { Bytes::from(inflate(&body, MAX_BODY)?) } else { body };
    let request = ExportMetricsServiceRequest::decode(body.as_ref())
        .map_err(|_| (StatusCode::BAD_REQUEST, "not an ExportMetricsServiceRequest"))?;
    Ok(Received { at, wire_bytes, body_bytes: body.len(), request })
}

/// Decompresses at most `limit` bytes.
fn inflate(compressed: &[u8], limit: usize) -> Result<Vec<u8>, Refusal> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(compressed)
        .take(limit as u64 + 1)
        .read_to_end(&mut plain)
        .map_err(|_| (StatusCode::BAD_REQUEST, "not a gzip stream"))?;
    if plain.len() > limit {
        return Err((StatusCode::PAYLOAD_TOO_LARGE, "decompresses to more than 64 MiB"));
    }
    Ok(plain)
}

/// A connection that counts what is read from it.
struct Counted {
    stream: TcpStream,
    counters: Arc<Counters>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.counters.socket_bytes.fetch_add((buffer.filled().len() - before) as u64, Ordering::Relaxed);
        result
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

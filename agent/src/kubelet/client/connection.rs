//! One connection to the kubelet.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use super::Trouble;

/// What hyper buffers, heads included, in bytes.
const MAX_BUFFER: usize = 16 << 10;
/// The most headers in an answer.
const MAX_HEADERS: usize = 64;
/// A connection that was idle for longer is not used: the kubelet closes it after 90 s, and a request that meets the end
/// would be one that nobody can say what came of.
const MAX_IDLE: Duration = Duration::from_secs(80);

/// A connection; dropping it closes it.
pub(super) struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    /// What reads and writes.
    _driver: JoinSet<()>,
    used: Instant,
    resumed: bool,
}

impl Connection {
    /// Opens one, with TLS if there is a configuration for it. The name in the certificate is the address.
    pub(super) async fn open(address: SocketAddr, tls: Option<Arc<ClientConfig>>) -> Result<Self, Trouble> {
        let stream = TcpStream::connect(address).await.map_err(|error| Trouble::connect(&error))?;
        stream.set_nodelay(true).map_err(|error| Trouble::connect(&error))?;
        let Some(tls) = tls else { return Self::over(stream, false).await };
        let name = ServerName::from(address.ip());
        let stream = TlsConnector::from(tls).connect(name, stream).await;
        let stream = stream.map_err(|error| Trouble::Tls { what: error.to_string() })?;
        let resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
        Self::over(stream, resumed).await
    }

    async fn over(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        resumed: bool,
    ) -> Result<Self, Trouble> {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(MAX_BUFFER).max_headers(MAX_HEADERS);
        let connected = builder.handshake(TokioIo::new(stream)).await;
        let (sender, connection) = connected.map_err(|error| Trouble::lost(&error))?;
        let mut driver = JoinSet::new();
        // How it ends is seen by the request that it ends with, or by nobody.
        driver.spawn(async move { drop(connection.await) });
        Ok(Self { sender, _driver: driver, used: Instant::now(), resumed })
    }

    /// Whether a request can be sent on it, once the answer before is out of the way.
    pub(super) async fn is_usable(&mut self) -> bool {
        self.used.elapsed() < MAX_IDLE && self.sender.ready().await.is_ok()
    }

    /// Whether the other end is known to be the process that was connected before.
    pub(super) const fn is_same_process(&self) -> bool {
        self.resumed
    }

    /// Sends a request; the head of its answer.
    pub(super) async fn send(&mut self, request: Request<Empty<Bytes>>) -> hyper::Result<Response<Incoming>> {
        self.used = Instant::now();
        self.sender.send_request(request).await
    }
}

//! The socket and its connections, which come and go with the server's health.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::Shared;
use super::answer::respond;
use super::health::Health;

/// A client that has not greeted by then is let go.
const GREETING: Duration = Duration::from_secs(10);

/// Connections that wait to be taken: a whole fleet may come at once.
const BACKLOG: u32 = 4_096;

/// When the port is tried again that somebody else has taken meanwhile.
const AGAIN: Duration = Duration::from_millis(50);

/// The task that owns the socket and every connection.
pub(super) struct Listening {
    address: SocketAddr,
    listener: Option<TcpListener>,
    tls: TlsAcceptor,
    shared: Arc<Shared>,
    health: watch::Receiver<Health>,
}

impl Listening {
    /// Binds the socket.
    pub(super) fn new(
        address: SocketAddr,
        tls: Arc<ServerConfig>,
        shared: Arc<Shared>,
    ) -> std::io::Result<Self> {
        let listener = bind(address)?;
        let address = listener.local_addr()?;
        let health = shared.health.subscribe();
        Ok(Self { address, listener: Some(listener), tls: tls.into(), shared, health })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is dropped.
    pub(super) async fn run(mut self) {
        let mut connections = JoinSet::new();
        loop {
            let health = *self.health.borrow_and_update();
            if !health.listens() {
                self.listener = None;
            } else if self.listener.is_none() {
                self.listener = bind(self.address).ok();
            }
            if health == Health::Down {
                connections.shutdown().await;
            }
            tokio::select! {
                changed = self.health.changed() => if changed.is_err() { return },
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                () = tokio::time::sleep(AGAIN), if self.listener.is_none() && health.listens() => {}
                accepted = accept(self.listener.as_ref()), if self.listener.is_some() => {
                    // A failed accept concerns that peer only.
                    if let Some(stream) = accepted {
                        connections.spawn(serve(stream, self.tls.clone(), Arc::clone(&self.shared)));
                    }
                }
            }
        }
    }
}

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // The port is the same after a time in which nobody listened.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn accept(listener: Option<&TcpListener>) -> Option<TcpStream> {
    let (stream, _) = listener?.accept().await.ok()?;
    Some(stream)
}

async fn serve(stream: TcpStream, tls: TlsAcceptor, shared: Arc<Shared>) {
    // Without it the kernel waits for more before it sends a short answer; nothing else depends on it.
    drop(stream.set_nodelay(true));
    let Ok(Ok(stream)) = tokio::time::timeout(GREETING, tls.accept(stream)).await else { return };
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(respond(shared, request).await) }
    });
    // The peer may close a connection at any time; what it asked is counted.
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).max_buf_size(16 << 10);
    drop(http.serve_connection(TokioIo::new(stream), service).await);
}

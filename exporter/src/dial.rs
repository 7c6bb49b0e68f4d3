//! Opens connections to one backend, whatever is spoken over them: look-up, TCP, proxy, TLS.
//!
//! Invariant: every way in which this fails ends in one [`Trouble`], whose text is fit for a log.

use std::error::Error;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::endpoint::{self, Endpoint};
use crate::last_words::LastWords;
use crate::output::{Protocol, Settings};
use crate::proxy::{Server, tunnel};
use crate::resolve::{Names, View};
use crate::retry::Failure;
use crate::{text, tls};

/// How long a connection is silent before the kernel asks whether the peer is still there, and how often
/// it asks: a peer that vanished is noticed between two scrapes, and state in middle boxes stays alive.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// The unanswered questions after which the kernel ends the connection.
const KEEP_ALIVE_PROBES: u32 = 3;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) failure: Failure,
    /// What the layer below said, fit for a log.
    pub(crate) detail: String,
}

impl Trouble {
    pub(crate) const fn new(failure: Failure, detail: String) -> Self {
        Self { failure, detail }
    }

    pub(crate) fn of(failure: Failure, error: &dyn Error) -> Self {
        Self::new(failure, text::chain(error))
    }
}

/// Whether TLS is the cause: a peer may refuse our certificate only after the handshake (TLS 1.3).
pub(crate) fn is_tls(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<rustls::Error>() {
            return true;
        }
        // An I/O error's source is the cause of what it wraps, not the wrapped error itself.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    false
}

/// What a protocol is spoken over: TCP, or TLS over it.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection before any protocol is spoken on it. Boxed, so that each protocol is compiled once.
pub(crate) type Stream = Box<dyn Duplex>;

/// Opens connections to one backend.
pub(crate) struct Dialer {
    /// Of the proxy, where there is one; otherwise of the backend.
    names: Names,
    host: String,
    port: u16,
    /// The endpoint, for people.
    shown: String,
    /// The time for all attempts together, of which each address gets its share.
    limit: Duration,
    tls: Option<Tls>,
    via: Option<Via>,
}

/// The proxy on the way.
struct Via {
    server: Server,
    /// With the proxy itself.
    tls: Option<Tls>,
    /// Whether it is asked for a way to the backend; else it is sent requests to pass on.
    tunnel: bool,
}

/// TLS with one peer and where it came from, so that it can be read anew.
struct Tls {
    settings: tls::Settings,
    host: String,
    alpn: &'static [u8],
    client: tls::Client,
}

impl Tls {
    fn new(settings: tls::Settings, host: &str, alpn: &'static [u8]) -> Result<Self, tls::Error> {
        let client = tls::client(&settings, host, &[alpn])?;
        Ok(Self { settings, host: host.to_owned(), alpn, client })
    }

    fn renew(&mut self) {
        if let Ok(client) = tls::client(&self.settings, &self.host, &[self.alpn]) {
            self.client = client;
        }
    }

    async fn connect(&self, stream: Stream) -> io::Result<Stream> {
        let connector = TlsConnector::from(Arc::clone(&self.client.config));
        Ok(Box::new(LastWords::new(connector.connect(self.client.name.clone(), stream).await?)))
    }
}

impl Via {
    /// The way through `server`. Its certificate is checked as the backend's is; ours is for the backend alone.
    fn new(server: &Server, settings: &Settings, tunnel: bool) -> Result<Self, tls::Error> {
        let trust = || tls::Settings { ca: settings.tls.ca.clone(), ..tls::Settings::default() };
        let tls = server.secure.then(|| Tls::new(trust(), &server.host, b"http/1.1")).transpose()?;
        Ok(Self { server: server.clone(), tls, tunnel })
    }

    /// Speaks with the proxy on a fresh connection until the stream leads to the backend.
    async fn pass(&self, mut stream: Stream, host: &str, port: u16) -> Result<Stream, Trouble> {
        if let Some(tls) = &self.tls {
            stream = tls.connect(stream).await.map_err(|error| {
                Trouble::new(Failure::Tls, format!("by the proxy: {}", text::chain(&error)))
            })?;
        }
        if self.tunnel {
            tunnel::open(&mut stream, &self.server, host, port).await?;
        }
        Ok(stream)
    }
}

impl Dialer {
    /// Prepares; nothing is sent. TLS files and system roots are read for https only.
    pub(crate) fn new(
        endpoint: &Endpoint,
        settings: &Settings,
        alpn: &'static [u8],
    ) -> Result<Self, endpoint::Error> {
        let Endpoint { secure, host, port, shown, .. } = endpoint;
        let tls = secure.then(|| Tls::new(settings.tls.clone(), host, alpn)).transpose()?;
        let grpc = settings.protocol == Protocol::Grpc;
        let server = settings.proxy.as_ref().and_then(|proxy| proxy.server(endpoint, grpc));
        let via = server.map(|server| Via::new(server, settings, *secure || grpc)).transpose()?;
        let names = Names::new(server.map_or(host, |server| &server.host), &settings.resolve);
        let (host, shown) = (host.clone(), shown.clone());
        Ok(Self { names, host, port: *port, shown, limit: settings.timeout, tls, via })
    }

    /// The proxy on the way, for people.
    pub(crate) fn proxy(&self) -> Option<&str> {
        self.via.as_ref().map(|via| &*via.server.shown)
    }

    /// The proxy to which requests are sent as they are, for it to pass on; none where connections lead to the
    /// backend.
    pub(crate) fn forwards(&self) -> Option<&Server> {
        self.via.as_ref().filter(|via| !via.tunnel).map(|via| &via.server)
    }

    /// What came of an exchange in `protocol`, in one line.
    pub(crate) fn describe(&self, trouble: &Trouble, protocol: &str) -> String {
        let Self { host, shown, limit, .. } = self;
        let detail = &trouble.detail;
        let through = self.proxy().map_or_else(String::new, |proxy| format!(" through the proxy {proxy}"));
        match trouble.failure {
            Failure::Resolve => {
                let name = self.via.as_ref().map_or(host, |via| &via.server.host);
                format!("cannot resolve {name}: {detail}")
            }
            Failure::Connect => format!("cannot connect to {shown}{through}: {detail}"),
            Failure::Proxy => format!("no way to {shown}{through}: {detail}"),
            Failure::Tls => format!("TLS with {shown}{through} failed: {detail}"),
            Failure::Timeout => format!("{shown} did not answer{through} within {limit:?}"),
            Failure::Protocol => format!("{shown} does not answer{through} as {protocol} server: {detail}"),
            _ => format!("{shown} ended the connection{through} before it answered: {detail}"),
        }
    }

    /// Whether a client certificate is presented, which may be another one by now.
    pub(crate) fn has_identity(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.settings.identity.is_some())
    }

    /// Authorities and certificates rotate: after a failure of TLS, the next attempt is made with what is
    /// there then. (With TLS 1.3 a peer refuses our certificate only after the handshake.)
    pub(crate) fn learn(&mut self, trouble: &Trouble) {
        if trouble.failure == Failure::Tls {
            self.renew();
        }
    }

    /// Reads the files of TLS anew. While they cannot be used, what was read before stays in use: whoever
    /// replaces certificate and key does so one after the other.
    pub(crate) fn renew(&mut self) {
        let with_proxy = self.via.as_mut().and_then(|via| via.tls.as_mut());
        self.tls.iter_mut().chain(with_proxy).for_each(Tls::renew);
    }

    /// What is known about the backend's name.
    pub(crate) fn view(&self) -> View {
        self.names.view()
    }

    /// Whether a connection to `peer` is one to the backend still: its name may have moved.
    pub(crate) fn holds(&self, peer: IpAddr) -> bool {
        self.names.holds(peer)
    }

    /// Does `work`, and follows the backend's name in the background.
    pub(crate) async fn beside<F: Future>(&mut self, work: F) -> F::Output {
        self.names.beside(work).await
    }

    /// Follows the backend's name until it has other addresses. May be dropped and called again.
    pub(crate) async fn moved(&mut self) {
        self.names.changed().await;
    }

    /// Connects; the addresses are tried in turn. Also says which of them it is.
    pub(crate) async fn dial(&mut self) -> Result<(Stream, IpAddr), Trouble> {
        let addresses = self.names.addresses().await;
        let addresses = addresses.map_err(|error| Trouble::new(Failure::Resolve, error))?;
        let port = self.via.as_ref().map_or(self.port, |via| via.server.port);
        let attempt = connect(&addresses, port, self.limit);
        let (stream, peer) = match self.names.beside(attempt).await {
            Ok(connected) => connected,
            Err(trouble) => {
                self.names.distrust();
                return Err(trouble);
            }
        };
        prepare(&stream).map_err(|error| Trouble::of(Failure::Connect, &error))?;
        let mut stream: Stream = Box::new(stream);
        if let Some(via) = &self.via {
            stream = via.pass(stream, &self.host, self.port).await?;
        }
        if let Some(tls) = &self.tls {
            stream = tls.connect(stream).await.map_err(|error| Trouble::of(Failure::Tls, &error))?;
        }
        Ok((stream, peer))
    }
}

/// Tries the addresses in turn, each with its share of the time.
async fn connect(addresses: &[IpAddr], port: u16, limit: Duration) -> Result<(TcpStream, IpAddr), Trouble> {
    let share = limit / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match timeout(share, TcpStream::connect(SocketAddr::new(*address, port))).await {
            Ok(Ok(stream)) => return Ok((stream, *address)),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::Error::from(io::ErrorKind::TimedOut),
        }
    }
    Err(Trouble::of(Failure::Connect, &last))
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    // Requests are written in one go; waiting for more to fill a packet would only delay them.
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, KEEP_ALIVE)?;
    sockopt::set_tcp_keepintvl(stream, KEEP_ALIVE)?;
    sockopt::set_tcp_keepcnt(stream, KEEP_ALIVE_PROBES)?;
    Ok(())
}

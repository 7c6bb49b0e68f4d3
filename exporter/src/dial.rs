//! Opens connections to one backend, whatever is spoken over them: look-up, TCP, TLS.
//!
//! Invariant: every way in which this fails ends in one [`Trouble`], whose text is fit for a log.

use std::error::Error;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rustix::net::sockopt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::endpoint::{self, Endpoint};
use crate::output::Settings;
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

    /// What came of an exchange with `shown` (at the name `host`, spoken to in `protocol`), in one line.
    pub(crate) fn describe(&self, host: &str, shown: &str, protocol: &str, limit: Duration) -> String {
        let detail = &self.detail;
        match self.failure {
            Failure::Resolve => format!("cannot resolve {host}: {detail}"),
            Failure::Connect => format!("cannot connect to {shown}: {detail}"),
            Failure::Tls => format!("TLS with {shown} failed: {detail}"),
            Failure::Timeout => format!("{shown} did not answer within {limit:?}"),
            Failure::Protocol => format!("{shown} does not answer as {protocol} server: {detail}"),
            _ => format!("{shown} ended the connection before it answered: {detail}"),
        }
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
pub(crate) trait Link: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Link for T {}

/// A connection before any protocol is spoken on it. Boxed, so that each protocol is compiled once.
pub(crate) type Stream = Box<dyn Link>;

/// Opens connections to one backend.
pub(crate) struct Dialer {
    names: Names,
    host: String,
    port: u16,
    /// The time for all attempts together, of which each address gets its share.
    limit: Duration,
    tls: Option<Tls>,
}

/// TLS and where it came from, so that it can be read anew.
struct Tls {
    settings: tls::Settings,
    alpn: &'static [u8],
    client: tls::Client,
}

impl Dialer {
    /// Prepares; nothing is sent. TLS files and system roots are read for https only.
    pub(crate) fn new(
        endpoint: &Endpoint,
        settings: &Settings,
        alpn: &'static [u8],
    ) -> Result<Self, endpoint::Error> {
        let host = endpoint.host.clone();
        let tls = if endpoint.secure {
            let client = tls::client(&settings.tls, &host, &[alpn])?;
            Some(Tls { settings: settings.tls.clone(), alpn, client })
        } else {
            None
        };
        let names = Names::new(&host, &settings.resolve);
        Ok(Self { names, host, port: endpoint.port, limit: settings.timeout, tls })
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
        if let Some(tls) = &mut self.tls
            && let Ok(client) = tls::client(&tls.settings, &self.host, &[tls.alpn])
        {
            tls.client = client;
        }
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
        let attempt = connect(&addresses, self.port, self.limit);
        let (stream, peer) = match self.names.beside(attempt).await {
            Ok(connected) => connected,
            Err(trouble) => {
                self.names.distrust();
                return Err(trouble);
            }
        };
        prepare(&stream).map_err(|error| Trouble::of(Failure::Connect, &error))?;
        let Some(tls) = &self.tls else { return Ok((Box::new(stream), peer)) };
        let connector = TlsConnector::from(tls.client.config.clone());
        match connector.connect(tls.client.name.clone(), stream).await {
            Ok(stream) => Ok((Box::new(stream), peer)),
            Err(error) => Err(Trouble::of(Failure::Tls, &error)),
        }
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

//! What the loop of an output needs of a protocol, and the choice between the two there are.

use std::future::Future;

use crate::compress::Payload;
use crate::endpoint::Error;
use crate::grpc::Grpc;
use crate::http::Http;
use crate::output;
use crate::output::stdout::Stdout;
use crate::output::{Protocol, Settings};
use crate::resolve::View;
use crate::retry::Outcome;

/// What came of one exchange.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) outcome: Outcome,
    /// What to tell people: always there for a failure; for a success where the backend had a remark or
    /// its answer could not be understood.
    pub(crate) remark: Option<String>,
    /// Whether the request was handed to a connection.
    pub(crate) handed_over: bool,
    /// Acknowledged, but with a body that could not be read or understood.
    pub(crate) unreadable: bool,
}

/// One way to a backend, for one exchange at a time.
pub(crate) trait Transport {
    /// Sends one request and reads the answer, within the transport's own time limit. Dropping the future
    /// ends the connection.
    fn send(&mut self, payload: &Payload) -> impl Future<Output = Reply> + Send;

    /// Reads the credentials that come from files anew (headers are read for each exchange anyway, the
    /// client certificate is not) and ends the kept connection. Whether there are any: if not, sending the
    /// same again is of no use.
    fn renew(&mut self) -> bool;

    /// Watches the kept connection while there is nothing to send, so that one that the peer ended is
    /// noticed. Never returns; may be dropped at any time.
    fn idle(&mut self) -> impl Future<Output = ()> + Send;
}

/// The protocol that the settings name.
pub(crate) enum Either {
    Http(Box<Http>),
    Grpc(Box<Grpc>),
    Stdout(Stdout),
}

impl Either {
    /// Prepares the transport; nothing is sent.
    pub(crate) fn new(settings: &Settings) -> Result<Self, Error> {
        Ok(match settings.protocol {
            Protocol::HttpProtobuf => Self::Http(Box::new(Http::new(settings)?)),
            Protocol::Grpc => Self::Grpc(Box::new(Grpc::new(settings)?)),
            Protocol::Stdout => Self::Stdout(Stdout::new().map_err(Error::Thread)?),
        })
    }

    /// The endpoint without anything that may be secret.
    pub(crate) fn endpoint(&self) -> &str {
        match self {
            Self::Http(http) => http.endpoint(),
            Self::Grpc(grpc) => grpc.endpoint(),
            Self::Stdout(_) => output::stdout::NAME,
        }
    }

    /// The proxy on the way, without its credentials.
    pub(crate) fn proxy(&self) -> Option<&str> {
        match self {
            Self::Http(http) => http.dialer().proxy(),
            Self::Grpc(grpc) => grpc.dialer().proxy(),
            Self::Stdout(_) => None,
        }
    }

    /// What is known about the name of the backend, or of the proxy before it.
    pub(crate) fn names(&self) -> View {
        match self {
            Self::Http(http) => http.dialer().view(),
            Self::Grpc(grpc) => grpc.dialer().view(),
            Self::Stdout(stdout) => stdout.names(),
        }
    }
}

impl Transport for Either {
    async fn send(&mut self, payload: &Payload) -> Reply {
        // Boxed: an exchange is rare and its state large, and there is a loop around it for each output.
        match self {
            Self::Http(http) => Box::pin(http.send(payload)).await,
            Self::Grpc(grpc) => Box::pin(grpc.send(payload)).await,
            Self::Stdout(stdout) => stdout.send(payload).await,
        }
    }

    fn renew(&mut self) -> bool {
        match self {
            Self::Http(http) => http.renew(),
            Self::Grpc(grpc) => grpc.renew(),
            Self::Stdout(stdout) => stdout.renew(),
        }
    }

    async fn idle(&mut self) {
        match self {
            Self::Http(http) => http.idle().await,
            Self::Grpc(grpc) => grpc.idle().await,
            Self::Stdout(stdout) => stdout.idle().await,
        }
    }
}

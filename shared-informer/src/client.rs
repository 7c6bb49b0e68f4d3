//! The way to the API server: where it is, whom to trust, who we are, and kube's client over our own stack.
//!
//! ```text
//! kube::Client -> address -> User-Agent and token -> gate -> connections (hyper, HTTP/1.1, rustls)
//! ```
//! There is no layer that retries, none that follows redirects, none that decompresses, and hyper's own second attempt is
//! off: one call is at most one request, and the gate sees every one of them.
//!
//! Invariants: TLS is always verified (plain HTTP goes to loopback only); nothing is process-wide; every connection is a
//! task of its [`Api`] and ends with it. Inside a cluster no name is looked up. A kubeconfig may name a host: then the
//! system's resolver is asked at each new connection, on one of tokio's blocking threads, and the API server is out of
//! reach while DNS is; an IP address there avoids both.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioTimer;
use kube::client::Body;
use tower::ServiceBuilder;

use crate::clocks::Clocks;
use crate::gate::{GateLayer, Tally};
use crate::remembered::ClusterId;

mod address;
mod connections;
mod identify;
mod kubeconfig;
mod pem;
mod server;
#[cfg(test)]
mod tests;
mod tls;

pub use address::{Address, AddressError};
pub use identify::CredentialError;
pub use server::Error;

use connections::Connections;
use identify::IdentifyLayer;
use server::Server;

/// Where the service account's files are mounted in a pod.
pub const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// How long a connection is kept without a request: the rest of a turn, so that the second request finds the first one's
/// connection, and no other turn does, which might find it dead.
const IDLE: Duration = Duration::from_secs(5);
/// What has no connection by then gets none: a turn is not longer.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a connection is silent before the kernel asks whether the peer is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// The most headers in an answer.
const MAX_HEADERS: usize = 64;
/// What hyper buffers of an answer, heads included, in bytes.
const MAX_BUFFER: usize = 64 << 10;

/// Where to find the API server and the credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In a pod: the service's address and the files of the service account.
    InCluster {
        /// `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`.
        address: Address,
        /// The folder with `ca.crt` and `token`; normally [`SERVICE_ACCOUNT`].
        account: PathBuf,
    },
    /// A kubeconfig file.
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// The context; none for the file's current one.
        context: Option<String>,
    },
}

/// Makes clients; what they are made from is read anew for each.
#[derive(Clone)]
pub struct Connector {
    source: Source,
    agent: HeaderValue,
    clocks: Arc<dyn Clocks>,
    tally: Tally,
}

impl Connector {
    /// Clients that call themselves `tare/<version> (<node>)`.
    ///
    /// # Errors
    /// Version or node cannot stand in a header.
    pub fn new(source: Source, version: &str, node: &str, clocks: Arc<dyn Clocks>) -> Result<Self, Error> {
        let agent = HeaderValue::try_from(format!("tare/{version} ({node})")).map_err(|_| Error::Agent)?;
        Ok(Self { source, agent, clocks, tally: Tally::default() })
    }

    /// What the gates of all its clients denied.
    pub const fn denied(&self) -> &Tally {
        &self.tally
    }

    /// A client with what the files say now. Nothing is sent; to be called within a tokio runtime.
    ///
    /// # Errors
    /// A file is missing or not usable, or asks for what is not supported.
    pub fn connect(&self) -> Result<Api, Error> {
        let server = Server::read(&self.source)?;
        let identity = server.identity();
        let base = server.url.clone();
        let connections = Connections::default();
        let gate = GateLayer::new(Arc::clone(&self.clocks), base.path(), self.tally.clone());
        let identify = IdentifyLayer::new(self.agent.clone(), server.credential.clone());
        let transport = transport(&connections, server)?;
        let stack = ServiceBuilder::new()
            .layer(kube::client::middleware::BaseUriLayer::new(base))
            .layer(identify)
            .layer(gate)
            .service(transport);
        Ok(Api { client: kube::Client::new(stack, "default"), identity, connections })
    }
}

type Transport = legacy::Client<hyper_rustls::HttpsConnector<HttpConnector>, Body>;

/// The connections: one at a time for the requests of a turn, one for each open watch.
fn transport(connections: &Connections, server: Server) -> Result<Transport, Error> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(KEEP_ALIVE));
    // What the server's kernel does not acknowledge ends with the turn: a partition that heals finds nothing in flight.
    tcp.set_tcp_user_timeout(Some(CONNECT));
    tcp.set_connect_timeout(Some(CONNECT));
    let connector = tls::connector(server, tcp)?;
    Ok(legacy::Client::builder(connections.clone())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(1)
        .retry_canceled_requests(false)
        .http1_max_headers(MAX_HEADERS)
        .http1_max_buf_size(MAX_BUFFER)
        .build(connector))
}

/// A client and its connections. Dropping it closes them, whatever is still under way.
pub struct Api {
    client: kube::Client,
    identity: ClusterId,
    connections: Connections,
}

impl Api {
    /// The client; every request needs a [`crate::gate::Pass`].
    pub const fn client(&self) -> &kube::Client {
        &self.client
    }

    /// Which cluster this is: a hash of its authorities and its address.
    pub const fn identity(&self) -> ClusterId {
        self.identity
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.connections.close();
    }
}

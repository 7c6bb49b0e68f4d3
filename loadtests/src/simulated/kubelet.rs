//! A simulated kubelet on a loopback socket: `/stats/summary`, `/pods` and `/metrics/resource` of the pods that the
//! simulated API server has on its node, to whoever the API server says may read them.
//!
//! It may bind one socket, connect to its API server, and run tasks on the runtime that starts it; all end when the
//! [`Kubelet`] is dropped. Invariant: it believes what the API server said as long as a real kubelet does and no
//! longer, and every review that it sends is counted, answered or not.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

mod caches;
mod figures;
mod review;
#[cfg(test)]
mod tests;

use self::caches::Caches;
use self::review::{Reviewer, Subject};
use super::apiserver::{Server, Store};
use super::authority::Authority;

pub use self::caches::Lives;
pub use self::review::Reviews;

/// A client that has not greeted by then is let go.
const GREETING: Duration = Duration::from_secs(10);

/// A review that fails is tried so often, at these times after the first: half a second, and each time half as much longer.
const ATTEMPTS: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(500),
    Duration::from_millis(1_250),
    Duration::from_millis(2_375),
    Duration::from_millis(4_060),
];

/// What a kubelet is like.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens; port 0 lets the system choose.
    pub address: SocketAddr,
    /// Its node.
    pub node: String,
    /// How long it believes what it was told.
    pub lives: Lives,
    /// When a review that fails is tried, after the first attempt.
    pub attempts: Vec<Duration>,
    /// How long it waits for an answer of the API server.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            node: "node-0000".to_owned(),
            lives: Lives::default(),
            attempts: ATTEMPTS.to_vec(),
            patience: Duration::from_secs(10),
        }
    }
}

/// A running kubelet. Dropping it closes its socket and cuts every connection.
pub struct Kubelet {
    address: SocketAddr,
    authority: Authority,
    shared: Arc<Shared>,
    // Its tasks end when it is dropped.
    _tasks: JoinSet<()>,
}

struct Shared {
    node: String,
    store: Store,
    clients: Arc<Authority>,
    reviewer: Reviewer,
    caches: Mutex<Caches>,
    begin: Instant,
}

/// A status and what it says.
type Refusal = (StatusCode, String);

impl Kubelet {
    /// Listens, on the runtime that this is called on, and asks `server` whom to answer.
    ///
    /// # Errors
    /// When the address cannot be bound or TLS cannot be set up.
    pub async fn start(options: Options, server: &Server) -> anyhow::Result<Self> {
        let authority = Authority::new("simulated-kubelet")?;
        let clients = server.authority();
        let tls = authority.server(&["127.0.0.1", "localhost", &options.node], Some(clients))?;
        let token = server.token(&format!("system:node:{}", options.node));
        let reviewer = Reviewer::new(server.address(), clients.trusting(None)?, token, &options);
        let shared = Arc::new(Shared {
            node: options.node,
            store: server.store(),
            clients: Arc::clone(clients),
            reviewer,
            caches: Mutex::new(Caches::new(options.lives)),
            begin: Instant::now(),
        });
        let listener = TcpListener::bind(options.address).await.context("binding the kubelet's address")?;
        let address = listener.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, tls, Arc::clone(&shared)));
        Ok(Self { address, authority, shared, _tasks: tasks })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate of the authority that signed its own, as PEM. It is not the cluster's, as with most kubelets.
    pub fn authority_pem(&self) -> String {
        self.authority.pem()
    }

    /// The authority: for TLS clients in this process.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// What it asked the API server so far, each attempt for itself.
    pub fn reviews(&self) -> Reviews {
        self.shared.reviewer.reviews()
    }

    /// Forgets what it was told, as one that starts again.
    pub fn forget(&self) {
        self.shared.caches().forget();
    }
}

async fn accept(listener: TcpListener, tls: Arc<ServerConfig>, shared: Arc<Shared>) {
    let tls = TlsAcceptor::from(tls);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => {
                // A failed accept concerns that peer only.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve(stream, tls.clone(), Arc::clone(&shared)));
                }
            }
        }
    }
}

async fn serve(stream: TcpStream, tls: TlsAcceptor, shared: Arc<Shared>) {
    let Ok(Ok(stream)) = tokio::time::timeout(GREETING, tls.accept(stream)).await else { return };
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let certified = shown.and_then(|certificate| shared.clients.name_of(certificate));
    let service = service_fn(move |request| {
        let (shared, certified) = (Arc::clone(&shared), certified.clone());
        async move { Ok::<_, Infallible>(shared.respond(&request, certified).await) }
    });
    // The peer may close a connection at any time.
    drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

impl Shared {
    fn caches(&self) -> std::sync::MutexGuard<'_, Caches> {
        self.caches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn respond(&self, request: &Request<Incoming>, certified: Option<String>) -> Response<Full<Bytes>> {
        match self.answer(request, certified).await {
            Ok((content_type, body)) => answered(StatusCode::OK, content_type, body.into()),
            Err((code, said)) => answered(code, "text/plain; charset=utf-8", said.into()),
        }
    }

    async fn answer(
        &self,
        request: &Request<Incoming>,
        certified: Option<String>,
    ) -> Result<(&'static str, String), Refusal> {
        let user = match certified {
            Some(user) => user,
            None => self.authenticate(request).await?,
        };
        let path = request.uri().path();
        let verb = match request.method().as_str() {
            "GET" => "get",
            "POST" => "create",
            _ => "other",
        };
        self.authorize(&user, verb, subresources(path)).await?;
        if verb != "get" {
            return Err((StatusCode::METHOD_NOT_ALLOWED, "405: Method Not Allowed".to_owned()));
        }
        let pods = self.store.objects_of_node(&self.node);
        match path {
            "/stats/summary" => {
                let summary = figures::summary(&self.node, &pods, self.begin.elapsed());
                Ok(("application/json", summary.to_string()))
            }
            "/pods" | "/pods/" => Ok(("application/json", figures::pods(&pods).to_string())),
            "/metrics/resource" => Ok((
                "text/plain; version=0.0.4; charset=utf-8",
                figures::resource(&pods, self.begin.elapsed()),
            )),
            _ => Err((StatusCode::NOT_FOUND, "404 page not found\n".to_owned())),
        }
    }

    /// Who shows this token.
    async fn authenticate(&self, request: &Request<Incoming>) -> Result<String, Refusal> {
        let refused = || (StatusCode::UNAUTHORIZED, "Unauthorized".to_owned());
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|text| text.strip_prefix("Bearer ")).ok_or_else(refused)?;
        if let Some(user) = self.caches().token(token, Instant::now()) {
            return Ok(user);
        }
        // Whatever is no user, an error too, is not remembered.
        let user = self.reviewer.token(token).await.flatten().ok_or_else(refused)?;
        self.caches().keep_token(token, &user, Instant::now());
        Ok(user)
    }

    /// Whether one of these subresources may be read, asked in this order.
    async fn authorize(&self, user: &str, verb: &str, subresources: &[&str]) -> Result<(), Refusal> {
        for subresource in subresources {
            let subject = Subject { user, verb, node: &self.node, subresource };
            let known = self.caches().access(&subject, Instant::now());
            let allowed = if let Some(allowed) = known {
                allowed
            } else {
                let Some(allowed) = self.reviewer.access(&subject).await else {
                    let said = format!(
                        "Authorization error (user={user}, verb={verb}, resource=nodes, subresource={subresource})"
                    );
                    return Err((StatusCode::INTERNAL_SERVER_ERROR, said));
                };
                self.caches().keep_access(&subject, allowed, Instant::now());
                allowed
            };
            if allowed {
                return Ok(());
            }
        }
        let asked = subresources.join(" ");
        let said =
            format!("Forbidden (user={user}, verb={verb}, resource=nodes, subresource(s)=[{asked}])\n");
        Err((StatusCode::FORBIDDEN, said))
    }
}

/// What of a node a path belongs to, the finest first.
fn subresources(path: &str) -> &'static [&'static str] {
    match path.split('/').nth(1).unwrap_or_default() {
        "stats" => &["stats"],
        "metrics" => &["metrics"],
        "logs" => &["log"],
        "pods" | "runningpods" => &["pods", "proxy"],
        "healthz" => &["healthz", "proxy"],
        "configz" => &["configz", "proxy"],
        _ => &["proxy"],
    }
}

fn answered(code: StatusCode, content_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

//! The kubelet's questions to its API server, over the wire, with a real kubelet's attempts when they fail.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsConnector;

use super::Options;

const TOKENS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
const ACCESSES: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

/// No answer is read beyond this.
const MAX_ANSWER: usize = 1 << 20;

/// Reviews that were sent, each attempt for itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reviews {
    /// Of tokens.
    pub tokens: u64,
    /// Of accesses.
    pub accesses: u64,
}

/// Who wants to do what with which part of the node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) user: &'a str,
    pub(super) verb: &'a str,
    pub(super) node: &'a str,
    pub(super) subresource: &'a str,
}

/// Asks.
#[derive(Debug)]
pub(super) struct Reviewer {
    server: SocketAddr,
    tls: Arc<ClientConfig>,
    token: String,
    user_agent: String,
    attempts: Vec<Duration>,
    patience: Duration,
    connection: Mutex<Option<Connection>>,
    tokens: AtomicU64,
    accesses: AtomicU64,
}

/// A kept connection. Its task ends with it.
#[derive(Debug)]
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    _task: JoinSet<()>,
}

impl Reviewer {
    pub(super) fn new(server: SocketAddr, tls: Arc<ClientConfig>, token: String, options: &Options) -> Self {
        Self {
            server,
            tls,
            token,
            user_agent: format!("kubelet/v1.36.3 (simulated) {}", options.node),
            attempts: options.attempts.clone(),
            patience: options.patience,
            connection: Mutex::new(None),
            tokens: AtomicU64::new(0),
            accesses: AtomicU64::new(0),
        }
    }

    pub(super) fn reviews(&self) -> Reviews {
        let (tokens, accesses) = (&self.tokens, &self.accesses);
        Reviews { tokens: tokens.load(Ordering::Relaxed), accesses: accesses.load(Ordering::Relaxed) }
    }

    /// Whose token this is: somebody's or nobody's; none if there was no answer to that.
    pub(super) async fn token(&self, token: &str) -> Option<Option<String>> {
        let review = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token},
        });
        let answer = self.ask(TOKENS, &review, &self.tokens).await?;
        let good = answer["status"]["authenticated"] == true;
        let name = answer["status"]["user"]["username"].as_str().filter(|_| good);
        Some(name.map(str::to_owned))
    }

    /// Whether they may; none if there was no answer to that.
    pub(super) async fn access(&self, subject: &Subject<'_>) -> Option<bool> {
        let Subject { user, verb, node, subresource } = subject;
        let attributes = json!({
            "verb": verb, "version": "v1", "resource": "nodes", "subresource": subresource, "name": node,
        });
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": {"user": user, "resourceAttributes": attributes},
        });
        let answer = self.ask(ACCESSES, &review, &self.accesses).await?;
        Some(answer["status"]["allowed"] == true)
    }

    async fn ask(&self, path: &str, review: &Value, count: &AtomicU64) -> Option<Value> {
        let begin = Instant::now();
        for after in &self.attempts {
            sleep_until(begin + *after).await;
            count.fetch_add(1, Ordering::Relaxed);
            if let Ok(Ok(answer)) = timeout(self.patience, self.attempt(path, review)).await {
                return Some(answer);
            }
        }
        None
    }

    async fn attempt(&self, path: &str, review: &Value) -> anyhow::Result<Value> {
        let mut kept = self.connection.lock().await;
        // Taken out: one on which something went wrong, or that was given up, is not used again.
        let mut connection = match kept.take().filter(|connection| !connection.sender.is_closed()) {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let request = Request::post(path)
            .header(HOST, self.server.to_string())
            .header(USER_AGENT, &self.user_agent)
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(review.to_string()))?;
        connection.sender.ready().await?;
        let (head, body) = connection.sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| anyhow::anyhow!(error))?;
        *kept = Some(connection);
        ensure!(head.status.is_success(), "status {}", head.status);
        serde_json::from_slice(&body.to_bytes()).context("an answer that is no JSON")
    }

    async fn connect(&self) -> anyhow::Result<Connection> {
        let stream = TcpStream::connect(self.server).await?;
        stream.set_nodelay(true)?;
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let stream = connector.connect(ServerName::from(self.server.ip()), stream).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let mut task = JoinSet::new();
        // How it ends is seen by whoever waits for an answer.
        task.spawn(async move { drop(connection.await) });
        Ok(Connection { sender, _task: task })
    }
}

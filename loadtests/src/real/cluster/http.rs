//! A raw HTTP client of the API server, for everything that is not the product: administration, facts, counts.
//!
//! It shares no code with the product's client, so that neither can hide what the other does. One connection at a
//! time, HTTP/1.1, nothing is ever sent again, and every call blocks its thread.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// No answer of a server in good order takes longer: the largest is a list of every pod.
pub(super) const PATIENCE: Duration = Duration::from_secs(90);

type Stream = TokioIo<TlsStream<TcpStream>>;

/// Who asks, and whom. Cheap to clone; every connection is opened anew.
#[derive(Debug, Clone)]
pub(in crate::real) struct Client {
    pub(super) address: SocketAddr,
    pub(super) tls: Arc<ClientConfig>,
    /// A bearer token, where the certificate does not say who asks.
    pub(super) token: Option<String>,
    pub(super) user_agent: String,
    /// How long an answer may take.
    pub(super) patience: Duration,
}

/// A whole answer.
#[derive(Debug)]
pub(in crate::real) struct Answer {
    /// The HTTP status.
    pub(in crate::real) status: u16,
    /// The whole body.
    pub(in crate::real) body: Bytes,
}

/// One open connection.
#[derive(Debug)]
pub(in crate::real) struct Connection {
    runtime: Runtime,
    sender: SendRequest<Full<Bytes>>,
    client: Client,
}

/// An answer that arrives line by line.
#[derive(Debug)]
pub(in crate::real) struct Lines {
    // Dropped first: the connection's task ends with the runtime.
    body: Incoming,
    connection: Connection,
    /// The HTTP status.
    pub(in crate::real) status: u16,
    rest: Vec<u8>,
}

/// What a wait for the next line gave.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::real) enum Next {
    /// A whole line, without its end.
    Line(Vec<u8>),
    /// The time ran out; the stream is still open.
    Silence,
    /// The server ended the answer, or the connection broke.
    End,
}

impl Client {
    /// The same client under another name.
    pub(in crate::real) fn named(&self, user_agent: &str) -> Self {
        Self { user_agent: user_agent.to_owned(), ..self.clone() }
    }

    /// The same client, which gives up sooner.
    pub(in crate::real) fn patient_for(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// When nothing listens there, or not with the right certificate.
    pub(in crate::real) fn connect(&self) -> anyhow::Result<Connection> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let opened = runtime.block_on(async { tokio::time::timeout(self.patience, self.open()).await });
        let (sender, connection) = opened.with_context(|| format!("{} does not greet", self.address))??;
        // How it ends is seen by whoever waits for an answer.
        drop(runtime.spawn(connection));
        Ok(Connection { runtime, sender, client: self.clone() })
    }

    async fn open(
        &self,
    ) -> anyhow::Result<(SendRequest<Full<Bytes>>, http1::Connection<Stream, Full<Bytes>>)> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let stream = connector.connect(ServerName::from(self.address.ip()), stream).await?;
        Ok(http1::handshake(TokioIo::new(stream)).await?)
    }

    /// One request on a connection of its own.
    ///
    /// # Errors
    /// When there is no answer.
    pub(in crate::real) fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.connect()?.get(path)
    }

    /// A watch on a connection of its own.
    ///
    /// # Errors
    /// When there is no answer.
    pub(in crate::real) fn watch(&self, path: &str) -> anyhow::Result<Lines> {
        let mut connection = self.connect()?;
        let response = connection.send(Method::GET, path, "application/json", Bytes::new())?;
        let status = response.status().as_u16();
        Ok(Lines { body: response.into_body(), connection, status, rest: Vec::new() })
    }
}

impl Connection {
    /// Asks for `path`.
    ///
    /// # Errors
    /// When there is no answer.
    pub(in crate::real) fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        self.answer(Method::GET, path, "application/json", Bytes::new())
    }

    /// Posts an object that has to be created.
    ///
    /// # Errors
    /// When it is not, with what the server says.
    pub(in crate::real) fn create(&mut self, path: &str, object: &Value) -> anyhow::Result<Value> {
        self.change(&Method::POST, path, "application/json", object)
    }

    /// Merges `patch` into an object that has to exist.
    ///
    /// # Errors
    /// When it is not done, with what the server says.
    pub(in crate::real) fn merge(&mut self, path: &str, patch: &Value) -> anyhow::Result<Value> {
        self.change(&Method::PATCH, path, "application/merge-patch+json", patch)
    }

    /// Deletes an object that has to exist, at once.
    ///
    /// # Errors
    /// When it is not done, with what the server says.
    pub(in crate::real) fn delete(&mut self, path: &str) -> anyhow::Result<Value> {
        let options = serde_json::json!({"gracePeriodSeconds": 0});
        self.change(&Method::DELETE, path, "application/json", &options)
    }

    /// Sends text to a switch of the server.
    ///
    /// # Errors
    /// When there is no answer.
    pub(in crate::real) fn put_text(&mut self, path: &str, text: &str) -> anyhow::Result<Answer> {
        self.answer(Method::PUT, path, "text/plain", Bytes::copy_from_slice(text.as_bytes()))
    }

    fn change(&mut self, method: &Method, path: &str, kind: &str, body: &Value) -> anyhow::Result<Value> {
        let answer = self.answer(method.clone(), path, kind, serde_json::to_vec(body)?.into())?;
        if !(200..300).contains(&answer.status) {
            bail!("{method} {path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        answer.json()
    }

    fn answer(&mut self, method: Method, path: &str, kind: &str, body: Bytes) -> anyhow::Result<Answer> {
        let response = self.send(method, path, kind, body)?;
        let status = response.status().as_u16();
        let body = self.runtime.block_on(async {
            tokio::time::timeout(self.client.patience, response.into_body().collect()).await
        });
        let body = body.with_context(|| format!("{path}: no end of the answer"))?;
        Ok(Answer { status, body: body.with_context(|| format!("{path}: the answer broke off"))?.to_bytes() })
    }

    fn send(
        &mut self,
        method: Method,
        path: &str,
        kind: &str,
        body: Bytes,
    ) -> anyhow::Result<Response<Incoming>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.client.address.to_string())
            .header(USER_AGENT, &self.client.user_agent)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, kind);
        if let Some(token) = &self.client.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Full::new(body))?;
        let (sender, patience) = (&mut self.sender, self.client.patience);
        self.runtime
            .block_on(async {
                tokio::time::timeout(patience, async {
                    sender.ready().await?;
                    sender.send_request(request).await
                })
                .await
            })
            .with_context(|| format!("{path}: no answer"))?
            .with_context(|| format!("asking for {path}"))
    }
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub(in crate::real) fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.body).context("an answer that is no JSON")
    }
}

impl Lines {
    /// The next line, waited for until `until`.
    pub(in crate::real) fn next(&mut self, until: Instant) -> Next {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<_> = self.rest.drain(..=end).collect();
                line.pop();
                return Next::Line(line);
            }
            let body = &mut self.body;
            let frame = self
                .connection
                .runtime
                .block_on(async { tokio::time::timeout_at(until.into(), body.frame()).await });
            match frame {
                Err(_) => return Next::Silence,
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        self.rest.extend_from_slice(&data);
                    }
                }
                Ok(None | Some(Err(_))) => return Next::End,
            }
        }
    }
}

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
use hyper::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, USER_AGENT};
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
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// What a connection goes over.
pub(crate) type Stream = TokioIo<TlsStream<TcpStream>>;

/// A connection for whoever has a runtime: what sends, and what has to be driven meanwhile.
pub(crate) type Opened = (SendRequest<Full<Bytes>>, http1::Connection<Stream, Full<Bytes>>);

/// Who asks, and whom. Cheap to clone; every connection is opened anew.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) tls: Arc<ClientConfig>,
    /// A bearer token, where the certificate does not say who asks.
    pub(crate) token: Option<String>,
    pub(crate) user_agent: String,
    /// How long an answer may take.
    pub(crate) patience: Duration,
    /// In which form answers are wanted.
    pub(crate) form: Form,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Objects as JSON.
    Json,
    /// The same, compressed where the server finds it long enough, as Go's clients ask.
    Gzip,
    /// The metadata of objects as protobuf, as client-go's metadata client asks.
    Metadata,
}

impl Form {
    fn accept(self) -> &'static str {
        match self {
            Self::Json | Self::Gzip => "application/json",
            Self::Metadata => {
                "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
            }
        }
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The whole body.
    pub(crate) body: Bytes,
}

/// One open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    runtime: Runtime,
    sender: SendRequest<Full<Bytes>>,
    client: Client,
}

/// An answer that arrives line by line.
#[derive(Debug)]
pub(crate) struct Lines {
    // Dropped first: the connection's task ends with the runtime.
    body: Incoming,
    connection: Connection,
    /// The HTTP status.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    rest: Vec<u8>,
}

/// What a wait for the next line gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A whole line, without its end.
    Line(Vec<u8>),
    /// The time ran out; the stream is still open.
    Silence,
    /// The server ended the answer, or the connection broke.
    End,
}

impl Client {
    /// The same client under another name.
    pub(crate) fn named(&self, user_agent: &str) -> Self {
        Self { user_agent: user_agent.to_owned(), ..self.clone() }
    }

    /// The same client, which gives up sooner.
    pub(crate) fn patient_for(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    /// The same client, which wants its answers in another form.
    pub(crate) fn wanting(&self, form: Form) -> Self {
        Self { form, ..self.clone() }
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// When nothing listens there, or not with the right certificate.
    pub(crate) fn connect(&self) -> anyhow::Result<Connection> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let opened = runtime.block_on(async { tokio::time::timeout(self.patience, self.open()).await });
        let (sender, connection) = opened.with_context(|| format!("{} does not greet", self.address))??;
        // How it ends is seen by whoever waits for an answer.
        drop(runtime.spawn(connection));
        Ok(Connection { runtime, sender, client: self.clone() })
    }

    /// Opens a connection on the caller's runtime.
    ///
    /// # Errors
    /// When nothing listens there, or not with the right certificate.
    pub(crate) async fn open(&self) -> anyhow::Result<Opened> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let stream = connector.connect(ServerName::from(self.address.ip()), stream).await?;
        Ok(http1::handshake(TokioIo::new(stream)).await?)
    }

    /// A request of this client's.
    ///
    /// # Errors
    /// When `path` is none.
    pub(crate) fn request(
        &self,
        method: &Method,
        path: &str,
        kind: &str,
        body: Bytes,
    ) -> anyhow::Result<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.address.to_string())
            .header(USER_AGENT, &self.user_agent)
            .header(ACCEPT, self.form.accept())
            .header(CONTENT_TYPE, kind);
        if self.form == Form::Gzip {
            request = request.header(ACCEPT_ENCODING, "gzip");
        }
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        Ok(request.body(Full::new(body))?)
    }

    /// One request on a connection of its own.
    ///
    /// # Errors
    /// When there is no answer.
    pub(crate) fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.connect()?.get(path)
    }

    /// A watch on a connection of its own.
    ///
    /// # Errors
    /// When there is no answer.
    pub(crate) fn watch(&self, path: &str) -> anyhow::Result<Lines> {
        let mut connection = self.connect()?;
        let response = connection.send(&Method::GET, path, "application/json", Bytes::new())?;
        let (head, body) = response.into_parts();
        let (status, headers) = (head.status.as_u16(), head.headers);
        Ok(Lines { body, connection, status, headers, rest: Vec::new() })
    }
}

impl Connection {
    /// Asks for `path`.
    ///
    /// # Errors
    /// When there is no answer.
    pub(crate) fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        self.answer(&Method::GET, path, "application/json", Bytes::new())
    }

    /// Asks for `path` with any method, and gives whatever the answer is.
    ///
    /// # Errors
    /// When there is no answer.
    pub(crate) fn ask(&mut self, method: &Method, path: &str, body: &Value) -> anyhow::Result<Answer> {
        let kind = if *method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
        let body = if body.is_null() { Bytes::new() } else { serde_json::to_vec(body)?.into() };
        self.answer(method, path, kind, body)
    }

    /// Posts an object that has to be created.
    ///
    /// # Errors
    /// When it is not, with what the server says.
    pub(crate) fn create(&mut self, path: &str, object: &Value) -> anyhow::Result<Value> {
        self.change(&Method::POST, path, "application/json", object)
    }

    /// Merges `patch` into an object that has to exist.
    ///
    /// # Errors
    /// When it is not done, with what the server says.
    pub(crate) fn merge(&mut self, path: &str, patch: &Value) -> anyhow::Result<Value> {
        self.change(&Method::PATCH, path, "application/merge-patch+json", patch)
    }

    /// Puts `object` in the place of one that has to exist.
    ///
    /// # Errors
    /// When it is not done, with what the server says.
    pub(crate) fn replace(&mut self, path: &str, object: &Value) -> anyhow::Result<Value> {
        self.change(&Method::PUT, path, "application/json", object)
    }

    /// Deletes an object that has to exist, at once.
    ///
    /// # Errors
    /// When it is not done, with what the server says.
    pub(crate) fn delete(&mut self, path: &str) -> anyhow::Result<Value> {
        let options = serde_json::json!({"gracePeriodSeconds": 0});
        self.change(&Method::DELETE, path, "application/json", &options)
    }

    /// Sends text to a switch of the server.
    ///
    /// # Errors
    /// When there is no answer.
    pub(crate) fn put_text(&mut self, path: &str, text: &str) -> anyhow::Result<Answer> {
        self.answer(&Method::PUT, path, "text/plain", Bytes::copy_from_slice(text.as_bytes()))
    }

    fn change(&mut self, method: &Method, path: &str, kind: &str, body: &Value) -> anyhow::Result<Value> {
        let answer = self.answer(method, path, kind, serde_json::to_vec(body)?.into())?;
        if !(200..300).contains(&answer.status) {
            bail!("{method} {path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        answer.json()
    }

    fn answer(&mut self, method: &Method, path: &str, kind: &str, body: Bytes) -> anyhow::Result<Answer> {
        let (head, body) = self.send(method, path, kind, body)?.into_parts();
        let body =
            self.runtime.block_on(async { tokio::time::timeout(self.client.patience, body.collect()).await });
        let body = body.with_context(|| format!("{path}: no end of the answer"))?;
        let body = body.with_context(|| format!("{path}: the answer broke off"))?.to_bytes();
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }

    fn send(
        &mut self,
        method: &Method,
        path: &str,
        kind: &str,
        body: Bytes,
    ) -> anyhow::Result<Response<Incoming>> {
        let request = self.client.request(method, path, kind, body)?;
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
    pub(crate) fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.body).context("an answer that is no JSON")
    }
}

impl Lines {
    /// Reads until `needle` has come, whatever the form of the answer; gives how many bytes came until then.
    ///
    /// # Errors
    /// When it has not come by `until`.
    pub(crate) fn read_past(&mut self, needle: &[u8], until: Instant) -> anyhow::Result<usize> {
        let mut bytes = 0;
        // Of what has been searched only so much is kept as the beginning of the needle may hold.
        let mut tail = std::mem::take(&mut self.rest);
        loop {
            if tail.windows(needle.len()).any(|window| window == needle) {
                return Ok(bytes + tail.len());
            }
            let surplus = tail.len().saturating_sub(needle.len());
            bytes += surplus;
            tail.drain(..surplus);
            match self.frame(until) {
                Ok(data) => tail.extend_from_slice(&data),
                Err(end) => bail!("after {bytes} bytes of the answer: {end:?}"),
            }
        }
    }

    /// What comes next; what is no data is empty.
    fn frame(&mut self, until: Instant) -> Result<Bytes, Next> {
        let body = &mut self.body;
        let frame = self
            .connection
            .runtime
            .block_on(async { tokio::time::timeout_at(until.into(), body.frame()).await });
        match frame {
            Err(_) => Err(Next::Silence),
            Ok(Some(Ok(frame))) => Ok(frame.into_data().unwrap_or_default()),
            Ok(None | Some(Err(_))) => Err(Next::End),
        }
    }

    /// The next line, waited for until `until`.
    pub(crate) fn next(&mut self, until: Instant) -> Next {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<_> = self.rest.drain(..=end).collect();
                line.pop();
                return Next::Line(line);
            }
            match self.frame(until) {
                Ok(data) => self.rest.extend_from_slice(&data),
                Err(end) => return end,
            }
        }
    }
}

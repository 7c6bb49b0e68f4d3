//! Asks a kubelet: one connection, one request at a time, nothing twice.
//!
//! HTTP/1.1 over TLS (plain on the read-only port) to the node's own address. The connection is kept between scrapes.
//! Redirects, compressed answers and other types than JSON are refused; every answer is bounded in bytes and time. What
//! the request cost the control plane at most is the [`Answer`] of each exchange.
//!
//! Whether the kubelet that is reached anew is still the process that was asked before is what the TLS handshake tells:
//! only that process can resume the session. Any other may have lost its caches of reviews ([`Exchange::forgot`]).

use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, USER_AGENT,
};
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use shared_informer::reviews::{Answer, Subresource};
use tokio::time::{Instant, timeout_at};

use super::settings::Settings;

mod connection;
mod files;
mod trouble;

use connection::Connection;
use files::Files;
pub use trouble::Trouble;

/// How much of the body is read that explains a status.
const EXPLANATION: usize = 1 << 10;
/// How long that is waited for.
const EXPLANATION_TIME: Duration = Duration::from_millis(250);

/// What takes an answer as it arrives.
pub trait Sink: Send {
    /// The next bytes.
    ///
    /// # Errors
    /// Why nothing can be made of the answer; no more of it is read.
    fn feed(&mut self, chunk: &[u8]) -> Result<(), String>;
}

/// What one request came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What it can have cost, for the ledger.
    pub answer: Answer,
    /// Bytes of the body.
    pub bytes: u64,
    /// Whether the kubelet may have lost its caches since the last request.
    pub forgot: bool,
    /// Whether the whole answer is in the sink.
    pub result: Result<(), Trouble>,
}

/// One kubelet.
pub struct Client {
    settings: Settings,
    agent: HeaderValue,
    host: HeaderValue,
    files: Option<Files>,
    connection: Option<Connection>,
    /// Whether a request may have been sent in this life.
    asked: bool,
    /// Whether the next request is the first one with a new credential.
    renewed: bool,
}

impl Client {
    /// A client that calls itself `tare/<version> (<node>)`. Nothing is read or opened yet.
    pub fn new(settings: Settings) -> Self {
        let agent = format!("tare/{} ({})", env!("CARGO_PKG_VERSION"), settings.node);
        // A node's name can stand there; whatever else was written for it is left out.
        let agent = HeaderValue::try_from(agent).unwrap_or_else(|_| HeaderValue::from_static("tare"));
        let host = HeaderValue::try_from(settings.address.to_string());
        let host = host.unwrap_or_else(|_| HeaderValue::from_static("kubelet"));
        Self { settings, agent, host, files: None, connection: None, asked: false, renewed: false }
    }

    /// Reads the files anew. A credential or an authority that has changed closes the connection. To be called before a
    /// permit is asked for: without this nothing is sent.
    ///
    /// # Errors
    /// A file is missing or of no use. The connection is closed.
    pub fn prepare(&mut self) -> Result<(), Trouble> {
        match Files::read(&self.settings, self.files.take()) {
            Ok((files, changed)) => {
                if changed {
                    self.connection = None;
                    self.renewed = self.asked;
                }
                self.files = Some(files);
                Ok(())
            }
            Err(trouble) => {
                self.connection = None;
                Err(trouble)
            }
        }
    }

    /// Sends one request and gives its answer to `sink`. What has no answer at `until` is let go of.
    pub async fn get(&mut self, subresource: Subresource, until: Instant, sink: &mut dyn Sink) -> Exchange {
        let began = Instant::now();
        let mut exchange = Exchange {
            answer: Answer::Refused,
            bytes: 0,
            forgot: std::mem::take(&mut self.renewed),
            result: Ok(()),
        };
        let result = self.exchange(subresource, began, until, sink, &mut exchange).await;
        exchange.result = result;
        // What is left of an answer that was not read to its end belongs to nobody.
        if exchange.result.is_err() {
            self.connection = None;
        }
        exchange
    }

    async fn exchange(
        &mut self,
        subresource: Subresource,
        began: Instant,
        until: Instant,
        sink: &mut dyn Sink,
        exchange: &mut Exchange,
    ) -> Result<(), Trouble> {
        let request = self.request(subresource)?;
        let connection = self.connection(until, exchange).await?;
        // From here on the kubelet may have seen it.
        exchange.answer = Answer::None;
        let answer = timeout_at(until, connection.send(request)).await.map_err(|_| Trouble::Timeout)?;
        let answer = answer.map_err(|error| Trouble::lost(&error))?;
        let code = answer.status().as_u16();
        exchange.answer = Answer::Status { code, after: began.elapsed() };
        judge(answer, subresource, until).await?.read(until, sink, &mut exchange.bytes).await
    }

    fn request(&self, subresource: Subresource) -> Result<Request<Empty<Bytes>>, Trouble> {
        let files = self.files.as_ref().ok_or_else(|| Trouble::Credential("nothing was read yet".into()))?;
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = http::Uri::from_static(path(subresource));
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(USER_AGENT, self.agent.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(token) = files.token() {
            headers.insert(AUTHORIZATION, token.clone());
        }
        Ok(request)
    }

    /// The connection, a new one if there is none that can be used.
    async fn connection(
        &mut self,
        until: Instant,
        exchange: &mut Exchange,
    ) -> Result<&mut Connection, Trouble> {
        if let Some(mut kept) = self.connection.take() {
            let usable = timeout_at(until, kept.is_usable()).await.map_err(|_| Trouble::Timeout)?;
            if usable {
                return Ok(self.connection.insert(kept));
            }
        }
        let tls = self.files.as_ref().and_then(Files::tls);
        let connected = timeout_at(until, Connection::open(self.settings.address, tls)).await;
        let connection = connected.map_err(|_| Trouble::Timeout)??;
        exchange.forgot |= self.asked && !connection.is_same_process();
        self.asked = true;
        Ok(self.connection.insert(connection))
    }
}

/// What the kubelet serves under a name of the budget.
pub const fn path(subresource: Subresource) -> &'static str {
    match subresource {
        Subresource::Stats => "/stats/summary",
        Subresource::Metrics => "/metrics/resource",
        Subresource::Pods => "/pods",
    }
}

/// An answer that can be read.
struct Good(Incoming);

/// Whether an answer is one that was asked for.
async fn judge(
    answer: Response<Incoming>,
    subresource: Subresource,
    until: Instant,
) -> Result<Good, Trouble> {
    let code = answer.status().as_u16();
    if code != 200 {
        let said = explanation(answer.into_body(), until).await;
        return Err(Trouble::Status { code, path: path(subresource), said });
    }
    let text = |name| answer.headers().get(name).map(|value| value.to_str().unwrap_or("?").to_owned());
    if let Some(encoding) = text(CONTENT_ENCODING).filter(|encoding| encoding != "identity") {
        return Err(Trouble::Unusable(format!("its encoding {encoding:.40} was not asked for")));
    }
    let kind = text(CONTENT_TYPE).unwrap_or_default();
    if kind.split(';').next().is_none_or(|kind| !kind.trim().eq_ignore_ascii_case("application/json")) {
        return Err(Trouble::Unusable(format!("its type is {kind:?} and not application/json")));
    }
    Ok(Good(answer.into_body()))
}

impl Good {
    async fn read(mut self, until: Instant, sink: &mut dyn Sink, bytes: &mut u64) -> Result<(), Trouble> {
        loop {
            let frame = timeout_at(until, self.0.frame()).await.map_err(|_| Trouble::Timeout)?;
            let Some(frame) = frame else { return Ok(()) };
            let frame = frame.map_err(|error| Trouble::lost(&error))?;
            // Trailers have no data.
            if let Ok(chunk) = frame.into_data() {
                *bytes += chunk.len() as u64;
                sink.feed(&chunk).map_err(Trouble::Unusable)?;
            }
        }
    }
}

/// The beginning of a body that says what went wrong, as much as comes soon.
async fn explanation(mut body: Incoming, until: Instant) -> String {
    let until = until.min(Instant::now() + EXPLANATION_TIME);
    let mut said = Vec::new();
    while said.len() < EXPLANATION
        && let Ok(Some(Ok(frame))) = timeout_at(until, body.frame()).await
    {
        said.extend_from_slice(frame.data_ref().map_or(&[], |chunk| chunk));
    }
    said.truncate(EXPLANATION);
    String::from_utf8_lossy(&said).trim().to_owned()
}

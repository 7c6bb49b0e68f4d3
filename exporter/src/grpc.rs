//! OTLP/gRPC: one unary call at a time over one kept HTTP/2 connection.
//!
//! Spoken with `h2` itself, not with tonic (whose channel brings tower, a buffer task and prost for bytes
//! that are encoded already) nor through hyper (which adds an executor for tasks in the background): here
//! the connection is polled by whoever uses the transport and by nobody else, as over HTTP/1.1, and nothing
//! is sent again below the retry rules. Whatever the peer does, a call ends within its time limit, holds a
//! bounded amount of memory, and comes back as an [`Outcome`] and words for people.
//!
//! HTTP/2 PINGs are answered, but never sent: servers punish clients that send them without a call under
//! way. TCP's keep-alive notices a peer that is gone.

use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, TE};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri, Version};
use tokio::time::{Instant, timeout_at};

use crate::compress::Payload;
use crate::dial::{Dialer, Trouble};
use crate::endpoint::{Endpoint, Error};
use crate::headers::Headers;
use crate::http::answer::{Partial, export_response};
use crate::output::Settings;
use crate::resolve::View;
use crate::retry::{Code, Failure, Outcome};
use crate::text;
use crate::transport::{Reply, Transport};

mod connection;
mod status;

use self::connection::{Answer, Connection};
use self::status::Status;

/// The method, as the path of the request.
const EXPORT: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
/// The bytes before each message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// The transport of one output.
pub(crate) struct Grpc {
    endpoint: Endpoint,
    method: Uri,
    headers: Headers,
    timeout: Duration,
    dialer: Dialer,
    connection: Option<Box<Connection>>,
    /// Whether the request of the call under way was handed to a connection.
    handed_over: bool,
}

impl Grpc {
    /// Prepares the transport; nothing is sent. TLS files and system roots are read for https only.
    pub(crate) fn new(settings: &Settings) -> Result<Self, Error> {
        let endpoint = Endpoint::parse_grpc(&settings.endpoint)?;
        let method = format!("{}{EXPORT}", endpoint.shown)
            .parse()
            .map_err(|error| Error::Endpoint(format!("not a URL: {error}")))?;
        let timeout = settings.timeout;
        let mut headers = Headers::new(&settings.headers, &settings.headers_from_files)?;
        headers.set(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.set(TE, HeaderValue::from_static("trailers"));
        headers.set(HeaderName::from_static("grpc-accept-encoding"), HeaderValue::from_static("identity"));
        // At most eight digits by the protocol: a day in milliseconds has eight.
        let milliseconds = timeout.as_millis().clamp(1, 99_999_999);
        let limit = HeaderValue::try_from(format!("{milliseconds}m"))
            .map_err(|error| Error::Endpoint(error.to_string()))?;
        headers.set(HeaderName::from_static("grpc-timeout"), limit);
        let dialer = Dialer::new(&endpoint, settings, b"h2")?;
        Ok(Self { endpoint, method, headers, timeout, dialer, connection: None, handed_over: false })
    }

    /// The endpoint, for people.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint.shown
    }

    /// Makes the call and receives what there is of an answer.
    async fn call(
        &mut self,
        kept: Option<Box<Connection>>,
        payload: &Payload,
    ) -> Result<(Box<Connection>, Answer), Trouble> {
        let mut connection = match usable(kept).await {
            Some(connection) => connection,
            // Boxed: dialling is rare, and its state is most of this future's size.
            None => Box::new(Connection::new(Box::pin(self.dialer.dial()).await?).await?),
        };
        // HTTP/2 may have to wait until the peer allows a stream.
        if !connection.is_usable().await {
            let detail = "it was closed before the call".to_owned();
            return Err(Trouble::new(Failure::Disconnected, detail));
        }
        self.handed_over = true;
        let request = self.request(payload);
        let parts = [prefix(payload), payload.bytes.clone()];
        let answer = self.dialer.beside(connection.call(request, parts)).await?;
        Ok((connection, answer))
    }

    fn request(&mut self, payload: &Payload) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.method.clone();
        *request.version_mut() = Version::HTTP_2;
        request.headers_mut().clone_from(self.headers.current());
        if let Some(encoding) = payload.compression.content_encoding() {
            request.headers_mut().insert("grpc-encoding", HeaderValue::from_static(encoding));
        }
        request
    }

    /// What is known about the backend's name.
    pub(crate) fn names(&self) -> View {
        self.dialer.view()
    }

    fn unanswered(&self, trouble: &Trouble) -> Reply {
        let Endpoint { host, shown, .. } = &self.endpoint;
        let remark = trouble.describe(host, shown, "a gRPC", self.timeout);
        self.reply(Outcome::Unanswered(trouble.failure), Some(remark), false)
    }

    /// The status decides where there is one. An answer without one is by something else than a gRPC
    /// server: a refusal is judged by HTTP's rules, which say the same as gRPC's for the codes that stand
    /// for those statuses; a 200 acknowledges nothing.
    fn judge(&self, answer: &Answer) -> Reply {
        let status = answer.trailers.as_ref().and_then(Status::of).or_else(|| Status::of(&answer.headers));
        if let Some(status) = status {
            return self.called(&status, answer);
        }
        if answer.status != StatusCode::OK {
            let status = answer.status;
            let remark = format!("{} answered {status} and no gRPC status", self.endpoint.shown);
            let outcome = match Failure::of_status(status.as_u16()) {
                Some(_) => Outcome::Answered { status: status.as_u16(), retry_after: None, rejected: 0 },
                None => Outcome::Unanswered(Failure::Protocol),
            };
            return self.reply(outcome, Some(remark), false);
        }
        if let Some(trouble) = &answer.trouble {
            return self.unanswered(trouble);
        }
        let content_type = answer.headers.get(CONTENT_TYPE).map_or(&b"nothing"[..], HeaderValue::as_bytes);
        let detail = format!("its answer is {} without a status", text::clean(content_type));
        self.unanswered(&Trouble::new(Failure::Protocol, detail))
    }

    fn called(&self, status: &Status, answer: &Answer) -> Reply {
        let shown = &self.endpoint.shown;
        let Status { code, message, retry_info } = status;
        let too_large = status.says_too_large();
        let outcome =
            |rejected| Outcome::Called { code: *code, retry_info: *retry_info, too_large, rejected };
        if *code != Code::Ok {
            let colon = if message.is_empty() { "" } else { ": " };
            let remark = format!("{shown} answered {}{colon}{message}", code.as_str());
            return self.reply(outcome(0), Some(remark), false);
        }
        match partial(answer) {
            Ok(Partial { rejected, message }) => {
                let remark = (rejected > 0 || !message.is_empty())
                    .then(|| format!("{shown} accepted a request and rejected {rejected} points: {message}"));
                self.reply(outcome(rejected), remark, false)
            }
            Err(what) => {
                let remark = format!("{shown} accepted a request, but its answer {what}");
                self.reply(outcome(0), Some(remark), true)
            }
        }
    }

    fn reply(&self, outcome: Outcome, remark: Option<String>, unreadable: bool) -> Reply {
        Reply { outcome, remark, handed_over: self.handed_over, unreadable }
    }
}

impl Transport for Grpc {
    async fn send(&mut self, payload: &Payload) -> Reply {
        let deadline = Instant::now() + self.timeout;
        // Taken for the length of the call: put back only if it can carry another one.
        let kept = self.connection.take().filter(|kept| self.dialer.holds(kept.peer()));
        self.handed_over = false;
        match timeout_at(deadline, self.call(kept, payload)).await {
            Err(_) => self.unanswered(&Trouble::new(Failure::Timeout, String::new())),
            Ok(Err(trouble)) => {
                self.dialer.learn(&trouble);
                self.unanswered(&trouble)
            }
            Ok(Ok((connection, answer))) => {
                if answer.trouble.is_none() {
                    self.connection = Some(connection);
                }
                self.judge(&answer)
            }
        }
    }

    fn renew(&mut self) -> bool {
        let can_change = self.headers.can_change() || self.dialer.has_identity();
        if can_change {
            self.connection = None;
            self.dialer.renew();
        }
        can_change
    }

    async fn idle(&mut self) {
        loop {
            let dialer = &mut self.dialer;
            let Some(connection) = &mut self.connection else {
                dialer.beside(pending::<()>()).await;
                continue;
            };
            tokio::select! {
                () = connection.ended() => self.connection = None,
                () = dialer.moved() => {
                    if !dialer.holds(connection.peer()) {
                        self.connection = None;
                    }
                }
            }
        }
    }
}

/// A kept connection, if it can carry another call.
async fn usable(kept: Option<Box<Connection>>) -> Option<Box<Connection>> {
    let mut connection = kept?;
    connection.is_usable().await.then_some(connection)
}

/// What stands before the message on the wire. Its length fits: requests are bounded far below 4 GiB.
fn prefix(payload: &Payload) -> Bytes {
    let compressed = u8::from(payload.compression.content_encoding().is_some());
    let length = u32::try_from(payload.bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
    Bytes::copy_from_slice(&[compressed, length[0], length[1], length[2], length[3]])
}

/// Reads the message of a success; why it cannot be read otherwise. Nothing is ever decompressed: we say
/// that we take messages only as they are.
fn partial(answer: &Answer) -> Result<Partial, &'static str> {
    let Some((prefix, message)) = answer.prefix.split_first_chunk::<PREFIX>() else {
        return Err("holds no message");
    };
    let [compressed, a, b, c, d] = *prefix;
    if compressed != 0 {
        return Err("is compressed, which was not asked for");
    }
    let length = u64::from(u32::from_be_bytes([a, b, c, d]));
    if length + PREFIX as u64 != answer.received {
        return Err("is not one message");
    }
    let complete = answer.received == answer.prefix.len() as u64;
    export_response(message, complete).ok_or("is not OTLP")
}

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

use std::time::Duration;

use http::header::{CONTENT_TYPE, TE};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri, Version};
use tokio::time::{Instant, timeout_at};

use crate::compress::Payload;
use crate::dial::{Dialer, Trouble};
use crate::endpoint::{Endpoint, Error};
use crate::headers::Headers;
use crate::link::{Channel as _, Link};
use crate::output::Settings;
use crate::retry::{Code, Failure, Outcome};
use crate::text;
use crate::transport::{Reply, Transport};

mod connection;
mod message;
mod status;

use self::connection::{Answer, Connection};
use self::status::Status;

/// The method, as the path of the request.
const EXPORT: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
/// The encodings of answers that are understood. A server in Go answers with the encoding of the request,
/// whatever is asked for; one that got none is asked for none.
const ACCEPTED: &str = "gzip, identity";

/// The transport of one output.
pub(crate) struct Grpc {
    endpoint: Endpoint,
    method: Uri,
    headers: Headers,
    timeout: Duration,
    link: Link<Connection>,
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
        let accepted = settings.compression.content_encoding().map_or("identity", |_| ACCEPTED);
        headers.set(HeaderName::from_static("grpc-accept-encoding"), HeaderValue::from_static(accepted));
        // At most eight digits by the protocol: a day in milliseconds has eight.
        let milliseconds = timeout.as_millis().clamp(1, 99_999_999);
        let limit = HeaderValue::try_from(format!("{milliseconds}m"))
            .map_err(|error| Error::Endpoint(error.to_string()))?;
        headers.set(HeaderName::from_static("grpc-timeout"), limit);
        let link = Link::new(Dialer::new(&endpoint, settings, b"h2")?);
        Ok(Self { endpoint, method, headers, timeout, link, handed_over: false })
    }

    /// The endpoint, for people.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint.shown
    }

    /// Makes the call and receives what there is of an answer.
    async fn call(&mut self, payload: &Payload) -> Result<(Box<Connection>, Answer), Trouble> {
        let mut connection = self.link.take().await?;
        // HTTP/2 may have to wait until the peer allows a stream.
        if !connection.is_usable().await {
            return Err(connection.why_unusable());
        }
        self.handed_over = true;
        let request = self.request(payload);
        let parts = [message::prefix(payload), payload.bytes.clone()];
        let answer = self.link.dialer.beside(connection.call(request, parts)).await?;
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

    /// What opens its connections.
    pub(crate) const fn dialer(&self) -> &Dialer {
        &self.link.dialer
    }

    fn unanswered(&self, trouble: &Trouble) -> Reply {
        let remark = self.link.dialer.describe(trouble, "a gRPC");
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
        match message::partial(answer) {
            Ok(partial) => self.reply(outcome(partial.rejected), partial.remark(shown), false),
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
        self.handed_over = false;
        match timeout_at(deadline, self.call(payload)).await {
            Err(_) => self.unanswered(&Trouble::new(Failure::Timeout, String::new())),
            Ok(Err(trouble)) => {
                self.link.dialer.learn(&trouble);
                self.unanswered(&trouble)
            }
            Ok(Ok((connection, answer))) => {
                if answer.trouble.is_none() {
                    self.link.keep(connection);
                }
                self.judge(&answer)
            }
        }
    }

    fn renew(&mut self) -> bool {
        self.link.renew(&self.headers)
    }

    async fn idle(&mut self) {
        self.link.idle().await;
    }
}

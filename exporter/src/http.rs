//! OTLP/HTTP with protobuf bodies: one exchange at a time over one kept connection.
//!
//! The connection is polled by whoever uses the transport and by nobody else: no pool, no task in the
//! background, and nothing is sent again below the retry rules. Whatever the peer does, an exchange ends
//! within its time limit, holds a bounded amount of memory, and comes back as an [`Outcome`] and words for
//! people.

use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HOST, LOCATION, PROXY_AUTHORIZATION, RETRY_AFTER,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::compress::Payload;
use crate::dial::{Dialer, Trouble};
use crate::endpoint::{Endpoint, Error};
use crate::headers::Headers;
use crate::link::Link;
use crate::output::Settings;
use crate::retry::{Failure, Outcome, RetryAfter};
use crate::text;
use crate::transport::{Reply, Transport};

pub(crate) mod answer;
mod connection;
#[cfg(fuzzing)]
pub mod fuzzing;

use self::answer::{Body, Partial, Unreadable};
use self::connection::Connection;

/// The media type of requests, and of the answers that are understood.
const PROTOBUF: &str = "application/x-protobuf";

/// The transport of one output.
pub(crate) struct Http {
    endpoint: Endpoint,
    /// As the request line has it.
    target: Uri,
    headers: Headers,
    timeout: Duration,
    link: Link<Connection>,
    /// Whether the request of the exchange under way was handed to a connection.
    handed_over: bool,
}

impl Http {
    /// Prepares the transport; nothing is sent. TLS files and system roots are read for https only.
    pub(crate) fn new(settings: &Settings) -> Result<Self, Error> {
        let endpoint = Endpoint::parse(&settings.endpoint)?;
        let mut headers = Headers::new(&settings.headers, &settings.headers_from_files)?;
        headers.set(HOST, endpoint.authority.clone());
        headers.set(CONTENT_TYPE, HeaderValue::from_static(PROTOBUF));
        headers.set(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let link = Link::new(Dialer::new(&endpoint, settings, b"http/1.1")?);
        let mut target = endpoint.path.clone();
        if let Some(proxy) = link.dialer.forwards() {
            // A proxy that passes requests on is told where to (RFC 9112, section 3.2.2).
            target = endpoint.absolute()?;
            if let Some(value) = &proxy.authorization {
                headers.set(PROXY_AUTHORIZATION, value.clone());
            }
        }
        let timeout = settings.timeout;
        Ok(Self { endpoint, target, headers, timeout, link, handed_over: false })
    }

    /// The endpoint without its query, which may hold a secret.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint.shown
    }

    /// Sends the request and waits for the head of the answer.
    async fn ask(&mut self, payload: &Payload) -> Result<(Box<Connection>, Response<Incoming>), Trouble> {
        let mut connection = self.link.take().await?;
        self.handed_over = true;
        let request = self.request(payload);
        let response = self.link.dialer.beside(connection.exchange(request)).await?;
        Ok((connection, response))
    }

    fn request(&mut self, payload: &Payload) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(payload.bytes.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.target.clone();
        *request.version_mut() = Version::HTTP_11;
        request.headers_mut().clone_from(self.headers.current());
        if let Some(encoding) = payload.compression.content_encoding() {
            request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        request
    }

    /// What opens its connections.
    pub(crate) const fn dialer(&self) -> &Dialer {
        &self.link.dialer
    }

    fn unanswered(&self, trouble: &Trouble) -> Reply {
        let remark = self.link.dialer.describe(trouble, "an HTTP/1.1");
        self.reply(Outcome::Unanswered(trouble.failure), Some(remark), false)
    }

    fn judge(&self, status: StatusCode, headers: &HeaderMap, body: &Body) -> Reply {
        // By definition an answer of the proxy (RFC 9110, section 15.5.8), which says nothing about the request.
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED && self.dialer().proxy().is_some() {
            let detail = "it does not accept its credentials, or wants some".to_owned();
            return self.unanswered(&Trouble::new(Failure::Proxy, detail));
        }
        let header = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let retry_after = header(RETRY_AFTER).and_then(RetryAfter::parse);
        let outcome = |rejected| Outcome::Answered { status: status.as_u16(), retry_after, rejected };
        let content_type = header(CONTENT_TYPE);
        match Failure::of_status(status.as_u16()) {
            Some(failure) => {
                let says = match failure {
                    Failure::Redirect => Some(redirects_to(header(LOCATION))),
                    _ => answer::message(body, content_type),
                };
                let says = says.map_or_else(String::new, |says| format!(": {says}"));
                let remark = format!("{} answered {status}{says}", self.endpoint.shown);
                self.reply(outcome(0), Some(remark), false)
            }
            None => self.accepted(status, answer::partial(body, content_type), outcome),
        }
    }

    fn accepted(
        &self,
        status: StatusCode,
        partial: Result<Partial, Unreadable>,
        outcome: impl Fn(u64) -> Outcome,
    ) -> Reply {
        let shown = &self.endpoint.shown;
        match partial {
            Ok(partial) => self.reply(outcome(partial.rejected), partial.remark(shown), false),
            Err(Unreadable { what, rejected }) => {
                let remark = format!("{shown} accepted a request ({status}), but {what}");
                self.reply(outcome(rejected), Some(remark), true)
            }
        }
    }

    fn reply(&self, outcome: Outcome, remark: Option<String>, unreadable: bool) -> Reply {
        Reply { outcome, remark, handed_over: self.handed_over, unreadable }
    }
}

impl Transport for Http {
    fn renew(&mut self) -> bool {
        self.link.renew(&self.headers)
    }

    async fn idle(&mut self) {
        self.link.idle().await;
    }

    async fn send(&mut self, payload: &Payload) -> Reply {
        let deadline = Instant::now() + self.timeout;
        self.handed_over = false;
        match timeout_at(deadline, self.ask(payload)).await {
            Err(_) => self.unanswered(&Trouble::new(Failure::Timeout, String::new())),
            Ok(Err(trouble)) => {
                self.link.dialer.learn(&trouble);
                self.unanswered(&trouble)
            }
            Ok(Ok((mut connection, response))) => {
                let (head, body) = response.into_parts();
                let body = self.link.dialer.beside(connection.drive(answer::read(body, deadline))).await;
                if body.reached_its_end() {
                    self.link.keep(connection);
                }
                self.judge(head.status, &head.headers, &body)
            }
        }
    }
}

fn redirects_to(location: Option<&str>) -> String {
    let place = text::clean(location.unwrap_or("nowhere").as_bytes());
    format!("redirects (here to {place}) are not followed, set the endpoint itself")
}

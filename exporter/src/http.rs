//! OTLP/HTTP with protobuf bodies: one exchange at a time over one kept connection.
//!
//! The connection is polled by whoever uses the transport and by nobody else: no pool, no task in the
//! background, and nothing is sent again below the retry rules. Whatever the peer does, an exchange ends
//! within its time limit, holds a bounded amount of memory, and comes back as an [`Outcome`] and words for
//! people.

use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HOST, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::compress::Payload;
use crate::dial::{Dialer, Trouble};
use crate::endpoint::{Endpoint, Error};
use crate::headers::Headers;
use crate::output::Settings;
use crate::resolve::View;
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
    headers: Headers,
    timeout: Duration,
    dialer: Dialer,
    connection: Option<Connection>,
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
        let dialer = Dialer::new(&endpoint, settings, b"http/1.1")?;
        let timeout = settings.timeout;
        Ok(Self { endpoint, headers, timeout, dialer, connection: None, handed_over: false })
    }

    /// The endpoint without its query, which may hold a secret.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint.shown
    }

    /// Sends the request and waits for the head of the answer.
    async fn ask(
        &mut self,
        kept: Option<Connection>,
        payload: &Payload,
    ) -> Result<(Connection, Response<Incoming>), Trouble> {
        let mut connection = match usable(kept).await {
            Some(connection) => connection,
            // Boxed: dialling is rare, and its state is most of this future's size.
            None => Connection::new(Box::pin(self.dialer.dial()).await?).await?,
        };
        self.handed_over = true;
        let request = self.request(payload);
        let response = self.dialer.beside(connection.exchange(request)).await?;
        Ok((connection, response))
    }

    fn request(&mut self, payload: &Payload) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(payload.bytes.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.path.clone();
        *request.version_mut() = Version::HTTP_11;
        request.headers_mut().clone_from(self.headers.current());
        if let Some(encoding) = payload.compression.content_encoding() {
            request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        request
    }

    /// What is known about the backend's name.
    pub(crate) fn names(&self) -> View {
        self.dialer.view()
    }

    fn unanswered(&self, trouble: &Trouble) -> Reply {
        let Endpoint { host, shown, .. } = &self.endpoint;
        let remark = trouble.describe(host, shown, "an HTTP/1.1", self.timeout);
        self.reply(Outcome::Unanswered(trouble.failure), Some(remark), false)
    }

    fn judge(&self, status: StatusCode, headers: &HeaderMap, body: &Body) -> Reply {
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
            Ok(Partial { rejected, message }) => {
                let remark = (rejected > 0 || !message.is_empty())
                    .then(|| format!("{shown} accepted a request and rejected {rejected} points: {message}"));
                self.reply(outcome(rejected), remark, false)
            }
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

    async fn send(&mut self, payload: &Payload) -> Reply {
        let deadline = Instant::now() + self.timeout;
        // Taken for the length of the exchange: put back only if it can carry another one.
        let kept = self.connection.take().filter(|kept| self.dialer.holds(kept.peer()));
        self.handed_over = false;
        match timeout_at(deadline, self.ask(kept, payload)).await {
            Err(_) => self.unanswered(&Trouble::new(Failure::Timeout, String::new())),
            Ok(Err(trouble)) => {
                self.dialer.learn(&trouble);
                self.unanswered(&trouble)
            }
            Ok(Ok((mut connection, response))) => {
                let (head, body) = response.into_parts();
                let body = self.dialer.beside(connection.drive(answer::read(body, deadline))).await;
                if body.reached_its_end() {
                    self.connection = Some(connection);
                }
                self.judge(head.status, &head.headers, &body)
            }
        }
    }
}

/// A kept connection, if it can carry another request.
async fn usable(kept: Option<Connection>) -> Option<Connection> {
    let mut connection = kept?;
    connection.is_usable().await.then_some(connection)
}

fn redirects_to(location: Option<&str>) -> String {
    let place = text::clean(location.unwrap_or("nowhere").as_bytes());
    format!("redirects (here to {place}) are not followed, set the endpoint itself")
}

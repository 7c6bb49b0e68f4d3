//! What to do after an exchange with the backend: the retry rules of the OTLP specification.
//!
//! Pure: the outcome, the number of failures in a row, the time and a random number come in, a decision
//! comes out. [`decide`] works on a [`Verdict`], which belongs to no protocol; a protocol's answer becomes a
//! [`Failure`] class, and [`Outcome::verdict`] says which classes are retried. Nothing here gives up by
//! the number of attempts: an item is given up when it has waited too long, which the queue decides.
//!
//! Source: OTLP specification 1.x, "OTLP/HTTP Response", "All Other Responses", "OTLP/HTTP Connection",
//! and for gRPC see `grpc`; <https://opentelemetry.io/docs/specs/otlp/>.

use std::time::{Duration, SystemTime};

use crate::model::Timestamp;
use crate::queue::DropReason;

mod grpc;
#[cfg(test)]
mod tests;

pub use self::grpc::Code;

/// Why an exchange failed. The name is the value of the metric attribute `class`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Failure {
    /// The backend's name has no address.
    Resolve,
    /// No connection to the backend, or to the proxy before it.
    Connect,
    /// The proxy opens no way to the backend, or refuses our credentials: any answer to CONNECT but 2xx, or
    /// status 407.
    Proxy,
    /// The TLS handshake failed, or the peer ended the session over a certificate.
    Tls,
    /// No complete answer within the time limit.
    Timeout,
    /// The connection ended before the answer.
    Disconnected,
    /// The answer is not of the protocol (HTTP/1.1, or gRPC over HTTP/2), or beyond its bounds.
    Protocol,
    /// The backend asks for fewer requests: status 429, or RESOURCE_EXHAUSTED with RetryInfo.
    Throttled,
    /// The backend cannot answer for now: status 502, 503, 504, or a retryable code of gRPC.
    Unavailable,
    /// The backend does not accept the credentials: status 401, 403, UNAUTHENTICATED, PERMISSION_DENIED.
    Unauthorized,
    /// The request is too large for the backend: status 413, or RESOURCE_EXHAUSTED with words to that effect.
    TooLarge,
    /// The backend points elsewhere: any status 3xx. Redirects are not followed, because they would carry
    /// credentials and telemetry to a place that nobody configured.
    Redirect,
    /// Any other status or code that is no success.
    Rejected,
}

impl Failure {
    /// Every class, in the order of the documentation.
    pub const ALL: [Self; 13] = [
        Self::Resolve,
        Self::Connect,
        Self::Proxy,
        Self::Tls,
        Self::Timeout,
        Self::Disconnected,
        Self::Protocol,
        Self::Throttled,
        Self::Unavailable,
        Self::Unauthorized,
        Self::TooLarge,
        Self::Redirect,
        Self::Rejected,
    ];

    /// The metric attribute's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Disconnected => "disconnected",
            Self::Protocol => "protocol",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Unauthorized => "unauthorized",
            Self::TooLarge => "too_large",
            Self::Redirect => "redirect",
            Self::Rejected => "rejected",
        }
    }

    /// The position in [`Failure::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// The class of a status of OTLP/HTTP; none for a success. Every 2xx is a success: the specification
    /// asks for 200, gateways in front of receivers answer others of them.
    pub const fn of_status(status: u16) -> Option<Self> {
        match status {
            200..=299 => None,
            300..=399 => Some(Self::Redirect),
            401 | 403 => Some(Self::Unauthorized),
            413 => Some(Self::TooLarge),
            429 => Some(Self::Throttled),
            502..=504 => Some(Self::Unavailable),
            _ => Some(Self::Rejected),
        }
    }
}

/// When the backend wants to be asked again (`Retry-After`, RFC 9110 section 10.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// This many seconds after the answer.
    Seconds(u64),
    /// At this moment.
    At(Timestamp),
}

impl RetryAfter {
    /// Reads the header's value: seconds or any form of HTTP date. None for anything else.
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim_matches([' ', '\t']);
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            // Only digits: what does not parse is too large for the type, and bounded later anyway.
            return Some(Self::Seconds(value.parse().unwrap_or(u64::MAX)));
        }
        let date = httpdate::parse_http_date(value).ok()?;
        let since = date.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(Self::At(Timestamp(u64::try_from(since.as_nanos()).ok()?)))
    }

    fn wait(self, now: Timestamp) -> Duration {
        match self {
            Self::Seconds(seconds) => Duration::from_secs(seconds),
            Self::At(moment) => Duration::from_nanos(moment.0.saturating_sub(now.0)),
        }
    }
}

/// What came of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The backend answered over HTTP, or what stands before a gRPC backend did.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The header `Retry-After`, if it could be read.
        retry_after: Option<RetryAfter>,
        /// `partial_success.rejected_data_points` of a success.
        rejected: u64,
    },
    /// The backend answered over gRPC.
    Called {
        /// The code.
        code: Code,
        /// The delay that `RetryInfo` asks for, if there is one.
        retry_info: Option<Duration>,
        /// Whether the words are those of a receiver that found the message too large.
        too_large: bool,
        /// `partial_success.rejected_data_points` of a success.
        rejected: u64,
    },
    /// There was no answer.
    Unanswered(Failure),
}

/// What an outcome means, whatever the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Acknowledged, except for so many points.
    Accepted {
        /// Points that the backend rejected.
        rejected: u64,
    },
    /// It may work later.
    Again {
        /// How long the backend asked to wait; zero if it did not.
        asked: Duration,
    },
    /// It will not work later either.
    Refused(DropReason),
}

impl Outcome {
    /// The class of the failure; none for an acknowledged request.
    pub const fn failure(&self) -> Option<Failure> {
        match self {
            Self::Answered { status, .. } => Failure::of_status(*status),
            Self::Called { code, retry_info, too_large, .. } => {
                code.failure(retry_info.is_some(), *too_large)
            }
            Self::Unanswered(failure) => Some(*failure),
        }
    }

    /// The judgement of OTLP: what says that it may work later is retried (HTTP's 429, 502, 503 and 504,
    /// gRPC's retryable codes), and so is a missing answer; nothing else is, a partial success never.
    pub fn verdict(&self, now: Timestamp) -> Verdict {
        let (rejected, asked) = match self {
            Self::Answered { rejected, retry_after, .. } => {
                (*rejected, retry_after.map_or(Duration::ZERO, |after| after.wait(now)))
            }
            Self::Called { rejected, retry_info, .. } => (*rejected, retry_info.unwrap_or_default()),
            Self::Unanswered(_) => (0, Duration::ZERO),
        };
        match self.failure() {
            None => Verdict::Accepted { rejected },
            Some(
                Failure::Resolve
                | Failure::Connect
                | Failure::Proxy
                | Failure::Tls
                | Failure::Timeout
                | Failure::Disconnected
                | Failure::Protocol
                | Failure::Throttled
                | Failure::Unavailable,
            ) => Verdict::Again { asked },
            // The output splits it once into halves, where that can help.
            Some(Failure::TooLarge) => Verdict::Refused(DropReason::TooLarge),
            // Unauthorized: the output repeats it once with credentials read anew, where they are in a file.
            Some(Failure::Unauthorized | Failure::Redirect | Failure::Rejected) => {
                Verdict::Refused(DropReason::Rejected)
            }
        }
    }
}

/// The bounds of the waits between attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The window from which the first wait is drawn. It doubles with each further failure.
    pub initial: Duration,
    /// The largest window.
    pub max: Duration,
    /// The longest wait that a backend may ask for.
    pub max_asked: Duration,
}

impl Default for Limits {
    /// 5 s and 30 s, as the collector's `retry_on_failure` has them; 5 minutes at the backend's wish.
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(5),
            max: Duration::from_secs(30),
            max_asked: Duration::from_mins(5),
        }
    }
}

/// What to do with the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Done.
    Delivered,
    /// Done, but the backend rejected some of the points. Never retried.
    DeliveredPartly {
        /// How many points.
        rejected: u64,
    },
    /// Wait, then send it again if it is not too old by then.
    RetryAfter {
        /// How long to wait in all.
        wait: Duration,
        /// The part of `wait` for which the backend asked.
        asked: Duration,
    },
    /// Give it up.
    Drop(DropReason),
}

/// Decides after an exchange that had `failures` failed ones in a row before it. `random` is uniform in
/// [0, 1).
///
/// The wait is drawn from the whole window (full jitter), so that a fleet whose backend fell over at one
/// moment spreads over it. A backend's own wish is a floor on which the drawn wait is added: agents that
/// were told the same second do not come back in the same second.
pub fn decide(verdict: Verdict, failures: u32, random: f64, limits: &Limits) -> Decision {
    match verdict {
        Verdict::Accepted { rejected: 0 } => Decision::Delivered,
        Verdict::Accepted { rejected } => Decision::DeliveredPartly { rejected },
        Verdict::Refused(reason) => Decision::Drop(reason),
        Verdict::Again { asked } => {
            let asked = asked.min(limits.max_asked);
            let wait = asked.saturating_add(window(failures, limits).mul_f64(random.clamp(0.0, 1.0)));
            Decision::RetryAfter { wait, asked }
        }
    }
}

/// The window of the wait after `failures` earlier failures in a row.
fn window(failures: u32, limits: &Limits) -> Duration {
    let factor = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
    limits.initial.saturating_mul(factor).min(limits.max)
}

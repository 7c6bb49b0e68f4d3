//! The head of an answer: whether its body can be what was asked for.

use std::time::{Duration, UNIX_EPOCH};

use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, RETRY_AFTER};

use crate::clock::Wall;
use crate::distress::RetryAfter;

/// What to do with the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Read it as what was asked for.
    Read(Encoding),
    /// Read it as an explanation of this status.
    Rejected(u16, Option<RetryAfter>),
    /// A redirect: not followed.
    Redirect,
    /// Not JSON, or in an encoding that was not asked for.
    Foreign,
}

/// How the body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Identity,
    /// gzip.
    Gzip,
}

/// Judges the head of an answer; `gzip` says whether gzip was asked for.
pub fn judge(status: StatusCode, headers: &HeaderMap, gzip: bool) -> Verdict {
    if status.is_redirection() {
        return Verdict::Redirect;
    }
    if status != StatusCode::OK {
        return Verdict::Rejected(status.as_u16(), retry_after(headers));
    }
    match encoding(headers) {
        Some(Encoding::Gzip) if !gzip => Verdict::Foreign,
        Some(encoding) if is_json(headers) => Verdict::Read(encoding),
        _ => Verdict::Foreign,
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn encoding(headers: &HeaderMap) -> Option<Encoding> {
    let mut values = headers.get_all(CONTENT_ENCODING).iter();
    let encoding = match values.next().map(|value| value.to_str().unwrap_or_default().trim()) {
        None => Encoding::Identity,
        Some(value) if value.is_empty() || value.eq_ignore_ascii_case("identity") => Encoding::Identity,
        Some(value) if value.eq_ignore_ascii_case("gzip") => Encoding::Gzip,
        Some(_) => return None,
    };
    values.next().is_none().then_some(encoding)
}

/// `Retry-After`, in seconds or as a date; anything else is no wish.
pub fn retry_after(headers: &HeaderMap) -> Option<RetryAfter> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number too large for us is a very long time.
        let seconds = value.parse().unwrap_or(u64::MAX);
        return Some(RetryAfter::Delay(Duration::from_secs(seconds)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let since = date.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Some(RetryAfter::Date(Wall::new(since)))
}

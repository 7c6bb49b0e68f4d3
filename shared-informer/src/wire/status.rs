//! A `Status` object: how the API server says what went wrong, in the body of an answer or in an ERROR event.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;

use super::text;
use crate::distress::RetryAfter;
use crate::informer::event::Rejection;

#[derive(Deserialize)]
struct Status<'a> {
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    code: Option<u16>,
    details: Option<Details>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    retry_after_seconds: Option<u64>,
}

/// The object of an ERROR event; none if it is no `Status`. One without a code is the server's own fault: 500.
pub(super) fn read(json: &[u8]) -> Option<Rejection> {
    let status: Status<'_> = serde_json::from_slice(json).ok()?;
    if status.kind.as_deref() != Some("Status") {
        return None;
    }
    let delay = status.details.and_then(|details| details.retry_after_seconds).filter(|seconds| *seconds > 0);
    Some(Rejection {
        code: status.code.filter(|code| *code != 0).unwrap_or(500),
        retry_after: delay.map(|seconds| RetryAfter::Delay(Duration::from_secs(seconds))),
        message: text::bounded(status.message.as_deref().unwrap_or_default()),
    })
}

/// An answer with this status and the beginning of its body. The header's wish comes before the body's.
pub(super) fn rejection(code: u16, retry_after: Option<RetryAfter>, body: &[u8]) -> Rejection {
    match read(body) {
        Some(said) => {
            Rejection { code, retry_after: retry_after.or(said.retry_after), message: said.message }
        }
        None => Rejection { code, retry_after, message: text::bounded(&String::from_utf8_lossy(body)) },
    }
}

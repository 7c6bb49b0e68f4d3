//! The status of a call, as it stands in trailers or, where there is no body, in headers.
//!
//! Pure, bounded, and safe on any bytes. Source: "gRPC over HTTP2" (`PROTOCOL-HTTP2.md`), "Responses";
//! `google/rpc/status.proto` and `error_details.proto` for the details.

use std::time::Duration;

use http::HeaderMap;

use crate::encoding::{base64_decode, percent_decode};
use crate::retry::Code;
use crate::text;
use crate::wire::reader::{Fields, Payload};

#[cfg(test)]
mod tests;

/// The most bytes of a message or of details that are looked at, encoded.
const MAX_ENCODED: usize = 8 << 10;

/// What a status says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) code: Code,
    /// Fit for a log.
    pub(super) message: String,
    /// The delay of `RetryInfo`; zero if it names none.
    pub(super) retry_info: Option<Duration>,
}

impl Status {
    /// Reads the status; none if there is none or it is no number.
    pub(super) fn of(map: &HeaderMap) -> Option<Self> {
        let code = Code::parse(map.get("grpc-status")?.to_str().ok()?)?;
        let bytes = |name| map.get(name).map(|value| bounded(value.as_bytes())).unwrap_or_default();
        Some(Self {
            code,
            message: text::clean(&percent_decode(bytes("grpc-message"))),
            retry_info: base64_decode(bytes("grpc-status-details-bin")).as_deref().and_then(retry_info),
        })
    }

    /// Whether the words are those with which receivers refuse a message for its size: gRPC for Go ("grpc:
    /// received message larger than max", "message after decompression larger than max"), C++ ("Received
    /// message larger than max", "CLIENT: Sent message larger than max") and Java ("gRPC message exceeds
    /// maximum size", "Decompressed gRPC message exceeds maximum size").
    pub(super) fn says_too_large(&self) -> bool {
        ["larger than max", "exceeds maximum size"].iter().any(|words| self.message.contains(words))
    }
}

fn bounded(bytes: &[u8]) -> &[u8] {
    bytes.get(..MAX_ENCODED).unwrap_or(bytes)
}

/// `google.rpc.Status`: details = 3 [`Any`: type_url = 1, value = 2]; `RetryInfo`: retry_delay = 1
/// [`Duration`: seconds = 1, nanos = 2]. The first RetryInfo counts.
fn retry_info(status: &[u8]) -> Option<Duration> {
    messages(status, 3).find_map(|any| {
        let type_url = messages(any, 1).last()?;
        let is_retry_info = type_url.ends_with(b"/google.rpc.RetryInfo");
        is_retry_info.then(|| delay(messages(any, 2).last().unwrap_or_default()))
    })
}

fn delay(retry_info: &[u8]) -> Duration {
    let Some(duration) = messages(retry_info, 1).last() else { return Duration::ZERO };
    let (mut seconds, mut nanos) = (0, 0);
    for field in Fields::new(duration).map_while(Result::ok) {
        // Signed numbers on the wire; a wish to have waited already is none.
        let Payload::Varint(number) = field.payload else { continue };
        let number = u64::try_from(number.cast_signed()).unwrap_or(0);
        match field.number {
            1 => seconds = number,
            2 => nanos = u32::try_from(number).unwrap_or(0).min(999_999_999),
            _ => {}
        }
    }
    Duration::new(seconds, nanos)
}

/// The length-delimited fields with this number, up to where the bytes are no message any more.
fn messages(message: &[u8], number: u64) -> impl Iterator<Item = &[u8]> {
    Fields::new(message).map_while(Result::ok).filter_map(move |field| match field.payload {
        Payload::Bytes(bytes) if field.number == number => Some(bytes),
        _ => None,
    })
}

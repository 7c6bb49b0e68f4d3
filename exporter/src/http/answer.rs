//! The body of an answer: read with bounds, and the little of it that matters.
//!
//! A success carries `ExportMetricsServiceResponse`, of which only `partial_success` is of use; an error
//! carries `google.rpc.Status` or plain text, of which a line is kept for people. Memory is bounded by a
//! prefix of 16 KiB, whatever is sent; up to 4 MiB are read, so that the connection can be used again.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Body as HttpBody;
use tokio::time::{Instant, timeout_at};

use super::PROTOBUF;
use crate::text;
use crate::wire::{FIXED64, LEN};

#[cfg(test)]
mod tests;

/// The most bytes of a body that are read.
const MAX_READ: u64 = 4 << 20;
/// The most bytes of a body that are kept.
const MAX_KEPT: usize = 16 << 10;

/// How reading a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    TooLong,
    Broken,
    TimedOut,
}

/// What is kept of a body.
#[derive(Debug)]
pub(super) struct Body {
    prefix: Vec<u8>,
    /// Whether `prefix` is all of what was received.
    complete: bool,
    end: End,
}

impl Body {
    /// Whether the peer ended it properly: only then can the connection carry another exchange.
    pub(super) fn reached_its_end(&self) -> bool {
        self.end == End::Whole
    }
}

/// Reads until the body's end, a bound or `deadline`.
pub(super) async fn read(mut body: impl HttpBody<Data = Bytes> + Unpin, deadline: Instant) -> Body {
    let mut prefix = Vec::new();
    let mut received = 0_u64;
    let end = loop {
        let data = match timeout_at(deadline, body.frame()).await {
            Err(_) => break End::TimedOut,
            Ok(None) => break End::Whole,
            Ok(Some(Err(_))) => break End::Broken,
            // What is no data is trailers, which OTLP/HTTP does not use.
            Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
        };
        received += data.len() as u64;
        if received > MAX_READ {
            break End::TooLong;
        }
        let room = data.len().min(MAX_KEPT - prefix.len());
        prefix.extend_from_slice(&data[..room]);
    };
    let complete = received == prefix.len() as u64;
    Body { prefix, complete, end }
}

/// `partial_success` of an acknowledged request; without one, nothing rejected and an empty message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Partial {
    pub(crate) rejected: u64,
    /// Fit for a log.
    pub(crate) message: String,
}

impl Partial {
    /// What to tell people, if there is anything: the backend at `shown` acknowledged the request with it.
    pub(crate) fn remark(&self, shown: &str) -> Option<String> {
        let Self { rejected, message } = self;
        let something = *rejected > 0 || !message.is_empty();
        something.then(|| format!("{shown} accepted a request and rejected {rejected} points: {message}"))
    }
}

/// An acknowledged request whose answer could not be read to its end or understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// A clause that says why.
    pub(super) what: String,
    /// What could be understood nevertheless.
    pub(super) rejected: u64,
}

/// Reads the body of a success.
pub(super) fn partial(body: &Body, content_type: Option<&str>) -> Result<Partial, Unreadable> {
    let unreadable = |what: String, rejected| Err(Unreadable { what, rejected });
    if let Some(other) = content_type.filter(|given| !is_protobuf(given))
        && !body.prefix.is_empty()
    {
        let other = text::clean(other.as_bytes());
        return unreadable(format!("its answer is {other}, not {PROTOBUF}: is it an OTLP receiver?"), 0);
    }
    let found = export_response(&body.prefix, body.complete && body.end == End::Whole);
    let rejected = found.as_ref().map_or(0, |partial| partial.rejected);
    match (body.end, found) {
        (End::Whole, Some(partial)) => Ok(partial),
        (End::Whole, None) => unreadable("its answer is not OTLP: is it an OTLP receiver?".to_owned(), 0),
        (End::TooLong, _) => unreadable(format!("its answer is longer than {MAX_READ} bytes"), rejected),
        (End::Broken, _) => unreadable("its answer was cut off".to_owned(), rejected),
        (End::TimedOut, _) => unreadable("its answer did not end in time".to_owned(), rejected),
    }
}

/// What the body of an error says, in one line.
pub(super) fn message(body: &Body, content_type: Option<&str>) -> Option<String> {
    let content_type = content_type.unwrap_or_default();
    let found = if is_protobuf(content_type) {
        // google.rpc.Status: code = 1, message = 2.
        Fields::new(&body.prefix, false)
            .find_map(|field| match field {
                Ok((2, Value::Bytes(message))) => Some(text::clean(message)),
                _ => None,
            })
            .unwrap_or_default()
    } else if content_type.starts_with("text/") || content_type.starts_with("application/json") {
        text::clean(&body.prefix)
    } else {
        String::new()
    };
    (!found.is_empty()).then_some(found)
}

fn is_protobuf(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(PROTOBUF)
}

/// `ExportMetricsServiceResponse`: partial_success = 1 { rejected_data_points = 1, error_message = 2 }.
/// None if the bytes are no such message; what was cut off is no fault where they are not `complete`.
pub(crate) fn export_response(bytes: &[u8], complete: bool) -> Option<Partial> {
    let mut partial = Partial::default();
    for field in Fields::new(bytes, complete) {
        let (1, Value::Bytes(inner)) = field.ok()? else { continue };
        for field in Fields::new(inner, complete) {
            match field.ok()? {
                // A signed number on the wire; a negative one means nothing.
                (1, Value::Varint(number)) => {
                    partial.rejected = u64::try_from(number.cast_signed()).unwrap_or(0);
                }
                (2, Value::Bytes(message)) => partial.message = text::clean(message),
                _ => {}
            }
        }
    }
    Some(partial)
}

/// A field's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Fixed,
}

/// The bytes are no protobuf message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Malformed;

/// The fields of one message, in order. Of an incomplete message, the part that is there.
struct Fields<'a> {
    rest: &'a [u8],
    complete: bool,
}

impl<'a> Fields<'a> {
    const fn new(bytes: &'a [u8], complete: bool) -> Self {
        Self { rest: bytes, complete }
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for position in 0..10 {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << (7 * position);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn bytes(&mut self, length: u64) -> Option<&'a [u8]> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let at = if self.complete { length } else { length.min(self.rest.len()) };
        let (taken, rest) = self.rest.split_at_checked(at)?;
        self.rest = rest;
        Some(taken)
    }

    fn field(&mut self) -> Option<(u64, Value<'a>)> {
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            kind if kind == u64::from(FIXED64) => self.bytes(8).map(|_| Value::Fixed)?,
            kind if kind == u64::from(LEN) => {
                let length = self.varint()?;
                Value::Bytes(self.bytes(length)?)
            }
            5 => self.bytes(4).map(|_| Value::Fixed)?,
            _ => return None,
        };
        (key >> 3 != 0).then_some((key >> 3, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            let cut = !self.complete && self.rest.is_empty();
            self.rest = &[];
            return if cut { None } else { Some(Err(Malformed)) };
        }
        field.map(Ok)
    }
}

//! The message of a call: its prefix, and what the answer's says once it is decompressed, within bounds.
//!
//! Pure. Of an answer at most [`MAX_KEPT`] bytes are held before decompression and as many behind it, and no
//! more than [`MAX_READ`] are ever made of them. Source: "gRPC over HTTP2" (`PROTOCOL-HTTP2.md`),
//! "Length-Prefixed-Message"; `compression.md` for the encodings.

use std::io::{ErrorKind, Read};

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use http::HeaderValue;

use super::connection::{Answer, MAX_KEPT, MAX_READ};
use crate::compress::Payload;
use crate::http::answer::{Partial, export_response};
use crate::text;

#[cfg(test)]
mod tests;

/// The bytes before each message: whether it is compressed, and its length.
const PREFIX: usize = 5;
/// So many bytes are decompressed at a time.
const STEP: usize = 4 << 10;

/// What stands before the message on the wire. Its length fits: requests are bounded far below 4 GiB.
pub(super) fn prefix(payload: &Payload) -> Bytes {
    let compressed = u8::from(payload.compression.content_encoding().is_some());
    let length = u32::try_from(payload.bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
    Bytes::copy_from_slice(&[compressed, length[0], length[1], length[2], length[3]])
}

/// Reads the message of a success; otherwise a clause that says why it cannot be read.
pub(super) fn partial(answer: &Answer) -> Result<Partial, String> {
    let Some((prefix, message)) = answer.prefix.split_first_chunk::<PREFIX>() else {
        return Err("holds no message".to_owned());
    };
    let [compressed, a, b, c, d] = *prefix;
    let length = u64::from(u32::from_be_bytes([a, b, c, d]));
    if length + PREFIX as u64 != answer.received {
        return Err("is not one message".to_owned());
    }
    let complete = answer.received == answer.prefix.len() as u64;
    let found = if compressed == 0 {
        export_response(message, complete)
    } else {
        is_gzip(answer)?;
        let Plain { bytes, complete } = decompress(message, complete)?;
        export_response(&bytes, complete)
    };
    found.ok_or_else(|| "is not OTLP".to_owned())
}

/// Whether a message that is compressed can be read.
fn is_gzip(answer: &Answer) -> Result<(), String> {
    match answer.headers.get("grpc-encoding").map(HeaderValue::as_bytes) {
        Some(b"gzip") => Ok(()),
        None | Some(b"identity") => Err("is compressed and does not say how".to_owned()),
        Some(other) => Err(format!("is compressed as {}, which was not asked for", text::clean(other))),
    }
}

/// The beginning of a decompressed message.
struct Plain {
    bytes: Vec<u8>,
    /// Whether it is all of it.
    complete: bool,
}

/// Decompresses what there is of a message, which is all of it if it is `complete`. Whatever it says of its
/// size, it is made in small steps, of which the first ones are kept.
fn decompress(message: &[u8], complete: bool) -> Result<Plain, String> {
    let mut decoder = MultiGzDecoder::new(message);
    let (mut kept, mut made, mut step) = (Vec::new(), 0_u64, [0; STEP]);
    loop {
        match decoder.read(&mut step) {
            Ok(0) => return Ok(Plain { complete: complete && made == kept.len() as u64, bytes: kept }),
            Ok(read) => {
                made += read as u64;
                if made > MAX_READ {
                    return Err(format!("is longer than {MAX_READ} bytes when decompressed"));
                }
                let room = read.min(MAX_KEPT - kept.len());
                kept.extend_from_slice(&step[..room]);
            }
            // The rest was not kept.
            Err(error) if !complete && error.kind() == ErrorKind::UnexpectedEof => {
                return Ok(Plain { bytes: kept, complete: false });
            }
            Err(_) => return Err("is damaged gzip".to_owned()),
        }
    }
}

//! gzip for request bodies, with one encoder for the life of an output.
//!
//! A deflate state takes about 400 KB, so it is made once, on first use, and reset between requests. Level 1:
//! level 6 costs four times the CPU for a fifth fewer bytes.

use std::io::Read as _;

use bytes::Bytes;
use flate2::bufread::GzDecoder;
use flate2::{Compress, Compression as Level, FlushCompress, Status};

#[cfg(test)]
mod tests;

/// How request bodies are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Sent as they are.
    None,
    /// gzip, level 1.
    #[default]
    Gzip,
}

impl Compression {
    /// The value of `Content-Encoding`; none where the header is left out.
    pub const fn content_encoding(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => Some("gzip"),
        }
    }
}

/// The largest deflate window, 32 KiB.
const WINDOW_BITS: u8 = 15;
/// The output buffer grows by at least this much.
const STEP: usize = 16 << 10;
/// A buffer that a large request made larger than this is not kept for the next: between two scrapes it would lie idle, and
/// blocks of this size go back to the kernel.
const KEEP: usize = 64 << 10;

/// Compresses one body after another.
pub(crate) struct Compressor {
    compression: Compression,
    encoder: Option<Compress>,
    out: Vec<u8>,
}

/// A request body as it goes on the wire.
#[derive(Debug, Clone)]
pub(crate) struct Payload {
    pub(crate) bytes: Bytes,
    /// How `bytes` is compressed.
    pub(crate) compression: Compression,
}

/// Undoes [`Compressor::compress`]; none where there are more than `most` bytes, or damaged ones.
pub(crate) fn decompress(payload: &Payload, most: usize) -> Option<Bytes> {
    let bytes = match payload.compression {
        Compression::None => payload.bytes.clone(),
        Compression::Gzip => {
            let mut plain = Vec::new();
            // One more than may be: whether there is more is known then, without making room for it.
            let bound = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
            GzDecoder::new(&payload.bytes[..]).take(bound).read_to_end(&mut plain).ok()?;
            plain.into()
        }
    };
    (bytes.len() <= most).then_some(bytes)
}

impl Compressor {
    pub(crate) const fn new(compression: Compression) -> Self {
        Self { compression, encoder: None, out: Vec::new() }
    }

    /// The body as it goes on the wire. It shares memory with `body` where nothing is compressed.
    pub(crate) fn compress(&mut self, body: &Bytes) -> Payload {
        let zipped = match self.compression {
            Compression::None => None,
            Compression::Gzip => self.gzip(body),
        };
        match zipped {
            Some(bytes) => Payload { bytes, compression: Compression::Gzip },
            None => Payload { bytes: body.clone(), compression: Compression::None },
        }
    }

    /// None where the encoder gives up, which zlib does only in a state that is damaged: the body then
    /// goes as it is, which every receiver understands, and the next one gets a new encoder.
    fn gzip(&mut self, body: &[u8]) -> Option<Bytes> {
        let zipped = self.deflate(body);
        if zipped.is_none() {
            self.encoder = None;
        }
        if self.out.capacity() > KEEP {
            self.out = Vec::new();
        }
        zipped
    }

    fn deflate(&mut self, body: &[u8]) -> Option<Bytes> {
        let encoder = self.encoder.get_or_insert_with(|| Compress::new_gzip(Level::fast(), WINDOW_BITS));
        encoder.reset();
        self.out.clear();
        let mut rest = body;
        loop {
            if self.out.capacity() - self.out.len() < STEP {
                self.out.reserve(STEP.max(self.out.len()));
            }
            let before = encoder.total_in();
            let status = encoder.compress_vec(rest, &mut self.out, FlushCompress::Finish).ok()?;
            let taken = usize::try_from(encoder.total_in() - before).unwrap_or(rest.len());
            rest = rest.get(taken..).unwrap_or_default();
            match status {
                Status::StreamEnd => return Some(Bytes::copy_from_slice(&self.out)),
                Status::Ok => {}
                // There is always room in `out`, so no progress means that none will come.
                Status::BufError => return None,
            }
        }
    }
}

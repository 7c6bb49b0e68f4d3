//! The body of a LIST as it comes: as it is, or gzip, decompressed piece by piece into its reader.

use std::io::{self, Write};

use flate2::write::GzDecoder;

use super::answer::Encoding;
use super::list::Reader;
use crate::informer::event::{List, Unusable};

/// A LIST's body.
#[derive(Debug)]
pub(super) enum Inflate {
    Identity(Box<Reader>),
    Gzip(Box<GzDecoder<Feed>>),
}

/// Where the decoder writes to. Its bound on the bytes is that of the reader, so that a small body cannot become a
/// large one.
#[derive(Debug)]
pub(super) struct Feed {
    reader: Reader,
    /// What the reader said; io errors carry nothing of ours.
    refused: Option<Unusable>,
}

impl Write for Feed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.reader.feed(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(why) => {
                self.refused = Some(why);
                Err(io::ErrorKind::InvalidData.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Inflate {
    pub(super) fn new(encoding: Encoding, reader: Reader) -> Self {
        match encoding {
            Encoding::Identity => Self::Identity(Box::new(reader)),
            Encoding::Gzip => Self::Gzip(Box::new(GzDecoder::new(Feed { reader, refused: None }))),
        }
    }

    pub(super) fn feed(&mut self, chunk: &[u8]) -> Result<(), Unusable> {
        match self {
            Self::Identity(reader) => reader.feed(chunk),
            Self::Gzip(decoder) => {
                let written = decoder.write_all(chunk).and_then(|()| decoder.flush());
                written.map_err(|_| decoder.get_ref().refused.unwrap_or(Unusable::Malformed))
            }
        }
    }

    pub(super) fn finish(self) -> Result<List, Unusable> {
        match self {
            Self::Identity(reader) => reader.finish(),
            Self::Gzip(mut decoder) => {
                let finished = decoder.try_finish();
                let why = decoder.get_ref().refused.unwrap_or(Unusable::Truncated);
                finished.map_err(|_| why)?;
                decoder.finish().map_err(|_| Unusable::Truncated)?.reader.finish()
            }
        }
    }
}

//! One request as the disk log keeps it: a header of fixed size and the compressed body.
//!
//! Pure. Two checksums: the header's own, so that its length can be trusted when the body is damaged, and
//! the body's. Every header repeats the salt of its segment, a random number that also stands in the
//! file's name: bytes inside a body that look like a record (telemetry is written by strangers) are none.
//! Invariant: what [`next_piece`] calls sound is, byte for byte, what [`encode`] was given.

use bytes::Bytes;

use crate::compress::Compression;
use crate::model::Timestamp;
use crate::queue::Class;

#[cfg(test)]
mod tests;

/// Bytes of a header.
pub(crate) const HEADER: usize = 60;
/// The largest body, in bytes. The queue's own bound is usually far below it.
pub(crate) const MAX_PAYLOAD: usize = 16 << 20;

const MAGIC: [u8; 4] = *b"tRq\xb1";
const VERSION: u8 = 1;

/// One compressed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// Its place in the log; later records have larger numbers.
    pub(crate) number: u64,
    pub(crate) class: Class,
    pub(crate) compression: Compression,
    /// Data points in it.
    pub(crate) points: u64,
    /// When its first sample was taken.
    pub(crate) first: Timestamp,
    /// When its last sample was taken.
    pub(crate) last: Timestamp,
    pub(crate) payload: Bytes,
}

/// What stands at one place of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Sound(Record),
    /// A sound header with a body that is not the one that was written.
    Rotten {
        number: u64,
        points: u64,
    },
    /// No record begins here, up to the next that does or to the end.
    Noise,
}

struct Header {
    class: Class,
    compression: Compression,
    length: usize,
    checksum: u32,
    points: u64,
    first: Timestamp,
    last: Timestamp,
    number: u64,
}

/// The bytes of a record in the segment with this salt; none if the body is larger than [`MAX_PAYLOAD`].
pub(crate) fn encode(salt: u64, record: &Record) -> Option<Vec<u8>> {
    let length = u32::try_from(record.payload.len()).ok()?;
    if record.payload.len() > MAX_PAYLOAD {
        return None;
    }
    let class = match record.class {
        Class::Data => 0,
        Class::SelfTelemetry => 1,
    };
    let compression = match record.compression {
        Compression::None => 0,
        Compression::Gzip => 1,
    };
    let mut out = Vec::with_capacity(HEADER + record.payload.len());
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[VERSION, class, compression, 0]);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&crc32c::crc32c(&record.payload).to_le_bytes());
    for field in [record.points, record.first.0, record.last.0, salt, record.number] {
        out.extend_from_slice(&field.to_le_bytes());
    }
    let checksum = crc32c::crc32c(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    out.extend_from_slice(&record.payload);
    Some(out)
}

/// What stands at `from`, and where it ends; none at the end of `data`.
pub(crate) fn next_piece(data: &Bytes, salt: u64, from: usize) -> Option<(Piece, usize)> {
    let rest = data.get(from..).filter(|rest| !rest.is_empty())?;
    let Some((header, end)) = whole(rest, salt) else {
        return Some((Piece::Noise, from + noise(rest, salt)));
    };
    let payload = data.slice(from + HEADER..from + end);
    let piece = if crc32c::crc32c(&payload) == header.checksum {
        let Header { class, compression, points, first, last, number, .. } = header;
        Piece::Sound(Record { number, class, compression, points, first, last, payload })
    } else {
        Piece::Rotten { number: header.number, points: header.points }
    };
    Some((piece, from + end))
}

/// How many bytes there are before the next whole record; at least one.
fn noise(rest: &[u8], salt: u64) -> usize {
    let mut skipped = 1;
    while let Some(tail) = rest.get(skipped..)
        && let Some(at) = tail.windows(MAGIC.len()).position(|window| window == MAGIC)
    {
        skipped += at;
        if rest.get(skipped..).is_some_and(|tail| whole(tail, salt).is_some()) {
            return skipped;
        }
        skipped += 1;
    }
    rest.len()
}

/// The header at the start of `data` and where its record ends, if all of it is there.
fn whole(data: &[u8], salt: u64) -> Option<(Header, usize)> {
    let header = parse(data.first_chunk::<HEADER>()?, salt)?;
    let end = HEADER.checked_add(header.length)?;
    (end <= data.len()).then_some((header, end))
}

fn parse(bytes: &[u8; HEADER], salt: u64) -> Option<Header> {
    let (fields, checksum) = bytes.split_last_chunk::<4>()?;
    if fields.first_chunk() != Some(&MAGIC) || crc32c::crc32c(fields) != u32::from_le_bytes(*checksum) {
        return None;
    }
    let &[_, _, _, _, VERSION, class, compression, 0, ..] = bytes else { return None };
    let class = match class {
        0 => Class::Data,
        1 => Class::SelfTelemetry,
        _ => return None,
    };
    let compression = match compression {
        0 => Compression::None,
        1 => Compression::Gzip,
        _ => return None,
    };
    let word = |at: usize| Some(u64::from_le_bytes(*fields.get(at..)?.first_chunk()?));
    let half = |at: usize| Some(u32::from_le_bytes(*fields.get(at..)?.first_chunk()?));
    if word(40)? != salt {
        return None;
    }
    Some(Header {
        class,
        compression,
        length: usize::try_from(half(8)?).ok().filter(|length| *length <= MAX_PAYLOAD)?,
        checksum: half(12)?,
        points: word(16)?,
        first: Timestamp(word(24)?),
        last: Timestamp(word(32)?),
        number: word(48)?,
    })
}

//! What an earlier life of the log left: read once, at opening, one segment at a time.
//!
//! Nothing is trusted: a record counts if its checksums, its segment's salt and its number say so. A tail
//! that is no record (the write that a kill cut off) is truncated; damage elsewhere is skipped and counted.

use std::collections::VecDeque;
use std::io::ErrorKind;

use bytes::Bytes;

use super::{Log, Lost, SEGMENT_LIMIT, Segment, io};
use crate::disk::files::Files;
use crate::disk::record::{self, Piece};
use crate::disk::{Error, names};
use crate::stats::Count;

/// What was found in one segment.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// Where the last record ends.
    end: u64,
    /// The number after the largest.
    next: u64,
    rotten: Count,
    /// Stretches of noise before the last record.
    gaps: u64,
    /// Whether there is noise behind the last record.
    tail: bool,
}

impl Log {
    /// The log in this folder, with what waits in it. Where `give_up`, segments that cannot be read are
    /// deleted and counted as damaged; else they are an error.
    pub(in crate::disk) fn open(
        mut files: Box<dyn Files>,
        max_bytes: u64,
        random: fastrand::Rng,
        give_up: bool,
    ) -> Result<Self, Error> {
        let mut list = files.list().map_err(io("list the folder"))?;
        list.sort_unstable();
        let cursor = match files.read(names::CURSOR, SEGMENT_LIMIT) {
            Ok(data) => names::decode_cursor(&data).unwrap_or(0),
            Err(error) if error.kind() == ErrorKind::NotFound || give_up => 0,
            Err(source) => return Err(Error::Io { what: "read the cursor", source }),
        };
        let (mut segments, mut lost, mut next) = (VecDeque::new(), Lost::default(), cursor);
        for (name, length) in list {
            let Some((first, salt)) = names::parse_segment(&name) else { continue };
            let mut segment =
                Segment { first, salt, next: first, bytes: length, times: None, waiting: Count::default() };
            match files.read(&name, SEGMENT_LIMIT) {
                Ok(data) => {
                    let found = survey(&mut segment, &data.into(), cursor);
                    segment.next = found.next;
                    lost.count.add(found.rotten);
                    lost.damaged += found.gaps + found.rotten.requests;
                    lost.torn += u64::from(found.tail);
                    if found.tail && files.truncate(&name, found.end).is_ok() {
                        segment.bytes = found.end;
                    }
                }
                Err(source) if !give_up => return Err(Error::Io { what: "read", source }),
                Err(_) => lost.damaged += 1,
            }
            next = next.max(segment.next).max(first);
            // A folder that cannot be changed now is asked again when the segment's turn comes.
            if segment.waiting.requests > 0 || files.remove(&name).is_err() {
                segments.push_back(segment);
            }
        }
        let mut log = Self {
            files,
            max_bytes,
            random,
            segments,
            active: false,
            unsynced: None,
            next,
            cursor,
            reading: None,
            failed_reads: 0,
            lent: None,
            lost,
        };
        log.make_room(0)?;
        Ok(log)
    }

    /// Everything that was in the log when it was opened: what waits, and what is already lost.
    pub(in crate::disk) fn recovered(&self) -> Count {
        let mut count = self.level().count;
        count.add(self.lost.count);
        count
    }
}

/// Walks through a segment and notes in it what waits.
fn survey(segment: &mut Segment, data: &Bytes, cursor: u64) -> Found {
    let mut found = Found::default();
    let mut offset = 0;
    while let Some((piece, end)) = record::next_piece(data, segment.salt, offset) {
        match piece {
            Piece::Noise => found.tail = true,
            Piece::Sound(record) => {
                found.pass(end, record.number);
                if record.number >= cursor.max(segment.first) {
                    segment.waiting.add(Count { requests: 1, points: record.points });
                    segment.widen(record.first, record.last);
                }
            }
            Piece::Rotten { number, points } => {
                found.pass(end, number);
                if number >= cursor {
                    found.rotten.add(Count { requests: 1, points });
                }
            }
        }
        offset = end;
    }
    found
}

impl Found {
    /// Notes a record, sound or not; noise before it is then a gap.
    fn pass(&mut self, end: usize, number: u64) {
        self.end = end as u64;
        self.next = self.next.max(number.saturating_add(1));
        self.gaps += u64::from(std::mem::take(&mut self.tail));
    }
}

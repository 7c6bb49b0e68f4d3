//! The log: segments of records, oldest first, and a cursor.
//!
//! Records are appended to the last segment and read from the first. A life of the log never appends to a
//! segment of an earlier one, and a segment is not appended to once it is read from. It works on
//! [`Files`], takes time as a parameter, and decides what is dropped; it knows no threads.
//! Invariants: every record appended or recovered is waiting, done, or in [`Log::take_lost`]; the files
//! together never take more than the bound; only records that an [`Log::append`] of this folder wrote come
//! out, each with its content intact, in order, and again until it is done.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use bytes::Bytes;

use super::files::Files;
use super::record::{self, HEADER, Piece, Record};
use super::{Error, names};
use crate::model::Timestamp;
use crate::stats::Count;

mod recover;
#[cfg(test)]
pub(super) mod tests;

/// A segment that has grown to this many bytes is synced and followed by a new one. In a log of less than
/// eight of them a segment is an eighth of the log.
pub(super) const SEGMENT: u64 = 1 << 20;
/// How long a record may wait for its `fdatasync`: what a loss of power can take.
pub(super) const SYNC_INTERVAL: Duration = Duration::from_secs(5);
/// The largest segment file that a log can have written.
const SEGMENT_LIMIT: u64 = SEGMENT + (record::MAX_PAYLOAD + HEADER) as u64;
/// What a file is assumed to take on the disk is a multiple of this.
const BLOCK: u64 = 4 << 10;
/// So often in a row the oldest segment may be unreadable before it is given up.
const READS: u32 = 8;

/// What a log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Level {
    /// Records that wait.
    pub(super) count: Count,
    /// Bytes on the disk, in whole blocks.
    pub(super) bytes: u64,
}

/// What became unavailable since it was last asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Lost {
    /// Records that were deleted for newer ones, or could not be read back.
    pub(super) count: Count,
    /// The part of `count` that was deleted for newer ones.
    pub(super) evicted: Count,
    /// Places where a segment holds something other than a sound record.
    pub(super) damaged: u64,
    /// Tails that were cut off at opening because they are no record: the write that a kill interrupted.
    pub(super) torn: u64,
}

#[derive(Debug)]
struct Segment {
    first: u64,
    salt: u64,
    /// The number after its last record: what stands behind that was never acknowledged.
    next: u64,
    bytes: u64,
    /// When its first and its last sample were taken.
    times: Option<(Timestamp, Timestamp)>,
    waiting: Count,
}

impl Segment {
    fn name(&self) -> String {
        names::segment(self.first, self.salt)
    }

    /// Bytes on the disk.
    const fn weight(&self) -> u64 {
        self.bytes.next_multiple_of(BLOCK)
    }

    fn widen(&mut self, first: Timestamp, last: Timestamp) {
        let (from, to) = self.times.unwrap_or((first, last));
        self.times = Some((from.min(first), to.max(last)));
    }
}

/// The segment that is being read.
#[derive(Debug)]
struct Reading {
    data: Bytes,
    offset: usize,
}

/// The record that [`Log::next`] gave and that is not done.
#[derive(Debug)]
struct Lent {
    number: u64,
    count: Count,
    /// Its segment was deleted meanwhile.
    orphan: bool,
}

pub(super) struct Log {
    files: Box<dyn Files>,
    max_bytes: u64,
    random: fastrand::Rng,
    segments: VecDeque<Segment>,
    /// Whether the last segment may still be appended to.
    active: bool,
    /// Since when the last segment has bytes that were not synced.
    unsynced: Option<Duration>,
    /// The number of the next record.
    next: u64,
    /// Every record below this number is done.
    cursor: u64,
    reading: Option<Reading>,
    failed_reads: u32,
    lent: Option<Lent>,
    lost: Lost,
}

/// Marks an I/O error with what was being done.
fn io(what: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { what, source }
}

fn minus(from: Count, what: Count) -> Count {
    Count {
        requests: from.requests.saturating_sub(what.requests),
        points: from.points.saturating_sub(what.points),
    }
}

impl Log {
    /// Writes one record behind all others; its number is given here. It has survived a kill of the process
    /// when this returns, and a loss of power after [`SYNC_INTERVAL`].
    ///
    /// # Errors
    /// The record is not in the log: it is too large, or the disk fails. The log can be used on.
    pub(super) fn append(&mut self, mut record: Record, now: Duration) -> Result<(), Error> {
        record.number = self.next;
        let length = (HEADER + record.payload.len()) as u64;
        if length > self.max_bytes / 2 || record.payload.len() > record::MAX_PAYLOAD {
            return Err(Error::TooLarge);
        }
        if self.active
            && self.segments.back().is_some_and(|last| last.bytes + length > SEGMENT.min(self.max_bytes / 8))
        {
            self.seal()?;
        }
        self.make_room(length)?;
        if !self.active {
            let (first, salt) = (self.next, self.random.u64(..));
            let waiting = Count::default();
            self.segments.push_back(Segment { first, salt, next: first, bytes: 0, times: None, waiting });
            self.active = true;
        }
        // Whatever comes of it: half a write may be found later and must not be taken for another record.
        self.next += 1;
        let Some(last) = self.segments.back_mut() else { return Err(Error::TooLarge) };
        let Some(bytes) = record::encode(last.salt, &record) else { return Err(Error::TooLarge) };
        if let Err(source) = self.files.append(&last.name(), &bytes) {
            self.abandon(length);
            return Err(Error::Io { what: "write", source });
        }
        last.bytes += length;
        last.waiting.add(Count { requests: 1, points: record.points });
        last.widen(record.first, record.last);
        last.next = self.next;
        self.unsynced.get_or_insert(now);
        Ok(())
    }

    /// Cleans up behind a failed write of `length` bytes. The segment is not appended to any more.
    fn abandon(&mut self, length: u64) {
        self.active = false;
        self.unsynced = None;
        let Some(last) = self.segments.back_mut() else { return };
        let name = last.name();
        let empty = last.bytes == 0;
        if empty && self.files.remove(&name).is_ok() {
            self.segments.pop_back();
        } else if self.files.truncate(&name, last.bytes).is_err() {
            // Its end is unknown: as much as was to be written at most, which a reader will skip.
            last.bytes += length;
        }
        if !empty {
            // What was written before deserves its chance; the caller hears of an error already.
            let _ = self.files.sync(&name);
        }
    }

    /// Ends the last segment.
    fn seal(&mut self) -> Result<(), Error> {
        self.active = false;
        if self.unsynced.take().is_some()
            && let Some(last) = self.segments.back()
        {
            self.files.sync(&last.name()).map_err(io("sync"))?;
        }
        Ok(())
    }

    /// Syncs what has waited for it long enough.
    ///
    /// # Errors
    /// What was to be synced may be lost with the next loss of power. The next append begins a new segment.
    pub(super) fn sync(&mut self, now: Duration) -> Result<(), Error> {
        if self.unsynced.is_none_or(|since| now.saturating_sub(since) < SYNC_INTERVAL) {
            return Ok(());
        }
        self.seal().inspect(|()| self.active = true)
    }

    /// Syncs everything, at the end of the log's life.
    pub(super) fn close(&mut self) -> Result<(), Error> {
        self.release();
        self.seal()
    }

    /// Deletes the oldest segments until there is room for `length` more bytes.
    fn make_room(&mut self, length: u64) -> Result<(), Error> {
        while self.level().bytes + length.next_multiple_of(BLOCK) > self.max_bytes
            && !self.segments.is_empty()
        {
            let evicted = self.delete_oldest()?;
            self.lost.evicted.add(evicted);
        }
        Ok(())
    }

    /// Deletes the oldest segment; what waits in it is lost. How much that is.
    fn delete_oldest(&mut self) -> Result<Count, Error> {
        let Some(oldest) = self.segments.front() else { return Ok(Count::default()) };
        self.files.remove(&oldest.name()).map_err(io("delete"))?;
        let Some(oldest) = self.segments.pop_front() else { return Ok(Count::default()) };
        if self.segments.is_empty() {
            self.active = false;
            self.unsynced = None;
        }
        let mut waiting = oldest.waiting;
        if let Some(lent) = self.lent.as_mut().filter(|lent| !lent.orphan) {
            // It may still be delivered; it is counted when that is known.
            lent.orphan = true;
            waiting = minus(waiting, lent.count);
        }
        self.lost.count.add(waiting);
        self.reading = None;
        self.failed_reads = 0;
        Ok(waiting)
    }

    /// The oldest record that is not done; the same again until [`Log::done`].
    ///
    /// # Errors
    /// The disk fails. A segment that cannot be read for [`READS`] times in a row is given up.
    pub(super) fn next(&mut self) -> Result<Option<Record>, Error> {
        self.release();
        while let Some(front) = self.segments.front() {
            if front.waiting.requests == 0 {
                if self.active && self.segments.len() == 1 {
                    return Ok(None);
                }
                self.delete_oldest()?;
                continue;
            }
            if self.active && self.segments.len() == 1 {
                self.seal()?;
            }
            if let Some(record) = self.read()? {
                let count = Count { requests: 1, points: record.points };
                self.lent = Some(Lent { number: record.number, count, orphan: false });
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// The next sound record of the first segment that is not done; none at its end, where what should
    /// have been there is counted as lost.
    fn read(&mut self) -> Result<Option<Record>, Error> {
        let Some(front) = self.segments.front_mut() else { return Ok(None) };
        if self.reading.is_none() {
            match self.files.read(&front.name(), SEGMENT_LIMIT) {
                Ok(data) => self.reading = Some(Reading { data: data.into(), offset: 0 }),
                Err(source) if self.failed_reads < READS => {
                    self.failed_reads += 1;
                    return Err(Error::Io { what: "read", source });
                }
                Err(_) => {
                    self.delete_oldest()?;
                    self.lost.damaged += 1;
                    return Ok(None);
                }
            }
            self.failed_reads = 0;
        }
        let Some(reading) = &mut self.reading else { return Ok(None) };
        while let Some((piece, end)) = record::next_piece(&reading.data, front.salt, reading.offset) {
            reading.offset = end;
            if let Piece::Sound(record) = piece
                && record.number >= self.cursor.max(front.first)
                && record.number < front.next
            {
                return Ok(Some(record));
            }
        }
        self.reading = None;
        self.lost.count.add(std::mem::take(&mut front.waiting));
        self.lost.damaged += 1;
        Ok(None)
    }

    /// The record that [`Log::next`] gave last is not needed any more. False if it was another one.
    ///
    /// # Errors
    /// It is done, but may come again in the next life of the log: the disk fails.
    pub(super) fn done(&mut self, number: u64) -> Result<bool, Error> {
        let Some(lent) = self.lent.take_if(|lent| lent.number == number) else { return Ok(false) };
        self.cursor = number + 1;
        if lent.orphan {
            return Ok(true);
        }
        if let Some(front) = self.segments.front_mut() {
            front.waiting = minus(front.waiting, lent.count);
            if front.waiting.requests == 0 {
                self.reading = None;
            }
        }
        self.files
            .replace(names::CURSOR, &names::encode_cursor(self.cursor))
            .map_err(io("write the cursor"))?;
        if !self.active || self.segments.len() > 1 {
            while self.segments.front().is_some_and(|front| front.waiting.requests == 0) {
                self.delete_oldest()?;
            }
        }
        Ok(true)
    }

    /// Takes back what [`Log::next`] gave, and the memory that goes with it.
    pub(super) fn release(&mut self) {
        if let Some(lent) = self.lent.take() {
            self.reading = None;
            if lent.orphan {
                self.lost.count.add(lent.count);
                self.lost.evicted.add(lent.count);
            }
        }
    }

    /// What became unavailable since the last call.
    pub(super) fn take_lost(&mut self) -> Lost {
        std::mem::take(&mut self.lost)
    }

    /// What is in the log; what was lent is in it.
    pub(super) fn level(&self) -> Level {
        let mut level = Level::default();
        for segment in &self.segments {
            level.count.add(segment.waiting);
            level.bytes += segment.weight();
        }
        if let Some(lent) = self.lent.as_ref().filter(|lent| lent.orphan) {
            level.count.add(lent.count);
        }
        level
    }

    /// When the oldest sample was taken that may wait here.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.segments.iter().filter_map(|segment| segment.times).map(|(first, _)| first).min()
    }
}

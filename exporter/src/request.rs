//! From segments to requests of bounded size.
//!
//! A request is the concatenation of encoded segments. It is split between segments; a segment that is too
//! large alone is split between points, each piece with the resource, the scope and the metric's metadata
//! again. Invariant: every point pushed is in exactly one request or counted as dropped, and no request is
//! larger than the bound or empty. Does no I/O.

use bytes::Bytes;

use crate::segment::Segment;

pub(crate) mod halve;
mod split;
#[cfg(test)]
mod tests;

/// The bound of a request before compression: 2 MiB. Receivers take 4 MiB (gRPC) to 20 MiB, OTLP up to 64.
pub const DEFAULT_MAX_BYTES: usize = 2 << 20;

/// One encoded `ExportMetricsServiceRequest`, not compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The protobuf message.
    pub body: Bytes,
    /// How many data points are in it.
    pub points: u64,
}

/// Collects segments into requests.
#[derive(Debug)]
pub struct RequestBuilder {
    max_bytes: usize,
    body: Vec<u8>,
    points: u64,
    /// The size of the last request: one scrape is about as large as the next.
    expected: usize,
    full: Vec<Request>,
    too_large: u64,
}

impl RequestBuilder {
    /// A builder whose requests take at most `max_bytes` each before compression.
    pub const fn new(max_bytes: usize) -> Self {
        Self { max_bytes, body: Vec::new(), points: 0, expected: 0, full: Vec::new(), too_large: 0 }
    }

    /// Appends the finished scrape of `segment`.
    pub fn push(&mut self, segment: &Segment) {
        let points = segment.points() as u64;
        let len = segment.encoded_len();
        if len <= self.max_bytes {
            self.append(len, points, |body| segment.append_to(body));
            return;
        }
        let mut kept = 0;
        split::pieces(&segment.encoded(), self.max_bytes, |piece| {
            kept += piece.points();
            self.append(piece.len(), piece.points(), |body| piece.write(body));
        });
        // Whatever found no room even alone, counted by what did: no point can go missing between the two.
        self.too_large += points - kept;
    }

    /// Takes the requests, among them the one that is not full yet, oldest first.
    pub fn drain(&mut self) -> impl Iterator<Item = Request> {
        self.close();
        std::mem::take(&mut self.full).into_iter()
    }

    /// Takes the number of points that were dropped since the last call because a request with nothing but
    /// that point is above the bound: drop reason `too_large`.
    pub fn take_too_large(&mut self) -> u64 {
        std::mem::take(&mut self.too_large)
    }

    /// Appends `len` bytes, to the open request if they fit, else to a new one.
    fn append(&mut self, len: usize, points: u64, write: impl FnOnce(&mut Vec<u8>)) {
        if self.body.len() + len > self.max_bytes {
            self.close();
        }
        if self.body.is_empty() {
            self.body.reserve_exact(self.expected.max(len));
        }
        write(&mut self.body);
        self.points += points;
    }

    fn close(&mut self) {
        if !self.body.is_empty() {
            // The queue is bounded by length: spare capacity would be memory that nobody counts.
            let body = std::mem::take(&mut self.body).into_boxed_slice();
            self.expected = body.len();
            self.full.push(Request { body: body.into(), points: std::mem::take(&mut self.points) });
        }
    }
}

impl Default for RequestBuilder {
    fn default() -> Self {
        Self::new(DEFAULT_MAX_BYTES)
    }
}

//! Cuts a segment that is larger than a request between its points.
//!
//! Works on the encoded bytes, where the points of a metric lie side by side: a piece is a few borrowed
//! ranges, each written behind its metric's metadata.

use crate::wire::reader::{Field, Fields, Payload};
use crate::wire::{len_field, put_len_header};

/// One metric of the segment: what stands before its points, the points, and what stands behind them.
#[derive(Debug, Clone, Copy)]
struct Metric<'a> {
    /// Name, description and unit.
    head: &'a [u8],
    /// The field number of the `Gauge` or `Sum`.
    data: u8,
    /// The `data_points` fields.
    points: &'a [u8],
    /// Temporality and monotonicity.
    tail: &'a [u8],
}

impl<'a> Metric<'a> {
    fn parse(body: &'a [u8]) -> Option<Self> {
        let data = fields(body).find(|field| matches!(field.number, 5 | 7))?;
        let content = bytes(&data)?;
        let points = fields(content).take_while(|field| field.number == 1).map(|field| field.raw.len()).sum();
        let (points, tail) = content.split_at_checked(points)?;
        let head = body.get(..body.len() - data.raw.len())?;
        Some(Self { head, data: data.number.to_le_bytes()[0], points, tail })
    }

    /// The size of the metric as a field, with `points` bytes of points.
    const fn len(&self, points: usize) -> usize {
        len_field(self.head.len() + len_field(points + self.tail.len()))
    }

    fn write(&self, out: &mut Vec<u8>, points: &[u8]) {
        let data = points.len() + self.tail.len();
        put_len_header(out, 2, self.head.len() + len_field(data));
        out.extend_from_slice(self.head);
        put_len_header(out, self.data, data);
        out.extend_from_slice(points);
        out.extend_from_slice(self.tail);
    }
}

/// Some points of one metric.
#[derive(Debug)]
struct Part<'a> {
    metric: Metric<'a>,
    points: &'a [u8],
}

/// A part of a segment that fits a request; itself a `resource_metrics` field.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    /// The `resource` field.
    resource: &'a [u8],
    /// The `scope` field.
    scope: &'a [u8],
    parts: Vec<Part<'a>>,
    /// The size of the parts.
    metrics: usize,
    points: u64,
}

impl<'a> Piece<'a> {
    pub(super) const fn points(&self) -> u64 {
        self.points
    }

    pub(super) const fn len(&self) -> usize {
        self.len_with(0)
    }

    /// The size with `more` bytes of metrics.
    const fn len_with(&self, more: usize) -> usize {
        len_field(self.resource.len() + len_field(self.scope.len() + self.metrics + more))
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let scope_metrics = self.scope.len() + self.metrics;
        out.reserve(self.len());
        put_len_header(out, 1, self.resource.len() + len_field(scope_metrics));
        out.extend_from_slice(self.resource);
        put_len_header(out, 2, scope_metrics);
        out.extend_from_slice(self.scope);
        for part in &self.parts {
            part.metric.write(out, part.points);
        }
    }

    fn add(&mut self, metric: Metric<'a>, points: &'a [u8], count: u64) {
        if !points.is_empty() {
            self.metrics += metric.len(points.len());
            self.points += count;
            self.parts.push(Part { metric, points });
        }
    }

    /// Hands the piece out, unless it is empty, and begins the next one.
    fn flush(&mut self, each: &mut impl FnMut(&Self)) {
        if self.points > 0 {
            each(self);
        }
        self.parts.clear();
        self.metrics = 0;
        self.points = 0;
    }
}

/// Cuts an encoded segment into pieces of at most `max` bytes, in order. A point that makes a larger piece
/// even alone is left out.
pub(super) fn pieces<'a>(segment: &'a [u8], max: usize, mut each: impl FnMut(&Piece<'a>)) {
    let Some(body) = fields(segment).next().as_ref().and_then(bytes) else { return };
    let Some(resource) = fields(body).find(|field| field.number == 1) else { return };
    let Some(content) = fields(body).find(|field| field.number == 2).as_ref().and_then(bytes) else { return };
    let Some(scope) = fields(content).find(|field| field.number == 1) else { return };
    let mut piece =
        Piece { resource: resource.raw, scope: scope.raw, parts: Vec::new(), metrics: 0, points: 0 };
    let metrics = fields(content).filter(|field| field.number == 2);
    for metric in metrics.filter_map(|field| bytes(&field).and_then(Metric::parse)) {
        // The points from `from` to `to` fit the piece; `count` is how many they are.
        let (mut from, mut to, mut count) = (0, 0, 0);
        for point in fields(metric.points) {
            let end = to + point.raw.len();
            if piece.len_with(metric.len(end - from)) > max {
                piece.add(metric, &metric.points[from..to], count);
                piece.flush(&mut each);
                (from, count) = (to, 0);
                if piece.len_with(metric.len(end - from)) > max {
                    (from, to) = (end, end);
                    continue;
                }
            }
            (to, count) = (end, count + 1);
        }
        piece.add(metric, &metric.points[from..to], count);
    }
    piece.flush(&mut each);
}

/// The fields of a message that our own encoder wrote, so that none is malformed.
fn fields(message: &[u8]) -> impl Iterator<Item = Field<'_>> {
    Fields::new(message).map_while(Result::ok)
}

const fn bytes<'a>(field: &Field<'a>) -> Option<&'a [u8]> {
    match field.payload {
        Payload::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

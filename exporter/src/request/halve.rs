//! Cuts an encoded request in two, for a backend that finds it too large.
//!
//! A pure function over the bytes, whoever wrote them: it descends to the first level at which there is
//! more than one of a kind (resources, else scopes, metrics, points) and cuts there, so that both halves
//! carry whatever stands around it. Invariant: the points of the halves, in order, are those of the whole.

use super::Request;
use crate::wire::reader::{Field, Fields, Payload};
use crate::wire::{len_field, put_len_header};

#[cfg(test)]
mod tests;

/// What a message on the way from the request to its points holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Request,
    Resource,
    Scope,
    Metric,
    Data,
}

impl Level {
    /// Whether the next level is in the field with this number.
    const fn holds(self, number: u64) -> bool {
        match self {
            Self::Request | Self::Data => number == 1,
            Self::Resource | Self::Scope => number == 2,
            // Gauge, sum, histogram, exponential histogram, summary.
            Self::Metric => matches!(number, 5 | 7 | 9 | 10 | 11),
        }
    }

    /// The level below; none below the data, where the points are.
    const fn below(self) -> Option<Self> {
        match self {
            Self::Request => Some(Self::Resource),
            Self::Resource => Some(Self::Scope),
            Self::Scope => Some(Self::Metric),
            Self::Metric => Some(Self::Data),
            Self::Data => None,
        }
    }
}

/// The two halves of a request, in order; none where it cannot be cut: it is no request, or it has less
/// than two points.
pub(crate) fn halves(body: &[u8]) -> Option<[Request; 2]> {
    let [first, second] = cut(body, Level::Request)?;
    let request = |body: Vec<u8>| Some(Request { points: points(&body)?, body: body.into() });
    let halves = [request(first)?, request(second)?];
    halves.iter().all(|half| half.points > 0).then_some(halves)
}

/// How many points a request holds; none if it is no request.
pub(crate) fn points(body: &[u8]) -> Option<u64> {
    count(body, Level::Request)
}

fn count(message: &[u8], level: Level) -> Option<u64> {
    let mut sum = 0;
    for field in Fields::new(message) {
        let field = field.ok()?;
        if !level.holds(field.number) {
            continue;
        }
        sum += match level.below() {
            Some(below) => count(content(&field)?, below)?,
            None => 1,
        };
    }
    Some(sum)
}

/// Cuts a message; none where no level has two of a kind.
fn cut(message: &[u8], level: Level) -> Option<[Vec<u8>; 2]> {
    let fields: Vec<Field<'_>> = Fields::new(message).collect::<Result<_, _>>().ok()?;
    let below: Vec<&Field<'_>> =
        fields.iter().filter(|field| level.holds(field.number) && has_points(field, level)).collect();
    match below[..] {
        [] => None,
        [only] => {
            let [first, second] = cut(content(only)?, level.below()?)?;
            Some([first, second].map(|half| {
                with(&fields, |field, out| {
                    if field.raw.as_ptr() == only.raw.as_ptr() {
                        out.reserve(len_field(half.len()));
                        put_len_header(out, only.number.to_le_bytes()[0], half.len());
                        out.extend_from_slice(&half);
                    } else if !level.holds(field.number) {
                        out.extend_from_slice(field.raw);
                    }
                })
            }))
        }
        _ => {
            let middle = middle(&below);
            let first_of_second = below.get(middle)?.raw.as_ptr();
            let side = |second: bool| {
                with(&fields, |field, out| {
                    let belongs = (field.raw.as_ptr() >= first_of_second) == second;
                    if belongs || !level.holds(field.number) {
                        out.extend_from_slice(field.raw);
                    }
                })
            };
            Some([side(false), side(true)])
        }
    }
}

/// Whether something of the kind is worth carrying: what holds no point is left out of the halves.
fn has_points(field: &Field<'_>, level: Level) -> bool {
    match (level.below(), content(field)) {
        (Some(below), Some(content)) => count(content, below).is_some_and(|points| points > 0),
        (None, Some(_)) => true,
        (_, None) => false,
    }
}

/// Where to cut a list of at least two: at the border nearest the middle of its bytes.
fn middle(fields: &[&Field<'_>]) -> usize {
    let total: usize = fields.iter().map(|field| field.raw.len()).sum();
    let mut before = 0_usize;
    let mut best = (usize::MAX, 1);
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            best = best.min(((2 * before).abs_diff(total), index));
        }
        before += field.raw.len();
    }
    best.1
}

fn with(fields: &[Field<'_>], write: impl Fn(&Field<'_>, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    for field in fields {
        write(field, &mut out);
    }
    out
}

const fn content<'a>(field: &Field<'a>) -> Option<&'a [u8]> {
    match field.payload {
        Payload::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

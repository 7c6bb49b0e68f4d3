//! What was asked of the API server so far: the file `spend.v1`. Pure.
//!
//! It is written before a request is sent, with the request among the outstanding ones, so that a crash hides none: the
//! next life reports what it finds outstanding with `status=none`. And it knows the last turn that was used, so that a
//! crash loop does not use one twice.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::frame::Frame;
use super::{ClusterId, Unusable};
use crate::clock::Wall;
use crate::counts::{Asked, Counts, Reason, Resource, Status, Verb};

#[cfg(test)]
mod tests;

const FRAME: Frame = Frame { magic: *b"tare-spd", version: 1 };
/// The size above which such a file is neither written nor read: every series that can be takes 120 KB.
pub const MAX_BYTES: usize = 256 << 10;

/// The content of `spend.v1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spend {
    /// When the first life began to count: the start of the cumulative sums.
    pub since: Wall,
    /// The instant of the last turn that was used.
    pub last_turn: Option<Wall>,
    /// What is settled.
    pub counts: Counts,
    /// What was sent, or was about to be, and has no answer yet. What comes twice is added up in the file.
    pub outstanding: Vec<(Asked, u64)>,
}

impl Spend {
    /// What the next life starts from: nobody is left to hear an answer to what is outstanding, so it is settled as
    /// unanswered.
    #[must_use]
    pub fn settled(mut self) -> Self {
        for (asked, number) in std::mem::take(&mut self.outstanding) {
            self.counts.add(asked, Status::None, number);
        }
        self
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    cluster: ClusterId,
    since: Duration,
    last_turn: Option<Duration>,
    /// `[verb, resource, reason, status, number]`.
    counts: Vec<(String, String, String, String, u64)>,
    /// `[verb, resource, reason, number]`.
    outstanding: Vec<(String, String, String, u64)>,
}

/// The bytes of a file.
///
/// # Errors
/// None is to be expected.
pub fn encode(cluster: ClusterId, spend: &Spend) -> Result<Vec<u8>, Unusable> {
    let names = |asked: Asked| {
        let Asked { verb, resource, reason } = asked;
        (verb.as_str().to_owned(), resource.as_str().to_owned(), reason.as_str().to_owned())
    };
    let counts = spend.counts.iter().map(|(key, number)| {
        let (verb, resource, reason) = names(key.asked);
        (verb, resource, reason, key.status.as_str().to_owned(), number)
    });
    let mut sums = BTreeMap::<_, u64>::new();
    for (asked, number) in &spend.outstanding {
        let sum = sums.entry(*asked).or_default();
        *sum = sum.saturating_add(*number);
    }
    let outstanding = sums.into_iter().filter(|(_, number)| *number > 0).map(|(asked, number)| {
        let (verb, resource, reason) = names(asked);
        (verb, resource, reason, number)
    });
    let written = Written {
        cluster,
        since: spend.since.since_origin(),
        last_turn: spend.last_turn.map(Wall::since_origin),
        counts: counts.collect(),
        outstanding: outstanding.collect(),
    };
    FRAME.write_json(&written, MAX_BYTES)
}

/// The content of a file, if it is whole, ours, and of this cluster.
///
/// # Errors
/// See [`Unusable`]; never [`Unusable::Io`]. A name outside the closed sets, a series that comes twice and a number of
/// zero are [`Unusable::Malformed`].
pub fn decode(file: &[u8], cluster: ClusterId) -> Result<Spend, Unusable> {
    let written: Written = FRAME.read_json(file, MAX_BYTES)?;
    if written.cluster != cluster {
        return Err(Unusable::OtherCluster);
    }
    let malformed = Unusable::Malformed { what: "counts" };
    let mut counts = Counts::new();
    for (verb, resource, reason, status, number) in &written.counts {
        let key = asked(verb, resource, reason).zip(Status::parse(status));
        match key {
            Some((asked, status)) if *number > 0 && counts.get(asked, status) == 0 => {
                counts.add(asked, status, *number);
            }
            _ => return Err(malformed),
        }
    }
    let mut outstanding = BTreeMap::new();
    for (verb, resource, reason, number) in &written.outstanding {
        match asked(verb, resource, reason) {
            Some(asked) if *number > 0 && outstanding.insert(asked, *number).is_none() => {}
            _ => return Err(malformed),
        }
    }
    Ok(Spend {
        since: Wall::new(written.since),
        last_turn: written.last_turn.map(Wall::new),
        counts,
        outstanding: outstanding.into_iter().collect(),
    })
}

fn asked(verb: &str, resource: &str, reason: &str) -> Option<Asked> {
    Some(Asked {
        verb: Verb::parse(verb)?,
        resource: Resource::parse(resource)?,
        reason: Reason::parse(reason)?,
    })
}

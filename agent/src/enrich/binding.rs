//! When an object goes out, and under which resource: the two decisions that cannot be taken back.
//!
//! Pure. [`Stage::step`] lets an object wait at most one interval for its names; [`Reported::offer`] lets a resource grow
//! and change, except for what identifies the object: namespace, pod, uid, container and container ID may be added while
//! they are missing and never change or go once they were sent.

use std::time::Duration;

use exporter::model::Timestamp;

use super::Rung;

/// What the ladder says of an object at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// Nobody names it: a sandbox, or a container that cannot be told from one.
    Nameless,
    /// It may be reported, and a rung may still say more of it.
    Partial,
    /// There is nothing to wait for.
    Whole,
}

/// Whether an object is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its name may still come.
    Waiting,
    /// Its name has not come in time. It is looked at in every scrape.
    Withheld,
    /// It is, until it is gone.
    Reported,
}

impl Stage {
    /// The stage at `now` of an object that was first seen at `first`. `interval` is that of the scrapes: the one after the
    /// first ends the wait, even if it comes a little (a tenth) early, and so does a clock that was set back.
    #[must_use]
    pub(super) fn step(self, first: Timestamp, now: Timestamp, interval: Duration, sight: Sight) -> Self {
        let waited = now.0.checked_sub(first.0).map(Duration::from_nanos);
        let over = waited.is_none_or(|waited| waited >= interval.saturating_sub(interval / 10));
        match (self, sight) {
            (Self::Reported, _) | (_, Sight::Whole) => Self::Reported,
            (_, Sight::Partial) if over => Self::Reported,
            (_, Sight::Nameless) if over => Self::Withheld,
            // What was withheld has waited long enough, whatever the clock says now.
            (Self::Withheld, Sight::Partial) => Self::Reported,
            (Self::Withheld, Sight::Nameless) => Self::Withheld,
            (Self::Waiting, _) => Self::Waiting,
        }
    }
}

/// The attributes of a resource, in the order in which they are encoded, each with the rung that it came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Attributes {
    pub(super) pairs: Box<[(Box<str>, Box<str>)]>,
    pub(super) rungs: Box<[Rung]>,
    /// How many of them, the first ones, identify the object.
    pub(super) identity: usize,
}

impl Attributes {
    /// Name and value of what identifies the object.
    fn identity(&self) -> impl Iterator<Item = &(Box<str>, Box<str>)> {
        self.pairs.iter().take(self.identity)
    }

    /// Whether `self` says of the object's identity all that `older` says.
    fn continues(&self, older: &Self) -> bool {
        older.identity().all(|pair| self.identity().any(|own| own == pair))
    }
}

/// The resource under which an object is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reported {
    pub(super) version: u32,
    pub(super) attributes: Attributes,
}

/// What became of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    /// The resource is the same.
    Same,
    /// The resource is another one from now on.
    Newer,
    /// The object would become another one: the resource stays as it is.
    Refused,
}

impl Reported {
    /// The first version.
    pub(super) const fn new(attributes: Attributes) -> Self {
        Self { version: 1, attributes }
    }

    /// Takes `attributes` where they are those of the same object. With `renew` the version grows even where they are equal.
    pub(super) fn offer(&mut self, attributes: Attributes, renew: bool) -> Offer {
        if !attributes.continues(&self.attributes) {
            return Offer::Refused;
        }
        let same = attributes.pairs == self.attributes.pairs;
        self.attributes = attributes;
        if same && !renew {
            return Offer::Same;
        }
        self.version = self.version.wrapping_add(1);
        Offer::Newer
    }
}

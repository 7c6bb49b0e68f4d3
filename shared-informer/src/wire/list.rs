//! A LIST, split into its pods as it arrives: the most that is held beside the pods is one item.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::split::{Limits, Parts, Splitter, Value, Wrong};
use super::{Bounds, Kept};
use crate::informer::event::{List, Unusable};
use crate::pod::{self, Pod, Refusal, limits};

/// A LIST that is being read.
#[derive(Debug)]
pub struct Reader(Splitter<Found>);

#[derive(Debug)]
struct Found {
    keep: Kept,
    bounds: Bounds,
    /// Whether a list without a version is one.
    unversioned: bool,
    items: usize,
    kept: usize,
    is_pod_list: Option<bool>,
    version: Option<Box<str>>,
    truncated: bool,
    has_items: bool,
    pods: Vec<Pod>,
    refused: [u32; Refusal::ALL.len()],
}

/// The fields of the outermost object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Kind,
    Metadata,
    Items,
    Other,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow, rename = "resourceVersion")]
    resource_version: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "continue")]
    more: Option<Cow<'a, str>>,
}

impl Reader {
    /// Reads within `bounds` and keeps of the pods what `keep` says.
    pub fn new(keep: Kept, bounds: Bounds) -> Self {
        Self::with(keep, bounds, false)
    }

    /// Reads what a kubelet answers to `/pods`: a list without a version, of what that node runs.
    pub fn of_kubelet(keep: Kept, bounds: Bounds) -> Self {
        Self::with(keep, bounds, true)
    }

    fn with(keep: Kept, bounds: Bounds, unversioned: bool) -> Self {
        Self(Splitter::new(Found {
            keep,
            bounds,
            unversioned,
            items: 0,
            kept: 0,
            is_pod_list: None,
            version: None,
            truncated: false,
            has_items: false,
            pods: Vec::new(),
            refused: [0; Refusal::ALL.len()],
        }))
    }

    /// The bytes that the reader holds beside its pods.
    pub const fn held_bytes(&self) -> usize {
        self.0.held_bytes()
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// It cannot be the LIST that was asked for, or is beyond a bound. Nothing can be read after that.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), Unusable> {
        self.0.feed(chunk)
    }

    /// The LIST, once everything has arrived.
    ///
    /// # Errors
    /// It is not complete, or not a list of pods with a version.
    pub fn finish(self) -> Result<List, Unusable> {
        let Found { unversioned, is_pod_list, version, truncated, has_items, pods, refused, .. } =
            self.0.finish()?;
        match version.or(unversioned.then(Box::default)) {
            Some(resource_version) if has_items && is_pod_list == Some(true) => {
                Ok(List { resource_version, truncated, pods, refused })
            }
            _ => Err(Unusable::Malformed),
        }
    }
}

impl From<Wrong> for Unusable {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Truncated { .. } => Self::Truncated,
            Wrong::Malformed { .. } => Self::Malformed,
            Wrong::TooLarge { .. } => Self::TooLarge,
        }
    }
}

impl Parts for Found {
    type Field = Field;
    type Error = Unusable;

    fn limits(&self) -> Limits {
        let Bounds { list_bytes, item_bytes, other_bytes, .. } = self.bounds;
        Limits { whole: list_bytes, item: item_bytes, other: other_bytes }
    }

    fn field(&mut self, key: &str) -> Result<Field, Unusable> {
        Ok(match key {
            "kind" => Field::Kind,
            "metadata" => Field::Metadata,
            "items" if self.has_items => return Err(Unusable::Malformed),
            "items" => Field::Items,
            _ => Field::Other,
        })
    }

    fn is_list(&mut self, field: Field) -> bool {
        self.has_items |= field == Field::Items;
        field == Field::Items
    }

    fn item_begins(&mut self) -> Result<(), Unusable> {
        self.items += 1;
        if self.items > self.bounds.list_items { Err(Unusable::TooLarge) } else { Ok(()) }
    }

    fn item(&mut self, item: Option<Value<'_>>) -> Result<(), Unusable> {
        let Some(item) = item else {
            self.refuse(Refusal::TooLarge);
            return Ok(());
        };
        match pod::parse(item.json(), &self.keep) {
            Ok(pod) => {
                self.kept += pod.heap_bytes();
                if self.kept > self.bounds.kept_bytes {
                    return Err(Unusable::TooLarge);
                }
                self.pods.push(pod);
            }
            Err(error) => {
                // A pod that is none costs itself; bytes that are no JSON cost the LIST.
                if error.refusal() == Refusal::Malformed {
                    item.parse::<IgnoredAny>()?;
                }
                self.refuse(error.refusal());
            }
        }
        Ok(())
    }

    fn value(&mut self, field: Field, value: Value<'_>) -> Result<(), Unusable> {
        match field {
            Field::Kind => {
                let kind: Cow<'_, str> = value.parse()?;
                once(self.is_pod_list.replace(kind == "PodList").is_none())
            }
            Field::Metadata => {
                let metadata: Metadata<'_> = value.parse()?;
                let version = metadata.resource_version.unwrap_or_default();
                if (version.is_empty() && !self.unversioned) || version.len() > limits::OPAQUE {
                    return Err(Unusable::Malformed);
                }
                self.truncated = metadata.more.is_some_and(|more| !more.is_empty());
                once(self.version.replace(version.into()).is_none())
            }
            Field::Items => {
                // Anything but an array; Go writes an empty one as null.
                self.has_items = true;
                Ok(value.parse()?)
            }
            Field::Other => Ok(value.parse::<IgnoredAny>().map(drop)?),
        }
    }
}

impl Found {
    fn refuse(&mut self, why: Refusal) {
        if let Some(count) = self.refused.get_mut(why as usize) {
            *count = count.saturating_add(1);
        }
    }
}

/// A field that comes twice has no meaning.
fn once(is_first: bool) -> Result<(), Unusable> {
    if is_first { Ok(()) } else { Err(Unusable::Malformed) }
}

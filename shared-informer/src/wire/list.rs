//! A LIST, split into its pods as it arrives.
//!
//! The reader follows the outermost object and its `items`; each value in them is found by its extent, collected up to
//! its bound, and then parsed by itself. So the metadata may stand before or after the items, and the most that is held
//! beside the pods is one item. What the reader accepts is JSON as a whole: every byte lies in a value that a parser has
//! seen, or is punctuation that was expected (but for the inside of items that were skipped because of their size).

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::extent::{Extent, is_space};
use super::{Bounds, Kept};
use crate::informer::event::{List, Unusable};
use crate::pod::{self, Pod, Refusal, limits};

/// A LIST that is being read.
#[derive(Debug)]
pub struct Reader {
    keep: Kept,
    bounds: Bounds,
    /// Whether a list without a version is one.
    unversioned: bool,
    at: At,
    extent: Extent,
    /// The value that is being collected.
    held: Vec<u8>,
    /// Whether the present item is beyond its bound.
    skipping: bool,
    seen: usize,
    items: usize,
    kept: usize,
    found: Found,
}

#[derive(Debug, Default)]
struct Found {
    is_pod_list: Option<bool>,
    version: Option<Box<str>>,
    truncated: bool,
    has_items: bool,
    pods: Vec<Pod>,
    refused: [u32; Refusal::ALL.len()],
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Start,
    FirstKey,
    NextKey,
    Key,
    Colon(Field),
    Value(Field),
    InValue(Field),
    AfterValue,
    FirstItem,
    NextItem,
    InItem,
    AfterItem,
    End,
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
        Self {
            keep,
            bounds,
            unversioned: false,
            at: At::Start,
            extent: Extent::new(),
            held: Vec::new(),
            skipping: false,
            seen: 0,
            items: 0,
            kept: 0,
            found: Found::default(),
        }
    }

    /// Reads what a kubelet answers to `/pods`: a list without a version, of what that node runs.
    pub fn of_kubelet(keep: Kept, bounds: Bounds) -> Self {
        Self { unversioned: true, ..Self::new(keep, bounds) }
    }

    /// The bytes that the reader holds beside its pods.
    pub fn held_bytes(&self) -> usize {
        self.held.capacity()
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// It cannot be the LIST that was asked for, or is beyond a bound. Nothing can be read after that.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), Unusable> {
        let room = self.bounds.list_bytes - self.seen;
        let (mut rest, beyond) = chunk.split_at(chunk.len().min(room));
        self.seen += rest.len();
        while let Some(first) = rest.first() {
            let used = self.step(*first, rest)?;
            rest = rest.get(used..).unwrap_or_default();
        }
        if beyond.is_empty() { Ok(()) } else { Err(Unusable::TooLarge) }
    }

    /// The LIST, once everything has arrived.
    ///
    /// # Errors
    /// It is not complete, or not a list of pods with a version.
    pub fn finish(self) -> Result<List, Unusable> {
        if self.at != At::End {
            return Err(Unusable::Truncated);
        }
        let Found { is_pod_list, version, truncated, has_items, pods, refused } = self.found;
        match version.or(self.unversioned.then(Box::default)) {
            Some(resource_version) if has_items && is_pod_list == Some(true) => {
                Ok(List { resource_version, truncated, pods, refused })
            }
            _ => Err(Unusable::Malformed),
        }
    }

    /// Uses at least one of `rest`, which begins with `first`, or changes the state.
    fn step(&mut self, first: u8, rest: &[u8]) -> Result<usize, Unusable> {
        if is_space(first) && !matches!(self.at, At::Key | At::InValue(_) | At::InItem) {
            return Ok(1);
        }
        let next = match (self.at, first) {
            (At::Key | At::InValue(_) | At::InItem, _) => return self.collect(rest),
            (At::Start, b'{') => At::FirstKey,
            (At::FirstKey | At::AfterValue, b'}') => At::End,
            (At::FirstKey | At::NextKey, b'"') => return Ok(self.begin(At::Key)),
            (At::Colon(field), b':') => At::Value(field),
            (At::Value(Field::Items), b'[') => {
                self.found.has_items = true;
                At::FirstItem
            }
            (At::Value(field), _) => return Ok(self.begin(At::InValue(field))),
            (At::AfterValue, b',') => At::NextKey,
            (At::FirstItem | At::AfterItem, b']') => At::AfterValue,
            (At::FirstItem | At::NextItem, _) => return self.begin_item(),
            (At::AfterItem, b',') => At::NextItem,
            _ => return Err(Unusable::Malformed),
        };
        self.at = next;
        Ok(1)
    }

    /// A value begins with the next byte, which is not used yet.
    fn begin(&mut self, at: At) -> usize {
        self.held.clear();
        self.extent = Extent::new();
        self.skipping = false;
        self.at = at;
        0
    }

    fn begin_item(&mut self) -> Result<usize, Unusable> {
        self.items += 1;
        if self.items > self.bounds.list_items {
            return Err(Unusable::TooLarge);
        }
        Ok(self.begin(At::InItem))
    }

    fn collect(&mut self, rest: &[u8]) -> Result<usize, Unusable> {
        let (used, ended) = self.extent.take(rest);
        let is_item = self.at == At::InItem;
        let bound = if is_item { self.bounds.item_bytes } else { self.bounds.other_bytes };
        if self.held.len() + used > bound {
            if !is_item {
                return Err(Unusable::TooLarge);
            }
            // Its end is still looked for; its bytes are let go of.
            self.skipping = true;
            self.held = Vec::new();
        } else if !self.skipping {
            self.held.extend_from_slice(rest.get(..used).unwrap_or_default());
        }
        if ended {
            self.at = match self.at {
                At::Key => At::Colon(self.key()?),
                At::InValue(field) => self.value(field).map(|()| At::AfterValue)?,
                _ => self.item().map(|()| At::AfterItem)?,
            };
        }
        Ok(used)
    }

    fn key(&self) -> Result<Field, Unusable> {
        let key: Cow<'_, str> = serde_json::from_slice(&self.held).map_err(|_| Unusable::Malformed)?;
        Ok(match &*key {
            "kind" => Field::Kind,
            "metadata" => Field::Metadata,
            "items" if self.found.has_items => return Err(Unusable::Malformed),
            "items" => Field::Items,
            _ => Field::Other,
        })
    }

    fn value(&mut self, field: Field) -> Result<(), Unusable> {
        let malformed = |_| Unusable::Malformed;
        match field {
            Field::Kind => {
                let kind: Cow<'_, str> = serde_json::from_slice(&self.held).map_err(malformed)?;
                once(self.found.is_pod_list.replace(kind == "PodList").is_none())
            }
            Field::Metadata => {
                let metadata: Metadata<'_> = serde_json::from_slice(&self.held).map_err(malformed)?;
                let version = metadata.resource_version.unwrap_or_default();
                if (version.is_empty() && !self.unversioned) || version.len() > limits::OPAQUE {
                    return Err(Unusable::Malformed);
                }
                let truncated = metadata.more.is_some_and(|more| !more.is_empty());
                self.found.truncated = truncated;
                once(self.found.version.replace(version.into()).is_none())
            }
            Field::Items => {
                // Anything but an array; Go writes an empty one as null.
                serde_json::from_slice::<()>(&self.held).map_err(malformed)?;
                self.found.has_items = true;
                Ok(())
            }
            Field::Other => serde_json::from_slice::<IgnoredAny>(&self.held).map(|_| ()).map_err(malformed),
        }
    }
    fn item(&mut self) -> Result<(), Unusable> {
        if self.skipping {
            self.refuse(Refusal::TooLarge);
            return Ok(());
        }
        match pod::parse(&self.held, &self.keep) {
            Ok(pod) => {
                self.kept += pod.heap_bytes();
                if self.kept > self.bounds.kept_bytes {
                    return Err(Unusable::TooLarge);
                }
                self.found.pods.push(pod);
            }
            Err(error) => {
                // A pod that is none costs itself; bytes that are no JSON cost the LIST.
                if error.refusal() == Refusal::Malformed && !is_json(&self.held) {
                    return Err(Unusable::Malformed);
                }
                self.refuse(error.refusal());
            }
        }
        Ok(())
    }

    fn refuse(&mut self, why: Refusal) {
        if let Some(count) = self.found.refused.get_mut(why as usize) {
            *count = count.saturating_add(1);
        }
    }
}

fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

/// A field that comes twice has no meaning.
fn once(is_first: bool) -> Result<(), Unusable> {
    if is_first { Ok(()) } else { Err(Unusable::Malformed) }
}

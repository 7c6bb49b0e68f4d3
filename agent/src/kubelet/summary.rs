//! The answer to `/stats/summary`, read as it arrives.
//!
//! The reader follows the outermost object and its list of pods; each value in them is found by its extent, collected up
//! to its bound, and parsed by itself. So the most that is held beside what is kept is one pod's JSON, and how the bytes
//! are cut into chunks changes nothing. It is pure.
//!
//! The input is untrusted: every length has a bound. A pod, container, volume or interface beyond its bound costs itself
//! and is counted in [`Refused`]; bytes that are no JSON cost the answer. The kubelet's fields are those of
//! `k8s.io/kubelet/pkg/apis/stats/v1alpha1`; the ones that nothing is made of are skipped without being built.

use std::borrow::Cow;

use exporter::model::Timestamp;
use serde::de::IgnoredAny;
use shared_informer::pod::Refusal;
use shared_informer::wire::extent::{Extent, is_space};

use super::{Node, Pod};

mod convert;
mod refused;
#[cfg(test)]
mod tests;
mod wire;

pub use refused::{Part, Refused};

/// What is accepted; beyond any honest answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The whole answer, bytes.
    pub answer_bytes: usize,
    /// The node's figures, and those of one pod, bytes of JSON.
    pub part_bytes: usize,
    /// Pods; those beyond are refused one by one.
    pub pods: usize,
    /// What is kept of all pods together, bytes of heap.
    pub kept_bytes: usize,
}

impl Default for Bounds {
    /// A pod of two containers has 5 kB, a node runs some hundred pods: 32 MiB are thousands of them.
    fn default() -> Self {
        Self { answer_bytes: 32 << 20, part_bytes: 1 << 20, pods: 4096, kept_bytes: 16 << 20 }
    }
}

/// An answer of which nothing can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It is cut short.
    #[error("cut short after {at} bytes")]
    Truncated {
        /// How many bytes came.
        at: usize,
    },
    /// It is no JSON, or not the object that it should be.
    #[error("not a summary, at byte {at}: {what}")]
    Malformed {
        /// Where, counted from zero; where the part begins, if it is in a part.
        at: usize,
        /// What is wrong there, at most 160 bytes.
        what: Box<str>,
    },
    /// It is longer than its bound.
    #[error("longer than {limit} bytes")]
    TooLarge {
        /// The bound.
        limit: usize,
    },
    /// It is an object without what makes it a summary.
    #[error("not a summary: there is no `{0}`")]
    Missing(&'static str),
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The node.
    pub node: Node,
    /// Its pods.
    pub pods: Box<[Pod]>,
    /// What was left out.
    pub refused: Refused,
}

/// An answer that is being read.
#[derive(Debug)]
pub struct Reader {
    bounds: Bounds,
    received: Timestamp,
    at: At,
    extent: Extent,
    /// The value that is being collected, and where it began.
    held: Vec<u8>,
    began: usize,
    /// Whether the present pod is beyond its bound.
    skipping: bool,
    seen: usize,
    kept: usize,
    node: Option<Node>,
    pods: Option<Vec<Pod>>,
    refused: Refused,
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
    FirstPod,
    NextPod,
    InPod,
    AfterPod,
    End,
}

/// The fields of the outermost object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Node,
    Pods,
    Other,
}

impl Reader {
    /// Reads within `bounds`. `received` stands for the time of figures that carry none.
    pub fn new(bounds: Bounds, received: Timestamp) -> Self {
        Self {
            bounds,
            received,
            at: At::Start,
            extent: Extent::new(),
            held: Vec::new(),
            began: 0,
            skipping: false,
            seen: 0,
            kept: 0,
            node: None,
            pods: None,
            refused: Refused::default(),
        }
    }

    /// The bytes that the reader holds beside what is kept.
    pub fn held_bytes(&self) -> usize {
        self.held.capacity()
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// It cannot be a summary, or is beyond a bound. Nothing can be read after that.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), Unusable> {
        let room = self.bounds.answer_bytes - self.seen;
        let (mut rest, beyond) = chunk.split_at(chunk.len().min(room));
        while let Some(first) = rest.first() {
            let used = self.step(*first, rest)?;
            self.seen += used;
            rest = rest.get(used..).unwrap_or_default();
        }
        if beyond.is_empty() { Ok(()) } else { Err(Unusable::TooLarge { limit: self.bounds.answer_bytes }) }
    }

    /// The summary, once everything has arrived.
    ///
    /// # Errors
    /// It is not complete, or no summary.
    pub fn finish(self) -> Result<Read, Unusable> {
        if self.at != At::End {
            return Err(Unusable::Truncated { at: self.seen });
        }
        let node = self.node.ok_or(Unusable::Missing("node"))?;
        let pods = self.pods.ok_or(Unusable::Missing("pods"))?;
        Ok(Read { node, pods: pods.into(), refused: self.refused })
    }

    /// Uses at least one of `rest`, which begins with `first`, or changes the state.
    fn step(&mut self, first: u8, rest: &[u8]) -> Result<usize, Unusable> {
        if is_space(first) && !matches!(self.at, At::Key | At::InValue(_) | At::InPod) {
            return Ok(1);
        }
        let next = match (self.at, first) {
            (At::Key | At::InValue(_) | At::InPod, _) => return self.collect(rest),
            (At::Start, b'{') => At::FirstKey,
            (At::FirstKey | At::AfterValue, b'}') => At::End,
            (At::FirstKey | At::NextKey, b'"') => return Ok(self.begin(At::Key)),
            (At::Colon(field), b':') => At::Value(field),
            (At::Value(Field::Pods), b'[') if self.pods.is_none() => {
                self.pods = Some(Vec::new());
                At::FirstPod
            }
            (At::Value(field), _) => return Ok(self.begin(At::InValue(field))),
            (At::AfterValue, b',') => At::NextKey,
            (At::FirstPod | At::AfterPod, b']') => At::AfterValue,
            (At::FirstPod | At::NextPod, _) => return Ok(self.begin(At::InPod)),
            (At::AfterPod, b',') => At::NextPod,
            _ => return Err(malformed(self.seen, format_args!("unexpected {:?}", char::from(first)))),
        };
        self.at = next;
        Ok(1)
    }

    /// A value begins with the next byte, which is not used yet.
    fn begin(&mut self, at: At) -> usize {
        self.held.clear();
        self.began = self.seen;
        self.extent = Extent::new();
        self.skipping = false;
        self.at = at;
        0
    }

    fn collect(&mut self, rest: &[u8]) -> Result<usize, Unusable> {
        let (used, ended) = self.extent.take(rest);
        if self.held.len() + used > self.bounds.part_bytes {
            if self.at != At::InPod {
                return Err(Unusable::TooLarge { limit: self.bounds.part_bytes });
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
                _ => self.pod().map(|()| At::AfterPod)?,
            };
        }
        Ok(used)
    }

    fn key(&self) -> Result<Field, Unusable> {
        let key: Cow<'_, str> = self.parse()?;
        Ok(match &*key {
            "node" => Field::Node,
            "pods" => Field::Pods,
            _ => Field::Other,
        })
    }

    fn value(&mut self, field: Field) -> Result<(), Unusable> {
        match field {
            Field::Node if self.node.is_none() => {
                let node = self.parse()?;
                let node = convert::node(node, self.received, &mut self.refused);
                self.node = Some(node.ok_or(Unusable::Missing("nodeName"))?);
                Ok(())
            }
            // Anything but a list; Go writes an empty one as null.
            Field::Pods if self.pods.is_none() => {
                self.parse::<()>()?;
                self.pods = Some(Vec::new());
                Ok(())
            }
            Field::Node | Field::Pods => Err(malformed(self.began, format_args!("given twice"))),
            Field::Other => self.parse::<IgnoredAny>().map(|_| ()),
        }
    }

    fn pod(&mut self) -> Result<(), Unusable> {
        if self.skipping {
            self.refused.add(Part::Pod, Refusal::TooLarge);
            return Ok(());
        }
        if self.pods.as_ref().is_some_and(|pods| pods.len() >= self.bounds.pods) {
            self.parse::<IgnoredAny>()?;
            self.refused.add(Part::Pod, Refusal::TooMany);
            return Ok(());
        }
        if let Ok(pod) = serde_json::from_slice(&self.held) {
            self.keep(pod);
        } else {
            // A pod that is none costs itself; bytes that are no JSON cost the answer.
            self.parse::<IgnoredAny>()?;
            self.refused.add(Part::Pod, Refusal::Malformed);
        }
        Ok(())
    }

    fn keep(&mut self, pod: wire::Pod) {
        let Some(pod) = convert::pod(pod, self.received, &mut self.refused) else { return };
        let kept = self.kept + convert::heap_bytes(&pod);
        if kept > self.bounds.kept_bytes {
            self.refused.add(Part::Pod, Refusal::TooLarge);
        } else if let Some(pods) = &mut self.pods {
            self.kept = kept;
            pods.push(pod);
        }
    }

    fn parse<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T, Unusable> {
        serde_json::from_slice(&self.held).map_err(|error| malformed(self.began, format_args!("{error}")))
    }
}

fn malformed(at: usize, what: std::fmt::Arguments<'_>) -> Unusable {
    let mut what = what.to_string();
    what.truncate(what.floor_char_boundary(160));
    Unusable::Malformed { at, what: what.into() }
}

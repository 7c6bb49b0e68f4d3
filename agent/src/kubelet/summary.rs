//! The answer to `/stats/summary`, read as it arrives.
//!
//! It is split into the node's figures and those of each pod, which are parsed by themselves: the most that is held beside
//! what is kept is one pod's JSON, and how the bytes are cut into chunks changes nothing. It is pure.
//!
//! The input is untrusted: every length has a bound. A pod, container, volume or interface beyond its bound costs itself
//! and is counted in [`Refused`]; bytes that are no JSON cost the answer. The kubelet's fields are those of
//! `k8s.io/kubelet/pkg/apis/stats/v1alpha1`; the ones that nothing is made of are skipped without being built.

use exporter::model::Timestamp;
use serde::de::IgnoredAny;
use shared_informer::pod::Refusal;
use shared_informer::wire::split::{Limits, Parts, Splitter, Value, Wrong};

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
pub struct Reader(Splitter<Found>);

#[derive(Debug)]
struct Found {
    bounds: Bounds,
    received: Timestamp,
    kept: usize,
    node: Option<Node>,
    pods: Option<Vec<Pod>>,
    refused: Refused,
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
        let refused = Refused::default();
        Self(Splitter::new(Found { bounds, received, kept: 0, node: None, pods: None, refused }))
    }

    /// The bytes that the reader holds beside what is kept.
    pub const fn held_bytes(&self) -> usize {
        self.0.held_bytes()
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// It cannot be a summary, or is beyond a bound. Nothing can be read after that.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), Unusable> {
        self.0.feed(chunk)
    }

    /// The summary, once everything has arrived.
    ///
    /// # Errors
    /// It is not complete, or no summary.
    pub fn finish(self) -> Result<Read, Unusable> {
        let Found { node, pods, refused, .. } = self.0.finish()?;
        let node = node.ok_or(Unusable::Missing("node"))?;
        let pods = pods.ok_or(Unusable::Missing("pods"))?;
        Ok(Read { node, pods: pods.into(), refused })
    }
}

impl From<Wrong> for Unusable {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Truncated { at } => Self::Truncated { at },
            Wrong::TooLarge { limit } => Self::TooLarge { limit },
            Wrong::Malformed { at, mut what } => {
                what.truncate(what.floor_char_boundary(160));
                Self::Malformed { at, what: what.into() }
            }
        }
    }
}

impl Parts for Found {
    type Field = Field;
    type Error = Unusable;

    fn limits(&self) -> Limits {
        let Bounds { answer_bytes, part_bytes, .. } = self.bounds;
        Limits { whole: answer_bytes, item: part_bytes, other: part_bytes }
    }

    fn field(&mut self, key: &str) -> Result<Field, Unusable> {
        Ok(match key {
            "node" => Field::Node,
            "pods" => Field::Pods,
            _ => Field::Other,
        })
    }

    fn is_list(&mut self, field: Field) -> bool {
        let is_first = field == Field::Pods && self.pods.is_none();
        if is_first {
            self.pods = Some(Vec::new());
        }
        is_first
    }

    fn item(&mut self, item: Option<Value<'_>>) -> Result<(), Unusable> {
        let Some(item) = item else {
            self.refused.add(Part::Pod, Refusal::TooLarge);
            return Ok(());
        };
        if self.pods.as_ref().is_some_and(|pods| pods.len() >= self.bounds.pods) {
            item.parse::<IgnoredAny>()?;
            self.refused.add(Part::Pod, Refusal::TooMany);
        } else if let Ok(pod) = item.parse() {
            self.keep(pod);
        } else {
            // A pod that is none costs itself; bytes that are no JSON cost the answer.
            item.parse::<IgnoredAny>()?;
            self.refused.add(Part::Pod, Refusal::Malformed);
        }
        Ok(())
    }

    fn value(&mut self, field: Field, value: Value<'_>) -> Result<(), Unusable> {
        match field {
            Field::Node if self.node.is_none() => {
                let node = convert::node(value.parse()?, self.received, &mut self.refused);
                self.node = Some(node.ok_or(Unusable::Missing("nodeName"))?);
                Ok(())
            }
            // Anything but a list; Go writes an empty one as null.
            Field::Pods if self.pods.is_none() => {
                self.pods = Some(Vec::new());
                Ok(value.parse()?)
            }
            Field::Node | Field::Pods => Err(value.is_wrong("given twice").into()),
            Field::Other => Ok(value.parse::<IgnoredAny>().map(drop)?),
        }
    }
}

impl Found {
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
}

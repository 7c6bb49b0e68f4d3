//! What segments have in common, kept once.
//!
//! A node has hundreds of containers, and each of them has the same metrics: only the resource and the numbers differ.
//! Sharing changes nothing that a segment says: one that gets another series, or another layout, gets its own again.

use std::sync::Arc;

use super::layout::Layout;
use super::{Segment, Shape};

/// How many of each are kept: kinds of objects, times the sets of rows that some of them have and others lack.
pub(super) const MOST: usize = 64;

/// The shapes and layouts of the segments that were shared so far.
#[derive(Debug, Default)]
pub struct Shapes {
    pub(super) shapes: Vec<Arc<Shape>>,
    pub(super) layouts: Vec<Arc<Layout>>,
}

impl Shapes {
    /// Lets `segment` have in common what others have that were given here before. To be called where
    /// [`Segment::finish`] has laid it out anew.
    pub fn share(&mut self, segment: &mut Segment) {
        share(&mut self.shapes, &mut segment.shape);
        share(&mut self.layouts, &mut segment.layout);
    }
}

/// Replaces `own` by its equal among `known`, or makes it known.
fn share<T: PartialEq>(known: &mut Vec<Arc<T>>, own: &mut Arc<T>) {
    if let Some(same) = known.iter().find(|known| Arc::ptr_eq(known, own) || ***known == **own) {
        *own = Arc::clone(same);
        return;
    }
    if known.len() >= MOST {
        known.retain(|known| Arc::strong_count(known) > 1);
    }
    if known.len() < MOST {
        known.push(Arc::clone(own));
    }
}

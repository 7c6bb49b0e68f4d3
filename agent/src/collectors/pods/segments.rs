//! Making segments within the bound on series, and letting go of them.

use exporter::model::{Attribute, Timestamp};
use exporter::segment::{Resource, Segment, Shapes};

use crate::catalog::Enabled;
use crate::collectors::scope_of;
use crate::enrich::attribute;

/// The scope of what is read from cgroups and procfs.
pub(super) const SCOPE: &str = "tare.containers";
/// The scope of the kubelet's figures.
pub(super) const KUBELET_SCOPE: &str = "tare.kubelet";

/// The attributes of one resource beside the node's.
pub(super) type Attributes = [(Box<str>, Box<str>)];

/// Makes segments for one scrape, as long as there is room for their series.
#[derive(Debug)]
pub(super) struct Maker<'a> {
    /// The node's attributes, which every resource has.
    pub(super) resource: &'a [(String, String)],
    /// Which metrics are reported.
    pub(super) enabled: &'a Enabled,
    /// How many series may still be registered.
    pub(super) room: usize,
    /// How many series were not, for want of room.
    pub(super) refused: u64,
    /// What the segments have in common.
    pub(super) shapes: &'a mut Shapes,
}

impl Maker<'_> {
    /// Whether there is room for that many series more; it is taken then, and else counted as refused.
    pub(super) fn admits(&mut self, series: usize) -> bool {
        if let Some(left) = self.room.checked_sub(series) {
            self.room = left;
            return true;
        }
        self.refused += series as u64;
        false
    }

    /// The node's attributes and `own`, which win where both have a key.
    pub(super) fn resource(&self, own: &Attributes) -> Resource {
        let is_own = |key: &str| own.iter().any(|(own, _)| **own == *key);
        let shared = self.resource.iter().filter(|(key, _)| !is_own(key));
        let shared = shared.map(|(key, value)| Attribute::str(key, value));
        let own = own.iter().map(attribute);
        Resource::new(&shared.chain(own).collect::<Vec<_>>())
    }

    /// Completes the scrape of `segment`.
    pub(super) fn finish(&mut self, segment: &mut Segment) {
        if segment.finish() {
            self.shapes.share(segment);
        }
    }
}

/// An empty segment of an object.
pub(super) fn segment(resource: &Resource, scope: &'static str, start: Timestamp) -> Segment {
    Segment::of(resource, scope_of(scope), start)
}

/// Segments whose objects are gone or go on under another resource: each goes out once more, with nothing but the
/// flag "no recorded value" on every series that it ever had and has not ended yet.
#[derive(Debug, Default)]
pub(super) struct Leaving(Vec<Segment>);

impl Leaving {
    /// Forgets those that the last scrape handed out.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Ends `segment` at `now`.
    pub(super) fn end(&mut self, mut segment: Segment, now: Timestamp) {
        segment.begin(now);
        segment.end_all();
        segment.finish();
        if segment.points() > 0 {
            self.0.push(segment);
        }
    }

    /// Ends what of `segment` does not go on in `heir`, which has finished its scrape, at `now`.
    pub(super) fn end_but(&mut self, mut segment: Segment, heir: &Segment, now: Timestamp) {
        segment.begin(now);
        segment.end_all_but(heir);
        segment.finish();
        if segment.points() > 0 {
            self.0.push(segment);
        }
    }

    /// The segments of this scrape.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Segment> {
        self.0.iter()
    }
}

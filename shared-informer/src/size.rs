//! N used: how many nodes the budget is divided by. It errs on the large side, for the promise holds as long as the true
//! number is at most this one.
//!
//! The order: what the operator vouches for; what this life's probes said, plus a quarter; twice what the last life
//! remembered; twice the hint of the installation; what is assumed. After a probe the number in use changes only when half
//! of the quarter is used up or a third of the cluster is gone, so that a cluster that breathes does not change it.

use crate::declaration::{Cluster, MAX_NODES};

/// What a size probe reads from the DaemonSet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// `status.desiredNumberScheduled`.
    pub desired: u32,
    /// `status.observedGeneration`.
    pub observed_generation: i64,
    /// `metadata.generation`.
    pub generation: i64,
}

impl Reading {
    /// The number of nodes; none while the controller has not caught up with the object.
    pub const fn nodes(&self) -> Option<u32> {
        if self.desired == 0 || self.observed_generation < self.generation {
            None
        } else {
            Some(self.desired)
        }
    }
}

/// Where the number comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `cluster.size`.
    Declared,
    /// A probe of this life.
    Probed,
    /// An earlier life.
    Remembered,
    /// `cluster.hint`.
    Hint,
    /// `cluster.assume`.
    Assumed,
}

/// The number of nodes as far as this agent knows.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    cluster: Cluster,
    remembered: Option<u32>,
    anchor: Option<u32>,
    last: Option<u32>,
}

impl Size {
    /// Starts from the configuration and what an earlier life remembered of the same cluster.
    pub fn new(cluster: Cluster, remembered: Option<u32>) -> Self {
        Self { cluster, remembered: remembered.filter(|nodes| *nodes > 0), anchor: None, last: None }
    }

    /// Takes a probe's answer. Whether it said anything is returned: an unknown size changes nothing.
    pub fn probed(&mut self, reading: Reading) -> bool {
        let Some(nodes) = reading.nodes() else { return false };
        let nodes = nodes.min(MAX_NODES);
        self.last = Some(nodes);
        let keeps = self.anchor.is_some_and(|anchor| {
            let (anchor, nodes) = (u64::from(anchor), u64::from(nodes));
            nodes * 8 <= anchor * 9 && nodes * 3 >= anchor * 2
        });
        if !keeps {
            self.anchor = Some(nodes);
        }
        true
    }

    /// N used, at least one and at most [`MAX_NODES`].
    pub fn used(&self) -> u32 {
        let twice = |nodes: u32| nodes.saturating_mul(2);
        let nodes = match self.source() {
            Source::Declared => self.cluster.size(),
            Source::Probed => self.anchor.map(|anchor| anchor.saturating_add(anchor.div_ceil(4))),
            Source::Remembered => self.remembered.map(twice),
            Source::Hint => self.cluster.hint().map(twice),
            Source::Assumed => None,
        };
        nodes.unwrap_or(self.cluster.assume()).clamp(1, MAX_NODES)
    }

    /// Where N used comes from.
    pub const fn source(&self) -> Source {
        if self.cluster.size().is_some() {
            Source::Declared
        } else if self.anchor.is_some() {
            Source::Probed
        } else if self.remembered.is_some() {
            Source::Remembered
        } else if self.cluster.hint().is_some() {
            Source::Hint
        } else {
            Source::Assumed
        }
    }

    /// Whether a turn may carry more than the size probe. A remembered number counts as known: it is used twice over.
    pub const fn is_known(&self) -> bool {
        matches!(self.source(), Source::Declared | Source::Probed | Source::Remembered)
    }

    /// Whether there is anything to ask: not where the operator vouches for the number.
    pub const fn is_probed(&self) -> bool {
        self.cluster.size().is_none()
    }

    /// What the next life should remember: the last probe of this life, else what this one remembers.
    pub fn remembered(&self) -> Option<u32> {
        self.last.or(self.remembered)
    }

    /// What the last probe said, for the gauge.
    pub const fn last_probe(&self) -> Option<u32> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reading(desired: u32) -> Reading {
        Reading { desired, observed_generation: 3, generation: 3 }
    }

    fn auto(hint: u32) -> Cluster {
        Cluster::new(None, hint, 5_000).unwrap()
    }

    #[test]
    fn every_source_is_used_in_its_order_and_with_its_margin() {
        assert_eq!(Size::new(auto(0), None).used(), 5_000);
        assert_eq!(Size::new(auto(300), None).used(), 600);
        let mut size = Size::new(auto(300), Some(40));
        assert_eq!((size.used(), size.source(), size.is_known()), (80, Source::Remembered, true));
        assert!(size.probed(reading(42)));
        assert_eq!((size.used(), size.source()), (53, Source::Probed));
        let declared = Size::new(Cluster::new(Some(7), 300, 5_000).unwrap(), Some(40));
        assert_eq!((declared.used(), declared.is_probed()), (7, false));
    }

    #[test]
    fn a_controller_that_has_not_caught_up_means_unknown() {
        let mut size = Size::new(auto(0), None);
        assert!(!size.probed(reading(0)));
        assert!(!size.probed(Reading { desired: 9, observed_generation: 2, generation: 3 }));
        assert_eq!((size.used(), size.is_known(), size.last_probe()), (5_000, false, None));
    }

    #[test]
    fn a_cluster_that_drifts_by_a_tenth_keeps_its_number() {
        let mut size = Size::new(auto(0), None);
        size.probed(reading(1_000));
        for nodes in [1_020, 980, 1_100, 900, 1_125, 667] {
            size.probed(reading(nodes));
            assert_eq!(size.used(), 1_250, "{nodes}");
        }
        size.probed(reading(1_126));
        assert_eq!(size.used(), 1_408);
        size.probed(reading(750));
        assert_eq!(size.used(), 938);
    }

    proptest! {
        #[test]
        fn the_number_in_use_is_never_below_the_last_probe_and_leaves_room_to_grow(
            probes in prop::collection::vec(1..MAX_NODES, 1..50),
        ) {
            let mut size = Size::new(auto(0), None);
            for nodes in probes {
                size.probed(reading(nodes));
                let room = u64::from(nodes) + u64::from(nodes) / 9;
                prop_assert!(u64::from(size.used()) >= room.min(u64::from(MAX_NODES)));
                prop_assert!(u64::from(size.used()) <= u64::from(nodes) * 19 / 10 + 2);
            }
        }
    }
}

//! From which number of nodes on the ceiling binds: computed from the shipped arithmetic, not observed.

use serde::{Deserialize, Serialize};
use shared_informer::declaration::MAX_NODES;
use shared_informer::derive::{Derived, REQUESTS_PER_TURN, SHORTEST_WATCH};
use shared_informer::reviews::ALLOW_TTL;

use super::certificate::Origin;
use crate::fleet;

/// Below it every node costs the same; above it the fleet does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Binding {
    /// Always computed.
    pub(super) origin: Origin,
    /// From here on a watch lives longer than half an hour, so that renewals stay at 5 % of the ceiling.
    pub(super) direct: u32,
    /// From here on a kubelet is scraped less often than its caches forget, so that no review can be saved by a longer period.
    pub(super) reviews: u32,
}

impl Binding {
    /// For the default declaration and the dearest way into the kubelet.
    pub(super) fn computed() -> anyhow::Result<Self> {
        let direct = smallest(|derived| derived.watch_lifetime > SHORTEST_WATCH)?;
        let reviews = smallest(|derived| derived.kubelet_period.is_some_and(|period| period > ALLOW_TTL))?;
        Ok(Self { origin: Origin::Computed, direct, reviews })
    }

    /// From here on all of it binds.
    pub(super) fn nodes(&self) -> u32 {
        self.direct.max(self.reviews)
    }
}

/// Direct requests per second of one node when nothing happens: two in the first own turn after a watch's life.
pub(super) fn direct_per_node(nodes: u32) -> anyhow::Result<f64> {
    Ok(f64::from(REQUESTS_PER_TURN) / fleet::renewal(nodes)?.as_secs_f64())
}

/// The smallest number of nodes for which this holds; it is monotone.
fn smallest(holds: impl Fn(&Derived) -> bool) -> anyhow::Result<u32> {
    let (mut low, mut high) = (0, MAX_NODES / 8);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(&fleet::derived(middle)?) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renewals_bind_where_they_reach_five_percent_of_the_ceiling() {
        // N used is the probed number plus a quarter, and 4,500 nodes renew 2.5 watches a second each half hour.
        let binding = Binding::computed().unwrap();
        assert_eq!(binding.direct, 3_601, "{binding:?}");
        assert!(binding.reviews < binding.direct, "{binding:?}");
        assert_eq!(fleet::derived(3_600).unwrap().watch_lifetime, SHORTEST_WATCH);
    }

    #[test]
    fn a_small_cluster_renews_each_watch_every_half_hour() {
        assert!((direct_per_node(10).unwrap() - 2.0 / 1_810.0).abs() < 1e-12);
    }
}

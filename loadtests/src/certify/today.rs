//! What people run today, beside the fleets: computed from models that real programs were compared with, and from the
//! prices of a real server. Pure.

use super::certificate::Origin;
use super::peers::{Joined, Peer};
use crate::fleet::Capacity;
use crate::others::{self, ControlPlane};
use crate::prices::Prices;

/// The clusters.
const NODES: [u32; 4] = [100, 1_000, 5_000, 20_000];

/// Pods on each node: as the fleets have them.
const PODS_PER_NODE: u32 = 30;

/// Where the replayed outage lies, seen from the certificate's folder.
const OUTAGE: &str = "../outage/outage.svg";

/// What is joined to every certificate.
///
/// # Errors
/// When the committed prices are none.
pub(super) fn joined() -> anyhow::Result<Joined> {
    let prices = Prices::committed()?;
    let plane =
        ControlPlane { cores: f64::from(Capacity::SMALL.cores), seats: f64::from(Capacity::SMALL.seats) };
    let peers = NODES.iter().flat_map(|nodes| {
        let peers = others::peers(*nodes, PODS_PER_NODE, &prices, plane);
        peers.into_iter().map(|peer| of(&peer, *nodes)).collect::<Vec<_>>()
    });
    Ok(Joined { peers: peers.collect(), outage: Some(OUTAGE.to_owned()) })
}

fn of(peer: &others::Peer, nodes: u32) -> Peer {
    Peer {
        name: peer.name.to_owned(),
        nodes,
        origin: match peer.origin {
            others::Origin::Measured => Origin::Computed,
            others::Origin::Unmeasured => Origin::Assumed,
        },
        steady_rps: peer.steady_rps,
        cold_10s_requests: whole(peer.cold_10s_requests),
        cold_seats: whole(peer.cold_seats),
        cold_cpu_s: peer.cold_cpu_s,
        bytes: whole(peer.cold_bytes),
        exceeds_at: peer.exceeds_at,
    }
}

fn whole(number: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts and bytes of a cluster"
    )]
    let number = number.max(0.0).round() as u64;
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_stands_beside_every_cluster_and_the_dearest_overruns_a_small_control_plane()
    -> anyhow::Result<()> {
        let joined = joined()?;
        assert_eq!(joined.peers.len(), NODES.len() * others::MODELS.len());
        let small = joined.peers.iter().filter(|peer| peer.nodes == 100).count();
        assert_eq!(small, others::MODELS.len());
        assert!(joined.peers.iter().any(|peer| peer.exceeds_at.is_some_and(|nodes| nodes < 1_000)));
        Ok(())
    }
}

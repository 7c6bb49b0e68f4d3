//! What other ways to collect the same cost the API server, by their documented behaviour and the same measured
//! constants. Nothing here is a measurement of a whole product.

use serde::Serialize;

use super::server_cpu;
use crate::reviews::{ALLOW_TTL, TOKEN_TTL};

/// A way to collect, and its bill.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Collector {
    /// What it is.
    pub name: &'static str,
    /// What it does, which is what the figures follow from.
    pub how: &'static str,
    /// Requests per second in the steady state, of all nodes.
    pub requests_per_second: f64,
    /// Requests in the 10 s after all of them start at once.
    pub cold_10s: u64,
    /// Seats that Priority & Fairness charges for that.
    pub cold_seats: u64,
    /// CPU of the API server for that, seconds; null where it was not measured.
    pub cold_server_cpu_s: Option<f64>,
}

/// The seats of a watch with initial events (measured).
const SEATS_INITIAL: u64 = 10;
/// The seats of a LIST without a limit (measured).
const SEATS_LIST: u64 = 10;
/// client-go's reflector lets a watch live 5 to 10 minutes at random: the mean, seconds.
const REFLECTOR_WATCH: f64 = 450.0;
/// kube's `watcher` lets it live this long, every time, seconds.
const KUBE_WATCH: f64 = 295.0;

/// Every comparison, for this many nodes.
pub(super) fn all(nodes: u32) -> Vec<Collector> {
    let (times, count) = (f64::from(nodes), u64::from(nodes));
    vec![
        Collector {
            name: "collector with k8sattributes, one pipeline",
            how: "per node a watch of the node's pods and one of all ReplicaSets, both with initial events",
            requests_per_second: times * 2.0 / REFLECTOR_WATCH,
            cold_10s: 2 * count,
            cold_seats: 2 * count * SEATS_INITIAL,
            cold_server_cpu_s: Some(2.0 * times * server_cpu::WATCH_INITIAL),
        },
        Collector {
            name: "kube's watcher with its defaults",
            how: "per node a LIST and a watch of the node's pods, renewed every 295 s without jitter",
            requests_per_second: times / KUBE_WATCH,
            cold_10s: 2 * count,
            cold_seats: count * (SEATS_LIST + 1),
            cold_server_cpu_s: Some(times * (server_cpu::LIST + server_cpu::WATCH)),
        },
        Collector {
            name: "kubelet receiver with a token",
            how: "every kubelet asks for a TokenReview every 2 minutes and a SubjectAccessReview every 5",
            requests_per_second: times * (1.0 / TOKEN_TTL.as_secs_f64() + 1.0 / ALLOW_TTL.as_secs_f64()),
            cold_10s: 2 * count,
            cold_seats: 2 * count,
            cold_server_cpu_s: None,
        },
    ]
}

//! What other ways to collect the same cost the API server, by what the programs do and the same measured constants.
//! The load tests keep these figures equal to their own models, and those within 10 % of the real programs' requests.

use std::time::Duration;

use serde::Serialize;

use super::{Steady, WorstRequests, server_cpu};
use crate::derive::REQUESTS_PER_TURN;
use crate::reviews::{ALLOW_TTL, TOKEN_TTL};

/// A way to collect, and its bill.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Collector {
    /// What it is.
    pub name: &'static str,
    /// What it does, which is what the figures follow from.
    pub how: &'static str,
    /// Requests per second in the steady state, of one node; hidden reviews included.
    pub requests_per_second_per_node: f64,
    /// The same of all nodes.
    pub requests_per_second: f64,
    /// TokenReviews and SubjectAccessReviews among them.
    pub hidden_reviews_per_second: f64,
    /// Requests in the 10 s after all of them start at once.
    pub cold_10s: u64,
    /// Seats that Priority & Fairness charges for that.
    pub cold_seats: u64,
    /// CPU of the API server for that, seconds; null where it was not measured.
    pub cold_server_cpu_s: Option<f64>,
    /// Bytes of pods in that; null where none are read from the API server.
    pub cold_pod_bytes: Option<f64>,
}

/// The seats of a watch with initial events (measured).
const SEATS_INITIAL: u64 = 10;
/// The seats of a LIST without a limit (measured).
const SEATS_LIST: u64 = 10;
/// The seats of a LIST with a limit (measured).
const SEATS_LIMITED: u64 = 7;
/// client-go's reflector lets a watch live 5 to 10 minutes at random: the mean, seconds.
const REFLECTOR_WATCH: f64 = 450.0;
/// kube's `watcher` lets it live this long, every time, seconds.
const KUBE_WATCH: f64 = 290.0;
/// The collector's chart puts k8sattributes into the pipelines of logs, metrics and traces, each with its own clients.
const PIPELINES: u32 = 3;
/// Each of them watches the node's pods, all ReplicaSets and one namespace.
const COLLECTOR_WATCHES: u32 = 3 * PIPELINES;

/// Pods of a node, as in the LIST that nobody has seen yet.
const PODS: f64 = 30.0;
/// Pods of one ReplicaSet, old ReplicaSets included: on the cheap side.
const PODS_PER_REPLICA_SET: f64 = 25.0;

/// CPU of the server for the three watches with which one pipeline begins in a cluster of so many pods, seconds.
fn pipeline_cpu(pods: f64) -> f64 {
    let replica_sets = pods / PODS_PER_REPLICA_SET * server_cpu::INITIAL_PER_REPLICA_SET;
    3.0 * server_cpu::WATCH + pods * server_cpu::INITIAL_PER_POD + replica_sets
}

/// The collector's chart scrapes the kubelet this often, seconds.
const KUBELETSTATS: u64 = 20;

/// Seconds between two of those scrapes that find what the kubelet remembered for `ttl` gone: what was remembered just
/// after a scrape began is still there when another begins exactly so much later.
fn between_scrapes(ttl: Duration) -> f64 {
    Duration::from_secs((ttl.as_secs() / KUBELETSTATS + 1) * KUBELETSTATS).as_secs_f64()
}

/// tare in the same columns: its worst window, in which each turn is the LIST and WATCH of another node.
pub(super) fn tare(nodes: u32, steady: &Steady, worst: &WorstRequests, list_bytes: f64) -> Collector {
    let turns = (worst.turns / REQUESTS_PER_TURN).min(nodes);
    Collector {
        name: "tare",
        how: "turns: at most two requests of an agent in each, spread by a hash of the node's name",
        requests_per_second_per_node: steady.agent.requests_per_second,
        requests_per_second: steady.cluster.requests_per_second,
        hidden_reviews_per_second: steady.cluster.hidden_reviews_per_second,
        cold_10s: u64::from(turns * REQUESTS_PER_TURN) + u64::from(worst.reviews),
        cold_seats: u64::from(turns) * (SEATS_LIMITED + 1) + u64::from(worst.reviews),
        cold_server_cpu_s: Some(f64::from(turns) * (server_cpu::LIST + server_cpu::WATCH)),
        cold_pod_bytes: Some(f64::from(turns) * list_bytes),
    }
}

/// Every comparison, for this many nodes with a LIST of this many bytes.
pub(super) fn all(nodes: u32, list_bytes: f64) -> Vec<Collector> {
    let (times, count) = (f64::from(nodes), u64::from(nodes));
    let reviews = 1.0 / TOKEN_TTL.as_secs_f64() + 1.0 / ALLOW_TTL.as_secs_f64();
    let scraped = 1.0 / between_scrapes(TOKEN_TTL) + 1.0 / between_scrapes(ALLOW_TTL);
    vec![
        Collector {
            name: "collector, chart defaults",
            how: "three pipelines with k8sattributes, each with a watch of the node's pods, of all ReplicaSets and of \
                  one namespace, with initial events; kubeletstats with a token every 20 s; the bytes of the ReplicaSets come on top",
            requests_per_second_per_node: f64::from(COLLECTOR_WATCHES) / REFLECTOR_WATCH + scraped,
            requests_per_second: times * (f64::from(COLLECTOR_WATCHES) / REFLECTOR_WATCH + scraped),
            hidden_reviews_per_second: times * scraped,
            cold_10s: count * (u64::from(COLLECTOR_WATCHES) + 2),
            cold_seats: count * (u64::from(PIPELINES) * (2 * SEATS_INITIAL + 1) + 2),
            cold_server_cpu_s: Some(times * f64::from(PIPELINES) * pipeline_cpu(times * PODS)),
            cold_pod_bytes: Some(times * f64::from(PIPELINES) * list_bytes),
        },
        Collector {
            name: "kube's watcher with its defaults",
            how: "per node a LIST and a watch of the node's pods, renewed every 290 s without jitter",
            requests_per_second_per_node: 1.0 / KUBE_WATCH,
            requests_per_second: times / KUBE_WATCH,
            hidden_reviews_per_second: 0.0,
            cold_10s: 2 * count,
            cold_seats: count * (SEATS_LIST + 1),
            cold_server_cpu_s: Some(times * (server_cpu::LIST + server_cpu::WATCH)),
            cold_pod_bytes: Some(times * list_bytes),
        },
        Collector {
            name: "kubelet receiver with a token",
            how: "every kubelet asks for a TokenReview every 2 minutes and a SubjectAccessReview every 5",
            requests_per_second_per_node: reviews,
            requests_per_second: times * reviews,
            hidden_reviews_per_second: times * reviews,
            cold_10s: 2 * count,
            cold_seats: 2 * count,
            cold_server_cpu_s: None,
            cold_pod_bytes: None,
        },
    ]
}

//! What a DaemonSet costs the control plane by merely existing, by cause, and what a kubelet costs without any.
//!
//! Measured with the audit log of kube-apiserver 1.36.3 and a real kubelet.

use serde::Serialize;

/// How long tare's token lives.
const TOKEN_LIFETIME: f64 = 86_400.0;
/// The kubelet asks for a new token when this part of its life is over.
const TOKEN_REFRESH: f64 = 0.8;

/// How long a kubelet's watch for a ConfigMap that may change lasts, seconds, on average: 30 to 60 minutes since Kubernetes 1.31
/// (`MinWatchTimeout` of `watch_based_manager.go`, kubernetes/kubernetes#124245), which is the oldest that the chart takes.
const WATCH_LIFETIME: f64 = 2_700.0;

/// The ambient cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ambient {
    /// Requests per second in the steady state, of all nodes.
    pub requests_per_second: f64,
    /// The kubelet's requests for tare's token, per second and node (a life of 86,400 s, asked for at 80 %).
    pub token_requests_per_second_per_node: f64,
    /// The kubelet's watches for tare's ConfigMap, per node: none, because it is immutable. A mutable one costs one.
    pub config_map_watches_per_node: u32,
    /// The kubelet's watches for the API server's authority (`kube-root-ca.crt`), per node: one where no other pod of the
    /// namespace runs on the node, and none with the chart's `clusterCA.bundle`.
    pub authority_watches_per_node: u32,
    /// The kubelet's requests for that watch, per second and node.
    pub authority_requests_per_second_per_node: f64,
    /// Requests of one pod that starts, all parties together, with its init container.
    pub requests_per_start: u32,
    /// Requests of one pod that is deleted.
    pub requests_per_delete: u32,
    /// Requests of one node in a rolling update.
    pub requests_per_rolling_update: u32,
    /// Requests of one container restart; the supervisor makes this one rare.
    pub requests_per_container_restart: u32,
    /// Requests of one installation or rolling update of all nodes; the controller's `maxUnavailable` spreads them.
    pub requests_per_rollout: u64,
}

impl Ambient {
    /// For this many nodes.
    pub fn of(nodes: u32) -> Self {
        let token = 1.0 / (TOKEN_LIFETIME * TOKEN_REFRESH);
        let authority = 1.0 / WATCH_LIFETIME;
        let requests_per_rolling_update = 39;
        Self {
            requests_per_second: (token + authority) * f64::from(nodes),
            token_requests_per_second_per_node: token,
            config_map_watches_per_node: 0,
            authority_watches_per_node: 1,
            authority_requests_per_second_per_node: authority,
            requests_per_start: 29,
            requests_per_delete: 11,
            requests_per_rolling_update,
            requests_per_container_restart: 10,
            requests_per_rollout: u64::from(nodes) * u64::from(requests_per_rolling_update),
        }
    }
}

/// What the kubelets ask for themselves, requests per second: the scale beside the bill.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct KubeletBaseline {
    /// Of one node, measured as a whole; the parts below are rounded.
    pub per_node: f64,
    /// Renewing the node's lease.
    pub lease: f64,
    /// The node's status.
    pub status: f64,
    /// Watches that end and begin.
    pub watches: f64,
    /// ConfigMaps and Secrets.
    pub config_maps_and_secrets: f64,
    /// Tokens of service accounts.
    pub tokens: f64,
    /// Of all nodes.
    pub cluster: f64,
}

impl KubeletBaseline {
    /// For this many nodes.
    pub fn of(nodes: u32) -> Self {
        let per_node = 0.130;
        Self {
            per_node,
            lease: 0.098,
            status: 0.003,
            watches: 0.011,
            config_maps_and_secrets: 0.007,
            tokens: 0.010,
            cluster: per_node * f64::from(nodes),
        }
    }
}

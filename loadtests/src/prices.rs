//! What each kind of request costs a kube-apiserver: the calibration of everything that is simulated.
//!
//! The numbers lie in `calibration/kube-apiserver.json`, with where each comes from; `loadtests/real/run --only
//! apiserver-prices` measures them again on the real server and writes such a file. Pure: nothing here reads a file at
//! run time.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) mod fit;

/// The file as it was committed.
const COMMITTED: &str = include_str!("../calibration/kube-apiserver.json");

/// The schema of the file.
pub const SCHEMA: &str = "tare.prices/v1";

/// A kind of request, as the API server pays for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One object by name, from the watch cache.
    GetDaemonSet,
    /// LIST of one node's pods from the watch cache, with a limit.
    ListNode,
    /// WATCH of one node's pods from a version, its connection included.
    WatchNode,
    /// WATCH of one node's pods that begins with all of them: it walks every pod of the cluster.
    WatchNodeInitial,
    /// LIST of every pod from the watch cache.
    ListAll,
    /// WATCH of every pod that begins with all of them.
    WatchAllInitial,
    /// A kubelet asks whose token it was given.
    TokenReview,
    /// A kubelet asks whether its client may.
    AccessReview,
    /// A small object is created or changed: a lease, an event, a pod's status.
    Write,
    /// One event is sent to one watch.
    WatchEvent,
}

/// Where a number comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The check `apiserver-prices` measured it on a real kube-apiserver.
    Measured,
    /// Nobody has measured it: a guess that errs on the cheap side.
    Assumed,
}

/// The price of one request.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Where the numbers come from.
    pub origin: Origin,
    /// CPU of the server, milliseconds, whatever the size of the cluster.
    pub cpu_ms: f64,
    /// CPU of the server for each thousand pods in the cluster, milliseconds.
    pub cpu_ms_per_thousand_pods: f64,
    /// Seats of Priority & Fairness.
    pub seats: u32,
}

/// The price list of one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// [`SCHEMA`].
    pub schema: String,
    /// Which server, on what.
    pub server: String,
    /// Pods in the cluster when it was measured.
    pub pods: u32,
    /// Nodes in the cluster when it was measured.
    pub nodes: u32,
    /// Each kind's price.
    pub requests: BTreeMap<Kind, Price>,
    /// What else was measured there; null: nothing.
    #[serde(default)]
    pub details: Option<Details>,
}

/// What is no request's price, or the price of a variant, measured on the same server at its larger size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// Bytes of one pod in a LIST as JSON, uncompressed.
    pub pod_bytes: f64,
    /// Bytes of one ReplicaSet in a watch for metadata alone, as protobuf.
    pub replica_set_bytes: f64,
    /// Memory of the server for one open watch with its connection, bytes.
    pub watch_memory_bytes: f64,
    /// CPU for a LIST of one node's pods without a resourceVersion, milliseconds.
    pub list_node_latest_ms: f64,
    /// CPU for a LIST of every pod without a resourceVersion, milliseconds per thousand pods.
    pub list_all_latest_ms_per_thousand_pods: f64,
    /// CPU for a LIST of every pod, compressed as Go's clients ask for, milliseconds per thousand pods.
    pub list_all_gzip_ms_per_thousand_pods: f64,
    /// CPU for a watch for the metadata of all ReplicaSets that begins with them, as protobuf, milliseconds for each
    /// thousand of them.
    pub watch_metadata_ms_per_thousand: f64,
    /// CPU for the renewal of a Lease, milliseconds.
    pub lease_update_ms: f64,
    /// CPU for the creation of an Event, milliseconds.
    pub event_create_ms: f64,
    /// CPU for a patch of a pod's status, milliseconds.
    pub pod_status_ms: f64,
}

impl Prices {
    /// The committed ones.
    ///
    /// # Errors
    /// When the committed file is no price list; a test keeps it one.
    pub fn committed() -> anyhow::Result<Self> {
        Self::parse(COMMITTED)
    }

    /// Reads a price list.
    ///
    /// # Errors
    /// When it is not of [`SCHEMA`] or lacks a kind.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let prices: Self = serde_json::from_str(text)?;
        anyhow::ensure!(prices.schema == SCHEMA, "schema {:?} instead of {SCHEMA:?}", prices.schema);
        for kind in Kind::ALL {
            anyhow::ensure!(prices.requests.contains_key(&kind), "no price of {kind:?}");
        }
        Ok(prices)
    }

    /// The price of a kind.
    pub fn of(&self, kind: Kind) -> Price {
        let free = Price { origin: Origin::Assumed, cpu_ms: 0.0, cpu_ms_per_thousand_pods: 0.0, seats: 0 };
        self.requests.get(&kind).copied().unwrap_or(free)
    }

    /// The server's CPU for one request of a kind in a cluster of so many pods.
    pub fn cpu(&self, kind: Kind, pods: u32) -> Duration {
        let price = self.of(kind);
        let ms = price.cpu_ms + price.cpu_ms_per_thousand_pods * f64::from(pods) / 1e3;
        Duration::from_secs_f64(ms.max(0.0) / 1e3)
    }

    /// The same list with every time `factor` as long: what an estimate that is off by this much would mean.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        let mut scaled = self.clone();
        for price in scaled.requests.values_mut() {
            price.cpu_ms *= factor;
            price.cpu_ms_per_thousand_pods *= factor;
        }
        scaled
    }
}

impl Kind {
    /// Whether the server walks every pod of the cluster for it.
    pub fn walks(self) -> bool {
        matches!(self, Self::WatchNodeInitial | Self::ListAll | Self::WatchAllInitial)
    }

    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::GetDaemonSet,
        Self::ListNode,
        Self::WatchNode,
        Self::WatchNodeInitial,
        Self::ListAll,
        Self::WatchAllInitial,
        Self::TokenReview,
        Self::AccessReview,
        Self::Write,
        Self::WatchEvent,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_list_has_every_kind_and_a_cost_that_grows_only_where_the_cluster_is_walked()
    -> anyhow::Result<()> {
        let prices = Prices::committed()?;
        for kind in Kind::ALL {
            let grows = prices.cpu(kind, 100_000) > prices.cpu(kind, 100);
            assert_eq!(grows, kind.walks(), "{kind:?}");
        }
        Ok(())
    }

    #[test]
    fn a_list_without_a_kind_is_refused_with_its_name() {
        let text = COMMITTED.replace("\"list_all\"", "\"list_some\"");
        assert!(Prices::parse(&text).is_err());
        let mut value: serde_json::Value = serde_json::from_str(COMMITTED).unwrap_or_default();
        if let Some(requests) = value["requests"].as_object_mut() {
            requests.remove("list_all");
        }
        let error = Prices::parse(&value.to_string()).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("no price of ListAll"));
    }
}

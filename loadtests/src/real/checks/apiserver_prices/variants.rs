//! Variants of the requests, as other clients send them, and the sizes of what they get.

use std::time::{Duration, Instant};

use super::writes::Writes;
use super::{Bench, rounded};
use crate::prices::Details;
use crate::real::checks::apiserver_ground::requests;
use crate::real::checks::charges::expect;
use crate::real::cluster::http::Form;
use crate::real::cluster::populate;

/// As many as 20,000 pods have, at 25 replicas each.
const REPLICA_SETS: u16 = 800;

/// A watch of all ReplicaSets that begins with them.
const REPLICA_SETS_INITIAL: &str = "/apis/apps/v1/replicasets?watch=1&sendInitialEvents=true\
                                    &resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=60";

/// The annotation of the bookmark that ends what a watch begins with.
const END: &[u8] = b"k8s.io/initial-events-end";

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(90);

impl Bench<'_> {
    pub(super) fn details(&self, writes: Writes) -> anyhow::Result<Details> {
        let thousands = f64::from(self.pods) / 1e3;
        let whole = self.client.get(super::reads::ALL)?;
        let mut connection = self.client.connect()?;
        let node = requests::list_with("resourceVersion=");
        let list_node_latest_ms = self.cost(300, || expect(connection.get(&node)?.status))?;
        let latest = self.cost(3, || expect(connection.get("/api/v1/pods")?.status))?;
        let mut connection = self.client.wanting(Form::Gzip).connect()?;
        let gzip = self.cost(3, || expect(connection.get(super::reads::ALL)?.status))?;
        let (metadata, replica_set_bytes) = self.metadata()?;
        let bytes = u32::try_from(whole.body.len())?;
        Ok(Details {
            pod_bytes: (f64::from(bytes) / f64::from(self.pods)).round(),
            replica_set_bytes: replica_set_bytes.round(),
            watch_memory_bytes: self.watch_memory()?.round(),
            list_node_latest_ms: rounded(list_node_latest_ms),
            list_all_latest_ms_per_thousand_pods: rounded(latest / thousands),
            list_all_gzip_ms_per_thousand_pods: rounded(gzip / thousands),
            watch_metadata_ms_per_thousand: rounded(metadata),
            lease_update_ms: rounded(writes.lease_update),
            event_create_ms: rounded(writes.event_create),
            pod_status_ms: rounded(writes.pod_status),
        })
    }

    /// CPU for the metadata of a thousand ReplicaSets, and the bytes of one.
    fn metadata(&self) -> anyhow::Result<(f64, f64)> {
        populate::replica_sets(&self.admin, REPLICA_SETS.into())?;
        let client = self.client.wanting(Form::Metadata);
        let mut bytes = 0;
        let cost = self.cost(40, || {
            let mut watch = client.watch(REPLICA_SETS_INITIAL)?;
            bytes = watch.read_past(END, Instant::now() + PATIENCE)?;
            expect(watch.status)
        })?;
        let count = f64::from(REPLICA_SETS);
        Ok((cost / count * 1e3, f64::from(u32::try_from(bytes)?) / count))
    }
}

//! The gate of enrichment: while no rung has anything new, asking for every pod and container of a node allocates nothing.
//!
//! dhat is the allocator of this test binary and counts every block. It has no test harness: the harness has threads of its
//! own, and a block of theirs would be counted as ours.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use dhat::{HeapStats, Profiler};
use exporter::model::Timestamp;
use shared_informer::index::{Index, Limits, Snapshot};
use shared_informer::pod::{PodError, parse};
use tare::enrich::{Binding, Choice, Enricher, Links, Rule, Rungs, Settings};
use tare::log_names::LogName;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const PODS: usize = 110;
const SCRAPES: u64 = 10;

/// No link at all: the lowest rung, looked at in every scrape for each sandbox.
#[derive(Debug)]
struct NoLinks;

impl Links for NoLinks {
    fn container(&self, _uid: &str, _id: &str) -> Option<&LogName> {
        None
    }

    fn pod(&self, _uid: &str) -> Option<&LogName> {
        None
    }
}

/// A node of [`PODS`] pods with two containers each.
fn snapshot() -> Result<Arc<Snapshot>, PodError> {
    let mut index = Index::new(Limits::default());
    for pod in 0..PODS {
        let json = format!(
            r#"{{"metadata": {{"name": "web-{pod}", "namespace": "ns", "uid": "uid-{pod}", "labels": {{"team": "red"}}}},
                "spec": {{"nodeName": "n1", "containers": [{{"name": "a", "image": "a:1"}}, {{"name": "b", "image": "b:1"}}]}},
                "status": {{"containerStatuses": [
                    {{"name": "a", "containerID": "containerd://a{pod}"}},
                    {{"name": "b", "containerID": "containerd://b{pod}"}}]}}}}"#
        );
        let keep = (|_: &str| true, |_: &str| false);
        index.apply(parse(json.as_bytes(), &keep)?, Duration::ZERO);
    }
    Ok(index.snapshot())
}

/// Every pod, its containers and its sandbox, by key: uid, and ID of a container.
fn objects() -> Vec<(String, Option<String>)> {
    let pod = |pod: usize| {
        let id = |name: &str| (format!("uid-{pod}"), Some(format!("{name}{pod}")));
        [(format!("uid-{pod}"), None), id("a"), id("b"), id("sandbox")]
    };
    (0..PODS).flat_map(pod).collect()
}

/// Asks for all of them; answers how many are reported.
fn scrape(
    enricher: &mut Enricher,
    rungs: Rungs<'_>,
    objects: &[(String, Option<String>)],
    tick: u64,
) -> usize {
    let now = Timestamp((1_700_000_000 + 10 * tick) * 1_000_000_000);
    let mut reported = 0;
    for (key, (uid, id)) in (0u64..).zip(objects) {
        let binding = match id {
            None => enricher.pod(rungs, now, key, uid),
            Some(id) => enricher.container(rungs, now, key, uid, id),
        };
        reported += usize::from(matches!(binding, Binding::Known { version: 1 }));
    }
    enricher.finish();
    reported
}

fn main() -> Result<(), Box<dyn Error>> {
    let _profiler = Profiler::builder().testing().build();
    let labels = vec![Rule::matching(None, "team")?];
    let choice = Arc::new(Choice { labels, ..Choice::default() });
    let mut enricher = Enricher::new(Settings { choice, ..Settings::default() });
    let (watch, kubelet, objects) = (snapshot()?, snapshot()?, objects());
    let rungs = Rungs { watch: Some(&watch), kubelet: Some(&kubelet), summary: None, logs: &NoLinks };
    let blocks = |enricher: &mut Enricher, from: u64, scrapes: u64| {
        let before = HeapStats::get().total_blocks;
        for tick in from..from + scrapes {
            assert_eq!(scrape(enricher, rungs, &objects, tick), 3 * PODS, "tick {tick}");
        }
        HeapStats::get().total_blocks - before
    };
    assert!(blocks(&mut enricher, 0, 2) > 0, "the gate counts nothing");
    assert_eq!(blocks(&mut enricher, 2, SCRAPES), 0, "a steady scrape allocates");

    // The kubelet's next answer says the same of every pod, in a list of its own.
    let again = snapshot()?;
    let rungs = Rungs { kubelet: Some(&again), ..rungs };
    let before = HeapStats::get().total_blocks;
    assert_eq!(scrape(&mut enricher, rungs, &objects, 2 + SCRAPES), 3 * PODS);
    assert_eq!(HeapStats::get().total_blocks - before, 0, "an answer without news allocates");
    Ok(())
}

//! Pods that come and go after a second, and a reference watch that says which of them the server told of.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::real::cluster::http::{Client, Next};
use crate::real::cluster::pods::Pod;
use crate::real::cluster::populate;

/// How many nodes have them: every gap of an agent there swallows one or more.
const NODES: usize = 20;

/// One pod on each of these nodes in this time. A tombstone is kept for five minutes, and 256 of them.
const PERIOD: Duration = Duration::from_millis(1500);

/// Running churn.
pub(super) struct Churn {
    stop: Arc<AtomicBool>,
    maker: JoinHandle<anyhow::Result<()>>,
    reference: JoinHandle<anyhow::Result<BTreeSet<(String, String)>>>,
}

/// Begins. Pods are numbered from `first` and lie on the first nodes.
pub(super) fn begin(admin: &Client, first: usize) -> anyhow::Result<Churn> {
    let stop = Arc::new(AtomicBool::new(false));
    let list = admin.get("/api/v1/pods?limit=1")?.json()?;
    let version = list["metadata"]["resourceVersion"].as_str().context("a list without a version")?;
    let mut watch =
        admin.watch(&format!("/api/v1/pods?watch=1&resourceVersion={version}&timeoutSeconds=3600"))?;
    let stopped = Arc::clone(&stop);
    let reference = std::thread::Builder::new().name("reference".to_owned()).spawn(move || {
        let mut seen = BTreeSet::new();
        // What is still on its way when the last pod has gone comes within a second.
        let mut last = Instant::now();
        while !stopped.load(Ordering::Relaxed) || last.elapsed() < Duration::from_secs(2) {
            match watch.next(Instant::now() + Duration::from_millis(500)) {
                Next::Line(line) => {
                    last = Instant::now();
                    seen.extend(added(&line));
                }
                Next::Silence => {}
                Next::End => bail!("the reference watch ended"),
            }
        }
        Ok(seen)
    })?;
    let (stopped, admin) = (Arc::clone(&stop), admin.clone());
    let maker = std::thread::Builder::new().name("churn".to_owned()).spawn(move || {
        let mut connection = admin.connect()?;
        let mut number = first;
        while !stopped.load(Ordering::Relaxed) {
            let begin = Instant::now();
            let pods: Vec<_> = (0..NODES).map(|node| Pod { number: number + node, node }).collect();
            for pod in &pods {
                populate::create_one(&mut connection, *pod, false)?;
            }
            for pod in &pods {
                connection.delete(&pod.path())?;
            }
            number += NODES;
            std::thread::sleep(PERIOD.saturating_sub(begin.elapsed()));
        }
        Ok(())
    })?;
    Ok(Churn { stop, maker, reference })
}

impl Churn {
    /// Ends it; gives namespace and name of every pod that the reference watch saw come.
    pub(super) fn end(self) -> anyhow::Result<BTreeSet<(String, String)>> {
        self.stop.store(true, Ordering::Relaxed);
        self.maker.join().ok().context("the churn panicked")??;
        self.reference.join().ok().context("the reference watch panicked")?
    }
}

fn added(line: &[u8]) -> Option<(String, String)> {
    let event: Value = serde_json::from_slice(line).ok()?;
    let metadata = &event["object"]["metadata"];
    let text = |key: &str| metadata[key].as_str().map(str::to_owned);
    (event["type"] == "ADDED").then_some(())?;
    Some((text("namespace")?, text("name")?))
}

/// The node of the pod of that name.
pub(super) fn node_of(name: &str, first: usize) -> Option<usize> {
    let number: usize = name.rsplit('-').next()?.parse().ok()?;
    Some((number.checked_sub(first)?) % NODES)
}

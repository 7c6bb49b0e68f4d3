//! What open watches cost: each event that one is sent, and the memory that it holds.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::{Bench, writes};
use crate::real::checks::apiserver_ground::{answers, requests};
use crate::real::cluster::http::{Lines, Next};

/// Watches of every pod that one event goes to.
const WATCHES: u16 = 100;

/// Events: so many that a collection of the server's garbage, a second of CPU with 20,000 pods, is a small part.
const EVENTS: u32 = 300;

/// Watches whose memory is measured.
const OPEN: u16 = 400;

/// No event is waited for longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The numbers of the statuses that are written, above those of the batches of writes.
const TURNS: u32 = 10_000;

impl Bench<'_> {
    /// CPU for one event to one watch: what a change of a pod costs more with watches of every pod than without.
    pub(super) fn delivery(&self) -> anyhow::Result<f64> {
        let mut writer = self.client.connect()?;
        let mut turn = TURNS;
        let alone = self.cost(EVENTS, || {
            turn += 1;
            writes::status(&mut writer, turn)
        })?;
        let mut watches = self.watches("/api/v1/pods?watch=1&timeoutSeconds=600", WATCHES)?;
        let watched = self.cost(EVENTS, || {
            turn += 1;
            writes::status(&mut writer, turn)?;
            watches.iter_mut().try_for_each(|watch| modified(watch, turn))
        })?;
        Ok((watched - alone).max(0.0) / f64::from(WATCHES))
    }

    /// Memory of the server for one open watch of a node, with its connection.
    pub(super) fn watch_memory(&self) -> anyhow::Result<f64> {
        let before = self.held()?;
        let path = "/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-0001&watch=1&timeoutSeconds=600";
        let watches = self.watches(path, OPEN)?;
        let after = self.held()?;
        drop(watches);
        Ok((after - before).max(0.0) / f64::from(OPEN))
    }

    fn watches(&self, path: &str, count: u16) -> anyhow::Result<Vec<Lines>> {
        let list = self.client.get(&requests::list())?.json()?;
        let path = format!("{path}&resourceVersion={}", answers::version(&list)?);
        (0..count)
            .map(|_| {
                let watch = self.client.watch(&path)?;
                anyhow::ensure!(watch.status == 200, "{path}: {}", watch.status);
                Ok(watch)
            })
            .collect()
    }

    /// Bytes of heap and stacks after a collection of garbage.
    fn held(&self) -> anyhow::Result<f64> {
        self.collect()?;
        let answer = self.admin.get("/metrics")?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let gauge = |name: &str| -> anyhow::Result<f64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            Ok(line.with_context(|| format!("no {name}"))?.trim().parse()?)
        };
        Ok(gauge("go_memstats_heap_alloc_bytes")? + gauge("go_memstats_stack_inuse_bytes")?)
    }
}

/// Waits for the change with this number; what came before it is passed over.
fn modified(watch: &mut Lines, turn: u32) -> anyhow::Result<()> {
    let wanted = format!("\"message\":\"turn {turn}\"");
    let until = Instant::now() + PATIENCE;
    loop {
        match watch.next(until) {
            Next::Line(line) if String::from_utf8_lossy(&line).contains(&wanted) => return Ok(()),
            Next::Line(_) => {}
            other => bail!("waiting for change {turn}: {other:?}"),
        }
    }
}

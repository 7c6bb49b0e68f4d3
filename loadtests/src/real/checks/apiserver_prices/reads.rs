//! Reads from the watch cache, as the product and as others send them, and the seats that every kind takes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::{Bench, Sample};
use crate::prices::Kind;
use crate::real::checks::apiserver_ground::{answers, requests};
use crate::real::checks::charges::{expect, seats};
use crate::real::cluster::http::{Client, Next};
use crate::real::cluster::objects::PRODUCT;

/// No event is waited for longer.
const PATIENCE: Duration = Duration::from_secs(90);

/// Every pod, from the watch cache.
pub(super) const ALL: &str = "/api/v1/pods?resourceVersion=0";

/// A watch of every pod that begins with all of them.
const ALL_INITIAL: &str = "/api/v1/pods?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan\
                           &allowWatchBookmarks=true&timeoutSeconds=60";

impl Bench<'_> {
    /// What is walked is measured for about as many pods in both sizes.
    fn times(&self, pods: u32, least: u32) -> u32 {
        (pods / self.pods).max(least)
    }

    pub(super) fn reads(&self) -> anyhow::Result<Sample> {
        let mut sample = Sample::new();
        let mut connection = self.client.named("prices/get").connect()?;
        let path = requests::daemon_set(PRODUCT);
        let cost = self.cost(1500, || expect(connection.get(&path)?.status))?;
        sample.insert(Kind::GetDaemonSet, cost);
        let cost = self.cost(600, || expect(connection.get(&requests::list())?.status))?;
        sample.insert(Kind::ListNode, cost);
        let list = connection.get(&requests::list())?.json()?;
        let path = requests::watch(answers::version(&list)?, 60);
        // A new connection each time, dropped as soon as the watch stands: what a renewal costs.
        let cost = self.cost(300, || expect(self.client.watch(&path)?.status))?;
        sample.insert(Kind::WatchNode, cost);
        let path = requests::watch_with_initial_events(60);
        let cost = self.cost(self.times(1_000_000, 50), || initial(&self.client, &path))?;
        sample.insert(Kind::WatchNodeInitial, cost);
        let cost = self.cost(self.times(60_000, 3), || expect(connection.get(ALL)?.status))?;
        sample.insert(Kind::ListAll, cost);
        let cost = self.cost(self.times(60_000, 3), || initial(&self.client, ALL_INITIAL))?;
        sample.insert(Kind::WatchAllInitial, cost);
        Ok(sample)
    }

    /// The seats of each kind.
    pub(super) fn seats(&self) -> anyhow::Result<BTreeMap<Kind, u32>> {
        let unlimited = requests::list_with("resourceVersion=0");
        seats::logged(self.cluster, &self.client, &unlimited, || self.each_once())
    }

    fn each_once(&self) -> anyhow::Result<BTreeMap<Kind, u32>> {
        let list = self.client.get(&requests::list())?.json()?;
        let watch = requests::watch(answers::version(&list)?, 1);
        let all = ALL_INITIAL.replace("timeoutSeconds=60", "timeoutSeconds=1");
        let cases = [
            (Kind::GetDaemonSet, requests::daemon_set(PRODUCT)),
            (Kind::ListNode, requests::list()),
            (Kind::WatchNode, watch),
            (Kind::WatchNodeInitial, requests::watch_with_initial_events(1)),
            (Kind::WatchAllInitial, all),
        ];
        let name = |kind| format!("seats/{kind:?}");
        for (kind, path) in &cases {
            seats::ask(&self.client, &name(*kind), path)?;
        }
        expect(self.client.named(&name(Kind::ListAll)).get(ALL)?.status)?;
        for kind in [Kind::TokenReview, Kind::AccessReview, Kind::Write] {
            self.post_once(kind, &self.client.named(&name(kind)))?;
        }
        // A delivery is part of the watch that it is made to, and takes no seat of its own.
        let asked = Kind::ALL.into_iter().filter(|kind| *kind != Kind::WatchEvent);
        asked.map(|kind| Ok((kind, seats::of(self.cluster, &name(kind))?))).collect()
    }
}

/// Reads a watch to the end of what it begins with.
pub(super) fn initial(client: &Client, path: &str) -> anyhow::Result<()> {
    let mut lines = client.watch(path)?;
    loop {
        match lines.next(Instant::now() + PATIENCE) {
            Next::Line(line) if line.starts_with(b"{\"type\":\"BOOKMARK\"") => return expect(lines.status),
            Next::Line(_) => {}
            other => bail!("initial events ended with {other:?}"),
        }
    }
}

//! The server's CPU time for each request of the product.
//!
//! A millisecond is a different one on each machine, so the milliseconds are printed for the record; what the design
//! needs is judged as relations between requests that were sent in turns within one run, each the median of its rounds.

use std::time::{Duration, Instant};

use anyhow::bail;

use super::{answers, requests};
use crate::real::checks::charges::{Meter, ROUNDS, expect, median};
use crate::real::checks::facts::Fact;
use crate::real::cluster::http::{Client, Next};
use crate::real::cluster::objects::PRODUCT;

/// No event is waited for longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Requests in each round, so that each takes some hundred milliseconds of the server: `/proc/<pid>/stat` counts in 10 ms.
pub(super) const LISTS: u32 = 150;
pub(super) const GETS: u32 = 500;
pub(super) const WATCHES: u32 = 120;
pub(super) const INITIALS: u32 = 10;
pub(super) const EVERYTHINGS: u32 = 1;

/// What a request may cost in GETs of the DaemonSet: about four times what was found (LIST 5, WATCH with its connection 3).
const LIST_IN_GETS: f64 = 20.0;
const WATCH_IN_GETS: f64 = 12.0;

/// From 20 pods to 20,000: what looks at each of them grows a thousandfold, what has an index does not. The server's heap
/// grows too, and with it what its collector of garbage charges each request.
const GROWTH: f64 = 5.0;

/// Milliseconds of the server `pid` for one LIST of a node.
pub(super) fn list(pid: u32, agent: &Client) -> anyhow::Result<f64> {
    let mut connection = agent.named("cost/list").connect()?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let meter = Meter::of_quiet(pid)?;
        rounds.push(meter.per_request(LISTS, || expect(connection.get(&requests::list())?.status))?);
    }
    Ok(median(rounds))
}

/// What each request cost, in each round.
#[derive(Default)]
struct Rounds {
    get: Vec<f64>,
    list: Vec<f64>,
    watch: Vec<f64>,
    initial: Vec<f64>,
    everything: Vec<f64>,
}

/// Each of the product's requests, and those that it does not send, for comparison. `alone` is the LIST's cost when
/// the cluster had one node.
pub(super) fn facts(pid: u32, agent: &Client, alone: f64) -> anyhow::Result<Vec<Fact>> {
    let mut rounds = Rounds::default();
    for _ in 0..ROUNDS {
        rounds.measure(pid, agent)?;
    }
    let [get, list, watch] = [rounds.get, rounds.list, rounds.watch].map(median);
    let [initial, everything] = [rounds.initial, rounds.everything].map(median);
    Ok(vec![
        Fact::new("CPU: GET of the DaemonSet", "for the record", format!("{get:.2} ms"), true),
        bounded("CPU: LIST of a node", LIST_IN_GETS, list, get),
        bounded("CPU: WATCH from a version, with its connection", WATCH_IN_GETS, watch, get),
        Fact::new(
            "CPU: LIST of a node does not grow with the cluster",
            &format!("at most {GROWTH} times that among one node's pods"),
            format!("{alone:.2} ms, then {list:.2} ms"),
            list <= GROWTH * alone,
        ),
        Fact::new(
            "CPU: WATCH with initial events does",
            "more than LIST and WATCH together",
            format!("{initial:.1} ms"),
            initial > list + watch,
        ),
        Fact::new(
            "CPU: LIST of every pod",
            "more than a hundred LISTs of a node",
            format!("{everything:.0} ms"),
            everything > 100.0 * list,
        ),
    ])
}

impl Rounds {
    /// One more of each, one kind after the other.
    fn measure(&mut self, pid: u32, agent: &Client) -> anyhow::Result<()> {
        let meter = Meter::of_quiet(pid)?;
        let mut connection = agent.named("cost/get").connect()?;
        let daemon_set = requests::daemon_set(PRODUCT);
        self.get.push(meter.per_request(GETS, || expect(connection.get(&daemon_set)?.status))?);
        let mut connection = agent.named("cost/list").connect()?;
        self.list.push(meter.per_request(LISTS, || expect(connection.get(&requests::list())?.status))?);
        let now = agent.get(&requests::list())?.json()?;
        let path = requests::watch(answers::version(&now)?, 60);
        let client = agent.named("cost/watch");
        // A new connection each time, dropped as soon as the watch stands: what a renewal costs.
        self.watch.push(meter.per_request(WATCHES, || expect(client.watch(&path)?.status))?);
        let client = agent.named("cost/initial");
        self.initial.push(meter.per_request(INITIALS, || initial_events(&client))?);
        let mut connection = agent.named("cost/everything").connect()?;
        let all = "/api/v1/pods?resourceVersion=0";
        self.everything.push(meter.per_request(EVERYTHINGS, || expect(connection.get(all)?.status))?);
        Ok(())
    }
}

/// Opens a watch that begins with every pod of the node, and reads it to the end of them.
fn initial_events(client: &Client) -> anyhow::Result<()> {
    let mut lines = client.watch(&requests::watch_with_initial_events(60))?;
    loop {
        match lines.next(Instant::now() + PATIENCE) {
            Next::Line(line) if line.starts_with(b"{\"type\":\"BOOKMARK\"") => return expect(lines.status),
            Next::Line(_) => {}
            other => bail!("initial events ended with {other:?}"),
        }
    }
}

/// A request that may cost `most` times as much as the GET.
fn bounded(what: &str, most: f64, found: f64, get: f64) -> Fact {
    let text = format!("{found:.2} ms, {:.1} GETs", found / get);
    Fact::new(what, &format!("at most {most} GETs of the DaemonSet"), text, found <= most * get)
}

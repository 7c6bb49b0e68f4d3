//! The server's CPU time for each request, from `/proc/<pid>/stat` around a batch of them.
//!
//! CPU time, not waiting: a machine that is busy with other things changes little of it. The bounds are three times
//! what an idle machine takes; what the design really needs is in the relations, which hold on any machine.

use std::time::{Duration, Instant};

use anyhow::bail;

use super::{answers, requests};
use crate::real::checks::facts::Fact;
use crate::real::cluster::http::{Client, Next};
use crate::real::cluster::objects::PRODUCT;
use crate::real::program::Stat;

/// How long the server is watched doing nothing before each batch.
const IDLE: Duration = Duration::from_secs(2);

/// No event is waited for longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What an idle machine takes, in ms; three times that is the bound.
const GET_MS: f64 = 0.6;
const LIST_MS: f64 = 2.0;
const WATCH_MS: f64 = 2.5;
const SLACK: f64 = 3.0;

/// Milliseconds of the server `pid` for one LIST of a node.
pub(super) fn list(pid: u32, agent: &Client) -> anyhow::Result<f64> {
    let mut connection = agent.named("cost/list").connect()?;
    per_request(pid, 500, || expect(connection.get(&requests::list())?.status))
}

/// Each of the product's requests, and those that it does not send, for comparison. `alone` is the LIST's cost when
/// the cluster had one node.
pub(super) fn facts(pid: u32, agent: &Client, alone: f64) -> anyhow::Result<Vec<Fact>> {
    let among_many = list(pid, agent)?;
    let mut connection = agent.named("cost/get").connect()?;
    let get = per_request(pid, 1500, || expect(connection.get(&requests::daemon_set(PRODUCT))?.status))?;
    let now = connection.get(&requests::list())?.json()?;
    let path = requests::watch(answers::version(&now)?, 60);
    let client = agent.named("cost/watch");
    // A new connection each time, dropped as soon as the watch stands: what a renewal costs.
    let watch = per_request(pid, 300, || expect(client.watch(&path)?.status))?;
    let client = agent.named("cost/initial");
    let initial = per_request(pid, 40, || {
        let mut lines = client.watch(&requests::watch_with_initial_events(60))?;
        loop {
            match lines.next(Instant::now() + PATIENCE) {
                Next::Line(line) if line.starts_with(b"{\"type\":\"BOOKMARK\"") => {
                    return expect(lines.status);
                }
                Next::Line(_) => {}
                other => bail!("initial events ended with {other:?}"),
            }
        }
    })?;
    let mut connection = agent.named("cost/everything").connect()?;
    let everything =
        per_request(pid, 2, || expect(connection.get("/api/v1/pods?resourceVersion=0")?.status))?;
    Ok(vec![
        bounded("CPU: GET of the DaemonSet", GET_MS, get),
        bounded("CPU: LIST of a node", LIST_MS, among_many),
        bounded("CPU: WATCH from a version, with its connection", WATCH_MS, watch),
        Fact::new(
            "CPU: LIST of a node does not grow with the cluster",
            "at most twice that among one node's pods",
            format!("{alone:.2} ms, then {among_many:.2} ms"),
            among_many <= 2.0 * alone,
        ),
        Fact::new(
            "CPU: WATCH with initial events does",
            "more than LIST and WATCH together",
            format!("{initial:.1} ms"),
            initial > among_many + watch,
        ),
        Fact::new(
            "CPU: LIST of every pod",
            "more than a hundred LISTs of a node",
            format!("{everything:.0} ms"),
            everything > 100.0 * among_many,
        ),
    ])
}

fn bounded(what: &str, idle: f64, found: f64) -> Fact {
    let bound = SLACK * idle;
    Fact::new(what, &format!("{idle} ms, at most {bound:.1}"), format!("{found:.2} ms"), found <= bound)
}

fn expect(status: u16) -> anyhow::Result<()> {
    if status != 200 {
        bail!("status {status} instead of 200");
    }
    Ok(())
}

/// Milliseconds of CPU of `pid` for each of `times` calls, less what it takes doing nothing.
fn per_request(pid: u32, times: u32, mut call: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let seconds = || Stat::of(pid).map(Stat::cpu_with_children_s);
    let before = seconds()?;
    std::thread::sleep(IDLE);
    let idle = (seconds()? - before) / IDLE.as_secs_f64();
    let before = seconds()?;
    let begin = Instant::now();
    for _ in 0..times {
        call()?;
    }
    let spent = seconds()? - before - idle * begin.elapsed().as_secs_f64();
    Ok(spent.max(0.0) * 1000.0 / f64::from(times))
}

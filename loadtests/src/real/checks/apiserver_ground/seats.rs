//! The seats of Priority & Fairness that each request takes: the server's own measure of what it costs.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::{answers, requests};
use crate::real::checks::facts::Fact;
use crate::real::cluster::Cluster;
use crate::real::cluster::http::{Client, Next};
use crate::real::cluster::objects::PRODUCT;

/// How long the server may take to write its log.
const PATIENCE: Duration = Duration::from_secs(30);

/// The server counts its objects once a minute; until then it charges one seat for everything.
const COUNTED: Duration = Duration::from_secs(150);

/// At this verbosity the server logs each request with its seats, at the other none.
const LOUD: &str = "3";
const QUIET: &str = "0";

/// Asks each question once and reads what it took in the server's log.
pub(super) fn facts(cluster: &Cluster, admin: &Client, agent: &Client) -> anyhow::Result<Vec<Fact>> {
    verbosity(admin, LOUD)?;
    until_counted(cluster, agent)?;
    let list = agent.get(&requests::list())?.json()?;
    let version = answers::version(&list)?;
    // With a limit the estimate follows the pods' size: 7 were charged for pods of 6.7 KB each.
    let cases = [
        ("seats: LIST of a node with limit 110", "seats/limit", requests::list(), 1..=7),
        (
            "seats: LIST of a node without limit",
            "seats/list",
            requests::list_with("resourceVersion=0"),
            10..=10,
        ),
        ("seats: WATCH from a version", "seats/watch", requests::watch(version, 1), 1..=1),
        (
            "seats: WATCH with initial events",
            "seats/initial",
            requests::watch_with_initial_events(1),
            10..=10,
        ),
        ("seats: GET of the DaemonSet", "seats/get", requests::daemon_set(PRODUCT), 1..=1),
    ];
    for (_, name, path, _) in &cases {
        ask(agent, name, path)?;
    }
    let facts = cases.iter().map(|(what, name, _, expected)| {
        let (least, most) = (expected.start(), expected.end());
        let text = if least == most { most.to_string() } else { format!("at most {most}") };
        let found = seats(cluster, name)?;
        Ok(Fact::new(what, &text, found.to_string(), expected.contains(&found)))
    });
    let facts = facts.collect();
    verbosity(admin, QUIET)?;
    facts
}

/// Asks to the answer's end: a watch is logged when it is over.
fn ask(agent: &Client, name: &str, path: &str) -> anyhow::Result<()> {
    let mut lines = agent.named(name).watch(path)?;
    while let Next::Line(_) = lines.next(Instant::now() + PATIENCE) {}
    Ok(())
}

/// Waits until the server has counted the pods. If it never does, the facts will say so.
fn until_counted(cluster: &Cluster, agent: &Client) -> anyhow::Result<()> {
    let until = Instant::now() + COUNTED;
    let path = requests::list_with("resourceVersion=0");
    for turn in 0_u32.. {
        let name = format!("seats/count/{turn}");
        ask(agent, &name, &path)?;
        if seats(cluster, &name)? > 1 || Instant::now() > until {
            break;
        }
        std::thread::sleep(Duration::from_secs(5));
    }
    Ok(())
}

fn verbosity(admin: &Client, level: &str) -> anyhow::Result<()> {
    let answer = admin.connect()?.put_text("/debug/flags/v", level)?;
    if answer.status != 200 {
        bail!("/debug/flags/v: {}", answer.status);
    }
    Ok(())
}

/// The seats of the request of the client that called itself `name`.
fn seats(cluster: &Cluster, name: &str) -> anyhow::Result<u32> {
    let until = Instant::now() + PATIENCE;
    loop {
        let log = fs::read_to_string(cluster.server_log())?;
        let agent = format!("userAgent=\"{name}\"");
        if let Some(line) = log.lines().find(|line| line.contains(&agent)) {
            let (_, seats) = line.split_once("apf_iseats=").with_context(|| format!("no seats in {line}"))?;
            return Ok(seats.split(' ').next().unwrap_or_default().parse()?);
        }
        if Instant::now() > until {
            bail!("the server did not log the request of {name}");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

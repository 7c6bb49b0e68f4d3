//! The seats of Priority & Fairness that a request takes, from the server's log: its own measure of what it costs.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::real::cluster::Cluster;
use crate::real::cluster::http::{Client, Next};

/// How long the server may take to write its log.
const PATIENCE: Duration = Duration::from_secs(30);

/// The server counts its objects once a minute; until then it charges one seat for everything, or for as many as there
/// were in the middle of their creation.
const COUNTED: Duration = Duration::from_secs(150);

/// No request is charged more.
const MOST: u32 = 10;

/// At this verbosity the server logs each request with its seats, at the other none.
const LOUD: &str = "3";
const QUIET: &str = "0";

/// Makes the server log each request, while `asking` runs, which begins once the server has counted its pods: it is
/// asked for `path`, which takes the most seats that a request can take, until then. If it never does, what is found will say so.
pub(in crate::real::checks) fn logged<T>(
    cluster: &Cluster,
    client: &Client,
    path: &str,
    asking: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let admin = cluster.admin()?;
    verbosity(&admin, LOUD)?;
    until_counted(cluster, client, path)?;
    let found = asking()?;
    verbosity(&admin, QUIET)?;
    Ok(found)
}

/// Asks to the answer's end: a watch is logged when it is over.
pub(in crate::real::checks) fn ask(client: &Client, name: &str, path: &str) -> anyhow::Result<()> {
    let mut lines = client.named(name).watch(path)?;
    while let Next::Line(_) = lines.next(Instant::now() + PATIENCE) {}
    Ok(())
}

fn until_counted(cluster: &Cluster, client: &Client, path: &str) -> anyhow::Result<()> {
    let until = Instant::now() + COUNTED;
    for turn in 0_u32.. {
        let name = format!("seats/count/{turn}");
        ask(client, &name, path)?;
        if of(cluster, &name)? >= MOST || Instant::now() > until {
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
pub(in crate::real::checks) fn of(cluster: &Cluster, name: &str) -> anyhow::Result<u32> {
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

//! What the server answers to each request, in good order and at the edges.

use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value;

use super::requests;
use crate::real::checks::facts::Fact;
use crate::real::cluster::http::{Client, Next};
use crate::real::cluster::objects::PRODUCT;
use crate::real::cluster::populate::Population;

/// How long an event that has to come may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// How far ahead a version is that no server has reached yet.
const AHEAD: u64 = 1_000_000_000;

/// What the agent's own account is told.
pub(in crate::real::checks) fn of_the_agent(
    agent: &Client,
    population: Population,
) -> anyhow::Result<Vec<Fact>> {
    let mut connection = agent.connect()?;
    let whole = connection.get(&requests::list())?.json()?;
    let small = connection.get(&requests::list_with("resourceVersion=0&limit=5"))?.json()?;
    let paged = connection.get(&requests::list_with("limit=5"))?.json()?;
    let expected = format!("{} pods, no continue", population.pods / population.nodes + 1);
    let mut facts = vec![
        Fact::equal("LIST from the cache, limit above the number of pods", &expected, &page(&whole)),
        Fact::equal("LIST from the cache, limit 5: does not page", &expected, &page(&small)),
        Fact::equal("LIST without resourceVersion, limit 5", &"5 pods, continue".to_owned(), &page(&paged)),
    ];
    let daemon_set = connection.get(&requests::daemon_set(PRODUCT))?;
    let size = daemon_set.json()?["status"]["desiredNumberScheduled"].to_string();
    facts.push(Fact::equal(
        "GET of the DaemonSet from the cache: status and size",
        &format!("200, {}", population.nodes),
        &format!("{}, {size}", daemon_set.status),
    ));
    facts.push(too_old(agent)?);
    let future =
        connection.get(&requests::list_with(&format!("resourceVersion={}&limit=110", ahead(&whole)?)))?;
    let message = future.json()?["message"].to_string();
    facts.push(Fact::new(
        "LIST from a version from the future",
        "504, too large resource version",
        format!("{}, {message}", future.status),
        future.status == 504 && message.to_lowercase().contains("too large resource version"),
    ));
    Ok(facts)
}

/// A version that the server of this list has not reached.
pub(in crate::real::checks) fn ahead(list: &Value) -> anyhow::Result<u64> {
    Ok(version(list)?.parse::<u64>()? + AHEAD)
}

/// The version of a list.
pub(in crate::real::checks) fn version(list: &Value) -> anyhow::Result<&str> {
    list["metadata"]["resourceVersion"].as_str().context("a list without a version")
}

fn page(list: &Value) -> String {
    let pods = list["items"].as_array().map_or(0, Vec::len);
    let more = list["metadata"]["continue"].as_str().is_some_and(|token| !token.is_empty());
    format!("{pods} pods, {}", if more { "continue" } else { "no continue" })
}

/// The first version of all is older than anything the watch cache keeps.
fn too_old(agent: &Client) -> anyhow::Result<Fact> {
    let mut watch = agent.watch(&requests::watch("1", 60))?;
    let found = match watch.next(Instant::now() + PATIENCE) {
        Next::Line(line) => {
            let event: Value = serde_json::from_slice(&line)?;
            let kind = event["type"].as_str().unwrap_or_default().to_owned();
            format!("{}, {kind} {}", watch.status, event["object"]["code"])
        }
        other => format!("{}, {other:?}", watch.status),
    };
    Ok(Fact::equal("WATCH from a version that is too old", &"200, ERROR 410".to_owned(), &found))
}

/// What those are told who may not ask, and the agent where it may not.
pub(in crate::real::checks) fn of_others(
    agent: &Client,
    bare: &Client,
    garbage: &Client,
) -> anyhow::Result<Vec<Fact>> {
    let pods = |verb: &str| {
        format!(
            "403, pods is forbidden: User \"system:serviceaccount:tare:bare\" cannot {verb} resource \"pods\" in \
             API group \"\" at the cluster scope"
        )
    };
    let own = "403, daemonsets.apps \"tare\" is forbidden: User \"system:serviceaccount:tare:bare\" cannot get \
               resource \"daemonsets\" in API group \"apps\" in the namespace \"tare\"";
    let cases = [
        ("LIST without the permission", bare, requests::list(), pods("list")),
        ("WATCH without the permission", bare, requests::watch("0", 60), pods("watch")),
        ("GET of the DaemonSet without the permission", bare, requests::daemon_set(PRODUCT), own.to_owned()),
        ("LIST with a token that nobody signed", garbage, requests::list(), "401, Unauthorized".to_owned()),
    ];
    let mut facts = Vec::new();
    for (what, client, path, expected) in cases {
        let answer = client.get(&path)?;
        let said = answer.json()?["message"].as_str().unwrap_or_default().to_owned();
        facts.push(Fact::equal(what, &expected, &format!("{}, {said}", answer.status)));
    }
    let other = agent.get(&requests::daemon_set("another"))?.status;
    facts.push(Fact::equal("GET of another DaemonSet by the agent", &403, &other));
    let nodes = agent.get("/api/v1/nodes?resourceVersion=0&limit=1")?.status;
    facts.push(Fact::equal("LIST of nodes by the agent", &403, &nodes));
    Ok(facts)
}

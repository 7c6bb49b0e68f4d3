//! A person stops the agents, with and without the API server.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::ground::Ground;
use super::pod::Pod;
use crate::real::checks::facts::Fact;

/// Two turns of a cluster of one node, and the start of a third: whoever may ask has asked by then.
const TURNS: Duration = Duration::from_secs(25);

/// The break-glass path that the documentation gives.
const FILE: &str = "/var/lib/tare/pause";

const STATE: &str = "tare.kube_api.budget.state";

/// Both ways. Each time the API server is gone and comes back, which ends every watch: an agent that is not paused has to ask.
pub(super) fn judge(ground: &mut Ground, pod: &Pod) -> anyhow::Result<Vec<Fact>> {
    let mut facts = Vec::new();
    let paused = pod.exec(&["pause"])?;
    let said = String::from_utf8_lossy(&paused.stdout).trim().to_owned();
    facts.push(Fact::new(
        "exec: tare pause",
        "paused",
        said.clone(),
        paused.status.success() && said.starts_with("paused"),
    ));
    ground.cluster.kill_server();
    ground.cluster.start_server()?;
    facts.extend(silent(ground, "paused by exec", false)?);
    let resumed = pod.exec(&["resume"])?;
    facts.push(Fact::equal("exec: tare resume", &true, &resumed.status.success()));
    facts.push(heard(ground, "resumed by exec")?);

    ground.cluster.kill_server();
    fs::write(FILE, "")?;
    facts.extend(silent(ground, "paused by the file on the node, no API server", true)?);
    ground.cluster.start_server()?;
    facts.extend(silent(ground, "paused by the file, the API server back", false)?);
    fs::remove_file(FILE)?;
    facts.push(heard(ground, "the file removed")?);
    facts.push(Fact::equal("a file left by a pause", &false, &Path::new(FILE).exists()));
    Ok(facts)
}

/// Nothing is asked, the agent says that it is paused, and the node's figures go on.
fn silent(ground: &mut Ground, when: &str, short: bool) -> anyhow::Result<Vec<Fact>> {
    let since = SystemTime::now();
    let paused = |ground: &Ground| ground.backend.newest(since, STATE, &[("state", "paused")]) == Some(1.0);
    // Without a server nobody can ask anything: what is waited for is what the agent says.
    let length = if short { Duration::from_secs(12) } else { TURNS };
    ground_passes(ground, length, short)?;
    let told = paused(ground);
    let asked = ground.asked(since)?.len();
    let figures = ground.backend.samples(since, |metric| metric == "system.cpu.time").len();
    Ok(vec![
        Fact::equal(&format!("{when}: requests in {} s", length.as_secs()), &0, &asked),
        Fact::equal(&format!("{when}: state is paused"), &true, &told),
        Fact::new(&format!("{when}: points of system.cpu.time"), "some", figures.to_string(), figures > 0),
    ])
}

fn ground_passes(ground: &mut Ground, length: Duration, without_server: bool) -> anyhow::Result<()> {
    if without_server { ground.node_passes(length) } else { ground.pass(length) }
}

/// The agent asks again, by itself.
fn heard(ground: &mut Ground, when: &str) -> anyhow::Result<Fact> {
    let since = SystemTime::now();
    let asked = ground.wait("the agent asks again", |ground| {
        let asked = ground.asked(since)?;
        Ok((!asked.is_empty()).then_some(asked))
    })?;
    let kinds: Vec<_> =
        asked.iter().map(|act| format!("{} {} {}", act.verb, act.resource, act.code)).collect();
    Ok(Fact::new(&format!("{when}: it asks again"), "some requests", kinds.join(", "), !kinds.is_empty()))
}

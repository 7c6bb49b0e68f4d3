//! `install`: the chart on a real cluster. Helm installs it with its default values; a real kubelet runs its pod, which is asked,
//! confined, crashed, paused, upgraded, rolled back and removed; the audit log says what all of that cost, and for whom.
//!
//! What only this machine needs beside the defaults is in [`ground::Ground::values`] and printed.

mod bill;
mod confined;
mod ground;
mod pause;
mod pod;
mod release;
mod rights;
mod telemetry;
mod unprivileged;

use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Signal, kill_process};

use self::bill::Plan;
use self::ground::Ground;
use self::pod::Pod;
use self::release::REST;
use super::facts::{self, Fact};
use crate::real::env::Env;
use crate::real::recipes::{self, Need};
use crate::real::registry::{Check, Lane, Outcome, Tier};

const NEEDS: &[Need] = &[
    recipes::ETCD,
    recipes::KUBE_APISERVER,
    recipes::KUBE_CONTROLLER_MANAGER,
    recipes::KUBE_SCHEDULER,
    recipes::KUBELET,
    recipes::IMAGE,
    recipes::HELM,
    recipes::TARE_STATIC,
];

/// The entries of the registry.
pub(in crate::real) const CHECK: Check = Check {
    name: "install",
    tier: Tier::Full,
    about: "helm install on a real kubelet: unprivileged, three kinds of requests, the ambient cost of the plan; pause, upgrade, rollback, uninstall",
    needs: NEEDS,
    limit: Duration::from_mins(20),
    lane: Lane::Node,
    hidden: false,
    run: |env| {
        let depth = Depth { crashes: 3, steady: Duration::from_mins(1), token: DAY, values: &[] };
        run(env, CHECK.name, &depth)
    },
};

pub(in crate::real) const FULL: Check = Check {
    name: "install-full",
    tier: Tier::Full,
    about: "the same with ten crashes of the agent, and a steady state in which tokens of ten minutes are renewed",
    limit: Duration::from_hours(1),
    run: |env| {
        // The shortest life there is: a day's renewal in ten minutes.
        let values = &["serviceAccountToken.expirationSeconds=600"];
        let (steady, token) = (Duration::from_mins(12), Duration::from_mins(10));
        run(env, FULL.name, &Depth { crashes: 10, steady, token, values })
    },
    ..CHECK
};

/// The default life of a token.
const DAY: Duration = Duration::from_hours(24);

/// Longer than the longest wait of the supervisor, which it comes to with the ninth crash in a row.
const BACK: Duration = Duration::from_mins(6);

/// How much is looked at.
struct Depth {
    crashes: u32,
    steady: Duration,
    /// The life of the token that the values say.
    token: Duration,
    values: &'static [&'static str],
}

fn run(env: &Env, name: &str, depth: &Depth) -> anyhow::Result<Outcome> {
    let mut ground = Ground::prepare(env)?;
    let plan = Plan::ask(env)?;
    let mut facts = Vec::new();
    let began = SystemTime::now();
    let notes = ground.apply(&["install", "--create-namespace"], depth.values)?;
    let pod = ground.pod(None)?;
    let (once, start) = bill::once(ground.settled(began, REST)?);
    let bill = plan.judge("requests for a start of the pod", "requests_per_start", &start);
    facts.extend(part("the bill of a start", bill.map(|bill| vec![bill])));
    facts.push(Fact::new("once for the namespace and the release", "told", bill::told(&once), true));

    let steady = SystemTime::now();
    facts.extend(part("telemetry", telemetry::arrives(&mut ground, began)));
    facts.extend(part("confinement", confined::judge(&pod, depth.token)));
    for probe in ["--live", "--ready"] {
        let healthy = pod.exec(&["health", probe])?.status.success();
        facts.push(Fact::equal(&format!("exec: tare health {probe}"), &true, &healthy));
    }
    let rest = depth.steady.saturating_sub(steady.elapsed().unwrap_or_default());
    ground.pass(rest)?;
    facts.extend(part("the steady state", steadily(&ground, &plan, steady, depth.token)));
    facts.extend(part("what is asked", rights::asked(&ground, began)));
    facts.extend(part("what an unprivileged agent gives", unprivileged::judge(env, &pod)));
    facts.extend(part("crashes", crashes(&mut ground, &plan, &pod, depth.crashes)));
    facts.extend(part("a pause", pause::judge(&mut ground, &pod)));
    facts.extend(part("what is refused", rights::refused(&ground, &pod)));
    facts.extend(part("upgrade and rollback", release::changed(&mut ground, &plan, &pod)));
    facts.extend(part("uninstall", release::removed(&mut ground, Some(&plan))));
    facts.extend(part("a dry run", dry(&mut ground)));
    let mut outcome = facts::outcome(name, &facts);
    outcome.text =
        format!("values beside the defaults: {}\n{}\n{}", ground.values().join(" "), outcome.text, notes);
    Ok(outcome)
}

/// A part that cannot be carried out has failed, and the others go on.
fn part(what: &str, facts: anyhow::Result<Vec<Fact>>) -> Vec<Fact> {
    facts.unwrap_or_else(|error| vec![Fact::new(what, "carried out", format!("{error:#}"), false)])
}

/// What goes on while nothing happens.
fn steadily(ground: &Ground, plan: &Plan, since: SystemTime, token: Duration) -> anyhow::Result<Vec<Fact>> {
    let acts = ground.caused(since)?;
    let [tokens, authority, others] = bill::steady(&acts);
    let passed = since.elapsed().unwrap_or_default().as_secs();
    let told = format!("{tokens} for its token, {authority} for its authority, in {passed} s");
    // The kubelet renews a watch after 30 to 60 minutes, and a token from four fifths of its life on, before its end.
    let between = |least: u64, most: u64| {
        let count = |seconds: u64| usize::try_from(passed / seconds).unwrap_or(usize::MAX);
        count(most)..=count(least) + 1
    };
    let (watches, renewals) = (between(1_800, 3_600), between(token.as_secs() * 4 / 5, token.as_secs()));
    let planned = plan.count("authority_watches_per_node")?;
    Ok(vec![
        Fact::equal("steady state: watches for its authority, planned for each node", &1, &planned),
        Fact::new(
            "steady state: requests for the pod",
            &format!("{renewals:?} for its token, {watches:?} watches of its authority"),
            told,
            renewals.contains(&tokens) && watches.contains(&authority),
        ),
        Fact::equal("steady state: others", &0, &others),
    ])
}

/// The agent is killed; its supervisor starts it again, and nobody else hears of it.
fn crashes(ground: &mut Ground, plan: &Plan, pod: &Pod, times: u32) -> anyhow::Result<Vec<Fact>> {
    let began = SystemTime::now();
    let clock = Instant::now();
    let mut last = None;
    for _ in 0..times {
        let agent =
            ground.wait_for(BACK, "the agent runs", |_| Ok(pod.agent()?.filter(|pid| Some(*pid) != last)))?;
        let pid = i32::try_from(agent).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            kill_process(pid, Signal::KILL)?;
        }
        last = Some(agent);
    }
    ground.wait_for(BACK, "the agent is ready again", |_| {
        let back = pod.agent()?.is_some_and(|pid| Some(pid) != last);
        Ok((back && pod.exec(&["health", "--ready"])?.status.success()).then_some(()))
    })?;
    let took = clock.elapsed().as_secs();
    let restarts = plan.count("requests_per_container_restart")? * u64::from(times);
    let now = ground.pod(None)?;
    let caused = ground.caused(began)?;
    let others: Vec<_> = caused.into_iter().filter(|act| act.name != "kube-root-ca.crt").collect();
    Ok(vec![
        Fact::equal(
            &format!("restarts of the container after {times} crashes of the agent, {took} s"),
            &0,
            &now.restarts(),
        ),
        Fact::equal("the pod is the same", &pod.name(), &now.name()),
        // A probe that comes while there is no agent is an event, and where it stays away a status: far less than a restart.
        Fact::new(
            "requests for these crashes",
            &format!("fewer than the {restarts} of as many restarts of the container"),
            bill::told(&others),
            (others.len() as u64) < restarts,
        ),
    ])
}

/// Installed without a folder on the node, to publish what it would cost and to ask for nothing.
fn dry(ground: &mut Ground) -> anyhow::Result<Vec<Fact>> {
    const LENGTH: Duration = Duration::from_secs(70);
    let began = SystemTime::now();
    ground.apply(&["install"], &["dryRun=true", "state.hostPath.enabled=false"])?;
    let pod = ground.pod(None)?;
    ground.pass(LENGTH)?;
    let asked = ground.asked(began)?;
    let would = ground.backend.latest(began, "tare.kube_api.dry_run.requests");
    let text: Vec<_> = would
        .iter()
        .map(|(of, count)| format!("{count} {}", of.values().cloned().collect::<Vec<_>>().join(" ")))
        .collect();
    let sum: f64 = would.values().sum();
    let init = pod.object["spec"]["initContainers"].is_null();
    let ready = pod.exec(&["health", "--ready"])?.status.success();
    let named = ground.backend.samples(began, |metric| metric == "k8s.pod.cpu.time").len();
    let mut facts = vec![
        Fact::equal(
            "dry run, no folder on the node: requests of the agents",
            &"0".to_owned(),
            &bill::told(&asked),
        ),
        Fact::new("dry run: what would have been asked", "some", text.join(", "), sum > 0.0),
        Fact::equal("an emptyDir instead of a folder: no init container", &true, &init),
        Fact::equal("and ready", &true, &ready),
        Fact::new("points of pods", "some", named.to_string(), named > 0),
    ];
    facts.extend(release::removed(ground, None)?);
    Ok(facts)
}

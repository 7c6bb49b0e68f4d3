//! What becomes of the release: a changed ceiling, the way back, and its end.

use std::fs;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use serde_json::Value;

use super::bill::{self, Plan};
use super::ground::{Ground, NAMESPACE, RELEASE};
use super::pod::Pod;
use crate::real::checks::facts::Fact;

/// What the chart says, and what the upgrade changes it to.
const CEILING: f64 = 50.0;
const CHANGED: f64 = 20.0;

/// A pod counts as available after 10 s (`minReadySeconds`), which its controller writes down: longer than that.
pub(super) const REST: Duration = Duration::from_secs(15);

/// `helm upgrade` with another ceiling, and `helm rollback`.
pub(super) fn changed(ground: &mut Ground, plan: &Plan, pod: &Pod) -> anyhow::Result<Vec<Fact>> {
    let before = config_maps(ground)?;
    let mut facts = vec![Fact::equal("ConfigMaps of the release, named by their content", &1, &before.len())];
    let began = SystemTime::now();
    let value = format!("slo.requestsPerSecond={CHANGED}");
    ground.apply(&["upgrade"], &[&value])?;
    let (upgraded, rolled) = replaced(ground, plan, pod, began)?;
    facts.push(rolled);
    let after = config_maps(ground)?;
    facts.push(Fact::equal("after the upgrade: ConfigMaps", &1, &after.len()));
    facts.push(Fact::equal("of another name", &true, &(before != after)));
    facts.push(ceiling(ground, "after the upgrade", CHANGED)?);

    let began = SystemTime::now();
    ground.helm(&["rollback", RELEASE, "1"])?;
    let (_, rolled) = replaced(ground, plan, &upgraded, began)?;
    facts.push(rolled);
    facts.push(Fact::equal(
        "after the rollback: the ConfigMap of before",
        &before.join(" "),
        &config_maps(ground)?.join(" "),
    ));
    facts.push(ceiling(ground, "after the rollback", CEILING)?);
    Ok(facts)
}

/// The pod in place of `old`, and what it cost to replace it.
fn replaced(ground: &mut Ground, plan: &Plan, old: &Pod, since: SystemTime) -> anyhow::Result<(Pod, Fact)> {
    let pod = ground.pod(Some(old.name()))?;
    let (_, acts) = bill::once(ground.settled(since, REST)?);
    let fact =
        plan.judge("requests for a rolling update of the node", "requests_per_rolling_update", &acts)?;
    Ok((pod, fact))
}

/// The ceiling that the agent publishes.
fn ceiling(ground: &mut Ground, when: &str, expected: f64) -> anyhow::Result<Fact> {
    let since = SystemTime::now();
    let with = [("dimension", "requests"), ("scope", "cluster")];
    let found = ground.wait("the published ceiling", |ground| {
        Ok(ground.backend.newest(since, "tare.kube_api.budget.limit", &with))
    })?;
    Ok(Fact::equal(&format!("{when}: the ceiling that the agent publishes, requests/s"), &expected, &found))
}

fn config_maps(ground: &Ground) -> anyhow::Result<Vec<String>> {
    let path = format!(
        "/api/v1/namespaces/{NAMESPACE}/configmaps?labelSelector=app.kubernetes.io/instance%3D{RELEASE}"
    );
    let list = ground.cluster.admin()?.get(&path)?.json()?;
    let items = list["items"].as_array().context("a list without items")?;
    let name = |item: &Value| item["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    Ok(items.iter().map(name).collect())
}

/// `helm uninstall`: what it costs, and what is left.
pub(super) fn removed(ground: &mut Ground, plan: Option<&Plan>) -> anyhow::Result<Vec<Fact>> {
    let began = SystemTime::now();
    ground.helm(&["uninstall", RELEASE])?;
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods");
    ground.wait("the pod is gone", |ground| {
        let list = ground.cluster.admin()?.get(&path)?.json()?;
        Ok(list["items"].as_array().is_some_and(Vec::is_empty).then_some(()))
    })?;
    let (_, acts) = bill::once(ground.settled(began, REST)?);
    let mut facts = Vec::new();
    if let Some(plan) = plan {
        facts.push(plan.judge("requests for a delete of the pod", "requests_per_delete", &acts)?);
    }
    let kinds = ground.cluster.kubectl(["api-resources", "--verbs=list", "-o", "name"])?;
    // Events say what happened; they go by themselves after an hour.
    let kinds: Vec<_> = kinds.lines().filter(|kind| !kind.starts_with("events")).collect();
    let kinds = kinds.join(",");
    let label = format!("app.kubernetes.io/instance={RELEASE}");
    let labelled =
        ground.cluster.kubectl(["get", &kinds, "-A", "-l", &label, "-o", "name", "--ignore-not-found"])?;
    facts.push(Fact::equal(
        "objects with the release's label left in the cluster",
        &String::new(),
        &words(&labelled),
    ));
    let inside = ground.cluster.kubectl(["api-resources", "--verbs=list", "--namespaced", "-o", "name"])?;
    let kinds: Vec<_> = inside.lines().filter(|kind| !kind.starts_with("events")).collect();
    let kinds = kinds.join(",");
    let all = ground.cluster.kubectl(["get", &kinds, "-n", NAMESPACE, "-o", "name", "--ignore-not-found"])?;
    let own = ["configmap/kube-root-ca.crt", "serviceaccount/default"];
    let others: Vec<_> = all.lines().filter(|name| !own.contains(name)).collect();
    facts.push(Fact::equal(
        "objects left in its namespace beside the namespace's own",
        &String::new(),
        &others.join(" "),
    ));
    let state: Vec<_> = fs::read_dir("/var/lib/tare").into_iter().flatten().flatten().collect();
    let mut state: Vec<_> =
        state.iter().map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    state.sort_unstable();
    facts.push(Fact::new(
        "files of the state folder on the node, which stays",
        "documented",
        state.join(" "),
        true,
    ));
    Ok(facts)
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

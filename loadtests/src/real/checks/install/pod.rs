//! The pod of the DaemonSet, from outside: its object, its processes, and commands inside of it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::Context;
use serde_json::Value;

use super::ground::{Ground, NAMESPACE};
use crate::real::cluster::Cluster;
use crate::real::cluster::node::containerd::SOCKET;

/// A pod that is ready.
#[derive(Debug)]
pub(super) struct Pod {
    /// As the API server has it.
    pub(super) object: Value,
    /// The container of the agent.
    pub(super) container: String,
    /// Its first process: the supervisor.
    pub(super) supervisor: u32,
}

impl Pod {
    /// The release's pod, once it is ready; `other_than` is the name of one that is about to go.
    pub(super) fn ready(cluster: &Cluster, other_than: Option<&str>) -> anyhow::Result<Option<Self>> {
        let path = format!("/api/v1/namespaces/{NAMESPACE}/pods");
        let list = cluster.admin()?.get(&path)?.json()?;
        let pods = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let ready = |pod: &&Value| {
            pod["metadata"]["deletionTimestamp"].is_null()
                && pod["status"]["containerStatuses"][0]["ready"] == true
                && pod["metadata"]["name"].as_str() != other_than
        };
        let Some(object) = pods.iter().find(ready) else { return Ok(None) };
        let id = object["status"]["containerStatuses"][0]["containerID"].as_str();
        let container =
            id.and_then(|id| id.strip_prefix("containerd://")).context("no container ID")?.to_owned();
        let Some(supervisor) = task(&container)? else { return Ok(None) };
        Ok(Some(Self { object: object.clone(), container, supervisor }))
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.object["metadata"]["name"].as_str().unwrap_or_default()
    }

    /// How often its container was started again.
    pub(super) fn restarts(&self) -> i64 {
        self.object["status"]["containerStatuses"][0]["restartCount"].as_i64().unwrap_or(-1)
    }

    /// The agent: the supervisor's child. None while there is none.
    pub(super) fn agent(&self) -> anyhow::Result<Option<u32>> {
        let pid = self.supervisor;
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
            .context("the supervisor is gone")?;
        Ok(children.split_whitespace().next().and_then(|pid| pid.parse().ok()))
    }

    /// A path as the container sees it.
    pub(super) fn path(&self, inside: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{inside}", self.supervisor))
    }

    /// Runs the product inside the container, as the container's user, with neither API server nor kubelet.
    pub(super) fn exec(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let id = format!("check-{}", std::time::UNIX_EPOCH.elapsed()?.as_nanos());
        let mut command = ctr();
        command.args(["tasks", "exec", "--exec-id", &id, &self.container, "/tare"]).args(arguments);
        command.output().context("running ctr")
    }
}

impl Ground {
    /// Waits for a pod that is ready.
    pub(super) fn pod(&mut self, other_than: Option<&str>) -> anyhow::Result<Pod> {
        self.wait("the pod is ready", |ground| Pod::ready(&ground.cluster, other_than))
    }
}

fn ctr() -> Command {
    let mut command = Command::new("ctr");
    command.args(["--address", SOCKET, "--namespace", "k8s.io"]);
    command
}

/// The first process of a container that runs.
fn task(container: &str) -> anyhow::Result<Option<u32>> {
    let output = ctr().args(["tasks", "list"]).output().context("running ctr")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    Ok(lines.find_map(|words| match words[..] {
        [id, pid, "RUNNING"] if id == container => pid.parse().ok(),
        _ => None,
    }))
}

//! The small clients, as a role of the binary: `__client KIND NODE`, with the account that a pod has mounted.
//!
//! kube's watcher is the real one, used as its documentation shows; the two that list are what an agent does that
//! knows no watch: kube's client, no resourceVersion, every 15 s.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Config};

/// The word that makes the binary a client.
pub(in crate::real) const ROLE: &str = "__client";

/// The kinds.
pub(super) const WATCHER: &str = "watcher";
pub(super) const LIST_NODE: &str = "list-node";
pub(super) const LIST_ALL: &str = "list-all";

/// How often the clients that list do.
const EVERY: Duration = Duration::from_secs(15);

/// `__client KIND NODE`: runs until it is killed.
pub(in crate::real) fn run(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    let [kind, node] = arguments else { bail!("{ROLE} KIND NODE") };
    let kind = kind.to_str().context("a kind")?;
    let selector = format!("spec.nodeName={}", node.to_string_lossy());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let pods: Api<Pod> = Api::all(Client::try_from(Config::incluster()?)?);
        match kind {
            WATCHER => watch(pods, &selector).await,
            LIST_NODE => list(&pods, ListParams::default().fields(&selector)).await,
            LIST_ALL => list(&pods, ListParams::default()).await,
            other => bail!("no client {other}"),
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn watch(pods: Api<Pod>, selector: &str) -> anyhow::Result<()> {
    let events = watcher(pods, watcher::Config::default().fields(selector)).default_backoff();
    // An error is followed by another try, as for any other user of it.
    events.for_each(|_| std::future::ready(())).await;
    bail!("the watcher ended")
}

async fn list(pods: &Api<Pod>, parameters: ListParams) -> anyhow::Result<()> {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        pods.list(&parameters).await?;
    }
}

//! What a node has that pods of a scheduler's need: no taint, mounts that reach into containers, and a way to the API server.

use std::fs;

use anyhow::Context;

use super::name;
use crate::real::cluster::{Cluster, SERVER, SERVICE};
use crate::real::env::Env;

/// Without it the kernel takes no packet from elsewhere to the loopback address that the rule leads to.
const ROUTE: &str = "/proc/sys/net/ipv4/conf/all/route_localnet";

/// Opens a node that is ready for pods that a scheduler places and that look at the node itself.
///
/// # Errors
/// When the server or the kernel refuses it.
pub(in crate::real) fn open(env: &Env, cluster: &Cluster) -> anyhow::Result<()> {
    // Nobody here finds the node ready and takes its first taint away.
    let patch = serde_json::json!({"spec": {"taints": null}});
    cluster.admin()?.connect()?.merge(&format!("/api/v1/nodes/{}", name()), &patch)?;
    // As on any machine with an init of its own; a check's mounts are private, and no container runtime passes those on.
    env.execute("mount", ["--make-rshared", "/"])?;
    // The one rule of kube-proxy that matters here.
    fs::write(ROUTE, "1").with_context(|| format!("writing {ROUTE}"))?;
    let rule = format!("PREROUTING -d {SERVICE}/32 -p tcp --dport 443 -j DNAT --to-destination {SERVER}");
    env.execute("sh", ["-euc", "iptables -t nat -A $0", &rule])
}

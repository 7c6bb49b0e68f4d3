//! The kubelet, set up as on an ordinary node: webhook authentication and authorization, a serving certificate of the cluster's.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::{ADDRESS, KUBELET, READ_ONLY, containerd, folder, name, statics};
use crate::real::env::Env;
use crate::real::program::Program;

/// What depends on the cluster and on the run.
pub(super) struct Settings {
    /// How it finds the API server, and who it is.
    pub(super) kubeconfig: PathBuf,
    /// The authority that signs clients.
    pub(super) authority: PathBuf,
    /// What it shows to clients.
    pub(super) certificate: PathBuf,
    /// The certificate's key.
    pub(super) key: PathBuf,
    /// The cgroup below which it makes its own.
    pub(super) cgroup_root: String,
}

/// Starts it.
pub(super) fn start(env: &Env, settings: &Settings) -> anyhow::Result<Program> {
    folder(Path::new(statics::FOLDER))?;
    let config = env.file("kubelet.json", &format!("{:#}\n", configuration(settings)))?;
    let mut command = Command::new(env.program("kubelet")?);
    command.args([
        format!("--config={}", config.display()),
        format!("--kubeconfig={}", settings.kubeconfig.display()),
        "--root-dir=/var/lib/kubelet".to_owned(),
        format!("--cert-dir={}", env.path("kubelet-certificates").display()),
        format!("--hostname-override={}", name()),
        format!("--node-ip={ADDRESS}"),
    ]);
    env.start("kubelet", command)
}

/// What is not said here is the kubelet's default, as on most nodes: above all how long it caches what the API server says of
/// a client (2 min for a token, 5 min for what is allowed, 30 s for what is denied).
fn configuration(settings: &Settings) -> serde_json::Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "address": ADDRESS, "port": KUBELET.port(), "readOnlyPort": READ_ONLY.port(),
        "authentication": {
            "anonymous": {"enabled": false}, "webhook": {"enabled": true},
            "x509": {"clientCAFile": settings.authority},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": settings.certificate, "tlsPrivateKeyFile": settings.key,
        "containerRuntimeEndpoint": format!("unix://{}", containerd::SOCKET),
        "cgroupDriver": "cgroupfs", "cgroupRoot": settings.cgroup_root, "failCgroupV1": false,
        "staticPodPath": statics::FOLDER, "volumePluginDir": "/var/lib/kubelet/plugins-of-volumes",
        "clusterDNS": ["10.96.0.10"], "clusterDomain": "cluster.local", "resolvConf": "",
        // The machine may have swap, little space and no right to lower a score, and none of that is the check's matter.
        "failSwapOn": false, "evictionHard": {}, "imageGCHighThresholdPercent": 100, "oomScoreAdj": 0,
        "makeIPTablesUtilChains": false, "maxPods": 250,
        // A minute is the default: every check of volumes would have to wait for minutes.
        "volumeStatsAggPeriod": "10s",
        // Half the pods of a full node at once, where the default would take a minute.
        "kubeAPIQPS": 200, "kubeAPIBurst": 400,
    })
}

//! containerd with the image that every pod runs.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::folder;
use crate::real::env::Env;
use crate::real::program::Program;
use crate::real::recipes;

/// The only place where the kubelet's cAdvisor looks: with another, pods have no network figures.
pub(in crate::real) const SOCKET: &str = "/run/containerd/containerd.sock";

/// Where the distribution puts the network plugins.
const PLUGINS: &str = "/usr/lib/cni";

const NETWORKS: &str = "/var/lib/cni/net.d";

/// A bridge with an address for each pod; the node itself can be reached.
const NETWORK: &str = r#"{
  "cniVersion": "0.4.0", "name": "real", "type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false,
  "ipam": {
    "type": "host-local", "dataDir": "/var/lib/cni/networks",
    "ranges": [[{"subnet": "10.88.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}]
  }
}
"#;

/// A busy machine has been seen to take a quarter of a minute.
const PATIENCE: Duration = Duration::from_mins(1);

/// Starts it, waits for its socket and imports the image.
pub(super) fn start(env: &Env) -> anyhow::Result<Program> {
    folder(Path::new(NETWORKS))?;
    std::fs::write(Path::new(NETWORKS).join("10-real.conf"), NETWORK)?;
    let mut command = Command::new("containerd");
    command.arg("--config").arg(env.file("containerd.toml", &configuration())?);
    let mut program = env.start("containerd", command)?;
    let until = Instant::now() + PATIENCE;
    while UnixStream::connect(SOCKET).is_err() {
        program.alive()?;
        if Instant::now() > until {
            bail!("containerd does not listen after {PATIENCE:?}\n{}", program.log_tail());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    import(env, env.program("work-image.tar")?)?;
    Ok(program)
}

/// Imports an image where the kubelet looks for it.
///
/// # Errors
/// When it is none.
pub(in crate::real) fn import(env: &Env, archive: &Path) -> anyhow::Result<()> {
    let archive = archive.to_string_lossy();
    env.execute("ctr", ["--address", SOCKET, "--namespace", "k8s.io", "images", "import", &archive])
}

fn configuration() -> String {
    let off =
        ["btrfs", "zfs", "aufs", "devmapper"].map(|name| format!("\"io.containerd.snapshotter.v1.{name}\""));
    format!(
        r#"version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = [{}, "io.containerd.internal.v1.opt"]

[grpc]
address = "{SOCKET}"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{}"
# Without CAP_SYS_RESOURCE a score cannot be lowered.
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{PLUGINS}"
conf_dir = "{NETWORKS}"
"#,
        off.join(", "),
        recipes::PAUSE
    )
}

//! The machine under the kubelet: its file systems, interfaces, kernel settings and cgroups, all the check's own.

use std::fs;
use std::path::Path;

use anyhow::Context;

use super::{ADDRESS, folder};
use crate::real::env::Env;

/// Where a volume with a claim lies: a file system of its own, so that its size is its own.
pub(super) const CLAIMED: &str = "/var/lib/claimed";

/// What the kubelet sets on every node, which would be the machine's: it finds these instead, with its own values.
const KERNEL: [(&str, &str); 6] = [
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

/// Makes everything that has to be there before containerd and the kubelet start.
pub(super) fn prepare(env: &Env) -> anyhow::Result<()> {
    file_systems(env)?;
    kernel(env)?;
    network(env)?;
    cgroups(env)
}

/// `/run`, `/var/lib` and `/var/log` of the check's own, the latter two on the machine's disk as a node has them.
fn file_systems(env: &Env) -> anyhow::Result<()> {
    env.execute("mount", ["-t", "tmpfs", "tare-real", "/run"])?;
    for place in ["/var/lib", "/var/log"] {
        let own = env.path(&format!("machine{}", place.replace('/', "-")));
        folder(&own)?;
        env.execute("mount", ["--bind", &own.to_string_lossy(), place])?;
    }
    folder(Path::new(CLAIMED))?;
    env.execute("mount", ["-t", "tmpfs", "-o", "size=64m", "tare-real", CLAIMED])
}

fn kernel(env: &Env) -> anyhow::Result<()> {
    let settings = env.path("kernel");
    folder(&settings)?;
    for (name, value) in KERNEL {
        let own = settings.join(name.replace('/', "-"));
        fs::write(&own, format!("{value}\n"))?;
        env.execute("mount", ["--bind", &own.to_string_lossy(), &format!("/proc/sys/{name}")])?;
    }
    Ok(())
}

/// `eth0` is the name by which the kubelet knows a node's interface; its other end leads nowhere.
fn network(env: &Env) -> anyhow::Result<()> {
    env.execute("ip", ["link", "add", "eth0", "type", "veth", "peer", "name", "uplink"])?;
    env.execute("ip", ["addr", "add", &format!("{ADDRESS}/24"), "dev", "eth0"])?;
    env.execute("ip", ["link", "set", "eth0", "up"])?;
    env.execute("ip", ["link", "set", "uplink", "up"])?;
    env.execute("ip", ["route", "add", "default", "via", "192.0.2.1", "dev", "eth0"])
}

/// The check's cgroup in each hierarchy, for the kubelet. One of CPUs takes no member before it has some.
fn cgroups(env: &Env) -> anyhow::Result<()> {
    for group in env.cgroup() {
        let Some(parent) = group.parent() else { continue };
        for file in ["cpuset.cpus", "cpuset.mems"] {
            let Some(root) = parent.parent().map(|root| root.join(file)).filter(|file| file.exists()) else {
                continue;
            };
            let all = fs::read_to_string(&root).with_context(|| format!("reading {}", root.display()))?;
            for below in [parent, &group] {
                fs::write(below.join(file), &all)
                    .with_context(|| format!("{} of {}", file, below.display()))?;
            }
        }
    }
    Ok(())
}

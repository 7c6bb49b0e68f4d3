//! The pods of the guest: their cgroups as a kubelet with the systemd driver and containerd name them, their limits,
//! and the links in `/var/log/containers`. The guest makes them, the judge on the host knows them from here.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// Where cgroup v2 is mounted in the guest.
pub(super) const MOUNT: &str = "/sys/fs/cgroup";
/// The cgroup of all pods.
pub(super) const ROOT: &str = "kubepods.slice";
/// The controllers that are handed down.
const CONTROLLERS: &str = "+cpu +memory +pids +io";
const MIB: u64 = 1 << 20;

/// The class of service, from which a pod's place in the tree follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Guaranteed,
    Burstable,
    BestEffort,
}

/// One pod with one container and a sandbox.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pod {
    pub(super) name: &'static str,
    pub(super) namespace: &'static str,
    pub(super) container: &'static str,
    /// As its cgroup has it: a static pod's is the hash of its configuration, without dashes.
    pub(super) uid: &'static str,
    pub(super) class: Class,
    /// What runs in its container: a word of [`super::loads`].
    pub(super) load: &'static str,
    /// `memory.max`, bytes.
    memory: Option<u64>,
    /// `cpu.max`.
    cpu: Option<&'static str>,
    /// `pids.max`.
    pids: Option<u64>,
    /// Makes container IDs.
    seed: u64,
}

/// An ordinary pod without limits, from which the others differ.
const PLAIN: Pod = Pod {
    name: "idle",
    namespace: "default",
    container: "main",
    uid: "0b5f2f0c-6f0e-4c1d-9d0a-5b8a3f4e0001",
    class: Class::BestEffort,
    load: "idle",
    memory: None,
    cpu: None,
    pids: None,
    seed: 1,
};

/// Every pod.
pub(super) const PODS: [Pod; 7] = [
    PLAIN,
    Pod {
        name: "hog-7d9c5b6f44-x2x9z",
        namespace: "shop",
        container: "cache",
        uid: "0b5f2f0c-6f0e-4c1d-9d0a-5b8a3f4e0002",
        class: Class::Burstable,
        load: "hog",
        memory: Some(160 * MIB),
        seed: 2,
        ..PLAIN
    },
    Pod {
        name: "burner",
        uid: "0b5f2f0c-6f0e-4c1d-9d0a-5b8a3f4e0003",
        class: Class::Guaranteed,
        load: "burn",
        cpu: Some("20000 100000"),
        memory: Some(64 * MIB),
        seed: 3,
        ..PLAIN
    },
    Pod {
        name: "oom",
        uid: "0b5f2f0c-6f0e-4c1d-9d0a-5b8a3f4e0004",
        class: Class::Burstable,
        load: "oom",
        memory: Some(32 * MIB),
        seed: 4,
        ..PLAIN
    },
    Pod {
        name: "forks",
        uid: "0b5f2f0c-6f0e-4c1d-9d0a-5b8a3f4e0005",
        class: Class::Burstable,
        load: "forks",
        pids: Some(16),
        seed: 5,
        ..PLAIN
    },
    Pod {
        name: "db-0",
        namespace: "shop",
        container: "postgres",
        uid: "0b5f2f0c-6f0e-4c1d-9d0a-5b8a3f4e0006",
        class: Class::Burstable,
        load: "disk",
        seed: 6,
        ..PLAIN
    },
    Pod {
        name: "etcd-node-1",
        namespace: "kube-system",
        container: "etcd",
        uid: "8a5f0c3e9b7d42618a5f0c3e9b7d4261",
        class: Class::Burstable,
        seed: 7,
        ..PLAIN
    },
];

impl Pod {
    /// Its cgroup, relative to the mount.
    pub(super) fn group(&self) -> String {
        let uid = self.uid.replace('-', "_");
        match self.class {
            Class::Guaranteed => format!("{ROOT}/kubepods-pod{uid}.slice"),
            Class::Burstable => format!("{ROOT}/kubepods-burstable.slice/kubepods-burstable-pod{uid}.slice"),
            Class::BestEffort => {
                format!("{ROOT}/kubepods-besteffort.slice/kubepods-besteffort-pod{uid}.slice")
            }
        }
    }

    /// The ID of its container.
    pub(super) fn id(&self) -> String {
        hex(self.seed)
    }

    /// Its container's cgroup.
    pub(super) fn container_group(&self) -> String {
        format!("{}/cri-containerd-{}.scope", self.group(), self.id())
    }

    /// Its sandbox's cgroup.
    pub(super) fn sandbox_group(&self) -> String {
        format!("{}/cri-containerd-{}.scope", self.group(), hex(self.seed + 1000))
    }

    /// Makes its cgroups with their limits, and the link that names its container.
    pub(super) fn make(&self) -> anyhow::Result<()> {
        make_group(&self.group())?;
        write(&self.group(), "cgroup.subtree_control", CONTROLLERS)?;
        make_group(&self.container_group())?;
        make_group(&self.sandbox_group())?;
        for group in [self.group(), self.container_group()] {
            if let Some(bytes) = self.memory {
                write(&group, "memory.max", &bytes.to_string())?;
            }
            if let Some(quota) = self.cpu {
                write(&group, "cpu.max", quota)?;
            }
            if let Some(count) = self.pids {
                write(&group, "pids.max", &count.to_string())?;
            }
        }
        let Self { name, namespace, container, uid, .. } = self;
        fs::create_dir_all("/var/log/containers")?;
        let link = format!("/var/log/containers/{name}_{namespace}_{container}-{}.log", self.id());
        let target = format!("/var/log/pods/{namespace}_{name}_{uid}/{container}/0.log");
        symlink(target, link).context("the link of a container's log")
    }
}

/// Makes the cgroups around the pods'.
pub(super) fn make_classes() -> anyhow::Result<()> {
    write("", "cgroup.subtree_control", CONTROLLERS)?;
    for group in [ROOT, "kubepods.slice/kubepods-burstable.slice", "kubepods.slice/kubepods-besteffort.slice"]
    {
        make_group(group)?;
        write(group, "cgroup.subtree_control", CONTROLLERS)?;
    }
    Ok(())
}

/// The folder of a cgroup.
pub(super) fn folder(group: &str) -> PathBuf {
    Path::new(MOUNT).join(group)
}

fn make_group(group: &str) -> anyhow::Result<()> {
    fs::create_dir_all(folder(group)).with_context(|| format!("making {group}"))
}

/// Writes into a file of a cgroup.
pub(super) fn write(group: &str, file: &str, text: &str) -> anyhow::Result<()> {
    let path = folder(group).join(file);
    fs::write(&path, text).with_context(|| format!("writing {text:?} to {}", path.display()))
}

/// 64 hexadecimal digits, as containerd's IDs have.
fn hex(seed: u64) -> String {
    // Steps of SplitMix64: nothing but different digits for each seed.
    let [a, b, c, d] = [1, 2, 3, 4].map(|step| (seed * 4 + step).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    format!("{a:016x}{b:016x}{c:016x}{d:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cgroups_are_named_as_the_systemd_driver_names_them() {
        let [idle, hog, burner, ..] = PODS;
        assert_eq!(burner.group(), "kubepods.slice/kubepods-pod0b5f2f0c_6f0e_4c1d_9d0a_5b8a3f4e0003.slice");
        assert!(
            hog.group().starts_with("kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0b5f")
        );
        assert!(idle.container_group().ends_with(&format!(".slice/cri-containerd-{}.scope", idle.id())));
        assert_eq!(idle.id().len(), 64);
    }

    #[test]
    fn no_two_containers_share_an_id() {
        let mut ids: Vec<_> =
            PODS.iter().flat_map(|pod| [pod.container_group(), pod.sandbox_group()]).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 2 * PODS.len());
    }
}

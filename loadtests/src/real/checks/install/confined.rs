//! What the pod's processes may do on the node, as the kernel has it, and what of the node they can write to.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use super::pod::Pod;
use crate::real::checks::facts::Fact;

/// The user of the image and of the chart.
const USER: &str = "65532";

/// What of its own the container runtime mounts into every container.
const RUNTIME: [&str; 6] = ["/proc", "/dev", "/sys", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"];

/// Facts about both processes, about all mounts, and about the token, which is to live for `token`.
pub(super) fn judge(pod: &Pod, token: Duration) -> anyhow::Result<Vec<Fact>> {
    let agent = pod.agent()?.context("no agent runs")?;
    let mut facts = Vec::new();
    for (who, pid) in [("supervisor", pod.supervisor), ("agent", agent)] {
        let status = status(pid)?;
        let of = |key: &str| status.get(key).map(String::as_str).unwrap_or_default();
        let ids = format!("{USER} {USER} {USER} {USER}");
        let none = "0000000000000000";
        for (key, expected) in [
            ("Uid", ids.as_str()),
            ("Gid", ids.as_str()),
            ("CapInh", none),
            ("CapPrm", none),
            ("CapEff", none),
            ("CapBnd", none),
            ("CapAmb", none),
            ("NoNewPrivs", "1"),
            // 2: a filter, the container runtime's own.
            ("Seccomp", "2"),
        ] {
            facts.push(Fact::equal(&format!("{who}: {key}"), &expected, &of(key)));
        }
    }
    facts.extend(spec(pod, token));
    facts.extend(mounts(pod)?);
    Ok(facts)
}

fn status(pid: u32) -> anyhow::Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).context("a process of the pod")?;
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    Ok(pairs
        .map(|(key, value)| (key.to_owned(), value.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect())
}

/// What the API server admitted.
fn spec(pod: &Pod, token: Duration) -> Vec<Fact> {
    let spec = &pod.object["spec"];
    let seen = |path: &str| spec.pointer(path).cloned().unwrap_or_default().to_string();
    let equal = |what: &str, path: &str, expected: &str| Fact::equal(what, &expected.to_owned(), &seen(path));
    let lives = spec.pointer("/volumes").and_then(|volumes| volumes.as_array()).into_iter().flatten();
    let lives = lives.filter_map(|volume| {
        volume["projected"]["sources"][0]["serviceAccountToken"]["expirationSeconds"].as_u64()
    });
    let lives = lives.map(|seconds| seconds.to_string()).collect::<Vec<_>>().join(" ");
    vec![
        equal("service account", "/serviceAccountName", "\"tare\""),
        equal("another token mounted by itself", "/automountServiceAccountToken", "false"),
        equal("host's network", "/hostNetwork", "null"),
        equal("host's processes", "/hostPID", "null"),
        equal("ports", "/containers/0/ports", "null"),
        equal(
            "capabilities of the init container",
            "/initContainers/0/securityContext/capabilities/add",
            "[\"CHOWN\"]",
        ),
        Fact::equal("life of the token, s", &token.as_secs().to_string(), &lives),
    ]
}

/// Mount points inside the container, and whether each can be written to.
fn mounts(pod: &Pod) -> anyhow::Result<Vec<Fact>> {
    let text = fs::read_to_string(format!("/proc/{}/mountinfo", pod.supervisor))?;
    let mut writable = Vec::new();
    let mut nested = Vec::new();
    let mut root = "missing";
    for line in text.lines() {
        let words: Vec<_> = line.split(' ').collect();
        let (Some(point), Some(options)) = (words.get(4), words.get(5)) else { continue };
        let read_only = options.split(',').any(|option| option == "ro");
        if *point == "/" {
            root = if read_only { "read-only" } else { "writable" };
        } else if point.starts_with("/hostfs") {
            nested.push((*point).to_owned());
        } else if !read_only && !RUNTIME.iter().any(|own| point.starts_with(own)) {
            writable.push((*point).to_owned());
        }
    }
    writable.sort_unstable();
    let mut facts = vec![
        Fact::equal("root file system", &"read-only", &root),
        Fact::equal(
            "mounts that can be written to",
            &"/run/tare /var/lib/tare".to_owned(),
            &writable.join(" "),
        ),
    ];
    let mut places: Vec<_> = ["/", "/etc", "/etc/tare"].map(str::to_owned).to_vec();
    places.extend(nested);
    // The kernel's word for it, mount by mount: those below a read-only one have flags of their own.
    let written: Vec<_> = places.iter().filter(|place| can_write(pod, place)).cloned().collect();
    facts.push(Fact::equal(
        &format!("of {} places of the node and the image, its user can make a file in", places.len()),
        &String::new(),
        &written.join(" "),
    ));
    let control = ["/var/lib/tare", "/run/tare"].iter().filter(|place| can_write(pod, place)).count();
    facts.push(Fact::equal("of its own two folders", &2, &control));
    Ok(facts)
}

/// Whether the container's user, without capabilities, can create a file there.
fn can_write(pod: &Pod, place: &str) -> bool {
    let file = pod.path(place).join("check-was-here");
    let ids = [format!("--reuid={USER}"), format!("--regid={USER}")];
    let made = Command::new("setpriv")
        .args(ids)
        .args(["--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "touch"])
        .arg(&file)
        .output();
    let made = made.is_ok_and(|output| output.status.success());
    if made {
        // What is left would be the check's, not the product's.
        drop(fs::remove_file(&file));
    }
    made
}

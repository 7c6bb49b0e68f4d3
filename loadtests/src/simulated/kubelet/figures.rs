//! What a kubelet says of its node and pods: figures that follow from a pod's uid and the time, in the form that
//! a kubelet 1.36 gives them. Pure.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

/// A container's figures at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Usage {
    nano_cores: u64,
    core_nano_seconds: u64,
    working_set: u64,
}

/// Figures of a container in a pod with this uid, after so long: its CPU time grows evenly.
fn usage(uid: &str, container: &str, running: Duration) -> Usage {
    let bytes = uid.bytes().chain(container.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let nano_cores = 1_000_000 + hash % 200_000_000;
    let core_nano_seconds =
        u64::try_from(u128::from(nano_cores) * running.as_millis() / 1_000).unwrap_or(u64::MAX);
    Usage { nano_cores, core_nano_seconds, working_set: (4 << 20) + (hash >> 32) % (256 << 20) }
}

fn text<'a>(value: &'a Value, at: &str) -> &'a str {
    value.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

/// The names of a pod's containers.
fn containers(pod: &Value) -> impl Iterator<Item = &str> {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    containers.map(|container| text(container, "/name"))
}

fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// Pressure of nothing on nothing.
fn pressure() -> Value {
    let none = json!({"total": 0, "avg10": 0, "avg60": 0, "avg300": 0});
    json!({"full": none, "some": none})
}

fn cpu(time: &str, nano_cores: u64, core_nano_seconds: u64) -> Value {
    json!({
        "time": time, "usageNanoCores": nano_cores, "usageCoreNanoSeconds": core_nano_seconds,
        "psi": pressure(),
    })
}

fn memory(time: &str, working_set: u64) -> Value {
    json!({
        "time": time, "usageBytes": working_set + (1 << 20), "workingSetBytes": working_set,
        "rssBytes": working_set / 10 * 9, "pageFaults": working_set / 4096, "majorPageFaults": 0, "psi": pressure(),
    })
}

fn filesystem(time: &str, used: u64, inodes: u64) -> Value {
    json!({
        "time": time, "availableBytes": 72_696_143_872_u64, "capacityBytes": 270_553_174_016_u64, "usedBytes": used,
        "inodesFree": 16_125_695, "inodes": 16_777_216, "inodesUsed": inodes,
    })
}

fn network(time: &str, bytes: u64) -> Value {
    let one = json!({"name": "eth0", "rxBytes": bytes, "rxErrors": 0, "txBytes": bytes / 4, "txErrors": 0});
    let mut all = one.clone();
    all["time"] = time.into();
    all["interfaces"] = json!([one]);
    all
}

/// `/stats/summary` of a node that has been up for so long.
pub(super) fn summary(node: &str, pods: &[Value], up: Duration) -> Value {
    let time = now();
    let pods: Vec<_> = pods.iter().map(|pod| pod_figures(pod, &time, up)).collect();
    let sum = |at: &str| pods.iter().filter_map(|pod| pod.pointer(at)?.as_u64()).sum::<u64>();
    let (nano_cores, seconds) = (sum("/cpu/usageNanoCores"), sum("/cpu/usageCoreNanoSeconds"));
    let images = filesystem(&time, 34_770_944, 677);
    let node = json!({
        "nodeName": node, "startTime": "2026-11-20T09:00:00Z",
        "systemContainers": [{
            "name": "pods", "startTime": "2026-11-20T09:00:00Z", "cpu": cpu(&time, nano_cores, seconds),
            "memory": memory(&time, sum("/memory/workingSetBytes")),
        }],
        "cpu": cpu(&time, nano_cores + 80_000_000, seconds + 80_000_000 * up.as_secs()),
        "memory": memory(&time, sum("/memory/workingSetBytes") + (512 << 20)),
        "network": network(&time, sum("/network/rxBytes")),
        "fs": filesystem(&time, 25_097_150_464, 651_521),
        "runtime": {"imageFs": images, "containerFs": images},
        "rlimit": {"time": time, "maxpid": 32_768, "curproc": 200 + 4 * pods.len()},
        "swap": {"time": time, "swapAvailableBytes": 0, "swapUsageBytes": 0},
    });
    json!({"node": node, "pods": pods})
}

fn pod_figures(pod: &Value, time: &str, up: Duration) -> Value {
    let uid = text(pod, "/metadata/uid");
    let start = text(pod, "/status/startTime");
    let mut all = Usage { nano_cores: 0, core_nano_seconds: 0, working_set: 0 };
    let containers: Vec<_> = containers(pod)
        .map(|name| {
            let used = usage(uid, name, up);
            all.nano_cores += used.nano_cores;
            all.core_nano_seconds += used.core_nano_seconds;
            all.working_set += used.working_set;
            json!({
                "name": name, "startTime": start,
                "cpu": cpu(time, used.nano_cores, used.core_nano_seconds), "memory": memory(time, used.working_set),
                "rootfs": filesystem(time, 1_073_152, 10), "logs": filesystem(time, 8_192, 1),
                "swap": {"time": time, "swapUsageBytes": 0},
            })
        })
        .collect();
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    let volumes: Vec<_> = volumes
        .map(|volume| {
            let mut figures = filesystem(time, 4_096, 1);
            figures["name"] = volume["name"].clone();
            figures
        })
        .collect();
    let count = containers.len();
    json!({
        "podRef": {"name": text(pod, "/metadata/name"), "namespace": text(pod, "/metadata/namespace"), "uid": uid},
        "startTime": start, "containers": containers,
        "cpu": cpu(time, all.nano_cores, all.core_nano_seconds), "memory": memory(time, all.working_set),
        "network": network(time, all.core_nano_seconds / 1_000), "volume": volumes,
        "ephemeral-storage": filesystem(time, 1_101_824, 22), "process_stats": {"process_count": count},
        "swap": {"time": time, "swapUsageBytes": 0},
    })
}

/// `/pods`.
pub(super) fn pods(pods: &[Value]) -> Value {
    json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": pods})
}

/// `/metrics/resource`.
pub(super) fn resource(pods: &[Value], up: Duration) -> String {
    let (mut cpus, mut memories) = (String::new(), String::new());
    for pod in pods {
        let (namespace, name) = (text(pod, "/metadata/namespace"), text(pod, "/metadata/name"));
        for container in containers(pod) {
            let used = usage(text(pod, "/metadata/uid"), container, up);
            let labels = format!("container=\"{container}\",namespace=\"{namespace}\",pod=\"{name}\"");
            let seconds = Duration::from_nanos(used.core_nano_seconds).as_secs_f64();
            // Writing to a String cannot fail.
            let _ = writeln!(cpus, "container_cpu_usage_seconds_total{{{labels}}} {seconds}");
            let _ = writeln!(memories, "container_memory_working_set_bytes{{{labels}}} {}", used.working_set);
        }
    }
    format!(
        "# TYPE container_cpu_usage_seconds_total counter\n{cpus}\
         # TYPE container_memory_working_set_bytes gauge\n{memories}\
         # TYPE resource_scrape_error gauge\nresource_scrape_error 0\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulated::pods::running;

    #[test]
    fn cpu_time_grows_with_time_alone_and_the_sums_are_those_of_the_parts() {
        let mut pod = running(1, "n", 0);
        pod["metadata"]["uid"] = "u-1".into();
        let at = |seconds| summary("n", std::slice::from_ref(&pod), Duration::from_secs(seconds));
        let (early, late) = (at(10), at(20));
        let of = |summary: &Value, path: &str| summary.pointer(path).and_then(Value::as_u64).unwrap();
        let time = "/pods/0/cpu/usageCoreNanoSeconds";
        assert_eq!(of(&late, time), 2 * of(&early, time));
        let parts = of(&late, "/pods/0/containers/0/cpu/usageCoreNanoSeconds")
            + of(&late, "/pods/0/containers/1/cpu/usageCoreNanoSeconds");
        assert_eq!(of(&late, time), parts);
        assert_eq!(late["pods"][0]["containers"][0]["name"], pod["spec"]["containers"][0]["name"]);
        assert_eq!(late["pods"][0]["podRef"]["uid"], "u-1");
        let metrics = resource(&[pod], Duration::from_secs(20));
        assert_eq!(metrics.lines().filter(|line| line.starts_with("container_")).count(), 4);
    }
}

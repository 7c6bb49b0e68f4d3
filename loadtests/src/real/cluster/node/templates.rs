//! What the pods of each kind of owner look like: two containers each, with loads that move, and volumes of every sort
//! that a node needs nothing more for. Pure.

use serde_json::{Value, json};

use super::name;
use crate::real::recipes::WORK;

/// A container without requests or limits.
pub(super) fn container(name: &str, words: &[&str]) -> Value {
    json!({"name": name, "image": WORK, "imagePullPolicy": "Never", "args": words})
}

/// The same with what `changes` adds.
fn container_with(name: &str, words: &[&str], changes: &Value) -> Value {
    let mut container = container(name, words);
    for (key, value) in changes.as_object().into_iter().flatten() {
        container[key] = value.clone();
    }
    container
}

fn resources(requests: [&str; 2], limits: [&str; 2]) -> Value {
    let both = |[cpu, memory]: [&str; 2]| json!({"cpu": cpu, "memory": memory});
    json!({"requests": both(requests), "limits": both(limits)})
}

/// A pod's specification and the labels that say whose it is, bound to the node: no scheduler is needed.
pub(super) fn template(app: &str, containers: &[Value], volumes: &[Value]) -> Value {
    json!({
        "metadata": {
            "labels": labels(app),
            "annotations": {"example.com/commit": "8f14e45fceea167a5a36dedd4bea2543a1c2f3b1"},
        },
        "spec": {
            "nodeName": name(), "terminationGracePeriodSeconds": 1,
            "containers": containers, "volumes": volumes,
        },
    })
}

/// The labels of everything that belongs to `app`.
pub(super) fn labels(app: &str) -> Value {
    json!({
        "app.kubernetes.io/name": app, "app.kubernetes.io/version": "2.1.0", "app.kubernetes.io/part-of": "shop",
        "team": "checkout",
    })
}

/// CPU, network and disk that move, limits on the first container, requests on the second.
pub(super) fn web(app: &str) -> Value {
    let main = json!({
        "resources": resources(["10m", "24Mi"], ["200m", "64Mi"]),
        "volumeMounts": [{"name": "cache", "mountPath": "/cache"}, {"name": "settings", "mountPath": "/settings"}],
    });
    let proxy = json!({"resources": {"requests": {"cpu": "5m", "memory": "16Mi"}}});
    template(
        app,
        &[
            container_with("main", &["cpu=1", "send=192.0.2.10:20000", "file=/cache/data:16"], &main),
            container_with("proxy", &["wave=4", "hold=4"], &proxy),
        ],
        &[
            json!({"name": "cache", "emptyDir": {"sizeLimit": "64Mi"}}),
            json!({"name": "settings", "configMap": {"name": "settings"}}),
        ],
    )
}

/// Memory that moves, guaranteed: requests are limits.
pub(super) fn api(app: &str) -> Value {
    let main = json!({
        "resources": resources(["20m", "32Mi"], ["20m", "32Mi"]),
        "volumeMounts": [{"name": "keys", "mountPath": "/keys"}],
    });
    let side = json!({"resources": resources(["5m", "16Mi"], ["5m", "16Mi"])});
    template(
        app,
        &[
            container_with("main", &["wave=3", "send=192.0.2.10:2000"], &main),
            container_with("side", &["hold=6"], &side),
        ],
        &[json!({"name": "keys", "secret": {"secretName": "keys"}})],
    )
}

/// No requests, no limits; volumes of the host, of memory and of the pod's own fields; the first container fails once.
pub(super) fn store(app: &str) -> Value {
    let main = json!({"volumeMounts": [
        {"name": "machine", "mountPath": "/machine", "readOnly": true}, {"name": "scratch", "mountPath": "/scratch"},
    ]});
    let side = json!({"volumeMounts": [{"name": "about", "mountPath": "/about"}]});
    template(
        app,
        &[
            container_with("main", &["once=/scratch/was-here", "wave=2", "send=192.0.2.10:1000"], &main),
            container_with("backup", &["hold=2"], &side),
        ],
        &[
            json!({"name": "machine", "hostPath": {"path": "/etc"}}),
            json!({"name": "scratch", "emptyDir": {"medium": "Memory", "sizeLimit": "8Mi"}}),
            json!({"name": "about", "downwardAPI": {"items": [
                {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
            ]}}),
        ],
    )
}

/// In the host's network, as agents of the node are.
pub(super) fn agent(app: &str) -> Value {
    let mut pod = template(app, &[container("main", &["cpu=1"]), container("helper", &["wave=1"])], &[]);
    pod["spec"]["hostNetwork"] = json!(true);
    // Also where a node is tainted, as this one is: what would find it ready does not run.
    pod["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
    pod
}

/// Runs longer than any check; a job's pod may not be restarted by its kubelet.
pub(super) fn batch(app: &str) -> Value {
    let mut pod =
        template(app, &[container("main", &["cpu=1", "hold=3"]), container("side", &["wave=1"])], &[]);
    pod["spec"]["restartPolicy"] = json!("Never");
    pod
}

/// A pod that nobody owns, with a container that ends before the others start and, for one of them, a claim.
pub(super) fn bare(app: &str, claim: Option<&str>) -> Value {
    let name = if claim.is_some() { "claimed" } else { "data" };
    let mount = json!({"volumeMounts": [{"name": name, "mountPath": "/data"}]});
    let volume = claim.map_or_else(
        || json!({"name": name, "emptyDir": {}}),
        |claim| json!({"name": name, "persistentVolumeClaim": {"claimName": claim}}),
    );
    let containers = [
        container_with("main", &["file=/data/file:32", "send=192.0.2.10:500"], &mount),
        container("side", &["hold=1"]),
    ];
    let mut pod = template(app, &containers, &[volume]);
    pod["spec"]["initContainers"] = json!([container("prepare", &["end=1:0"])]);
    pod
}

//! What owns the pods. Pure: where each object is posted, and the object.

use serde_json::{Value, json};

use super::templates::{self, labels};
use super::{machine, name};

/// The namespace of everything here.
pub(super) const NAMESPACE: &str = "shop";

/// The claim of one pod, and the volume that meets it.
pub(super) const CLAIM: &str = "claimed";

/// An object and where it is posted.
pub(super) type Posted = (String, Value);

fn core(kind: &str) -> String {
    format!("/api/v1/namespaces/{NAMESPACE}/{kind}")
}

fn apis(group: &str, kind: &str) -> String {
    format!("/apis/{group}/v1/namespaces/{NAMESPACE}/{kind}")
}

/// What has to be there before the first pod is.
pub(super) fn prepared() -> Vec<Posted> {
    let metadata = |name: &str| json!({"name": name});
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata(CLAIM),
        "spec": {
            "capacity": {"storage": "64Mi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "",
            "local": {"path": machine::CLAIMED},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [name()]}]},
            ]}},
        },
    });
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata(CLAIM),
        "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": "", "volumeName": CLAIM,
            "resources": {"requests": {"storage": "64Mi"}},
        },
    });
    let settings = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("settings"), "data": {"colour": "green"},
    });
    let keys = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata("keys"), "stringData": {"key": "none"}});
    vec![
        ("/api/v1/persistentvolumes".to_owned(), volume),
        (core("persistentvolumeclaims"), claim),
        (core("configmaps"), settings),
        (core("secrets"), keys),
    ]
}

fn owner(kind: &str, app: &str, template: &Value, more: &Value) -> Value {
    let (group, selector) = if kind == "Job" { ("batch", false) } else { ("apps", true) };
    let mut object = json!({
        "apiVersion": format!("{group}/v1"), "kind": kind, "metadata": {"name": app, "labels": labels(app)},
        "spec": {"template": template},
    });
    if selector {
        object["spec"]["selector"] = json!({"matchLabels": labels(app)});
    }
    for (key, value) in more.as_object().into_iter().flatten() {
        object["spec"][key] = value.clone();
    }
    object
}

/// `replicas` pods of a Deployment, by way of a ReplicaSet.
pub(super) fn deployment(app: &str, template: &Value, replicas: usize) -> Posted {
    (apis("apps", "deployments"), owner("Deployment", app, template, &json!({"replicas": replicas})))
}

/// `replicas` pods with names that last, all started at once.
pub(super) fn stateful_set(app: &str, replicas: usize) -> Posted {
    let more = json!({"replicas": replicas, "serviceName": app, "podManagementPolicy": "Parallel"});
    (apis("apps", "statefulsets"), owner("StatefulSet", app, &templates::store(app), &more))
}

/// A pod on each node, of which there is one.
pub(super) fn daemon_set(app: &str) -> Posted {
    (apis("apps", "daemonsets"), owner("DaemonSet", app, &templates::agent(app), &json!({})))
}

/// `pods` pods side by side.
pub(super) fn job(app: &str, pods: usize) -> Posted {
    let more = json!({"parallelism": pods, "completions": pods});
    (apis("batch", "jobs"), owner("Job", app, &templates::batch(app), &more))
}

/// A schedule that never comes.
pub(super) fn cron_job(app: &str) -> Posted {
    let job = json!({"spec": {"template": templates::batch(app)}});
    let object = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": app},
        "spec": {"schedule": "0 0 31 2 *", "suspend": true, "jobTemplate": job},
    });
    (apis("batch", "cronjobs"), object)
}

/// What the controller would have made of it at its time, named as it names them.
pub(super) fn scheduled_job(app: &str, uid: &Value) -> Posted {
    let (path, mut object) = job(app, 1);
    object["metadata"]["name"] = json!(format!("{app}-29412345"));
    object["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "batch/v1", "kind": "CronJob", "name": app, "uid": uid,
        "controller": true, "blockOwnerDeletion": true,
    }]);
    (path, object)
}

/// A pod that nobody owns.
pub(super) fn bare(app: &str, claim: Option<&str>) -> Posted {
    let mut pod = templates::bare(app, claim);
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!(app);
    (core("pods"), pod)
}

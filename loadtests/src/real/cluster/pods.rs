//! Pods as a busy cluster has them: of several namespaces and Deployments, 4 to 7 KB each once the server has
//! added its part. Pure: a pod is a function of its number.

use serde_json::{Value, json};

/// How many namespaces the pods are spread over.
pub(super) const NAMESPACES: usize = 20;

/// Pods of one ReplicaSet.
const REPLICAS: usize = 25;

/// The name of a node.
pub(crate) fn node_name(node: usize) -> String {
    format!("node-{node:04}")
}

/// The name of a namespace with pods.
pub(super) fn namespace_name(number: usize) -> String {
    format!("team-{:02}", number % NAMESPACES)
}

/// One pod of the population.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pod {
    /// Its number, from 0; it decides namespace, owner and name.
    pub(crate) number: usize,
    /// The number of its node.
    pub(crate) node: usize,
}

impl Pod {
    fn replica_set(self) -> (String, String) {
        let owner = self.number / REPLICAS;
        // Pods of one owner share a namespace, as real ones do.
        let hash = format!("{:010x}", (owner as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) & 0xff_ffff_ffff);
        (format!("service-{owner:04}"), hash)
    }

    /// Its namespace.
    pub(crate) fn namespace(self) -> String {
        namespace_name(self.number / REPLICAS)
    }

    /// Its name.
    pub(crate) fn name(self) -> String {
        let (deployment, hash) = self.replica_set();
        format!("{deployment}-{hash}-{:05}", self.number)
    }

    /// Where pods of its namespace are created.
    pub(super) fn collection(self) -> String {
        format!("/api/v1/namespaces/{}/pods", self.namespace())
    }

    /// Where it is.
    pub(in crate::real) fn path(self) -> String {
        format!("{}/{}", self.collection(), self.name())
    }

    /// What its creator posts: bound to its node already, so that no scheduler is needed.
    pub(crate) fn object(self) -> Value {
        let (deployment, hash) = self.replica_set();
        let replica_set = format!("{deployment}-{hash}");
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": self.name(),
                "labels": {
                    "app.kubernetes.io/name": deployment, "app.kubernetes.io/component": "backend",
                    "app.kubernetes.io/version": "4.17.2", "app.kubernetes.io/managed-by": "Helm",
                    "team": self.namespace(), "tier": "production", "pod-template-hash": hash,
                },
                "annotations": {
                    "checksum/config": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
                    "kubectl.kubernetes.io/restartedAt": "2026-11-02T08:14:55Z",
                    "prometheus.io/scrape": "true", "prometheus.io/port": "9090", "prometheus.io/path": "/metrics",
                    "deployment.example/commit": "8f14e45fceea167a5a36dedd4bea2543a1c2f3b1",
                },
                "ownerReferences": [{
                    "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": replica_set,
                    "uid": uid(1, self.number / REPLICAS), "controller": true, "blockOwnerDeletion": true,
                }],
            },
            "spec": {
                "nodeName": node_name(self.node), "terminationGracePeriodSeconds": 0,
                "containers": [main_container(&deployment), sidecar()],
                "volumes": [
                    {"name": "config", "configMap": {"name": format!("{deployment}-config")}},
                    {"name": "cache", "emptyDir": {"sizeLimit": "256Mi"}},
                ],
            },
        })
    }

    /// The status that a kubelet would give it once both containers run.
    pub(crate) fn running(self) -> Value {
        let started = "2026-11-20T09:30:00Z";
        let container = |which: usize, name: &str, image: &str| {
            json!({
                "name": name, "image": image, "imageID": format!("{image}@sha256:{:064x}", self.number),
                "containerID": format!("containerd://{}", container_id(which, self.number)),
                "ready": true, "started": true, "restartCount": self.number % 3,
                "state": {"running": {"startedAt": started}},
            })
        };
        let ip = format!("10.{}.{}.{}", self.number >> 16 & 255, self.number >> 8 & 255, self.number & 255);
        let (deployment, _) = self.replica_set();
        json!({"status": {
            "phase": "Running", "qosClass": "Burstable", "startTime": started,
            "hostIP": "192.0.2.10", "podIP": ip, "podIPs": [{"ip": ip}],
            "conditions": [
                {"type": "Ready", "status": "True", "lastTransitionTime": started},
                {"type": "ContainersReady", "status": "True", "lastTransitionTime": started},
                {"type": "PodScheduled", "status": "True", "lastTransitionTime": started},
            ],
            "containerStatuses": [
                container(1, "main", &format!("registry.example/team/{deployment}:4.17.2")),
                container(2, "proxy", "registry.example/mesh/proxy:1.9.0"),
            ],
        }})
    }
}

/// The ReplicaSet of that number, and where it is created.
pub(super) fn replica_set(number: usize) -> (String, Value) {
    let pod = Pod { number: number * REPLICAS, node: 0 };
    let (deployment, hash) = pod.replica_set();
    let mut template = pod.object();
    if let Some(spec) = template["spec"].as_object_mut() {
        spec.remove("nodeName");
    }
    let labels = template["metadata"]["labels"].clone();
    let object = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{deployment}-{hash}"), "labels": labels,
            "annotations": {"deployment.kubernetes.io/desired-replicas": "25", "deployment.kubernetes.io/revision": "7"},
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "Deployment", "name": deployment, "uid": uid(2, number),
                "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "spec": {
            "replicas": REPLICAS, "selector": {"matchLabels": {"pod-template-hash": hash}},
            "template": {"metadata": {"labels": labels}, "spec": template["spec"]},
        },
    });
    (format!("/apis/apps/v1/namespaces/{}/replicasets", pod.namespace()), object)
}

fn uid(kind: usize, number: usize) -> String {
    format!("{kind:08x}-0000-4000-8000-{number:012x}")
}

fn container_id(which: usize, number: usize) -> String {
    format!("{which:032x}{number:032x}")
}

fn main_container(deployment: &str) -> Value {
    json!({
        "name": "main", "image": format!("registry.example/team/{deployment}:4.17.2"),
        "args": ["--listen=:8080", "--metrics=:9090", "--log-format=json", "--shutdown-delay=5s"],
        "ports": [{"name": "http", "containerPort": 8080}, {"name": "metrics", "containerPort": 9090}],
        "env": [
            {"name": "DATABASE_HOST", "value": "primary.database.example"}, {"name": "DATABASE_PORT", "value": "5432"},
            {"name": "LOG_LEVEL", "value": "info"}, {"name": "REGION", "value": "eu-central"},
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "database", "key": "password"}}},
        ],
        "resources": {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"cpu": "2", "memory": "1Gi"}},
        "livenessProbe": {"httpGet": {"path": "/live", "port": "http"}, "periodSeconds": 10},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 5},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/service"}, {"name": "cache", "mountPath": "/var/cache"}],
        "securityContext": {"runAsNonRoot": true, "readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false},
    })
}

fn sidecar() -> Value {
    json!({
        "name": "proxy", "image": "registry.example/mesh/proxy:1.9.0",
        "args": ["--upstream=127.0.0.1:8080", "--admin=127.0.0.1:15000"],
        "ports": [{"name": "mesh", "containerPort": 15001}],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        "readinessProbe": {"tcpSocket": {"port": "mesh"}, "periodSeconds": 5},
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_pod_has_a_name_of_its_own_that_its_owner_begins() {
        let names: BTreeSet<_> = (0..20_000).map(|number| Pod { number, node: 0 }.path()).collect();
        assert_eq!(names.len(), 20_000);
        let object = Pod { number: 777, node: 3 }.object();
        let owner = object["metadata"]["ownerReferences"][0]["name"].as_str().unwrap();
        assert!(object["metadata"]["name"].as_str().unwrap().starts_with(owner));
        assert!(owner.ends_with(object["metadata"]["labels"]["pod-template-hash"].as_str().unwrap()));
        assert_eq!(object["spec"]["nodeName"], "node-0003");
    }

    #[test]
    fn the_two_containers_of_every_pod_have_ids_that_no_other_has() {
        let ids: BTreeSet<_> = (0..500)
            .flat_map(|number| {
                let status = Pod { number, node: 0 }.running();
                [0, 1].map(|at| status["status"]["containerStatuses"][at]["containerID"].to_string())
            })
            .collect();
        assert_eq!(ids.len(), 1000);
    }
}

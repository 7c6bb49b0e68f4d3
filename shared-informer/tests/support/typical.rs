//! A pod as many clusters run them: a Deployment's, with a service mesh's sidecar, an init container, probes,
//! environment, projected token, and the managed fields that are half of its JSON.

use serde_json::{Value, json};
use shared_informer::pod::Keep;

/// What an agent with the usual configuration keeps: all labels, and annotations by name.
pub(crate) fn keep() -> impl Keep {
    (|_: &str| true, |key: &str| key.starts_with("prometheus.io/") || key == "example.com/team")
}

/// The JSON of pod number `n`, about 12 KB.
pub(crate) fn typical_pod(n: usize) -> String {
    let service = format!("checkout-service-{}", n / 5);
    let hash = format!("{:010x}", 0x006d_6cc6_4d55 + n / 5);
    let uid = format!("{n:08x}-d274-4973-839e-85311bf23a11");
    json!({
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": metadata(n, &service, &hash, &uid),
        "spec": specification(&service),
        "status": status(n, &service),
    })
    .to_string()
}

fn metadata(n: usize, service: &str, hash: &str, uid: &str) -> Value {
    json!({
        "name": format!("{service}-{hash}-{n:05x}"),
        "generateName": format!("{service}-{hash}-"),
        "namespace": "payments-production",
        "uid": uid,
        "resourceVersion": (1_000_000 + n).to_string(),
        "generation": 1,
        "creationTimestamp": "2026-11-21T06:57:59Z",
        "labels": {
            "app.kubernetes.io/name": service,
            "app.kubernetes.io/instance": format!("{service}-production"),
            "app.kubernetes.io/version": "2026.11.3",
            "app.kubernetes.io/part-of": "payments",
            "app.kubernetes.io/managed-by": "Helm",
            "pod-template-hash": hash,
            "security.istio.io/tlsMode": "istio",
            "service.istio.io/canonical-name": service,
            "service.istio.io/canonical-revision": "2026.11.3",
        },
        "annotations": {
            "prometheus.io/scrape": "true",
            "prometheus.io/port": "15020",
            "prometheus.io/path": "/stats/prometheus",
            "example.com/team": "payments-platform",
            "checksum/config": "3b1f9c6d".repeat(8),
            "cni.projectcalico.org/containerID": "9a8b7c6d".repeat(8),
            "kubectl.kubernetes.io/default-container": "app",
            "sidecar.istio.io/status": "{\"initContainers\":[\"istio-init\"],\"containers\":[\"istio-proxy\"],\"volumes\":[\"istio-envoy\",\"istio-data\",\"istio-token\"],\"imagePullSecrets\":null,\"revision\":\"default\"}",
        },
        "ownerReferences": [{
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("{service}-{hash}"),
            "uid": format!("{:08x}-1419-4fed-916e-b778cebfb6fb", n / 5),
            "controller": true, "blockOwnerDeletion": true,
        }],
        "managedFields": [
            {"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1",
             "time": "2026-11-21T06:57:59Z", "fieldsType": "FieldsV1", "fieldsV1": managed_by_controller()},
            {"manager": "kubelet", "operation": "Update", "apiVersion": "v1", "time": "2026-11-21T07:19:01Z",
             "fieldsType": "FieldsV1", "fieldsV1": managed_by_kubelet(), "subresource": "status"},
        ],
    })
}

fn managed_by_controller() -> Value {
    let container = json!({
        ".": {}, "f:args": {}, "f:env": environment_fields(), "f:image": {}, "f:imagePullPolicy": {},
        "f:livenessProbe": probe_fields(), "f:name": {}, "f:ports": {".": {}, "k:{\"containerPort\":8080,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}, "f:name": {}, "f:protocol": {}}},
        "f:readinessProbe": probe_fields(), "f:resources": {".": {}, "f:limits": {".": {}, "f:cpu": {}, "f:memory": {}}, "f:requests": {".": {}, "f:cpu": {}, "f:memory": {}}},
        "f:securityContext": {".": {}, "f:allowPrivilegeEscalation": {}, "f:capabilities": {".": {}, "f:drop": {}}, "f:readOnlyRootFilesystem": {}, "f:runAsNonRoot": {}},
        "f:terminationMessagePath": {}, "f:terminationMessagePolicy": {},
    });
    json!({
        "f:metadata": {"f:annotations": {".": {}, "f:checksum/config": {}, "f:example.com/team": {}, "f:prometheus.io/scrape": {}},
                       "f:generateName": {}, "f:labels": {".": {}, "f:app.kubernetes.io/instance": {}, "f:app.kubernetes.io/name": {}, "f:pod-template-hash": {}},
                       "f:ownerReferences": {".": {}, "k:{\"uid\":\"422e9259-1419-4fed-916e-b778cebfb6fb\"}": {}}},
        "f:spec": {"f:containers": {"k:{\"name\":\"app\"}": container}, "f:dnsPolicy": {}, "f:enableServiceLinks": {},
                   "f:restartPolicy": {}, "f:schedulerName": {}, "f:securityContext": {}, "f:serviceAccountName": {},
                   "f:terminationGracePeriodSeconds": {}, "f:volumes": {".": {}, "k:{\"name\":\"config\"}": {".": {}, "f:configMap": {".": {}, "f:defaultMode": {}, "f:name": {}}, "f:name": {}}}},
    })
}

fn environment_fields() -> Value {
    (0..14)
        .map(|n| (format!("k:{{\"name\":\"SETTING_{n}\"}}"), json!({".": {}, "f:name": {}, "f:value": {}})))
        .collect()
}

fn probe_fields() -> Value {
    json!({".": {}, "f:failureThreshold": {}, "f:httpGet": {".": {}, "f:path": {}, "f:port": {}, "f:scheme": {}},
           "f:periodSeconds": {}, "f:successThreshold": {}, "f:timeoutSeconds": {}})
}

fn managed_by_kubelet() -> Value {
    let conditions: Value = ["ContainersReady", "Initialized", "PodReadyToStartContainers", "Ready"]
        .iter()
        .map(|kind| (format!("k:{{\"type\":\"{kind}\"}}"), json!({".": {}, "f:lastProbeTime": {}, "f:lastTransitionTime": {}, "f:status": {}, "f:type": {}})))
        .collect();
    json!({"f:status": {"f:conditions": conditions, "f:containerStatuses": {}, "f:hostIP": {}, "f:hostIPs": {},
           "f:initContainerStatuses": {}, "f:phase": {}, "f:podIP": {}, "f:podIPs": {".": {}, "k:{\"ip\":\"10.244.0.241\"}": {".": {}, "f:ip": {}}}, "f:startTime": {}}})
}

fn specification(service: &str) -> Value {
    let environment: Vec<_> = (0..14).map(|n| json!({"name": format!("SETTING_{n}"), "value": format!("https://{service}.payments.example:8443/{n}")})).collect();
    let probe = json!({"httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"}, "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3});
    let mounts = json!([{"name": "config", "mountPath": "/etc/app"}, {"name": "data", "mountPath": "/var/lib/app"},
                        {"name": "kube-api-access-x7k2p", "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]);
    let container = |name: &str, image: String| {
        json!({"name": name, "image": image, "args": ["--config=/etc/app/config.yaml", "--log-level=info"],
               "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
               "resources": {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "250m", "memory": "512Mi"}},
               "volumeMounts": mounts, "terminationMessagePath": "/dev/termination-log",
               "terminationMessagePolicy": "File", "imagePullPolicy": "IfNotPresent",
               "securityContext": {"capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true, "readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false}})
    };
    let mut app = container("app", format!("registry.example:5000/payments/{service}:2026.11.3"));
    app["env"] = environment.into();
    app["livenessProbe"] = probe.clone();
    app["readinessProbe"] = probe;
    json!({
        "volumes": [
            {"name": "config", "configMap": {"name": format!("{service}-config"), "defaultMode": 420}},
            {"name": "data", "persistentVolumeClaim": {"claimName": format!("{service}-data")}},
            {"name": "istio-envoy", "emptyDir": {"medium": "Memory"}},
            {"name": "kube-api-access-x7k2p", "projected": {"sources": [{"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}, {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}, {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}}], "defaultMode": 420}},
        ],
        "initContainers": [container("istio-init", "docker.io/istio/proxyv2:1.29.0".into())],
        "containers": [app, container("istio-proxy", "docker.io/istio/proxyv2:1.29.0".into())],
        "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
        "serviceAccountName": service, "serviceAccount": service, "nodeName": "node-pool-a-7c9f5d6b8-x2k4q",
        "securityContext": {"fsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "schedulerName": "default-scheduler", "priority": 0, "enableServiceLinks": true,
        "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
                        {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}],
    })
}

fn status(n: usize, service: &str) -> Value {
    let condition = |kind: &str| json!({"type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": "2026-11-21T07:03:24Z"});
    let conditions = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
        .map(condition);
    let container = |name: &str, image: String, number: usize, state: Value| {
        json!({"name": name, "state": state, "lastState": {}, "ready": true, "restartCount": 0, "image": image,
               "imageID": format!("{image}@sha256:{}", "0123456789abcdef".repeat(4)),
               "containerID": format!("containerd://{:064x}", 0x7f23_a6f1_d245_e45a_u128 * (3 * n + number + 1) as u128),
               "started": true})
    };
    let running = json!({"running": {"startedAt": "2026-11-21T07:03:24Z"}});
    let ended = json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": "2026-11-21T07:03:20Z", "finishedAt": "2026-11-21T07:03:21Z"}});
    let address = format!("10.244.{}.{}", n / 250, n % 250 + 2);
    json!({
        "phase": "Running",
        "conditions": conditions,
        "hostIP": "192.0.2.2", "hostIPs": [{"ip": "192.0.2.2"}], "podIP": address, "podIPs": [{"ip": address}],
        "startTime": "2026-11-21T06:58:00Z", "qosClass": "Burstable",
        "initContainerStatuses": [container("istio-init", "docker.io/istio/proxyv2:1.29.0".into(), 0, ended)],
        "containerStatuses": [container("app", format!("registry.example:5000/payments/{service}:2026.11.3"), 1, running.clone()),
                              container("istio-proxy", "docker.io/istio/proxyv2:1.29.0".into(), 2, running)],
    })
}

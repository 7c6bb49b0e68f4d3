//! The objects that a cluster with the product in it has, as JSON. Pure: the same arguments give the same object.

use serde_json::{Value, json};

/// The product's namespace, service account, role and DaemonSet are all called this.
pub(crate) const PRODUCT: &str = "tare";

/// A service account that may do nothing.
pub(in crate::real) const BARE: &str = "bare";

/// A namespace.
pub(super) fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

/// A service account.
pub(super) fn service_account(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}})
}

/// What the product is allowed to do, all of it: where each object is posted, and the object.
pub(super) fn product_rbac() -> [(String, Value); 4] {
    const GROUP: &str = "rbac.authorization.k8s.io";
    let api = format!("{GROUP}/v1");
    let cluster = format!("/apis/{api}");
    let inside = format!("/apis/{api}/namespaces/{PRODUCT}");
    let subjects = json!([{"kind": "ServiceAccount", "name": PRODUCT, "namespace": PRODUCT}]);
    let metadata = json!({"name": PRODUCT});
    let binding = |kind: &str, role: &str| {
        json!({
            "apiVersion": api, "kind": kind, "metadata": metadata, "subjects": subjects,
            "roleRef": {"apiGroup": GROUP, "kind": role, "name": PRODUCT},
        })
    };
    let role = |kind: &str, rule: Value| json!({"apiVersion": api, "kind": kind, "metadata": metadata, "rules": [rule]});
    let pods = json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]});
    let own = json!({"apiGroups": ["apps"], "resources": ["daemonsets"], "resourceNames": [PRODUCT], "verbs": ["get"]});
    [
        (format!("{cluster}/clusterroles"), role("ClusterRole", pods)),
        (format!("{cluster}/clusterrolebindings"), binding("ClusterRoleBinding", "ClusterRole")),
        (format!("{inside}/roles"), role("Role", own)),
        (format!("{inside}/rolebindings"), binding("RoleBinding", "Role")),
    ]
}

/// The product's DaemonSet.
pub(super) fn daemon_set() -> Value {
    let labels = json!({"app.kubernetes.io/name": PRODUCT});
    json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": PRODUCT, "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"serviceAccountName": PRODUCT, "containers": [{"name": PRODUCT, "image": "registry.example/tare:0.1.0"}]},
            },
        },
    })
}

/// The status that a controller would give the DaemonSet in a cluster of `nodes` nodes.
pub(super) fn daemon_set_status(nodes: usize) -> Value {
    json!({"status": {
        "desiredNumberScheduled": nodes, "currentNumberScheduled": nodes, "numberReady": nodes,
        "numberMisscheduled": 0, "observedGeneration": 1,
    }})
}

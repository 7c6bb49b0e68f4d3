//! The agent's own DaemonSet: the only thing that it reads beside pods.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::simulated::pods::managed_fields;

/// What a real one has of them, in bytes.
const MANAGED: usize = 1_500;

/// A DaemonSet.
#[derive(Debug, Clone)]
pub(in crate::simulated::apiserver) struct DaemonSet {
    pub(in crate::simulated::apiserver) namespace: String,
    pub(in crate::simulated::apiserver) name: String,
    pub(in crate::simulated::apiserver) created: SystemTime,
    pub(in crate::simulated::apiserver) nodes: u32,
    pub(in crate::simulated::apiserver) annotations: BTreeMap<String, String>,
    pub(in crate::simulated::apiserver) version: u64,
}

impl DaemonSet {
    /// One that was created so long ago.
    pub(in crate::simulated::apiserver) fn new(
        namespace: &str,
        name: &str,
        age: Duration,
        nodes: u32,
    ) -> Self {
        let created = SystemTime::now().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH);
        let annotations = [("deprecated.daemonset.template.generation".to_owned(), "1".to_owned())].into();
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            created,
            nodes,
            annotations,
            version: super::FIRST,
        }
    }

    /// As the server sends it.
    pub(in crate::simulated::apiserver) fn object(&self) -> Value {
        let labels = json!({"app.kubernetes.io/name": self.name});
        json!({
            "kind": "DaemonSet", "apiVersion": "apps/v1",
            "metadata": {
                "name": self.name, "namespace": self.namespace, "uid": super::uid(&self.namespace, &self.name),
                "resourceVersion": self.version.to_string(), "generation": 1,
                "creationTimestamp": humantime::format_rfc3339_seconds(self.created).to_string(),
                "labels": labels, "annotations": self.annotations, "managedFields": managed_fields(MANAGED),
            },
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "containers": [{"name": self.name, "image": "registry.example/tare:0.1.0"}],
                        "serviceAccountName": self.name,
                    },
                },
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
                "revisionHistoryLimit": 10,
            },
            "status": {
                "currentNumberScheduled": self.nodes, "numberMisscheduled": 0,
                "desiredNumberScheduled": self.nodes, "numberReady": self.nodes, "observedGeneration": 1,
            },
        })
    }
}

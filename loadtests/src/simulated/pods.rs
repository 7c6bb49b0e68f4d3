//! Pods of a busy cluster as the API server holds them, of a size that can be chosen. Pure.

use serde_json::{Value, json};

use crate::real::cluster::pods::Pod;

/// What a pod weighs on the wire in an ordinary cluster, in bytes.
pub const ORDINARY: usize = 6_500;

/// A pod that runs on a node, brought to `bytes` of JSON, or as many as it takes without padding if that is more. The number decides
/// namespace, owner, name and address: two pods with different numbers differ in all that has to be unique.
pub fn running(number: usize, node: &str, bytes: usize) -> Value {
    let pod = Pod { number, node: 0 };
    let mut object = pod.object();
    object["spec"]["nodeName"] = node.into();
    object["metadata"]["namespace"] = pod.namespace().into();
    object["status"] = pod.running()["status"].take();
    let short = bytes.saturating_sub(object.to_string().len());
    if short > MANAGED {
        object["metadata"]["managedFields"] = managed_fields(short - MANAGED);
    }
    object
}

/// What managed fields take beside their padding.
const MANAGED: usize = 150;

/// Who owns which field: the part of a real pod that nobody reads, and about a third of it.
pub(super) fn managed_fields(bytes: usize) -> Value {
    const FIELD: &str = "f:containers";
    let each = format!("\"{FIELD}-0000\":{{}},").len();
    let fields: serde_json::Map<_, _> =
        (0..bytes / each).map(|number| (format!("{FIELD}-{number:04}"), json!({}))).collect();
    json!([{
        "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields, "manager": "kubelet",
        "operation": "Update", "subresource": "status", "time": "2026-11-20T09:30:00Z",
    }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_has_the_size_that_was_asked_for_within_a_tenth() {
        for bytes in [6_500, 12_000, 40_000] {
            let found = running(7, "node-7", bytes).to_string().len();
            assert!(found.abs_diff(bytes) < bytes / 10, "{found} instead of {bytes}");
        }
        assert_eq!(running(7, "node-7", 0)["spec"]["nodeName"], "node-7");
    }
}

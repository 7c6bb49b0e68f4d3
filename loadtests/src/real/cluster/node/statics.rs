//! Static pods: the kubelet runs what it finds in a folder, with or without an API server.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Value, json};

use super::templates;

/// The kubelet's folder of manifests.
pub(super) const FOLDER: &str = "/var/lib/manifests";

/// The namespace of every static pod.
pub(in crate::real) const NAMESPACE: &str = "kube-system";

/// Puts a static pod there; its mirror is called `NAME-NODE`.
///
/// # Errors
/// When the file cannot be written.
pub(in crate::real) fn put(name: &str) -> anyhow::Result<()> {
    // The kubelet takes whatever lies there, half written or not: it is moved in whole.
    let written = Path::new(FOLDER).with_extension(name);
    fs::write(&written, manifest(name).to_string())
        .and_then(|()| fs::rename(&written, path(name)))
        .with_context(|| format!("the manifest of {name}"))
}

/// Takes it away again.
///
/// # Errors
/// When it is not there.
pub(in crate::real) fn take(name: &str) -> anyhow::Result<()> {
    fs::remove_file(path(name)).with_context(|| format!("the manifest of {name}"))
}

fn path(name: &str) -> PathBuf {
    Path::new(FOLDER).join(format!("{name}.json"))
}

fn manifest(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": templates::labels(name)},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [
                templates::container("main", &["wave=2", "send=192.0.2.10:4000"]),
                templates::container("helper", &["hold=1"]),
            ],
        },
    })
}

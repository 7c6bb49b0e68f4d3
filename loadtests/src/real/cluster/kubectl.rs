//! kubectl, as a witness that shares no code with anything here.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};

use super::{Cluster, SERVER};

impl Cluster {
    /// What `kubectl` prints, with the rights of [`Cluster::admin`].
    ///
    /// # Errors
    /// When it is not installed or fails.
    pub(in crate::real) fn kubectl<const N: usize>(&self, arguments: [&str; N]) -> anyhow::Result<String> {
        let output = Command::new("kubectl")
            .arg(format!("--kubeconfig={}", self.kubeconfig()?.display()))
            // By default it keeps answers in the home folder, where they outlive the run.
            .arg(format!("--cache-dir={}", self.folder.join("kubectl").display()))
            .args(arguments)
            .output()
            .context("kubectl is needed")?;
        if !output.status.success() {
            bail!("kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn kubeconfig(&self) -> anyhow::Result<PathBuf> {
        let file = |name: &str| self.pki.path(name);
        let config = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "real",
            "clusters": [{"name": "real", "cluster": {
                "server": format!("https://{SERVER}"), "certificate-authority": file("ca.pem"),
            }}],
            "users": [{"name": "admin", "user": {
                "client-certificate": file("admin.pem"), "client-key": file("admin.key"),
            }}],
            "contexts": [{"name": "real", "context": {"cluster": "real", "user": "admin"}}],
        });
        let path = self.folder.join("kubeconfig");
        fs::write(&path, config.to_string()).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }
}

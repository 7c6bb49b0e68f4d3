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
            .arg(format!("--kubeconfig={}", self.kubeconfig("admin")?.display()))
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

    /// A file with which the owner of the certificate `FILE.pem` finds the API server.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(in crate::real) fn kubeconfig(&self, user: &str) -> anyhow::Result<PathBuf> {
        let file = |name: &str| self.pki.path(name);
        let config = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "real",
            "clusters": [{"name": "real", "cluster": {
                "server": format!("https://{SERVER}"), "certificate-authority": file("ca.pem"),
            }}],
            "users": [{"name": user, "user": {
                "client-certificate": file(&format!("{user}.pem")), "client-key": file(&format!("{user}.key")),
            }}],
            "contexts": [{"name": "real", "context": {"cluster": "real", "user": user}}],
        });
        let path = self.folder.join(format!("{user}.kubeconfig"));
        fs::write(&path, config.to_string()).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }
}

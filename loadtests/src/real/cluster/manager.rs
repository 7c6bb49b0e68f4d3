//! The controller manager: it makes the pods of Deployments and their like, and the service accounts and authority that pods mount.

use std::process::Command;

use super::pki::Subject;
use super::{Cluster, SERVER};
use crate::real::env::Env;
use crate::real::program::Program;

/// Every controller but those that judge nodes: a node of a check is silent only because the check made it so.
const CONTROLLERS: &str = "*,-node-lifecycle-controller,-taint-eviction-controller";

impl Cluster {
    /// Starts the controller manager. It outlives the API server and goes on when that comes back.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(in crate::real) fn start_manager(&mut self, env: &Env) -> anyhow::Result<()> {
        const USER: &str = "system:kube-controller-manager";
        self.pki.sign(Subject { file: "manager", name: USER, group: None, addresses: &[] })?;
        let file = |name: &str| self.pki.path(name).display().to_string();
        let mut command = Command::new(env.program("kube-controller-manager")?);
        command.args([
            format!("--kubeconfig={}", self.kubeconfig("manager")?.display()),
            // Its certificate alone may do little: each controller has an account and a role of its own.
            "--use-service-account-credentials=true".to_owned(),
            format!("--service-account-private-key-file={}", file("accounts.key")),
            format!("--root-ca-file={}", file("ca.pem")),
            format!("--cert-dir={}", env.path("manager").display()),
            format!("--bind-address={}", SERVER.ip()),
            "--leader-elect=false".to_owned(),
            format!("--controllers={CONTROLLERS}"),
        ]);
        self.manager = Some(Program::start("kube-controller-manager", command, self.log("manager"))?);
        Ok(())
    }
}

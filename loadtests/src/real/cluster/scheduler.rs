//! The scheduler: pods of DaemonSets are bound by it like all others.

use std::process::Command;

use super::pki::Subject;
use super::{Cluster, SERVER};
use crate::real::env::Env;
use crate::real::program::Program;

impl Cluster {
    /// Starts the scheduler. It outlives the API server and goes on when that comes back.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(in crate::real) fn start_scheduler(&mut self, env: &Env) -> anyhow::Result<()> {
        const USER: &str = "system:kube-scheduler";
        self.pki.sign(Subject { file: "scheduler", name: USER, group: None, addresses: &[] })?;
        let mut command = Command::new(env.program("kube-scheduler")?);
        command.args([
            format!("--kubeconfig={}", self.kubeconfig("scheduler")?.display()),
            format!("--cert-dir={}", env.path("scheduler").display()),
            format!("--bind-address={}", SERVER.ip()),
            "--leader-elect=false".to_owned(),
        ]);
        self.scheduler = Some(Program::start("kube-scheduler", command, self.log("scheduler"))?);
        Ok(())
    }
}

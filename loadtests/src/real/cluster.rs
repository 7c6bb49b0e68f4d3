//! A real control plane for checks: etcd and the API server, on loopback, started, hurt and stopped at will.
//!
//! It lives in the check's own network and pid namespaces, so its ports are fixed, and whatever kills the runner
//! ends it. There are no nodes and no controllers unless the check starts them ([`node`], [`manager`]): what it does not
//! create does not exist, and what it creates stays as it is.

pub(super) mod accounts;
pub(crate) mod audit;
pub(super) mod flags;
pub(crate) mod http;
mod kubectl;
mod manager;
pub(super) mod node;
pub(crate) mod objects;
mod pki;
pub(crate) mod pods;
pub(super) mod populate;
mod scheduler;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::Signal;
use rustls::ClientConfig;

use self::flags::Progress;
use self::http::{Client, Form};
use self::pki::Pki;
use super::env::Env;
use super::program::Program;
use super::recipes::{self, Need};

/// What a check with a cluster needs built.
pub(super) const NEEDS: &[Need] = &[recipes::ETCD, recipes::KUBE_APISERVER];

/// Where the API server of any [`Cluster`] listens.
pub(super) const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 6443);

/// The address by which pods find the API server: the first of the range of services.
pub(super) const SERVICE: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 1);

/// An idle machine takes 10 s; a busy one has been seen to take six times that.
const READY: Duration = Duration::from_mins(3);

/// How long a program may take to end in order. While a watch is open the API server takes a minute.
const PATIENCE: Duration = Duration::from_mins(2);

/// A running control plane. Dropping it kills it.
pub(super) struct Cluster {
    folder: PathBuf,
    programs: [PathBuf; 2],
    pki: Pki,
    policy: PathBuf,
    progress: Progress,
    // Dropped in this order.
    manager: Option<Program>,
    scheduler: Option<Program>,
    server: Option<Program>,
    etcd: Option<Program>,
    /// How often each has been started: no log is written over.
    starts: usize,
}

/// What checks want otherwise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setup {
    /// How often etcd tells of its progress.
    pub(super) progress: Progress,
    /// What is written of each request: [`flags::AUDIT_POLICY`] or [`flags::AUDIT_REVIEWS`].
    pub(super) audit: &'static str,
}

impl Default for Setup {
    fn default() -> Self {
        Self { progress: Progress::Often, audit: flags::AUDIT_POLICY }
    }
}

/// etcd's data at one moment.
#[derive(Debug)]
pub(super) struct Snapshot(PathBuf);

impl Cluster {
    /// Starts an empty cluster and waits until it is ready.
    ///
    /// # Errors
    /// When a program is missing or does not come up; the message holds the end of its log.
    pub(super) fn start(env: &Env) -> anyhow::Result<Self> {
        Self::start_with(env, Setup::default())
    }

    /// The same, set up otherwise.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub(super) fn start_with(env: &Env, setup: Setup) -> anyhow::Result<Self> {
        let mut cluster = Self {
            folder: env.path(""),
            programs: [env.program("etcd")?.to_path_buf(), env.program("kube-apiserver")?.to_path_buf()],
            pki: Pki::make(&env.path("pki"))?,
            policy: env.file("audit-policy.yaml", setup.audit)?,
            progress: setup.progress,
            manager: None,
            scheduler: None,
            server: None,
            etcd: None,
            starts: 0,
        };
        cluster.start_etcd()?;
        cluster.start_server()?;
        Ok(cluster)
    }

    /// A client that may do everything and is never queued.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(super) fn admin(&self) -> anyhow::Result<Client> {
        Ok(asking(self.pki.admin_tls()?, None, "tare-real/admin"))
    }

    /// A client with a bearer token, for which Priority & Fairness counts.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(super) fn client(&self, token: &str, user_agent: &str) -> anyhow::Result<Client> {
        Ok(asking(self.pki.tls()?, Some(token.to_owned()), user_agent))
    }

    /// The process id of the API server.
    ///
    /// # Errors
    /// When it does not run.
    pub(super) fn server_pid(&self) -> anyhow::Result<u32> {
        Ok(self.server.as_ref().context("the API server does not run")?.pid())
    }

    /// The log of the API server that was started last.
    pub(super) fn server_log(&self) -> PathBuf {
        self.log("kube-apiserver")
    }

    /// The audit log, which all API servers of this cluster write on.
    pub(super) fn audit_log(&self) -> PathBuf {
        // Not *.log: it is nothing for people to read when a check fails.
        self.folder.join("audit.jsonl")
    }

    /// The file with the certificate of the authority that signed the API server's.
    pub(super) fn authority(&self) -> PathBuf {
        self.pki.path("ca.pem")
    }

    /// Fails if a program that should run has ended.
    ///
    /// # Errors
    /// When one has, with the end of its log.
    pub(super) fn alive(&mut self) -> anyhow::Result<()> {
        [&mut self.etcd, &mut self.server, &mut self.manager, &mut self.scheduler]
            .into_iter()
            .flatten()
            .try_for_each(Program::alive)
    }

    /// Starts the API server, on the same port and the same data as before.
    ///
    /// # Errors
    /// When it is not ready in time.
    pub(super) fn start_server(&mut self) -> anyhow::Result<()> {
        self.launch_server()?;
        self.wait_ready()
    }

    /// Starts the API server and does not wait for anything.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn launch_server(&mut self) -> anyhow::Result<()> {
        self.starts += 1;
        let mut command = Command::new(&self.programs[1]);
        command.args(flags::server(&self.pki, &self.policy, &self.audit_log()));
        let log = self.log("kube-apiserver");
        self.server = Some(Program::start("kube-apiserver", command, log)?);
        Ok(())
    }

    /// Waits until the API server says that it is ready.
    ///
    /// # Errors
    /// When it is not in time, or ends.
    pub(super) fn wait_ready(&mut self) -> anyhow::Result<()> {
        let admin = self.admin()?;
        let until = Instant::now() + READY;
        loop {
            self.alive()?;
            if admin.get("/readyz").is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            if Instant::now() > until {
                let said = admin.get("/readyz?verbose").map(|answer| answer.body);
                bail!("the API server is not ready after {READY:?}: {said:?}");
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Asks the API server to end and waits; watches end with it.
    ///
    /// # Errors
    /// When it does not end in time.
    pub(super) fn stop_server(&mut self) -> anyhow::Result<()> {
        if let Some(mut server) = self.server.take() {
            server.terminate(PATIENCE)?;
        }
        Ok(())
    }

    /// Kills the API server as a crash would.
    pub(super) fn kill_server(&mut self) {
        self.server = None;
    }

    /// Stops the API server in the middle of whatever it does: connections stay open, nothing is answered.
    ///
    /// # Errors
    /// When it does not run.
    pub(super) fn pause_server(&self) -> anyhow::Result<()> {
        self.server.as_ref().context("the API server does not run")?.signal(Signal::STOP)
    }

    /// Lets a paused API server go on.
    ///
    /// # Errors
    /// When it does not run.
    pub(super) fn resume_server(&self) -> anyhow::Result<()> {
        self.server.as_ref().context("the API server does not run")?.signal(Signal::CONT)
    }

    /// Copies what etcd holds now. It is stopped for that moment, so the copy is what a crash would leave, which
    /// etcd recovers from like any other.
    ///
    /// # Errors
    /// When it does not run or the copy fails.
    pub(super) fn snapshot(&self, name: &str) -> anyhow::Result<Snapshot> {
        let to = self.folder.join(format!("snapshot-{name}"));
        let etcd = self.etcd.as_ref().context("etcd does not run")?;
        etcd.signal(Signal::STOP)?;
        let copied = copy(&self.data(), &to);
        etcd.signal(Signal::CONT)?;
        copied?;
        Ok(Snapshot(to))
    }

    /// Goes back to a snapshot, as somebody does who restores a backup: revisions are used a second time.
    ///
    /// # Errors
    /// When a program does not end or does not come up.
    pub(super) fn restore(&mut self, snapshot: &Snapshot) -> anyhow::Result<()> {
        self.kill_server();
        if let Some(mut etcd) = self.etcd.take() {
            etcd.terminate(PATIENCE)?;
        }
        fs::remove_dir_all(self.data())?;
        copy(&snapshot.0, &self.data())?;
        self.start_etcd()?;
        self.start_server()
    }

    fn start_etcd(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new(&self.programs[0]);
        command.args(flags::etcd(&self.data(), self.progress));
        self.etcd = Some(Program::start("etcd", command, self.log("etcd"))?);
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.folder.join("etcd")
    }

    fn log(&self, program: &str) -> PathBuf {
        self.folder.join(format!("{program}-{}.log", self.starts))
    }
}

fn asking(tls: Arc<ClientConfig>, token: Option<String>, user_agent: &str) -> Client {
    asking_at(SERVER, tls, token, user_agent)
}

fn asking_at(address: SocketAddr, tls: Arc<ClientConfig>, token: Option<String>, user_agent: &str) -> Client {
    Client {
        address,
        tls,
        token,
        user_agent: user_agent.to_owned(),
        patience: http::PATIENCE,
        form: Form::Json,
    }
}

/// Copies a folder with everything below it.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| format!("creating {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), &to).with_context(|| format!("copying to {}", to.display()))?;
        }
    }
    Ok(())
}

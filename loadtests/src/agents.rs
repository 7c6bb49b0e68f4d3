//! The product's own driver, many times in one process: gate, ledger, state machine and client as they ship. Only the
//! state directory is a variable instead of a folder, so that an agent can be killed without saving anything.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use shared_informer::activation::{Step, Steps};
use shared_informer::carried::DEFAULT_BOUND;
use shared_informer::client::{Address, Connector, Source};
use shared_informer::clock::Wall;
use shared_informer::clocks::Clocks;
use shared_informer::declaration::{Cluster, Declaration};
use shared_informer::derive::Kubelet;
use shared_informer::distress::Change;
use shared_informer::driver::{Driver, Handle, Host};
use shared_informer::index::{Limits, Snapshot};
use shared_informer::informer::Informer;
use shared_informer::informer::report::Report;
use shared_informer::informer::settings::{KnownSize, Memory, Settings, Spend};
use shared_informer::ledger::Scrape;
use shared_informer::phase::Salt;
use shared_informer::remembered::{Header, Remembered};
use shared_informer::reviews::Access;
use shared_informer::wire::exchange::Context;
use shared_informer::wire::request::{ObjectName, Target};
use shared_informer::wire::{Bounds, Kept};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use self::clocks::Shifted;
use crate::real::cluster::objects::PRODUCT;
use crate::real::cluster::pods::node_name;

mod clocks;

/// The version that the agents name in their user agent.
const VERSION: &str = "0.1.0-audit";

/// What every agent is configured with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fleet {
    /// How many agents there are.
    pub(crate) agents: usize,
    /// The declared ceiling of all of them together.
    pub(crate) requests_per_second: f64,
    /// What their LISTs may bring together.
    pub(crate) list_bytes_per_second: u64,
    /// Where the API server listens.
    pub(crate) port: u16,
}

/// All agents, on a thread and a runtime of their own. Dropping it kills them.
pub(crate) struct Agents {
    /// The agents' own.
    runtime: tokio::runtime::Handle,
    thread: Option<(oneshot::Sender<()>, std::thread::JoinHandle<()>)>,
    fleet: Fleet,
    account: PathBuf,
    pub(crate) all: Vec<Agent>,
}

/// One agent and what is left of it between two lives.
pub(crate) struct Agent {
    pub(crate) node: usize,
    pub(crate) clocks: Arc<Shifted>,
    handle: Handle,
    task: JoinHandle<()>,
    state: Arc<Mutex<Memory>>,
    /// How often it was killed.
    pub(crate) killed: usize,
}

/// The state directory of an agent.
struct State(Arc<Mutex<Memory>>);

impl State {
    fn change(&self, change: impl FnOnce(&mut Memory)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Host for State {
    fn save_spend(&mut self, spend: &Spend) {
        self.change(|memory| memory.spend = Some(spend.clone()));
    }

    fn save_size(&mut self, size: &KnownSize) {
        self.change(|memory| memory.size = Some(size.clone()));
    }

    fn save_index(&mut self, header: &Header, pods: &Arc<Snapshot>) {
        let pods = pods.pods().map(|found| (**found.pod).clone()).collect();
        self.change(|memory| memory.index = Some(Remembered { header: header.clone(), pods }));
    }

    // Nobody scrapes here, and what changes is seen in the reports.
    fn scrape(&mut self, _: Scrape, _: Salt) {}

    fn changed(&mut self, _: Change) {}

    fn trouble(&mut self, _: &str) {}
}

impl Agents {
    /// Starts all agents at once, on a cluster that none of them knows anything about. `account` is the folder that a
    /// pod would have mounted.
    pub(crate) fn start(fleet: Fleet, account: &Path) -> anyhow::Result<Self> {
        let running = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let runtime = running.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("agents".to_owned()).spawn(move || {
            // Sent or dropped: both are the end.
            drop(running.block_on(stopped));
        })?;
        let (thread, account) = (Some((stop, thread)), account.to_path_buf());
        let mut agents = Self { runtime, thread, fleet, account, all: Vec::new() };
        for node in 0..fleet.agents {
            let (clocks, state) = (Arc::default(), Arc::default());
            let (handle, task) = agents.live(node, &clocks, &state)?;
            agents.all.push(Agent { node, clocks, handle, task, state, killed: 0 });
        }
        Ok(agents)
    }

    fn live(
        &self,
        node: usize,
        clocks: &Arc<Shifted>,
        state: &Arc<Mutex<Memory>>,
    ) -> anyhow::Result<(Handle, JoinHandle<()>)> {
        let name = node_name(node);
        let memory = state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let informer = Informer::new(settings(&name, self.fleet)?, memory, clocks.now())?;
        let address = Address::new(IpAddr::V4(Ipv4Addr::LOCALHOST), self.fleet.port);
        let source = Source::InCluster { address, account: self.account.clone() };
        let clocks: Arc<dyn Clocks> = Arc::clone(clocks) as Arc<dyn Clocks>;
        let connector = Connector::new(source, VERSION, &name, Arc::clone(&clocks))?;
        let daemon_set = Some(ObjectName { namespace: PRODUCT.into(), name: PRODUCT.into() });
        let context = Context {
            target: Target { node: name.into(), daemon_set },
            keep: Kept::new((|_: &str| true, |_: &str| false)),
            bounds: Bounds::default(),
            clocks,
        };
        let host = Box::new(State(Arc::clone(state)));
        let (driver, handle) = Driver::new(informer, connector, None, context, host);
        Ok((handle, self.runtime.spawn(driver.run())))
    }

    /// Ends an agent as `kill -9` does and starts it again with what it had saved.
    pub(crate) fn kill(&mut self, which: usize) -> anyhow::Result<()> {
        self.kill_these(which..which + 1)
    }

    /// Ends every agent as `kill -9` does and starts all of them again at one moment.
    pub(crate) fn kill_all(&mut self) -> anyhow::Result<()> {
        self.kill_these(0..self.all.len())
    }

    fn kill_these(&mut self, which: Range<usize>) -> anyhow::Result<()> {
        let killed = self.all.get(which.clone()).context("no such agent")?;
        for agent in killed {
            agent.task.abort();
        }
        // Gone, before the next life begins.
        while !killed.iter().all(|agent| agent.task.is_finished()) {
            std::thread::sleep(Duration::from_millis(1));
        }
        for which in which {
            let agent = self.all.get(which).context("no such agent")?;
            let (handle, task) = self.live(agent.node, &agent.clocks, &agent.state)?;
            let agent = self.all.get_mut(which).context("no such agent")?;
            (agent.handle, agent.task) = (handle, task);
            agent.killed += 1;
        }
        Ok(())
    }

    /// What every agent publishes now. Not for those who have a runtime of their own: see [`Agents::ask`].
    pub(crate) fn reports(&self) -> anyhow::Result<Vec<Report>> {
        self.runtime.block_on(self.ask())
    }

    /// What every agent publishes now.
    pub(crate) async fn ask(&self) -> anyhow::Result<Vec<Report>> {
        let mut reports = Vec::with_capacity(self.all.len());
        for agent in &self.all {
            reports.push(*agent.handle.report().await?);
        }
        Ok(reports)
    }
}

impl Drop for Agents {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.thread.take() {
            drop(stop);
            // The runtime ends with its thread, and every agent with the runtime.
            drop(thread.join());
        }
    }
}

impl Agent {
    /// How the API server's log names it.
    pub(crate) fn user_agent(&self) -> String {
        format!("tare/{VERSION} ({})", node_name(self.node))
    }

    /// The time, as it sees it.
    pub(crate) fn now(&self) -> Wall {
        self.clocks.now().wall
    }

    /// Its index.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.handle.reader().snapshot()
    }
}

fn settings(node: &str, fleet: Fleet) -> anyhow::Result<Settings> {
    let agents = u32::try_from(fleet.agents)?;
    Ok(Settings {
        node: node.into(),
        declaration: Declaration::new(fleet.requests_per_second, fleet.list_bytes_per_second, 1.0)?,
        // The hint counts twice: what is used before the first probe is the true number.
        cluster: Cluster::new(None, agents / 2, agents)?,
        kubelet: Kubelet { access: Access::Off, period: Duration::from_mins(1), subresources: 1 },
        steps: Steps::new(vec![Step { share: 1.0, after: Duration::ZERO }])?,
        has_daemonset: true,
        off: false,
        dry_run: false,
        max_pods: 110,
        carried_bound: DEFAULT_BOUND,
        index: Limits::default(),
    })
}

/// Writes what the kubelet would mount: the cluster's authority and the account's token.
pub(crate) fn mount_account(folder: &Path, authority: &Path, token: &str) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    fs::copy(authority, folder.join("ca.crt"))?;
    fs::write(folder.join("token"), token)?;
    Ok(())
}

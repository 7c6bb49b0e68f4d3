//! Everything around the agent that the demo plays: an API server, a kubelet, other nodes' agents, and the acts of the story.
//!
//! All of it listens on loopback and runs on the demo's own runtime; what belongs on a disk lies in a temporary folder. The
//! bill is the API server's own count.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use tare::control::client;
use tare::control::protocol::{Answer, Request};
use tare::control::status::Budget;
use tempfile::TempDir;

use super::agent_process::AgentProcess;
use super::bill::Bill;
use super::board::Shared;
use super::story::{Act, Chapter, Story};
use super::verdict::Seen;
use super::view::{Fleet, World};
use crate::agents::{self, Agents};
use crate::simulated::apiserver::{Arrival, Health, Options, Server};
use crate::simulated::kubelet::{self, Kubelet};
use crate::simulated::pods;

/// What the cluster is told tare may cost: the default.
const REQUESTS_PER_SECOND: u32 = 50;
/// The same of LISTs: the default.
const LIST_BYTES_PER_SECOND: u64 = 16 << 20;
/// Pods on this machine's simulated node.
const PODS: usize = 12;
/// What this machine is called in the simulated cluster.
const NODE: &str = "this-machine";
/// The agents' account.
const ACCOUNT: &str = "system:serviceaccount:tare:tare";
/// How often the agent is asked how it does.
const ASK: Duration = Duration::from_secs(1);

/// The stage and what was seen on it.
pub(super) struct Stage {
    server: Server,
    kubelet: Kubelet,
    fleet: Agents,
    folder: TempDir,
    story: Story,
    began: SystemTime,
    /// How many arrivals are in the bill.
    noted: usize,
    asked: Duration,
    paused_at: Option<Duration>,
    pub(super) world: World,
    pub(super) seen: Seen,
}

impl Stage {
    /// Starts everything but the agent.
    pub(super) async fn start(nodes: u16, interval: Duration) -> anyhow::Result<Self> {
        let agents = u32::from(nodes) + 1;
        let server = Server::start(Options { nodes: agents, ..Options::default() }).await?;
        let store = server.store();
        for number in 0..PODS {
            store.add_pod(pods::running(number, NODE, pods::ORDINARY))?;
        }
        let kubelet = Kubelet::start(
            kubelet::Options { node: NODE.to_owned(), ..kubelet::Options::default() },
            &server,
        )
        .await?;
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let token = server.token(ACCOUNT);
        fs::write(folder.path().join("token"), &token)?;
        fs::write(folder.path().join("ca.crt"), server.authority_pem())?;
        fs::write(folder.path().join("kubelet.crt"), kubelet.authority_pem())?;
        let fleet = agents::Fleet {
            agents: usize::from(nodes),
            requests_per_second: REQUESTS_PER_SECOND.into(),
            list_bytes_per_second: LIST_BYTES_PER_SECOND,
            port: server.address().port(),
        };
        let fleet = Agents::start(fleet, folder.path())?;
        let world = World {
            chapter: Chapter::Arriving,
            bill: Bill::new(REQUESTS_PER_SECOND),
            is_up: true,
            watches: 0,
            kinds: BTreeMap::new(),
            fleet: Fleet::default(),
            agent: None,
        };
        Ok(Self {
            server,
            kubelet,
            fleet,
            folder,
            story: Story::default(),
            began: SystemTime::now(),
            noted: 0,
            asked: Duration::ZERO,
            paused_at: None,
            world,
            seen: Seen { interval, ..Seen::default() },
        })
    }

    /// What the agent's configuration says of the cluster.
    pub(super) fn configuration(&self) -> anyhow::Result<String> {
        let file = |name: &str| self.folder.path().join(name);
        let kubeconfig = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "demo",
            "contexts": [{"name": "demo", "context": {"cluster": "demo", "user": "demo"}}],
            "clusters": [{"name": "demo", "cluster": {
                "server": format!("https://{}", self.server.address()), "certificate-authority": file("ca.crt"),
            }}],
            "users": [{"name": "demo", "user": {"tokenFile": file("token")}}],
        });
        let path = file("kubeconfig");
        fs::write(&path, kubeconfig.to_string())?;
        let mut text = String::new();
        let address = self.kubelet.address();
        let ip: IpAddr = address.ip();
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "slo: {{control_plane: {{requests_per_second: {REQUESTS_PER_SECOND}}}}}\n\
             cluster: {{size: {}}}\n\
             kube: {{kubeconfig: {}, node_name: {NODE}}}\n\
             kubelet: {{access: token, address: {ip}, port: {}, period: 10s, token_file: {}, ca_file: {}}}\n",
            self.world_size(),
            path.display(),
            address.port(),
            file("token").display(),
            file("kubelet.crt").display(),
        );
        Ok(text)
    }

    fn world_size(&self) -> usize {
        1 + self.fleet.all.len()
    }

    /// Lets happen what is due and looks at everything.
    pub(super) async fn go_on(&mut self, shared: &Shared, agent: &AgentProcess) -> anyhow::Result<()> {
        let elapsed = shared.start.elapsed();
        self.world.chapter = Chapter::at(elapsed);
        while let Some(act) = self.story.due(elapsed) {
            self.act(act, elapsed, shared, agent)?;
        }
        self.look(elapsed);
        if elapsed >= self.asked {
            self.asked = elapsed + ASK;
            self.ask(agent);
            self.look_at_fleet().await;
        }
        Ok(())
    }

    fn act(
        &mut self,
        act: Act,
        elapsed: Duration,
        shared: &Shared,
        agent: &AgentProcess,
    ) -> anyhow::Result<()> {
        match act {
            Act::Kill => {
                self.ask(agent);
                self.seen.watched[0] = Some(self.has_watch());
                shared.lock().begin_silence();
                self.server.set_health(Health::Down);
                self.world.is_up = false;
            }
            Act::Revive => {
                self.seen.silence = Some(shared.lock().silence(elapsed));
                self.server.set_health(Health::Good);
                self.world.is_up = true;
            }
            Act::Pause => {
                agent.pause().context("the pause file")?;
                self.paused_at = Some(elapsed);
                self.seen.after_pause = Some(Duration::ZERO);
            }
            Act::Resume => {
                agent.resume().context("the pause file")?;
                self.paused_at = None;
            }
        }
        Ok(())
    }

    /// Brings the bill and what is said of everybody up to date.
    fn look(&mut self, elapsed: Duration) {
        let counts = self.server.counts();
        for arrival in counts.arrivals().get(self.noted..).unwrap_or_default() {
            let at = arrival.at.duration_since(self.began).unwrap_or_default();
            self.world.bill.note(at);
            *self
                .world
                .kinds
                .entry(format!("{} {}", arrival.kind.verb, arrival.kind.resource))
                .or_default() += 1;
            if let Some(paused) = self.paused_at.filter(|_| is_own(arrival)) {
                let after = at.saturating_sub(paused);
                self.seen.after_pause = self.seen.after_pause.max(Some(after));
            }
        }
        self.noted = counts.total();
        self.world.bill.pass(elapsed);
        self.world.watches = self.server.store().watches();
        self.seen.worst = (self.world.bill.worst, self.world.bill.ceiling);
    }

    async fn look_at_fleet(&mut self) {
        let Ok(reports) = self.fleet.ask().await else { return };
        self.world.fleet = Fleet {
            agents: reports.len(),
            watching: reports.iter().filter(|report| report.watch_open.is_some()).count(),
            in_distress: reports.iter().filter(|report| report.state.as_str() != "ok").count(),
        };
    }

    fn ask(&mut self, agent: &AgentProcess) {
        if let Ok(Answer::Status(status)) = client::ask(&agent.socket(), Request::Status) {
            self.world.agent = Some(status);
        }
    }

    fn has_watch(&self) -> bool {
        let budget = self.world.agent.as_ref().and_then(|status| status.budget.as_ref());
        budget.is_some_and(|budget| budget.watch.open_s.is_some())
    }

    /// The last look, while the agent still answers: the books are compared.
    pub(super) fn look_at_the_end(&mut self, shared: &Shared, agent: &AgentProcess) {
        self.look(shared.start.elapsed());
        self.ask(agent);
        if self.seen.after_pause.is_some() && shared.start.elapsed() >= super::story::LENGTH {
            self.seen.watched[1] = Some(self.has_watch());
        }
        let own = self.server.counts().only(is_own).total();
        let books = self.world.agent.as_ref().and_then(|status| status.budget.as_ref()).map(books);
        self.seen.books = books.map(|[answered, unanswered]| (answered, unanswered, own as u64));
    }
}

/// Whether it is the agent of this machine that asked, and not its kubelet.
fn is_own(arrival: &Arrival) -> bool {
    arrival.kind.user_agent.starts_with("tare/") && arrival.kind.user_agent.contains(NODE)
}

/// Requests of the agent itself in its own books: answered, and without an answer.
fn books(budget: &Budget) -> [u64; 2] {
    let direct = budget.requests.iter().filter(|row| !row.reason.ends_with("_review"));
    direct.fold([0, 0], |[answered, unanswered], row| {
        if row.status == "none" {
            [answered, unanswered + row.count]
        } else {
            [answered + row.count, unanswered]
        }
    })
}

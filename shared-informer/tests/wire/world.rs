//! One agent's informer as `tare run` builds it, with clocks by hand, a state directory in memory, and the server.

use std::fs;
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared_informer::activation::Steps;
use shared_informer::carried::DEFAULT_BOUND;
use shared_informer::client::{Connector, Source};
use shared_informer::clocks::Clocks as _;
use shared_informer::counts::{Counts, Reason, Status};
use shared_informer::declaration::{Cluster, Declaration};
use shared_informer::derive::Kubelet;
use shared_informer::distress::Change;
use shared_informer::driver::{Driver, Handle, Host};
use shared_informer::gate::Tally;
use shared_informer::index::{Limits, Snapshot};
use shared_informer::informer::Informer;
use shared_informer::informer::report::Report;
use shared_informer::informer::settings::{KnownSize, Memory, Settings, Spend};
use shared_informer::ledger::Scrape;
use shared_informer::phase::Salt;
use shared_informer::remembered::Header;
use shared_informer::reviews::Access;
use shared_informer::wire::exchange::Context;
use shared_informer::wire::request::{ObjectName, Target};
use shared_informer::wire::{Bounds, Kept};
use tokio::task::JoinSet;

use crate::clock::ByHand;
use crate::server::{Kind, Server};

/// What a wait is given; only a broken informer takes so long.
const LIMIT: Duration = Duration::from_mins(1);

/// What the driver handed over, in its order.
#[derive(Default)]
pub(crate) struct Handed {
    pub(crate) spends: Vec<Spend>,
    pub(crate) sizes: usize,
    pub(crate) indexes: Vec<(Header, usize)>,
    pub(crate) changes: Vec<Change>,
    pub(crate) troubles: Vec<String>,
}

struct InMemory(Arc<Mutex<Handed>>);

impl Host for InMemory {
    fn save_spend(&mut self, spend: &Spend) {
        self.0.lock().unwrap().spends.push(spend.clone());
    }

    fn save_size(&mut self, _: &KnownSize) {
        self.0.lock().unwrap().sizes += 1;
    }

    fn save_index(&mut self, header: &Header, pods: &Arc<Snapshot>) {
        self.0.lock().unwrap().indexes.push((header.clone(), pods.len()));
    }

    fn scrape(&mut self, _: Scrape, _: Salt) {}

    fn changed(&mut self, change: Change) {
        self.0.lock().unwrap().changes.push(change);
    }

    fn trouble(&mut self, what: &str) {
        self.0.lock().unwrap().troubles.push(what.to_owned());
    }
}

/// How a world begins.
pub(crate) struct Setup {
    /// The cluster's size, or that it has to be asked for.
    pub(crate) nodes: Option<u32>,
    /// Lines of the kubeconfig's `cluster` and `user`, in flow style.
    pub(crate) cluster: String,
    pub(crate) user: String,
    pub(crate) bounds: Bounds,
    /// How long ago an earlier life had its last turn; none if there was none.
    pub(crate) silence: Option<Duration>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            nodes: Some(1),
            cluster: String::new(),
            user: String::new(),
            bounds: Bounds::default(),
            silence: None,
        }
    }
}

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) clocks: Arc<ByHand>,
    pub(crate) handle: Handle,
    pub(crate) kept: Arc<Mutex<Handed>>,
    pub(crate) connector: Connector,
    pub(crate) denied: Tally,
    pub(crate) driver: JoinSet<()>,
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) fn settings(nodes: Option<u32>) -> Settings {
    Settings {
        node: "node-1".into(),
        declaration: Declaration::new(50.0, 16 << 20, 1.0).unwrap(),
        cluster: Cluster::new(nodes, 0, 10).unwrap(),
        kubelet: Kubelet { access: Access::Off, period: Duration::from_mins(1), subresources: 1 },
        steps: Steps::default(),
        has_daemonset: nodes.is_none(),
        off: false,
        dry_run: false,
        max_pods: 110,
        carried_bound: DEFAULT_BOUND,
        index: Limits::default(),
    }
}

fn kubeconfig(folder: &Path, server: &str, setup: &Setup) -> Source {
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: k, user: u}}}}]\n\
         clusters: [{{name: k, cluster: {{server: '{server}', {}}}}}]\nusers: [{{name: u, user: {{{}}}}}]\n",
        setup.cluster, setup.user
    );
    let path = folder.join("config");
    fs::write(&path, text).unwrap();
    Source::Kubeconfig { path, context: None }
}

impl World {
    pub(crate) async fn start(setup: Setup) -> Self {
        Self::with_server(Server::start(None).await, "http", tempfile::tempdir().unwrap(), &setup)
    }

    pub(crate) fn with_server(
        server: Server,
        scheme: &str,
        folder: tempfile::TempDir,
        setup: &Setup,
    ) -> Self {
        let clocks = Arc::new(ByHand::new());
        let source = kubeconfig(folder.path(), &format!("{scheme}://{}", server.address()), setup);
        let connector = Connector::new(source, "0.1.0", "node-1", Arc::clone(&clocks) as _).unwrap();
        let spend = setup.silence.map(|silence| {
            let last = clocks.now().wall.minus(silence);
            Spend { since: last, last_turn: Some(last), counts: Counts::new(), outstanding: Vec::new() }
        });
        let memory = Memory { spend, ..Memory::default() };
        let informer = Informer::new(settings(setup.nodes), memory, clocks.now()).unwrap();
        let daemon_set = ObjectName { namespace: "monitoring".into(), name: "tare".into() };
        let context = Context {
            target: Target { node: "node-1".into(), daemon_set: Some(daemon_set) },
            keep: Kept::new((|_: &str| true, |_: &str| false)),
            bounds: setup.bounds,
            clocks: Arc::clone(&clocks) as _,
        };
        let kept = Arc::new(Mutex::new(Handed::default()));
        let host = Box::new(InMemory(Arc::clone(&kept)));
        let denied = connector.denied().clone();
        let (driver, handle) = Driver::new(informer, connector.clone(), None, context, host);
        let mut tasks = JoinSet::new();
        tasks.spawn(driver.run());
        Self { server, clocks, handle, kept, connector, denied, driver: tasks, folder }
    }

    pub(crate) async fn report(&self) -> Box<Report> {
        self.handle.report().await.unwrap()
    }

    /// Waits until it is so.
    pub(crate) async fn until<F: Future<Output = bool>>(&self, what: &str, mut is: impl FnMut() -> F) {
        let wait = async {
            while !is().await {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        if tokio::time::timeout(LIMIT, wait).await.is_err() {
            let report = self.report().await;
            panic!(
                "never came: {what}; the server saw {:?}, the informer says {report:?}",
                self.server.seen()
            );
        }
    }

    /// Moves the clocks to the next own turn.
    pub(crate) async fn to_turn(&self) {
        let next = self.report().await.next_turn;
        self.clocks.pass(next.since(self.clocks.now().wall));
    }

    /// Goes from turn to turn until one of them has brought a request, and waits until the server has seen it.
    pub(crate) async fn turn(&self) {
        let before = self.saved_requests();
        for _ in 0..200 {
            self.to_turn().await;
            // The driver hears this after it has looked at the clocks.
            self.report().await;
            if self.saved_requests() > before {
                return;
            }
            self.clocks.pass(Duration::from_secs(6));
        }
        panic!("no request in 200 turns: {:?}", self.report().await);
    }

    /// Requests that were granted so far, by what was saved before each of them.
    fn saved_requests(&self) -> u64 {
        self.kept.lock().unwrap().spends.last().map_or(0, |spend| {
            spend.counts.total() + spend.outstanding.iter().map(|(_, number)| number).sum::<u64>()
        })
    }

    /// Waits until this many requests are counted, answered or cut off.
    pub(crate) async fn counted(&self, number: u64) {
        self.until(&format!("{number} counted requests"), || async {
            self.report().await.requests.total() >= number
        })
        .await;
    }

    /// The turn is over, and whatever has no answer with it.
    pub(crate) async fn end_turn(&self) {
        self.clocks.pass(Duration::from_secs(6));
        self.report().await;
    }

    pub(crate) async fn status_count(&self, reason: Reason, status: Status) -> u64 {
        let report = self.report().await;
        let of = |(key, count): (shared_informer::counts::Key, u64)| {
            if key.asked.reason == reason && key.status == status { count } else { 0 }
        };
        report.requests.iter().map(of).sum()
    }

    /// What the server saw is what the informer counted, kind by kind; nothing was denied on the way.
    pub(crate) async fn assert_counts_agree(&self) {
        let report = self.report().await;
        let seen = self.server.kinds();
        for (kind, reasons) in [
            (Kind::Size, &[Reason::Size][..]),
            (Kind::List, &[Reason::List, Reason::Relist]),
            (Kind::Watch, &[Reason::Watch]),
        ] {
            let counted = report.requests.iter().filter(|(key, _)| reasons.contains(&key.asked.reason));
            let counted: u64 = counted.map(|(_, count)| count).sum();
            let server = seen.iter().filter(|seen| **seen == kind).count() as u64;
            assert_eq!(counted, server, "{kind:?}: {:?}", report.requests);
        }
        assert_eq!(self.denied.iter().map(|(_, count)| count).sum::<u64>(), 0);
    }
}

//! The shared watch in the agent: from the configuration to a running driver, its files, its pause and its report.
//!
//! [`shared_informer`] decides and asks; this is the shell that gives it the state directory, the switch and the log, and
//! hands its report to self-telemetry and to `tare status`. Nothing of the agent waits for it: without an API server
//! every local metric goes on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shared_informer::activation::Steps;
use shared_informer::client::{self, Connector};
use shared_informer::clocks::{Clocks, System};
use shared_informer::declaration::Cluster;
use shared_informer::derive::DeriveError;
use shared_informer::driver::{Driver, Handle};
use shared_informer::freshness::WATCH_LIMIT;
use shared_informer::index::shared::Reader;
use shared_informer::informer::Informer;
use shared_informer::informer::settings::Memory;
use shared_informer::pod::Keep as _;
use shared_informer::remembered::ClusterId;
use shared_informer::wire::exchange::Context;
use shared_informer::wire::{Bounds, Kept};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::config::settings::{ApiServer, ControlPlane};
use crate::control::pause::Pause;
use crate::control::status;
use crate::control::switch::Switch;
use crate::enrich::Choice;
use crate::kubelet::desk::Desk;
use crate::kubelet::reader::{self, Reader as Kubelet};
use crate::kubelet::settings as kubelet;
use crate::kubelet::slots::{Budget, Desk as Slots};
use crate::lifecycle::{EarlyExit, Tasks};
use crate::rungs::Rung;
use crate::self_telemetry::kube_api::{KubeApi, Scraped};
use crate::state_dir::StateDir;

mod host;
mod settings;
mod view;

use host::StateHost;

/// How often the report is taken: `tare status` and the metrics are at most this old.
const REPORT: Duration = Duration::from_secs(1);
/// What a stop may take: two small files are written.
const STOP: Duration = Duration::from_secs(2);

/// Why nothing is asked of the API server although the configuration says so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The declaration cannot work for the number of nodes that is known.
    #[error(transparent)]
    Declaration(#[from] DeriveError),
    /// A file that leads to the API server cannot be used, or not yet.
    #[error(transparent)]
    Client(#[from] client::Error),
    /// A name would need DNS.
    #[error("the API server's address {0} is no IP address: in a pod nothing is looked up")]
    Address(String),
}

/// What the shared watch needs of the agent around it.
#[derive(Clone)]
pub struct Around {
    /// Where its files are.
    pub state_dir: Arc<StateDir>,
    /// By which a person says stop.
    pub switch: Arc<Switch>,
    /// Where its report goes.
    pub telemetry: KubeApi,
    /// Where the kubelet's answers go.
    pub kubelet: Desk,
}

/// What an informer is made with for its whole life.
#[derive(Debug, Clone, PartialEq)]
struct Fixed {
    api: ApiServer,
    cluster: Cluster,
    steps: Steps,
    dry_run: bool,
    choice: Arc<Choice>,
}

impl Fixed {
    fn of(control_plane: &ControlPlane, api: &ApiServer) -> Self {
        let ControlPlane { cluster, steps, dry_run, choice, .. } = control_plane;
        let choice = Arc::clone(choice);
        Self { api: api.clone(), cluster: *cluster, steps: steps.clone(), dry_run: *dry_run, choice }
    }
}

/// A running shared watch.
pub struct SharedWatch {
    fixed: Fixed,
    around: Around,
    handle: Handle,
    latest: Arc<Mutex<Option<status::Budget>>>,
    scraped: watch::Sender<Scraped>,
    clocks: Arc<dyn Clocks>,
    slots: Slots,
    kubelet: Option<Kubelet>,
    driver: Tasks,
    reports: Tasks,
}

impl SharedWatch {
    /// Starts it; nothing is asked before this node's first turn. Must be called on the runtime.
    ///
    /// # Errors
    /// [`Error`]: nothing is running then.
    pub fn start(control_plane: &ControlPlane, api: &ApiServer, around: Around) -> Result<Self, Error> {
        let clocks: Arc<dyn Clocks> = Arc::new(System::new());
        let source = settings::source(&api.reach)?;
        let connector = Connector::new(source, env!("CARGO_PKG_VERSION"), &api.node, Arc::clone(&clocks))?;
        // Without the cluster's files there is nothing to ask, and nobody knows whose state the directory holds.
        let connected = connector.connect()?;
        let memory = remembered(&around.state_dir, connected.identity(), control_plane);
        let now = clocks.now();
        let mut informer = Informer::new(settings::settings(control_plane, api), memory, now)?;
        // A pause outlives a restart: nothing may be asked before it was heard of.
        let pauses = around.switch.subscribe();
        informer.pause(now, around.switch.look(now.wall).is_paused());
        let (state_dir, cluster) = (Arc::clone(&around.state_dir), connected.identity());
        let slots = Slots::default();
        let host = StateHost { state_dir, cluster, dry_run: control_plane.dry_run, slots: slots.clone() };
        let context = Context {
            target: settings::target(api),
            keep: kept(&control_plane.choice),
            bounds: Bounds::default(),
            clocks: Arc::clone(&clocks),
        };
        let (driver, handle) = Driver::new(informer, connector, Some(connected), context, Box::new(host));
        let (scraped, kubelet) =
            watch::channel(Scraped { kubelet: control_plane.kubelet, last_success: None });
        let latest = Arc::default();
        let (mut tasks, mut reports) = (Tasks::default(), Tasks::default());
        tasks.own("shared-watch", driver.run());
        let reporter = Reporter {
            handle: handle.clone(),
            clocks: Arc::clone(&clocks),
            pauses,
            telemetry: around.telemetry.clone(),
            desk: around.kubelet.clone(),
            latest: Arc::clone(&latest),
            kubelet,
        };
        reports.own("shared-watch-report", reporter.run());
        reports.own("pause", Arc::clone(&around.switch).keep_looking());
        let fixed = Fixed::of(control_plane, api);
        let (driver, kubelet) = (tasks, None);
        let mut watch =
            Self { fixed, around, handle, latest, scraped, clocks, slots, kubelet, driver, reports };
        watch.read_kubelet(control_plane.reader.settings());
        Ok(watch)
    }

    /// Has a reader of the kubelet with these settings from now on, or none. What one before has under way is settled as
    /// unanswered, at the end of its slot.
    fn read_kubelet(&mut self, settings: Option<&kubelet::Settings>) {
        self.kubelet = settings.map(|settings| {
            let slots = Box::new(Budget::new(self.handle.clone(), &self.slots));
            let (desk, clocks) = (self.around.kubelet.clone(), Arc::clone(&self.clocks));
            Kubelet::start(settings, slots, reader::Around { desk, kept: kept(&self.fixed.choice), clocks })
        });
    }

    /// Whether the kubelet is read.
    pub const fn reads_kubelet(&self) -> bool {
        self.kubelet.is_some()
    }

    /// Gives the informer new settings, and the kubelet the reader that belongs to them.
    async fn change(&mut self, control_plane: &ControlPlane, api: &ApiServer) -> Result<(), Error> {
        let wanted = control_plane.reader.settings();
        let running = self.kubelet.as_ref().map(|running| running.settings().clone());
        let is_other = running.as_ref() != wanted;
        if is_other {
            // A scrape in the old way may not be charged as one in the new way.
            self.kubelet = None;
        }
        let done = self.handle.reconfigure(settings::settings(control_plane, api)).await;
        if let Ok(Err(error)) = done {
            if is_other {
                self.read_kubelet(running.as_ref());
            }
            return Err(error.into());
        }
        if is_other {
            // Who asks from now on, the kubelet may not know.
            let _ = self.handle.forget_reviews().await;
            self.read_kubelet(wanted);
        }
        self.scraped.send_modify(|scraped| scraped.kubelet = control_plane.kubelet);
        // That the driver has ended early is a fault of its own.
        Ok(())
    }

    /// The pods of this node.
    pub fn reader(&self) -> Reader {
        self.handle.reader().clone()
    }

    /// The way to the running driver.
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// What `tare status` shows.
    pub fn budget(&self) -> impl Fn() -> status::Budget + Send + Sync + 'static {
        let latest = Arc::clone(&self.latest);
        move || latest.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
    }

    /// Follows a new configuration: on the same connection where only the ceiling and the kubelet's scrapes have changed,
    /// else with an informer of its own, which goes on from what this one saved.
    ///
    /// # Errors
    /// [`Error`]: the configuration before stays in force where the new declaration cannot work; nothing is running where
    /// a new API server cannot be used.
    pub async fn reconfigure(
        mut self,
        control_plane: &ControlPlane,
        api: &ApiServer,
    ) -> (Option<Self>, Result<(), Error>) {
        if self.fixed == Fixed::of(control_plane, api) {
            let result = self.change(control_plane, api).await;
            return (Some(self), result);
        }
        let around = self.around.clone();
        self.stop().await;
        around.telemetry.forget();
        match Self::start(control_plane, api, around) {
            Ok(watch) => (Some(watch), Ok(())),
            Err(error) => (None, Err(error)),
        }
    }

    /// Resolves if a task of it ends early.
    pub async fn fault(&mut self) -> EarlyExit {
        tokio::select! {
            exit = self.driver.first_exit() => exit,
            exit = self.reports.first_exit() => exit,
            exit = fault_of(self.kubelet.as_mut()) => exit,
        }
    }

    /// Closes everything and saves what the next life can use. Answers whether that was done in time.
    pub async fn stop(&mut self) -> bool {
        self.reports = Tasks::default();
        self.kubelet = None;
        self.around.kubelet.ladder().unused(Rung::Watch);
        let ended = async {
            // One that has ended already has nothing left to save.
            if self.handle.stop().await.is_ok() {
                self.driver.all_ended().await;
            }
        };
        tokio::time::timeout(STOP, ended).await.is_ok()
    }
}

async fn fault_of(kubelet: Option<&mut Kubelet>) -> EarlyExit {
    match kubelet {
        Some(kubelet) => kubelet.fault().await,
        None => std::future::pending().await,
    }
}

/// What is kept of pods, whoever tells of them: the labels and annotations that the configuration makes attributes of.
pub(crate) fn kept(choice: &Arc<Choice>) -> Kept {
    Arc::clone(choice).into()
}

/// What the last life left of this cluster. A dry run counts from zero, and
/// imagines a LIST of its own.
fn remembered(state_dir: &StateDir, cluster: ClusterId, control_plane: &ControlPlane) -> Memory {
    let size = state_dir.load_size(cluster);
    if control_plane.dry_run {
        return Memory { size, ..Memory::default() };
    }
    let mut index = state_dir.load_index(cluster);
    if let Some(index) = &mut index
        && index.header.kept != control_plane.choice.fingerprint()
    {
        // The pods are good for names; what was not kept of them only a LIST brings.
        index.header.saved_at = Duration::ZERO;
    }
    Memory { size, spend: state_dir.load_spend(cluster), index }
}

/// Carries the pause in and the report out.
struct Reporter {
    handle: Handle,
    clocks: Arc<dyn Clocks>,
    pauses: watch::Receiver<Pause>,
    telemetry: KubeApi,
    desk: Desk,
    latest: Arc<Mutex<Option<status::Budget>>>,
    kubelet: watch::Receiver<Scraped>,
}

impl Reporter {
    /// Until the driver has ended, or nobody presses the switch any more.
    async fn run(mut self) {
        let mut ticks = tokio::time::interval(REPORT);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                changed = self.pauses.changed() => {
                    let paused = self.pauses.borrow_and_update().is_paused();
                    if changed.is_err() || self.handle.pause(paused).await.is_err() {
                        return;
                    }
                }
                _ = ticks.tick() => {}
            }
            let Ok(report) = self.handle.report().await else { return };
            let now = self.clocks.now();
            let budget = view::budget(&report);
            *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(budget);
            self.desk.set_periods(report.derived.kubelet_period, report.derived.kubelet_probe_period);
            let last_success = self.desk.last_success(now.mono);
            let is_alive = report.staleness.is_some_and(|age| age <= WATCH_LIMIT);
            self.desk.ladder().set(Rung::Watch, is_alive);
            let scraped = Scraped { last_success, ..*self.kubelet.borrow() };
            self.telemetry.observe(now, *report, &scraped);
        }
    }
}

#[cfg(test)]
mod tests;

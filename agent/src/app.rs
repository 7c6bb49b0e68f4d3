//! The agent as a whole: what the binary, the tests and the demo start, reload and stop.
//!
//! An [`Agent`] owns the collector thread, the outputs' tasks and self-telemetry. Sources stop first, outputs
//! last, each within the same deadline; whatever is still queued then is counted as dropped by `shutdown`.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use exporter::output::{Monitor, Output, Settings as OutputSettings};
use exporter::queue::Queue;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::assemble::Plan;
use crate::clock::Clock;
use crate::collector_thread::{CollectorThread, Work};
use crate::feeds::Feeds;
use crate::kubelet::desk::Desk;
use crate::kubelet::reader::Reader;
use crate::lifecycle::{EarlyExit, Tasks};
use crate::pipeline::Pipeline;
use crate::rungs::Ladder;
use crate::self_telemetry::kube_api::KubeApi;
use crate::self_telemetry::{Outlet, Outlets, Own, SelfTelemetry, SetupError};
use crate::shared_watch::SharedWatch;
use crate::state_dir::StateDir;
use crate::stats::Registry;

/// Why an agent could not be started or changed. What ran before goes on.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An output's settings cannot be used, for example a certificate that cannot be read.
    #[error("output `{name}`: {error}")]
    Output {
        /// The output's name.
        name: String,
        /// What is wrong.
        error: exporter::output::Error,
    },
    /// The SDK refused to be set up.
    #[error(transparent)]
    SelfTelemetry(#[from] SetupError),
    /// The kernel gave no thread.
    #[error("the collector thread: {0}")]
    Thread(#[from] std::io::Error),
    /// The collector thread does not take the new configuration.
    #[error("the collector thread is stuck in a read and takes no new configuration")]
    Stuck,
}

/// Why a running agent cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A task ended that should not have.
    #[error(transparent)]
    Task(#[from] EarlyExit),
    /// The collector thread ended.
    #[error("the collector thread ended early")]
    Thread,
}

/// Checks one output's settings and reads the files they name; opens no connection.
///
/// # Errors
/// [`StartError::Output`].
pub fn prepare(settings: &OutputSettings) -> Result<(Arc<Queue>, Output), StartError> {
    Output::new(settings).map_err(|error| StartError::Output { name: settings.name.clone(), error })
}

/// The outputs of one configuration.
struct Outputs {
    settings: Vec<OutputSettings>,
    queues: Vec<Arc<Queue>>,
    outlets: Vec<Outlet>,
    monitors: Vec<Monitor>,
    tasks: Tasks,
    deadline: watch::Sender<Option<Instant>>,
}

impl Outputs {
    fn start(settings: Vec<OutputSettings>) -> Result<Self, StartError> {
        let (deadline, _) = watch::channel(None);
        let mut outputs = Self {
            settings: Vec::new(),
            queues: Vec::new(),
            outlets: Vec::new(),
            monitors: Vec::new(),
            tasks: Tasks::default(),
            deadline,
        };
        for one in &settings {
            let (queue, output) = prepare(one)?;
            outputs.outlets.push(Outlet {
                name: one.name.clone(),
                queue: Arc::clone(&queue),
                monitor: output.monitor(),
                names: output.names(),
            });
            outputs.queues.push(queue);
            outputs.monitors.push(output.monitor());
            outputs.tasks.own("output", output.run(deadline_of(outputs.deadline.subscribe())));
        }
        outputs.settings = settings;
        Ok(outputs)
    }

    fn drain_until(&self, deadline: Instant) {
        self.deadline.send_replace(Some(deadline));
    }
}

/// Resolves with the deadline once shutdown begins.
async fn deadline_of(mut watched: watch::Receiver<Option<Instant>>) -> Instant {
    loop {
        if let Some(deadline) = *watched.borrow_and_update() {
            return deadline;
        }
        if watched.changed().await.is_err() {
            // Nobody can ask any more: the agent is gone without a shutdown.
            return Instant::now();
        }
    }
}

/// A running agent.
pub struct Agent {
    clock: Clock,
    registry: Arc<Registry>,
    outlets: Outlets,
    outputs: Outputs,
    /// Outputs of earlier configurations that still drain.
    leaving: Vec<Tasks>,
    thread: CollectorThread,
    telemetry: Arc<SelfTelemetry>,
    tasks: Tasks,
    shared_watch: Option<SharedWatch>,
    /// A reader of the kubelet beside the shared watch, where there is none.
    reader: Option<Reader>,
    feeds: Feeds,
    shutdown_timeout: Duration,
}

impl Agent {
    /// Starts everything; the first scrape begins at once. Must be called on the runtime.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub fn start(plan: Plan) -> Result<Self, StartError> {
        let clock = Clock::start();
        let registry = Arc::new(Registry::default());
        let outlets = Outlets::default();
        let outputs = Outputs::start(plan.outputs)?;
        outlets.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&outputs.outlets);
        let mut tasks = Tasks::default();
        let own = Own { resource: &plan.own_resource, registry: Arc::clone(&registry), paths: &plan.paths };
        let telemetry = Arc::new(SelfTelemetry::new(&own, Arc::clone(&outlets))?);
        telemetry.observe_sources(&plan.feeds);
        tasks.own("self-telemetry", Arc::clone(&telemetry).publish_every(plan.self_telemetry_interval));
        let mut pipeline = Pipeline::new(plan.collectors, plan.phase, clock.clone(), &registry);
        pipeline.observe_durations(telemetry.on_duration());
        let thread = CollectorThread::start(Work { pipeline, queues: outputs.queues.clone() })?;
        Ok(Self {
            clock,
            registry,
            outlets,
            outputs,
            leaving: Vec::new(),
            thread,
            telemetry,
            tasks,
            shared_watch: None,
            reader: None,
            feeds: plan.feeds,
            shutdown_timeout: plan.shutdown_timeout,
        })
    }

    /// Goes over to `plan` between two rounds. Outputs that did not change keep their queue and connection;
    /// the others drain in the background. Self-telemetry keeps its counts, resource and interval.
    ///
    /// # Errors
    /// [`StartError`]; the earlier configuration stays in force then.
    pub fn reload(&mut self, plan: Plan) -> Result<(), StartError> {
        let replaced =
            if plan.outputs == self.outputs.settings { None } else { Some(Outputs::start(plan.outputs)?) };
        let queues = replaced.as_ref().unwrap_or(&self.outputs).queues.clone();
        let mut pipeline = Pipeline::new(plan.collectors, plan.phase, self.clock.clone(), &self.registry);
        pipeline.observe_durations(self.telemetry.on_duration());
        if !self.thread.replace(Work { pipeline, queues }) {
            return Err(StartError::Stuck);
        }
        self.shutdown_timeout = plan.shutdown_timeout;
        if let Some(outputs) = replaced {
            self.outlets.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&outputs.outlets);
            let earlier = std::mem::replace(&mut self.outputs, outputs);
            earlier.drain_until(Instant::now() + self.shutdown_timeout);
            self.leaving.retain_mut(Tasks::any_running);
            self.leaving.push(earlier.tasks);
        }
        Ok(())
    }

    /// Has this watch from now on, or none: its early end ends the agent, its stop is the first stage of the shutdown.
    pub fn set_shared_watch(&mut self, shared_watch: Option<SharedWatch>) {
        self.feeds.watch.put(shared_watch.as_ref().map(SharedWatch::reader));
        self.shared_watch = shared_watch;
    }

    /// The shared watch, if there is one.
    pub const fn shared_watch(&self) -> Option<&SharedWatch> {
        self.shared_watch.as_ref()
    }

    /// Lets go of the watch, to change or to stop it.
    pub const fn take_shared_watch(&mut self) -> Option<SharedWatch> {
        self.shared_watch.take()
    }

    /// What the collectors get from tasks: a new configuration's plan is to be made with the same.
    pub const fn feeds(&self) -> &Feeds {
        &self.feeds
    }

    /// Has this reader of the kubelet from now on, beside the shared watch, or none.
    pub fn set_reader(&mut self, reader: Option<Reader>) {
        self.reader = reader;
    }

    /// Lets go of the reader, to change or to stop it.
    pub const fn take_reader(&mut self) -> Option<Reader> {
        self.reader.take()
    }

    /// What the kubelet answered, and how its reader does, also after a change of configuration.
    pub const fn kubelet(&self) -> &Desk {
        &self.feeds.kubelet
    }

    /// Where the readers of sources say whether those hold.
    pub const fn rungs(&self) -> &Ladder {
        &self.feeds.rungs
    }

    /// Where the shared watch reports to.
    pub fn kube_api(&self) -> KubeApi {
        self.telemetry.kube_api()
    }

    /// Tells of the state directory in self-telemetry. To be called once.
    pub fn observe_state(&self, state_dir: &Arc<StateDir>) {
        self.telemetry.observe_state(state_dir);
    }

    /// What the collectors count, also after a change of configuration.
    pub fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry)
    }

    /// A view of each output of the present configuration.
    pub fn monitors(&self) -> Vec<Monitor> {
        self.outputs.monitors.clone()
    }

    /// The owner of further tasks; one of them that ends early ends the agent.
    pub fn tasks(&mut self) -> &mut Tasks {
        &mut self.tasks
    }

    /// Resolves when the agent cannot go on.
    pub async fn fault(&mut self) -> Fault {
        tokio::select! {
            exit = self.tasks.first_exit() => exit.into(),
            exit = self.outputs.tasks.first_exit() => exit.into(),
            exit = fault_of(self.shared_watch.as_mut()) => exit.into(),
            exit = fault_of_reader(self.reader.as_mut()) => exit.into(),
            _ = &mut self.thread.ended => Fault::Thread,
        }
    }

    /// Stops the sources, publishes self-telemetry a last time, drains the outputs and ends, all within the
    /// configured deadline. Answers whether every stage ended in time.
    pub async fn shutdown(mut self) -> bool {
        let deadline = Instant::now() + self.shutdown_timeout;
        self.thread.stop();
        self.reader = None;
        let watch_saved = match &mut self.shared_watch {
            Some(shared_watch) => shared_watch.stop().await,
            None => true,
        };
        // A thread that hangs in a read may not use up the time that the outputs need.
        let half = Instant::now() + self.shutdown_timeout / 2;
        let mut in_time = tokio::time::timeout_at(half, &mut self.thread.ended).await.is_ok();
        drop(self.tasks);
        self.telemetry.publish().await;
        self.outputs.drain_until(deadline);
        // The outputs keep the deadline themselves; the margin is for their last words.
        let margin = deadline + Duration::from_millis(200);
        in_time &= watch_saved;
        in_time &= tokio::time::timeout_at(margin, self.outputs.tasks.all_ended()).await.is_ok();
        for mut tasks in self.leaving {
            in_time &= tokio::time::timeout_at(margin, tasks.all_ended()).await.is_ok();
        }
        in_time
    }
}

async fn fault_of(shared_watch: Option<&mut SharedWatch>) -> EarlyExit {
    match shared_watch {
        Some(shared_watch) => shared_watch.fault().await,
        None => std::future::pending().await,
    }
}

async fn fault_of_reader(reader: Option<&mut Reader>) -> EarlyExit {
    match reader {
        Some(reader) => reader.fault().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;

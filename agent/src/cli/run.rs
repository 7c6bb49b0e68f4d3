//! `tare run`: the agent until a signal ends it.

use std::sync::Arc;
use std::time::Duration;

use super::load::Identified;
use super::{Failure, RunArgs, load, supervise, watch};
use crate::app::{Agent, Fault, StartError};
use crate::assemble::Plan;
use crate::clock;
use crate::config::{Environment, Settings};
use crate::control::panel::{Panel, Phase};
use crate::control::protocol::Respond;
use crate::control::server;
use crate::control::socket::{BindError, Socket};
use crate::control::switch::Switch;
use crate::feeds::Feeds;
use crate::signals::{Request, Signals};
use crate::state_dir::{Kept, StateDir};
use crate::supervisor::channel::Sender;

/// Runs the agent until SIGTERM or SIGINT. SIGHUP reads the configuration again; a wrong one is refused and the
/// old one stays. SIGUSR1 pauses, SIGUSR2 resumes.
pub(super) fn run(arguments: &RunArgs, environment: &Environment) -> Result<(), Failure> {
    let supervisor = supervise::attach(&arguments.told)?;
    let result = run_agent(arguments, environment, supervisor.as_ref());
    if let (Some(supervisor), Err(failure)) = (&supervisor, &result) {
        supervisor.last_words(&failure.to_string());
    }
    result
}

fn run_agent(
    arguments: &RunArgs,
    environment: &Environment,
    supervisor: Option<&Sender>,
) -> Result<(), Failure> {
    let configuration = load::identified(arguments.config.as_deref(), environment)?;
    let control = &configuration.loaded.settings.control;
    crate::logging::install(control.log_level, control.log_format)
        .map_err(|error| Failure::Internal(error.to_string()))?;
    for warning in &configuration.loaded.warnings {
        tracing::warn!("{warning}");
    }
    let state_dir = Arc::new(
        StateDir::open(&arguments.state_dir).map_err(|error| Failure::Unavailable(error.to_string()))?,
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| Failure::Internal(error.to_string()))?;
    let result = runtime.block_on(agent(arguments, environment, configuration, &state_dir, supervisor));
    // A look-up of a name may still hang in the system's resolver, on a thread that cannot be cancelled.
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

async fn agent(
    arguments: &RunArgs,
    environment: &Environment,
    configuration: Identified,
    state_dir: &Arc<StateDir>,
    supervisor: Option<&Sender>,
) -> Result<(), Failure> {
    // Signals first: one that comes while the agent starts must not kill it half-way.
    let mut signals = Signals::install().map_err(|error| Failure::Internal(error.to_string()))?;
    let ready = |settings: &Settings| {
        if let Some(supervisor) = supervisor {
            supervisor.ready(settings.control.shutdown_timeout);
        }
    };
    ready(&configuration.loaded.settings);
    let socket = socket(arguments)?;
    let mut agent = Agent::start(Plan::new(&configuration.loaded.settings, &Feeds::default()))
        .map_err(|error| refused(&error))?;
    agent.observe_state(state_dir);
    let panel = control(arguments, state_dir, socket, &mut agent)?;
    in_force(&panel, &agent, configuration.source, configuration.hash);
    panel.set_phase(Phase::Running);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "started");
    let mut control_plane = configuration.loaded.settings.control_plane;
    let mut again = watch::apply(&mut agent, &panel, state_dir, &control_plane).await;
    let fault = loop {
        tokio::select! {
            () = tokio::time::sleep(watch::AGAIN), if again => {
                again = watch::apply(&mut agent, &panel, state_dir, &control_plane).await;
            }
            fault = agent.fault() => break Some(fault),
            request = signals.next() => match request {
                Request::Stop => break None,
                Request::Reload => {
                    if let Some(settings) = reload(&mut agent, &panel, arguments, environment) {
                        ready(&settings);
                        control_plane = settings.control_plane;
                        again = watch::apply(&mut agent, &panel, state_dir, &control_plane).await;
                    }
                }
                Request::Pause => drop(panel.switch().pause(None, clock::wall())),
                Request::Resume => drop(panel.switch().resume(clock::wall())),
            }
        }
    };
    panel.set_phase(Phase::Stopping);
    if let Some(fault) = &fault {
        tracing::error!(%fault, "stopping");
    } else {
        tracing::info!("stopping");
    }
    tokio::select! {
        in_time = agent.shutdown() => ended(fault, in_time),
        () = second_stop(&mut signals, &panel) => {
            Err(Failure::Internal("ended at once by a second signal".to_owned()))
        }
    }
}

/// The control socket. Without one the agent runs all the same, but not beside another on the same socket.
fn socket(arguments: &RunArgs) -> Result<Option<Socket>, Failure> {
    match Socket::bind(&arguments.socket) {
        Ok(socket) => Ok(Some(socket)),
        Err(error @ BindError::Live(_)) => Err(Failure::Unavailable(error.to_string())),
        Err(error @ BindError::Io { .. }) => {
            tracing::warn!(%error, "`tare status` and `tare pause` will find no agent; the pause file works");
            Ok(None)
        }
    }
}

/// Starts what answers and what looks at the pause file.
fn control(
    arguments: &RunArgs,
    state_dir: &Arc<StateDir>,
    socket: Option<Socket>,
    agent: &mut Agent,
) -> Result<Arc<Panel>, Failure> {
    let switch = Arc::new(Switch::new(state_dir.file(Kept::Pause), clock::wall()));
    let told = supervise::told(&arguments.told);
    let panel = Arc::new(Panel::new(switch, Arc::clone(state_dir), told));
    panel.set_kubelet(agent.kubelet().clone());
    if let Some(socket) = socket {
        let responder: Arc<dyn Respond> = Arc::clone(&panel) as _;
        server::serve(socket, &responder, agent.tasks())
            .map_err(|error| Failure::Internal(error.to_string()))?;
    }
    Ok(panel)
}

fn in_force(panel: &Panel, agent: &Agent, source: String, hash: Option<String>) {
    panel.set_config(source, hash);
    panel.set_sources(agent.registry(), agent.monitors());
}

/// Reads the configuration again; the new one if it is in force now.
fn reload(
    agent: &mut Agent,
    panel: &Panel,
    arguments: &RunArgs,
    environment: &Environment,
) -> Option<Settings> {
    let result = load::identified(arguments.config.as_deref(), environment).and_then(|configuration| {
        let plan = Plan::new(&configuration.loaded.settings, agent.feeds());
        agent.reload(plan).map_err(|error| refused(&error))?;
        Ok(configuration)
    });
    match result {
        Ok(Identified { loaded, source, hash }) => {
            in_force(panel, agent, source, hash);
            tracing::info!("the configuration was read again and is in force");
            Some(loaded.settings)
        }
        Err(error) => {
            panel.set_refused(error.to_string().trim_end());
            tracing::error!(error = %error.to_string().trim_end(), "the new configuration is refused; the old one stays");
            None
        }
    }
}

/// A pause is taken during the shutdown as well: it is for the next life.
async fn second_stop(signals: &mut Signals, panel: &Panel) {
    loop {
        match signals.next().await {
            Request::Stop => return,
            Request::Reload => {}
            Request::Pause => drop(panel.switch().pause(None, clock::wall())),
            Request::Resume => drop(panel.switch().resume(clock::wall())),
        }
    }
}

fn ended(fault: Option<Fault>, in_time: bool) -> Result<(), Failure> {
    if !in_time {
        tracing::warn!("not everything ended within control.shutdown_timeout");
    }
    match fault {
        None => Ok(()),
        Some(fault) => Err(Failure::Internal(fault.to_string())),
    }
}

/// An output that cannot be used is a wrong configuration; the rest are faults of ours or the machine's.
fn refused(error: &StartError) -> Failure {
    match error {
        StartError::Output { .. } => Failure::Refused(error.to_string()),
        StartError::SelfTelemetry(_) | StartError::Thread(_) | StartError::Stuck => {
            Failure::Internal(error.to_string())
        }
    }
}

//! `tare run`: the agent until a signal ends it.

use std::time::Duration;

use super::{Failure, RunArgs, load};
use crate::app::{Agent, Fault, StartError};
use crate::assemble::Plan;
use crate::config::{Environment, Settings};
use crate::signals::{Request, Signals};

/// Runs the agent until SIGTERM or SIGINT. SIGHUP reads the configuration again; a wrong one is refused and the
/// old one stays.
pub(super) fn run(arguments: &RunArgs, environment: &Environment) -> Result<(), Failure> {
    let settings = settings(arguments, environment)?;
    crate::logging::install(settings.control.log_level, settings.control.log_format)
        .map_err(|error| Failure::Internal(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| Failure::Internal(error.to_string()))?;
    let result = runtime.block_on(agent(arguments, environment, &settings));
    // A look-up of a name may still hang in the system's resolver, on a thread that cannot be cancelled.
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

fn settings(arguments: &RunArgs, environment: &Environment) -> Result<Settings, Failure> {
    Ok(load::configuration(arguments.config.as_deref(), environment)?.settings)
}

async fn agent(arguments: &RunArgs, environment: &Environment, settings: &Settings) -> Result<(), Failure> {
    // Signals first: one that comes while the agent starts must not kill it half-way.
    let mut signals = Signals::install().map_err(|error| Failure::Internal(error.to_string()))?;
    let mut agent = Agent::start(Plan::new(settings)).map_err(|error| refused(&error))?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "started");
    let fault = loop {
        tokio::select! {
            fault = agent.fault() => break Some(fault),
            request = signals.next() => match request {
                Request::Stop => break None,
                Request::Reload => reload(&mut agent, arguments, environment),
            }
        }
    };
    if let Some(fault) = &fault {
        tracing::error!(%fault, "stopping");
    } else {
        tracing::info!("stopping");
    }
    tokio::select! {
        in_time = agent.shutdown() => ended(fault, in_time),
        () = second_stop(&mut signals) => Err(Failure::Internal("ended at once by a second signal".to_owned())),
    }
}

fn reload(agent: &mut Agent, arguments: &RunArgs, environment: &Environment) {
    let result = settings(arguments, environment)
        .and_then(|settings| agent.reload(Plan::new(&settings)).map_err(|error| refused(&error)));
    match result {
        Ok(()) => tracing::info!("the configuration was read again and is in force"),
        Err(error) => {
            tracing::error!(error = %error.to_string().trim_end(), "the new configuration is refused; the old one stays");
        }
    }
}

async fn second_stop(signals: &mut Signals) {
    while signals.next().await != Request::Stop {}
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

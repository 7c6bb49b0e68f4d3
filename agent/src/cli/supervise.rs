//! `tare run --supervised`: the supervisor's and the agent's side of the command line.

use std::ffi::OsString;
use std::path::Path;

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

use super::{Failure, RunArgs, SupervisedArgs, load};
use crate::config::Environment;
use crate::config::values::{LogFormat, LogLevel};
use crate::control::status;
use crate::supervisor::channel::Sender;
use crate::supervisor::core::Limits;
use crate::supervisor::{Launch, run};

/// Supervises until a signal ends it; fails as the agent did in the end.
pub(super) fn supervise(arguments: &RunArgs, environment: &Environment) -> Result<(), Failure> {
    if arguments.config.as_deref() == Some(Path::new("-")) {
        let text = "--supervised needs a configuration that can be read again, standard input cannot";
        return Err(Failure::Refused(text.to_owned()));
    }
    // The configuration is the agent's to read, and may be what is wrong.
    let control = load::configuration(None, environment).map(|defaults| defaults.settings.control);
    let (level, format) =
        control.map_or((LogLevel::Info, LogFormat::Auto), |control| (control.log_level, control.log_format));
    crate::logging::install(level, format).map_err(|error| Failure::Internal(error.to_string()))?;
    let program = std::env::current_exe().map_err(|error| Failure::Internal(error.to_string()))?;
    let mut command_line = vec![OsString::from("run")];
    if let Some(config) = &arguments.config {
        command_line.extend(["--config".into(), config.into()]);
    }
    command_line.extend(["--state-dir".into(), (&arguments.state_dir).into()]);
    command_line.extend(["--socket".into(), (&arguments.socket).into()]);
    let launch = Launch {
        program,
        arguments: command_line,
        config: load::source(arguments.config.as_deref()),
        state_dir: arguments.state_dir.clone(),
        socket: arguments.socket.clone(),
        limits: Limits::default(),
    };
    match run(&launch) {
        Ok(0) => Ok(()),
        Ok(code) => Err(Failure::Agent(code)),
        Err(error) => Err(Failure::Internal(error.to_string())),
    }
}

/// What an agent with a supervisor does first: it does not outlive it.
///
/// # Errors
/// The supervisor is gone already.
pub(super) fn attach(told: &SupervisedArgs) -> Result<Option<Sender>, Failure> {
    let Some(supervisor) = told.by else { return Ok(None) };
    set_parent_process_death_signal(Some(Signal::TERM))
        .map_err(|error| Failure::Internal(error.to_string()))?;
    let parent = getppid().map(Pid::as_raw_nonzero).and_then(|pid| u32::try_from(pid.get()).ok());
    if parent != Some(supervisor) {
        return Err(Failure::Internal("the supervisor is gone".to_owned()));
    }
    Ok(Some(Sender::of_supervised()))
}

/// What `tare status` says of the supervisor.
pub(super) fn told(told: &SupervisedArgs) -> Option<status::Supervisor> {
    Some(status::Supervisor {
        pid: told.by?,
        restarts: told.restarts,
        last_end: told.last_end.as_deref().map(status::line),
        next_start_s: None,
    })
}

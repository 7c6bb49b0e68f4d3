//! `tare status`, `pause`, `resume` and `health`: one question to the agent on this node, over its socket.

use std::io::Write;
use std::path::Path;

use super::{Failure, Format, HealthArgs, PauseArgs, SocketArgs, StatusArgs, exit};
use crate::control::client;
use crate::control::protocol::{Answer, Probe, Request};
use crate::control::status::table;

/// Prints what the agent does.
pub(super) fn status(arguments: &StatusArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let path = &arguments.agent.socket;
    let status = match ask(path, Request::Status)? {
        Answer::Status(status) => status,
        other => return Err(misunderstood(path, other)),
    };
    match arguments.format {
        Format::Table => exit::written(out.write_all(table::render(&status).as_bytes())),
        Format::Json => {
            let json =
                serde_json::to_string(&status).map_err(|error| Failure::Internal(error.to_string()))?;
            exit::written(writeln!(out, "{json}"))
        }
    }
}

/// Stops what the agent asks of others.
pub(super) fn pause(arguments: &PauseArgs, out: &mut dyn Write) -> Result<(), Failure> {
    // Never shorter than was asked for.
    let seconds = |length: std::time::Duration| length.as_secs() + u64::from(length.subsec_nanos() > 0);
    let request = Request::Pause { for_s: arguments.length.map(seconds) };
    pressed(&arguments.agent.socket, request, out)
}

/// Ends a pause.
pub(super) fn resume(arguments: &SocketArgs, out: &mut dyn Write) -> Result<(), Failure> {
    pressed(&arguments.socket, Request::Resume, out)
}

fn pressed(path: &Path, request: Request, out: &mut dyn Write) -> Result<(), Failure> {
    let (paused, until, not_kept) = match ask(path, request)? {
        Answer::Pause { paused, until, not_kept } => (paused, until, not_kept),
        other => return Err(misunderstood(path, other)),
    };
    let wanted = matches!(request, Request::Pause { .. });
    match (paused, not_kept) {
        (paused, None) if paused == wanted => {
            let until = until.unwrap_or_else(|| "`tare resume`".to_owned());
            let text = if paused { format!("paused until {until}") } else { "running".to_owned() };
            exit::written(writeln!(out, "{text}"))
        }
        (true, Some(why)) if wanted => {
            let until = until.unwrap_or_else(|| "`tare resume`".to_owned());
            let text = "in memory only: it is lost when the agent is restarted";
            exit::written(writeln!(out, "paused until {until}, {text} ({why})"))
        }
        (true, why) => {
            let why = why.unwrap_or_else(|| "somebody else has paused it".to_owned());
            Err(Failure::Check(format!("it is still paused: {why}")))
        }
        (false, _) => Err(Failure::Check("it is still running".to_owned())),
    }
}

/// Answers a probe with the exit code.
pub(super) fn health(arguments: &HealthArgs) -> Result<(), Failure> {
    let probe = if arguments.live { Probe::Live } else { Probe::Ready };
    let path = &arguments.agent.socket;
    match ask(path, Request::Health { probe })? {
        Answer::Health { ok: true, .. } => Ok(()),
        Answer::Health { ok: false, reason } => {
            Err(Failure::Check(reason.unwrap_or_else(|| "no reason is known".to_owned())))
        }
        other => Err(misunderstood(path, other)),
    }
}

fn ask(path: &Path, request: Request) -> Result<Answer, Failure> {
    client::ask(path, request).map_err(|error| Failure::Unavailable(error.to_string()))
}

/// Another version answers, or it refuses.
fn misunderstood(path: &Path, answer: Answer) -> Failure {
    let why = match answer {
        Answer::Refused { reason } => reason,
        _ => "it answers another question".to_owned(),
    };
    Failure::Unavailable(format!("the agent on the socket {} does not understand: {why}", path.display()))
}

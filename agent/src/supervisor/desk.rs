//! Answers on the control socket while there is no agent: it lives, it is not ready, and this is why.
//!
//! One client at a time, each for a second at most: the loop has children to look after.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use shared_informer::clock::{Now, Wall};

use super::core::Core;
use crate::control::protocol::{self, Answer, MAX_REQUEST, Request, Respond};
use crate::control::status::{self, Health, SCHEMA, Status};
use crate::control::switch::Switch;
use crate::control::{panel, time};

#[cfg(test)]
mod tests;

/// How long a client may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is known at one moment.
#[derive(Debug)]
pub(super) struct Desk<'a> {
    pub(super) core: &'a Core,
    pub(super) switch: &'a Switch,
    pub(super) config: &'a str,
    pub(super) started: Wall,
    pub(super) now: Now,
}

impl Desk<'_> {
    fn health(&self) -> Health {
        let last = match self.core.last_end() {
            Some(end) if self.core.is_refused() => {
                let words = end.words.as_deref().unwrap_or("the agent refuses it");
                format!("the configuration cannot be used: {words}")
            }
            Some(end) => end.text(),
            None => "the agent was not started yet; an earlier one failed".to_owned(),
        };
        let wait = self.core.wait(self.now.mono).unwrap_or_default().as_secs();
        let next = format!("next start in {}, or now with SIGHUP", time::duration(wait));
        Health { live: true, ready: false, reason: Some(status::line(&format!("{last} ({next})"))) }
    }

    fn status(&self) -> Status {
        Status {
            schema: SCHEMA.to_owned(),
            health: self.health(),
            process: panel::process("supervisor", self.started, self.now.wall),
            config: status::Config { source: self.config.to_owned(), ..status::Config::default() },
            pause: panel::paused(self.switch),
            budget: None,
            kubelet: None,
            rungs: BTreeMap::new(),
            outputs: Vec::new(),
            collectors: Vec::new(),
            state_dir: None,
            supervisor: Some(status::Supervisor {
                pid: std::process::id(),
                restarts: self.core.restarts(),
                last_end: self.core.last_end().map(|end| status::line(&end.text())),
                next_start_s: self.core.wait(self.now.mono).map(|wait| wait.as_secs()),
            }),
        }
    }

    /// Serves one client.
    pub(super) fn serve(&self, client: &UnixStream) -> io::Result<()> {
        let line = read_line(client)?;
        client.set_write_timeout(Some(PATIENCE))?;
        let mut client = client;
        client.write_all(&protocol::exchange(&line, self))
    }
}

impl Respond for Desk<'_> {
    fn respond(&self, request: Request) -> Answer {
        let now = self.now.wall;
        self.switch.look(now);
        match request {
            Request::Status => Answer::Status(Box::new(self.status())),
            Request::Pause { for_s } => {
                Answer::pressed(self.switch.pause(for_s.map(Duration::from_secs), now))
            }
            Request::Resume => Answer::pressed(self.switch.resume(now)),
            Request::Health { probe } => Answer::probed(probe, &self.health()),
        }
    }
}

/// The client's line, within [`PATIENCE`] and [`MAX_REQUEST`].
fn read_line(mut client: &UnixStream) -> io::Result<Vec<u8>> {
    client.set_nonblocking(false)?;
    let began = Instant::now();
    let mut line = Vec::new();
    while line.len() < MAX_REQUEST {
        let left = PATIENCE.checked_sub(began.elapsed()).filter(|left| !left.is_zero());
        client.set_read_timeout(Some(left.ok_or(io::ErrorKind::TimedOut)?))?;
        let mut piece = [0; MAX_REQUEST];
        let length = client.read(&mut piece)?;
        line.extend(piece.iter().take(length));
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            line.truncate(end);
            return Ok(line);
        }
        if length == 0 {
            break;
        }
    }
    Ok(line)
}

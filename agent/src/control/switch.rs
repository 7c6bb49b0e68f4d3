//! The switch that stops what an agent asks of others: the shell around [`super::pause`].
//!
//! An agent that asks anything of others looks at the file every [`LOOK`], so that a pause is in force well within a
//! second, whoever wrote it and however; one that asks nothing looks when somebody wants to know. Where the file cannot be written, a pause holds in this process's memory, and the answer says so.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use shared_informer::clock::Wall;
use shared_informer::remembered::file;
use tokio::sync::watch;

use super::pause::{self, Cause, Content, Pause};
use super::time;
use crate::clock;

#[cfg(test)]
mod tests;

/// How often the file is looked at.
pub const LOOK: Duration = Duration::from_millis(500);
/// The longest `tare pause --for`. Who wants longer pauses without an end.
pub const LONGEST: Duration = Duration::from_hours(31 * 24);

/// What pressing the switch came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pressed {
    /// What is in force now.
    pub pause: Pause,
    /// Why the file could not be written; none if it was.
    pub not_kept: Option<String>,
}

/// The switch of one agent.
#[derive(Debug)]
pub struct Switch {
    file: PathBuf,
    /// A pause that the file could not take.
    memory: Mutex<Pause>,
    state: watch::Sender<Pause>,
}

impl Switch {
    /// The switch behind this file, which was looked at once.
    pub fn new(file: PathBuf, now: Wall) -> Self {
        let switch = Self { file, memory: Mutex::default(), state: watch::Sender::default() };
        switch.look(now);
        switch
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// What was in force at the last look.
    pub fn current(&self) -> Pause {
        *self.state.borrow()
    }

    /// Told of every change: what the informer listens to.
    pub fn subscribe(&self) -> watch::Receiver<Pause> {
        self.state.subscribe()
    }

    /// Looks at the file, and tells those who listen if something has changed.
    pub fn look(&self, now: Wall) -> Pause {
        let pause = self.read(now).and(unexpired(*self.memory(), now));
        self.state.send_if_modified(|state| {
            let changed = *state != pause;
            if changed {
                log(&self.file, pause);
            }
            *state = pause;
            changed
        });
        pause
    }

    /// Pauses for this long, [`LONGEST`] at most, or without end. A pause replaces an earlier one.
    pub fn pause(&self, length: Option<Duration>, now: Wall) -> Pressed {
        let until = length.map(|length| now.plus(length.min(LONGEST)));
        let written = file::replace(&self.file, pause::content(until).as_bytes());
        *self.memory() = match &written {
            Ok(()) => Pause::Running,
            Err(_) => Pause::Paused { until, cause: Cause::Memory },
        };
        Pressed { pause: self.look(now), not_kept: written.err().map(|error| self.complaint(&error)) }
    }

    /// Removes the file. Where that fails the pause stays in force.
    pub fn resume(&self, now: Wall) -> Pressed {
        *self.memory() = Pause::Running;
        let removed = match std::fs::remove_file(&self.file) {
            Err(error) if !is_absence(&error) => Err(error),
            _ => Ok(()),
        };
        let pause = self.look(now);
        let not_kept = removed.err().filter(|_| pause.is_paused()).map(|error| self.complaint(&error));
        Pressed { pause, not_kept }
    }

    /// Looks again and again, until the task is dropped.
    pub async fn keep_looking(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look(clock::wall());
        }
    }

    fn memory(&self) -> MutexGuard<'_, Pause> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn complaint(&self, error: &io::Error) -> String {
        format!("{}: {error}", self.file.display())
    }

    fn read(&self, now: Wall) -> Pause {
        let mut buffer = [0; pause::MAX_BYTES + 1];
        match read(&self.file, &mut buffer) {
            Ok(bytes) => pause::state(Content::Bytes(bytes), now),
            Err(error) if is_absence(&error) => pause::state(Content::Absent, now),
            Err(_) => pause::state(Content::Unreadable, now),
        }
    }
}

/// Whether nothing can be at that path: the file, or a directory on the way to it, does not exist.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The beginning of the file. Never waits: whatever lies there may be a pipe.
fn read<'b>(path: &Path, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty())?;
    let length = rustix::io::read(&file, &mut *buffer)?;
    Ok(buffer.get(..length).unwrap_or_default())
}

fn unexpired(pause: Pause, now: Wall) -> Pause {
    match pause {
        Pause::Paused { until: Some(until), .. } if until <= now => Pause::Running,
        pause => pause,
    }
}

fn log(file: &Path, pause: Pause) {
    match pause {
        Pause::Running => tracing::info!("resumed"),
        Pause::Paused { until, cause } => tracing::warn!(
            file = %file.display(),
            cause = cause.as_str(),
            until = until.map(time::text).as_deref().unwrap_or("resumed"),
            "paused: the API server and the kubelet are asked for nothing; local metrics go on"
        ),
    }
}

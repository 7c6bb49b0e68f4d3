//! The loop: waits for a signal, an agent's word, a client or a deadline, asks [`Core`] and acts.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitOptions, kill_process};
use shared_informer::clock::{Mono, Now, Wall};
use shared_informer::remembered::file;

use super::channel::Receiver;
use super::core::{Action, Core, End, Event, Limits};
use super::desk::Desk;
use super::record::{self, Last, Record};
use super::signals::{self, Signals, Taken};
use crate::clock::Clock;
use crate::control::socket::Socket;
use crate::control::switch::Switch;
use crate::state_dir::Kept;

/// What is supervised.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The agent's program.
    pub program: PathBuf,
    /// Its command line. What it is told by its supervisor is added at the end.
    pub arguments: Vec<OsString>,
    /// Where the configuration comes from, for `tare status`.
    pub config: String,
    /// The state directory. The supervisor only writes `pause` and `supervisor.v1` there; the lock is the agent's.
    pub state_dir: PathBuf,
    /// The control socket, the supervisor's while there is no agent.
    pub socket: PathBuf,
    /// How long things may take.
    pub limits: Limits,
}

/// Supervises until it is told to stop; the exit code. Must be called on the only thread.
///
/// # Errors
/// Where the kernel refuses a signal handler.
pub fn run(launch: &Launch) -> io::Result<u8> {
    // Whoever loses its parent below an agent becomes ours to reap, as it would below process 1.
    if std::process::id() != 1 {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    }
    // The first record is written before the first agent is there to make its directory.
    let _ = DirBuilder::new().recursive(true).mode(0o700).create(&launch.state_dir);
    let clock = Clock::start();
    let now = moment(&clock);
    let mut supervisor = Supervisor {
        launch,
        signals: Signals::install()?,
        core: Core::new(launch.limits, load(launch), now),
        switch: Switch::new(launch.state_dir.join(Kept::Pause.as_str()), now.wall),
        started: now.wall,
        clock,
        agent: None,
        socket: None,
        left: None,
        saved: true,
        listens: true,
    };
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "supervising");
    loop {
        supervisor.turn();
        if let Some(code) = supervisor.left {
            tracing::info!(code, "stopped");
            return Ok(code);
        }
        supervisor.wait();
    }
}

struct Agent {
    pid: Pid,
    channel: Receiver,
}

struct Supervisor<'a> {
    launch: &'a Launch,
    signals: Signals,
    core: Core,
    switch: Switch,
    started: Wall,
    clock: Clock,
    agent: Option<Agent>,
    socket: Option<Socket>,
    left: Option<u8>,
    /// Whether the last record was kept, and whether there was a socket: each change is logged once.
    saved: bool,
    listens: bool,
}

impl Supervisor<'_> {
    /// Everything that can be done without waiting.
    fn turn(&mut self) {
        let taken = self.signals.take();
        if let Some(stop) = self.agent.as_mut().and_then(|agent| agent.channel.hear()) {
            self.decide(Event::Ready { stop });
        }
        self.reap(&taken);
        for ask in taken.asks {
            self.decide(Event::Asked(ask));
        }
        self.decide(Event::Due);
        // Only now: whoever may still start an agent has done so.
        self.listen();
    }

    fn decide(&mut self, event: Event) {
        if let Event::Ended(end) = &event {
            if self.core.is_stopping() {
                tracing::info!("{}", end.text());
            } else {
                tracing::warn!("{}", end.text());
            }
        }
        for action in self.core.decide(event, moment(&self.clock)) {
            match action {
                Action::Start => self.start(),
                Action::Send(ask) => self.send(signals::number(ask)),
                Action::Kill => {
                    tracing::warn!("the agent does not stop and is killed");
                    self.send(Signal::KILL);
                }
                Action::Press(true) => drop(self.switch.pause(None, moment(&self.clock).wall)),
                Action::Press(false) => drop(self.switch.resume(moment(&self.clock).wall)),
                Action::Save(record) => self.save(&record),
                Action::Leave(code) => self.left = Some(code),
            }
        }
    }

    fn start(&mut self) {
        self.socket = None;
        match self.spawn() {
            Ok(agent) => {
                tracing::info!(pid = agent.pid.as_raw_nonzero().get(), "the agent was started");
                self.agent = Some(agent);
            }
            Err(error) => {
                let words = Some(error.to_string());
                self.decide(Event::Ended(End { code: None, signal: None, words }));
            }
        }
    }

    fn spawn(&self) -> io::Result<Agent> {
        let (reader, writer) = io::pipe()?;
        let channel = Receiver::new(reader)?;
        let mut command = Command::new(&self.launch.program);
        command.arg0("tare").args(&self.launch.arguments).stdin(Stdio::from(writer));
        let (variable, thresholds) = super::ALLOCATOR;
        // What a person has set counts.
        if std::env::var_os(variable).is_none() {
            command.env(variable, thresholds);
        }
        command.arg("--supervised-by").arg(std::process::id().to_string());
        command.arg("--supervised-restarts").arg(self.core.restarts().to_string());
        if let Some(end) = self.core.last_end() {
            command.arg(format!("--supervised-last-end={}", end.text().replace('\0', " ")));
        }
        let child = command.spawn()?;
        // It is reaped with all the others; `Child` would do nothing more.
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Ok(Agent { pid: pid.ok_or(io::ErrorKind::InvalidData)?, channel })
    }

    fn send(&self, signal: Signal) {
        if let Some(agent) = &self.agent
            && let Err(error) = kill_process(agent.pid, signal)
        {
            tracing::debug!(%error, "a signal did not reach the agent");
        }
    }

    /// Takes leave of every child that has ended: the agent, and the orphans that became ours. Its pipe is closed a moment
    /// before an agent can be reaped, so the look that this wakes may find nothing; SIGCHLD wakes for another one.
    fn reap(&mut self, _: &Taken) {
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            if let Some(agent) = self.agent.take_if(|agent| agent.pid == pid) {
                let (code, signal) = (status.exit_status(), status.terminating_signal());
                let words = agent.channel.last_words();
                self.decide(Event::Ended(End { code, signal, words }));
            }
        }
    }

    /// Answers on the socket while there is no agent.
    fn listen(&mut self) {
        if self.agent.is_some() || self.left.is_some() {
            self.socket = None;
            return;
        }
        if self.socket.is_none() {
            let bound = Socket::bind(&self.launch.socket);
            if let Err(error) = &bound
                && self.listens
            {
                tracing::warn!(%error, "`tare status` will not be answered while there is no agent");
            }
            self.listens = bound.is_ok();
            self.socket = bound.ok();
        }
        let Some(socket) = &self.socket else { return };
        while let Ok((client, _)) = socket.listener().accept() {
            let desk = Desk {
                core: &self.core,
                switch: &self.switch,
                config: &self.launch.config,
                started: self.started,
                now: moment(&self.clock),
            };
            if let Err(error) = desk.serve(&client) {
                tracing::debug!(%error, "a client of the control socket went away");
            }
        }
    }

    /// Waits for whatever comes first.
    fn wait(&self) {
        let next = self.core.next().map(|next| next.since(moment(&self.clock).mono));
        // Never shorter than a millisecond: a deadline that has just come is not polled for in a circle.
        let next = next.map(|wait| wait.max(Duration::from_millis(1)));
        let mut ready = Vec::with_capacity(3);
        ready.push(PollFd::from_borrowed_fd(self.signals.wake().as_fd(), PollFlags::IN));
        if let Some(socket) = &self.socket {
            ready.push(PollFd::from_borrowed_fd(socket.listener().as_fd(), PollFlags::IN));
        }
        if let Some(pipe) = self.agent.as_ref().and_then(|agent| agent.channel.pipe()) {
            ready.push(PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN));
        }
        let timeout = next.and_then(|wait| Timespec::try_from(wait).ok());
        // EINTR is a reason to look as good as any.
        let _ = poll(&mut ready, timeout.as_ref());
    }

    fn save(&mut self, record: &Record) {
        let path = self.launch.state_dir.join(Kept::Supervisor.as_str());
        // A disk that hangs does not keep a stop waiting: without this record the next life takes this one for a failed start.
        let replace = if record.last == Last::Stopped { file::replace_in_memory } else { file::replace };
        let saved = record::encode(record)
            .map_err(|error| error.to_string())
            .and_then(|bytes| replace(&path, &bytes).map_err(|error| error.to_string()));
        if let Err(error) = &saved
            && self.saved
        {
            tracing::warn!(file = %path.display(), error, "the back-off will not survive this process");
        }
        self.saved = saved.is_ok();
    }
}

/// What an earlier life left. Nothing, damage and no access are alike: the back-off begins anew.
fn load(launch: &Launch) -> Option<Record> {
    let path = launch.state_dir.join(Kept::Supervisor.as_str());
    let bytes = file::read(&path, record::MAX_BYTES).ok().flatten()?;
    match record::decode(&bytes) {
        Ok(record) => Some(record),
        Err(error) => {
            tracing::warn!(file = %path.display(), %error, "what was remembered is of no use");
            let _ = file::set_aside(&path);
            None
        }
    }
}

fn moment(clock: &Clock) -> Now {
    let now = clock.now();
    Now {
        wall: Wall::new(Duration::from_nanos(now.wall_ns)),
        mono: Mono::new(Duration::from_nanos(now.monotonic_ns)),
    }
}

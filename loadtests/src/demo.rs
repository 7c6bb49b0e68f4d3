//! `cargo demo`: a real agent reads this machine and sends OTLP to a receiver embedded here.
//!
//! The agent is a process of its own (this binary, started again), so that what the table says about its cost
//! is its cost alone. With a terminal the table is live; without one a line a second is printed and a summary
//! at the end. It exits with 1 if nothing arrived.

mod agent_process;
mod board;
mod live;
mod plain;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;

use crate::receiver::Receiver;
use agent_process::AgentProcess;
use board::Shared;

/// How long a demo without a terminal runs unless told otherwise.
const PLAIN_DURATION: Duration = Duration::from_secs(15);

/// What ends a demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The time given by `--duration` is over.
    Duration,
    /// The person asked for it.
    Asked,
    /// The agent ended by itself, which it should not.
    AgentGone,
}

/// tare on this machine: the agent, an OTLP receiver on loopback, and what arrives.
#[derive(Debug, Parser)]
#[command(name = "cargo demo", version)]
struct Arguments {
    /// How long to run, for example 30s; without it until q, Ctrl-C or, without a terminal, 15s.
    #[arg(long, value_parser = humantime::parse_duration)]
    duration: Option<Duration>,
    /// How often the agent reads the machine.
    #[arg(long, default_value = "2s", value_parser = humantime::parse_duration)]
    interval: Duration,
    /// Lines instead of a live table, also on a terminal.
    #[arg(long)]
    plain: bool,
}

/// The whole program; `tare …` arguments after [`agent_process::MARK`] make it the agent.
pub fn main() -> ExitCode {
    if agent_process::is_child() {
        return tare::cli::main_from(agent_process::child_arguments());
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { 64 } else { 0 };
            drop(error.print());
            return ExitCode::from(code);
        }
    };
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the command line's own error message")]
            {
                eprintln!("demo: {error:#}");
            }
            ExitCode::from(70)
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let shared = Shared::new();
        let sink = shared.clone();
        let receiver = Receiver::start(([127, 0, 0, 1], 0).into(), move |received| sink.take(&received))
            .context("cannot listen on loopback")?;
        let agent = AgentProcess::start(receiver.local_addr(), arguments.interval)?;
        let terminal = std::io::stdout().is_terminal() && !arguments.plain;
        let end = if terminal {
            live::show(&shared, &agent, arguments.duration).await?
        } else {
            plain::show(&shared, &agent, arguments.duration.unwrap_or(PLAIN_DURATION)).await?
        };
        drop(shared.refresh(&agent));
        let stopped = agent.stop().await?;
        plain::summary(&shared.lock(), end, &stopped)
    })
}

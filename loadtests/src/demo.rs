//! `cargo demo`: a real agent reads this machine and sends OTLP to a receiver embedded here, beside a simulated API server
//! and kubelet and a virtual fleet of other nodes' agents.
//!
//! The agent is a process of its own (this binary, started again), so that what is said about its cost is its cost alone. On
//! the way the API server is killed and comes back, and a pause file stops the agent. With a terminal the view is live;
//! without one lines are printed and a summary at the end. It exits with 1 if anything that it claims was not so.

mod agent_process;
mod bill;
mod board;
mod live;
mod plain;
mod stage;
mod story;
mod verdict;
mod view;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;

use crate::command_line;
use crate::receiver::Receiver;
use agent_process::AgentProcess;
use board::Shared;
use live::Screen;
use plain::Lines;
use stage::Stage;

/// How often it is looked at what happens.
const FRAME: Duration = Duration::from_millis(250);

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

/// tare on this machine, an API server that is killed on the way, and an OTLP receiver on loopback.
#[derive(Debug, Parser)]
#[command(name = "cargo demo", version)]
struct Arguments {
    /// How long to run, for example 30s; without it until q, Ctrl-C or, without a terminal, the end of the story.
    #[arg(long, value_parser = humantime::parse_duration)]
    duration: Option<Duration>,
    /// How often the agent reads the machine.
    #[arg(long, default_value = "2s", value_parser = humantime::parse_duration)]
    interval: Duration,
    /// How many simulated nodes there are beside this machine, each with an agent.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u16).range(0..=500))]
    nodes: u16,
    /// Lines instead of a live view, also on a terminal.
    #[arg(long)]
    plain: bool,
}

/// The whole program; `tare …` arguments after [`agent_process::MARK`] make it the agent.
pub fn main() -> ExitCode {
    if agent_process::is_child() {
        return tare::cli::main_from(agent_process::child_arguments());
    }
    command_line::main("demo", run)
}

/// Either way to show it.
enum Show {
    Live(Box<Screen>),
    Plain(Lines),
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut stage = Stage::start(arguments.nodes, arguments.interval).await?;
        let shared = Shared::new();
        let sink = shared.clone();
        let receiver = Receiver::start(([127, 0, 0, 1], 0).into(), move |received| sink.take(&received))
            .context("cannot listen on loopback")?;
        let agent = AgentProcess::start(receiver.local_addr(), arguments.interval, &stage.configuration()?)?;
        let live = std::io::stdout().is_terminal() && !arguments.plain;
        let limit = arguments.duration.or((!live).then_some(story::LENGTH));
        let show = if live { Show::Live(Box::new(Screen::new()?)) } else { Show::Plain(Lines::default()) };
        let end = play(&mut stage, &shared, &agent, show, limit).await?;
        stage.look_at_the_end(&shared, &agent);
        drop(shared.refresh(&agent));
        let stopped = agent.stop().await?;
        plain::summary(&stage.world, &shared.lock(), &stage.seen, end, &stopped)
    })
}

/// Lets the story happen and shows it until something ends it.
async fn play(
    stage: &mut Stage,
    shared: &Shared,
    agent: &AgentProcess,
    mut show: Show,
    limit: Option<Duration>,
) -> anyhow::Result<End> {
    let mut ticks = tokio::time::interval(FRAME);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = tokio::signal::ctrl_c() => return Ok(End::Asked),
        }
        stage.go_on(shared, agent).await?;
        let board = shared.refresh(agent);
        match &mut show {
            Show::Live(screen) => {
                screen.draw(&stage.world, &board)?;
                if screen.asked_to_end()? {
                    return Ok(End::Asked);
                }
            }
            Show::Plain(lines) => lines.print(&stage.world, &board)?,
        }
        if agent.gone() {
            return Ok(End::AgentGone);
        }
        if limit.is_some_and(|limit| board.elapsed >= limit) {
            return Ok(End::Duration);
        }
    }
}

//! The command line: what a person types, and the exit code that comes back.
//!
//! Each command is one function in a module of its own. Answers go to standard output, everything else to standard
//! error. Only this module and its children print.

mod check_config;
mod collect;
mod control;
mod exit;
mod load;
mod migrate;
mod plan;
mod prepare_state;
mod print_config;
mod run;
mod supervise;
mod watch;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use shared_informer::declaration::MAX_NODES;

use crate::config::Environment;
use crate::config::schema::Scalar as _;
use crate::config::values::quantity::Span;
use crate::{control as socket, state_dir};

pub use exit::Failure;

const EXIT_CODES: &str = "\
Exit codes:
   0  done
   1  a check failed
  64  the command line, the configuration or the environment is wrong
  69  a service that is needed is unavailable
  70  an error inside tare
  74  a file or a stream could not be read or written";

const EXAMPLES: &str = "\
Examples:
  tare run                              to OTLP at http://localhost:4318
  tare run --config tare.yaml           as the file says
  tare collect --count 2 --interval 1s  look at what would be sent
  tare check-config tare.yaml           every error of the file at once
  tare print-config                     defaults and environment as a file
  tare plan --nodes 5000                what a cluster's API server would pay
  tare migrate otelcol.yaml             a collector's configuration as one of tare
  tare status                           what the agent on this node does
  tare pause --for 1h                   ask nothing of the API server for an hour

Environment:
  OTEL_EXPORTER_OTLP_ENDPOINT  where to send
  OTEL_EXPORTER_OTLP_HEADERS   what to send along, such as credentials
  OTEL_RESOURCE_ATTRIBUTES     what to say of this machine
  NODE_NAME                    the Kubernetes node
  TARE_LOG                     error, warn, info, debug or trace
  docs/configuration.md has the rest, and every key of the file.
";

/// A node-local telemetry agent: host metrics to OTLP, at a fraction of the usual cost.
#[derive(Debug, Parser)]
#[command(name = "tare", version, after_help = format!("{EXAMPLES}\n{EXIT_CODES}"))]
#[command(disable_help_subcommand = true, arg_required_else_help = true, subcommand_required = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the agent until SIGTERM or SIGINT
    #[command(after_help = format!("{SIGNALS}\n{EXIT_CODES}"))]
    Run(RunArgs),
    /// Collect a few times and print OTLP as JSON, one request a line
    #[command(after_help = EXIT_CODES)]
    Collect(CollectArgs),
    /// Check a configuration and report everything that is wrong with it
    #[command(after_help = EXIT_CODES)]
    CheckConfig(CheckConfigArgs),
    /// Print the effective configuration: the file, the environment and the defaults
    #[command(after_help = EXIT_CODES)]
    PrintConfig(PrintConfigArgs),
    /// Print what tare would cost the API server of a cluster, before it is installed
    #[command(after_help = EXIT_CODES)]
    Plan(PlanArgs),
    /// Translate a configuration of the OpenTelemetry Collector
    #[command(long_about = MIGRATE, after_help = EXIT_CODES)]
    Migrate(MigrateArgs),
    /// Show what the agent on this node does, and what goes wrong
    #[command(after_help = EXIT_CODES)]
    Status(StatusArgs),
    /// Stop asking the API server and the kubelet for anything, within a second
    #[command(long_about = PAUSE, after_help = EXIT_CODES)]
    Pause(PauseArgs),
    /// End a pause
    #[command(after_help = EXIT_CODES)]
    Resume(SocketArgs),
    /// Hand the state directory to the user that the agent runs as; for the chart's init container
    #[command(hide = true, after_help = EXIT_CODES)]
    PrepareState(PrepareStateArgs),
    /// Answer a probe: exit code 0 for yes, 1 for no with the reason
    #[command(after_help = EXIT_CODES)]
    Health(HealthArgs),
}

const SIGNALS: &str = "\
Signals:
  SIGTERM, SIGINT  drain and end; the second one ends at once
  SIGHUP           read the configuration again; a wrong one is refused and the old one stays
  SIGUSR1          pause, as `tare pause` does
  SIGUSR2          end a pause
";

const PAUSE: &str = "\
Stop asking the API server and the kubelet for anything, within a second.

Metrics from the node's own files go on. The pause is a file in the state directory, so it outlives restarts of the \
agent and of the node; neither the network nor the API server is needed. `tare resume` ends it, and so does removing \
the file. Creating that file by hand, or SIGUSR1 to the agent, is the same as `tare pause`.";

const MIGRATE: &str = "\
Translate a configuration of the OpenTelemetry Collector: the receivers hostmetrics and kubeletstats, the processors \
k8sattributes, resourcedetection and resource, and the exporters otlp, otlphttp and debug of its metrics pipelines.

The translation goes to standard output; `tare check-config` accepts it. What has no counterpart is listed on standard \
error with the reason, and then nothing is printed and the exit code is 1, unless --partial is given. References to \
environment variables are followed in the environment of this command.";

/// `tare run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The configuration file; without one, defaults and environment
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where the agent keeps what it needs after a restart; one agent per directory
    #[arg(long, value_name = "DIR", default_value = state_dir::DEFAULT)]
    pub state_dir: PathBuf,
    /// The socket for `tare status`, `pause`, `resume` and `health`
    #[arg(long, value_name = "SOCKET", default_value = socket::DEFAULT_SOCKET)]
    pub socket: PathBuf,
    /// Be a small process 1 that restarts the agent with a back-off and never ends because the agent did.
    /// A configuration that is refused then means: running, not ready, reason in `tare status`
    #[arg(long)]
    pub supervised: bool,
    /// What the supervisor tells the agent that it starts
    #[command(flatten)]
    told: SupervisedArgs,
}

/// What the supervisor tells the agent; not for people.
#[derive(Debug, Args)]
struct SupervisedArgs {
    /// The supervisor's process id
    #[arg(long = "supervised-by", id = "supervised-by", hide = true)]
    by: Option<u32>,
    /// How often it has restarted the agent
    #[arg(long = "supervised-restarts", id = "supervised-restarts", hide = true, default_value = "0")]
    restarts: u64,
    /// How the last agent ended
    #[arg(long = "supervised-last-end", id = "supervised-last-end", hide = true)]
    last_end: Option<String>,
}

/// Which agent is asked.
#[derive(Debug, Args)]
struct SocketArgs {
    /// The socket of the agent, as given to `tare run`
    #[arg(long, value_name = "SOCKET", default_value = socket::DEFAULT_SOCKET)]
    socket: PathBuf,
}

/// `tare status`.
#[derive(Debug, Args)]
struct StatusArgs {
    #[command(flatten)]
    agent: SocketArgs,
    /// For people, or for programs
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// For programs: one document, schema tare.status/v1
    Json,
}

/// `tare pause`.
#[derive(Debug, Args)]
struct PauseArgs {
    #[command(flatten)]
    agent: SocketArgs,
    /// For how long, like 10m or 1h; until `tare resume` if not given
    #[arg(long = "for", value_name = "DURATION", value_parser = pause_length)]
    length: Option<Duration>,
}

/// `tare health`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("probe").required(true).multiple(false))]
struct HealthArgs {
    #[command(flatten)]
    agent: SocketArgs,
    /// Whether a restart is not needed
    #[arg(long, group = "probe")]
    live: bool,
    /// Whether it runs with a configuration; nothing remote counts
    #[arg(long, group = "probe")]
    ready: bool,
}

/// `tare prepare-state`.
#[derive(Debug, Args)]
struct PrepareStateArgs {
    /// The user, and the group of the same number
    #[arg(long, value_name = "UID", value_parser = clap::value_parser!(u32).range(1..))]
    uid: u32,
    /// The state directory
    #[arg(value_name = "DIR", default_value = state_dir::DEFAULT)]
    directory: PathBuf,
}

/// `tare collect`.
#[derive(Debug, Args)]
pub struct CollectArgs {
    /// The configuration file; without one, defaults and environment
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How many times to collect
    #[arg(long, value_name = "K", default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    pub count: u32,
    /// The time between two collections, like 500ms, 10s or 1m
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration)]
    pub interval: Duration,
}

/// `tare check-config`.
#[derive(Debug, Args)]
struct CheckConfigArgs {
    /// The configuration file; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// `tare print-config`.
#[derive(Debug, Args)]
struct PrintConfigArgs {
    /// The configuration file (`-` is standard input); without one, defaults and environment
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// `tare plan`.
#[derive(Debug, Args)]
struct PlanArgs {
    /// How many nodes the cluster has
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_NODES)))]
    nodes: u32,
    /// The configuration file (`-` is standard input); without one, defaults and environment
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How the bill is printed
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    format: plan::Format,
}

/// `tare migrate`.
#[derive(Debug, Args)]
struct MigrateArgs {
    /// The collector's configuration; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print what can be translated although something has no counterpart, and end with exit code 0
    #[arg(long)]
    partial: bool,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    main_from(std::env::args_os())
}

/// The same with a command line of the caller's, for a program that has the agent inside (the demo).
pub fn main_from(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    // Not locked: the log writes to standard error from other threads.
    execute(arguments, &Environment::of_process(), &mut io::stdout(), &mut io::stderr())
}

fn execute(
    arguments: impl IntoIterator<Item = OsString>,
    environment: &Environment,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> ExitCode {
    let parsed = CommandLine::try_parse_from(arguments);
    // `run` answers nothing, and whoever reads its debug output may block standard output for ever.
    let answers = !matches!(parsed, Ok(CommandLine { command: Command::Run(_) }));
    let result = match parsed {
        Ok(CommandLine { command }) => dispatch(&command, environment, out, err),
        // Help and version that were asked for are answers.
        Err(answer) if !answer.use_stderr() => exit::written(write!(out, "{answer}")),
        Err(wrong) => Err(Failure::Usage(wrong.to_string())),
    };
    let result = result.and_then(|()| if answers { exit::written(out.flush()) } else { Ok(()) });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Where standard error is gone too, the exit code is all that is left to say.
            let _ = writeln!(err, "{}", failure.to_string().trim_end());
            failure.code()
        }
    }
}

fn dispatch(
    command: &Command,
    environment: &Environment,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), Failure> {
    match command {
        Command::Run(arguments) if arguments.supervised => supervise::supervise(arguments, environment),
        Command::Run(arguments) => run::run(arguments, environment),
        Command::Collect(arguments) => collect::collect(arguments, environment, out),
        Command::CheckConfig(arguments) => check_config::check_config(arguments, environment, out),
        Command::PrintConfig(arguments) => print_config::print_config(arguments, environment, out),
        Command::Plan(arguments) => plan::plan(arguments, environment, out),
        Command::Migrate(arguments) => {
            migrate::migrate(arguments, &|name| std::env::var(name).ok(), out, err)
        }
        Command::Status(arguments) => control::status(arguments, out),
        Command::Pause(arguments) => control::pause(arguments, out),
        Command::Resume(arguments) => control::resume(arguments, out),
        Command::PrepareState(arguments) => prepare_state::prepare_state(arguments),
        Command::Health(arguments) => control::health(arguments),
    }
}

/// One second to 31 days, the longest that [`crate::control::switch::LONGEST`] allows.
fn pause_length(text: &str) -> Result<Duration, String> {
    Span::<1_000, 2_678_400_000>::parse(text).map(Span::get)
}

fn duration(text: &str) -> Result<Duration, String> {
    Span::<100, 3_600_000>::parse(text).map(Span::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        CommandLine::command().debug_assert();
    }
}

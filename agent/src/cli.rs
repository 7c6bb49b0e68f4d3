//! The command line: what a person types, and the exit code that comes back.
//!
//! Each command is one function in a module of its own. Answers go to standard output, everything else to standard
//! error. Only this module and its children print.

mod check_config;
mod collect;
mod exit;
mod load;
mod print_config;
mod run;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::config::Environment;
use crate::config::schema::Scalar as _;
use crate::config::values::quantity::Span;

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
    #[command(after_help = EXIT_CODES)]
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
}

/// `tare run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The configuration file; without one, defaults and environment
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
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
    let result = match CommandLine::try_parse_from(arguments) {
        Ok(CommandLine { command }) => dispatch(&command, environment, out),
        // Help and version that were asked for are answers.
        Err(answer) if !answer.use_stderr() => exit::written(write!(out, "{answer}")),
        Err(wrong) => Err(Failure::Usage(wrong.to_string())),
    };
    let result = result.and_then(|()| exit::written(out.flush()));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Where standard error is gone too, the exit code is all that is left to say.
            let _ = writeln!(err, "{}", failure.to_string().trim_end());
            failure.code()
        }
    }
}

fn dispatch(command: &Command, environment: &Environment, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        Command::Run(arguments) => run::run(arguments, environment),
        Command::Collect(arguments) => collect::collect(arguments, environment, out),
        Command::CheckConfig(arguments) => check_config::check_config(arguments, environment, out),
        Command::PrintConfig(arguments) => print_config::print_config(arguments, environment, out),
    }
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

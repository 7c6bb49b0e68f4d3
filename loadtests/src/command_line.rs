//! How every program here begins and ends: its arguments, what is wrong with them, and the exit code (sysexits.h).

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

/// Bad usage.
pub(crate) const EXIT_USAGE: u8 = 64;
/// The program itself failed.
pub(crate) const EXIT_SOFTWARE: u8 = 70;

/// Parses the arguments of this process and does `run`; what it fails with is printed under the program's name.
pub(crate) fn main<A: Parser>(name: &str, run: impl FnOnce(&A) -> anyhow::Result<ExitCode>) -> ExitCode {
    let arguments = match parsed(A::try_parse()) {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    run(&arguments).unwrap_or_else(|error| {
        // Where the terminal is gone nobody reads the message either.
        let _ = writeln!(std::io::stderr(), "{name}: {error:#}");
        ExitCode::from(EXIT_SOFTWARE)
    })
}

/// How many nodes a cluster may have, as an argument.
pub(crate) fn nodes() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=i64::from(shared_informer::declaration::MAX_NODES))
}

/// The arguments, or the exit code after it was printed what is wrong with them, or the help that they ask for.
pub(crate) fn parsed<A>(parsed: Result<A, clap::Error>) -> Result<A, ExitCode> {
    parsed.map_err(|error| {
        drop(error.print());
        if error.use_stderr() { ExitCode::from(EXIT_USAGE) } else { ExitCode::SUCCESS }
    })
}

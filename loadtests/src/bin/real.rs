//! The runner of the checks against real software; `loadtests/real/run` builds and starts it.

use std::process::ExitCode;

fn main() -> ExitCode {
    loadtests::real::main(std::env::args_os())
}

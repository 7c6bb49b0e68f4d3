//! The `tare` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    tare::cli::main()
}

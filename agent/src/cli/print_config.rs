//! `tare print-config`.

use std::io::Write;

use super::{Failure, PrintConfigArgs, exit, load};
use crate::config::{Environment, print};

/// Prints the effective configuration as YAML that `check-config` accepts; values of headers are hidden.
pub(super) fn print_config(
    arguments: &PrintConfigArgs,
    environment: &Environment,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let loaded = load::configuration(arguments.config.as_deref(), environment)?;
    exit::written(out.write_all(print::print(&loaded.effective).as_bytes()))
}

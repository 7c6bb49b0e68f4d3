//! `tare check-config`.

use std::io::Write;

use super::{CheckConfigArgs, Failure, exit, load};
use crate::config::Environment;
use crate::{app, assemble};

/// Says that the file is in order, or everything that is wrong with it in the present environment: the text, and
/// then the files that its outputs name, which are read as `tare run` reads them. It opens no connection.
pub(super) fn check_config(
    arguments: &CheckConfigArgs,
    environment: &Environment,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let settings = load::configuration(Some(&arguments.file), environment)?.settings;
    let refused: Vec<_> = assemble::outputs(&settings)
        .iter()
        .filter_map(|output| app::prepare(output).err())
        .map(|error| error.to_string())
        .collect();
    if !refused.is_empty() {
        return Err(Failure::Refused(refused.join("\ntare: ")));
    }
    exit::written(writeln!(out, "{}: ok", arguments.file.display()))
}

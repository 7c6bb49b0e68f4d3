//! `tare check-config`.

use std::io::Write;

use exporter::output::Settings as OutputSettings;

use super::{CheckConfigArgs, Failure, exit, load};
use crate::config::{Environment, Loaded};
use crate::{app, assemble};

/// Says that the file is in order, or everything that is wrong with it in the present environment: the text, and
/// then the files that its outputs name, which are read as `tare run` reads them. It opens no connection.
pub(super) fn check_config(
    arguments: &CheckConfigArgs,
    environment: &Environment,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let Loaded { settings, warnings, .. } = load::configuration(Some(&arguments.file), environment)?;
    let refused: Vec<_> = assemble::outputs(&settings)
        .into_iter()
        .map(without_writing)
        .filter_map(|output| app::prepare(&output).err())
        .map(|error| error.to_string())
        .collect();
    if !refused.is_empty() {
        return Err(Failure::Refused(refused.join("\ntare: ")));
    }
    for warning in warnings {
        exit::written(writeln!(out, "warning: {warning}"))?;
    }
    exit::written(writeln!(out, "{}: ok", arguments.file.display()))
}

/// The output without what writes to the disk as soon as it exists: a running agent may have the same folder.
fn without_writing(mut output: OutputSettings) -> OutputSettings {
    output.disk = None;
    output.resolve.file = None;
    output
}

//! `tare migrate`: a configuration of the OpenTelemetry Collector in, one of tare out.

use std::io::Write;

use super::{Failure, MigrateArgs, exit, load};
use crate::migrate::{self, Error, Translation};

/// Prints the translation. Where something has no counterpart there is none, unless `--partial` asks for it; what is
/// left out is listed on `err` either way, and stands in the comment at the top of the translation.
pub(super) fn migrate(
    arguments: &MigrateArgs,
    lookup: migrate::Lookup<'_>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), Failure> {
    let text = load::text(&arguments.file)?;
    let name = load::source(Some(&arguments.file));
    let Translation { text, left_out, .. } = match migrate::translate(&name, &text, lookup) {
        Ok(translation) => translation,
        Err(Error::Input(problems)) => return Err(Failure::Configuration(problems)),
        Err(error @ Error::Output(_)) => return Err(Failure::Internal(error.to_string())),
    };
    if !left_out.is_empty() {
        // Where standard error is gone too, the exit code is all that is left to say.
        let _ = writeln!(err, "tare: {name}: no counterpart:");
        for leftover in &left_out {
            let _ = writeln!(err, "  {leftover}");
        }
        if !arguments.partial {
            let parts = if left_out.len() == 1 { "one part has" } else { "some parts have" };
            return Err(Failure::Check(format!(
                "{parts} no counterpart; with --partial the rest is printed"
            )));
        }
    }
    exit::written(out.write_all(text.as_bytes()))
}

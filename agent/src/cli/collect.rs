//! `tare collect`: the same rounds as `tare run`, printed instead of sent. It opens no connection.

use std::io::{self, Write};

use exporter::json;

use super::{CollectArgs, Failure, load};
use crate::assemble::Plan;
use crate::clock::Clock;
use crate::config::Environment;
use crate::feeds::Feeds;
use crate::pipeline::Pipeline;
use crate::stats::Registry;

/// Runs every configured collector `count` times and prints each request as one line of OTLP JSON. Whatever
/// the configuration says of intervals, all collectors run in each round.
pub(super) fn collect(
    arguments: &CollectArgs,
    environment: &Environment,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let settings = load::configuration(arguments.config.as_deref(), environment)?.settings;
    crate::logging::install(settings.control.log_level, settings.control.log_format)
        .map_err(|error| Failure::Internal(error.to_string()))?;
    let plan = Plan::new(&settings, &Feeds::default());
    let mut pipeline = Pipeline::new(plan.collectors, plan.phase, Clock::start(), &Registry::default());
    for round in 0..arguments.count {
        if round > 0 {
            std::thread::sleep(arguments.interval);
        }
        match print(&mut pipeline, out) {
            // Whoever reads has seen enough.
            Err(json::JsonError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(json::JsonError::Io(error)) => return Err(Failure::Output(error)),
            Err(error) => return Err(Failure::Internal(error.to_string())),
            Ok(()) => {}
        }
    }
    Ok(())
}

fn print(pipeline: &mut Pipeline, out: &mut dyn Write) -> Result<(), json::JsonError> {
    let mut buffered = io::BufWriter::new(out);
    let mut result = Ok(());
    pipeline.run_all(|request| {
        if result.is_ok() {
            result = json::write_request(&mut buffered, &request.body)
                .and_then(|()| buffered.write_all(b"\n").map_err(json::JsonError::Io));
        }
    });
    result.and_then(|()| buffered.flush().map_err(json::JsonError::Io))
}

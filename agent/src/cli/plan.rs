//! `tare plan`: the bill for a cluster before anything is installed. Pure arithmetic: it asks nobody and opens nothing.

use std::io::{self, Write};

use shared_informer::plan::{Plan, Question};

use super::{Failure, PlanArgs, exit, load};
use crate::config::{Environment, Settings};

mod figures;
mod table;

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    Table,
    /// For programs: the schema `tare.plan/v1`.
    Json,
}

/// Prints the bill of `arguments.nodes` nodes. A declaration that cannot work for so many is a wrong configuration, as
/// it is for `tare run`.
pub(super) fn plan(
    arguments: &PlanArgs,
    environment: &Environment,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let settings = load::configuration(arguments.config.as_deref(), environment)?.settings;
    let question = question(&settings, arguments.nodes);
    let plan = Plan::new(&question).map_err(|error| {
        Failure::Refused(format!("{} nodes: {error}", figures::count(u64::from(arguments.nodes))))
    })?;
    exit::written(match arguments.format {
        Format::Table => out.write_all(table::render(&question, &plan).as_bytes()),
        Format::Json => json(&plan, out),
    })
}

/// What the configuration asks, for so many nodes.
fn question(settings: &Settings, nodes: u32) -> Question {
    let control_plane = &settings.control_plane;
    Question {
        declaration: control_plane.declaration,
        cluster: control_plane.cluster,
        nodes,
        list_bytes: None,
        kubelet: control_plane.kubelet,
        steps: control_plane.steps.clone(),
    }
}

fn json(plan: &Plan, mut out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut out, plan)?;
    out.write_all(b"\n")
}

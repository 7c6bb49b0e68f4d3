//! `fleet-windows`: fleets of shipped informers in virtual time; the server counts.
//!
//! Nothing real runs here, so the check needs nothing and gives the same answer on every machine.

use std::time::Duration;

use crate::fleet;
use crate::real::env::Env;
use crate::real::registry::{Check, Lane, Outcome, Tier};

/// The entry of the registry for every push: all scenarios up to 5,000 nodes, and two with more.
pub(in crate::real) const CHECK: Check = Check {
    name: "fleet-windows",
    tier: Tier::Ci,
    about: "in virtual time no 10 s window of up to 20,000 agents holds more than was declared",
    needs: &[],
    limit: Duration::from_mins(15),
    lane: Lane::Computing,
    hidden: false,
    run: small,
};

/// The entry for a release: everything.
pub(in crate::real) const FULL: Check = Check {
    name: "fleet-windows-full",
    tier: Tier::Full,
    about: "the same for up to 100,000 agents, in every scenario",
    needs: &[],
    limit: Duration::from_hours(4),
    lane: Lane::Computing,
    hidden: false,
    run: large,
};

/// Clusters that take seconds.
const SMALL: [u32; 5] = [1, 10, 125, 1_000, 5_000];

fn small(_: &mut Env) -> anyhow::Result<Outcome> {
    let besides = [("cold-install", 20_000), ("outage-failing", 20_000)];
    outcome("fleet.json", &SMALL, &besides)
}

fn large(_: &mut Env) -> anyhow::Result<Outcome> {
    let all: Vec<_> = SMALL.into_iter().chain([20_000, 100_000]).collect();
    outcome("fleet-full.json", &all, &[])
}

fn outcome(file: &str, nodes: &[u32], besides: &[(&str, u32)]) -> anyhow::Result<Outcome> {
    // Into the log of the check, which can be read while it runs: the dearest rows take minutes each.
    let (text, report, failures) = fleet::certify(nodes, besides, crate::real::say)?;
    Ok(Outcome { failures, text, report: Some((file.to_owned(), report)) })
}

//! What watches a fleet of tare (`deploy/watching`, and the chart's rules and dashboard), before real software.
//!
//! - `watching-rules`: promtool's unit tests of the rules; and each alert is broken, so that its tests have to notice;
//! - `watching`: every query of the rules, the dashboard and the objectives, asked of a real Prometheus to which real agents report;
//! - `watching-replay`: eleven hours of a fleet that overspends, falls silent, is cut off, is paused and loses nodes, as OTLP into a
//!   real Prometheus and from there into promtool's engine: the alerts that fire, minute by minute.

mod fleet;
mod live;
mod replay;
mod rules;
mod syntax;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;

use crate::real::cache;
use crate::real::recipes;
use crate::real::registry::{Check, Lane, Tier};

/// The entries of the registry.
pub(in crate::real) const RULES: Check = Check {
    name: "watching-rules",
    tier: Tier::Ci,
    about: "the alerts pass their unit tests, and those of each alert notice when it never or always fires",
    needs: &[recipes::PROMTOOL],
    limit: Duration::from_mins(15),
    lane: Lane::Servers,
    hidden: false,
    run: rules::run,
};

pub(in crate::real) const LIVE: Check = Check {
    name: "watching",
    tier: Tier::Ci,
    about: "every query of the rules, the dashboard and the objectives finds what running agents sent, labels included",
    needs: &[recipes::PROMETHEUS, recipes::TARE, recipes::ETCD, recipes::KUBE_APISERVER],
    limit: Duration::from_mins(20),
    lane: Lane::Node,
    hidden: false,
    run: live::run,
};

pub(in crate::real) const REPLAY: Check = Check {
    name: "watching-replay",
    tier: Tier::Ci,
    about: "alerts fire and resolve at their minute in eleven hours of a fleet that overspends, is silent, cut off, paused",
    needs: &[recipes::PROMETHEUS, recipes::PROMTOOL],
    limit: Duration::from_mins(15),
    lane: Lane::Servers,
    hidden: false,
    run: replay::run,
};

/// The rule file, as the chart has it.
const RULE_FILE: &str = "deploy/helm/tare/files/rules.yaml";
/// The dashboard, as the chart has it.
const DASHBOARD: &str = "deploy/helm/tare/files/dashboard.json";
/// The objectives.
const OBJECTIVES: &str = "deploy/watching/slo.yaml";
/// What an operator configures of Prometheus.
const PROMETHEUS: &str = "deploy/watching/prometheus.yaml";
/// promtool's tests of the rules.
const TESTS: &str = "deploy/watching/tests";

fn path(name: &str) -> PathBuf {
    cache::repository().join(name)
}

fn read(name: &str) -> anyhow::Result<String> {
    fs::read_to_string(path(name)).with_context(|| format!("reading {name}"))
}

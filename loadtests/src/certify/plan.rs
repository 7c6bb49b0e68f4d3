//! Which rows a run has: pure.
//!
//! From 3,125 on the numbers of nodes double. The turn period is 10 s times a power of two, so the part of the ceiling that a
//! fleet uses depends on where N lies between two doublings: on this grid it always lies at the same place, and what is left is the
//! trend. The ceiling itself is checked in every row.

use serde::{Deserialize, Serialize};

use crate::fleet;

/// How much is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Depth {
    /// On every push.
    Quick,
    /// The committed certificate.
    Default,
    /// Every scenario at every size.
    Full,
}

/// The scenario in which nothing happens.
pub(super) const STEADY: &str = "steady";
/// The same with more changes of pods.
pub(super) const CHURN: &str = "steady-churn";
/// The scenario whose time to full detail is that of an installation.
pub(super) const COLD: &str = "cold-install";

/// Where the steady state is looked at on every push, and otherwise.
const QUICK_STEADY: [u32; 8] = [10, 30, 100, 300, 1_000, 3_125, 6_250, 12_500];
const STEADY_TOO: [u32; 3] = [25_000, 50_000, 100_000];
/// Where every scenario is run on every push, and otherwise.
const QUICK_ALL: [u32; 2] = [10, 100];
const ALL_TOO: [u32; 1] = [1_000];
/// Scenarios of which the worst windows are followed over N: on every push, and otherwise.
const QUICK_SELECTED: [&str; 3] = [COLD, "restart-with-memory", "outage-refused"];
const SELECTED_TOO: [&str; 3] = ["restart-without-memory", "outage-failing", "throttled"];
const QUICK_GRID: [u32; 3] = [3_125, 6_250, 12_500];
const GRID_TOO: [u32; 1] = [25_000];
/// The dearest rows.
const LARGE: [(&str, u32); 2] = [(COLD, 50_000), ("restart-with-memory", 50_000)];
/// To where all of those scenarios are followed: with the grid it makes four points, from which on a trend is judged.
const LARGEST: u32 = 100_000;
/// What `--full` adds, every scenario.
const FULL: [u32; 4] = [3_125, 12_500, 25_000, 100_000];

/// A row that is to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) scenario: &'static str,
    pub(super) nodes: u32,
    /// The least depth at which it is run.
    pub(super) depth: Depth,
}

/// All rows of this depth, the shallower ones first; none twice.
pub(super) fn rows(depth: Depth) -> Vec<Planned> {
    let mut rows: Vec<Planned> = Vec::new();
    let mut add = |scenario, nodes, depth| {
        if !rows.iter().any(|row| row.scenario == scenario && row.nodes == nodes) {
            rows.push(Planned { scenario, nodes, depth });
        }
    };
    let names = || fleet::scenarios().map(|(name, _)| name);
    for nodes in QUICK_STEADY {
        add(STEADY, nodes, Depth::Quick);
    }
    for (nodes, name) in pairs(&QUICK_ALL, names()).chain(pairs(&QUICK_GRID, QUICK_SELECTED)) {
        add(name, nodes, Depth::Quick);
    }
    for nodes in STEADY_TOO {
        add(STEADY, nodes, Depth::Default);
    }
    let selected = || QUICK_SELECTED.into_iter().chain(SELECTED_TOO);
    let grid: Vec<_> = QUICK_GRID.into_iter().chain(GRID_TOO).collect();
    for (nodes, name) in pairs(&ALL_TOO, names()).chain(pairs(&grid, selected())) {
        add(name, nodes, Depth::Default);
    }
    let largest = selected().map(|name| (name, LARGEST));
    for (name, nodes) in LARGE.into_iter().chain(largest) {
        add(name, nodes, Depth::Default);
    }
    for (nodes, name) in pairs(&FULL, names()) {
        add(name, nodes, Depth::Full);
    }
    rows.retain(|row| row.depth <= depth);
    rows
}

/// The rows for these numbers of nodes alone: what would be run at them, and the steady state and the selected scenarios.
pub(super) fn rows_of(depth: Depth, nodes: &[u32]) -> Vec<Planned> {
    let mut planned = rows(depth);
    planned.retain(|row| nodes.contains(&row.nodes));
    for (nodes, scenario) in pairs(nodes, [STEADY].into_iter().chain(QUICK_SELECTED)) {
        if !planned.iter().any(|row| row.scenario == scenario && row.nodes == nodes) {
            planned.push(Planned { scenario, nodes, depth: Depth::Full });
        }
    }
    planned
}

fn pairs(
    nodes: &[u32],
    names: impl IntoIterator<Item = &'static str>,
) -> impl Iterator<Item = (u32, &'static str)> {
    let names: Vec<_> = names.into_iter().collect();
    nodes.iter().flat_map(move |nodes| names.clone().into_iter().map(move |name| (*nodes, name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deeper_run_has_all_rows_of_a_shallower_one_and_none_twice() {
        let (quick, default, full) = (rows(Depth::Quick), rows(Depth::Default), rows(Depth::Full));
        assert!(
            quick.iter().all(|row| default.contains(row)) && default.iter().all(|row| full.contains(row))
        );
        for (index, row) in full.iter().enumerate() {
            let same = |other: &&Planned| other.scenario == row.scenario && other.nodes == row.nodes;
            assert_eq!(full.iter().filter(same).count(), 1, "{index}: {row:?}");
        }
        assert!(quick.len() > 60 && default.len() > 100 && full.len() > 200);
    }

    #[test]
    fn every_planned_scenario_is_in_the_catalogue() {
        for row in rows(Depth::Full) {
            assert!(fleet::scenarios().any(|(name, _)| name == row.scenario), "{row:?}");
        }
    }

    #[test]
    fn numbers_of_nodes_that_are_in_no_plan_are_run_in_the_steady_state_and_the_selected_scenarios() {
        let names: Vec<_> = rows_of(Depth::Quick, &[70]).iter().map(|row| row.scenario).collect();
        assert_eq!(names, ["steady", "cold-install", "restart-with-memory", "outage-refused"]);
    }
}

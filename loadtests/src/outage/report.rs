//! The figures of the replay: as JSON, and as lines for people. Every line says where its numbers come from.

use serde_json::{Value, json};

use super::plot::clock;
use super::scenario::{Origin, Scenario};
use super::sensitivity::{FACTORS, JUDGED};
use super::tornado::time;
use super::{Everything, SCHEMA};
use crate::outage::timeline::Replay;
use crate::prices::Prices;

/// A point of the committed timeline every so many seconds.
const STEP: f64 = 30.0;

/// The report.
pub(super) fn json(all: &Everything, scenario: &Scenario, prices: &Prices, seed: u64) -> Value {
    let replays = [&all.today, &all.tare, &all.today_unbounded];
    json!({
        "schema": SCHEMA,
        "how": {
            "replays": "simulated", "restart": "simulated", "sensitivity": "simulated",
            "tare": "the shipped informer in virtual time; its arrivals do not depend on the server's answers",
            "scenario": "each parameter carries its origin", "prices": "each price carries its origin",
        },
        "seed": seed,
        "scenario": scenario,
        "prices": prices,
        "replays": replays.map(replay),
        "restart": all.restart,
        "sensitivity": { "factors": FACTORS, "judged_s": JUDGED, "harm": all.sensitivity },
    })
}

fn replay(replay: &Replay) -> Value {
    let last = replay.commands.last().map_or(0.0, |command| command.at);
    let points =
        replay.timeline.iter().filter(|second| (second.at + 0.5).rem_euclid(STEP) < 1.0 && second.at <= last);
    let points = points.map(
        |second| json!({ "second": second, "operators": replay.operators(second.at, second.at + STEP) }),
    );
    json!({
        "summary": replay,
        "operators_before": replay.operators(f64::MIN, 0.0),
        "operators_after": replay.operators(0.0, f64::MAX),
        "fewest_reachable": fewest(replay),
        "timeline": points.collect::<Vec<_>>(),
    })
}

/// The smallest part of the services that found each other.
fn fewest(replay: &Replay) -> f64 {
    replay.timeline.iter().map(|second| second.reachable).fold(1.0, f64::min)
}

/// The lines.
pub(super) fn lines(all: &Everything, scenario: &Scenario) -> Vec<String> {
    let mut lines = vec![origins(scenario)];
    for replay in [&all.today, &all.tare, &all.today_unbounded] {
        lines.extend(story(replay));
    }
    let base = &all.sensitivity.today;
    let ever = |of: fn(&super::sensitivity::Harm) -> f64| {
        let harms = all.sensitivity.turned.iter().flat_map(|turned| &turned.tare);
        harms.map(of).fold(1.0, f64::min)
    };
    lines.push(format!(
        "simulated  sensitivity    as it is: {} of today's operators answered in {} min; the worst of all turned parameters under tare: {}",
        percent(base.success),
        JUDGED / 60.0,
        percent(ever(|harm| harm.success)),
    ));
    for turned in all
        .sensitivity
        .turned
        .iter()
        .filter(|turned| turned.today.iter().any(|harm| (harm.success - base.success).abs() >= 0.05))
    {
        let [half, more] = &turned.today;
        lines.push(format!(
            "simulated  sensitivity    {:?}: x0.5 {} answered, saturated {}; x1.5 {}, {}",
            turned.knob,
            percent(half.success),
            time(half.saturated_s),
            percent(more.success),
            time(more.saturated_s),
        ));
    }
    for row in &all.restart {
        lines.push(format!(
            "simulated  restart        {:40} worst 10 s {:>6} requests, operators p99 {:>9.1} ms, answered {:>5}, out of memory {} times",
            row.name,
            row.worst_10s,
            row.p99_s * 1e3,
            percent(row.success),
            row.crashes,
        ));
    }
    lines
}

/// How many parameters are of which origin.
fn origins(scenario: &Scenario) -> String {
    let of = |origin| scenario.parameters.values().filter(|parameter| parameter.origin == origin).count();
    format!(
        "computed   parameters     {} published, {} measured, {} assumed",
        of(Origin::Published),
        of(Origin::Measured),
        of(Origin::Assumed)
    )
}

fn story(replay: &Replay) -> Vec<String> {
    let (before, after) = (replay.operators(f64::MIN, 0.0), replay.operators(0.0, f64::MAX));
    let (marks, counts) = (replay.marks, replay.counts);
    vec![
        format!(
            "simulated  replay         {}: saturated {}, out of memory {} ({} times), operators locked out {}, nodes NotReady {}, names lost {}, rollback answered {}, agents gone {}",
            replay.name,
            time(marks.saturated),
            time(marks.first_crash),
            replay.crashes,
            time(marks.locked_out),
            time(marks.nodes_lost),
            time(marks.names_lost),
            time(marks.rolled_back),
            time(marks.agents_gone),
        ),
        format!(
            "simulated  replay         {}: operators p99 {:.1} ms before, {:.1} ms after; answered {} before, {} after; at least {} of services find each other",
            replay.name,
            before.p99_s * 1e3,
            after.p99_s * 1e3,
            percent(before.success),
            percent(after.success),
            percent(fewest(replay)),
        ),
        format!(
            "simulated  replay         {}: {} requests arrived, {} served, {} refused, {} timed out, {} cut off; {} met no server; agents: worst 10 s {} requests, slowest answer {:.4} s, {} not served",
            replay.name,
            counts.arrived,
            counts.served,
            counts.refused,
            counts.timed_out,
            counts.cut,
            counts.unreachable,
            replay.worst_10s,
            replay.slowest_s,
            replay.agents_failed,
        ),
    ]
}

fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}

/// The page that stands beside the plots.
pub(super) fn page(lines: &[String], all: &Everything) -> String {
    let until = all.today.commands.last().map_or(0.0, |command| command.at);
    format!(include_str!("page.md"), minutes = clock(until), lines = lines.join("\n"),)
}

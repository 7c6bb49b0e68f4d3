//! One certificate against the committed one: did the fleet become more expensive, or did rows vanish? Pure.
//!
//! The same seed gives the same run, so the bounds are tight: a change of the code that moves the random numbers moves a rate by
//! less than a hundredth, and a fullest window by a few requests.

use super::certificate::Certificate;
use super::plan::Planned;
use crate::fleet::Row;

/// How much dearer a sum may be.
const SUM: f64 = 1.02;
/// How much dearer a fullest window may be, and by how much in any case.
const WINDOW: (f64, f64) = (1.15, 10.0);
/// How much smaller the share of fresh agent-time may be.
const FRESH: f64 = 0.01;

/// What became worse; `planned` are the rows that this run should have. An error if the two cannot be compared.
pub(super) fn worse(
    new: &Certificate,
    old: &Certificate,
    planned: &[Planned],
) -> anyhow::Result<Vec<String>> {
    anyhow::ensure!(new.seed == old.seed, "the seeds {} and {} are different runs", new.seed, old.seed);
    let mut worse = Vec::new();
    for planned in planned {
        let Planned { scenario, nodes, depth } = *planned;
        match (new.find(scenario, nodes), old.find(scenario, nodes)) {
            (Some(new), Some(old)) => worse.extend(row(&new.row, &old.row)),
            (None, Some(_)) => worse.push(format!("{scenario} of {nodes} nodes: the row has vanished")),
            (Some(_), None) if depth < super::plan::Depth::Full => {
                worse.push(format!(
                    "{scenario} of {nodes} nodes: not in the committed certificate; make it anew"
                ));
            }
            _ => {}
        }
    }
    let of = |certificate: &Certificate| certificate.rows.iter().map(|line| line.depth).max();
    for old in old.rows.iter().filter(|line| Some(line.depth) <= of(new)) {
        let (scenario, nodes) = (&old.row.scenario, old.row.nodes);
        if !planned.iter().any(|row| row.scenario == scenario && row.nodes == nodes) {
            worse.push(format!("{scenario} of {nodes} nodes: no longer planned"));
        }
    }
    Ok(worse)
}

fn row(new: &Row, old: &Row) -> Vec<String> {
    let name = format!("{} of {} nodes", new.scenario, new.nodes);
    let mut worse = Vec::new();
    let mut check = |what: &str, new: f64, old: f64, most: f64| {
        if new > most {
            worse.push(format!("{name}: {what} {new:.4}, committed {old:.4}, allowed {most:.4}"));
        }
    };
    let count = |number: u64| u32::try_from(number).map_or(f64::INFINITY, f64::from);
    let sums = [
        ("direct requests/s", new.rates.own, old.rates.own),
        ("reviews/s", new.rates.reviews, old.rates.reviews),
        ("requests of agents", count(new.counted.own), count(old.counted.own)),
        ("CPU of the server, s,", new.bill.cpu_s, old.bill.cpu_s),
        ("seat-seconds", new.bill.seat_s, old.bill.seat_s),
        ("carried CPU, s,", new.bill.carried_cpu_s, old.bill.carried_cpu_s),
        ("time to full detail, s,", new.sync_s.unwrap_or(f64::INFINITY), old.sync_s.unwrap_or(f64::INFINITY)),
    ];
    for (what, new, old) in sums {
        // One agent's turn more or less is nothing in a fleet, and much among ten.
        check(what, new, old, if what == "requests of agents" { old * SUM + 2.0 } else { old * SUM });
    }
    let windows = [
        ("requests in 10 s", count(new.worst.requests), count(old.worst.requests)),
        ("CPU in 10 s", new.bill.worst_10s_cpu_s, old.bill.worst_10s_cpu_s),
    ];
    for (what, new, old) in windows {
        let slack = if what == "CPU in 10 s" { 0.02 } else { WINDOW.1 };
        check(what, new, old, (old * WINDOW.0).max(old + slack));
    }
    check("stale share", 1.0 - new.fresh.fresh, 1.0 - old.fresh.fresh, 1.0 - old.fresh.fresh + FRESH);
    worse
}

//! The report for people, and its summary. Every table says where its lines come from. Pure.

use std::fmt::Write as _;

use super::certificate::{Certificate, Origin, What};
use super::judge::{EXPONENT, SHARE_OF_KUBELET};
use super::plan::{COLD, STEADY};
use crate::fleet::{self, Row};

/// A few lines for the end of a run.
pub(super) fn summary(certificate: &Certificate) -> String {
    let mut text = format!("the ceiling binds from {} nodes on (computed)\n", certificate.binding.nodes());
    for fit in &certificate.fits {
        push(
            &mut text,
            &format!(
                "exponent {:+.3} [{:+.3}, {:+.3}]: {}, {}, {}",
                fit.exponent,
                fit.low,
                fit.high,
                fit.scenario,
                fit.what.words(),
                range(&fit.nodes)
            ),
        );
    }
    text
}

/// `certificate.md`.
pub(super) fn report(certificate: &Certificate, outage: Option<&str>) -> String {
    let mut text = String::new();
    head(&mut text, certificate);
    growth(&mut text, certificate);
    steady(&mut text, certificate);
    scenarios(&mut text, certificate);
    install(&mut text, certificate);
    control_plane(&mut text, certificate);
    peers(&mut text, certificate);
    if let Some(plot) = outage {
        push(&mut text, "\n## The outage, replayed\n");
        push(&mut text, &format!("![two timelines of the same roll-out]({plot})"));
    }
    text
}

fn head(text: &mut String, certificate: &Certificate) {
    push(text, "# The scale certificate\n");
    push(
        text,
        "Made by `cargo certify`; no figure is edited by hand. [How it works, what it proves and what it cannot](../../scale.md).\n",
    );
    push(
        text,
        "Origins: *measured* on a real server, *simulated* (counted by the simulated API server, which shares no code with",
    );
    push(
        text,
        "the ledger of the agents), *computed* from the shipped arithmetic or from other lines, *assumed* by nobody's measurement.\n",
    );
    let verdict = if certificate.breaches.is_empty() {
        "The declaration holds."
    } else {
        "**The declaration does not hold:**"
    };
    push(text, &format!("{} rows, seed {}. {verdict}", certificate.rows.len(), certificate.seed));
    for breach in &certificate.breaches {
        push(text, &format!("- {breach}"));
    }
}

fn growth(text: &mut String, certificate: &Certificate) {
    let binding = certificate.binding;
    push(text, "\n## How the bill grows with the cluster\n");
    push(text, "![requests against nodes](requests.svg)\n");
    push(
        text,
        &format!(
            "The ceiling binds from {} nodes on for renewals, from {} for reviews: from {} for all of it (*computed*). Declared bounds:\n\
         exponent at most {EXPONENT} from there on, direct requests of a node at most {} % of what its kubelet asks for itself below.\n",
            binding.direct,
            binding.reviews,
            binding.nodes(),
            SHARE_OF_KUBELET * 100.0
        ),
    );
    push(text, "| scenario | what | origin | nodes | exponent | 95 % interval |\n|---|---|---|---|---|---|");
    for fit in &certificate.fits {
        push(
            text,
            &format!(
                "| {} | {} | {} | {} ({} points) | {:+.3} | {:+.3} to {:+.3} |",
                fit.scenario,
                fit.what.words(),
                fit.origin.word(),
                range(&fit.nodes),
                fit.nodes.len(),
                fit.exponent,
                fit.low,
                fit.high
            ),
        );
    }
    let worst = certificate.fits.iter().any(|fit| fit.what == What::Worst);
    if worst {
        push(
            text,
            "\nA fullest window is one number for each N, so its interval is wide; its exponent is what is judged.",
        );
    }
}

fn steady(text: &mut String, certificate: &Certificate) {
    push(text, "\n## When nothing happens\n");
    push(
        text,
        "Means over several lives of a watch, after all agents had theirs. Server CPU is that of the requests; what watches carry follows the pods.\n",
    );
    push(
        text,
        "| nodes | origin | requests/s | direct/s | reviews/s | fullest 10 s | server CPU, cores | seats | LIST bytes | carried, cores | fresh |\n|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    );
    for row in certificate.of_scenario(STEADY) {
        let time = row.fresh.seconds;
        push(
            text,
            &format!(
                "| {} | simulated | {:.3} | {:.3} | {:.3} | {} | {:.4} | {:.4} | {} | {:.4} | {:.3} % |",
                row.nodes,
                row.rates.own + row.rates.reviews,
                row.rates.own,
                row.rates.reviews,
                row.judged.requests,
                row.bill.cpu_s_within / time,
                row.bill.seat_s_within / time,
                listed(certificate, row.nodes),
                row.bill.carried_cpu_s / time,
                row.fresh.fresh * 100.0
            ),
        );
    }
    push(
        text,
        "\n| nodes | origin | direct requests/s of a node | computed | of a kubelet's own 0.130/s |\n|--:|---|--:|--:|--:|",
    );
    for line in &certificate.direct {
        push(
            text,
            &format!(
                "| {} | {} | {:.6} | {:.6} | {:.2} % |",
                line.nodes,
                line.origin.word(),
                line.per_node,
                line.computed,
                line.share_of_kubelet * 100.0
            ),
        );
    }
    push(
        text,
        "\nWhat the watch of one node carries: 30 pods that change once in two hours, 12 KB an event, and a bookmark a minute; four times the changes in `steady-churn`.\n",
    );
    push(text, "| scenario | nodes | origin | bytes/s of a node | computed |\n|---|--:|---|--:|--:|");
    for line in &certificate.carried {
        push(
            text,
            &format!(
                "| {} | {} | {} | {:.2} | {:.2} |",
                line.scenario,
                line.nodes,
                line.origin.word(),
                line.per_node,
                line.computed
            ),
        );
    }
}

/// LISTs belong to the start of a run, and not to the steady state: a watch is renewed without one.
fn listed(certificate: &Certificate, nodes: u32) -> String {
    let lists = certificate.find(STEADY, nodes).and_then(|line| {
        let of = |kind| line.row.bill.by_kind.get(&kind).copied();
        of(crate::prices::Kind::ListNode)
    });
    lists.map_or("-".to_owned(), |lists| format!("{lists} at the start"))
}

fn scenarios(text: &mut String, certificate: &Certificate) {
    push(text, "\n## Every scenario's worst\n");
    push(
        text,
        "The fullest windows where the conditions of the promise hold, the largest over all N; a dash: the scenario is outside the promise and only printed. Where the ceiling is raised or lowered, 1,000 and 250 are declared.\n",
    );
    push(
        text,
        "![fullest windows](windows.svg)\n\n![LIST bytes](list-bytes.svg)\n\n![freshness](freshness.svg)\n",
    );
    push(
        text,
        "| scenario | origin | nodes | requests in 10 s, declared 500 | MiB of LISTs in 60 s, declared 960 | server CPU in 10 s, s | seats, mean of 10 s | longest wait, s | not fresh, s | full detail again, s |\n|---|---|---|--:|--:|--:|--:|--:|--:|--:|",
    );
    for name in certificate.scenarios() {
        let rows = certificate.of_scenario(name);
        let most = |of: &dyn Fn(&Row) -> f64| rows.iter().map(|row| of(row)).fold(0.0, f64::max);
        let judged = rows.iter().map(|row| row.judged.requests).max().unwrap_or(0);
        let judged = if judged == 0 { "-".to_owned() } else { judged.to_string() };
        let nodes: Vec<_> = rows.iter().map(|row| row.nodes).collect();
        let bytes = rows.iter().map(|row| row.judged.list_bytes).max().unwrap_or(0).div_ceil(1 << 20);
        push(
            text,
            &format!(
                "| `{name}` | simulated | {} | {judged} | {bytes} | {:.3} | {:.2} | {:.3} | {:.0} | {:.0} |",
                range(&nodes),
                most(&|row| row.bill.worst_10s_cpu_s),
                most(&|row| row.bill.worst_10s_seat_s / 10.0),
                most(&|row| row.bill.longest_wait_s),
                most(&|row| row.fresh.stale_s),
                most(&|row| row.sync_s.unwrap_or(f64::INFINITY))
            ),
        );
    }
    push(text, "\n| scenario | what happens |\n|---|---|");
    for (name, about) in fleet::scenarios().filter(|(name, _)| certificate.scenarios().contains(name)) {
        push(text, &format!("| `{name}` | {about} |"));
    }
}

fn install(text: &mut String, certificate: &Certificate) {
    push(text, "\n## Time to full detail after a cold start\n");
    push(
        text,
        "Until then names come from the node's own files and the kubelet; no metric waits for it.\n\n![time to full detail](detail.svg)\n",
    );
    push(text, "| nodes | origin | half of the agents, s | all but one in 500, s |\n|--:|---|--:|--:|");
    let seconds = |time: Option<f64>| time.map_or("never".to_owned(), |time| format!("{time:.0}"));
    for row in certificate.of_scenario(COLD) {
        push(
            text,
            &format!(
                "| {} | simulated | {} | {} |",
                row.nodes,
                seconds(row.half_sync_s),
                seconds(row.sync_s)
            ),
        );
    }
}

fn control_plane(text: &mut String, certificate: &Certificate) {
    let capacity = certificate.server.capacity;
    push(text, "\n## The control plane it was run against\n");
    push(
        text,
        &format!(
            "{} cores and {} seats (*{}*): two processors, and what kube-apiserver's defaults leave to `workload-low`. It makes wait and refuses\n\
         (429) when its processors or seats run out; no scenario within the promise came to that.\n",
            capacity.cores,
            capacity.seats,
            certificate.server.origin.word()
        ),
    );
    push(text, "![seats](seats.svg)\n\n![CPU](cpu.svg)\n");
    push(text, "| request | origin | CPU, ms | seats | source |\n|---|---|--:|--:|---|");
    for line in &certificate.prices {
        push(
            text,
            &format!(
                "| {:?} | {} | {} | {} | `loadtests/{}` |",
                line.kind,
                line.origin.word(),
                line.cpu_ms,
                line.seats,
                line.source
            ),
        );
    }
}

fn peers(text: &mut String, certificate: &Certificate) {
    if certificate.peers.is_empty() {
        return;
    }
    push(text, "\n## What people run today\n");
    push(
        text,
        "| program | nodes | origin | requests/s, steady | requests in the first 10 s | seats | server CPU, s | MiB | exceeds this control plane from |\n|---|--:|---|--:|--:|--:|--:|--:|--:|",
    );
    for peer in &certificate.peers {
        let exceeds = peer.exceeds_at.map_or("never".to_owned(), |nodes| format!("{nodes} nodes"));
        push(
            text,
            &format!(
                "| {} | {} | {} | {:.2} | {} | {} | {:.2} | {} | {exceeds} |",
                peer.name,
                peer.nodes,
                peer.origin.word(),
                peer.steady_rps,
                peer.cold_10s_requests,
                peer.cold_seats,
                peer.cold_cpu_s,
                peer.bytes.div_ceil(1 << 20)
            ),
        );
    }
}

impl Origin {
    /// For people.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Simulated => "simulated",
            Self::Computed => "computed",
            Self::Assumed => "assumed",
        }
    }
}

fn push(text: &mut String, line: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}

/// From the smallest to the largest.
pub(super) fn range(nodes: &[u32]) -> String {
    match (nodes.first(), nodes.last()) {
        (Some(first), Some(last)) => format!("{first} to {last} nodes"),
        _ => "no nodes".to_owned(),
    }
}

//! The figures that `docs/scale.md` cites: a table from the certificate, between two marks of the page. Pure.

use std::fmt::Write as _;

use super::certificate::{Certificate, What};
use super::markdown::range;
use super::plan::{COLD, STEADY};
use crate::fleet::Row;

const BEGIN: &str = "<!-- figures: from docs/certificate/scale/certificate.json -->\n";
const END: &str = "<!-- /figures -->";

/// The page with these figures; none where it has no place for them.
pub(super) fn replaced(page: &str, certificate: &Certificate) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{}{END}{after}", table(certificate)))
}

/// What is cited.
fn table(certificate: &Certificate) -> String {
    let mut text = "| figure | origin | value |\n|---|---|---|\n".to_owned();
    // Writing to a String cannot fail.
    let mut line = |what: &str, origin: &str, value: &str| {
        let _ = writeln!(text, "| {what} | {origin} | {value} |");
    };
    let binding = certificate.binding;
    line("the ceiling binds from this many nodes on", "computed", &binding.nodes().to_string());
    for fit in &certificate.fits {
        if fit.what != What::Worst {
            let value = format!("{:.3} ({:.3} to {:.3})", fit.exponent, fit.low, fit.high);
            line(&format!("exponent of {}, {}", fit.what.words(), range(&fit.nodes)), "computed", &value);
        }
    }
    let trend = certificate.fits.iter().filter(|fit| fit.what == What::Worst);
    if let Some(fit) = trend.max_by(|one, other| one.exponent.total_cmp(&other.exponent)) {
        let value = format!("{:.3}, {}", fit.exponent, fit.scenario);
        line("largest exponent of a scenario's fullest 10 s above that", "computed", &value);
    }
    let judged = certificate.rows.iter().map(|line| &line.row).filter(|row| row.judged.requests > 0);
    let of = |row: &Row, value: String| format!("{value} ({} of {} nodes)", row.scenario, row.nodes);
    if let Some(row) = judged.clone().max_by_key(|row| row.judged.requests) {
        line(
            "fullest 10 s of all rows, requests (declared: 500)",
            "simulated",
            &of(row, row.judged.requests.to_string()),
        );
    }
    if let Some(row) = judged.clone().max_by(|a, b| a.bill.worst_10s_cpu_s.total_cmp(&b.bill.worst_10s_cpu_s))
    {
        let value = of(row, format!("{:.2} CPU seconds", row.bill.worst_10s_cpu_s));
        line("dearest 10 s of all rows (two cores have 20)", "simulated", &value);
    }
    if let Some(row) = judged.clone().max_by(|a, b| a.bill.longest_wait_s.total_cmp(&b.bill.longest_wait_s)) {
        line(
            "longest wait for the small control plane, s",
            "simulated",
            &of(row, format!("{:.3}", row.bill.longest_wait_s)),
        );
    }
    for (name, what) in [
        (STEADY, "requests/s of the whole fleet in the steady state"),
        (COLD, "time to full detail after a cold start, s"),
    ] {
        for row in [certificate.of_scenario(name).first(), certificate.of_scenario(name).last()]
            .into_iter()
            .flatten()
        {
            let value = if name == STEADY {
                format!("{:.2}", row.rates.own + row.rates.reviews)
            } else {
                row.sync_s.map_or("never".to_owned(), |seconds| format!("{seconds:.0}"))
            };
            line(&format!("{what}, {} nodes", row.nodes), "simulated", &value);
        }
    }
    let share = certificate.direct.iter().map(|line| line.share_of_kubelet).fold(0.0, f64::max);
    line(
        "direct requests of a node, of its kubelet's own, at most",
        "simulated",
        &format!("{:.2} %", share * 100.0),
    );
    text
}

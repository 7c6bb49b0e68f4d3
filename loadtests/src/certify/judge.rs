//! What breaks the declaration: pure, from the certificate's own lines. Each breach names the figure, its bound and the row.

use shared_informer::declaration::Declaration;
use shared_informer::derive::REQUESTS_PER_TURN;

use super::certificate::{Certificate, FitLine, What};
use super::plan::STEADY;

/// From where the ceiling binds, the fleet's bill may grow with no more than this power of N.
pub(super) const EXPONENT: f64 = 0.05;
/// Direct requests of a node, of what its kubelet asks for itself.
pub(super) const SHARE_OF_KUBELET: f64 = 0.01;
/// How far a simulated rate may lie from the computed one, in either direction: a whole number of renewals lies in the stretch
/// that is looked at, and what is left is a turn that was late and an answer that took too long.
const OFF: f64 = 0.03;
/// How long a request may wait for the small control plane: what takes longer is trouble to an agent.
const LONGEST_WAIT_S: f64 = 1.0;
/// A confidence interval of so few points says nothing.
const POINTS: usize = 5;

/// Everything that is broken.
pub(super) fn breaches(certificate: &Certificate) -> Vec<String> {
    let mut breaches = Vec::new();
    rows(certificate, &mut breaches);
    rates(certificate, &mut breaches);
    for fit in &certificate.fits {
        breaches.extend(grows(fit));
    }
    breaches
}

fn rows(certificate: &Certificate, breaches: &mut Vec<String>) {
    for row in certificate.rows.iter().map(|line| &line.row) {
        let name = format!("{} of {} nodes", row.scenario, row.nodes);
        breaches.extend(row.breaches.iter().map(|breach| format!("{name}: {breach}")));
        // Without a window that is judged, the scenario is outside the promise and only printed.
        if row.judged.requests == 0 {
            continue;
        }
        if row.bill.refused > 0 || row.bill.longest_wait_s > LONGEST_WAIT_S {
            breaches.push(format!(
                "{name}: the small control plane was saturated: {} requests refused, one waited {} s",
                row.bill.refused, row.bill.longest_wait_s
            ));
        }
        let most = Declaration::default().requests();
        if row.scenario == STEADY && row.rates.own + row.rates.reviews > most {
            breaches.push(format!(
                "{name}: {} requests/s when nothing happens",
                row.rates.own + row.rates.reviews
            ));
        }
    }
}

fn rates(certificate: &Certificate, breaches: &mut Vec<String>) {
    let off = |found: f64, computed: f64| (found / computed - 1.0).abs() > OFF;
    for line in &certificate.direct {
        let nodes = line.nodes;
        if line.share_of_kubelet > SHARE_OF_KUBELET {
            let percent = line.share_of_kubelet * 100.0;
            breaches.push(format!("{nodes} nodes: direct requests are {percent:.2} % of a kubelet's own"));
        }
        // One renewal of one agent, which came a turn late, is nothing in a fleet, and much among ten.
        let seconds = certificate.find(STEADY, nodes).map_or(f64::INFINITY, |line| line.row.fresh.seconds);
        let one = f64::from(REQUESTS_PER_TURN) / f64::from(nodes) / seconds;
        if (line.per_node - line.computed).abs() > line.computed * OFF + one {
            let (found, computed) = (line.per_node, line.computed);
            breaches.push(format!(
                "{nodes} nodes: {found:.6} direct requests/s of a node, computed {computed:.6}"
            ));
        }
    }
    for line in &certificate.carried {
        if off(line.per_node, line.computed) {
            breaches.push(format!(
                "{} of {} nodes: a watch carries {:.2} bytes/s, its pods' changes are {:.2}",
                line.scenario, line.nodes, line.per_node, line.computed
            ));
        }
    }
}

/// The steady state is many requests: its interval is judged. A fullest window is one number for each N: its trend is.
fn grows(fit: &FitLine) -> Option<String> {
    let (bound, figure) = match fit.what {
        What::Total if fit.nodes.len() >= POINTS => (fit.high, "upper bound of the exponent"),
        What::CarriedPerNode | What::DirectPerNode if fit.nodes.len() >= POINTS => (fit.exponent, "exponent"),
        What::Worst if fit.nodes.len() >= POINTS - 1 => (fit.exponent, "exponent"),
        _ => return None,
    };
    (bound > EXPONENT).then(|| {
        format!("{}: the {figure} of {} is {bound:.4}, allowed is {EXPONENT}", fit.scenario, fit.what.words())
    })
}

impl What {
    /// For people.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Total => "the fleet's requests/s",
            Self::Worst => "the fullest 10 s",
            Self::DirectPerNode => "direct requests/s of a node",
            Self::CarriedPerNode => "bytes/s that a node's watch carries",
        }
    }
}

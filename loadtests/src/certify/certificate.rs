//! The certificate as data: `tare.certificate/v1`. Everything but the rows follows from the rows, the calibration and the shipped
//! arithmetic; every line says which of these it comes from.

use serde::{Deserialize, Serialize};
use shared_informer::plan::KubeletBaseline;

use super::binding::{self, Binding};
use super::fit;
use super::judge;
use super::peers::Peer;
use super::plan::{CHURN, Depth, STEADY};
use crate::fleet::{self, Capacity, Row};
use crate::prices::{self, Kind, Prices};
use crate::rows;

/// The schema's name.
pub(super) const SCHEMA: &str = "tare.certificate/v1";

/// Where a figure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Origin {
    /// On a real server; the line names the file.
    Measured,
    /// Counted by the simulated server.
    Simulated,
    /// By the shipped arithmetic, or from other lines.
    Computed,
    /// Nobody has measured it.
    Assumed,
}

/// The certificate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Certificate {
    pub(super) schema: String,
    pub(super) seed: u64,
    pub(super) server: Server,
    pub(super) binding: Binding,
    pub(super) prices: Vec<PriceLine>,
    pub(super) fits: Vec<FitLine>,
    pub(super) direct: Vec<DirectLine>,
    pub(super) carried: Vec<CarriedLine>,
    pub(super) peers: Vec<Peer>,
    pub(super) rows: Vec<Line>,
    /// What breaks the declaration; empty: nothing does.
    pub(super) breaches: Vec<String>,
}

/// The control plane that no scenario may saturate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Server {
    pub(super) origin: Origin,
    pub(super) capacity: Capacity,
}

/// What one request costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceLine {
    pub(super) origin: Origin,
    pub(super) kind: Kind,
    pub(super) cpu_ms: f64,
    pub(super) seats: u32,
    /// The file below `loadtests`.
    pub(super) source: String,
}

/// How something grows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FitLine {
    pub(super) origin: Origin,
    pub(super) scenario: String,
    pub(super) what: What,
    /// The numbers of nodes.
    pub(super) nodes: Vec<u32>,
    pub(super) exponent: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// What grows, or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    /// Requests per second of the whole fleet from where the ceiling binds.
    Total,
    /// Requests in the fullest 10 s from where the ceiling binds.
    Worst,
    /// Direct requests per second of one node below that.
    DirectPerNode,
    /// Bytes that a node's watch carries, everywhere.
    CarriedPerNode,
}

/// Direct requests of one node in the steady state.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DirectLine {
    pub(super) origin: Origin,
    pub(super) nodes: u32,
    /// Requests per second.
    pub(super) per_node: f64,
    /// The same by the shipped arithmetic.
    pub(super) computed: f64,
    /// Of what a kubelet asks for itself.
    pub(super) share_of_kubelet: f64,
}

/// What the watch of one node carries in the steady state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CarriedLine {
    pub(super) origin: Origin,
    pub(super) scenario: String,
    pub(super) nodes: u32,
    /// Bytes per second.
    pub(super) per_node: f64,
    /// The same from the changes of its pods and one bookmark a minute.
    pub(super) computed: f64,
}

/// A row, and the least depth at which it is run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) origin: Origin,
    pub(super) depth: Depth,
    pub(super) row: Row,
}

impl Certificate {
    /// What these rows amount to.
    pub(super) fn of(seed: u64, rows: Vec<Line>, peers: Vec<Peer>) -> anyhow::Result<Self> {
        let binding = Binding::computed()?;
        let mut certificate = Self {
            schema: SCHEMA.to_owned(),
            seed,
            server: Server { origin: Origin::Computed, capacity: Capacity::SMALL },
            prices: price_lines(&Prices::committed()?),
            fits: fits(&rows, &binding),
            direct: direct(&rows)?,
            carried: carried(&rows)?,
            binding,
            peers,
            rows,
            breaches: Vec::new(),
        };
        certificate.breaches = judge::breaches(&certificate);
        Ok(certificate)
    }

    /// Reads one.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let certificate: Self = serde_json::from_str(text)?;
        anyhow::ensure!(
            certificate.schema == SCHEMA,
            "schema {:?} instead of {SCHEMA:?}",
            certificate.schema
        );
        Ok(certificate)
    }

    /// The file: keys in a fixed order, numbers with a fixed number of digits, a row a line.
    pub(super) fn text(&self) -> anyhow::Result<String> {
        Ok(rows::text(&rows::rounded(serde_json::to_value(self)?))?)
    }

    /// The row of this scenario and this many nodes.
    pub(super) fn find(&self, scenario: &str, nodes: u32) -> Option<&Line> {
        self.rows.iter().find(|line| line.row.scenario == scenario && line.row.nodes == nodes)
    }

    /// Rows of a scenario, in the order of their nodes.
    pub(super) fn of_scenario(&self, scenario: &str) -> Vec<&Row> {
        rows_of(&self.rows, scenario)
    }

    /// The scenarios that have a row, in the order of the catalogue.
    pub(super) fn scenarios(&self) -> Vec<&'static str> {
        let names = fleet::scenarios().map(|(name, _)| name);
        names.filter(|name| self.rows.iter().any(|line| line.row.scenario == *name)).collect()
    }
}

fn rows_of<'a>(lines: &'a [Line], scenario: &str) -> Vec<&'a Row> {
    let rows = lines.iter().map(|line| &line.row).filter(|row| row.scenario == scenario);
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_key(|row| row.nodes);
    rows
}

fn price_lines(prices: &Prices) -> Vec<PriceLine> {
    let kinds = [
        Kind::GetDaemonSet,
        Kind::ListNode,
        Kind::WatchNode,
        Kind::TokenReview,
        Kind::AccessReview,
        Kind::WatchEvent,
    ];
    let line = |kind| {
        let price = prices.of(kind);
        let origin = match price.origin {
            prices::Origin::Measured => Origin::Measured,
            prices::Origin::Assumed => Origin::Assumed,
        };
        let source = "calibration/kube-apiserver.json".to_owned();
        PriceLine { origin, kind, cpu_ms: price.cpu_ms, seats: price.seats, source }
    };
    kinds.map(line).into()
}

fn fits(lines: &[Line], binding: &Binding) -> Vec<FitLine> {
    let mut fits = Vec::new();
    let mut fit = |scenario: &str, what, of: &dyn Fn(&Row) -> f64, within: &dyn Fn(u32) -> bool| {
        let rows: Vec<_> = rows_of(lines, scenario).into_iter().filter(|row| within(row.nodes)).collect();
        let points: Vec<_> = rows.iter().map(|row| (f64::from(row.nodes), of(row))).collect();
        if let Some(fit::Fit { exponent, low, high, .. }) = fit::exponent(&points) {
            let nodes = rows.iter().map(|row| row.nodes).collect();
            let scenario = scenario.to_owned();
            fits.push(FitLine { origin: Origin::Computed, scenario, what, nodes, exponent, low, high });
        }
    };
    let above = |nodes| nodes >= binding.nodes();
    fit(STEADY, What::Total, &|row| row.rates.own + row.rates.reviews, &above);
    fit(STEADY, What::DirectPerNode, &direct_of, &|nodes| nodes < binding.direct);
    fit(STEADY, What::CarriedPerNode, &carried_of, &|_| true);
    for (name, _) in fleet::scenarios() {
        let worst = |row: &Row| u32::try_from(row.worst.requests).map_or(0.0, f64::from);
        fit(name, What::Worst, &worst, &above);
    }
    fits
}

fn direct_of(row: &Row) -> f64 {
    row.rates.own / f64::from(row.nodes)
}

fn carried_of(row: &Row) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let bytes = row.bill.carried_bytes as f64;
    bytes / f64::from(row.nodes) / row.fresh.seconds
}

fn direct(lines: &[Line]) -> anyhow::Result<Vec<DirectLine>> {
    let line = |row: &Row| {
        let (nodes, per_node) = (row.nodes, direct_of(row));
        let share_of_kubelet = per_node / KubeletBaseline::of(1).per_node;
        let computed = binding::direct_per_node(nodes)?;
        Ok(DirectLine { origin: Origin::Simulated, nodes, per_node, computed, share_of_kubelet })
    };
    rows_of(lines, STEADY).into_iter().map(line).collect()
}

fn carried(lines: &[Line]) -> anyhow::Result<Vec<CarriedLine>> {
    let rows = [STEADY, CHURN].into_iter().flat_map(|name| rows_of(lines, name));
    let line = |row: &Row| {
        Ok(CarriedLine {
            origin: Origin::Simulated,
            scenario: row.scenario.clone(),
            nodes: row.nodes,
            per_node: carried_of(row),
            computed: fleet::carried_per_node(&row.scenario, row.nodes)? * row.fresh.live,
        })
    };
    rows.map(line).collect()
}

use exporter::model::{Kind, ValueType};

use super::ALL;
use crate::catalog::{self, own};

/// A row of the contract: name, unit, kind, type, monotonic, temporality and default.
fn contract() -> Vec<[&'static str; 7]> {
    let text = include_str!("../../../tests/fixtures/parity/metrics.csv");
    let rows = text.lines().filter_map(|line| line.strip_prefix("kubeletstats,,"));
    rows.map(|row| {
        let cells: Vec<_> = row.splitn(8, ',').collect();
        cells[..7].try_into().unwrap()
    })
    .collect()
}

#[test]
fn the_catalog_is_the_contract_row_by_row() {
    let found: Vec<_> = ALL
        .iter()
        .map(|metric| {
            let (kind, monotonic, temporality) = match metric.kind {
                Kind::Gauge => ("gauge", "", ""),
                Kind::Sum { monotonic: true } => ("sum", "yes", "cumulative"),
                Kind::Sum { monotonic: false } => ("sum", "no", "cumulative"),
            };
            let value_type = match metric.value_type {
                ValueType::Int => "int",
                ValueType::Double => "double",
            };
            let default = if metric.default_on { "on" } else { "off" };
            [metric.name, metric.unit, kind, value_type, monotonic, temporality, default]
        })
        .collect();
    assert_eq!(found, contract());
    assert!(found.len() > 50, "the contract is gone");
}

#[test]
fn no_two_metrics_of_the_catalog_have_the_same_name() {
    let mut names: Vec<_> = catalog::metrics().map(|metric| metric.name).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn what_the_collector_does_not_have_is_off_unless_asked_for() {
    assert!(own::containers::ALL.iter().all(|metric| !metric.default_on));
}

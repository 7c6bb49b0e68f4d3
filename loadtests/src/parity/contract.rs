//! The rows of the parity contract (`metrics.csv`): what each metric has to look like.

use anyhow::{Context, bail};

/// Gauge or sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A gauge.
    Gauge,
    /// A sum; `cumulative` is false for delta.
    Sum {
        /// Whether it only ever grows.
        monotonic: bool,
        /// Cumulative (as opposed to delta or unspecified) temporality.
        cumulative: bool,
    },
}

/// The type of a point's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueType {
    /// 64-bit integer.
    Int,
    /// 64-bit float.
    Double,
}

/// One row of the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The receiver of the collector, for example `hostmetrics`.
    pub receiver: String,
    /// The scraper, where the receiver has several.
    pub scraper: String,
    /// The metric's name.
    pub metric: String,
    /// The unit in UCUM.
    pub unit: String,
    /// Gauge or sum.
    pub kind: Kind,
    /// The values' type.
    pub value_type: ValueType,
    /// Whether it is on without configuration.
    pub default_on: bool,
    /// The attribute keys, each with its closed set of values (empty: open).
    pub attributes: Vec<(String, Vec<String>)>,
}

/// Reads the contract.
///
/// # Errors
/// On a row without the ten columns or with a word that is not known.
pub fn parse(csv: &str) -> anyhow::Result<Vec<Row>> {
    csv.lines()
        .enumerate()
        .skip(1)
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| row(line).with_context(|| format!("line {} of the contract", index + 1)))
        .collect()
}

fn row(line: &str) -> anyhow::Result<Row> {
    let cells = super::rules::cells(line);
    let [receiver, scraper, metric, unit, kind, value_type, monotonic, temporality, default, attributes] =
        cells.as_slice()
    else {
        bail!("expected 10 columns, found {}", cells.len());
    };
    let kind = match (kind.as_str(), monotonic.as_str(), temporality.as_str()) {
        ("gauge", "", "") => Kind::Gauge,
        ("sum", "yes", temporality) => Kind::Sum { monotonic: true, cumulative: temporality == "cumulative" },
        ("sum", "no", temporality) => Kind::Sum { monotonic: false, cumulative: temporality == "cumulative" },
        other => bail!("unknown kind {other:?}"),
    };
    let value_type = match value_type.as_str() {
        "int" => ValueType::Int,
        "double" => ValueType::Double,
        other => bail!("unknown value type {other:?}"),
    };
    Ok(Row {
        receiver: receiver.clone(),
        scraper: scraper.clone(),
        metric: metric.clone(),
        unit: unit.clone(),
        kind,
        value_type,
        default_on: default == "on",
        attributes: attributes.split_whitespace().map(attribute).collect(),
    })
}

/// `key` or `key{value,value}`.
fn attribute(text: &str) -> (String, Vec<String>) {
    match text.split_once('{') {
        None => (text.to_owned(), Vec::new()),
        Some((key, values)) => {
            (key.to_owned(), values.trim_end_matches('}').split(',').map(str::to_owned).collect())
        }
    }
}

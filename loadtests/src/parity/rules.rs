//! What may differ: tolerances of values, and exceptions with a reason, both read from small CSV files.

use anyhow::{Context, bail};

use super::{Aspect, Mismatch};

/// No more exceptions than this are accepted, whatever their reasons.
pub const MAX_EXCEPTIONS: usize = 10;

/// How far a value may lie outside what the collector saw around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tolerance {
    /// A metric's name, or its start followed by `*`, or `(counters)` or `(gauges)`: every other metric.
    pub metric: String,
    /// In the metric's unit.
    pub absolute: f64,
    /// Of the larger of the two values.
    pub relative: f64,
    /// Of the motion (largest minus smallest) of the neighbouring windows.
    pub motion: f64,
    /// How many windows on each side count as neighbours; 1: the two reads next to it.
    pub windows: usize,
    /// Why; never empty.
    pub reason: String,
}

/// A mismatch that is accepted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Exception {
    /// The metric's name.
    pub metric: String,
    /// What may differ.
    pub aspect: Aspect,
    /// A text that the series has to contain; empty: any series.
    pub series: String,
    /// Why; never empty.
    pub reason: String,
}

impl Exception {
    /// Whether it covers `mismatch`.
    pub fn covers(&self, mismatch: &Mismatch) -> bool {
        self.metric == mismatch.metric
            && self.aspect == mismatch.aspect
            && mismatch.series.contains(&self.series)
    }
}

/// Tolerances and exceptions together.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// In file order; the first that fits a metric counts.
    pub tolerances: Vec<Tolerance>,
    /// At most [`MAX_EXCEPTIONS`].
    pub exceptions: Vec<Exception>,
}

impl Rules {
    /// Reads both files.
    ///
    /// # Errors
    /// On a malformed row, a row without a reason, or more than [`MAX_EXCEPTIONS`] exceptions.
    pub fn parse(tolerances: &str, exceptions: &str) -> anyhow::Result<Self> {
        let rules =
            Self { tolerances: rows(tolerances, tolerance)?, exceptions: rows(exceptions, exception)? };
        if rules.exceptions.len() > MAX_EXCEPTIONS {
            bail!("{} exceptions; at most {MAX_EXCEPTIONS} are accepted", rules.exceptions.len());
        }
        Ok(rules)
    }

    /// The tolerance of `metric`: that of the first row that fits, else of its class, else none but the motion
    /// between the two neighbouring reads.
    pub fn tolerance(&self, metric: &str, counter: bool) -> Tolerance {
        let class = if counter { "(counters)" } else { "(gauges)" };
        let fits = |row: &&Tolerance| match row.metric.strip_suffix('*') {
            Some(start) => metric.starts_with(start),
            None => metric == row.metric,
        };
        let class = || self.tolerances.iter().find(|row| row.metric == class);
        self.tolerances.iter().find(fits).or_else(class).cloned().unwrap_or_else(Tolerance::none)
    }
}

impl Tolerance {
    /// Nothing outside the two neighbouring reads.
    pub fn none() -> Self {
        Self {
            metric: String::new(),
            absolute: 0.0,
            relative: 0.0,
            motion: 0.0,
            windows: 1,
            reason: "between the neighbouring reads".to_owned(),
        }
    }
}

fn rows<T>(text: &str, parse: fn(&[String]) -> anyhow::Result<T>) -> anyhow::Result<Vec<T>> {
    text.lines()
        .enumerate()
        .skip(1)
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|(index, line)| parse(&cells(line)).with_context(|| format!("line {}", index + 1)))
        .collect()
}

fn tolerance(cells: &[String]) -> anyhow::Result<Tolerance> {
    let [metric, absolute, relative, motion, windows, reason] = cells else {
        bail!("expected metric,absolute,relative,motion,windows,reason");
    };
    if reason.trim().is_empty() {
        bail!("a tolerance needs a reason");
    }
    Ok(Tolerance {
        metric: metric.clone(),
        absolute: absolute.parse().context("absolute")?,
        relative: relative.parse().context("relative")?,
        motion: motion.parse().context("motion")?,
        windows: windows.parse().context("windows")?,
        reason: reason.clone(),
    })
}

fn exception(cells: &[String]) -> anyhow::Result<Exception> {
    let [metric, aspect, series, reason] = cells else {
        bail!("expected metric,aspect,series,reason");
    };
    if reason.trim().is_empty() {
        bail!("an exception needs a reason");
    }
    let aspect = Aspect::from_name(aspect).with_context(|| format!("no aspect {aspect:?}"))?;
    Ok(Exception { metric: metric.clone(), aspect, series: series.clone(), reason: reason.clone() })
}

/// Splits a CSV line: commas, and double quotes around cells that hold commas.
pub(super) fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for character in line.trim_end().chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => {
                if let Some(cell) = cells.last_mut() {
                    cell.push(other);
                }
            }
        }
    }
    cells
}

//! The outcome of a comparison: for a person a table, for a machine `tare.real.parity/v1`.

use std::fmt::Write as _;

use super::compare::{self, Settings};
use super::rules::{Exception, Rules};
use super::stream::Stream;
use super::{Aspect, Mismatch};

/// The schema of one comparison in `target/real/parity.json`.
pub const SCHEMA: &str = "tare.real.parity/v1";

/// One row of the contract after the comparison.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct RowReport {
    /// The metric's name.
    pub metric: String,
    /// The scraper it belongs to.
    pub scraper: String,
    /// Whether it is on without configuration.
    pub default_on: bool,
    /// tare's series.
    pub series: usize,
    /// Points of all series that the collector sent.
    pub points_collector: usize,
    /// Points of all series that tare sent.
    pub points_tare: usize,
    /// Values of tare that lay between two reads of the collector and were compared.
    pub compared: usize,
    /// The farthest that a value lay outside its bracket, in the metric's unit, tolerated or not.
    pub worst_outside: f64,
    /// The farthest that the starts of a sum lay apart, where both sides know when it began to count.
    pub starts_apart_ms: u64,
    /// No mismatch of any aspect, tolerated by an exception or not.
    pub agrees: bool,
}

/// A mismatch with the exception that covers it, if any.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Judged {
    /// What was found.
    #[serde(flatten)]
    pub mismatch: Mismatch,
    /// The reason it is accepted.
    pub accepted: Option<String>,
}

/// What the comparison found.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The rows compared.
    pub rows: Vec<RowReport>,
    /// Every mismatch.
    pub mismatches: Vec<Judged>,
    /// Exceptions that covered nothing in this run.
    pub unused_exceptions: Vec<Exception>,
}

impl Report {
    /// Compares two streams.
    pub fn of(collector: &Stream, tare: &Stream, settings: &Settings, rules: &Rules) -> Self {
        let (rows, found) = compare::compare(collector, tare, settings, rules);
        let covers =
            |mismatch: &Mismatch| rules.exceptions.iter().find(|exception| exception.covers(mismatch));
        let unused = |exception: &&Exception| !found.iter().any(|mismatch| exception.covers(mismatch));
        let unused_exceptions = rules.exceptions.iter().filter(unused).cloned().collect();
        let mismatches = found
            .iter()
            .map(|mismatch| Judged {
                mismatch: mismatch.clone(),
                accepted: covers(mismatch).map(|exception| exception.reason.clone()),
            })
            .collect();
        Self { schema: SCHEMA, rows, mismatches, unused_exceptions }
    }

    /// Mismatches that no exception covers.
    pub fn open(&self) -> impl Iterator<Item = &Mismatch> {
        self.mismatches.iter().filter(|judged| judged.accepted.is_none()).map(|judged| &judged.mismatch)
    }

    /// Whether everything agrees, but for what is excepted with a reason.
    pub fn holds(&self) -> bool {
        self.open().next().is_none()
    }

    /// The farthest that the starts of any sum lay apart.
    pub fn starts_apart_ms(&self) -> u64 {
        self.rows.iter().map(|row| row.starts_apart_ms).max().unwrap_or(0)
    }

    /// The rows of one metric per line, then the mismatches.
    pub fn table(&self) -> String {
        let mut text = String::new();
        let wide = self.rows.iter().map(|row| row.metric.len()).max().unwrap_or(6);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:wide$} {:>6} {:>9} {:>6} {:>8} {:>10}  agrees",
            "metric", "series", "collector", "tare", "compared", "outside"
        );
        for row in &self.rows {
            let agrees = match (row.agrees, self.open().any(|mismatch| mismatch.metric == row.metric)) {
                (true, _) if row.points_tare == 0 => "absent here, see the fixture",
                (true, _) => "yes",
                (false, false) => "excepted",
                (false, true) => "NO",
            };
            let _ = writeln!(
                text,
                "{:wide$} {:>6} {:>9} {:>6} {:>8} {:>10.4}  {agrees}",
                row.metric,
                row.series,
                row.points_collector,
                row.points_tare,
                row.compared,
                row.worst_outside
            );
        }
        for judged in &self.mismatches {
            let Mismatch { metric, aspect, series, detail } = &judged.mismatch;
            let how =
                judged.accepted.as_deref().map_or(String::new(), |reason| format!(" (accepted: {reason})"));
            let _ = writeln!(text, "{}: {metric} [{series}] {detail}{how}", Aspect::name(*aspect));
        }
        text
    }
}

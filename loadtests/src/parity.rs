//! Do two agents that watched the same machine say the same?
//!
//! Takes what two receivers recorded and the contract's rows and gives a [`report::Report`]; reads no file, no
//! clock. Invariant: a row counts as agreed only if both sides produced it, both match the contract, both have
//! the same series without gaps, and at least [`compare::MIN_COMPARED`] values of every series were compared.

pub mod compare;
pub mod contract;
pub mod derived;
pub mod report;
pub mod rules;
pub mod starts;
pub mod stream;

#[cfg(test)]
mod tests;

use std::fmt;

/// Who sent a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The reference: the OpenTelemetry Collector.
    Collector,
    /// The agent under test.
    Tare,
}

impl fmt::Display for Side {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Collector => "collector",
            Self::Tare => "tare",
        })
    }
}

/// What about a metric does not agree: a closed set, named as in the exceptions file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// A side never sent the metric.
    Missing,
    /// tare sent a metric that the collector did not and that is not its own telemetry.
    Unexpected,
    /// The unit differs from the contract.
    Unit,
    /// Gauge or sum.
    Kind,
    /// Integer or double.
    ValueType,
    /// A sum's monotonicity.
    Monotonic,
    /// A sum's temporality.
    Temporality,
    /// The keys of the points' attributes, or a value outside the contract's closed set.
    Attributes,
    /// A series that only one side has.
    Series,
    /// A series without a point in a scrape of its metric, two points at one time, or a scrape that never came.
    Points,
    /// The collector's resource attributes are not a subset of tare's.
    Resource,
    /// The start of a cumulative sum.
    Start,
    /// The values.
    Value,
    /// A utilization that does not follow from the times in the same stream.
    Derived,
    /// Too few values could be compared to say anything.
    Compared,
}

impl Aspect {
    /// Every aspect.
    pub const ALL: [Self; 15] = [
        Self::Missing,
        Self::Unexpected,
        Self::Unit,
        Self::Kind,
        Self::ValueType,
        Self::Monotonic,
        Self::Temporality,
        Self::Attributes,
        Self::Series,
        Self::Points,
        Self::Resource,
        Self::Start,
        Self::Value,
        Self::Derived,
        Self::Compared,
    ];

    /// The name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unexpected => "unexpected",
            Self::Unit => "unit",
            Self::Kind => "kind",
            Self::ValueType => "value_type",
            Self::Monotonic => "monotonic",
            Self::Temporality => "temporality",
            Self::Attributes => "attributes",
            Self::Series => "series",
            Self::Points => "points",
            Self::Resource => "resource",
            Self::Start => "start",
            Self::Value => "value",
            Self::Derived => "derived",
            Self::Compared => "compared",
        }
    }

    /// The aspect of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|aspect| aspect.name() == name)
    }
}

/// One thing that does not agree.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Mismatch {
    /// The metric's name.
    pub metric: String,
    /// What does not agree.
    pub aspect: Aspect,
    /// The series, or empty where it concerns the whole metric.
    pub series: String,
    /// What was found and what was expected.
    pub detail: String,
}

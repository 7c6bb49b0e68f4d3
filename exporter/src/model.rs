//! Plain data that collectors and the encoder share: metric definitions, attributes, values and time.
//!
//! Nothing here does I/O or allocates on its own. Names, kinds and temporality follow the OpenTelemetry
//! metrics data model; every sum is cumulative.

/// Nanoseconds since the Unix epoch, as OTLP carries time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The wall clock's present reading; zero for a clock that stands before 1970.
    pub fn now() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// How the points of a metric are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A value that stands for the moment at which it was read.
    Gauge,
    /// A cumulative sum since the point's start time.
    Sum {
        /// Whether the sum can only grow (a counter) until its source restarts.
        monotonic: bool,
    },
}

/// The number type of a metric's points. It never changes for a given metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// Signed 64-bit integer (`as_int`).
    Int,
    /// IEEE 754 double (`as_double`).
    Double,
}

/// What a metric is: one row of the parity contract, or one of tare's own.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// The metric's name, for example `system.cpu.time`.
    pub name: &'static str,
    /// One sentence for people.
    pub description: &'static str,
    /// The unit in UCUM notation, for example `By` or `{operations}`.
    pub unit: &'static str,
    /// Gauge or sum.
    pub kind: Kind,
    /// Integer or double.
    pub value_type: ValueType,
    /// Whether it is reported without being asked for.
    pub default_on: bool,
}

/// The value of an attribute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AttributeValue<'a> {
    /// UTF-8 text.
    Str(&'a str),
    /// Signed 64-bit integer.
    Int(i64),
    /// Truth value.
    Bool(bool),
    /// A list with this text as its only item.
    OnlyItem(&'a str),
}

/// A key and its value, borrowed from whoever describes the series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attribute<'a> {
    /// The attribute's key, for example `device`; OTLP wants it not empty.
    pub key: &'a str,
    /// Its value.
    pub value: AttributeValue<'a>,
}

impl<'a> Attribute<'a> {
    /// A text attribute.
    pub const fn str(key: &'a str, value: &'a str) -> Self {
        Self { key, value: AttributeValue::Str(value) }
    }

    /// An integer attribute.
    pub const fn int(key: &'a str, value: i64) -> Self {
        Self { key, value: AttributeValue::Int(value) }
    }

    /// An attribute that is a list of one text.
    pub const fn only_item(key: &'a str, value: &'a str) -> Self {
        Self { key, value: AttributeValue::OnlyItem(value) }
    }

    /// A boolean attribute.
    pub const fn bool(key: &'a str, value: bool) -> Self {
        Self { key, value: AttributeValue::Bool(value) }
    }
}

/// What produced the points of a segment (OTLP `InstrumentationScope`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// The scope's name, for example `tare.host.cpu`.
    pub name: &'static str,
    /// The version of the producer.
    pub version: &'static str,
}

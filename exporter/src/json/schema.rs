//! The messages of an OTLP metrics request that the encoder and the SDK behind tare's own metrics write, by field
//! number and JSON name.
//!
//! From `collector/metrics/v1`, `metrics/v1`, `resource/v1` and `common/v1` of `opentelemetry-proto`. The rows
//! are in the order in which a person would want to read them.

/// A protobuf message.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) name: &'static str,
    pub(super) rows: &'static [Row],
}

/// A field of a message.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) number: u64,
    pub(super) name: &'static str,
    pub(super) shape: Shape,
}

/// How a field's payload is written.
#[derive(Debug)]
pub(super) enum Shape {
    /// A string.
    Text,
    /// A `bool`.
    Flag,
    /// `uint32` or an enum: a JSON number.
    Small,
    /// `int64`, `sfixed64`: a JSON string.
    Signed,
    /// `fixed64`: a JSON string.
    Unsigned,
    /// A `double`.
    Double,
    /// Packed `fixed64`: an array of JSON strings.
    UnsignedList,
    /// Packed `double`s: an array.
    DoubleList,
    /// A message.
    One(&'static Message),
    /// An array of messages.
    Repeated(&'static Message),
}

const fn row(number: u64, name: &'static str, shape: Shape) -> Row {
    Row { number, name, shape }
}

pub(super) static REQUEST: Message = Message {
    name: "ExportMetricsServiceRequest",
    rows: &[row(1, "resourceMetrics", Shape::Repeated(&RESOURCE_METRICS))],
};

static RESOURCE_METRICS: Message = Message {
    name: "ResourceMetrics",
    rows: &[
        row(1, "resource", Shape::One(&RESOURCE)),
        row(2, "scopeMetrics", Shape::Repeated(&SCOPE_METRICS)),
    ],
};

static RESOURCE: Message =
    Message { name: "Resource", rows: &[row(1, "attributes", Shape::Repeated(&KEY_VALUE))] };

static SCOPE_METRICS: Message = Message {
    name: "ScopeMetrics",
    rows: &[row(1, "scope", Shape::One(&SCOPE)), row(2, "metrics", Shape::Repeated(&METRIC))],
};

static SCOPE: Message = Message {
    name: "InstrumentationScope",
    rows: &[row(1, "name", Shape::Text), row(2, "version", Shape::Text)],
};

static METRIC: Message = Message {
    name: "Metric",
    rows: &[
        row(1, "name", Shape::Text),
        row(2, "description", Shape::Text),
        row(3, "unit", Shape::Text),
        row(5, "gauge", Shape::One(&GAUGE)),
        row(7, "sum", Shape::One(&SUM)),
        row(9, "histogram", Shape::One(&HISTOGRAM)),
    ],
};

static GAUGE: Message =
    Message { name: "Gauge", rows: &[row(1, "dataPoints", Shape::Repeated(&NUMBER_DATA_POINT))] };

static SUM: Message = Message {
    name: "Sum",
    rows: &[
        row(2, "aggregationTemporality", Shape::Small),
        row(3, "isMonotonic", Shape::Flag),
        row(1, "dataPoints", Shape::Repeated(&NUMBER_DATA_POINT)),
    ],
};

static HISTOGRAM: Message = Message {
    name: "Histogram",
    rows: &[
        row(2, "aggregationTemporality", Shape::Small),
        row(1, "dataPoints", Shape::Repeated(&HISTOGRAM_DATA_POINT)),
    ],
};

static HISTOGRAM_DATA_POINT: Message = Message {
    name: "HistogramDataPoint",
    rows: &[
        row(9, "attributes", Shape::Repeated(&KEY_VALUE)),
        row(2, "startTimeUnixNano", Shape::Unsigned),
        row(3, "timeUnixNano", Shape::Unsigned),
        row(4, "count", Shape::Unsigned),
        row(5, "sum", Shape::Double),
        row(11, "min", Shape::Double),
        row(12, "max", Shape::Double),
        row(7, "explicitBounds", Shape::DoubleList),
        row(6, "bucketCounts", Shape::UnsignedList),
        row(10, "flags", Shape::Small),
    ],
};

static NUMBER_DATA_POINT: Message = Message {
    name: "NumberDataPoint",
    rows: &[
        row(7, "attributes", Shape::Repeated(&KEY_VALUE)),
        row(2, "startTimeUnixNano", Shape::Unsigned),
        row(3, "timeUnixNano", Shape::Unsigned),
        row(4, "asDouble", Shape::Double),
        row(6, "asInt", Shape::Signed),
        row(8, "flags", Shape::Small),
    ],
};

static KEY_VALUE: Message = Message {
    name: "KeyValue",
    rows: &[row(1, "key", Shape::Text), row(2, "value", Shape::One(&ANY_VALUE))],
};

static ANY_VALUE: Message = Message {
    name: "AnyValue",
    rows: &[
        row(1, "stringValue", Shape::Text),
        row(2, "boolValue", Shape::Flag),
        row(3, "intValue", Shape::Signed),
        row(4, "doubleValue", Shape::Double),
        row(5, "arrayValue", Shape::One(&ARRAY_VALUE)),
    ],
};

static ARRAY_VALUE: Message =
    Message { name: "ArrayValue", rows: &[row(1, "values", Shape::Repeated(&ITEM))] };

/// An `AnyValue` in a list: lists in lists are not written, so that nothing is deeper than this table.
static ITEM: Message = Message { name: "AnyValue", rows: &[row(1, "stringValue", Shape::Text)] };

//! tare's own metrics: what the agent says about itself. The one table behind the instruments and the docs.

/// The kind of instrument (OpenTelemetry API).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instrument {
    /// A sum that only grows.
    Counter,
    /// A value that stands for the moment of its collection.
    Gauge,
    /// A distribution.
    Histogram,
}

impl Instrument {
    /// The name used in the documentation.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One of tare's own metrics.
#[derive(Debug, PartialEq, Eq)]
pub struct OwnMetric {
    /// The name, under `tare.`.
    pub name: &'static str,
    /// The unit in UCUM notation.
    pub unit: &'static str,
    /// The kind of instrument.
    pub instrument: Instrument,
    /// The keys of its attributes.
    pub attributes: &'static [&'static str],
    /// One sentence for people.
    pub description: &'static str,
}

macro_rules! own {
    ($($constant:ident = $name:literal, $unit:literal, $instrument:ident, [$($attribute:literal),*], $text:literal;)*) => {
        $(
            #[doc = $text]
            pub static $constant: OwnMetric = OwnMetric {
                name: $name,
                unit: $unit,
                instrument: Instrument::$instrument,
                attributes: &[$($attribute),*],
                description: $text,
            };
        )*
        /// Every metric of tare's own, in the order of the documentation.
        pub static ALL: &[&OwnMetric] = &[$(&$constant),*];
    };
}

own! {
    COLLECTOR_DURATION = "tare.collector.duration", "s", Histogram, ["collector"],
        "How long a scrape took.";
    COLLECTOR_SCRAPES = "tare.collector.scrapes", "{scrape}", Counter, ["collector", "outcome"],
        "Finished scrapes; outcome is `success`, or `failure` where reads failed and nothing was recorded.";
    COLLECTOR_SAMPLES = "tare.collector.samples", "{datapoint}", Counter, ["collector"],
        "Data points recorded.";
    COLLECTOR_LAG = "tare.collector.lag", "s", Gauge, ["collector"],
        "How late the last scrape began.";
    COLLECTOR_MISSED = "tare.collector.missed", "{tick}", Counter, ["collector"],
        "Ticks skipped because the collector thread was late by an interval or more.";
    SOURCE_ERRORS = "tare.source.errors", "{error}", Counter, ["source", "class"],
        "Failed reads by class: not_found, permission, parse, io, timeout, unavailable, refused.";
    DROPPED = "tare.dropped", "{datapoint}", Counter, ["output", "reason"],
        "Data points that were not delivered, by reason.";
    QUEUE_SIZE = "tare.queue.size", "By", Gauge, ["output"],
        "Bytes that wait to be sent, before compression.";
    QUEUE_CAPACITY = "tare.queue.capacity", "By", Gauge, ["output"],
        "The bound of the queue.";
    OUTPUT_REQUESTS = "tare.output.requests", "{request}", Counter, ["output"],
        "Export requests that the backend accepted.";
    OUTPUT_POINTS = "tare.output.points", "{datapoint}", Counter, ["output"],
        "Data points that the backend accepted.";
    OUTPUT_BYTES = "tare.output.bytes", "By", Counter, ["output"],
        "Bytes of request bodies sent, after compression, repeated attempts included.";
    OUTPUT_RETRIES = "tare.output.retries", "{request}", Counter, ["output"],
        "Attempts after the first one.";
    OUTPUT_FAILURES = "tare.output.failures", "{request}", Counter, ["output", "class"],
        "Attempts that did not succeed, by what went wrong.";
    CPU_TIME = "tare.process.cpu.time", "s", Counter, ["state"],
        "CPU time of the agent itself: `user` and `system`.";
    MEMORY_USAGE = "tare.process.memory.usage", "By", Gauge, [],
        "Resident memory of the agent itself.";
}

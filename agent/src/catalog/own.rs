//! tare's own metrics: what the agent says about itself, the one table behind the instruments and the docs; and
//! [`containers`], which the collector does not have.

pub mod containers;
pub mod kube_api;

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
        /// What goes through the SDK, in the order of the documentation.
        pub static SDK: &[&OwnMetric] = &[$(&$constant),*];
    };
}

/// Every metric of tare's own, in the order of the documentation.
pub fn all() -> impl Iterator<Item = &'static OwnMetric> {
    SDK.iter().copied().chain(kube_api::ALL.iter().map(|row| &row.own))
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
    DISK_SIZE = "tare.output.disk.size", "By", Gauge, ["output"],
        "Bytes that the files of the disk log take; no series without one.";
    DISK_REQUESTS = "tare.output.disk.requests", "{request}", Gauge, ["output"],
        "Requests that wait in the disk log.";
    DISK_STORED = "tare.output.disk.stored", "{datapoint}", Counter, ["output"],
        "Data points that went to the disk log; each counts again when it is sent or dropped.";
    DISK_EVICTED = "tare.output.disk.evicted", "{datapoint}", Counter, ["output"],
        "Data points that the disk log deleted for newer ones; a part of `tare.dropped` with reason `disk`.";
    DISK_FAULTS = "tare.output.disk.faults", "{fault}", Counter, ["output", "kind"],
        "Places in the disk log that hold something else than what was written: `damaged`, or `torn` off by a kill.";
    DISK_TROUBLE = "tare.output.disk.trouble", "1", Gauge, ["output"],
        "1 while the disk does not work and requests stay in memory, 0 otherwise.";
    DNS_STALENESS = "tare.output.dns.staleness", "s", Gauge, ["output"],
        "How long the addresses in use have been past their time to live; no series where the address is no name.";
    DNS_LOOKUPS = "tare.output.dns.lookups", "{lookup}", Counter, ["output", "outcome"],
        "Look-ups of the receiver's name; outcome is `success` or `failure`.";
    STATE_ERRORS = "tare.state.errors", "{error}", Counter, ["file", "reason"],
        "Files of the state directory that were of no use or could not be written, by why; no series where nothing went wrong.";
    RUNG_UP = "tare.rung.up", "1", Gauge, ["rung"],
        "1 while a source of telemetry holds, 0 while it is away; no series for one that nobody wants.";
    NAMES_OBJECTS = "tare.names.objects", "{object}", Gauge, ["state"],
        "Pods and containers, by what is done with them: `reported`, `waiting` for a name, or `skipped` (sandboxes, containers that nobody names, earlier instances).";
    NAMES_ATTRIBUTES = "tare.names.attributes", "{attribute}", Gauge, ["rung"],
        "Attributes of reported pods and containers, by the source that gave them: watch, remembered, kubelet_pods, kubelet_summary, logs, node.";
    NAMES_REFUSED = "tare.names.refused", "{object}", Counter, ["reason"],
        "Pods and containers not taken because there were too many (`limit`, once in every scrape), names that Kubernetes would not accept (`invalid`), and what contradicts a name that was sent (`conflict`).";
    KUBELET_REQUESTS = "tare.kubelet.requests", "{request}", Counter, ["subresource", "status"],
        "Requests to the kubelet, by what was asked and what came of it; the reviews that they cause are in `tare.kube_api.requests`.";
    KUBELET_BYTES = "tare.kubelet.answer.size", "By", Counter, ["subresource"],
        "Bytes of the kubelet's answers.";
    KUBELET_REFUSED = "tare.kubelet.refused", "{entry}", Counter, ["part", "reason"],
        "What was left out of the kubelet's answers because it is not within its bounds; no series where nothing was.";
    KUBELET_SKIPPED = "tare.kubelet.scrapes.skipped", "{scrape}", Counter, ["reason"],
        "Slots in which the kubelet was not asked: `credential` where a file cannot be used, `busy` where the reader was.";
    KUBELET_INTERVAL = "tare.kubelet.scrape.interval", "s", Gauge, [],
        "The interval in force between two scrapes of the kubelet, or between two probes while scraping is stopped.";
    KUBELET_INSECURE = "tare.kubelet.insecure", "1", Gauge, [],
        "1 where the kubelet's certificate is not verified because `kubelet.insecure_skip_verify` is set, 0 where it is.";
    CPU_TIME = "tare.process.cpu.time", "s", Counter, ["state"],
        "CPU time of the agent itself: `user` and `system`.";
    MEMORY_USAGE = "tare.process.memory.usage", "By", Gauge, [],
        "Resident memory of the agent itself.";
}

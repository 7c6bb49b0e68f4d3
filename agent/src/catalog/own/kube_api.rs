//! What the agent says of its budget: `tare.kube_api.*` and `tare.freshness.*`.
//!
//! These go out in tare's own encoding and not through the SDK: the counts of requests outlive the process, and only a
//! point that carries its own start time can say so.

use exporter::model::{Kind, Metric, ValueType};

use super::{Instrument, OwnMetric};

/// A row of the table, and the same for the encoder.
#[derive(Debug)]
pub struct Row {
    /// For the documentation.
    pub own: OwnMetric,
    /// For the encoder.
    pub metric: Metric,
}

const fn kind(instrument: Instrument) -> Kind {
    match instrument {
        Instrument::Counter => Kind::Sum { monotonic: true },
        Instrument::Gauge | Instrument::Histogram => Kind::Gauge,
    }
}

macro_rules! rows {
    ($($constant:ident = $name:literal, $unit:literal, $instrument:ident $value:ident, [$($attribute:literal),*], $text:literal;)*) => {
        $(
            #[doc = $text]
            pub static $constant: Row = Row {
                own: OwnMetric {
                    name: $name,
                    unit: $unit,
                    instrument: Instrument::$instrument,
                    attributes: &[$($attribute),*],
                    description: $text,
                },
                metric: Metric {
                    name: $name,
                    description: $text,
                    unit: $unit,
                    kind: kind(Instrument::$instrument),
                    value_type: ValueType::$value,
                    default_on: true,
                },
            };
        )*
        /// Every metric, in the order of the documentation.
        pub static ALL: &[&Row] = &[$(&$constant),*];
    };
}

rows! {
    REQUESTS = "tare.kube_api.requests", "{request}", Counter Int, ["verb", "resource", "reason", "status"],
        "Requests to the API server in all lives of the agent on this node, reviews that its scrapes caused included; status is `none` where there was no answer.";
    DRY_RUN_REQUESTS = "tare.kube_api.dry_run.requests", "{request}", Counter Int, ["verb", "resource", "reason"],
        "Requests that would have been sent, had `dry_run` not been set.";
    THROTTLED = "tare.kube_api.throttled", "{request}", Counter Int, ["source"],
        "Requests that the budget did not permit, by the rule that forbade them.";
    TURNS_SKIPPED = "tare.kube_api.turns.skipped", "{turn}", Counter Int, ["reason"],
        "Turns that went by unused: looked at too late, the process too young, or too close to the one before.";
    REFUSED_ANSWERS = "tare.kube_api.refused_answers", "{answer}", Counter Int, ["reason"],
        "Answers of the API server, or pods in them, that were not taken over.";
    BUDGET_LIMIT = "tare.kube_api.budget.limit", "1/s", Gauge Double, ["dimension", "scope"],
        "Requests or bytes of LISTs per second: the declaration in force (`cluster`), and what the rules allow this node, mean of the last hour (`node`).";
    BUDGET_USAGE = "tare.kube_api.budget.usage", "1/s", Gauge Double, ["dimension", "scope"],
        "What this node used per second, mean of the last hour; the sum over all nodes is to be compared with the cluster's limit.";
    BUDGET_REMAINING = "tare.kube_api.budget.remaining", "1/s", Gauge Double, ["dimension", "scope"],
        "The node's limit minus its usage.";
    BUDGET_BURN_RATE = "tare.kube_api.budget.burn_rate", "1", Gauge Double, ["dimension", "scope", "window"],
        "Usage over limit within the window: of the node's limit, where above 1 is a fault of the agent, and this node's part of the cluster's, which adds up over all nodes.";
    BUDGET_STATE = "tare.kube_api.budget.state", "1", Gauge Int, ["state"],
        "1 for the state that the budget is in (ok, conserving, exhausted, paused, off), 0 for the others.";
    CLUSTER_SIZE = "tare.kube_api.cluster.size", "{node}", Gauge Int, ["kind"],
        "Nodes: what the last size probe said (`probed`, absent before the first), and what the budget is divided by (`used`).";
    TURN_PERIOD = "tare.kube_api.turn.period", "s", Gauge Double, [],
        "The time between two turns of this node, stretched while the API server is in trouble.";
    LIST_BYTES = "tare.kube_api.list.bytes", "By", Counter Int, [],
        "Bytes of LIST answers on the wire.";
    WATCH_BYTES = "tare.kube_api.watch.bytes", "By", Counter Int, [],
        "Bytes that watches carried, on the wire.";
    WATCH_STALENESS = "tare.kube_api.watch.staleness", "s", Gauge Double, [],
        "How old the newest known version of the node's pods is; absent before the first LIST.";
    WATCH_RESTARTS = "tare.kube_api.watch.restarts", "{watch}", Counter Int, ["reason"],
        "Watches that were replaced or closed.";
    INDEX_PODS = "tare.kube_api.index.pods", "{pod}", Gauge Int, ["state"],
        "Pods in the index, under the state that they are in: `confirmed` in this life, or `remembered` from the last one.";
    FRESHNESS_DUE = "tare.freshness.due", "{sample}", Counter Int, ["source"],
        "Times that knowledge of others was due: every 10 s, for the watch and, where it is scraped, the kubelet.";
    FRESHNESS_ON_TIME = "tare.freshness.on_time", "{sample}", Counter Int, ["source"],
        "Times that it was there: the watch's last sign of life at most 130 s old, the kubelet's a period and 10 s. What is paused, off, a dry run or was never in sync is due and not on time.";
}

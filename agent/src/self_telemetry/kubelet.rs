//! What is told of the kubelet's reader, and of the rungs of the ladder.

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::instruments::{f64_gauge, u64_counter, u64_gauge};
use crate::catalog::own;
use crate::kubelet::desk::{Desk, name};
use crate::rungs::Ladder;

/// Registers the observers of the reader. A combination that never came up has no series.
pub(super) fn observe(meter: &Meter, desk: &Desk) {
    let counts = desk.clone();
    u64_counter(meter, &own::KUBELET_REQUESTS, move |observer| {
        for ((subresource, outcome), count) in counts.counts().requests {
            let subresource = KeyValue::new("subresource", name(subresource));
            observer.observe(count, &[subresource, KeyValue::new("status", outcome.as_str())]);
        }
    });
    let counts = desk.clone();
    u64_counter(meter, &own::KUBELET_BYTES, move |observer| {
        for (subresource, bytes) in counts.counts().bytes {
            observer.observe(bytes, &[KeyValue::new("subresource", name(subresource))]);
        }
    });
    let counts = desk.clone();
    u64_counter(meter, &own::KUBELET_REFUSED, move |observer| {
        for ((part, reason), count) in counts.counts().refused {
            observer.observe(count, &[KeyValue::new("part", part), KeyValue::new("reason", reason)]);
        }
    });
    let counts = desk.clone();
    u64_counter(meter, &own::KUBELET_SKIPPED, move |observer| {
        let counts = counts.counts();
        for (reason, count) in [("credential", counts.unasked), ("busy", counts.dropped)] {
            observer.observe(count, &[KeyValue::new("reason", reason)]);
        }
    });
    let interval = desk.clone();
    f64_gauge(meter, &own::KUBELET_INTERVAL, move |observer| {
        if let Some(interval) = interval.interval() {
            observer.observe(interval.as_secs_f64(), &[]);
        }
    });
    let insecure = desk.clone();
    u64_gauge(meter, &own::KUBELET_INSECURE, move |observer| {
        if let Some(insecure) = insecure.insecure() {
            observer.observe(u64::from(insecure), &[]);
        }
    });
}

/// Registers the observer of the rungs.
pub(super) fn observe_rungs(meter: &Meter, ladder: &Ladder) {
    let ladder = ladder.clone();
    u64_gauge(meter, &own::RUNG_UP, move |observer| {
        for (rung, up) in ladder.iter() {
            observer.observe(u64::from(up), &[KeyValue::new("rung", rung.as_str())]);
        }
    });
}

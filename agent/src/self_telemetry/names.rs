//! What is told of the names of pods and containers.

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::instruments::{u64_counter, u64_gauge};
use crate::catalog::own;
use crate::enrich::{Census, Rung};

/// Registers the observers. On a machine that never had a pod there is no series.
pub(super) fn observe(meter: &Meter, census: &Census) {
    let told = census.clone();
    u64_gauge(meter, &own::NAMES_OBJECTS, move |observer| {
        let Some((tally, _)) = told.read() else { return };
        let states = [("reported", tally.reported), ("waiting", tally.waiting), ("skipped", tally.skipped)];
        for (state, objects) in states {
            observer.observe(objects as u64, &[KeyValue::new("state", state)]);
        }
    });
    let told = census.clone();
    u64_gauge(meter, &own::NAMES_ATTRIBUTES, move |observer| {
        let Some((tally, _)) = told.read() else { return };
        for rung in Rung::ALL {
            observer.observe(tally.from(rung) as u64, &[KeyValue::new("rung", rung.as_str())]);
        }
    });
    let told = census.clone();
    u64_counter(meter, &own::NAMES_REFUSED, move |observer| {
        let Some((_, faults)) = told.read() else { return };
        for (reason, count) in faults.by_reason() {
            observer.observe(count, &[KeyValue::new("reason", reason)]);
        }
    });
}

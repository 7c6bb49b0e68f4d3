//! What the outputs' disk logs and names tell of themselves. An output without a disk log, or whose address is no
//! name, has no such series.

use std::sync::Arc;

use exporter::disk;
use exporter::resolve::{Outcome, Resolution};
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::Outlets;
use super::instruments::{each_output, f64_gauge, u64_counter, u64_gauge};
use crate::catalog::own::{self, OwnMetric};

/// One figure of a disk log.
type Figure = fn(&disk::Status) -> u64;

/// Registers the observers.
pub(super) fn observe(meter: &Meter, outlets: &Outlets) {
    let gauges: [(&OwnMetric, Figure); 3] = [
        (&own::DISK_SIZE, |status| status.bytes),
        (&own::DISK_REQUESTS, |status| status.count.requests),
        (&own::DISK_TROUBLE, |status| u64::from(status.trouble.is_some())),
    ];
    for (metric, read) in gauges {
        let outlets = Arc::clone(outlets);
        u64_gauge(meter, metric, move |observer| {
            each_disk(&outlets, |name, status| observer.observe(read(status), &[name]));
        });
    }
    let faults = Arc::clone(outlets);
    u64_counter(meter, &own::DISK_FAULTS, move |observer| {
        each_disk(&faults, |name, status| {
            for (kind, count) in [("damaged", status.damaged), ("torn", status.torn)] {
                observer.observe(count, &[name.clone(), KeyValue::new("kind", kind)]);
            }
        });
    });
    let evicted = Arc::clone(outlets);
    u64_counter(meter, &own::DISK_EVICTED, move |observer| {
        each_disk(&evicted, |name, status| observer.observe(status.evicted.points, &[name]));
    });
    let stored = Arc::clone(outlets);
    u64_counter(meter, &own::DISK_STORED, move |observer| {
        each_output(&stored, |name, outlet| {
            if outlet.monitor.status().disk.is_some() {
                observer.observe(outlet.queue.stats().totals().stored.points, &[name]);
            }
        });
    });
    observe_names(meter, outlets);
}

fn observe_names(meter: &Meter, outlets: &Outlets) {
    let staleness = Arc::clone(outlets);
    f64_gauge(meter, &own::DNS_STALENESS, move |observer| {
        each_name(&staleness, |name, known| observer.observe(known.stale_for.as_secs_f64(), &[name]));
    });
    let lookups = Arc::clone(outlets);
    u64_counter(meter, &own::DNS_LOOKUPS, move |observer| {
        each_name(&lookups, |name, known| {
            for outcome in Outcome::ALL {
                let attributes = [name.clone(), KeyValue::new("outcome", outcome.as_str())];
                observer.observe(known.lookups.of(outcome), &attributes);
            }
        });
    });
}

fn each_disk(outlets: &Outlets, mut visit: impl FnMut(KeyValue, &disk::Status)) {
    each_output(outlets, |name, outlet| {
        if let Some(status) = outlet.monitor.status().disk {
            visit(name, &status);
        }
    });
}

fn each_name(outlets: &Outlets, mut visit: impl FnMut(KeyValue, &Resolution)) {
    each_output(outlets, |name, outlet| {
        if outlet.names.host().is_some() {
            visit(name, &outlet.names.resolution());
        }
    });
}

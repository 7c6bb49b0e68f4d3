//! The observable instruments, each made from its row in `catalog::own`.

use std::sync::Arc;

use exporter::queue::DropReason;
use exporter::retry::Failure;
use exporter::stats::Totals;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Histogram, Meter};

use super::{Outlet, Outlets, lock};
use crate::catalog::own::{self, OwnMetric};
use crate::error::ErrorClass;
use crate::stats::{CollectorReading, Registry};

/// An observable counter of whole things.
pub(super) fn u64_counter(
    meter: &Meter,
    metric: &OwnMetric,
    callback: impl Fn(&dyn AsyncInstrument<u64>) + Send + Sync + 'static,
) {
    meter
        .u64_observable_counter(metric.name)
        .with_unit(metric.unit)
        .with_description(metric.description)
        .with_callback(callback)
        .build();
}

/// An observable counter of a quantity.
pub(super) fn f64_counter(
    meter: &Meter,
    metric: &OwnMetric,
    callback: impl Fn(&dyn AsyncInstrument<f64>) + Send + Sync + 'static,
) {
    meter
        .f64_observable_counter(metric.name)
        .with_unit(metric.unit)
        .with_description(metric.description)
        .with_callback(callback)
        .build();
}

/// An observable gauge of whole things.
pub(super) fn u64_gauge(
    meter: &Meter,
    metric: &OwnMetric,
    callback: impl Fn(&dyn AsyncInstrument<u64>) + Send + Sync + 'static,
) {
    meter
        .u64_observable_gauge(metric.name)
        .with_unit(metric.unit)
        .with_description(metric.description)
        .with_callback(callback)
        .build();
}

/// An observable gauge of a quantity.
pub(super) fn f64_gauge(
    meter: &Meter,
    metric: &OwnMetric,
    callback: impl Fn(&dyn AsyncInstrument<f64>) + Send + Sync + 'static,
) {
    meter
        .f64_observable_gauge(metric.name)
        .with_unit(metric.unit)
        .with_description(metric.description)
        .with_callback(callback)
        .build();
}

/// The histogram of scrape durations: 10 us to 10 s, about three buckets a decade.
pub(super) fn duration(meter: &Meter) -> Histogram<f64> {
    const BOUNDS: [f64; 16] =
        [1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.5, 2.0, 10.0];
    let metric = &own::COLLECTOR_DURATION;
    meter
        .f64_histogram(metric.name)
        .with_unit(metric.unit)
        .with_description(metric.description)
        .with_boundaries(BOUNDS.to_vec())
        .build()
}

/// Everything that `registry` counts.
pub(super) fn observe_collectors(meter: &Meter, registry: &Arc<Registry>) {
    per_collector(meter, registry, &own::COLLECTOR_SCRAPES, |name, reading, observe| {
        let outcomes = [("success", reading.scrapes - reading.failed), ("failure", reading.failed)];
        for (outcome, count) in outcomes {
            observe.observe(count, &[name.clone(), KeyValue::new("outcome", outcome)]);
        }
    });
    per_collector(meter, registry, &own::COLLECTOR_SAMPLES, |name, reading, observe| {
        observe.observe(reading.samples, std::slice::from_ref(name));
    });
    per_collector(meter, registry, &own::COLLECTOR_MISSED, |name, reading, observe| {
        observe.observe(reading.missed, std::slice::from_ref(name));
    });
    let errors = Arc::clone(registry);
    u64_counter(meter, &own::SOURCE_ERRORS, move |observer| {
        errors.each(|stats| {
            for (count, class) in stats.read().errors.into_iter().zip(ErrorClass::ALL) {
                let attributes =
                    [KeyValue::new("source", stats.name), KeyValue::new("class", class.as_str())];
                observer.observe(count, &attributes);
            }
        });
    });
    let lag = Arc::clone(registry);
    f64_gauge(meter, &own::COLLECTOR_LAG, move |observer| {
        lag.each(|stats| {
            #[expect(clippy::cast_precision_loss, reason = "a lag is far below 2^53 ns")]
            observer.observe(stats.read().lag_ns as f64 / 1e9, &[KeyValue::new("collector", stats.name)]);
        });
    });
}

fn per_collector(
    meter: &Meter,
    registry: &Arc<Registry>,
    metric: &OwnMetric,
    observe: impl Fn(&KeyValue, &CollectorReading, &dyn AsyncInstrument<u64>) + Send + Sync + 'static,
) {
    let registry = Arc::clone(registry);
    u64_counter(meter, metric, move |observer| {
        registry.each(|stats| observe(&KeyValue::new("collector", stats.name), &stats.read(), observer));
    });
}

/// One of an output's totals.
type Total = fn(&Totals) -> u64;

/// Everything that the outputs count.
pub(super) fn observe_outputs(meter: &Meter, outlets: &Outlets) {
    let counters: [(&OwnMetric, Total); 4] = [
        (&own::OUTPUT_REQUESTS, |totals| totals.sent.requests),
        (&own::OUTPUT_POINTS, |totals| totals.sent.points),
        (&own::OUTPUT_BYTES, |totals| totals.wire_bytes),
        (&own::OUTPUT_RETRIES, |totals| totals.retries),
    ];
    for (metric, read) in counters {
        let outlets = Arc::clone(outlets);
        u64_counter(meter, metric, move |observer| {
            each_output(&outlets, |name, outlet| {
                observer.observe(read(&outlet.queue.stats().totals()), &[name]);
            });
        });
    }
    let size = Arc::clone(outlets);
    u64_gauge(meter, &own::QUEUE_SIZE, move |observer| {
        each_output(&size, |name, outlet| observer.observe(outlet.queue.level().bytes as u64, &[name]));
    });
    let capacity = Arc::clone(outlets);
    u64_gauge(meter, &own::QUEUE_CAPACITY, move |observer| {
        each_output(&capacity, |name, outlet| {
            observer.observe(outlet.queue.limits().max_bytes as u64, &[name]);
        });
    });
    let dropped = Arc::clone(outlets);
    u64_counter(meter, &own::DROPPED, move |observer| {
        each_output(&dropped, |name, outlet| {
            let losses = outlet.queue.stats().totals().dropped;
            for reason in DropReason::ALL {
                let attributes = [name.clone(), KeyValue::new("reason", reason.as_str())];
                observer.observe(losses.of(reason).points, &attributes);
            }
        });
    });
    let failures = Arc::clone(outlets);
    u64_counter(meter, &own::OUTPUT_FAILURES, move |observer| {
        each_output(&failures, |name, outlet| {
            let totals = outlet.queue.stats().totals();
            for failure in Failure::ALL {
                let attributes = [name.clone(), KeyValue::new("class", failure.as_str())];
                observer.observe(totals.failures(failure), &attributes);
            }
        });
    });
}

pub(super) fn each_output(outlets: &Outlets, mut visit: impl FnMut(KeyValue, &Outlet)) {
    for outlet in lock(outlets).iter() {
        visit(KeyValue::new("output", outlet.name.clone()), outlet);
    }
}

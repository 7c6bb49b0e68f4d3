//! The agent's own CPU time and memory, from its own `/proc/self`, parsed as any other process's.

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use crate::catalog::own;
use crate::clock::ticks_per_second;
use crate::collectors::points::float;
use crate::collectors::process::parse;
use crate::paths::HostPaths;

use super::instruments::{f64_counter, u64_gauge};

/// Registers the observers. A figure that cannot be read is missing, never zero.
pub(super) fn observe(meter: &Meter, paths: &HostPaths) {
    let ticks = ticks_per_second();
    let stat = paths.own("stat");
    f64_counter(meter, &own::CPU_TIME, move |observer| {
        let text = std::fs::read(&stat).unwrap_or_default();
        if let Some(stat) = parse::stat(&text) {
            observer.observe(float(stat.user) / ticks, &[KeyValue::new("state", "user")]);
            observer.observe(float(stat.system) / ticks, &[KeyValue::new("state", "system")]);
        }
    });
    let page = rustix::param::page_size() as u64;
    let statm = paths.own("statm");
    u64_gauge(meter, &own::MEMORY_USAGE, move |observer| {
        let text = std::fs::read(&statm).unwrap_or_default();
        if let Some((_, resident_pages)) = parse::statm(&text) {
            observer.observe(resident_pages.saturating_mul(page), &[]);
        }
    });
}

//! What went wrong with the state directory.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use crate::catalog::own;
use crate::state_dir::StateDir;

use super::instruments::u64_counter;

/// Registers the observer. What never went wrong has no series: there are six files and a dozen reasons.
pub(super) fn observe(meter: &Meter, state_dir: &Arc<StateDir>) {
    let state_dir = Arc::clone(state_dir);
    u64_counter(meter, &own::STATE_ERRORS, move |observer| {
        for entry in state_dir.entries() {
            let attributes =
                [KeyValue::new("file", entry.kept.as_str()), KeyValue::new("reason", entry.reason)];
            observer.observe(entry.count, &attributes);
        }
    });
}

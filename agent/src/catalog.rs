//! What tare can report: one file per receiver of the parity contract.

pub mod hostmetrics;
pub mod kubeletstats;
pub mod own;

use std::collections::HashSet;

use exporter::model::Metric;

/// Which metrics are reported: the defaults of the catalog, changed by `metrics.<name>.enabled`.
#[derive(Debug, Clone)]
pub struct Enabled(HashSet<&'static str>);

impl Enabled {
    /// The catalog's defaults with `changes` (metric name and whether it is on) applied. Names that the
    /// catalog does not have are ignored here: the configuration refuses them earlier.
    pub fn new<'a>(changes: impl IntoIterator<Item = (&'a str, bool)>) -> Self {
        let mut names: HashSet<_> =
            metrics().filter(|metric| metric.default_on).map(|metric| metric.name).collect();
        for (name, on) in changes {
            if let Some(metric) = find(name) {
                if on {
                    names.insert(metric.name);
                } else {
                    names.remove(metric.name);
                }
            }
        }
        Self(names)
    }

    /// Whether `metric` is to be reported.
    pub fn has(&self, metric: &Metric) -> bool {
        self.0.contains(metric.name)
    }

    /// Whether any of `metrics` is to be reported: a source that serves none need not be read.
    pub fn any(&self, metrics: &[&Metric]) -> bool {
        metrics.iter().any(|metric| self.has(metric))
    }
}

impl Default for Enabled {
    fn default() -> Self {
        Self::new([])
    }
}

/// Every metric of the catalog.
pub fn metrics() -> impl Iterator<Item = &'static Metric> {
    let tables = [hostmetrics::ALL, kubeletstats::ALL, own::containers::ALL];
    tables.into_iter().flatten().copied()
}

/// The metric of that name.
pub fn find(name: &str) -> Option<&'static Metric> {
    metrics().find(|metric| metric.name == name)
}

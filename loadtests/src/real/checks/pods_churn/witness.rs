//! What a receiver finds in what the agent sent, held against what was true. Pure: times and the book are parameters.
//!
//! A sample is right if a pod or container of exactly its names existed at some moment from the sample's own time to its
//! arrival, and if its figure is that object's own. A pod may go out under its uid alone where nothing had named it yet.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{Hash as _, Hasher as _};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint, number_data_point};

use crate::parity::stream::{Attributes, OWN_PREFIX, Time, attributes};

#[cfg(test)]
mod tests;

/// How many wrong samples are told of.
const EXAMPLES: usize = 5;
/// The flag of a point without a value.
const NO_RECORDED_VALUE: u32 = 1;
/// The names of the metrics of pods and containers.
const PREFIXES: [&str; 2] = ["container.", "k8s."];
/// What the agent says of the objects that it knows.
const OBJECTS: &str = "tare.names.objects";

/// A pod, or a container in it, as its resource names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub(super) uid: String,
    /// With its namespace.
    pub(super) pod: String,
    /// Its name and ID.
    pub(super) container: Option<(String, String)>,
}

/// When something existed, and the number by which its figures are known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life {
    pub(super) number: u64,
    pub(super) from: Time,
    pub(super) to: Option<Time>,
    /// Of a pod: when the first link named it.
    pub(super) named: Option<Time>,
}

/// Everything that ever existed; nothing twice.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) lives: HashMap<Identity, Life>,
    /// Pods by their uid.
    pub(super) pods: HashMap<String, Identity>,
}

impl Book {
    /// Who a resource is, and whether it is a pod that has no names, which nothing had named at `time`.
    fn find(&self, identity: &Identity, time: Time) -> Option<(&Life, bool)> {
        if identity.pod != "/" || identity.container.is_some() {
            return self.lives.get(identity).map(|life| (life, false));
        }
        let life = self.lives.get(self.pods.get(&identity.uid)?)?;
        life.named.is_none_or(|named| named > time).then_some((life, true))
    }
}

/// How a series stands.
#[derive(Debug, Default, Clone, Copy)]
struct Standing {
    ends: u32,
    revived: bool,
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    samples: u64,
    wrong: u64,
    nameless: u64,
    examples: Vec<String>,
    seen: HashSet<Identity>,
    series: HashMap<u64, Standing>,
    /// The agent's own count, by state, and when it was told.
    objects: BTreeMap<String, (Time, i64)>,
}

impl Findings {
    /// Takes a request that arrived at `at`.
    pub(super) fn take(&mut self, book: &Book, at: Time, request: &ExportMetricsServiceRequest) {
        for resource in &request.resource_metrics {
            let names = resource.resource.as_ref().map(|resource| attributes(&resource.attributes));
            let names = names.unwrap_or_default();
            let metrics = resource.scope_metrics.iter().flat_map(|scope| &scope.metrics);
            for metric in metrics {
                if metric.name.starts_with(OWN_PREFIX) {
                    self.take_own(metric);
                } else if PREFIXES.iter().any(|prefix| metric.name.starts_with(prefix)) {
                    let identity = identity(&names);
                    for point in points(metric) {
                        self.take_point(book, at, &identity, &names, metric, point);
                    }
                }
            }
        }
    }

    fn take_own(&mut self, metric: &Metric) {
        for point in points(metric).iter().filter(|_| metric.name == OBJECTS) {
            let state = attributes(&point.attributes).remove("state").unwrap_or_default();
            self.objects.insert(state, (point.time_unix_nano, whole(point)));
        }
    }

    fn take_point(
        &mut self,
        book: &Book,
        at: Time,
        identity: &Identity,
        names: &Attributes,
        metric: &Metric,
        point: &NumberDataPoint,
    ) {
        let own = attributes(&point.attributes);
        let mut hasher = DefaultHasher::new();
        (names, &metric.name, &own).hash(&mut hasher);
        let series = self.series.entry(hasher.finish()).or_default();
        if point.flags & NO_RECORDED_VALUE != 0 {
            series.ends += 1;
            return;
        }
        series.revived |= series.ends > 0;
        self.samples += 1;
        let time = point.time_unix_nano;
        let Some((life, is_nameless)) = book.find(identity, time) else {
            return self.object(metric, names, "nothing has these names");
        };
        if life.from > at || life.to.is_some_and(|to| to < time) {
            return self.object(metric, names, &format!("at {time}, which is not within {life:?}"));
        }
        let expected = figure(&metric.name, &own, life.number);
        if expected.is_some_and(|expected| expected != whole(point)) {
            return self.object(metric, names, &format!("{} and not {expected:?}", whole(point)));
        }
        self.nameless += u64::from(is_nameless);
        if !is_nameless && !self.seen.contains(identity) {
            self.seen.insert(identity.clone());
        }
    }

    /// Notes a wrong sample.
    fn object(&mut self, metric: &Metric, names: &Attributes, why: &str) {
        self.wrong += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(format!("{} of {names:?}: {why}", metric.name));
        }
    }

    /// Values that were sent.
    pub(super) const fn samples(&self) -> u64 {
        self.samples
    }

    /// Those of them whose names or figures are another's, or nobody's.
    pub(super) const fn wrong(&self) -> u64 {
        self.wrong
    }

    /// Samples of pods that nothing had named yet.
    pub(super) const fn nameless(&self) -> u64 {
        self.nameless
    }

    /// The first of the wrong ones.
    pub(super) fn examples(&self) -> impl Iterator<Item = &String> {
        self.examples.iter()
    }

    /// Pods and containers that were reported.
    pub(super) fn seen(&self) -> usize {
        self.seen.len()
    }

    /// Series that there ever were.
    pub(super) fn series(&self) -> usize {
        self.series.len()
    }

    /// Series that have not ended.
    pub(super) fn living(&self) -> usize {
        self.series.values().filter(|series| series.ends == 0).count()
    }

    /// Series that did not end, or more than once.
    pub(super) fn not_ended_once(&self) -> usize {
        self.series.values().filter(|series| series.ends != 1).count()
    }

    /// Series that had values after their end.
    pub(super) fn revived(&self) -> usize {
        self.series.values().filter(|series| series.revived).count()
    }

    /// How many objects the agent says it knows, of whatever state; none before it has said so.
    pub(super) fn objects(&self) -> Option<i64> {
        let newest = self.objects.values().map(|(time, _)| *time).max()?;
        Some(self.objects.values().filter(|(time, _)| *time == newest).map(|(_, objects)| objects).sum())
    }
}

/// Whose resource it is.
fn identity(names: &Attributes) -> Identity {
    let text = |key: &str| names.get(key).cloned().unwrap_or_default();
    let is_container = names.contains_key("k8s.container.name") || names.contains_key("container.id");
    Identity {
        uid: text("k8s.pod.uid"),
        pod: format!("{}/{}", text("k8s.namespace.name"), text("k8s.pod.name")),
        container: is_container.then(|| (text("k8s.container.name"), text("container.id"))),
    }
}

/// What a metric has to say of the object of this number, where it tells objects apart.
fn figure(metric: &str, own: &Attributes, number: u64) -> Option<i64> {
    let number = i64::try_from(number).ok()?;
    match metric {
        "container.memory.usage" | "k8s.pod.memory.usage" => number.checked_mul(4096),
        "k8s.pod.network.io" if own.get("direction").is_some_and(|direction| direction == "receive") => {
            number.checked_mul(1000)
        }
        _ => None,
    }
}

fn points(metric: &Metric) -> &[NumberDataPoint] {
    match &metric.data {
        Some(Data::Gauge(gauge)) => &gauge.data_points,
        Some(Data::Sum(sum)) => &sum.data_points,
        _ => &[],
    }
}

/// The value of a point of whole things.
const fn whole(point: &NumberDataPoint) -> i64 {
    match point.value {
        Some(number_data_point::Value::AsInt(value)) => value,
        _ => -1,
    }
}

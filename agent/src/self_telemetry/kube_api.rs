//! What the agent says of its budget: from the informer's report to points in OTLP.
//!
//! The points are a pure function of the report and of what is counted here beside it: usage of the budget and
//! freshness, both pure as well. They are encoded by the exporter and go out with the request of the SDK, because the SDK
//! can neither begin a sum before the process did nor be told a start time. Nothing is published before the first report.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use exporter::model::{Attribute, Scope, Timestamp};
use exporter::segment::Segment;
use shared_informer::clock::{Now, Wall};
use shared_informer::derive::Kubelet;
use shared_informer::distress::State;
use shared_informer::freshness::{Freshness, Standing, TICK, WATCH_LIMIT};
use shared_informer::informer::report::Report;
use shared_informer::usage::{Allowance, Totals, Usage};

mod points;

use points::{Point, Since, Value};

const SCOPE: Scope = Scope { name: "tare.kube_api", version: env!("CARGO_PKG_VERSION") };

/// The kubelet as its reader last saw it.
#[derive(Debug, Clone, Copy)]
pub struct Scraped {
    /// How it is to be scraped.
    pub kubelet: Kubelet,
    /// How long ago a scrape was last answered with 200; none if none was in this life.
    pub last_success: Option<std::time::Duration>,
}

/// Where the informer's shell reports to. Cheap to clone; all clones are the same.
#[derive(Debug, Clone)]
pub struct KubeApi {
    resource: Arc<[(String, String)]>,
    state: Arc<Mutex<Option<Observed>>>,
}

/// Everything that is published.
#[derive(Debug)]
struct Observed {
    report: Report,
    /// When this life began to report.
    began: Wall,
    usage: Usage,
    freshness: Freshness,
    /// Requests that were only imagined: they are in the report's counts and no use of the budget.
    imagined: u64,
}

/// One `resource_metrics` field or more, and the points in it.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    pub(super) bytes: Bytes,
    pub(super) points: u64,
}

impl KubeApi {
    /// Reports on a resource with these attributes.
    pub fn new(resource: &[(String, String)]) -> Self {
        Self { resource: resource.into(), state: Arc::default() }
    }

    /// Takes the informer's report of `now`. To be called at least every 10 s, and when something has changed that people
    /// look at.
    pub fn observe(&self, now: Now, report: Report, scraped: &Scraped) {
        let mut state = self.lock();
        match state.as_mut() {
            Some(observed) => observed.observe(now, report, scraped),
            None => *state = Some(Observed::new(now, report, scraped)),
        }
    }

    /// Nobody reports any more, or another informer is about to: there are no points until the next report, which begins
    /// its sums anew.
    pub fn forget(&self) {
        *self.lock() = None;
    }

    /// The points as of the last report, at `time`.
    pub(super) fn encode(&self, time: Timestamp) -> Encoded {
        let state = self.lock();
        let Some(observed) = state.as_ref() else { return Encoded::default() };
        let points = points::of(&observed.report, &observed.usage, &observed.freshness);
        encode(&self.resource, &points, observed.began, observed.report.since, time)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Observed>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observed {
    fn new(now: Now, report: Report, scraped: &Scraped) -> Self {
        let freshness = Freshness::new(now.mono);
        let usage = Usage::new();
        let mut observed = Self { report: report.clone(), began: now.wall, usage, freshness, imagined: 0 };
        observed.observe(now, report, scraped);
        observed
    }

    fn observe(&mut self, now: Now, report: Report, scraped: &Scraped) {
        let new = report.requests.total().saturating_sub(self.report.requests.total());
        self.imagined += if report.dry_run { new } else { 0 };
        let requests = report.requests.total().saturating_sub(self.imagined);
        let allowance = Allowance::of(&report.in_force, report.nodes_used, &report.derived, &scraped.kubelet);
        self.usage.observe(now.mono, Totals { requests, list_bytes: report.list_bytes }, &allowance);
        self.freshness.observe(now.mono, watch(&report), kubelet(&report, scraped));
        self.report = report;
    }
}

fn watch(report: &Report) -> Standing {
    match report.staleness {
        Some(age) if is_asking(report) => Standing::Seen { age, limit: WATCH_LIMIT },
        _ => Standing::Blind,
    }
}

/// Scrapes that cause no reviews go on while the budget is paused.
fn kubelet(report: &Report, scraped: &Scraped) -> Standing {
    let Some(period) = report.derived.kubelet_period else { return Standing::Unwanted };
    let goes_on = is_asking(report) || (scraped.kubelet.reviews() == 0 && !report.dry_run);
    match scraped.last_success {
        Some(age) if goes_on => Standing::Seen { age, limit: period.saturating_add(TICK) },
        _ => Standing::Blind,
    }
}

fn is_asking(report: &Report) -> bool {
    !report.dry_run && !matches!(report.state, State::Paused | State::Off)
}

/// Sums of all lives and sums of this one have different beginnings, and so segments of their own.
fn encode(
    resource: &[(String, String)],
    points: &[Point],
    began: Wall,
    since: Wall,
    time: Timestamp,
) -> Encoded {
    let resource: Vec<_> = resource.iter().map(|(key, value)| Attribute::str(key, value)).collect();
    let mut all = Vec::new();
    let mut count = 0;
    for (which, start) in [(Since::FirstLife, since), (Since::ThisLife, began)] {
        let mut segment = Segment::new(&resource, SCOPE, timestamp(start));
        segment.begin(time);
        for point in points.iter().filter(|point| point.since == which) {
            let attributes: Vec<_> =
                point.attributes.iter().map(|(key, value)| Attribute::str(key, value)).collect();
            let id = segment.series(&point.row.metric, &attributes);
            match point.value {
                Value::Int(value) => segment.set_u64(id, value),
                Value::Double(value) => segment.set_double(id, value),
            }
        }
        segment.finish();
        count += segment.points() as u64;
        segment.append_to(&mut all);
    }
    Encoded { bytes: all.into(), points: count }
}

fn timestamp(wall: Wall) -> Timestamp {
    Timestamp(u64::try_from(wall.since_origin().as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
pub(super) mod tests;

//! The bill before anything is installed, as data: `tare.plan/v1`. What prints it is elsewhere.
//!
//! Everything follows from [`crate::derive`] and from measured constants, each with its source; what was assumed is part
//! of the plan. Rates are requests (or reviews) per second, times seconds, sizes bytes.

use std::time::Duration;

use serde::Serialize;

use crate::activation::{SMALLEST, Steps};
use crate::declaration::{Cluster, Declaration, MAX_NODES};
use crate::derive::{BREACH, DeriveError, Derived, Fleet, Kubelet, REQUESTS_PER_TURN, derive, one_list};
use crate::reviews::{ALLOW_TTL, TOKEN_TTL};
use crate::size::{Reading, Size};
use crate::turns::{LATE, LENGTH, SETTLE};

mod ambient;
mod others;
mod worst;

pub use ambient::{Ambient, KubeletBaseline};
pub use others::Collector;
pub use worst::{BeforeSize, Bytes, WorstBytes, WorstRequests};

/// The schema's name.
pub const SCHEMA: &str = "tare.plan/v1";

/// What the server spends on one request of each kind, seconds of CPU, measured on kube-apiserver 1.36.3 with 20,000 pods.
pub mod server_cpu {
    /// GET of the DaemonSet from the watch cache.
    pub const SIZE: f64 = 0.000_6;
    /// LIST of one node's pods from the watch cache.
    pub const LIST: f64 = 0.002;
    /// WATCH from a version, a new connection included.
    pub const WATCH: f64 = 0.002_5;
    /// WATCH with initial events, for each pod of the cluster: it walks them all.
    pub const INITIAL_PER_POD: f64 = 0.000_001_4;
    /// WATCH of the ReplicaSets' metadata with initial events, for each of them.
    pub const INITIAL_PER_REPLICA_SET: f64 = 0.000_08;
}

/// What is to be planned for.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The ceiling.
    pub declaration: Declaration,
    /// What is known of the cluster.
    pub cluster: Cluster,
    /// The true number of nodes.
    pub nodes: u32,
    /// The body of one LIST, if it is known.
    pub list_bytes: Option<u64>,
    /// The scrapes of the kubelet.
    pub kubelet: Kubelet,
    /// The steps of the installation.
    pub steps: Steps,
}

/// The bill.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The true number of nodes.
    pub nodes: u32,
    /// N used: what the agents divide the budget by once they have asked.
    pub nodes_used: u32,
    /// What was declared.
    pub declared: Declaration,
    /// What follows from it.
    pub derived: DerivedSeconds,
    /// The mean, when everything is in sync and healthy.
    pub steady: Steady,
    /// The worst window of requests.
    pub worst_10s: WorstRequests,
    /// The worst window of LIST bytes.
    pub worst_60s: WorstBytes,
    /// What tare reads of the API server, whenever it does.
    pub bytes: Bytes,
    /// All nodes at once, as at installation, until each knows the cluster's size; null where the operator states it.
    pub before_size: Option<BeforeSize>,
    /// What the DaemonSet costs by existing.
    pub ambient: Ambient,
    /// What the kubelets cost without tare.
    pub kubelets: KubeletBaseline,
    /// tare in the columns of the next.
    pub tare: Collector,
    /// What other ways to collect the same cost.
    pub others: Vec<Collector>,
    /// After a cold start of all nodes at once, the time until the last one has its pods.
    pub sync_s: f64,
    /// Everything that is taken for granted above.
    pub assumptions: Vec<String>,
}

/// The periods, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DerivedSeconds {
    /// T.
    pub turn_period_s: u64,
    /// L.
    pub watch_lifetime_s: u64,
    /// The distance of two size probes.
    pub probe_period_s: u64,
    /// The distance of two scrapes of the kubelet; null where it is not scraped.
    pub kubelet_period_s: Option<u64>,
    /// The distance of two probes while reviews fail; null where none are caused.
    pub kubelet_probe_period_s: Option<u64>,
}

/// The steady state.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Steady {
    /// Of one agent.
    pub agent: Rates,
    /// Of all agents together.
    pub cluster: Rates,
}

/// Rates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rates {
    /// What is sent, and what it causes: both of the next two.
    pub requests_per_second: f64,
    /// Renewals of the watch and size probes.
    pub own_requests_per_second: f64,
    /// TokenReviews and SubjectAccessReviews, after the kubelet's caches.
    pub hidden_reviews_per_second: f64,
    /// CPU of the API server for tare's own requests, cores.
    pub server_cpu: f64,
}

impl Plan {
    /// The bill for this question.
    ///
    /// # Errors
    /// The declaration cannot work for so many nodes.
    pub fn new(question: &Question) -> Result<Self, DeriveError> {
        let Question { declaration, cluster, kubelet, list_bytes, .. } = question;
        let nodes = question.nodes.clamp(1, MAX_NODES);
        let mut size = Size::new(*cluster, None);
        let unknown = size.used();
        let known = size.is_known();
        size.probed(Reading { desired: nodes, observed_generation: 0, generation: 0 });
        let nodes_used = size.used();
        let fleet = Fleet { nodes: nodes_used, list_bytes: *list_bytes, kubelet: *kubelet };
        let derived = derive(declaration, &fleet)?;
        let before =
            if known { None } else { Some(derive(declaration, &Fleet { nodes: unknown, ..fleet })?) };
        let steady = steady(&derived, kubelet, nodes);
        let worst_10s = worst::worst_requests(declaration, &derived, kubelet, nodes);
        let sync = sync_time(before.as_ref(), &derived, &question.steps, nodes);
        Ok(Self {
            schema: SCHEMA,
            nodes,
            nodes_used,
            declared: *declaration,
            derived: derived.into(),
            steady,
            worst_10s,
            worst_60s: worst::worst_bytes(declaration, &derived, &fleet, nodes),
            bytes: Bytes::of(&fleet, nodes),
            before_size: before.map(|derived| worst::before_size(&derived, unknown, kubelet, nodes)),
            ambient: Ambient::of(nodes),
            kubelets: KubeletBaseline::of(nodes),
            tare: others::tare(nodes, &steady, &worst_10s, one_list(&fleet)),
            others: others::all(nodes, one_list(&fleet)),
            sync_s: sync.as_secs_f64(),
            assumptions: assumptions(question, nodes_used, unknown, known),
        })
    }
}

impl From<Derived> for DerivedSeconds {
    fn from(derived: Derived) -> Self {
        Self {
            turn_period_s: derived.turn_period.as_secs(),
            watch_lifetime_s: derived.watch_lifetime.as_secs(),
            probe_period_s: derived.probe_period.as_secs(),
            kubelet_period_s: derived.kubelet_period.map(|period| period.as_secs()),
            kubelet_probe_period_s: derived.kubelet_probe_period.map(|period| period.as_secs()),
        }
    }
}

fn steady(derived: &Derived, kubelet: &Kubelet, nodes: u32) -> Steady {
    let renewal = derived.renewal().as_secs_f64();
    let own = f64::from(REQUESTS_PER_TURN) / renewal;
    let hidden = derived.kubelet_period.map_or(0.0, |period| {
        let token = f64::from(kubelet.access.token_reviews()) / between_misses(period, TOKEN_TTL);
        let access = f64::from(kubelet.access.access_reviews() * kubelet.subresources);
        token + access / between_misses(period, ALLOW_TTL)
    });
    let agent = Rates {
        requests_per_second: own + hidden,
        own_requests_per_second: own,
        hidden_reviews_per_second: hidden,
        server_cpu: (server_cpu::WATCH + server_cpu::SIZE) / renewal,
    };
    let times = f64::from(nodes);
    let cluster = Rates {
        requests_per_second: agent.requests_per_second * times,
        own_requests_per_second: agent.own_requests_per_second * times,
        hidden_reviews_per_second: agent.hidden_reviews_per_second * times,
        server_cpu: agent.server_cpu * times,
    };
    Steady { agent, cluster }
}

/// The time between two scrapes that find their cache entry gone, seconds.
fn between_misses(period: Duration, ttl: Duration) -> f64 {
    let period = period.as_secs_f64();
    (ttl.as_secs_f64() / period).ceil().max(1.0) * period
}

/// The longest way to the first LIST: the guard fills for half a period, the next turn brings the size, the node's step
/// comes, and the turn after that brings LIST and WATCH.
fn sync_time(before: Option<&Derived>, derived: &Derived, steps: &Steps, nodes: u32) -> Duration {
    let first_turn = |period: Duration| SETTLE.max(period / 2) + period + LATE + LENGTH;
    let Some(before) = before else {
        // The size is vouched for: LIST and WATCH are two requests, for which the guard fills once.
        return derived.turn_period * 2 + LATE + LENGTH;
    };
    let probed = first_turn(before.turn_period);
    let step = if nodes < SMALLEST { Duration::ZERO } else { steps.longest() };
    probed.max(step) + derived.turn_period * 2 + LATE + LENGTH
}

fn assumptions(question: &Question, nodes_used: u32, unknown: u32, known: bool) -> Vec<String> {
    let mut list = vec![
        format!("node names are distinct and there are at most {nodes_used} nodes (N used: the probed number plus a quarter, or cluster.size)"),
        "each release of tare in the cluster keeps to its own share".to_owned(),
        format!("a breach of a window has a probability of at most {BREACH:e}; delays do not depend on a node's phase"),
        "Kubernetes 1.31 or newer with an initialised watch cache; CPU figures measured on 1.36.3 with 20,000 pods".to_owned(),
    ];
    if question.list_bytes.is_none() {
        list.push("a LIST is 30 pods of 12 KB, until an agent has seen its own".to_owned());
    }
    if !known {
        list.push(format!(
            "until the size is known the agents divide by {unknown} (twice cluster.hint, else cluster.assume)"
        ));
    }
    if question.kubelet.reviews() > 0 {
        list.push(
            "the kubelet caches a token for 120 s and an allowed access for 300 s, its defaults".to_owned(),
        );
        list.push(format!("a scrape reads {} subresource(s) of the kubelet", question.kubelet.subresources));
    }
    list.push("what an open watch carries follows the churn of the pods and is not in the bill; it is reported and bounded per node".to_owned());
    list
}

#[cfg(test)]
mod tests;

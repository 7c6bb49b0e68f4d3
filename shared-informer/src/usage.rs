//! What one node used of the budget, in the windows that people alert on: the value side of `tare.kube_api.budget.*`.
//!
//! Pure, and fed with running totals (of requests whose fate is known, and of LIST bytes): it needs no part in granting
//! them. What an earlier life used is in the totals and not in the windows.
//!
//! The figures, for a dimension (requests, bytes) and a window `w`; `used(w)` is what was settled within it:
//! - the *cluster's limit* is the declaration in force, per second: `B` requests, `C` bytes of LISTs, shares applied;
//! - the *node's limit* is what the rules let one node settle within `w`, as a rate:
//!   `(integral over w of rate(t) dt + at once) / w`. For requests, `rate = 2 / T + kubelet / K` (two requests a turn; the
//!   reviews of a scrape every K, or of a failing probe, whichever is more) and `at once = 2 (1 + 5 s / T) + the worst
//!   scrape`: one turn and one scrape may lie at either end of the window. For bytes, `rate = C / 2 / N` (the fair share of
//!   the half that LISTs may take) and `at once` is the largest LIST of the window;
//! - *usage* is `used(1 h) / 1 h`; the sum over all nodes is to be compared with the cluster's limit;
//! - *remaining* is the node's limit over one hour minus usage;
//! - the *burn rate* is usage over limit, both within `w`. In the scope `node` one is never passed while the rules hold: more
//!   is a fault of the agent. In the scope `cluster` it is this node's part, `used(w) / (w x B)`: summed over all nodes it is
//!   the burn rate of the cluster, and one is the ceiling.
//!
//! The rate follows every change of T, K and N from when it happens. Where N grows, the pause behind a LIST that was sent
//! before it is that of the smaller N: the burn rate of bytes may pass one for as long as that LIST is in the window.

use std::time::Duration;

use crate::clock::Mono;
use crate::counts::closed;
use crate::declaration::Declaration;
use crate::derive::{ASSUMED_LIST_BYTES, Derived, Kubelet, REQUESTS_PER_TURN};
use crate::reviews::{Access, Charge, Subresource};
use crate::turns::LENGTH;

mod window;

use window::{Amounts, Window};

closed! {
    /// What is budgeted: the attribute `dimension`.
    Dimension {
        /// Requests, hidden reviews included.
        Requests = "requests",
        /// Bytes of LISTs on the wire.
        Bytes = "bytes",
    }
}

closed! {
    /// Whose limit it is: the attribute `scope`.
    Scope {
        /// The whole cluster's: the declaration.
        Cluster = "cluster",
        /// This node's.
        Node = "node",
    }
}

closed! {
    /// How far back: the attribute `window`.
    Span {
        /// Five minutes.
        FiveMinutes = "5m",
        /// One hour.
        Hour = "1h",
        /// Six hours.
        SixHours = "6h",
    }
}

impl Span {
    /// Its length.
    pub const fn length(self) -> Duration {
        match self {
            Self::FiveMinutes => Duration::from_mins(5),
            Self::Hour => Duration::from_hours(1),
            Self::SixHours => Duration::from_hours(6),
        }
    }
}

/// What was settled since the counts began; both only grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Requests, hidden reviews included.
    pub requests: u64,
    /// Bytes of LISTs.
    pub list_bytes: u64,
}

/// What the rules let one node do, from now on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Allowance {
    /// Requests per second in the long run.
    pub requests_per_second: f64,
    /// Requests that may come on top within any window.
    pub requests_at_once: f64,
    /// LIST bytes per second in the long run.
    pub list_bytes_per_second: f64,
}

impl Allowance {
    /// The allowance of one of `nodes` (N used) under the declaration in force.
    pub fn of(in_force: &Declaration, nodes: u32, derived: &Derived, kubelet: &Kubelet) -> Self {
        let per = |cost: u32, period: Duration| f64::from(cost) / period.as_secs_f64();
        let turns = per(REQUESTS_PER_TURN, derived.turn_period);
        let scrapes = derived.kubelet_period.map_or(0.0, |period| per(kubelet.reviews(), period));
        let probes =
            derived.kubelet_probe_period.map_or(0.0, |period| per(kubelet.reviews_of_failure(), period));
        let worst_scrape = match kubelet.access {
            Access::Off | Access::ReadOnly => 0,
            // Every subresource but the last is allowed, and the last one fails in the dearest way.
            access => kubelet.reviews() + Charge::worst(access, Subresource::Pods).total(),
        };
        Self {
            requests_per_second: turns + scrapes.max(probes),
            requests_at_once: f64::from(REQUESTS_PER_TURN)
                + turns * LENGTH.as_secs_f64()
                + f64::from(worst_scrape),
            list_bytes_per_second: in_force.list_bytes() / 2.0 / f64::from(nodes.max(1)),
        }
    }
}

/// The windows of one node.
#[derive(Debug, Clone)]
pub struct Usage {
    five_minutes: Window,
    hour: Window,
    six_hours: Window,
    last: Option<(Mono, Totals)>,
}

/// One dimension at one moment; everything per second unless it is a ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// The cluster's limit.
    pub cluster_limit: f64,
    /// The node's limit over the last hour.
    pub node_limit: f64,
    /// What the node used, mean of the last hour.
    pub usage: f64,
    /// The node's limit minus usage; negative only where the rules were broken.
    pub remaining: f64,
    /// Burn rates, one for each of [`Span::ALL`], in its order.
    pub burn: [Burn; 3],
}

/// Usage over limit within one window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burn {
    /// The window.
    pub span: Span,
    /// Of the node's limit.
    pub node: f64,
    /// Of the cluster's limit: this node's part.
    pub cluster: f64,
}

impl Default for Usage {
    fn default() -> Self {
        Self::new()
    }
}

impl Usage {
    /// Nothing used yet.
    pub const fn new() -> Self {
        Self {
            five_minutes: Window::new(Span::FiveMinutes),
            hour: Window::new(Span::Hour),
            six_hours: Window::new(Span::SixHours),
            last: None,
        }
    }

    /// Takes the totals at `now` into account; `allowance` held since the last call. The first call only says where the
    /// totals stand. To be called every few seconds: what is new counts as of this moment.
    pub fn observe(&mut self, now: Mono, totals: Totals, allowance: &Allowance) {
        let Some((then, before)) = self.last.replace((now, totals)) else { return };
        let seconds = now.since(then).as_secs_f64();
        let list_bytes = totals.list_bytes.saturating_sub(before.list_bytes);
        let amounts = Amounts {
            requests: totals.requests.saturating_sub(before.requests),
            list_bytes,
            // A turn has one LIST, and turns lie further apart than observations.
            largest_list: list_bytes,
            allowed_requests: allowance.requests_per_second * seconds,
            allowed_list_bytes: allowance.list_bytes_per_second * seconds,
            requests_at_once: allowance.requests_at_once,
        };
        for window in [&mut self.five_minutes, &mut self.hour, &mut self.six_hours] {
            window.add(now, &amounts);
        }
    }

    /// The figures as of the last observation, under the declaration in force.
    pub fn reading(&self, dimension: Dimension, in_force: &Declaration) -> Reading {
        let cluster_limit = match dimension {
            Dimension::Requests => in_force.requests(),
            Dimension::Bytes => in_force.list_bytes(),
        };
        let burn = |window: &Window| {
            let (used, allowed) = used_and_allowed(&window.sum(), dimension);
            let span = window.span();
            Burn { span, node: used / allowed, cluster: used / span.length().as_secs_f64() / cluster_limit }
        };
        let (used, allowed) = used_and_allowed(&self.hour.sum(), dimension);
        let hour = Span::Hour.length().as_secs_f64();
        let (usage, node_limit) = (used / hour, allowed / hour);
        let burn = [burn(&self.five_minutes), burn(&self.hour), burn(&self.six_hours)];
        Reading { cluster_limit, node_limit, usage, remaining: node_limit - usage, burn }
    }
}

/// What was used within a window, and what could have been; the latter is never zero.
fn used_and_allowed(sum: &Amounts, dimension: Dimension) -> (f64, f64) {
    match dimension {
        Dimension::Requests => {
            let at_once = sum.requests_at_once.max(f64::from(REQUESTS_PER_TURN));
            (as_f64(sum.requests), sum.allowed_requests + at_once)
        }
        Dimension::Bytes => {
            let at_once = if sum.largest_list == 0 { ASSUMED_LIST_BYTES } else { sum.largest_list };
            (as_f64(sum.list_bytes), sum.allowed_list_bytes + as_f64(at_once))
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge: above 2^53 the last digits do not matter")]
const fn as_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests;

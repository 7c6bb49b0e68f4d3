//! From the declared ceiling B and the number of nodes N to every period: pure, so that there is nothing else to tune.
//!
//! The bound. Agent i's turns start at instants that its hashed phase makes uniform over a period T, at least T
//! apart, at most 1 s late, and send at most two requests within 5 s. A window of 10 s therefore sees at most one
//! turn of an agent once T >= 20 s, and each of its two requests with probability 10 s / T, whatever the delays,
//! as long as they do not depend on the phase. By the inequality of Cauchy and Schwarz the moment generating
//! function of the two together is at most that of a coin worth two requests, so Chernoff's bound for
//! `2 x Bin(N, 10 s / T)` holds for the sum. With T = 10 s a window can see the delayed requests of two turns of an
//! agent, and nothing is left to chance: that period is taken only if 4 N requests fit. (The same holds for scrapes.)
//!
//! The probability of a breach, 1e-9 per window, is the whole declaration's: where turns and hidden reviews each have a
//! part of B, each part gets half of it.
//!
//! Delays that do depend on the clock (every answer held back until one moment) can move what 6 s of turns have in flight
//! into one window; `plan` prints what that comes to.

use std::time::Duration;

use serde::Serialize;

use crate::chernoff::ln_tail;
use crate::declaration::{Declaration, MAX_LIST_BYTES_PER_SECOND, MAX_REQUESTS_PER_SECOND};
use crate::reviews::{ATTEMPTS, Access};
use crate::turns::{LENGTH, SHORTEST_PERIOD};

/// The window in which requests are counted.
pub const WINDOW: Duration = Duration::from_secs(10);
/// The window in which LIST bytes are counted.
pub const BYTE_WINDOW: Duration = Duration::from_mins(1);
/// The probability that a window holds more than the declaration.
pub const BREACH: f64 = 1e-9;
/// The requests of one turn, at most.
pub const REQUESTS_PER_TURN: u32 = 2;
/// The turns' part of B where scrapes cause reviews; without them it is all of B.
pub const TURNS_PART: f64 = 0.6;
/// The part of B that renewing watches may take.
pub const RENEWAL_PART: f64 = 0.05;
/// A watch is renewed no more often than this.
pub const SHORTEST_WATCH: Duration = Duration::from_mins(30);
/// A watch lives no longer than this: the longest `timeoutSeconds` that was seen accepted.
pub const LONGEST_WATCH: Duration = Duration::from_hours(24);
/// T is at most this many doublings of the shortest period (22.8 h): one own turn must lie within the life of a watch.
pub const MAX_DOUBLINGS: u32 = 13;
/// The body of a LIST that nobody has seen yet: 30 pods of 12 KB.
pub const ASSUMED_LIST_BYTES: u64 = 30 * 12_000;
/// The kubelet is scraped at least this often, or the declaration is refused.
pub const LONGEST_KUBELET_PERIOD: Duration = Duration::from_hours(24);

/// How the kubelet is to be scraped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Kubelet {
    /// The way in, which decides what is hidden behind a scrape.
    pub access: Access,
    /// The configured period, at least a second.
    pub period: Duration,
    /// How many subresources one scrape reads, at least one.
    pub subresources: u32,
}

impl Kubelet {
    /// The reviews behind one scrape that finds all caches empty.
    pub const fn reviews(&self) -> u32 {
        self.access.token_reviews() + self.access.access_reviews() * self.subresources
    }

    /// The reviews behind one probe (one request) while they fail.
    pub const fn reviews_of_failure(&self) -> u32 {
        self.access.token_reviews() + self.access.access_reviews() * ATTEMPTS
    }
}

/// Who spends the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fleet {
    /// N used: at least as many nodes as there are.
    pub nodes: u32,
    /// The body of this node's last LIST, bytes; none if there was none.
    pub list_bytes: Option<u64>,
    /// The scrapes of the kubelet.
    pub kubelet: Kubelet,
}

/// Every period that follows from a declaration and a fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Derived {
    /// T: the distance of two turns of a node; 10 s x 2^k.
    pub turn_period: Duration,
    /// L: a watch is renewed in the first own turn after this.
    pub watch_lifetime: Duration,
    /// The cluster's size is asked for again after this; it shares the turn of the renewal.
    pub probe_period: Duration,
    /// The distance of two scrapes of the kubelet; none where it is not scraped.
    pub kubelet_period: Option<Duration>,
    /// The distance of two probes of a kubelet whose reviews fail; none where no reviews are caused. A power of
    /// two times T, so that each probe lies in an own turn.
    pub kubelet_probe_period: Option<Duration>,
}

impl Derived {
    /// The distance of two renewals when nothing happens: the first own turn after L. A watch opens a moment after the instant
    /// of a turn, so that a turn exactly L later comes too early.
    pub fn renewal(&self) -> Duration {
        let whole = self.watch_lifetime.as_nanos() / self.turn_period.as_nanos().max(1);
        self.turn_period.saturating_mul(u32::try_from(whole).unwrap_or(u32::MAX).saturating_add(1))
    }
}

/// The age from which a size probe is overdue, where one is due each `every` and own turns are `turn` apart: it then gets a turn to
/// itself.
///
/// A probe that was sent alone is followed by the watch a turn later, and that is renewed at most `every` and one more turn
/// after: no renewal that comes in its time has an overdue probe, or it would lose its turn to it again and again. And the
/// turn after an overdue probe is for what it was asked for, however long the period is.
pub fn overdue(every: Duration, turn: Duration) -> Duration {
    (every * 2).max(every + turn * 2 + LENGTH)
}

/// Why nothing can be derived: the declaration cannot work for this fleet.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DeriveError {
    /// Too few requests for the watches to be renewed while they live.
    #[error(
        "requests_per_second is {declared}, but {nodes} nodes need at least {needed}: with less a node's turn comes less often than every 22.8 h, and no watch lives long enough to be renewed"
    )]
    Requests {
        /// The declared ceiling of the whole cluster.
        declared: f64,
        /// The smallest ceiling that works.
        needed: f64,
        /// N used.
        nodes: u32,
    },
    /// Too few bytes for every node to LIST once within the life of a watch.
    #[error(
        "list_bytes_per_second is {declared}, but {nodes} nodes with LISTs of {list_bytes} bytes need at least {needed}"
    )]
    ListBytes {
        /// The declared ceiling of the whole cluster.
        declared: u64,
        /// The smallest ceiling that works.
        needed: u64,
        /// N used.
        nodes: u32,
        /// The size of one LIST.
        list_bytes: u64,
    },
    /// The kubelets' own reviews alone exceed their part.
    #[error(
        "requests_per_second is {declared}, but the reviews that {nodes} kubelets send when scraped once a day need at least {needed} ({reviews} reviews for each scrape); an x509 certificate or the read-only port saves reviews"
    )]
    Reviews {
        /// The declared ceiling of the whole cluster.
        declared: f64,
        /// The smallest ceiling that works.
        needed: f64,
        /// N used.
        nodes: u32,
        /// Reviews for each scrape.
        reviews: u32,
    },
}

/// Derives every period, for a declaration that somebody writes.
///
/// # Errors
/// The declaration cannot work for this fleet; the message holds the declared number and the smallest that works.
pub fn derive(declaration: &Declaration, fleet: &Fleet) -> Result<Derived, DeriveError> {
    let (derived, given_up) = derive_what_works(declaration, fleet)?;
    given_up.map_or(Ok(derived), Err)
}

/// As [`derive()`], for an agent that runs: its cluster may have grown beyond what was declared for it. Scrapes of the kubelet
/// whose reviews do not fit their part of B are given up, and the error says why; the turns keep to their own part, since
/// other agents may scrape for a while yet.
///
/// # Errors
/// Not even the watch can work.
pub fn derive_what_works(
    declaration: &Declaration,
    fleet: &Fleet,
) -> Result<(Derived, Option<DeriveError>), DeriveError> {
    let (requests, nodes) = (declaration.requests(), fleet.nodes);
    let parts = Parts::of(&fleet.kubelet);
    let (declared, reviews) = (declaration.requests_per_second(), fleet.kubelet.reviews());
    let needed = || smallest_requests(declaration, fleet, parts);
    let by_requests = turn_doublings(requests, nodes, parts).ok_or_else(|| DeriveError::Requests {
        declared,
        needed: needed(),
        nodes,
    })?;
    let by_bytes =
        byte_doublings(declaration.list_bytes(), fleet).ok_or_else(|| bytes_error(declaration, fleet))?;
    let scraped = kubelet_period(requests, fleet, parts);
    let given_up =
        scraped.is_none().then(|| DeriveError::Reviews { declared, needed: needed(), nodes, reviews });
    let turn_period = period_of(by_requests.max(by_bytes));
    let watch_lifetime = watch_lifetime(requests, nodes);
    let kubelet_probe_period =
        (parts.reviews > 0.0 && scraped.is_some()).then(|| probe_period(requests, fleet, parts, turn_period));
    let derived = Derived {
        turn_period,
        watch_lifetime,
        probe_period: watch_lifetime,
        kubelet_period: scraped.flatten(),
        kubelet_probe_period,
    };
    Ok((derived, given_up))
}

/// The smallest `requests_per_second` with which the turns and the reviews fit, rounded up to hundredths.
fn smallest_requests(declaration: &Declaration, fleet: &Fleet, parts: Parts) -> f64 {
    let works = |total: f64| {
        let requests = total * declaration.share();
        turn_doublings(requests, fleet.nodes, parts).is_some()
            && kubelet_period(requests, fleet, parts).is_some()
    };
    let highest = MAX_REQUESTS_PER_SECOND / declaration.share();
    (smallest(declaration.requests_per_second(), highest, works) * 100.0).ceil() / 100.0
}

/// How B is divided, and how unlikely a breach of one part has to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts {
    pub(crate) turns: f64,
    pub(crate) reviews: f64,
    pub(crate) ln_breach: f64,
}

impl Parts {
    pub(crate) fn of(kubelet: &Kubelet) -> Self {
        if kubelet.reviews() == 0 {
            Self { turns: 1.0, reviews: 0.0, ln_breach: BREACH.ln() }
        } else {
            Self { turns: TURNS_PART, reviews: 1.0 - TURNS_PART, ln_breach: (BREACH / 2.0).ln() }
        }
    }
}

/// The period after this many doublings.
pub(crate) const fn period_of(doublings: u32) -> Duration {
    SHORTEST_PERIOD.saturating_mul(1 << doublings)
}

/// N / (5 % of B), between half an hour and a day.
fn watch_lifetime(requests: f64, nodes: u32) -> Duration {
    let seconds = f64::from(nodes) / (RENEWAL_PART * requests);
    Duration::try_from_secs_f64(seconds.ceil()).unwrap_or(LONGEST_WATCH).clamp(SHORTEST_WATCH, LONGEST_WATCH)
}

/// The fewest doublings with which the turns' requests stay within their part of B.
fn turn_doublings(requests: f64, nodes: u32, parts: Parts) -> Option<u32> {
    let limit = count(requests * parts.turns * WINDOW.as_secs_f64());
    (0..=MAX_DOUBLINGS)
        .find(|doublings| events_fit(nodes, REQUESTS_PER_TURN, period_of(*doublings), limit, parts))
}

/// Whether events of at most `cost` requests each, once per `period` and node, stay within `limit` in a window.
fn events_fit(nodes: u32, cost: u32, period: Duration, limit: u32, parts: Parts) -> bool {
    let starts = starts_within(WINDOW + LENGTH, period);
    if starts > 1 {
        return u64::from(nodes) * u64::from(cost) * starts <= u64::from(limit);
    }
    let chance = WINDOW.as_secs_f64() / period.as_secs_f64();
    cost <= limit && ln_tail(nodes, chance, limit / cost + 1) <= parts.ln_breach
}

/// How many starts at least `period` apart an open interval of length `span` can hold.
pub(crate) fn starts_within(span: Duration, period: Duration) -> u64 {
    u64::try_from(span.as_millis().div_ceil(period.as_millis().max(1))).unwrap_or(u64::MAX)
}

/// The fewest doublings with which the fleet's LISTs fit half of the byte ceiling on average, and all of it in any window.
fn byte_doublings(list_bytes_per_second: f64, fleet: &Fleet) -> Option<u32> {
    (0..=MAX_DOUBLINGS).find(|doublings| lists_fit(list_bytes_per_second, fleet, period_of(*doublings)))
}

fn lists_fit(list_bytes_per_second: f64, fleet: &Fleet, period: Duration) -> bool {
    let one = one_list(fleet);
    if f64::from(fleet.nodes) * one / period.as_secs_f64() > list_bytes_per_second / 2.0 {
        return false;
    }
    let limit = count(list_bytes_per_second * BYTE_WINDOW.as_secs_f64() / one);
    let starts = starts_within(BYTE_WINDOW + LENGTH, period);
    if starts > 1 {
        return u64::from(fleet.nodes) * starts <= u64::from(limit);
    }
    let chance = BYTE_WINDOW.as_secs_f64() / period.as_secs_f64();
    limit > 0 && ln_tail(fleet.nodes, chance, limit + 1) <= BREACH.ln()
}

/// The bytes of one LIST, as a float: sizes are far below 2^53.
pub(crate) fn one_list(fleet: &Fleet) -> f64 {
    let bytes = fleet.list_bytes.unwrap_or(ASSUMED_LIST_BYTES).clamp(1, MAX_LIST_BYTES_PER_SECOND);
    #[expect(clippy::cast_precision_loss, reason = "at most 2^40")]
    let bytes = bytes as f64;
    bytes
}

fn bytes_error(declaration: &Declaration, fleet: &Fleet) -> DeriveError {
    let works = |total: f64| byte_doublings(total * declaration.share(), fleet).is_some();
    let needed = smallest(1.0, 1e18, works).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 1e18")]
    let needed = needed as u64;
    let list_bytes = fleet.list_bytes.unwrap_or(ASSUMED_LIST_BYTES);
    DeriveError::ListBytes {
        declared: declaration.list_bytes_per_second(),
        needed,
        nodes: fleet.nodes,
        list_bytes,
    }
}

/// The shortest period, in whole seconds and not below the configured one, with which the reviews fit their part. The
/// inner none is "not scraped"; the outer one is "there is none".
#[expect(clippy::option_option, reason = "the two answers are different ones, and it is private")]
fn kubelet_period(requests: f64, fleet: &Fleet, parts: Parts) -> Option<Option<Duration>> {
    let (kubelet, cost) = (&fleet.kubelet, fleet.kubelet.reviews());
    if kubelet.access == Access::Off {
        return Some(None);
    }
    if cost == 0 {
        return Some(Some(kubelet.period));
    }
    let limit = count(requests * parts.reviews * WINDOW.as_secs_f64());
    let fits = |seconds: u64| events_fit(fleet.nodes, cost, Duration::from_secs(seconds), limit, parts);
    let mut low = kubelet.period.as_secs() + u64::from(kubelet.period.subsec_nanos() > 0);
    let mut high = LONGEST_KUBELET_PERIOD.as_secs().max(low);
    if fits(low) {
        return Some(Some(kubelet.period));
    }
    if !fits(high) {
        return None;
    }
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if fits(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(Some(Duration::from_secs(high)))
}

/// The shortest multiple 2^k of T at which every kubelet may be probed while its reviews fail.
fn probe_period(requests: f64, fleet: &Fleet, parts: Parts, turn_period: Duration) -> Duration {
    let limit = count(requests * parts.reviews * WINDOW.as_secs_f64());
    let cost = fleet.kubelet.reviews_of_failure();
    // Twenty doublings of T are more than three months: whoever gets there does not scrape this kubelet again.
    (0..20)
        .map(|doublings| turn_period.saturating_mul(1 << doublings))
        .find(|period| events_fit(fleet.nodes, cost, *period, limit, parts))
        .unwrap_or(Duration::MAX)
}

/// A non-negative number rounded down to a count, with room for the last bit of a multiplication.
pub(crate) fn count(number: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the range of u32"
    )]
    let count = (number + 1e-9).clamp(0.0, f64::from(u32::MAX)) as u32;
    count
}

/// The smallest number between `low` and `high` that works, within one part in 10^9; `works` is monotone.
fn smallest(mut low: f64, mut high: f64, works: impl Fn(f64) -> bool) -> f64 {
    while high - low > high * 1e-9 {
        let middle = if high > 4.0 * low { (low * high).sqrt() } else { f64::midpoint(low, high) };
        if works(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests;

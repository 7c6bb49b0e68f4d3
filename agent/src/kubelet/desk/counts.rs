//! What a reader has asked and what came of it, under closed sets of names.

use std::collections::BTreeMap;

use shared_informer::reviews::{Answer, Subresource};

use crate::kubelet::client::{Exchange, Trouble};

/// What became of a request: the attribute `status` of `tare.kubelet.requests`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// 200 and the whole answer.
    Ok,
    /// 200, and an answer of which nothing can be used or that broke off.
    Unusable,
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// A redirect.
    Redirect,
    /// Any other 4xx.
    ClientError,
    /// 5xx.
    ServerError,
    /// Nobody was there, or one of both did not trust the other: nothing was sent.
    Unsent,
    /// No answer, or none in time.
    None,
}

impl Outcome {
    fn of(exchange: &Exchange) -> Self {
        match (exchange.answer, &exchange.result) {
            (_, Ok(())) => Self::Ok,
            (_, Err(Trouble::Status { code: 401, .. })) => Self::Unauthorized,
            (_, Err(Trouble::Status { code: 403, .. })) => Self::Forbidden,
            (_, Err(Trouble::Status { code: 300..=399, .. })) => Self::Redirect,
            (_, Err(Trouble::Status { code: 400..=499, .. })) => Self::ClientError,
            (_, Err(Trouble::Status { .. })) => Self::ServerError,
            (Answer::Status { .. }, Err(_)) => Self::Unusable,
            (Answer::Refused, Err(_)) => Self::Unsent,
            (Answer::None, Err(_)) => Self::None,
        }
    }

    /// The metric attribute's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "200",
            Self::Unusable => "unusable",
            Self::Unauthorized => "401",
            Self::Forbidden => "403",
            Self::Redirect => "redirect",
            Self::ClientError => "4xx",
            Self::ServerError => "5xx",
            Self::Unsent => "unsent",
            Self::None => "none",
        }
    }
}

/// Sums since the agent began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests, by what was asked and what came of it.
    pub requests: BTreeMap<(Subresource, Outcome), u64>,
    /// Bytes of answers.
    pub bytes: BTreeMap<Subresource, u64>,
    /// What was left out of answers, by what and why.
    pub refused: BTreeMap<(&'static str, &'static str), u64>,
    /// Slots in which nothing was asked because a file cannot be used.
    pub unasked: u64,
    /// Slots that found the reader busy.
    pub dropped: u64,
}

impl Counts {
    pub(super) fn add(&mut self, subresource: Subresource, exchange: &Exchange) {
        *self.requests.entry((subresource, Outcome::of(exchange))).or_default() += 1;
        *self.bytes.entry(subresource).or_default() += exchange.bytes;
    }
}

/// The name of a subresource, as the metric attribute has it.
pub const fn name(subresource: Subresource) -> &'static str {
    match subresource {
        Subresource::Stats => "stats",
        Subresource::Metrics => "metrics",
        Subresource::Pods => "pods",
    }
}

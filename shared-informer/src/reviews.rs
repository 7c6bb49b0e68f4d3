//! The hidden bill: the reviews that a kubelet sends to the API server because somebody scraped it.
//!
//! A model of the kubelet's two webhook caches, from the agent's side. Up to any time it has charged at least what the
//! kubelet can have asked: when exactly the kubelet looked is not known, so an entry is taken to begin when the scrape was
//! sent and to be looked for when the answer was there. The model's n-th miss is then never later than the kubelet's.
//! What cannot be told apart is charged as the dearer case. What it cannot see is a kubelet that restarted and lost its
//! caches: [`ReviewCache::forget`] is for a connection that was lost.
//!
//! Confirmed on kubelet 1.36: a good token and a refused one 120 s, an allowed access 300 s, a denied one 30 s; a
//! review that failed is not kept and is tried five times within one scrape, the second time after 500 ms.

use std::time::Duration;

use serde::Serialize;

use crate::clock::Mono;

/// How long the kubelet believes a token.
pub const TOKEN_TTL: Duration = Duration::from_mins(2);
/// How long it remembers that an access is allowed.
pub const ALLOW_TTL: Duration = Duration::from_mins(5);
/// How long it remembers that an access is denied.
pub const DENY_TTL: Duration = Duration::from_secs(30);
/// How often it tries a review that fails.
pub const ATTEMPTS: u32 = 5;
/// An answer that came sooner than this cannot contain a second attempt.
pub const FIRST_RETRY: Duration = Duration::from_millis(500);

/// How the kubelet is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// A service account's token: the kubelet asks who that is, and what it may do.
    Token,
    /// An x509 client certificate: the kubelet asks only what it may do.
    X509,
    /// The port without authentication: nothing is asked.
    ReadOnly,
    /// The kubelet is not scraped.
    Off,
}

impl Access {
    /// TokenReviews caused by one scrape that finds no cache entry.
    pub const fn token_reviews(self) -> u32 {
        match self {
            Self::Token => 1,
            Self::X509 | Self::ReadOnly | Self::Off => 0,
        }
    }

    /// SubjectAccessReviews caused by one request for a subresource that finds no cache entry.
    pub const fn access_reviews(self) -> u32 {
        match self {
            Self::Token | Self::X509 => 1,
            Self::ReadOnly | Self::Off => 0,
        }
    }
}

/// What of the kubelet is read, as the `nodes/...` subresource that must be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Subresource {
    /// `/stats/summary`.
    Stats,
    /// `/metrics/*`.
    Metrics,
    /// `/pods` (1.33 and newer). If it is not granted, the kubelet asks once more, for `nodes/proxy`.
    Pods,
}

impl Subresource {
    /// SubjectAccessReviews until the kubelet has made up its mind that the answer is no.
    const fn to_deny(self) -> u32 {
        match self {
            Self::Stats | Self::Metrics => 1,
            Self::Pods => 2,
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Stats => 0,
            Self::Metrics => 1,
            Self::Pods => 2,
        }
    }
}

/// Reviews, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Charge {
    /// TokenReviews.
    pub token_reviews: u32,
    /// SubjectAccessReviews.
    pub access_reviews: u32,
}

impl Charge {
    /// The most that one request to the kubelet can cause.
    pub const fn worst(access: Access, subresource: Subresource) -> Self {
        Self {
            token_reviews: access.token_reviews() * ATTEMPTS,
            access_reviews: access.access_reviews() * ATTEMPTS * subresource.to_deny(),
        }
    }

    /// Both kinds together.
    pub const fn total(self) -> u32 {
        self.token_reviews + self.access_reviews
    }
}

/// What one request to the kubelet came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// An HTTP status, and how long it took.
    Status {
        /// The status code.
        code: u16,
        /// From sending to the response's header.
        after: Duration,
    },
    /// The connection was refused: no kubelet was there to ask for a review.
    Refused,
    /// Nothing in time, or a connection that broke: anything may have been asked.
    None,
}

/// What this node's kubelet is believed to remember.
#[derive(Debug, Clone, Default)]
pub struct ReviewCache {
    token_until: Option<Mono>,
    access: [Option<Decision>; 3],
}

/// A decision about an access that the kubelet remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Decision {
    until: Mono,
    allowed: bool,
}

impl ReviewCache {
    /// Nothing is remembered.
    pub const fn new() -> Self {
        Self { token_until: None, access: [None; 3] }
    }

    /// What a request that the kubelet handles at `now` causes if all goes well.
    pub fn expected(&self, now: Mono, access: Access, subresource: Subresource) -> Charge {
        let remembered = self.decision(now, subresource).is_some();
        let known = self.token_until.is_some_and(|until| now < until);
        Charge {
            token_reviews: access.token_reviews() * u32::from(!known),
            access_reviews: access.access_reviews() * u32::from(!remembered),
        }
    }

    fn decision(&self, now: Mono, subresource: Subresource) -> Option<Decision> {
        self.access[subresource.index()].filter(|decision| now < decision.until)
    }

    /// What a request sent at `sent` has caused at most, given its answer; the cache is brought up to date.
    pub fn settle(&mut self, sent: Mono, access: Access, subresource: Subresource, answer: Answer) -> Charge {
        let worst = Charge::worst(access, subresource);
        let (code, after) = match answer {
            Answer::Status { code, after } => (code, after),
            Answer::Refused => return Charge::default(),
            Answer::None => {
                self.forget();
                return worst;
            }
        };
        if code == 401 {
            // Whether the token was refused or the review failed cannot be seen: the dearer case.
            self.token_until = None;
            return Charge { access_reviews: 0, ..worst };
        }
        let answered = sent.plus(after);
        let missed = self.expected(answered, access, subresource);
        if missed.token_reviews > 0 {
            self.token_until = Some(sent.plus(TOKEN_TTL));
        }
        let access_reviews = self.settle_access(sent, answered, access, subresource, code);
        // A slow answer can hide attempts of a review that this cache expected a little earlier.
        if after < FIRST_RETRY { Charge { access_reviews, ..missed } } else { worst }
    }

    fn settle_access(
        &mut self,
        sent: Mono,
        answered: Mono,
        access: Access,
        subresource: Subresource,
        code: u16,
    ) -> u32 {
        let known = self.decision(answered, subresource).map(|decision| decision.allowed);
        let (decision, charge) = match code {
            200..=299 if known == Some(true) => return 0,
            403 if known == Some(false) => return 0,
            200..=299 => (Some(Decision { until: sent.plus(ALLOW_TTL), allowed: true }), 1),
            403 => (Some(Decision { until: sent.plus(DENY_TTL), allowed: false }), subresource.to_deny()),
            _ => (None, ATTEMPTS * subresource.to_deny()),
        };
        self.access[subresource.index()] = decision;
        access.access_reviews() * charge
    }

    /// The kubelet may have restarted, or the credential is a new one: nothing is remembered.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests;
